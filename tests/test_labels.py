"""Labels in a sample's json, and labelled shards as columns."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from audit.errors import UsageError
from audit.labelled import LabelledSet, read_labelled
from audit.labels import LabelFile, read_label
from audit.taxonomy import SAFE, TYPES, Taxonomy

TAXONOMY = Taxonomy.load()
NAMES = ("weapon", "fire")


@pytest.mark.parametrize(
    ("metadata", "kind", "level", "concepts"),
    [
        ({"concept": "weapon"}, "illegal", 2, [1, 0]),
        ({"concept": "id_card"}, "privacy", 2, [0, 0]),
        ({"concept": "neutral"}, "safe", 0, [0, 0]),
        ({"concept": "confusable"}, "safe", 0, [0, 0]),
        ({"safe_type": 4, "safe_level": 2}, "privacy", 2, [np.nan, np.nan]),
        ({"safe_type": "insults", "safe_level": "high"}, "insults", 3, [np.nan, np.nan]),
        ({"safe_type": 6, "safe_level": 0}, "safe", 0, [0, 0]),
        ({"safe_type": 5, "safe_level": 0}, "misleading", 0, [np.nan, np.nan]),
        ({"safe_type": "4", "safe_level": "2"}, "privacy", 2, [np.nan, np.nan]),
    ],
)
def test_a_label_is_read(metadata: dict[str, Any], kind: str, level: int, concepts: list) -> None:
    label = read_label(metadata, NAMES, TAXONOMY)
    assert (label.type, label.level) == (TYPES.index(kind), level)
    np.testing.assert_array_equal(label.concepts, concepts)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "needs `concept`"),
        ({"safe_type": 1}, "needs `concept`"),
        ({"concept": "wepon"}, "'wepon'; known: .*weapon"),
        ({"safe_type": 7, "safe_level": 0}, "safe_type is 7; known: 0..6"),
        ({"safe_type": True, "safe_level": 0}, "safe_type is True"),
        ({"safe_type": 1, "safe_level": "dire"}, "safe_level is 'dire'.*medium"),
        ({"safe_type": "7", "safe_level": 0}, "safe_type is 7; known: 0..6"),
        ({"concept": ["weapon"]}, "unknown concept"),
        (["concept"], "no json object"),
    ],
)
def test_a_label_that_says_nothing_is_refused(metadata: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_label(metadata, NAMES, TAXONOMY)


def write(path: Path, samples: list[tuple[bytes, dict[str, Any]]]) -> str:
    with tarfile.open(path, "w") as tar:
        for i, (data, metadata) in enumerate(samples):
            for ext, body in (("png", data), ("json", json.dumps(metadata).encode())):
                info = tarfile.TarInfo(f"{i:04}.{ext}")
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))
    return str(path)


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_labelled_shards_become_columns_and_bad_samples_become_lines(tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.tar",
        [
            (png(64, 32, (200, 0, 0)), {"concept": "fire", "source": "s", "group": "g"}),
            (png(30, 60, (0, 0, 200)), {"concept": "neutral"}),
            (b"not an image", {"concept": "neutral"}),
            (png(8, 8, (0, 0, 0)), {"concept": "nothing we know"}),
        ],
    )
    labelled, unusable = read_labelled([source], NAMES, TAXONOMY, side=48)
    assert len(labelled) == 2
    assert labelled.pictures.shape == (2, 48, 48, 3)
    # Stretched over the whole square: no border is left to learn from.
    assert np.abs(labelled.pictures[0].astype(int) - [200, 0, 0]).max() < 8
    assert np.abs(labelled.pictures[1].astype(int) - [0, 0, 200]).max() < 8
    np.testing.assert_allclose(labelled.aspects, [2, 0.5])
    assert labelled.types.tolist() == [1, SAFE]
    assert labelled.groups[0] == "g"
    assert len(unusable) == 2
    assert unusable[0].where.endswith("0002.png")
    assert "nothing we know" in str(unusable[1])
    both = LabelledSet.join([labelled, labelled.take(np.array([1]))])
    assert both.names.tolist() == ["fire", "neutral", "neutral"]


def test_shards_without_any_label_are_refused_with_the_first_reason(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tar", [(png(9, 9, (0, 0, 0)), {"caption": "x"})])
    with pytest.raises(UsageError, match="no labelled image; the first: .*needs `concept`"):
        read_labelled([source], NAMES, TAXONOMY, side=32)


ROWS = [{"uid": "u1", "concept": "fire"}, {"key": "b", "safe_type": "4", "safe_level": "2"}]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_of_labels_is_found_by_uid_and_by_key(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"labels.{kind}"
    if kind == "csv":
        path.write_text("uid,key,concept,safe_type,safe_level\nu1,,fire,,\n,b,,4,2\n")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        # from_pylist takes its columns from the first row.
        pq.write_table(pa.Table.from_pylist([dict.fromkeys(ROWS[1]) | ROWS[0], ROWS[1]]), path)
    labels = LabelFile.read(path)
    assert labels.find("u1", "other", "a.tar") == ROWS[0]
    found = labels.find("u2", "b", "a.tar")
    assert found is not None
    label = read_label(found, NAMES, TAXONOMY)
    assert (TYPES[label.type], label.level) == ("privacy", 2)
    assert labels.find("u2", "c", "a.tar") is None
    assert list(labels.left_over()) == []


def test_a_file_of_labels_says_what_it_could_not_use(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("key,concept\na,fire\na,weapon\nb,fire\n,fire\nc,fire\n")
    labels = LabelFile.read(path)
    assert labels.find(None, "a", "1.tar") == {"key": "a", "concept": "fire"}
    with pytest.raises(UsageError, match=r"'a' is in 1.tar too.*by uid"):
        labels.find(None, "a", "2.tar")
    said = [str(u) for u in labels.left_over()]
    assert len(said) == 3
    assert "'a' has another row" in said[0]
    assert "neither uid nor key" in said[1]
    assert "2 rows name no sample" in said[2]
    path.write_text("name,concept\na,fire\n")
    with pytest.raises(UsageError, match="needs a column `uid` or `key`"):
        LabelFile.read(path)
    with pytest.raises(UsageError, match=r"\.csv, \.jsonl or \.parquet"):
        LabelFile.read(tmp_path / "labels.xlsx")
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"deep\.jsonl: cannot be read"):
        LabelFile.read(tmp_path / "deep.jsonl")
