"""Results on disk: one Parquet and its .npy files a shard, appearing whole or not at all.

A part is `parts/<shard-id>.parquet` (one row an image, failed ones included, in the order of the
shard), `parts/<shard-id>.npy` (float16 [rows scored, d], unit length, same order) and, where the
scan was told to keep them, `parts/<shard-id>.features.npy` (float16 [rows scored, E], same order).
All are written under temporary names that end in neither suffix; the Parquet takes its name last,
so a Parquet file is the sign that the shard is done.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audit.books import FORMAT, PartBooks
from audit.columns import SCHEMA
from audit.errors import ShardwardenError
from audit.npy import mapped
from audit.rows import Rows

if TYPE_CHECKING:
    from audit.shards import Books, Shard


FEATURES = ".features.npy"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, the file takes `path`'s name for good."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file, or a directory's names, to the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_of(path: Path) -> str:
    """sha256 hex of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Parts:
    """The parts of one catalog directory."""

    def __init__(self, catalog_dir: Path | str) -> None:
        """Nothing is read or made yet."""
        self.directory = Path(catalog_dir) / "parts"

    def paths(self, shard_id: str) -> tuple[Path, Path]:
        """(Parquet, .npy) of a shard, there or not."""
        return self.directory / f"{shard_id}.parquet", self.directory / f"{shard_id}.npy"

    def features_path(self, shard_id: str) -> Path:
        """The .features.npy of a shard, there or not."""
        return self.directory / f"{shard_id}{FEATURES}"

    def shard_ids(self) -> list[str]:
        """Ids of all shards that have a Parquet file, sorted; `fault` says which are sound."""
        return sorted(path.stem for path in self.directory.glob("*.parquet"))

    def done(self, shard_id: str) -> bool:
        """True when the part is there and whole; reads only the footer and the .npy header."""
        return self.fault(shard_id) is None

    def fault(self, shard_id: str) -> str | None:
        """Why a part does not count as done, in one line; None when it does."""
        parquet, npy = self.paths(shard_id)
        again = "scan the shard again"
        if not parquet.exists():
            return f"{parquet.name}: no such part; {again}"
        try:
            books, rows, schema = self._footer(shard_id)
        except ShardwardenError as error:
            return str(error)
        if not schema.equals(SCHEMA):
            return f"{parquet.name}: columns are not those of format {FORMAT}; {again}"
        if books.shard != shard_id:
            return f"{parquet.name}: is the part of {books.shard}; delete it"
        if rows != books.rows:
            return f"{parquet.name}: {rows:,} rows, its books say {books.rows:,}; {again}"
        wanted = [npy, self.features_path(shard_id)] if books.features else [npy]
        for path in wanted:
            try:
                array = self._array(path)
            except ShardwardenError as error:
                return str(error)
            if array.dtype != np.float16 or array.ndim != 2:
                return f"{path.name}: {array.dtype} {array.shape}, not float16 [n, d]; {again}"
            if len(array) != books.scored:
                return f"{path.name}: {len(array):,} rows for {books.scored:,} scored; {again}"
        return None

    def books(self, shard_id: str) -> PartBooks:
        """The books of a part; raises ShardwardenError when its footer cannot be read."""
        return self._footer(shard_id)[0]

    def _footer(self, shard_id: str) -> tuple[PartBooks, int, pa.Schema]:
        path = self.paths(shard_id)[0]
        try:
            footer = pq.read_metadata(path)
            books = PartBooks.from_json((footer.metadata or {})[b"shardwarden"])
            return books, footer.num_rows, footer.schema.to_arrow_schema()
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
            reason = _one_line(error)
            raise ShardwardenError(
                f"{path.name}: cannot be read ({reason}); scan the shard again"
            ) from error

    def rows(self, shard_id: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of a part in shard order, page checksums tested; ShardwardenError when damaged."""
        path = self.paths(shard_id)[0]
        try:
            # ParquetFile and not read_table: one file, no dataset discovery around it.
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                return file.read(columns=None if columns is None else list(columns))
        except (OSError, pa.ArrowException, ValueError) as error:
            reason = _one_line(error)
            raise ShardwardenError(
                f"{path.name}: cannot be read ({reason}); delete it and scan again"
            ) from error

    def embeddings(self, shard_id: str) -> npt.NDArray[np.float16]:
        """Memory-mapped float16 [rows scored, d]; ShardwardenError when missing or short."""
        return self._array(self.paths(shard_id)[1])

    def features(self, shard_id: str) -> npt.NDArray[np.float16]:
        """Memory-mapped float16 [rows scored, E]; ShardwardenError when missing or short."""
        return self._array(self.features_path(shard_id))

    @staticmethod
    def _array(path: Path) -> npt.NDArray[np.float16]:
        try:
            array: npt.NDArray[np.float16] = mapped(path)
        except (OSError, ValueError) as error:
            reason = "no such file" if not path.exists() else _one_line(error)
            raise ShardwardenError(
                f"{path.name}: cannot be read ({reason}); scan the shard again"
            ) from error
        return array

    def orphans(self) -> list[Path]:
        """Arrays whose Parquet file is not there, so that nothing vouches for them."""
        return [
            path
            for path in sorted(self.directory.glob("*.npy"))
            if not self.paths(path.name.removesuffix(FEATURES).removesuffix(".npy"))[0].exists()
        ]

    def clean(self) -> list[Path]:
        """Remove what dead writers left; returns the removed paths.

        Call it at the start of a scan, holding the scan lock, before anything is written: then
        a temporary file of this process's own number is left over from an earlier process.
        """
        removed = []
        for path in sorted(self.directory.glob("*.tmp-*")):
            writer = path.name.rpartition("-")[2]
            if not (writer.isdigit() and int(writer) != os.getpid() and _alive(int(writer))):
                path.unlink(missing_ok=True)
                removed.append(path)
        for path in self.orphans():
            path.unlink(missing_ok=True)
            removed.append(path)
        return removed

    @contextmanager
    def writing(
        self,
        shard: Shard,
        *,
        concept_names: Sequence[str],
        scorer: str = "",
        features: bool = False,
    ) -> Iterator[PartWriter]:
        """Collect one shard's rows; `finish` publishes them, leaving without it leaves nothing.

        concept_names   names of the columns of Scores.concepts, in order
        scorer          fingerprint of the scorer
        features        keep Scores.features too
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        yield PartWriter(self, shard, concept_names, scorer, features)

    def publish(
        self, books: PartBooks, table: pa.Table, arrays: Mapping[str, npt.NDArray[np.float16]]
    ) -> PartBooks:
        """Publish a whole part, the Parquet last; everything is on disk when this returns.

        table    of SCHEMA
        arrays   "embeddings" and perhaps "features", [rows scored, width]; an empty mapping
                 leaves those that are there: then only the rows are replaced
        returns  the books with the checksums of the arrays
        """
        parquet, npy = self.paths(books.shard)
        paths = {"embeddings": npy, "features": self.features_path(books.shard)}
        with ExitStack() as renames:  # undone from the end: the Parquet takes its name last
            new_parquet = renames.enter_context(replacing(parquet))
            digests = {}
            for name, array in arrays.items():
                new = renames.enter_context(replacing(paths[name]))
                with new.open("wb") as file:
                    np.save(file, array)
                digests[name] = digest_of(new)
            if arrays:
                books = replace(
                    books, embeddings=digests["embeddings"], features=digests.get("features", "")
                )
            pq.write_table(
                table.replace_schema_metadata({b"shardwarden": books.to_json()}),
                new_parquet,
                compression="zstd",
                row_group_size=65_536,
                write_page_checksum=True,
            )
            sync(new_parquet)
            if arrays:
                # When a shard is scanned anew, its old part stops being done before new arrays
                # take their places: an old Parquet file must never vouch for them.
                parquet.unlink(missing_ok=True)
                if "features" not in arrays:
                    paths["features"].unlink(missing_ok=True)
        return books


class PartWriter(Rows):
    """The rows of one shard, held as columns until `finish`; made by `Parts.writing`."""

    def __init__(
        self,
        parts: Parts,
        shard: Shard,
        concept_names: Sequence[str],
        scorer: str,
        features: bool,
    ) -> None:
        """See Parts.writing."""
        super().__init__(shard.id, concept_names, features=features)
        self._parts = parts
        self._shard = shard
        self._scorer = scorer
        self._started = time.monotonic()

    def finish(self, books: Books) -> PartBooks:
        """Publish the part.

        books    of the whole shard, after the reader has ended
        raises   ShardwardenError when rows and books disagree; then nothing is published
        """
        if len(self) != books.images or books.members != books.images + books.other:
            raise ShardwardenError(
                f"{self._shard.id}: {len(self):,} rows for {books.images:,} images, "
                f"{books.other:,} other and {books.members:,} members; every image needs one row"
            )
        table, arrays = self.in_order()
        part = PartBooks(
            shard=self._shard.id,
            url=self._shard.url,
            name=self._shard.name,
            compressed=self._shard.compressed,
            members=books.members,
            other=books.other,
            scored=self.count("scored"),
            failed=self.count("failed"),
            quarantined=self.count("quarantined"),
            upstream_failed=books.upstream_failed,
            upstream_errors=dict(books.upstream_errors),
            faults=tuple(books.faults),
            seconds=round(time.monotonic() - self._started, 3),
            scorer=self._scorer,
        )
        return self._parts.publish(part, table, arrays)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process
        return True
    return True
