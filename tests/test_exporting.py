"""`curate export` on a catalog: the same twice, traceable, gated, and obedient to what is held."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from audit.building import index
from audit.shards import Shard
from audit.taxonomy import SAFE, TYPES
from curation import tombstones
from curation.cli import main
from tests.catalogs import write_catalog


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scanned(tmp_path_factory.mktemp("source"))[0]


def scanned(folder: Path) -> tuple[Path, list[Shard]]:
    """A catalog of twenty images in two shards, of which two cannot be decoded; and the shards."""
    found, shards = write_catalog(folder)
    index(found)
    header = {
        "format": 1, "sources": [], "scorer": {"name": "made up"}, "scorer_sha256": "",
        "taxonomy": {"version": 1, "hash": "t" * 64},
    }  # fmt: skip
    (found / "audit.json").write_text(json.dumps(header))
    return found, shards


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def policy(folder: Path, **rules: Any) -> str:
    """A policy that keeps everything, with further rules."""
    path = folder / "policy.yaml"
    said = {
        "name": "all", "based_on": "psa-vlm", "uncertain": None, "size": None,
        "thresholds": {"types": dict.fromkeys(TYPES[:SAFE], 0.35), "risk": None},
        "duplicates": None, "gates": None, **rules,
    }  # fmt: skip
    path.write_text(json.dumps(said))
    return str(path)


def export(catalog: Path, folder: Path, *options: str, **rules: Any) -> int:
    """The exit code; the export is `folder/out`."""
    folder.mkdir(exist_ok=True)
    return main(
        ["export", str(catalog), "--policy", policy(folder, **rules), "--out",
         str(folder / "out"), "--val", "0.3", *options]
    )  # fmt: skip


@pytest.mark.parametrize("stage", ["1", "2"])
def test_exporting_twice_gives_the_same_bytes(catalog: Path, tmp_path: Path, stage: str) -> None:
    for name in ("a", "b"):
        assert export(catalog, tmp_path / name, "--stage", stage, "--shard-size", "4") == 0
    found = hashes(tmp_path / "a" / "out")
    assert found == hashes(tmp_path / "b" / "out")
    assert export(catalog, tmp_path / "c", "--stage", stage, "--seed", "1") == 0
    assert found["lineage.parquet"] != hashes(tmp_path / "c" / "out")["lineage.parquet"]


def test_an_export_says_what_it_is_made_of(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = "wds,psa-vlm,llava,sharegpt,openai"
    assert export(catalog, tmp_path, "--stage", "2", "--format", formats, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    said = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert told["counts"] == said["counts"]
    assert said["catalog"]["images"] == 20 and said["catalog"]["shards"] == 2
    assert said["scorer"]["fingerprint"] == "made up"
    assert len(said["policy"]["hash"]) == 64
    assert sum(sum(reasons.values()) for reasons in said["selection"].values()) == 20
    assert said["selection"]["quarantine"] == {"unscored": 2}
    assert said["residual"] is None
    assert str(tmp_path) not in json.dumps(said)
    listed = {path.name for path in (tmp_path / "out" / "jsonl").iterdir()}
    assert {"psa-vlm-train.jsonl", "openai-val.jsonl"} <= listed


def test_thresholds_fitted_to_another_scorer_are_told(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(policy(tmp_path))
    path.write_text(f"# thresholds fitted to the scorer abc\n{path.read_text()}")
    words = ["export", str(catalog), "--policy", str(path), "--out", str(tmp_path / "out")]
    assert main([*words, "--stage", "2", "--val", "0.3"]) == 0
    assert "fitted to scorer abc, the scores are of made up" in capsys.readouterr().err


def test_a_lost_image_is_told_and_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, shards = scanned(tmp_path / "source")
    Path(shards[0].url).unlink()
    assert export(found, tmp_path / "e", "--stage", "2") == 3
    said = capsys.readouterr()
    assert "lost: " in said.err and shards[0].id in said.err
    assert "could not be had" in said.out


def test_a_gate_that_is_not_met_ends_with_4_and_nothing_is_written(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = {"min_kept": 1000}
    assert export(catalog, tmp_path, "--stage", "1", "--gate", gates=gates) == 4
    assert "min_kept" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert export(catalog, tmp_path, "--stage", "1", gates=gates) == 0


def test_a_takedown_is_obeyed(tmp_path: Path) -> None:
    found, _ = scanned(tmp_path / "source")
    assert export(found, tmp_path / "before", "--stage", "2") == 0
    before = hashes(tmp_path / "before" / "out")
    gone = next(path for path in before if path.startswith("images/"))
    digest = Path(gone).stem
    item = tombstones.Item("sha256", digest)
    assert tombstones.append(found, [tombstones.Tombstone(item)]) == 1
    assert export(found, tmp_path / "after", "--stage", "2") == 0
    after = tmp_path / "after" / "out"
    assert gone not in hashes(after)
    assert not any(digest.encode() in path.read_bytes() for path in after.rglob("*.*json*"))


def test_what_reviewers_of_a_random_sample_found_stands_on_the_cards(tmp_path: Path) -> None:
    found, _ = scanned(tmp_path / "source")
    rules = policy(tmp_path)
    form = tmp_path / "form.csv"
    assert (
        main(["estimate", str(found), "--policy", rules, "--draw", "18", "--out", str(form)]) == 0
    )
    with form.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with form.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows({**row, "verdict": "relabel", "type": "safe"} for row in rows)
    assert main(["decisions", str(found), "import", str(form), "--reviewer", "ana"]) == 0
    assert export(found, tmp_path / "e", "--stage", "2") == 0
    written = tmp_path / "e" / "out"
    said = json.loads((written / "manifest.json").read_bytes())
    assert said["counts"]["by_decided_by"] == {"human": said["counts"]["records"]}
    sentence = said["residual"]["sentence"]
    assert "by 18 random reviews" in sentence
    assert sentence in (written / "README.md").read_text(encoding="utf-8")
    assert set(said["decisions"]) == {"ana"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--format", "tfrecord"), "no format 'tfrecord'"),
        (("--shard-size", "0"), "below 1"),
        (("--stage", "3"), "invalid choice"),
    ],
)
def test_wrong_options_are_one_line(
    catalog: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    problem: str,
) -> None:
    with pytest.raises(SystemExit) as stopped:
        export(catalog, tmp_path, "--stage", "1", *options)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert problem in said and said.count("\n") == 1
