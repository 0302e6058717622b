"""The cards of an export say what it holds, and the libraries that read such cards take them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from curation.cards import UNMEASURED
from curation.records import SourceRow
from tests.catalogs import write_catalog
from tests.exports import ORIGIN, exported, record, records, source_rows


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[SourceRow]:
    return source_rows(write_catalog(tmp_path_factory.mktemp("source"))[0])


@pytest.fixture(scope="module")
def whole(rows: list[SourceRow], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    return exported(out, records(rows), formats=("wds", "psa-vlm"), shard_size=10).out


def front(folder: Path) -> Any:
    """The front matter of a card."""
    _, found, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(found)


def body(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2]


def test_a_card_warns_exactly_when_a_risky_image_is_inside(
    whole: Path, rows: list[SourceRow], tmp_path: Path
) -> None:
    assert "not-for-all-audiences" in front(whole)["tags"]
    clean = [record(row, number) for number, row in enumerate(rows) if number % 3]
    harmless = exported(tmp_path / "out", clean).out
    assert "not-for-all-audiences" not in front(harmless)["tags"]
    assert "risky images on purpose" in body(whole)
    assert "risky images on purpose" not in body(harmless)


def test_the_licence_is_said_to_be_unknown(whole: Path) -> None:
    assert front(whole)["license"] == "unknown"
    assert "## Licence\n\nUnknown." in body(whole)


def test_the_risk_left_is_stated_or_said_to_be_unmeasured(
    whole: Path, rows: list[SourceRow], tmp_path: Path
) -> None:
    assert UNMEASURED in body(whole)
    sentence = "Of 18 images kept, 1.2 % (95 %: 0.3 to 3.1 %) are risky, by 300 random reviews."
    origin = replace(ORIGIN, residual={"sentence": sentence})
    out = exported(tmp_path / "out", records(rows), origin=origin).out
    assert sentence in body(out) and UNMEASURED not in body(out)
    described = json.loads((out / "croissant.json").read_bytes())
    assert sentence in described["description"] and sentence in described["rai:dataLimitations"]


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_names_of_others_stay_text(rows: list[SourceRow], tmp_path: Path) -> None:
    import mlcroissant

    strange = "x`]\n---\nlicense: mit\n<script>|"
    policy = {"name": strange, "hash": "a" * 64}
    origin = replace(ORIGIN, policy=policy, name=strange)
    assert not mlcroissant.Dataset(
        exported(tmp_path / "first", records(rows), origin=origin).out / "croissant.json"
    ).metadata.ctx.issues.errors
    out = exported(tmp_path / "out", [record(rows[0], reason=strange)], origin=origin).out
    assert front(out)["license"] == "unknown"
    assert "\n" not in front(out)["pretty_name"]
    assert "<script>" not in body(out)


def test_lost_images_stand_on_the_card(rows: list[SourceRow], tmp_path: Path) -> None:
    gone = record(replace(rows[0], sha256="0" * 64))
    out = exported(tmp_path / "out", [gone, record(rows[1], 1)]).out
    assert "1 images could not be had" in body(out)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # both are of the library's own making
def test_the_makers_of_croissant_find_no_fault_and_read_the_records(whole: Path) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(whole / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    # A date would make the same export differ each day; there is nothing to cite.
    told = {warning.split("Property ")[1].split('"')[1] for warning in issues.warnings}
    assert {name.rpartition("/")[2] for name in told} == {"citeAs", "datePublished"}
    assert dataset.metadata.data_limitations
    found = list(dataset.records("records"))
    assert len(found) == 18
    uids = {row["records/uid"].decode() for row in found}
    manifest = json.loads((whole / "manifest.json").read_bytes())
    assert len(uids) == manifest["counts"]["records"]


def test_croissant_hashes_are_those_of_the_manifest(whole: Path) -> None:
    described = json.loads((whole / "croissant.json").read_bytes())
    manifest = json.loads((whole / "manifest.json").read_bytes())
    objects = [one for one in described["distribution"] if one["@type"] == "cr:FileObject"]
    assert any(one["@id"].endswith(".tar") for one in objects)
    for one in objects:
        assert one["sha256"] == manifest["files"][one["contentUrl"]]["sha256"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_hugging_face_reads_the_folder_by_its_card(
    whole: Path, rows: list[SourceRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    import datasets

    datasets.disable_progress_bars()
    found = datasets.load_dataset(str(whole), cache_dir=str(tmp_path / "cache"))
    made = records(rows)
    for split, name in (("train", "train"), ("val", "validation")):
        assert [row["json"]["uid"] for row in found[name]] == [
            one.uid for one in made if one.split == split
        ]
    assert found["train"][0]["png"].size == (16, 12)
    lines_only = exported(tmp_path / "lines", made, formats=("psa-vlm", "llava")).out
    told = datasets.load_dataset(str(lines_only), "psa-vlm", cache_dir=str(tmp_path / "cache"))
    assert told["train"].column_names == ["safe_type", "safe_level", "image", "conversations"]
