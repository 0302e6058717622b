"""A copy of one tar without the members of some keys; every other byte of a member as it was.

Headers are copied as they lie there, so names, times, owners and extensions stay. What is copied is
held to what the scan saw: an image that has changed since goes with its whole key, and so does the
key in the middle of which a damaged tar ends.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from audit.shards import IMAGE_EXTENSIONS, key_of
from audit.streams import Stream, TarFault, one_line, open_url, unpacked
from audit.tar import BLOCK, Member, Tar

RECORD = 20 * BLOCK  # tar fills its last record up
_AT_THE_END = ("no_end_mark", "trailing_data")  # faults behind the last whole member


@dataclass(frozen=True, slots=True)
class Seen:
    """An image as the scan saw it; they are numbered in the order of the tar.

    sha256   hex; None when it was not read
    """

    key: str
    member: str
    sha256: str | None


@dataclass(slots=True)
class Copied:
    """What became of a shard.

    keys        copied, in order; an image each at least
    members     files copied; left_out: files that were not
    unseen      of those left out, files of keys without any image that the scan saw
    changed     keys that were to be copied, and whose image is another one by now
    fault       why reading ended early or cannot be trusted; None: it went well
    compressed  the source is gzipped, and so is the copy
    """

    keys: list[str] = field(default_factory=list)
    members: int = 0
    left_out: int = 0
    unseen: int = 0
    changed: list[str] = field(default_factory=list)
    fault: str | None = None
    compressed: bool = False


def copy(url: str, target: Path, seen: Sequence[Seen], kept: frozenset[str]) -> Copied:
    """Copy a shard.

    target   written anew
    seen     every image of the shard, in its order
    kept     keys to copy; a key without an image in `seen` is never copied
    """
    copied = Copied()
    plain = target.with_name(f"{target.name}.plain")
    try:
        with plain.open("w+b") as out:
            _copy(url, out, seen, kept, copied)
            end = out.tell()
            out.write(bytes(2 * BLOCK + -(end + 2 * BLOCK) % RECORD))
        if copied.compressed:
            with (
                plain.open("rb") as source,
                target.open("wb") as file,
                gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
            ):
                shutil.copyfileobj(source, packed)
        else:
            plain.replace(target)
    finally:
        plain.unlink(missing_ok=True)
    return copied


def _copy(
    url: str, out: BinaryIO, seen: Sequence[Seen], kept: frozenset[str], copied: Copied
) -> None:
    group = _Group(out, copied, "")
    try:
        handle = open_url(url)
    except Exception as error:  # openers are other people's code, as in ShardReader
        copied.fault = f"cannot be opened: {one_line(error)}"
        return
    try:
        stream, copied.compressed = unpacked(handle)
        tap = _Tap(stream)
        tar = Tar(tap)
        number = 0
        known = {one.key for one in seen}
        for member in tar:
            head = tap.since(member.header)
            key, extension = key_of(member.name)
            if member.kind not in ("file", "sparse"):
                wanted = member.kind == "directory"
                group = group.next("")
            else:
                wanted = key is not None and key in kept
                copied.unseen += key is None or key not in known
                group = group.next(key or "")
            image = None
            is_image = extension.rpartition(".")[2] in IMAGE_EXTENSIONS
            if key is not None and is_image and member.kind in ("file", "sparse"):
                image = seen[number] if number < len(seen) else Seen(key, "", None)
                number += 1
            _member(tap, tar, member, group, head, image, wanted=wanted)
        group.end()
    except TarFault as fault:
        copied.fault = f"{fault.kind}: {fault.detail}"
        group.end(whole=fault.kind in _AT_THE_END)
    finally:
        try:
            handle.close()
        except Exception as error:  # a command behind the handle says only now that it failed
            copied.fault = copied.fault or f"reading failed: {one_line(error)}"


def _member(
    tap: _Tap,
    tar: Tar,
    member: Member,
    group: _Group,
    head: bytes,
    image: Seen | None,
    *,
    wanted: bool,
) -> None:
    """Copy or pass over one member; the tap then listens for the next header."""
    digest = hashlib.sha256()

    def to_copy(data: bytes) -> None:
        group.out.write(data)
        digest.update(data)

    if wanted:
        group.out.write(head)
    tap.listen(to_copy if wanted else None)
    tar.skip(member)
    tap.listen()
    if not wanted:
        group.left_out += member.kind in ("file", "sparse")
        return
    group.out.write(bytes(-member.size % BLOCK))
    group.members += member.kind in ("file", "sparse")
    if image is not None:
        found = Seen(group.key, member.name, digest.hexdigest())
        group.changed = group.changed or image != found
        group.images += 1


class _Group:
    """Members of one key that lie together, while they are copied."""

    def __init__(self, out: BinaryIO, copied: Copied, key: str) -> None:
        self.out, self.key = out, key
        self.members = self.left_out = self.images = 0
        self.changed = False
        self._copied, self._start = copied, out.tell()

    def next(self, key: str) -> _Group:
        """The group that a member of this key belongs to."""
        if key == self.key:
            return self
        self.end()
        return _Group(self.out, self._copied, key)

    def end(self, *, whole: bool = True) -> None:
        """Count it, or take it back."""
        copied = self._copied
        if self.changed or not whole:
            self.out.seek(self._start)
            self.out.truncate()
            self.left_out, self.members = self.left_out + self.members, 0
            if self.changed:
                copied.changed.append(self.key)
        elif self.images:
            copied.keys.append(self.key)
        copied.members += self.members
        copied.left_out += self.left_out


class _Tap:
    """Bytes on their way into a Tar: kept when they are headers, handed on when they are data."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._to: Callable[[bytes], None] | None = None
        self._kept: bytearray | None = bytearray()
        self._start = self._at = 0

    def read(self, size: int, /) -> bytes:
        """As the stream."""
        data = self._stream.read(size)
        self._at += len(data)
        if self._kept is not None:
            self._kept += data
        elif self._to is not None:
            self._to(data)
        return data

    def close(self) -> None:
        """Nothing: whoever opened the stream closes it."""

    def since(self, position: int) -> bytes:
        """What came from this position of the tar on; a header's, with those before it."""
        assert self._kept is not None
        return bytes(self._kept[position - self._start :])

    def listen(self, *to: Callable[[bytes], None] | None) -> None:
        """Hand on what comes (None: to nobody); without an argument, keep it."""
        self._kept = None if to else bytearray()
        self._to = to[0] if to else None
        self._start = self._at
