"""One shard's bytes: opened, unpacked in bounded steps, or read by range.

The only place where a shard is opened. webdataset's own openers do it (plain files, curl for
http, the hub, cloud buckets); schemes they do not know go through fsspec. `pipe:` urls run a
command and are refused. Compression is gzip or none; bzip2, xz, zstd and lz4 are not supported.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlparse
from urllib.request import Request, url2pathname, urlopen

import fsspec

from audit.errors import ShardwardenError, UsageError

CHUNK = 1 << 18
# Small, because what follows a gzip member is copied once for each member that ends in a chunk.
PACKED_CHUNK = 1 << 16
BOMB_BYTES = 1 << 30  # unpacked bytes from which on the ratio is looked at
BOMB_RATIO = 200  # unpacked over packed; images stay near 1, plain text below 20


class TarFault(Exception):
    """Why reading stopped: a stable kind, one line that says what to do, where in the tar."""

    def __init__(self, kind: str, detail: str, offset: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.offset = offset


class Handle(Protocol):
    """What an opener gives us."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102 - as io.RawIOBase
    def close(self) -> None: ...  # noqa: D102


class Stream(Protocol):
    """Unpacked bytes; fewer than asked for only at the end. All of it may raise TarFault."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102
    def skip(self, size: int, /) -> int: ...  # noqa: D102 - gives how many were passed


def is_remote(url: str) -> bool:
    """Tell whether a shard's url is opened over a network."""
    return urlparse(url).scheme not in ("", "file")


def open_url(url: str) -> Handle:
    """Open a shard for reading bytes; schemes webdataset does not know go through fsspec.

    raises  UsageError for `pipe:`; else whatever the opener raises
    """
    scheme = urlparse(url).scheme
    if scheme == "pipe":
        raise pipe_refused(url)
    # Here, because it brings all of torch, for which the review screen would not start for seconds.
    from webdataset.gopen import gopen, gopen_schemes

    if scheme in ("", "file") or scheme in gopen_schemes:
        return cast(Handle, gopen(url))
    return cast(Handle, fsspec.open(url, "rb").open())


def read_range(url: str, offset: int, size: int) -> bytes:
    """Bytes [offset, offset + size) of a shard that is not compressed, as Sample gives them.

    raises  ShardwardenError when the shard cannot be opened or is shorter than that
    """
    try:
        if not is_remote(url):
            path = url2pathname(urlparse(url).path) if url.startswith("file:") else url
            with Path(path).open("rb") as file:
                file.seek(offset)
                data = file.read(size)
        else:
            data = _read_remote(url, offset, size)
    except ShardwardenError:
        raise
    except Exception as error:  # as in ShardReader
        raise ShardwardenError(f"{url}: bytes at {offset:,}: {one_line(error)}") from error
    if len(data) != size:
        raise ShardwardenError(
            f"{url}: wanted {size:,} bytes at {offset:,}, got {len(data):,}; "
            "the shard changed since the scan: scan it again"
        )
    return data


def _read_remote(url: str, offset: int, size: int) -> bytes:
    if url.startswith(("http://", "https://")):
        request = Request(url, headers={"Range": f"bytes={offset}-{offset + size - 1}"})
        with urlopen(request, timeout=60) as answer:
            if answer.status != 206:  # the server does not do ranges: read past what comes before
                _pass(answer, offset)
            return bytes(answer.read(size))
    handle = open_url(url)
    try:
        _pass(handle, offset)
        return handle.read(size)
    finally:
        handle.close()


def _pass(handle: Handle, size: int) -> None:
    while size and (gone := len(handle.read(min(size, 1 << 20)))):
        size -= gone


def pipe_refused(source: str) -> UsageError:
    """Give the error for a `pipe:` url."""
    return UsageError(
        f"{source:.200}: pipe: urls run a command and are refused; save the shard as a file first"
    )


def one_line(error: BaseException) -> str:
    """Give any error as one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def take(handle: Handle, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the file; whatever the opener raises, one fault.

    Openers are other people's code (curl, fsspec, cloud clients), so any error of theirs counts.
    """
    try:
        data = handle.read(size)
        if len(data) == size or not data:
            return data
        parts = [data]
        missing = size - len(data)
        while missing and (data := handle.read(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)
    except Exception as error:
        raise TarFault("unreadable", f"reading failed: {one_line(error)}") from error


def unpacked(handle: Handle) -> tuple[Stream, bool]:
    """Give the unpacked bytes of a handle, and whether they were gzipped (by the first bytes)."""
    head = take(handle, 2)
    gzipped = head == b"\x1f\x8b"
    return (_Gunzip(handle, head) if gzipped else _Plain(handle, head)), gzipped


class _Plain:
    def __init__(self, handle: Handle, head: bytes) -> None:
        self._handle = handle
        self._head = head
        self._file: io.BufferedReader | None = None
        self._size = 0
        if isinstance(handle, io.BufferedReader) and handle.seekable():  # a local file
            self._file = handle
            here = handle.tell()
            self._size = handle.seek(0, io.SEEK_END)
            handle.seek(here)

    def read(self, size: int) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head + take(self._handle, size - len(head)) if len(head) < size else head
        return take(self._handle, size)

    def skip(self, size: int) -> int:
        if self._file is None or size <= CHUNK or self._head:
            return _read_past(self, size)
        here = self._file.tell()
        return self._file.seek(min(here + size, self._size)) - here


class _Gunzip:
    """Unpacks gzip in bounded steps; checks lengths and checksums; refuses bombs."""

    def __init__(self, handle: Handle, head: bytes) -> None:
        self._handle = handle
        self._packed = head
        self._packed_seen = len(head)
        self._seen = 0
        self._unpacker = zlib.decompressobj(wbits=31)
        self._ready = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        parts = []
        missing = size
        while missing:
            if self._at == len(self._ready):
                self._ready, self._at = self._unpack(), 0
                if not self._ready:
                    break
            part = self._ready[self._at : self._at + missing]
            self._at += len(part)
            missing -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> int:
        return _read_past(self, size)

    def _unpack(self) -> bytes:
        while True:
            if self._unpacker.eof:
                # Another gzip member may follow; zeros are padding, as for gzip(1).
                self._packed = self._unpacker.unused_data.lstrip(b"\0")
                while not self._packed and (more := self._more()):
                    self._packed = more.lstrip(b"\0")
                if not self._packed:
                    return b""
                self._unpacker = zlib.decompressobj(wbits=31)
            self._packed = self._packed or self._more()
            if not self._packed:
                raise TarFault(
                    "truncated",
                    f"the gzip stream ends after {self._seen:,} unpacked "
                    "bytes; fetch the shard again",
                    self._seen,
                )
            try:
                out = self._unpacker.decompress(self._packed, CHUNK)
            except zlib.error as error:
                raise TarFault(
                    "bad_gzip",
                    f"the gzip stream is damaged after {self._seen:,} "
                    f"unpacked bytes ({error}); fetch the shard again",
                    self._seen,
                ) from error
            self._packed = self._unpacker.unconsumed_tail
            self._seen += len(out)
            if self._seen > BOMB_BYTES and self._seen > BOMB_RATIO * self._packed_seen:
                raise TarFault(
                    "gzip_bomb",
                    f"{self._packed_seen:,} bytes unpacked to "
                    f"{self._seen:,} so far; no shard of images does that: leave it "
                    "out",
                    self._seen,
                )
            if out:
                return out

    def _more(self) -> bytes:
        more = take(self._handle, PACKED_CHUNK)
        self._packed_seen += len(more)
        return more


def _read_past(stream: Stream, size: int) -> int:
    gone = 0
    while gone < size:
        step = len(stream.read(min(CHUNK, size - gone)))
        if not step:
            break
        gone += step
    return gone
