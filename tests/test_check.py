"""An export that is sound passes; each thing that can be wrong with one is named."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from audit.errors import UsageError
from audit.shards import expand
from curation.check import check
from curation.checked import Report
from curation.cli import main
from curation.export import FORMATS
from curation.records import Turn
from tests.catalogs import write_catalog, write_part
from tests.exports import exported, record, records, source_rows


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("source"), shards=2, samples=8)[0]


@pytest.fixture(scope="module")
def whole(catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    exported(out, records(source_rows(catalog)), formats=FORMATS, shard_size=5)
    return out


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """An export of one's own, to break."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def run(folder: Path, **options: Any) -> Report:
    return check(folder, lambda *_: None, **{"drawn": 3, "with_datasets": False, **options})


def signed(folder: Path) -> None:
    """Put the files as they are now into the manifest, so that only the break itself shows."""
    path = folder / "manifest.json"
    said = json.loads(path.read_text())
    said["files"] = {
        file.relative_to(folder).as_posix(): {
            "size": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != path
    }
    path.write_text(json.dumps(said))


def edit_line(folder: Path, dialect: str, change: Callable[[Any], None], number: int = 0) -> None:
    path = folder / "jsonl" / f"{dialect}-train.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines[number])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def edit_tar(
    folder: Path, change: Callable[[str, bytes], bytes | None], shard: str = "train-000000"
) -> None:
    """Write a shard anew; a member of which None is made is left out."""
    path = folder / "shards" / f"{shard}.tar"
    with tarfile.open(path) as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            changed = change(name, data)
            if changed is not None:
                info = tarfile.TarInfo(name)
                info.size = len(changed)
                tar.addfile(info, io.BytesIO(changed))


def edit_json(folder: Path, change: Callable[[Any], None], number: int = 0) -> None:
    """Change the json of one sample."""
    wanted = f"train-{number:09d}.json"

    def changed(name: str, data: bytes) -> bytes:
        if name != wanted:
            return data
        said = json.loads(data)
        change(said)
        return json.dumps(said).encode()

    edit_tar(folder, changed)


def edit_lineage(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    path = folder / "lineage.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def test_a_sound_export_has_no_fault(whole: Path) -> None:
    report = run(whole)
    assert [str(found) for found in report.faults] == []
    assert report.counted["webdataset"] == report.counted["lineage"] == 14
    assert report.counted["images"] == 14
    assert report.counted["labels"] == 14 * 4  # the json and three kinds of lines
    assert report.counted["conversations"] == 14 * 5


def drop_turn(said: Any) -> None:
    said["conversations"].pop()


def no_image(said: Any) -> None:
    said["conversations"][0]["value"] = "What is it?"


def late_image(said: Any) -> None:
    said["conversations"][1]["value"] += " <image>"


def lower_roles(said: Any) -> None:
    said["conversations"][0]["from"] = "user"


BROKEN_LINES: list[tuple[str, Callable[[Any], None], str]] = [
    ("psa-vlm", lower_roles, "conversations: .*psa-vlm.*line 1: roles go USER, ASSISTANT"),
    ("llava", drop_turn, "conversations: .*llava.*roles go human, gpt"),
    ("sharegpt", no_image, "conversations: .*<image> stands 0 times in the first turn"),
    ("llava", late_image, "conversations: .*and 1 times behind it"),
    ("psa-vlm", lambda one: one.update(who="x"), "conversations: .*differ from the released .*who"),
    ("psa-vlm", lambda one: one.update(safe_type=7), "labels: .*safe_type 7 is none of 0..6"),
    ("llava", lambda one: one.update(safe_level=True), "labels: .*safe_level True is none"),
    ("llava", lambda one: one.update(safe_level=-1), "labels: .*safe_level -1 is none of 0..3"),
    ("psa-vlm", lambda one: one.update(safe_type=6, safe_level=2), "labels: .*type 6 .* level 2"),
    ("psa-vlm", lambda one: one.update(safe_type=6, safe_level=0), "labels: .*safe/none, the lin"),
    ("llava", lambda one: one.update(id="nobody"), "uids: .*is 'nobody', the lineage says"),
    ("llava", lambda one: one.update(image="../images/no.png"), "images: .*cannot be read"),
    ("psa-vlm", lambda one: one.update(image="a.png<split>b.png"), "images: .*two pictures"),
    ("psa-vlm", lambda one: one.update(image="/etc/hosts"), "images: .*outside the export"),
    ("sharegpt", lambda one: one.update(images=[]), "conversations: .*one path in `images`"),
    (
        "openai",
        lambda one: one["messages"][0].update(role="human"),
        "conversations: .*openai.*roles go user, ass",
    ),
    ("openai", lambda one: one["messages"][0].update(content="hm"), "conversations: .*0 pictures"),
    ("openai", lambda one: one["messages"][1].update(content=""), "message 1 has a part without"),
]


@pytest.mark.parametrize(("dialect", "change", "expected"), BROKEN_LINES)
def test_a_broken_line_is_named(
    copy: Path, dialect: str, change: Callable[[Any], None], expected: str
) -> None:
    edit_line(copy, dialect, change)
    signed(copy)
    only(copy, expected)


def only(folder: Path, expected: str, **options: Any) -> None:
    """All faults are of this kind, and there is one."""
    faults = [str(found) for found in run(folder, **options).faults]
    assert len(faults) == 1, faults
    assert re.search(expected, faults[0]), faults


BROKEN_JSON: list[tuple[Callable[[Any], None], str]] = [
    (lower_roles, "conversations: .*train-000000.*roles go human, gpt"),
    (lambda one: one["safety"].update(safe_level=9), "labels: .*safe_level 9 is none"),
    (lambda one: one["safety"].update(type="privacy"), "labels: .*is named privacy/"),
    (lambda one: one.pop("sha256"), "webdataset: .*its json lacks sha256"),
    (lambda one: one.update(uid="other"), "uids: .*is 'other', the lineage says"),
]


@pytest.mark.parametrize(("change", "expected"), BROKEN_JSON)
def test_a_broken_json_of_a_sample_is_named(
    copy: Path, change: Callable[[Any], None], expected: str
) -> None:
    edit_json(copy, change, number=0)
    signed(copy)
    faults = [str(found) for found in run(copy).faults]
    assert any(re.search(expected, fault) for fault in faults), faults


def test_a_changed_missing_or_strange_file_is_named(copy: Path) -> None:
    readme = copy / "README.md"
    readme.write_text(readme.read_text().replace("a", "b", 1))
    (copy / "croissant.json").unlink()
    (copy / "stray.txt").write_text("?")
    with (copy / "shards" / "val-000000_stats.json").open("a") as file:
        file.write(" ")
    faults = [str(found) for found in run(copy).faults]
    assert len(faults) == 4
    assert faults[0].startswith("files: stray.txt: is not in the manifest")
    assert faults[1].startswith("files: README.md: has sha256")
    assert faults[2] == "files: croissant.json: is missing; export again"
    assert "val-000000_stats.json: has" in faults[3]


def test_an_image_that_does_not_open_is_named_once_a_place(copy: Path) -> None:
    bad = b"\xff\xd8\xff no picture"
    edit_tar(copy, lambda name, data: bad if name == "train-000000000.png" else data)
    signed(copy)
    faults = [str(found) for found in run(copy).faults]
    assert faults[0].endswith("is another image than the lineage names (sha256)")
    assert "train-000000000: does not open: " in faults[1]
    assert len(faults) == 2


def test_a_shard_that_ends_early_or_lacks_a_sample_is_named(copy: Path) -> None:
    path = copy / "shards" / "train-000001.tar"
    path.write_bytes(path.read_bytes()[:3000])
    edit_tar(copy, lambda name, data: None if "train-000000002" in name else data)
    signed(copy)
    faults = [str(found) for found in run(copy).faults]
    assert any("train-000000.tar: webdataset does not come to train-000000002" in f for f in faults)
    assert any("train-000001.tar: webdataset " in f for f in faults)
    path.unlink()
    signed(copy)
    assert "webdataset: shards/train-000001.tar: is missing, and records are in it" in [
        str(found) for found in run(copy).faults
    ]


def test_a_sample_or_line_without_a_record_is_named(copy: Path) -> None:
    edit_lineage(copy, lambda rows: rows.remove(rows[-1]))
    signed(copy)
    faults = [str(found) for found in run(copy).faults]
    assert faults[0] == "lineage: lineage.parquet: 13 records, the manifest says 14"
    assert sum("no record of the lineage is here" in fault for fault in faults) == 5
    (copy / "lineage.parquet").unlink()
    assert any("lineage.parquet: cannot be read" in str(f) for f in run(copy).faults)


def test_a_record_without_its_origin_is_named(copy: Path) -> None:
    edit_lineage(copy, lambda rows: rows[0].update(source_member=None, reason=None))
    signed(copy)
    only(copy, "lineage: row 0: says nothing about source_member, reason")


def test_a_lost_line_is_named(copy: Path) -> None:
    path = copy / "jsonl" / "openai-train.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    signed(copy)
    only(copy, r"lineage: jsonl/openai-train.jsonl: \d+ lines, the lineage has")
    path.unlink()
    signed(copy)
    only(copy, "lineage: jsonl/openai-train.jsonl: is missing")


def test_a_uid_of_two_records_is_named(copy: Path) -> None:
    edit_lineage(copy, lambda rows: rows[1].update(uid=rows[0]["uid"]))
    signed(copy)
    assert any(": belongs to 2 records" in str(found) for found in run(copy).faults)


def test_the_same_and_nearly_the_same_picture_in_both_splits_is_named(
    catalog: Path, tmp_path: Path
) -> None:
    rows = source_rows(catalog)[:4]
    made = [record(row, n, split="train") for n, row in enumerate(rows)]
    made += [record(rows[0], 9, split="val")]
    exported(tmp_path / "same", made)
    only(tmp_path / "same", "splits: .* are the same picture, in both splits", drawn=0)


@pytest.mark.parametrize(("quality", "bits"), [(60, 0), (10, 2)])
@pytest.mark.parametrize("splits", [("train", "val"), ("val", "train")])
def test_a_picture_saved_again_is_near_in_both_splits(
    tmp_path: Path, splits: tuple[str, str], quality: int, bits: int
) -> None:
    picture = Image.linear_gradient("L").rotate(30).resize((80, 60)).convert("RGB")
    (tmp_path / "tars").mkdir()
    with tarfile.open(tmp_path / "tars" / "0.tar", "w") as tar:
        for name, saved in (("a", 95), ("b", quality)):
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=saved)
            info = tarfile.TarInfo(f"{name}.jpg")
            info.size = file.tell()
            tar.addfile(info, io.BytesIO(file.getvalue()))
    catalog = tmp_path / "tars.audit"
    write_part(catalog, expand([str(tmp_path / "tars")])[0])
    one, other = source_rows(catalog)
    first, second = splits
    exported(tmp_path / "near", [record(one, 1, split=first), record(other, 4, split=second)])
    only(tmp_path / "near", rf"splits: .* look alike \({bits} of 64 bits apart\)", drawn=0)


def test_too_few_clean_records_for_the_sampler_are_told_in_stage_1_only(copy: Path) -> None:
    only(copy, r"sampler: train: 8 clean records; random.sample of 3,000, ", drawn=3000)
    said = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**said, "stage": 2}))
    report = run(copy, drawn=3000)
    assert not report.faults
    assert "sampler" in report.skipped


def test_a_risky_type_at_level_0_is_a_note(catalog: Path, tmp_path: Path) -> None:
    rows = source_rows(catalog)[:3]
    made = [record(row, n, split="train", type="misleading", level="none")
            for n, row in enumerate(rows)]  # fmt: skip
    turns = (Turn("user", "<image>\nIs it so?"), Turn("assistant", "It is."))
    made.append(record(source_rows(catalog)[3], 4, type="safe", level="none", turns=turns))
    exported(tmp_path / "out", made)
    report = run(tmp_path / "out", drawn=0)
    assert not report.faults
    assert len(report.notes) == 6
    assert "type 5 (misleading) with level 0, which is allowed" in str(report.notes[0])


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": "x"}'])
def test_what_is_no_export_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UsageError, match=r"manifest\.json: |no manifest\.json"):
        run(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        run(tmp_path / "no")


def test_the_command_ends_with_3_and_lists_the_faults(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(copy), "--no-datasets", "--clean", "3"]) == 0
    assert capsys.readouterr().out.startswith("good     files, ")
    (copy / "stray").touch()
    assert main(["check", str(copy), "--no-datasets", "--clean", "3"]) == 3
    printed = capsys.readouterr()
    assert "    stray: is not in the manifest; take it out of the folder\n" in printed.out
    assert printed.err.endswith(": 1 faults\n")
    assert main(["check", str(copy), "--no-datasets", "--clean", "3", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert said["exit_code"] == 3
    assert [found["where"] for found in said["faults"]] == ["stray"]
    assert main(["check", str(copy / "no")]) == 2


def test_datasets_reads_an_export_offline(whole: Path) -> None:
    pytest.importorskip("datasets")
    report = run(whole, with_datasets=True)
    assert [str(found) for found in report.faults] == []
    assert report.counted["datasets"] == 14


def test_samples_with_other_members_stop_datasets_and_are_named(copy: Path) -> None:
    pytest.importorskip("datasets")
    edit_tar(copy, lambda name, data: None if name == "val-000000001.txt" else data, "val-000000")
    signed(copy)
    only(copy, "webdataset: .*val-000000001: has other members than the first sample has: txt")
    faults = [str(found) for found in run(copy, with_datasets=True).faults]
    assert "datasets: shards: `datasets` stops: ValueError: The TAR archives" in "".join(faults)


def test_without_datasets_the_check_says_it_was_skipped(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert "not installed" in run(whole, with_datasets=True).skipped["datasets"]
