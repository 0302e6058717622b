"""parts -> vectors.faiss; and the search in it. Ids are row_ids, similarity is the cosine.

Few vectors are kept flat and searched exactly. Many are kept as float16, which is what the parts
hold, so nothing is lost, in inverted lists of which a search reads one in sixteen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import CatalogMismatch, ShardwardenError
from audit.parts import Parts

NAME = "vectors.faiss"
FLAT_BELOW = 200_000  # vectors; a flat search reads them all
TRAINING_PER_LIST = 40  # below 39, faiss warns that its k-means has too little to go by
PROBED = 16  # a search reads one list in so many
MANY = 8  # searches at once; more read no more lists than these
CHUNK = 65_536  # rows turned into float32 at a time


def build(
    parts: Parts, shard_ids: Sequence[str], path: Path, *, flat_below: int = FLAT_BELOW
) -> int:
    """Write an index over the embeddings of these parts; returns how many vectors it holds.

    Reads the .npy files through the page cache, one chunk at a time; in memory is the index only.
    flat_below   from so many vectors on, inverted lists
    raises       CatalogMismatch when parts hold embeddings of different widths
    """
    faiss = _faiss()
    rows, width = shape(parts, shard_ids)
    if rows < flat_below:
        inner = faiss.IndexFlatIP(width)
    else:
        lists = max(1, min(round(rows**0.5), rows // TRAINING_PER_LIST))
        inner = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(width),
            width,
            lists,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
        )
        inner.by_residual = False  # the vectors themselves, so that they come back exactly
        inner.nprobe = max(8, lists // PROBED)
        inner.train(drawn(parts, shard_ids, rows, lists * TRAINING_PER_LIST))
    index = faiss.IndexIDMap2(inner)
    for ids, vectors in chunks(parts, shard_ids):
        index.add_with_ids(vectors, ids)
    faiss.write_index(index, str(path))
    return rows


def chunks(
    parts: Parts, shard_ids: Sequence[str]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Yield (row_ids [n], embeddings [n, d] float32) of the scored rows, in the order of the index.

    raises   CatalogMismatch when a .npy has another number of rows than its Parquet has scored
    """
    for shard_id in shard_ids:
        embeddings = parts.embeddings(shard_id)
        ids = scored_ids(parts, shard_id)
        if len(ids) != len(embeddings):
            raise CatalogMismatch(
                f"{shard_id}: {len(embeddings):,} embeddings for {len(ids):,} scored rows; "
                "scan the shard again"
            )
        for start in range(0, len(ids), CHUNK):
            end = start + CHUNK
            yield ids[start:end], np.asarray(embeddings[start:end], dtype=np.float32)


def scored_ids(parts: Parts, shard_id: str) -> npt.NDArray[np.int64]:
    """row_ids [n] of a part's scored rows, in the order of its embeddings."""
    table = parts.rows(shard_id, ["row_id", "status"])
    status = table.column("status").to_numpy()
    ids: npt.NDArray[np.int64] = table.column("row_id").to_numpy()[status == "scored"]
    return ids


def open(catalog_dir: Path | str, *, mapped: bool = False) -> Any:
    """Load a catalog's index; ShardwardenError when there is none or it cannot be read.

    mapped   leave inverted lists in the file, of which a search reads a few: 1 KB a row less memory
    """
    path = Path(catalog_dir) / NAME
    if not path.exists():
        raise ShardwardenError(f"{path}: no such file; run `audit index {catalog_dir}`")
    try:
        faiss = _faiss()
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP if mapped else 0)
    except RuntimeError as error:  # what faiss raises for everything
        raise ShardwardenError(
            f"{path}: not a whole FAISS index; run `audit index {catalog_dir}`"
        ) from error


def vector(index: Any, row_id: int) -> npt.NDArray[np.float32] | None:
    """The stored vector [d] of a row; None where it has none."""
    faiss = _faiss()
    inner = faiss.downcast_index(index.index)
    if isinstance(inner, faiss.IndexIVF) and inner.direct_map.type == faiss.DirectMap.NoMap:
        inner.make_direct_map()
    try:
        found: npt.NDArray[np.float32] = index.reconstruct(row_id)
    except RuntimeError:  # what faiss raises for everything
        return None
    return found


def neighbours(
    index: Any,
    embedding: npt.ArrayLike,
    k: int,
    among: npt.NDArray[np.int64] | None = None,
    *,
    fewer: bool = False,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Find the k stored vectors nearest to each embedding, the most similar first.

    embedding   [d] or [n, d], any length above 0
    among       [m] row_ids to search in only, None: all
    fewer       of many embeddings, look for each in fewer of the lists: all that a few would read
    returns     row_ids int64 and cosines float32, both [k'] or [n, k'] with k' <= k; where fewer
                were found, row_id -1 with cosine NaN
    raises      CatalogMismatch when d is not the width of the index, ShardwardenError for a zero
                or not finite embedding
    """
    query = np.asarray(embedding, dtype=np.float32)
    rows = np.atleast_2d(query)
    found = min(k, index.ntotal)
    if found <= 0:
        shape = (*query.shape[:-1], 0)
        return np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    if rows.ndim != 2 or rows.shape[1] != index.d:
        raise CatalogMismatch(
            f"embedding of shape {list(query.shape)}, the index holds {index.d}-wide vectors; "
            "use the scorer the catalog was made with"
        )
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ShardwardenError("an embedding of length 0 or not finite has no neighbours")
    how = None if among is None else _only(index, among)
    if fewer and how is None:
        how = _fewer(index, len(rows))
    cosines, ids = index.search(np.ascontiguousarray(rows / lengths), found, params=how)
    cosines = np.where(ids < 0, np.float32(np.nan), np.clip(cosines, -1, 1))
    return (ids[0], cosines[0]) if query.ndim == 1 else (ids, cosines)


def _only(index: Any, row_ids: npt.NDArray[np.int64]) -> Any:
    """How to search in these rows only; of inverted lists then all are read."""
    faiss = _faiss()
    selector = faiss.IDSelectorBatch(row_ids)
    inner = faiss.downcast_index(index.index)
    if isinstance(inner, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=inner.nlist)
    return faiss.SearchParameters(sel=selector)


def _fewer(index: Any, queries: int) -> Any:
    """How to search for many at once: in fewer lists for each, all together in those of MANY."""
    faiss = _faiss()
    inner = faiss.downcast_index(index.index)
    if queries <= MANY or not isinstance(inner, faiss.IndexIVF):
        return None
    return faiss.SearchParametersIVF(nprobe=max(4, inner.nprobe * MANY // queries))


def holds(index: Any, parts: Parts, shard_ids: Sequence[str]) -> bool:
    """Tell whether an index holds exactly the ids and embeddings of these parts, in their order."""
    faiss = _faiss()
    stored: npt.NDArray[np.int64] = faiss.vector_to_array(index.id_map)
    inner = faiss.downcast_index(index.index)
    if isinstance(inner, faiss.IndexIVF):
        inner.make_direct_map()
    start = 0
    for ids, embeddings in chunks(parts, shard_ids):
        end = start + len(ids)
        if not np.array_equal(stored[start:end], ids):
            return False
        if not np.array_equal(inner.reconstruct_n(start, len(ids)), embeddings):
            return False
        start = end
    return start == len(stored)


def shape(parts: Parts, shard_ids: Sequence[str]) -> tuple[int, int]:
    """(rows, d) over all parts; d is 1 when there is not one vector."""
    rows, width, first = 0, 0, ""
    for shard_id in shard_ids:
        n, d = parts.embeddings(shard_id).shape
        if n and width and d != width:
            raise CatalogMismatch(
                f"{shard_id}: {d}-wide embeddings, {first} has {width}-wide ones; they come from "
                "two encoders: scan one of them again"
            )
        if n:
            rows, width, first = rows + n, d, first or shard_id
    return rows, width or 1


def drawn(
    parts: Parts, shard_ids: Sequence[str], rows: int, wanted: int
) -> npt.NDArray[np.float32]:
    """Draw `wanted` of all vectors, or all there are, evenly over the parts: [n, d] float32.

    rows   vectors in all parts together; the same ones are drawn every time
    """
    chosen = np.sort(np.random.default_rng(0).permutation(rows)[:wanted])
    drawn = []
    before = 0
    for shard_id in shard_ids:
        embeddings = parts.embeddings(shard_id)
        here = chosen[(chosen >= before) & (chosen < before + len(embeddings))] - before
        if len(here):
            drawn.append(np.asarray(embeddings[here], dtype=np.float32))
        before += len(embeddings)
    return np.concatenate(drawn)


def nearest(
    places: npt.NDArray[np.float32],
) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.int64]]:
    """A function that says of vectors [n, d] which of `places` [s, d] is nearest to each: [n].

    By Euclidean distance; from some thousands of places on, nearly always and not always.
    """
    faiss = _faiss()
    count, width = places.shape
    if count < 100 * TRAINING_PER_LIST:
        index = faiss.IndexFlatL2(width)
    else:
        lists = round(count**0.5)
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, lists)
        index.nprobe = 8
        index.train(places)
    index.add(places)

    def which(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = index.search(vectors, 1)[1][:, 0]
        return found

    return which


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ShardwardenError(
            "faiss is not installed; run `pip install shardwarden[cpu]` (or [gpu])"
        ) from error
    return faiss
