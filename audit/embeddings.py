"""Embeddings that somebody computed already: a folder as clip-retrieval writes it.

    img_emb/img_emb_<n>.npy         [rows, E] float16, one row an image
    metadata/metadata_<n>.parquet   the same rows: image_path or key, caption, url ...
    text_emb/                       not read

A file may hold a million rows, so it is read in pieces of PIECE_ROWS: the vectors mapped from disk,
the metadata streamed. A piece is to the catalog what a shard is: a unit of work that is done whole
or not at all. Its rows and its name follow from its place in the file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import UsageError
from audit.halves import singles
from audit.npy import mapped
from audit.upstream_columns import ROWS, rows_of

PIECE_ROWS = 16_384  # 50 MB of vectors 768 wide in float32; names of parts depend on it

Fault = Callable[[str, str], None]
"""Takes the name of a file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class EmbeddingFile:
    """One .npy and its metadata, checked against each other.

    name   stem of the .npy, e.g. 'img_emb_0'
    """

    name: str
    vectors: Path
    metadata: Path
    rows: int

    @property
    def shard_ids(self) -> list[str]:
        """Names of its pieces, in order."""
        return [f"{self.name}-{i:05d}" for i in range(-(-self.rows // PIECE_ROWS))]


@dataclass(frozen=True, slots=True)
class EmbeddingFolder:
    """What a folder holds.

    width   E
    faults  (file name, what is wrong) of the files left out; none of their rows is read
    """

    files: tuple[EmbeddingFile, ...]
    width: int
    faults: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> int:
        """Rows of all its sound files."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class EmbeddingPiece:
    """Some rows of one file.

    shard_id    unique in the folder
    file        the .npy it is of; `first` is the row in it that the piece begins with
    embeddings  [n, E], mapped from disk: any float type, any length
    rows        n rows of `upstream_columns.ROWS`: uid, key, caption ... and all columns as JSON
    unusable    row of the piece -> 'bad_embedding: why'; all others can be brought to length 1
    """

    shard_id: str
    file: Path
    first: int
    embeddings: npt.NDArray[Any]
    rows: pa.Table
    unusable: Mapping[int, str]


def is_embedding_folder(path: Path | str) -> bool:
    """True for a folder with img_emb/*.npy inside."""
    return any((Path(path) / "img_emb").glob("*.npy"))


def survey(folder: Path | str) -> EmbeddingFolder:
    """Check the files of a folder against each other; only headers are read.

    raises  UsageError when no file is sound, naming the first fault
    """
    folder = Path(folder)
    found: list[tuple[EmbeddingFile, int]] = []
    faults: list[tuple[str, str]] = []
    for vectors in sorted((folder / "img_emb").glob("*.npy"), key=_in_order):
        try:
            found.append(_file(folder, vectors))
        except (OSError, ValueError, EOFError, pa.ArrowException) as error:
            faults.append((vectors.name, str(error).splitlines()[0][:200]))
    if not found:
        why = f"{faults[0][0]}: {faults[0][1]}" if faults else "no img_emb/*.npy"
        raise UsageError(f"{folder}: no embeddings as clip-retrieval writes them ({why})")
    width = found[0][1]
    for file, other in found:
        if other != width:
            faults.append((file.vectors.name, f"{other} wide, {found[0][0].vectors.name} {width}"))
    return EmbeddingFolder(tuple(f for f, w in found if w == width), width, tuple(faults))


def pieces(
    folder: EmbeddingFolder,
    *,
    skip: Collection[str] = (),
    fault: Fault = lambda name, what: None,
) -> Iterator[EmbeddingPiece]:
    """All rows, file by file, in order.

    skip    shard ids that are done; their vectors are not touched
    fault   told of a file that cannot be read to its end; what was read before it stays good, and
            the next file follows
    """
    for file in folder.files:
        ids = file.shard_ids
        if set(ids) <= set(skip):
            continue
        try:
            vectors = _mapped(file.vectors)
            for number, table in enumerate(_tables(file.metadata)):
                if ids[number] not in skip:
                    yield _piece(file, number, vectors, table)
        except (OSError, ValueError, pa.ArrowException) as error:
            fault(file.metadata.name, str(error).splitlines()[0][:200])


def _piece(
    file: EmbeddingFile, number: int, vectors: npt.NDArray[Any], table: pa.Table
) -> EmbeddingPiece:
    first = number * PIECE_ROWS
    part = vectors[first : first + PIECE_ROWS]
    rows = rows_of(table, [f"{file.name}:{first + i}" for i in range(len(table))])
    return EmbeddingPiece(file.shard_ids[number], file.vectors, first, part, rows, _unusable(part))


def _unusable(vectors: npt.NDArray[Any]) -> dict[int, str]:
    found = {}
    for start in range(0, len(vectors), 1024):
        some = singles(vectors[start : start + 1024])
        squares = np.einsum("be,be->b", some, some)
        for row in np.flatnonzero(~(np.isfinite(squares) & (squares > 0))):
            zero = squares[row] == 0
            why = "all zeros, so it has no direction" if zero else "holds what is not a number"
            found[start + int(row)] = f"bad_embedding: {why}"
    return found


def _file(folder: Path, vectors: Path) -> tuple[EmbeddingFile, int]:
    """A checked pair; what is wrong with it is raised: ValueError, or as NumPy and Arrow do."""
    number = vectors.stem.removeprefix("img_emb").lstrip("_")
    metadata = folder / "metadata" / f"metadata_{number}.parquet"
    if not metadata.is_file():
        raise ValueError(f"no metadata/{metadata.name} beside it, so its rows have no names")
    rows, width = _mapped(vectors).shape
    named = pq.read_metadata(metadata).num_rows
    if rows != named:
        raise ValueError(
            f"{rows:,} rows, {metadata.name} has {named:,}; which belongs to which is lost, "
            "compute this file again"
        )
    return EmbeddingFile(vectors.stem, vectors, metadata, rows), width


def _mapped(path: Path) -> npt.NDArray[Any]:
    """[rows, E], read from disk as it is used."""
    vectors = mapped(path)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or 0 in vectors.shape:
        raise ValueError(f"{vectors.dtype} {list(vectors.shape)}; expected floats [rows, width]")
    return vectors


def _tables(path: Path) -> Iterator[pa.Table]:
    """Metadata in tables of PIECE_ROWS rows, the last one shorter; row groups do not matter."""
    with pq.ParquetFile(path) as file:
        waiting: list[pa.RecordBatch] = []
        held = 0
        for batch in file.iter_batches(PIECE_ROWS):
            waiting.append(batch)
            held += len(batch)
            while held >= PIECE_ROWS:
                table = pa.Table.from_batches(waiting)
                yield table.slice(0, PIECE_ROWS)
                waiting = table.slice(PIECE_ROWS).to_batches()
                held -= PIECE_ROWS
        if held:
            yield pa.Table.from_batches(waiting)


def _in_order(path: Path) -> tuple[int, str]:
    """img_emb_2 before img_emb_10."""
    digits = "".join(c for c in path.stem.rpartition("_")[2] if c.isdecimal())
    return int(digits or 0), path.stem


__all__ = [
    "PIECE_ROWS", "ROWS", "EmbeddingFile", "EmbeddingFolder", "EmbeddingPiece",
    "is_embedding_folder", "pieces", "survey",
]  # fmt: skip
