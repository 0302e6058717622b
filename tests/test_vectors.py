"""The vector index against brute force, flat and in inverted lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import pytest

from audit import vectors
from audit.errors import CatalogMismatch, ShardwardenError
from audit.images import Picture
from audit.parts import Parts
from audit.shards import Books, Sample, Shard
from tests.catalogs import CONCEPTS, made_up_scores

DIMENSIONS = 16


def store(folder: Path, *, shards: int, rows: int, width: int = DIMENSIONS) -> Parts:
    """Parts with made-up embeddings; every fifth row of a shard has failed."""
    parts = Parts(folder)
    for number in range(shards):
        shard = Shard(f"s{number}-00000000", "/nowhere", "nowhere", False)
        samples = [
            Sample(f"k{n}", n, f"k{n}.png", n, 1, b"x", None, None, None, None)
            for n in range(rows)
        ]  # fmt: skip
        failed, good = samples[::5], [s for s in samples if s.ordinal % 5]
        picture = Picture(np.zeros((1, 1, 3), np.uint8), 1, 1, "png", "0" * 16, None)
        with parts.writing(shard, concept_names=CONCEPTS) as part:
            for sample in failed:
                part.add_failed(sample, "corrupt: x")
            scores = made_up_scores(len(good), seed=number, width=width)
            part.add_scored(good, [picture] * len(good), scores)
            part.finish(Books(members=rows, images=rows))
    return parts


def everything(parts: Parts) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    pairs = list(vectors.chunks(parts, parts.shard_ids()))
    return np.concatenate([ids for ids, _ in pairs]), np.concatenate([e for _, e in pairs])


def built(parts: Parts, **options: int) -> Path:
    folder = parts.directory.parent
    vectors.build(parts, parts.shard_ids(), folder / vectors.NAME, **options)
    return folder


def kind(index: Any) -> str:
    return type(faiss.downcast_index(index.index)).__name__


def test_ids_are_those_of_the_scored_rows(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=2, rows=10)
    ids, embeddings = everything(parts)
    wanted = [
        row["row_id"]
        for shard in parts.shard_ids()
        for row in parts.rows(shard).to_pylist()
        if row["status"] == "scored"
    ]
    assert ids.tolist() == wanted
    assert embeddings.shape == (16, DIMENSIONS)


def test_a_flat_index_agrees_with_brute_force(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=3, rows=200)
    ids, embeddings = everything(parts)
    index = vectors.open(built(parts))
    queries = np.random.default_rng(7).normal(size=(5, DIMENSIONS))
    found, cosines = vectors.neighbours(index, queries, 4)
    exact = queries @ embeddings.T.astype(np.float64)
    exact /= np.linalg.norm(queries, axis=1, keepdims=True)
    best = np.argsort(-exact, axis=1)[:, :4]
    assert np.array_equal(found, ids[best])
    assert np.allclose(cosines, np.take_along_axis(exact, best, axis=1), atol=1e-3)
    assert kind(index) == "IndexFlatIP"


def test_one_embedding_gives_one_row_and_finds_itself(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=1, rows=50)
    ids, embeddings = everything(parts)
    found, cosines = vectors.neighbours(vectors.open(built(parts)), 3 * embeddings[7], 2)
    assert found.shape == cosines.shape == (2,)
    assert found[0] == ids[7]
    assert cosines[0] == pytest.approx(1, abs=1e-3)


def test_many_vectors_go_into_lists_and_are_found_all_the_same(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=3, rows=2500)
    ids, embeddings = everything(parts)
    index = vectors.open(built(parts, flat_below=1000))
    assert index.ntotal == len(ids) == 6000
    assert kind(index) == "IndexIVFScalarQuantizer"
    queries = embeddings[::100] + 0.02
    found, _ = vectors.neighbours(index, queries, 10)
    exact = ids[np.argsort(-(queries @ embeddings.T), axis=1)[:, :10]]
    hits = [len(set(a) & set(b)) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]
    assert np.mean(hits) >= 8  # random directions are the hardest case there is
    assert (found[:, 0] == exact[:, 0]).mean() > 0.9


@pytest.mark.parametrize("flat_below", [10, 10_000])
def test_both_kinds_hold_exactly_what_the_parts_hold(tmp_path: Path, flat_below: int) -> None:
    parts = store(tmp_path / "a", shards=2, rows=600)
    other = store(tmp_path / "b", shards=2, rows=602)
    index = vectors.open(built(parts, flat_below=flat_below))
    assert vectors.holds(index, parts, parts.shard_ids())
    assert not vectors.holds(index, other, other.shard_ids())
    assert not vectors.holds(index, parts, parts.shard_ids()[:1])
    assert not vectors.holds(index, parts, parts.shard_ids()[::-1])


def test_building_twice_gives_the_same_file(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=2, rows=600)
    first = (built(parts, flat_below=100) / vectors.NAME).read_bytes()
    assert (built(parts, flat_below=100) / vectors.NAME).read_bytes() == first


def test_more_neighbours_than_vectors_gives_all(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=1, rows=5)
    found, cosines = vectors.neighbours(vectors.open(built(parts)), np.ones(DIMENSIONS), 100)
    assert len(found) == len(cosines) == 4
    assert (np.diff(cosines) <= 0).all()


def test_an_index_without_vectors_has_no_neighbours(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=1, rows=1)  # the one row has failed
    index = vectors.open(built(parts))
    assert index.ntotal == 0
    assert vectors.neighbours(index, np.ones(DIMENSIONS), 3)[0].shape == (0,)
    assert vectors.neighbours(index, np.ones((2, DIMENSIONS)), 3)[1].shape == (2, 0)


def test_the_embedding_of_another_encoder_is_refused(tmp_path: Path) -> None:
    index = vectors.open(built(store(tmp_path, shards=1, rows=10)))
    with pytest.raises(CatalogMismatch, match="16-wide"):
        vectors.neighbours(index, np.ones(DIMENSIONS + 1), 3)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_embedding_without_a_direction_is_refused(tmp_path: Path, value: float) -> None:
    index = vectors.open(built(store(tmp_path, shards=1, rows=10)))
    with pytest.raises(ShardwardenError, match="no neighbours"):
        vectors.neighbours(index, np.full(DIMENSIONS, value), 3)


def test_parts_of_two_encoders_are_refused(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=2, rows=10, width=8)
    store(tmp_path, shards=1, rows=10, width=12)
    with pytest.raises(CatalogMismatch, match=r"s1-00000000: 8-wide .* s0-00000000 has 12-wide"):
        built(parts)


def test_a_missing_or_damaged_index_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ShardwardenError, match="no such file; run `audit index"):
        vectors.open(tmp_path)
    (tmp_path / vectors.NAME).write_bytes(b"IxFI but not for long")
    with pytest.raises(ShardwardenError, match="not a whole FAISS index; run `audit index"):
        vectors.open(tmp_path)
