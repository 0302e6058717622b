"""An export is the source's bytes in order, the same each time, and it appears whole or not."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from webdataset.tariterators import group_by_keys, tar_file_expander

from audit.errors import ShardwardenError, UsageError
from audit.examples import Example, read_examples
from audit.shards import ShardReader, expand
from audit.sidecars import read_sidecar
from audit.taxonomy import LEVELS, TYPES, Taxonomy
from curation.export import FORMATS
from curation.guard import Forbidden, forbidden
from curation.hints import hint_of, table
from curation.manifest import LINEAGE
from curation.places import is_export, partial
from curation.records import IMAGE, SourceRow, Turn
from curation.shards_out import header
from tests.catalogs import png, write_catalog, write_part, write_tar
from tests.exports import ORIGIN, exported, record, records, source_rows
from tests.selections import decision, outcomes


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("source"))[0]


@pytest.fixture(scope="module")
def rows(catalog: Path) -> list[SourceRow]:
    return source_rows(catalog)


@pytest.fixture(scope="module")
def whole(rows: list[SourceRow], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export in every format, five records a shard."""
    out = tmp_path_factory.mktemp("exported") / "out"
    exported(out, records(rows), formats=FORMATS, shard_size=5)
    return out


def hashes(folder: Path) -> dict[str, str]:
    """Path -> sha256 of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def samples(folder: Path, split: str) -> list[Any]:
    """The samples of a split as webdataset reads them, from files that we close ourselves."""
    found: list[Any] = []
    for path in sorted((folder / "shards").glob(f"{split}-*.tar")):
        with path.open("rb") as file:
            found += group_by_keys(tar_file_expander([{"url": path.name, "stream": file}]))
    return found


def test_images_are_the_sources_bytes_in_the_order_composed(
    whole: Path, rows: list[SourceRow]
) -> None:
    for split in ("train", "val"):
        composed = [one for one in records(rows) if one.split == split]
        found = samples(whole, split)
        said = [json.loads(sample["json"]) for sample in found]
        assert [one["uid"] for one in said] == [one.uid for one in composed]
        for sample, one in zip(found, composed, strict=True):
            with Path(one.row.url).open("rb") as tar:
                tar.seek(one.row.offset or 0)
                assert sample["png"] == tar.read(one.row.size)
            assert sample["txt"].decode() == one.row.caption


def test_the_same_records_give_the_same_bytes(
    whole: Path, rows: list[SourceRow], tmp_path: Path
) -> None:
    again = tmp_path / "under another name"
    exported(again, records(rows), formats=FORMATS, shard_size=5)
    assert hashes(again) == hashes(whole)


def test_tars_say_nothing_of_time_or_owner(whole: Path) -> None:
    with tarfile.open(whole / "shards" / "train-000000.tar") as tar:
        members = tar.getmembers()
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
        (0, 0, 0, "", "", 0o644)
    }
    assert [m.name for m in members] == sorted(m.name for m in members)


@pytest.mark.parametrize(("name", "size"), [("a.b", 0), ("t-1.json", 1234), ("x" * 100, 8**11 - 1)])
def test_a_header_is_the_one_that_tarfile_makes(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    assert header(name, size) == info.tobuf(tarfile.USTAR_FORMAT)


def test_every_sample_has_the_same_fields_of_the_same_kinds(whole: Path) -> None:
    def kinds(value: object) -> object:
        if isinstance(value, dict):
            return {key: kinds(item) for key, item in value.items()}
        return type(value).__name__

    found = [json.loads(one["json"]) for split in ("train", "val") for one in samples(whole, split)]
    assert all(kinds(one) == kinds(found[0]) for one in found)
    assert all(key == key.lower() for key in (*found[0], *found[0]["safety"]))


def test_a_mixture_of_formats_and_missing_captions_keeps_one_set_of_members(
    tmp_path: Path,
) -> None:
    """Hugging Face's reader takes the columns from the first five samples, and fails on others."""
    jpeg = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(jpeg, "JPEG")
    (tmp_path / "tars").mkdir()
    with tarfile.open(tmp_path / "tars" / "mixed.tar", "w") as tar:
        for name, data in (
            *((f"{n}.png", png(n)) for n in range(3)),
            ("3.png", jpeg.getvalue()),
            ("3.txt", b"lies about its name"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    (shard,) = expand([str(tmp_path / "tars")])
    write_part(tmp_path / "tars.audit", shard)
    made = records(source_rows(tmp_path / "tars.audit"))
    out = exported(tmp_path / "out", made, formats=("wds", "llava")).out
    with tarfile.open(out / "shards" / "train-000000.tar") as tar:
        suffixes = {name.partition(".")[2] for name in tar.getnames()}
        assert suffixes == {"png", "txt", "json"}
        assert len(tar.getnames()) == 3 * len(made)
    # Beside the jsonl every image is called what it is.
    assert sorted(path.suffix for path in (out / "images").rglob("*.*")) == [
        ".jpg", *[".png"] * 3
    ]  # fmt: skip


def test_names_of_strangers_never_become_paths(rows: list[SourceRow], tmp_path: Path) -> None:
    strange = "../../\u202eetc/pass\x00wd\n.x.y"
    row = replace(rows[0], uid=strange, key=strange, image_member=strange, caption="a\u2028b")
    out = exported(tmp_path / "out", [record(row, uid=strange)], formats=FORMATS).out
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    with tarfile.open(out / "shards" / "train-000000.tar") as tar:
        assert [name.partition(".")[0] for name in tar.getnames()] == ["train-000000000"] * 3
    (line,) = lines(out / "jsonl" / "llava-train.jsonl")
    assert line["id"] == strange
    assert (out / "jsonl" / line["image"]).read_bytes()


def test_dialects_have_their_roles_numbers_and_images(whole: Path, rows: list[SourceRow]) -> None:
    composed = [one for one in records(rows) if one.split == "train"]
    found = {name: lines(whole / "jsonl" / f"{name}-train.jsonl") for name in FORMATS[1:]}
    for number, one in enumerate(composed):
        psa, llava, sharegpt, openai = (found[name][number] for name in FORMATS[1:])
        assert set(psa) == {"safe_type", "safe_level", "image", "conversations"}
        assert (psa["safe_type"], psa["safe_level"]) == (
            TYPES.index(one.type),
            LEVELS.index(one.level),
        )
        assert [turn["from"] for turn in psa["conversations"]] == ["USER", "ASSISTANT"]
        assert [turn["from"] for turn in llava["conversations"]] == ["human", "gpt"]
        assert llava["id"] == one.uid
        assert sharegpt["images"] == [psa["image"]] == [llava["image"]]
        user, assistant = openai["messages"]
        assert [part["type"] for part in user["content"]] == ["image_url", "text"]
        assert user["content"][0]["image_url"]["url"] == psa["image"]
        assert IMAGE not in json.dumps(openai)
        assert assistant == {"role": "assistant", "content": "A picture."}
        opened = (whole / "jsonl" / psa["image"]).read_bytes()
        assert hashlib.sha256(opened).hexdigest() == one.row.sha256


def test_our_own_readers_take_an_export(whole: Path, rows: list[SourceRow]) -> None:
    taxonomy = Taxonomy.load()
    composed = [one for one in records(rows) if one.split == "train"]
    for source in (whole / "jsonl" / "psa-vlm-train.jsonl", whole / "jsonl" / "llava-train.jsonl"):
        found = list(read_examples([source], (), taxonomy))
        assert [(e.label.type, e.label.level) for e in found if isinstance(e, Example)] == [
            (TYPES.index(one.type), LEVELS.index(one.level)) for one in composed
        ]
    tars = list(read_examples([whole / "shards"], (), taxonomy))
    assert [(e.label.type, e.label.level) for e in tars if isinstance(e, Example)] == [
        (TYPES.index(one.type), LEVELS.index(one.level))
        for split in ("train", "val")
        for one in records(rows)
        if one.split == split
    ]
    for shard in expand([str(whole / "shards")]):
        reader, sidecar = ShardReader(shard), read_sidecar(shard)
        found_samples = list(reader)
        assert reader.books.faults == [] and sidecar.failed == 0
        assert sidecar.written == len(found_samples)
        assert all(sample.uid and sample.caption for sample in found_samples)


def test_the_openai_text_around_a_picture_keeps_its_order(
    rows: list[SourceRow], tmp_path: Path
) -> None:
    turns = (Turn("user", f"Before {IMAGE} after"), Turn("assistant", "Yes."))
    out = exported(tmp_path / "out", [record(rows[0], turns=turns)], formats=("openai",)).out
    (line,) = lines(out / "jsonl" / "openai-train.jsonl")
    content = line["messages"][0]["content"]
    assert [part.get("text") for part in content] == ["Before", None, "after"]


def test_an_image_that_two_records_share_is_extracted_once(
    rows: list[SourceRow], tmp_path: Path
) -> None:
    both = [record(rows[0], 0), record(rows[0], 1)]
    done = exported(tmp_path / "out", both, formats=("llava",))
    assert done.content["counts"]["images"] == 1
    assert len(list((tmp_path / "out" / "images").rglob("*.png"))) == 1


def test_the_manifest_has_the_hash_of_every_other_file(whole: Path) -> None:
    said = json.loads((whole / "manifest.json").read_text(encoding="utf-8"))
    found = hashes(whole)
    del found["manifest.json"]
    assert {path: file["sha256"] for path, file in said["files"].items()} == found
    assert said["counts"]["records"] == 18
    grid = said["counts"]["by_type_and_level"]
    assert sum(sum(levels.values()) for levels in grid.values()) == 18


def test_lineage_leads_every_record_back_to_its_source(whole: Path, rows: list[SourceRow]) -> None:
    table_ = pq.read_table(whole / "lineage.parquet")
    assert table_.schema.equals(LINEAGE)
    by_uid = {one.uid: one for one in records(rows)}
    for row in table_.to_pylist():
        one = by_uid[row["uid"]]
        assert row["offset"] == one.row.offset and row["source_shard"] == one.row.shard
        assert row["p_politics"] is None and row["p_illegal"] == pytest.approx(0.1)
        line = lines(whole / "jsonl" / f"llava-{row['split']}.jsonl")[row["line"]]
        assert line["id"] == row["uid"] and line["image"] == f"../{row['output_image']}"
        with tarfile.open(whole / row["output_shard"]) as tar:
            said = tar.extractfile(f"{row['key']}.json")
            assert said is not None and json.load(said)["uid"] == row["uid"]


def test_changed_bytes_are_lost_and_named_and_the_rest_is_written(tmp_path: Path) -> None:
    catalog_, shards = write_catalog(tmp_path)
    made = records(source_rows(catalog_))
    victim = made[4]
    with Path(shards[0].url).open("r+b") as tar:
        assert victim.row.url == shards[0].url
        tar.seek((victim.row.offset or 0) + 20)
        tar.write(b"\0\1\2")
    Path(shards[1].url).unlink()
    gone = [one for one in made if one.row.url == shards[1].url]
    done = exported(tmp_path / "out", made)
    assert {one.uid for one in done.lost} == {victim.uid, *(one.uid for one in gone)}
    why = next(one.why for one in done.lost if one.uid == victim.uid)
    assert "sha256" in why and "scan it again" in why
    said = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert len(said["lost"]) == len(done.lost) == 1 + len(gone)
    assert said["counts"]["records"] == len(made) - len(done.lost)
    uids = {json.loads(s["json"])["uid"] for k in ("train", "val") for s in samples(done.out, k)}
    assert uids == {one.uid for one in made} - {one.uid for one in done.lost}


def test_a_compressed_shard_is_read_in_one_pass(tmp_path: Path) -> None:
    import gzip

    plain = write_tar(tmp_path / "plain" / "a.tar", 6)
    packed = tmp_path / "tars" / "a.tar.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    (shard,) = expand([str(packed.parent)])
    write_part(tmp_path / "tars.audit", shard)
    rows_ = source_rows(tmp_path / "tars.audit")
    assert {row.offset for row in rows_} == {None}
    done = exported(tmp_path / "out", records(rows_))
    assert not done.lost
    assert {s["png"] for k in ("train", "val") for s in samples(done.out, k)} == {
        png(n) for n in range(6)
    }
    assert not [path for path in done.out.iterdir() if path.name.startswith(".")]


def test_what_is_held_back_is_never_written(rows: list[SourceRow], tmp_path: Path) -> None:
    made = records(rows)
    for held in (
        Forbidden(frozenset({rows[3].row_id}), frozenset()),
        Forbidden(frozenset(), frozenset({rows[3].sha256})),
    ):
        with pytest.raises(ShardwardenError, match="held back"):
            exported(tmp_path / "out", made, forbidden=held)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", ["quarantined", "failed"])
def test_a_row_that_was_not_scored_cannot_become_a_record(
    rows: list[SourceRow], status: str
) -> None:
    with pytest.raises(ShardwardenError, match="only scored images"):
        replace(rows[0], status=status)


@pytest.mark.parametrize("action", ["drop", "review", "quarantine"])
def test_a_row_that_the_policy_leaves_out_cannot_become_a_record(
    rows: list[SourceRow], action: str
) -> None:
    with pytest.raises(ShardwardenError, match=action):
        record(rows[0], action=action)


@pytest.mark.parametrize(
    "turns",
    [
        (),
        (Turn("user", IMAGE),),
        (Turn("assistant", IMAGE), Turn("user", "?")),
        (Turn("user", "no picture"), Turn("assistant", "A.")),
        (Turn("user", IMAGE * 2), Turn("assistant", "A.")),
        (Turn("user", IMAGE), Turn("assistant", IMAGE)),
    ],
)
def test_turns_that_no_trainer_takes_are_refused(
    rows: list[SourceRow], turns: tuple[Turn, ...]
) -> None:
    with pytest.raises(ShardwardenError, match="turn"):
        record(rows[0], turns=turns)


def test_an_export_is_replaced_only_when_told_and_others_folders_never(
    rows: list[SourceRow], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    exported(out, records(rows)[:4])
    assert is_export(out)
    with pytest.raises(UsageError, match="--overwrite"):
        exported(out, records(rows))
    exported(out, records(rows), overwrite=True)
    assert json.loads((out / "manifest.json").read_bytes())["counts"]["records"] == 18
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="no export"):
        exported(other, records(rows), overwrite=True)
    other.rename(tmp_path / "new.partial")
    with pytest.raises(UsageError, match="in the way"):
        exported(tmp_path / "new", records(rows))
    assert (tmp_path / "new.partial" / "thesis.txt").exists()


def test_an_interrupted_export_leaves_no_folder_and_starts_again(
    rows: list[SourceRow], tmp_path: Path, whole: Path
) -> None:
    from curation.export import Options, export

    def stop(done: int, total: int | None, word: str) -> None:
        if done == 7:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    nothing = Forbidden(frozenset(), frozenset())
    options = Options(FORMATS, shard_size=5)
    with pytest.raises(KeyboardInterrupt):
        export(records(rows), out, ORIGIN, nothing, options, stop)
    assert not out.exists() and (tmp_path / "out.partial").is_dir()
    export(records(rows), out, ORIGIN, nothing, options, lambda *_: None)
    assert hashes(out) == hashes(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_stopped_while_it_took_its_name_is_in_nobodys_way(
    rows: list[SourceRow], tmp_path: Path, whole: Path
) -> None:
    for name in ("out", "out.old", "out.partial"):
        shutil.copytree(whole, tmp_path / name)
    exported(tmp_path / "out", records(rows), formats=FORMATS, shard_size=5, overwrite=True)
    assert hashes(tmp_path / "out") == hashes(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_exports_never_write_the_same_place(rows: list[SourceRow], tmp_path: Path) -> None:
    with partial(tmp_path / "out") as folder:
        (folder / "half").touch()
        with pytest.raises(ShardwardenError, match="another process"):
            exported(tmp_path / "out", records(rows))
        assert (folder / "half").exists()
    assert exported(tmp_path / "out", records(rows)).content["counts"]["records"] == 18
    assert not (tmp_path / "out" / "half").exists()


def test_nothing_but_the_images_is_read(tmp_path: Path) -> None:
    """By range: a tar whose headers, captions and json are gone still gives its images."""
    catalog_, shards = write_catalog(tmp_path)
    made = records(source_rows(catalog_))
    for shard in shards:
        path = Path(shard.url)
        whole_, kept = path.read_bytes(), bytearray(path.stat().st_size)
        for one in made:
            if one.row.url == shard.url:
                begin = one.row.offset or 0
                kept[begin : begin + one.row.size] = whole_[begin : begin + one.row.size]
        path.write_bytes(kept)
    assert not exported(tmp_path / "out", made).lost


def test_shards_on_a_server_are_read_by_range(tmp_path: Path) -> None:
    from functools import partial as bound
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    catalog_, _ = write_catalog(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound(Quiet, directory=str(tmp_path / "tars")))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        made = [
            record(replace(row, url=f"http://127.0.0.1:{server.server_port}/{Path(row.url).name}"))
            for row in source_rows(catalog_)[:6]
        ]
        made = [replace(one, uid=str(n)) for n, one in enumerate(made)]
        done = exported(tmp_path / "out", made)
    finally:
        server.shutdown()
        server.server_close()
    assert not done.lost
    assert [json.loads(one["json"])["uid"] for one in samples(done.out, "train")] == list("012345")


def test_nothing_to_export_is_an_error_and_leaves_nothing(
    rows: list[SourceRow], tmp_path: Path
) -> None:
    with pytest.raises(ShardwardenError, match="nothing to export"):
        exported(tmp_path / "out", [])
    moved = [record(replace(row, url=str(tmp_path / "gone.tar"))) for row in rows[:1]]
    with pytest.raises(ShardwardenError, match="not one of 1 images"):
        exported(tmp_path / "out", moved)
    with pytest.raises(ShardwardenError, match="twice"):
        exported(tmp_path / "out", [record(rows[0], uid="u"), record(rows[1], uid="u")])
    assert not list(tmp_path.iterdir())


def test_hints_stand_in_the_question_only_when_asked_for(
    rows: list[SourceRow], tmp_path: Path
) -> None:
    risky, clean = record(rows[0], 0), record(rows[1], 1)
    for hints in (False, True):
        out = exported(tmp_path / str(hints), [risky, clean], hints=hints, formats=FORMATS).out
        first, second = lines(out / "jsonl" / "psa-vlm-train.jsonl")
        expected = f"\n{hint_of(risky)}" if hints else ""
        assert first["conversations"][0]["value"] == risky.turns[0].text + expected
        assert second["conversations"][0]["value"] == clean.turns[0].text
        said = [json.loads(one["json"])["safety"]["hint"] for one in samples(out, "train")]
        assert said == [hint_of(risky), ""]


def test_hints_follow_type_level_and_the_grid(rows: list[SourceRow]) -> None:
    assert set(table()) == {(kind, level) for kind in TYPES[:6] for level in LEVELS[1:]}
    assert "declin" not in table()["fairness", "medium"]
    assert all("decline" in table()[kind, "medium"] for kind in TYPES[:6] if kind != "fairness")
    assert len(set(table().values())) == len(table())
    assert hint_of(record(rows[0], 0, action="keep")) is None
    assert hint_of(record(rows[0], 0, level="none", type="misleading")) is None


def test_pictures_to_be_made_unrecognisable_are_listed(
    rows: list[SourceRow], tmp_path: Path
) -> None:
    made = [record(rows[0], 0, action="redact", reason="concept:id_card>=0.6"), record(rows[1], 1)]
    out = exported(tmp_path / "out", made).out
    (listed,) = (out / "redact.txt").read_text().splitlines()
    key, image = listed.split()
    assert key == "train-000000000" and (out / image).is_file()
    assert "redact.txt" in (out / "README.md").read_text(encoding="utf-8")


def test_a_moved_export_still_opens(whole: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(whole, tmp_path / "elsewhere")
    for line in lines(moved / "jsonl" / "psa-vlm-train.jsonl"):
        assert (moved / "jsonl" / line["image"]).is_file()


def test_the_guard_holds_back_what_the_catalog_does_and_every_copy_of_it() -> None:
    table_ = pa.table(
        {
            "row_id": pa.array([1, 2, 3, 4, 5], pa.int64()),
            "status": ["scored", "quarantined", "scored", "failed", "scored"],
            "sha256": ["a", "b", "c", None, "e"],
        }
    )
    said = outcomes(
        decision(1, 1, "quarantine"),
        decision(2, 3, "keep"),
        decision(3, 3, "quarantine", "bo"),
        decision(4, 5, "keep"),
    )
    held = forbidden(table_, said)
    assert (held.rows, held.bytes) == ({1, 2, 3}, {"a", "b", "c"})
    held = forbidden(table_, {}, np.array([False, False, False, False, True]))
    assert (held.rows, held.bytes) == ({2, 5}, {"b", "e"})
