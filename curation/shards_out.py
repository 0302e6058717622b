"""Files of an export, written so that the same content is always the same bytes.

Tars are plain ustar: members in the order given, no times, no owners. Every file is hashed as it
is written, so nothing has to be read again for the manifest.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from audit.parts import digest_of

# What the bytes are, as audit.images names it -> how a file of them is called.
EXTENSIONS = {
    "jpeg": "jpg",
    "mpo": "jpg",
    "png": "png",
    "webp": "webp",
    "gif": "gif",
    "bmp": "bmp",
    "tiff": "tif",
    "avif": "avif",
}

# The columns that img2dataset writes, and behind them ours.
_COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(("url", "caption", "key", "status", "error_message"), pa.string()),
    **dict.fromkeys(("width", "height", "original_width", "original_height"), pa.int32()),
    **dict.fromkeys(("sha256", "uid"), pa.string()),
    **dict.fromkeys(("safe_type", "safe_level"), pa.int8()),
    "risk": pa.float32(),
}
SIDECAR = pa.schema(_COLUMNS)


@dataclass(frozen=True, slots=True)
class Written:
    """One file of an export; `path` is relative to its folder, with forward slashes."""

    path: str
    size: int
    sha256: str


class Files:
    """What was written into a folder so far, by path."""

    def __init__(self, folder: Path) -> None:
        """The folder is there; nothing is in it yet."""
        self.folder = folder
        self.written: dict[str, Written] = {}

    @contextmanager
    def writing(self, path: str) -> Iterator[HashedFile]:
        """A new file; it is counted when the block ends well."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            hashed = HashedFile(file)
            yield hashed
        self.written[path] = Written(path, hashed.size, hashed.hexdigest())

    def write(self, path: str, data: bytes) -> None:
        """A new file with this content."""
        with self.writing(path) as file:
            file.write(data)

    def write_json(self, path: str, value: object) -> None:
        """A new file of indented JSON with sorted keys."""
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        self.write(path, (text + "\n").encode("utf-8"))

    def add(self, path: str) -> None:
        """Count a file that something else has written."""
        target = self.folder / path
        self.written[path] = Written(path, target.stat().st_size, digest_of(target))


class HashedFile(io.RawIOBase):
    """A file being written from its start to its end, and the sha256 of what went into it."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Write all of it."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written."""
        return self.size

    def hexdigest(self) -> str:
        """sha256 hex of them."""
        return self._digest.hexdigest()


def extension(image_format: str) -> str:
    """How a file of this format is called; what audit.images has decoded is always known."""
    return EXTENSIONS[image_format]


class ShardWriter:
    """One shard: `<name>.tar`, and beside it `<name>.parquet` and `<name>_stats.json`."""

    def __init__(self, file: HashedFile) -> None:
        """Made by `shard`."""
        self._file = file
        self.rows: list[dict[str, Any]] = []

    def add(self, key: str, members: Iterable[tuple[str, bytes]], row: Mapping[str, Any]) -> None:
        """One sample.

        members   (extension, bytes), sorted by extension here
        row       columns of SIDECAR
        """
        for suffix, data in sorted(members):
            self._file.write(header(f"{key}.{suffix}", len(data)))
            self._file.write(data)
            self._file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        self.rows.append(dict(row))


@contextmanager
def shard(files: Files, name: str) -> Iterator[ShardWriter]:
    """Write one shard with its sidecars; `name` is relative to the export, without a suffix."""
    with files.writing(f"{name}.tar") as file:
        writer = ShardWriter(file)
        yield writer
        end = file.size + 2 * tarfile.BLOCKSIZE
        file.write(bytes(2 * tarfile.BLOCKSIZE + -end % tarfile.RECORDSIZE))
    write_parquet(files, f"{name}.parquet", [pa.Table.from_pylist(writer.rows, SIDECAR)])
    files.write_json(f"{name}_stats.json", _stats(len(writer.rows)))


def header(name: str, size: int) -> bytes:
    """The ustar header of a plain file, mode 644, of nobody and of no time.

    The same bytes as tarfile's own (a test holds them together), which takes ten times as long
    and more than all else that exporting a small image takes.
    name     ASCII, 100 bytes at most; size: below 8 GiB
    """
    block = bytearray(_HEADER)
    block[: len(name)] = name.encode("ascii")
    block[124:135] = b"%011o" % size
    # The checksum counts itself as eight blanks, which _HEADER has there.
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


_HEADER = tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)
_HEADER = _HEADER[:100] + b"0000644\0" + _HEADER[108:148] + b" " * 8 + _HEADER[156:]


def write_parquet(files: Files, path: str, tables: Sequence[pa.Table]) -> None:
    """A Parquet file of one row group a table."""
    with (
        files.writing(path) as file,
        pq.ParquetWriter(cast(IO[bytes], file), tables[0].schema, compression="zstd") as out,
    ):
        for table in tables:
            out.write_table(table)


def _stats(count: int) -> dict[str, Any]:
    """img2dataset's stats; nothing was fetched, so nothing failed and it took no time."""
    return {
        "count": count,
        "successes": count,
        "failed_to_download": 0,
        "failed_to_resize": 0,
        "duration": 0.0,
        "start_time": 0.0,
        "end_time": 0.0,
        "status_dict": {"success": count},
    }
