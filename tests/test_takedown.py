"""Takedown: every place of an item is found, and what was named never comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.building import index
from audit.errors import UsageError
from audit.parts import Parts
from audit.shards import expand
from curation.cli import main
from curation.decisions import Decisions, decide
from curation.filtering import choose, write
from curation.takedown import advice, read_list, trace
from curation.tombstones import Item, item, read
from tests.catalogs import write_catalog, write_part
from tests.exports import exported, records, source_rows
from tests.test_filtering import OPEN, png, tar_of

FORMATS = ("wds", "psa-vlm", "openai")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards with addresses, an image that is in both, and an export of all of it."""
    folder = tmp_path_factory.mktemp("takedown")
    for n in range(2):
        samples: list[tuple[str, bytes]] = []
        for m in range(3):
            picture = png(99) if m == 2 else png(10 * n + m + 5)
            url = json.dumps({"url": f"https://example.org/{n}/{m}.png", "uid": f"{n}{m}" * 16})
            samples += [(f"{m}.png", picture), (f"{m}.json", url.encode())]
        tar_of(folder / "tars" / f"{n:05d}.tar", *samples)
    directory = folder / "tars.audit"
    for shard in expand([str(folder / "tars")]):
        write_part(directory, shard)
    index(directory)
    (folder / "p.yaml").write_text(OPEN)
    rows = source_rows(directory)
    Decisions(directory).append([decide(r.row_id, r.uid, "keep", "ana") for r in rows])
    exported(folder / "stage-1", records(rows), formats=FORMATS, shard_size=2)
    write(choose(directory, folder / "p.yaml"), folder / "clean", lambda *_: None)
    return directory


def made(catalog: Path) -> list[Path]:
    return [catalog.parent / "stage-1", catalog.parent / "clean"]


def test_kinds_are_told_from_the_form_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        "# asked for\n\nhttps://a/b.jpg\n" + "AB" * 32 + "\n" + "0f" * 8 + "\nsome uid\n"
        "uid:" + "0" * 16 + "\nsha256:12\n" + "ab" * 32 + "\n"
    )
    items, wrong = read_list(path, distance=3)
    assert items == [
        Item("url", "https://a/b.jpg"),
        Item("sha256", "ab" * 32),
        Item("phash", "0f" * 8, 3),
        Item("uid", "some uid"),
        Item("uid", "0" * 16),
    ]
    assert [one.entry for one in wrong] == [8]


def test_tables_have_kind_and_value_or_a_column_a_kind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("kind,value\nuid,x\nmd5,y\nurl,http://a/\n")
    items, wrong = read_list(tmp_path / "a.csv")
    assert items == [Item("uid", "x"), Item("url", "http://a/")]
    assert wrong[0].entry == 3
    table = pa.table({"url": ["http://a/", None], "uid": [None, "x"], "caption": ["c", "d"]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert set(read_list(tmp_path / "a.parquet")[0]) == set(items)
    (tmp_path / "b.csv").write_text("name\nx\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "broken.parquet").write_text("no")
    for name in ("b.csv", "empty.txt", "broken.parquet", "no.txt"):
        with pytest.raises(UsageError):
            read_list(tmp_path / name)


def one(catalog: Path, named: Item) -> Any:
    (found,) = trace(catalog, [named], made(catalog))
    return found


@pytest.mark.parametrize("kind", ["url", "uid", "sha256", "phash"])
def test_every_kind_leads_to_the_same_place(catalog: Path, kind: str) -> None:
    row: Any = Parts(catalog).rows(Parts(catalog).shard_ids()[1]).to_pylist()[1]
    value = "http://EXAMPLE.org/1/1.png" if kind == "url" else row[kind]
    found = one(catalog, item(kind, value))
    (source,) = found.sources
    assert (source.name, source.member, source.offset) == ("00001.tar", "1.png", row["offset"])
    assert not source.copy
    tar = (catalog.parent / "tars" / source.name).read_bytes()
    assert tar[source.offset : source.offset + source.size] == png(16)
    exported_at, copied_at = found.uses
    export = catalog.parent / "stage-1"
    assert exported_at.made == str(export)
    assert len(exported_at.lines) == 2
    for where in exported_at.lines:
        file, _, number = where.partition(":")
        line = (export / file).read_text().splitlines()[int(number) - 1]
        assert row["sha256"] in line  # its image
    assert (export / exported_at.image).read_bytes() == png(16)
    said = pq.read_table(export / f"{exported_at.shard.removesuffix('.tar')}.parquet").to_pylist()
    assert row["sha256"] in [r["sha256"] for r in said if r["key"] == exported_at.key]
    assert (copied_at.made, copied_at.shard, copied_at.key) == (
        str(catalog.parent / "clean"), "00001.tar", "1"
    )  # fmt: skip


def test_copies_of_the_same_bytes_are_found_too(catalog: Path) -> None:
    found = one(catalog, item("uid", "02" * 16))
    assert [(s.name, s.copy) for s in found.sources] == [("00000.tar", False), ("00001.tar", True)]
    for folder in ("stage-1", "clean"):
        assert len([use for use in found.uses if use.made.endswith(folder)]) == 2
    told = [line.rpartition("/")[2] for line in advice([found])]
    assert [line[:19] for line in told[:2]] == ["stage-1: 2 records ", "clean: 2 records ar"]


def test_an_item_is_found_in_an_export_when_the_catalog_no_longer_has_it(
    catalog: Path, tmp_path: Path
) -> None:
    other, _ = write_catalog(tmp_path, shards=1, samples=2)
    index(other)
    export = catalog.parent / "stage-1"
    for named in (item("url", "https://example.org/0/1.png"), item("sha256", sha_of(catalog))):
        (found,) = trace(other, [named], [export])
        assert not found.sources
        assert len(found.uses) == 1
    with pytest.raises(UsageError, match="neither an export nor"):
        trace(other, [named], [tmp_path])


def sha_of(catalog: Path) -> str:
    row: Any = Parts(catalog).rows(Parts(catalog).shard_ids()[0]).to_pylist()[0]
    return str(row["sha256"])


@pytest.mark.parametrize("spelling", [["takedown", "--list"], ["filter", "--takedown"]])
def test_the_command_writes_tombstones_that_a_filter_obeys(
    tmp_path: Path, spelling: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    catalog, _ = write_catalog(tmp_path, shards=1, samples=4)
    index(catalog)
    (tmp_path / "p.yaml").write_text(OPEN)
    rows = source_rows(catalog)
    Decisions(catalog).append([decide(r.row_id, r.uid, "keep", "ana") for r in rows])
    exported(tmp_path / "out", records(rows))
    (tmp_path / "list.txt").write_text(f"{rows[1].uid}\nnobody\nsha256:x\n")
    command, option = spelling
    arguments = [command, str(catalog), option, str(tmp_path / "list.txt"), "--who", "ana",
                 "--reason", "request 17", "--exports", str(tmp_path / "out")]  # fmt: skip
    assert main([*arguments, "--dry-run"]) == 3
    assert read(catalog) == ()
    capsys.readouterr()
    assert main(arguments) == 3
    printed = capsys.readouterr()
    assert "list.txt, entry 3: sha256 'x': is 64 hex digits" in printed.err
    assert f"  00000.tar: {rows[1].image_member}, {rows[1].size:,} bytes at " in printed.out
    assert "not found: uid nobody\n" in printed.out
    assert "1 of 2 items found, 1 not, 1 wrong\n" in printed.out
    assert "2 tombstones written, 0 were there" in printed.out
    assert "nothing is taken out in place" in printed.out
    assert [(t.item.value, t.reason, t.who) for t in read(catalog)] == [
        (rows[1].uid, "request 17", "ana"),
        ("nobody", "request 17", "ana"),
    ]
    assert main([*arguments, "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["tombstones"], [one["found"] for one in said["items"]]) == (0, [True, False])
    (tmp_path / "list.txt").write_text(f"{rows[1].uid}\n")
    assert main(arguments) == 0
    keep = tmp_path / "keep.txt"
    policy = str(tmp_path / "p.yaml")
    assert main(["filter", str(catalog), "--policy", policy, "--keeplist", str(keep)]) == 0
    assert keep.read_text().split() == sorted({r.uid for r in rows} - {rows[1].uid})
    assert main(["filter", str(catalog), "--takedown", "x", "--out", "y"]) == 2
