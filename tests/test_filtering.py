"""Cleaned copies: without what a policy leaves out, and every other byte as it was."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.building import index
from audit.catalog import Catalog
from audit.errors import UsageError
from audit.parts import Parts
from audit.shards import ShardReader, expand
from audit.sidecars import read_sidecar
from curation.cli import main
from curation.decisions import Decisions, decide
from curation.filtering import ROWS, choose, is_filter, write
from curation.lists import DATACOMP, datacomp, uids
from curation.shard_copy import Seen, copy
from curation.tombstones import Tombstone, append, item
from tests.catalogs import png, write_catalog, write_part

OPEN = "size: {min_side: 1, action: drop}\nduplicates: {exact: drop, near: null}\n"


def tar_of(path: Path, *members: tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "w:gz" if path.suffix == ".gz" else "w"
    with tarfile.open(path, mode, format=form) as tar:  # type: ignore[call-overload]
        for number, (name, data) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode, info.uname = len(data), 100.5 + number, 0o640, "ana"
            tar.addfile(info, io.BytesIO(data))
    return path


def members(path: Path) -> list[tuple[str, bytes, float, str]]:
    with tarfile.open(path) as tar:
        return [
            (m.name, tar.extractfile(m).read(), m.mtime, m.uname)  # type: ignore[union-attr]
            for m in tar
        ]


def seen_in(path: Path) -> list[Seen]:
    reader = ShardReader(expand([str(path)])[0])
    return [Seen(s.key, s.image_member, hashlib.sha256(s.data or b"").hexdigest()) for s in reader]


LONG = "folder/" + "x" * 120
SAMPLES = (
    ("a.png", png(1)), ("a.txt", "Ä".encode()), ("a.json", b'{"x": 1}'), ("a.npy", b"\0" * 700),
    ("b.png", png(2)), ("b.txt", b"no"),
    (f"{LONG}.png", png(3)), (f"{LONG}.txt", b"long"),
    ("alone.txt", b"no image"), ("__meta__/x", b"?"),
    ("d.png", png(4)), ("d.seg.png", png(5)),
)  # fmt: skip


@pytest.mark.parametrize("name", ["s.tar", "s.tar.gz"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_members_of_kept_keys_are_copied_byte_for_byte(
    tmp_path: Path, name: str, form: int
) -> None:
    source = tar_of(tmp_path / name, *SAMPLES, form=form)
    target = tmp_path / "copy" / name
    target.parent.mkdir()
    kept = frozenset({"a", LONG, "d"})
    copied = copy(str(source), target, seen_in(source), kept)
    wanted = [m for m in members(source) if m[0].split(".")[0] in kept]
    assert members(target) == wanted
    assert copied.keys == ["a", LONG, "d"]
    assert (copied.members, copied.left_out, copied.unseen) == (8, 4, 2)
    assert copied.compressed == (name == "s.tar.gz")
    assert not copied.changed
    assert copied.fault is None
    first = target.read_bytes()
    copy(str(source), target, seen_in(source), kept)
    assert target.read_bytes() == first
    whole = gzip.decompress(first) if copied.compressed else first
    assert len(whole) % tarfile.RECORDSIZE == 0
    assert list(target.parent.iterdir()) == [target]
    reader = ShardReader(expand([str(target)])[0])
    assert [sample.key for sample in reader] == ["a", LONG, "d", "d"]
    assert not reader.books.faults


def test_headers_of_what_is_copied_are_the_sources(tmp_path: Path) -> None:
    source = tar_of(tmp_path / "s.tar", *SAMPLES)
    copy(str(source), tmp_path / "c.tar", seen_in(source), frozenset({"a"}))
    kept = source.read_bytes()
    end = kept.index(b"b.png")
    last_pax = kept.rindex(b"././@PaxHeader", 0, end)
    assert (tmp_path / "c.tar").read_bytes()[:last_pax] == kept[:last_pax]


def test_an_image_that_changed_since_the_scan_goes_with_its_sample(tmp_path: Path) -> None:
    source = tar_of(tmp_path / "s.tar", *SAMPLES)
    seen = seen_in(source)
    changed = [Seen(one.key, one.member, "0" * 64) if one.key == "a" else one for one in seen]
    copied = copy(str(source), tmp_path / "c.tar", changed, frozenset({"a", "d"}))
    assert copied.changed == ["a"]
    assert [m[0] for m in members(tmp_path / "c.tar")] == ["d.png", "d.seg.png"]
    copied = copy(str(source), tmp_path / "c.tar", seen[:3], frozenset({"a", "d"}))
    assert copied.changed == ["d"]


def test_a_tar_that_is_cut_gives_its_whole_samples_only(tmp_path: Path) -> None:
    source = tar_of(tmp_path / "s.tar", *SAMPLES)
    seen = seen_in(source)
    data = source.read_bytes()
    source.write_bytes(data[: data.index(b"d.seg.png") + 600])
    copied = copy(str(source), tmp_path / "c.tar", seen, frozenset({"a", "d"}))
    assert copied.keys == ["a"]
    assert copied.fault is not None
    assert copied.fault.startswith("truncated: ")
    assert [m[0] for m in members(tmp_path / "c.tar")] == ["a.png", "a.txt", "a.json", "a.npy"]
    assert copy(str(tmp_path / "no.tar"), tmp_path / "c.tar", seen, frozenset()).fault
    source.write_bytes(data[: -(-len(data.rstrip(b"\0")) // 512) * 512])  # no end mark
    assert copy(str(source), tmp_path / "c.tar", seen, frozenset({"d"})).keys == ["d"]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Two shards with sidecars; the fourth image of each is broken."""
    directory, shards = write_catalog(tmp_path, shards=2, samples=6)
    for shard in shards:
        tar = Path(shard.url)
        rows = [
            {"key": f"{n:05d}", "status": "success", "url": f"http://a/{n}"} for n in range(6)
        ] + [{"key": "00006", "status": "failed_to_download", "url": f"http://a/{n}"}
             for n in (6, 7)]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows), tar.with_suffix(".parquet"))
        stats = {"count": 8, "successes": 6, "failed_to_download": 2, "duration": 1.5,
                 "status_dict": {"success": 6, "HTTP 404": 2}}  # fmt: skip
        tar.with_name(f"{tar.stem}_stats.json").write_text(json.dumps(stats))
        write_part(directory, shard)
    index(directory)
    (tmp_path / "p.yaml").write_text(OPEN)
    return directory


def decided(catalog: Path, verdicts: dict[int, str]) -> list[dict[str, Any]]:
    """Decide rows by their number in the catalog; everything that is not named is kept."""
    with Catalog(catalog) as opened:
        rows: Any = opened.columns(("row_id", "uid", "shard", "key")).to_pylist()
    Decisions(catalog).append(
        [
            decide(row["row_id"], row["uid"], verdicts.get(n, "keep"), "ana")
            for n, row in enumerate(rows)
        ]
    )
    return list(rows)


def chosen(catalog: Path) -> Any:
    return choose(catalog, catalog.parent / "p.yaml")


def test_copies_have_what_is_kept_with_books_and_sidecars(catalog: Path, tmp_path: Path) -> None:
    decided(catalog, {0: "drop", 2: "escalate", 7: "quarantine"})
    append(catalog, [Tombstone(item("url", "https://a/7"))])
    out = tmp_path / "out"
    done = write(chosen(catalog), out, lambda *_: None)
    assert done.whole
    assert is_filter(out)
    assert sorted(path.name for path in out.iterdir()) == [
        "00000.parquet", "00000.tar", "00000_stats.json",
        "00001.parquet", "00001.tar", "00001_stats.json", "filter.json", "rows.parquet",
    ]  # fmt: skip
    # The broken image of each shard has no scores, so it cannot be kept.
    source = members(tmp_path / "tars" / "00000.tar")
    kept = [m for m in source if m[0][:5] in ("00001", "00004", "00005")]
    assert members(out / "00000.tar") == kept
    sidecar = pq.read_table(out / "00000.parquet").to_pylist()
    assert [row["key"] for row in sidecar] == ["00001", "00004", "00005", "00006"]
    assert sidecar[-1]["url"] == "http://a/6"
    stats = json.loads((out / "00000_stats.json").read_text())
    assert (stats["successes"], stats["count"], stats["duration"]) == (3, 4, 1.5)
    assert stats["status_dict"] == {"success": 3, "HTTP 404": 2}
    books = json.loads((out / "filter.json").read_text())
    assert books["images"] == {"kept": 7, "left_out": 5}
    assert books["by_action_and_reason"]["quarantine"]["human:quarantine"] == 1
    assert books["shards"][0]["left_out"] == 9
    for path, said in books["files"].items():
        assert hashlib.sha256((out / path).read_bytes()).hexdigest() == said["sha256"]
    rows: Any = pq.read_table(out / ROWS)
    assert rows.column_names == [
        "uid", "shard", "key", "member", "offset", "sha256", "action", "reason"
    ]  # fmt: skip
    assert rows["reason"].to_pylist()[0] == "human:drop"
    assert str(tmp_path) not in (out / "filter.json").read_text()
    # What was written is audited like any shard, and its books agree with its sidecar.
    reader = ShardReader(expand([str(out / "00000.tar")])[0])
    assert len(list(reader)) == 3
    assert not reader.books.faults
    assert read_sidecar(reader.shard).written == 3


def test_the_same_command_goes_on_where_it_was_stopped_and_ends_the_same(
    catalog: Path, tmp_path: Path
) -> None:
    decided(catalog, {0: "drop"})
    write(chosen(catalog), tmp_path / "straight", lambda *_: None)

    def stop(done: int, *_: object) -> None:
        if done == 1:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write(chosen(catalog), out, stop)
    assert not out.exists()
    partial = tmp_path / "out.partial"
    first = (partial / "00000.tar").stat()
    (partial / "stray.tar").touch()
    done = write(chosen(catalog), out, lambda *_: None)
    assert done.again == 1
    assert (out / "00000.tar").stat().st_ino == first.st_ino
    assert not partial.exists()
    for path in (tmp_path / "straight").iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes(), path.name
    assert not (out / "stray.tar").exists()


def test_a_shard_is_copied_anew_when_another_policy_keeps_other_images(
    catalog: Path, tmp_path: Path
) -> None:
    def stop(done: int, *_: object) -> None:
        if done == 1:
            raise KeyboardInterrupt

    decided(catalog, {})
    with pytest.raises(KeyboardInterrupt):
        write(chosen(catalog), tmp_path / "out", stop)
    row = decided(catalog, {1: "drop"})[1]
    done = write(chosen(catalog), tmp_path / "out", lambda *_: None)
    assert done.again == 0
    assert row["key"] not in [m[0][:5] for m in members(tmp_path / "out" / "00000.tar")]


def test_a_source_that_changed_is_told_and_the_rest_copied(catalog: Path, tmp_path: Path) -> None:
    decided(catalog, {})
    tar = tmp_path / "tars" / "00000.tar"
    data = bytearray(tar.read_bytes())
    row = Parts(catalog).rows(Parts(catalog).shard_ids()[0], ["offset", "size"]).to_pylist()[1]
    data[row["offset"] + row["size"] - 3] ^= 1
    tar.write_bytes(data)
    arguments = ["filter", str(catalog), "--policy", str(tmp_path / "p.yaml"), "--out"]
    assert main([*arguments, str(tmp_path / "out"), "--json"]) == 3
    books = json.loads((tmp_path / "out" / "filter.json").read_text())
    assert books["shards"][0]["missing"] == ["00001"]
    assert "00001.png" not in [m[0] for m in members(tmp_path / "out" / "00000.tar")]


def test_a_place_that_is_taken_is_refused(catalog: Path, tmp_path: Path) -> None:
    decided(catalog, {})
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(UsageError, match="did not write"):
        write(chosen(catalog), out, lambda *_: None)
    (out / "mine").unlink()
    write(chosen(catalog), out, lambda *_: None)
    with pytest.raises(UsageError, match="--overwrite"):
        write(chosen(catalog), out, lambda *_: None)
    write(chosen(catalog), out, lambda *_: None, overwrite=True)
    (tmp_path / "new.partial").mkdir()
    with pytest.raises(UsageError, match="in the way"):
        write(chosen(catalog), tmp_path / "new", lambda *_: None)


def test_datacomps_resharder_finds_exactly_what_is_listed() -> None:
    rng = np.random.default_rng(0)
    listed = [rng.bytes(16).hex() for _ in range(300)]
    listed += ["0" * 32, "f" * 32, listed[0].upper(), "0" * 15 + "1" + "0" * 16]
    array, left_out = datacomp([*listed, "uid-3", "f" * 64])
    assert array.dtype == DATACOMP == np.dtype("u8,u8")
    assert left_out == 2
    assert len(array) == 303
    for uid in [*listed, *(rng.bytes(16).hex() for _ in range(100))]:
        # As its resharder looks a sample up: how often it writes it.
        key = np.array([divmod(int(uid, 16), 2**64)], DATACOMP)[0]
        times = np.searchsorted(array, key, "right") - np.searchsorted(array, key, "left")
        assert times == (uid in listed)


def test_a_uid_is_in_one_list_at_most() -> None:
    rows = pa.table({"uid": ["a", "a", "b", "c", "c", "d", None]})
    kept = np.array([True, False, True, True, False, False, True])
    copies = np.array([False, True, False, False, False, False, False])
    assert uids(rows, kept, copies) == (["a", "b"], ["c", "d"], 1)


def test_lists_are_written_by_their_suffix_and_lost_uids_told(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = decided(catalog, {0: "drop"})
    arguments = ["filter", str(catalog), "--policy", str(tmp_path / "p.yaml")]
    files = [tmp_path / f"drop{suffix}" for suffix in (".txt", ".parquet")]
    given = [word for path in files for word in ("--droplist", str(path))]
    assert main([*arguments, *given, "--keeplist", str(tmp_path / "keep.txt")]) == 0
    dropped = files[0].read_text().splitlines()
    assert rows[0]["uid"] in dropped
    assert len(dropped) == 3
    table: Any = pq.read_table(files[1]).to_pylist()
    assert sorted(row["uid"] for row in table) == dropped
    assert {row["action"] for row in table} == {"drop", "quarantine"}
    assert not set(dropped) & set((tmp_path / "keep.txt").read_text().splitlines())
    capsys.readouterr()
    assert main([*arguments, "--droplist", str(tmp_path / "drop.npy")]) == 2
    refused = capsys.readouterr().err
    assert "not one of 3 uids is 32 hex digits" in refused
    assert "name the list .txt or .parquet" in refused
    assert main([*arguments, "--droplist", str(tmp_path / "drop.csv")]) == 2
    assert main(arguments) == 2
    assert main([*arguments, "--dry-run", "--out", str(tmp_path / "x")]) == 2


def test_shards_of_one_name_do_not_meet(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        tar_of(tmp_path / folder / "0.tar", (f"{folder}.png", png(7 if folder == "one" else 8)))
    catalog = tmp_path / "both.audit"
    for shard in expand([str(tmp_path / "one"), str(tmp_path / "two")]):
        write_part(catalog, shard)
    index(catalog)
    shutil.copy(tmp_path / "one" / "0.tar", tmp_path / "before.tar")
    (tmp_path / "p.yaml").write_text(OPEN)
    decided(catalog, {})
    write(chosen(catalog), tmp_path / "out", lambda *_: None)
    copies = sorted((tmp_path / "out").glob("*.tar"))
    assert sorted(m[0] for path in copies for m in members(path)) == ["one.png", "two.png"]
    assert (tmp_path / "one" / "0.tar").read_bytes() == (tmp_path / "before.tar").read_bytes()


def test_a_list_for_datacomp_is_written_from_a_catalog(tmp_path: Path) -> None:
    named = [f"{n:032x}" for n in (5, 3, 2**100)]
    samples = [
        (f"{n}.{end}", png(n) if end == "png" else json.dumps({"uid": uid}).encode())
        for n, uid in enumerate([*named, "not hex"])
        for end in ("png", "json")
    ]
    tar_of(tmp_path / "tars" / "0.tar", *samples)
    catalog = tmp_path / "tars.audit"
    write_part(catalog, expand([str(tmp_path / "tars")])[0])
    index(catalog)
    (tmp_path / "p.yaml").write_text(OPEN)
    decided(catalog, {1: "drop"})
    arguments = ["filter", str(catalog), "--policy", str(tmp_path / "p.yaml")]
    assert main([*arguments, "--droplist", str(tmp_path / "drop.npy")]) == 0
    assert np.load(tmp_path / "drop.npy").tolist() == [(0, 3)]
    assert main([*arguments, "--keeplist", str(tmp_path / "keep.npy")]) == 3  # one is left out
    assert np.load(tmp_path / "keep.npy").tolist() == [(0, 5), (2**36, 0)]
