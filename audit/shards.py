"""Shards -> samples: one Sample an image, its caption and json beside it, and the shard's books.

Nothing is decoded here and nothing is dropped: every regular file member of the tar is counted
as an image or as other, and what is wrong with a shard is a named Fault in its books, never an
exception. Keys follow webdataset's rule, so a sample here is a sample in training.

Faults: not_a_tar, unsupported_compression, unreadable, truncated, no_end_mark, bad_header,
ambiguous_header, trailing_data, bad_gzip, gzip_bomb, split_key, duplicate_name, big_group,
special_member, bad_metadata, bad_sidecar, count_mismatch.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from audit.sidecars import read_sidecar
from audit.sources import Shard, expand
from audit.streams import Handle, TarFault, one_line, open_url, read_range
from audit.tar import Member, Tar

__all__ = [
    "IMAGE_EXTENSIONS",
    "Books",
    "Fault",
    "Sample",
    "Shard",
    "ShardReader",
    "expand",
    "key_of",
    "read_range",
]

IMAGE_EXTENSIONS = frozenset(("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"))
TEXT_EXTENSIONS = ("txt", "caption", "json")
CAPTION_FIELDS = ("caption", "text", "TEXT", "alt")
MAX_BYTES = 64 << 20  # of one image; as images.Limits
MAX_TEXT = 4 << 20  # bytes of one caption or json
MAX_GROUP = 4096  # images and texts of one key held at a time
MAX_KEYS = 1_000_000  # keys remembered to notice a split one; real shards have about 10,000
MAX_TOLD = 20  # faults of one kind written out a shard; the rest is counted


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a shard.

    key           webdataset's key: the name up to the first dot of its last part, folder included
    ordinal       images before it in the shard
    image_member  name of its tar member
    offset        byte where the image begins in the tar; None when the tar is compressed or the
                  bytes are not in one piece
    size          bytes in the tar
    data          the image's bytes; None exactly when `error` says why
    error         "too_many_bytes: ...", "truncated: ...", "sparse_member: ..." or None
    caption       first that is not blank of .txt, .caption, json caption|text|TEXT|alt
    metadata      text of the .json member as found; None when absent or not UTF-8
    uid           the json's "uid" when that is a text
    """

    key: str
    ordinal: int
    image_member: str
    offset: int | None
    size: int
    data: bytes | None
    error: str | None
    caption: str | None
    metadata: str | None
    uid: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a shard.

    kind    stable snake_case name, see the head of this file
    detail  one line: what is wrong with which values, what to do
    key     the sample it concerns; offset: byte in the unpacked tar; None where there is none
    """

    kind: str
    detail: str
    key: str | None = None
    offset: int | None = None


@dataclass(slots=True)
class Books:
    """The count of one shard: members = images + other, regular files only.

    upstream_failed  rows that img2dataset's sidecar lists and that never reached the tar
    upstream_errors  their error texts -> rows
    """

    members: int = 0
    images: int = 0
    other: int = 0
    upstream_failed: int = 0
    upstream_errors: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class _Image:
    member: str
    offset: int | None
    size: int
    data: bytes | None = None
    error: str | None = None


@dataclass(slots=True)
class _Group:
    """Members of one key that lie together."""

    key: str
    extensions: set[str] = field(default_factory=set)
    images: list[_Image] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    bytes: int = 0


class ShardReader:
    """The samples of one shard, streamed, in the order of the tar.

    max_bytes   an image above it becomes a Sample with an error and is never loaded
    books       complete when the iteration is; started anew by each iteration
    Holds one key's members at a time, at most about twice `max_bytes`. A broken shard never
    raises: it ends early, with a Fault in the books.
    """

    def __init__(self, shard: Shard, *, max_bytes: int = MAX_BYTES) -> None:
        self.shard = shard
        self.books = Books()
        self._max_bytes = max_bytes
        self._start()

    def _start(self) -> None:
        self.books = Books()
        self._told: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._with_image = 0
        self._ordinal = 0
        self._special: tuple[int, Member] | None = None

    def __iter__(self) -> Iterator[Sample]:
        self._start()
        try:
            handle = open_url(self.shard.url)
        except Exception as error:  # openers are other people's code: curl, fsspec, cloud clients
            self._fault("unreadable", f"cannot be opened: {one_line(error)}")
        else:
            try:
                yield from self._samples(handle)
            finally:
                self._close(handle)
        self._finish()

    def _samples(self, handle: Handle) -> Iterator[Sample]:
        group: _Group | None = None
        member: Member | None = None
        try:
            tar = Tar(handle)
            for member in tar:
                if member.odd:
                    self._fault(
                        "ambiguous_header",
                        f"{member.odd}; the first was taken, repack the shard",
                        None,
                        member.header,
                    )
                if member.kind == "special":
                    count, first = self._special or (0, member)
                    self._special = count + 1, first
                if member.kind not in ("file", "sparse"):
                    continue
                self.books.members += 1
                key, extension = key_of(member.name)
                if key is None:
                    self.books.other += 1
                    continue
                if group is None or key != group.key:
                    if group is not None:
                        yield from self._flush(group)
                    group = self._begin(key, member)
                elif group.bytes > self._max_bytes or (
                    len(group.images) + len(group.texts) >= MAX_GROUP
                ):
                    yield from self._flush(group)
                    self._fault(
                        "big_group",
                        f"key {key!r:.200} has too many members to hold "
                        "together, so later images may miss its caption",
                        key,
                        member.header,
                    )
                    group = _Group(key, group.extensions, texts=group.texts)
                self._take(tar, member, group, extension)
        except TarFault as fault:
            # Named by its key when the member itself is at fault, not what should follow it.
            inside = group is not None and member is not None and fault.offset == member.header
            self._fault(
                fault.kind, fault.detail, group.key if group and inside else None, fault.offset
            )
        if group is not None:
            yield from self._flush(group)

    def _begin(self, key: str, member: Member) -> _Group:
        if key in self._keys:
            self._fault(
                "split_key",
                f"members of key {key!r:.200} lie apart, so its image and "
                "caption may be parted; sort the shard by name",
                key,
                member.header,
            )
        elif len(self._keys) < MAX_KEYS:
            self._keys.add(key)
        return _Group(key)

    def _take(self, tar: Tar, member: Member, group: _Group, extension: str) -> None:
        """Put one member into its group, loading it only where it is needed."""
        if extension in group.extensions:
            self._fault(
                "duplicate_name",
                f"{member.name!r:.200} comes twice; webdataset stops there, so rename one",
                group.key,
                member.header,
            )
        group.extensions.add(extension)
        if extension.rpartition(".")[2] not in IMAGE_EXTENSIONS:
            self.books.other += 1
            if extension in TEXT_EXTENSIONS and extension not in group.texts:
                if member.kind == "sparse" or member.size > MAX_TEXT:
                    self._fault(
                        "bad_metadata",
                        f"{member.name!r:.200} ({member.size:,} bytes, "
                        f"{member.kind}) is above {MAX_TEXT:,} bytes or sparse; not read",
                        group.key,
                        member.header,
                    )
                else:
                    group.texts[extension] = tar.read(member)
                    group.bytes += member.size
            return
        self.books.images += 1
        image = _Image(member.name, None if tar.compressed else member.offset, member.size)
        group.images.append(image)
        try:
            if member.kind == "sparse":
                image.offset = None
                image.error = "sparse_member: stored with holes, not in one piece; repack the shard"
                tar.skip(member)
            elif member.size > self._max_bytes:
                image.error = (
                    f"too_many_bytes: {member.size:,} bytes, the limit is {self._max_bytes:,}"
                )
                tar.skip(member)
            else:
                image.data = tar.read(member)
                group.bytes += member.size
        except TarFault as fault:
            image.error = f"{fault.kind}: {fault.detail}"
            raise

    def _flush(self, group: _Group) -> Iterator[Sample]:
        if not group.images:
            return
        self._with_image += 1
        metadata, record = self._metadata(group)
        caption = _caption(group.texts, record)
        uid = record.get("uid")
        uid = _clean(uid) if isinstance(uid, str) and uid else None
        for image in group.images:
            yield Sample(
                group.key,
                self._ordinal,
                image.member,
                image.offset,
                image.size,
                image.data,
                image.error,
                caption,
                metadata,
                uid,
            )
            self._ordinal += 1

    def _metadata(self, group: _Group) -> tuple[str | None, dict[str, Any]]:
        raw = group.texts.get("json")
        if raw is None:
            return None, {}
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self._fault(
                "bad_metadata",
                f"json of {group.key!r:.200} is not UTF-8 ({error.reason} "
                f"at byte {error.start}) and was left out",
                group.key,
            )
            return None, {}
        try:
            record = json.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            self._fault(
                "bad_metadata",
                f"json of {group.key!r:.200} cannot be parsed "
                f"({one_line(error):.100}); kept as text",
                group.key,
            )
            return text, {}
        return text, record if isinstance(record, dict) else {}

    def _close(self, handle: Handle) -> None:
        try:
            handle.close()
        except Exception as error:  # a command behind the handle says only now that it failed
            self._fault("unreadable", f"reading failed: {one_line(error)}; fetch the shard again")

    def _finish(self) -> None:
        if self._special:
            count, first = self._special
            self._fault(
                "special_member",
                f"{count:,} links, devices or unknown entries, not "
                f"audited (first: {first.name!r:.200}); store files instead",
                None,
                first.header,
            )
        sidecar = read_sidecar(self.shard)
        self.books.upstream_failed = sidecar.failed
        self.books.upstream_errors = sidecar.errors
        for problem in sidecar.problems:
            self._fault("bad_sidecar", problem)
        if sidecar.written not in (None, self._with_image) and not self.books.faults:
            self._fault(
                "count_mismatch",
                f"its sidecar says {sidecar.written:,} images were "
                f"written, the tar has {self._with_image:,}; fetch the pair again",
            )
        for kind, count in self._told.items():
            if count > MAX_TOLD:
                self.books.faults.append(Fault(kind, f"{count - MAX_TOLD:,} more like this"))

    def _fault(
        self, kind: str, detail: str, key: str | None = None, offset: int | None = None
    ) -> None:
        self._told[kind] += 1
        if self._told[kind] <= MAX_TOLD:
            self.books.faults.append(Fault(kind, detail, key, offset))


# The rule of webdataset's base_plus_ext, which takes seconds to import: it brings all of torch.
_KEY = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)$")


def key_of(name: str) -> tuple[str | None, str]:
    """Member name -> (key, extension in lower case); key None for what webdataset passes over.

    Hidden files (`._a.jpg` of macOS) are passed over too; webdataset would make a sample without
    an image of each.
    """
    if name.startswith("__") and re.match(r"__[^/]*__($|/)", name):
        return None, ""
    if name.rpartition("/")[2].startswith("."):
        return None, ""
    found = _KEY.match(name)
    return (found[1], found[2].lower()) if found else (None, "")


def _caption(texts: dict[str, bytes], record: dict[str, Any]) -> str | None:
    for extension in ("txt", "caption"):
        text = texts.get(extension, b"").decode("utf-8", "replace").removeprefix("\ufeff")
        if text.strip():
            return text
    for name in CAPTION_FIELDS:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return _clean(value)
    return None


def _clean(text: str) -> str:
    """Without lone surrogates, which json can spell and no store takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
