"""A map: every scored row at a place in the plane, near the rows that look like it.

`audit index --map` lays it out and writes CATALOG/map.parquet; every `audit index` copies into the
catalog what of it still holds: the rows of shards whose embeddings have not changed since. With
PaCMAP (extra `map`) groups stand apart; without it the two main directions (PCA) are the axes.

Letters in shapes: N rows, S rows of the sample, D width of an embedding, R of a reduced one.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audit import vectors
from audit.errors import ShardwardenError
from audit.parts import Parts, replacing
from audit.quiet import quiet_logs
from audit.steps import Show

NAME = "map.parquet"
SAMPLE = 40_000  # rows that PaCMAP lays out itself; 40,000 take it 6 s, all others are looked up
REDUCED = 50  # width in which PaCMAP and the looking up compare
FEWEST = 200  # rows in a sample; below, PaCMAP has too few neighbours to go by

_FORMAT = 1
_FOOTER = b"shardwarden_map"
_COLUMNS: dict[str, pa.DataType] = {"row_id": pa.int64(), "x": pa.float32(), "y": pa.float32()}
_FILE = pa.schema({**_COLUMNS, "shard": pa.int32()})  # the position in Made.shards
PLACES = pa.schema(_COLUMNS)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MapReport:
    """What `make` laid out.

    method   "PaCMAP" or "PCA"
    rows     that have a place; sample: those that the layout was learnt from
    """

    method: str
    rows: int
    sample: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of the map that a catalog holds; shards -> sha256 of their embeddings."""

    method: str
    sample: int
    shards: dict[str, str]


def make(catalog_dir: Path | str, *, sample: int = SAMPLE, show: Show | None = None) -> MapReport:
    """Lay out every scored row of a catalog's parts and write map.parquet; the index is as it was.

    One chunk of the embeddings is in memory at a time. The same parts give the same map.
    sample   rows the layout is learnt from, drawn evenly
    show     is told how it goes
    raises   ShardwardenError where nothing is scored, CatalogMismatch as vectors.build
    """
    began = time.monotonic()
    directory = Path(catalog_dir)
    parts = Parts(directory)
    ids = [shard for shard in parts.shard_ids() if parts.done(shard)]
    books = {shard: parts.books(shard).embeddings for shard in ids}
    rows, _ = vectors.shape(parts, ids)
    if not rows:
        raise ShardwardenError(f"{directory}: nothing is scored, so there is no map; scan first")
    show = show or (lambda *_: None)
    show(0, rows, "learning the layout")
    drawn = vectors.drawn(parts, ids, rows, sample)
    method, place = _layout(drawn)
    row_ids, places = np.empty(rows, np.int64), np.empty((rows, 2), np.float32)
    done = 0
    for chunk_ids, embeddings in vectors.chunks(parts, ids):
        end = done + len(chunk_ids)
        row_ids[done:end], places[done:end] = chunk_ids, place(embeddings)
        done = end
        show(done, rows, "placing rows")
    _write(directory, row_ids, _within_one(places), Made(method, len(drawn), books))
    return MapReport(method, rows, len(drawn), time.monotonic() - began)


def read(parts: Parts, ids: Sequence[str]) -> tuple[pa.Table, Made | None]:
    """(row_id, x, y of the rows whose place still holds; what the map is, None without one).

    x, y     float32, 0..1
    ids      shards of the catalog that is being built; others have no place
    raises   ShardwardenError when the file cannot be read
    """
    path = parts.directory.parent / NAME
    if not path.exists():
        return PLACES.empty_table(), None
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            content = json.loads((file.schema_arrow.metadata or {})[_FOOTER])
            if content.pop("format") != _FORMAT:
                raise ValueError("of another version")
            made = Made(**content)
            table = file.read()
            if not table.schema.remove_metadata().equals(_FILE):
                raise ValueError("other columns than a map has")
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ShardwardenError(
            f"{path.name}: cannot be read ({reason}); delete it, or run `audit index --map`"
        ) from error
    fresh = [n for n, digest in made.shards.items() if n in ids and _digest(parts, n) == digest]
    held = np.isin(table["shard"].to_numpy(), [list(made.shards).index(n) for n in fresh])
    return table.select(PLACES.names).filter(pa.array(held)).replace_schema_metadata(), made


def _digest(parts: Parts, shard: str) -> str:
    return parts.books(shard).embeddings


def _write(directory: Path, row_ids: Any, places: Floats, made: Made) -> None:
    parts = Parts(directory)
    counts = [len(parts.embeddings(shard)) for shard in made.shards]
    table = pa.table(
        {
            "row_id": pa.array(row_ids),
            "x": pa.array(places[:, 0]),
            "y": pa.array(places[:, 1]),
            "shard": pa.array(np.repeat(np.arange(len(counts), dtype=np.int32), counts)),
        },
        schema=_FILE.with_metadata({_FOOTER: json.dumps({"format": _FORMAT, **asdict(made)})}),
    )
    with replacing(directory / NAME) as path:
        pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def _layout(sample: Floats) -> tuple[str, Callable[[Floats], Floats]]:
    """(method, function from embeddings [N, D] to places [N, 2]), learnt from a sample [S, D]."""
    mean, axes = _axes(sample, REDUCED)

    def reduced(embeddings: Floats) -> Floats:
        return np.asarray((embeddings - mean) @ axes, dtype=np.float32)

    fitted = _pacmap(reduced(sample)) if len(sample) >= FEWEST else None
    if fitted is None:
        return "PCA", lambda embeddings: _two(reduced(embeddings))
    which = vectors.nearest(reduced(sample))
    return "PaCMAP", lambda embeddings: fitted[which(reduced(embeddings))]


def _axes(sample: Floats, most: int) -> tuple[Floats, Floats]:
    """(mean [D], main directions [D, R <= most]), each turned so that its largest part is above 0.

    source   principal components by the eigenvectors of the covariance
    """
    mean = sample.mean(axis=0)
    centred = (sample - mean).astype(np.float64)
    _, found = np.linalg.eigh(centred.T @ centred)
    axes = found[:, ::-1][:, :most]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return mean, np.ascontiguousarray(axes * signs, dtype=np.float32)


def _two(reduced: Floats) -> Floats:
    """The first two columns; a second of zeros where embeddings are one wide."""
    return reduced[:, :2] if reduced.shape[1] > 1 else np.pad(reduced, ((0, 0), (0, 1)))


def _pacmap(reduced: Floats) -> Floats | None:
    """[S, 2] places of a sample [S, R] by PaCMAP; None where it is not installed.

    source   Wang, Huang, Rudin, Shaposhnik 2021 (JMLR 22), with its own defaults and a fixed seed
    """
    with warnings.catch_warnings(), quiet_logs():
        warnings.simplefilter("ignore")  # of what it imports
        try:
            from pacmap import PaCMAP
        except ImportError:
            return None
        learnt = PaCMAP(n_components=2, apply_pca=False, random_state=0)
        return np.asarray(learnt.fit_transform(reduced, init="pca"), dtype=np.float32)


def _within_one(places: Floats) -> Floats:
    """Stretched to 0..1 on each axis; 0.5 on an axis on which all are the same."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.where(high > low, high - low, 1)
    return np.where(high > low, np.clip((places - low) / span, 0, 1), np.float32(0.5))
