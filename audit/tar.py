"""A tar stream -> its members, each with where its bytes lie; or the named reason why not.

Reads ustar, GNU (long names, sparse, base-256 numbers) and PAX tars, plain or gzipped, from any
handle with `read`; nothing is ever written or unpacked. The standard library's reader is not
used because it takes a damaged header, a lone zero block and a missing end mark for a normal
end, so samples vanish without a word. Where readers disagree we do as `tarfile` does, because
that is what webdataset trains through, and say that they disagree.

Held in memory: one member the caller asked for, or one extended header of at most 1 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audit.streams import Handle, TarFault, unpacked

BLOCK = 512
ZERO = bytes(BLOCK)
MAX_EXTENDED = 1 << 20  # bytes of one long name or PAX header; real ones take a few hundred
MAX_PADDING = 1 << 20  # bytes read behind the end mark; tar pads to 10 KiB

# First bytes of what turns up under the name of a tar, and what to do about each.
_NOT_TARS: tuple[tuple[bytes, str, str], ...] = (
    (b"BZh", "bzip2", ""),
    (b"\xfd7zXZ\0", "xz", ""),
    (b"\x28\xb5\x2f\xfd", "zstd", ""),
    (b"\x04\x22\x4d\x18", "lz4", ""),
    (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull`"),
    (b"PK\x03\x04", "a zip file", "repack it as .tar"),
    (b"7z\xbc\xaf", "a 7z file", "repack it as .tar"),
    (b"Rar!", "a rar file", "repack it as .tar"),
    (b"PAR1", "a Parquet file", "give the folder of the tars instead"),
    (b"\x89HDF", "an HDF5 file", "export it as .tar"),
    (b"\x89PNG", "a PNG image", "put images into a .tar"),
    (b"\xff\xd8\xff", "a JPEG image", "put images into a .tar"),
    (b"<", "a web page (a failed download?)", "fetch the shard again"),
    (b"{", "JSON text (a failed download?)", "fetch the shard again"),
)


@dataclass(frozen=True, slots=True)
class Member:
    r"""One entry of a tar.

    name     as stored, bytes that are not UTF-8 as `\xe9`; never a path to write to
    kind     "file", "sparse" (a file stored with holes), "directory" or "special" (link, device)
    header   byte offset of its first header block in the unpacked tar
    offset   byte offset of its data in the unpacked tar; size in bytes as stored
    odd      what readers may disagree on, else None
    """

    name: str
    kind: Literal["file", "sparse", "directory", "special"]
    header: int
    offset: int
    size: int
    odd: str | None = None


class Tar:
    """The members of one tar, in order, streamed.

    for member in tar: data = tar.read(member)     # or not: what is not read is skipped
    compressed   True when the stream is gzipped, by its first bytes and not by its name
    raises       TarFault from iteration, read and skip; the end mark is checked at the end
    """

    def __init__(self, handle: Handle) -> None:
        self._stream, self.compressed = unpacked(handle)
        self._pos = 0  # where the stream stands
        self._end = 0  # where the next header begins
        self._data_end = 0  # where the data of the current member ends; padding follows
        self._files = 0
        self._last: Member | None = None

    def __iter__(self) -> Iterator[Member]:
        while (member := self._next()) is not None:
            yield member

    def read(self, member: Member) -> bytes:
        """Give the bytes of the member just yielded; TarFault "truncated" when some are missing."""
        data = self._read(member.size)
        if len(data) < member.size:
            raise self._cut_inside(member, len(data))
        return data

    def skip(self, member: Member) -> None:
        """Pass over the bytes of the member just yielded, so that a cut is noticed now."""
        gone = self._stream.skip(member.size)
        self._pos += gone
        if gone < member.size:
            raise self._cut_inside(member, gone)

    # -- headers

    def _next(self) -> Member | None:
        first = self._end
        names: list[str] = []
        sizes: list[int] = []
        sparse_name: str | None = None
        sparse = False
        while True:
            block = self._block()
            at = self._pos - len(block)
            if len(block) < BLOCK:
                raise self._early_end(block, at, pending=at > first)
            if block == ZERO:
                self._check_end(at)
                return None
            if not header_at(block):
                raise self._bad(at, "its checksum does not fit") if at else _not_a_tar(block)
            size = self._number(block[124:136], at)
            kind = block[156:157]
            if kind in b"xXgLK":
                self._extend(size)
                if size > MAX_EXTENDED:
                    raise self._bad(at, f"an extended header of {size:,} bytes")
                data = self._read(size)
                if len(data) < size:
                    raise self._cut(at, "the shard ends inside an extended header")
                if kind == b"L":
                    names.append(_text(data.split(b"\0", 1)[0]))
                    continue
                if kind == b"K":  # the target of a link, and links are not followed
                    continue
                records = self._pax(data, at)
                if kind == b"g":
                    self._check_global(records, at)
                    continue
                if b"path" in records:
                    names.append(_text(records[b"path"].rstrip(b"/")))
                if b"size" in records:
                    sizes.append(self._decimal(records[b"size"], at))
                if b"GNU.sparse.name" in records:
                    sparse_name = _text(records[b"GNU.sparse.name"])
                sparse = sparse or any(key.startswith(b"GNU.sparse.") for key in records)
                continue
            # The outermost extension wins, as in tarfile.
            name = sparse_name or (names[0] if names else _header_name(block))
            if sizes:
                size = sizes[0]
            if kind == b"S":
                sparse = True
                self._pass_sparse_map(block)
            odd = None
            if len(set(names)) > 1:
                odd = f"{len(names)} headers name this member differently: {names[:3]!r:.200}"
            elif len(set(sizes)) > 1:
                odd = f"{len(sizes)} headers give this member different sizes: {sizes[:3]}"
            return self._member(kind, name, first, size, sparse, odd)

    def _member(
        self, kind: bytes, name: str, header: int, size: int, sparse: bool, odd: str | None
    ) -> Member:
        what: Literal["file", "sparse", "directory", "special"]
        if kind in b"0\x007S":
            what = "sparse" if sparse else "file"
            if kind == b"\0" and name.endswith("/"):  # how tars before 1988 wrote folders
                what, size = "directory", 0
        else:
            what = "directory" if kind in b"5D" else "special"
        if kind in b"123456":  # header only, whatever size they claim
            size = 0
        if what in ("file", "sparse"):
            self._files += 1
        self._extend(size)
        self._last = Member(name, what, header, self._pos, size, odd)
        return self._last

    def _extend(self, size: int) -> None:
        self._data_end = self._pos + size
        self._end = self._pos + -(-size // BLOCK) * BLOCK

    def _block(self) -> bytes:
        """Go to the next header and read it; shorter than a block only at the end of the file."""
        gap = self._end - self._pos
        if gap >= BLOCK:  # data nobody read
            gone = self._stream.skip(gap)
            self._pos += gone
            if self._last and self._pos < self._data_end:
                raise self._cut_inside(self._last, self._pos - self._last.offset)
            gap -= gone
            if gap:
                return b""
        # Padding and header in one read: half the calls for shards of small members.
        block = self._read(gap + BLOCK)[gap:]
        self._data_end = self._end = self._pos
        return block

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._pos += len(data)
        return data

    def _pass_sparse_map(self, block: bytes) -> None:
        more = block[482]
        while more:
            extra = self._read(BLOCK)
            if len(extra) < BLOCK:
                raise self._cut(self._pos, "the shard ends inside the map of a sparse file")
            more = extra[504]

    def _pax(self, data: bytes, at: int) -> dict[bytes, bytes]:
        records: dict[bytes, bytes] = {}
        start = 0
        while start < len(data) and data[start]:
            space = data.find(b" ", start, start + 20)
            digits = data[start:space] if space > 0 else b""
            length = int(digits) if digits.isdigit() else 0
            record = data[space + 1 : start + length]
            key, equals, value = record.partition(b"=")
            if start + length > len(data) or not record.endswith(b"\n") or not equals or not key:
                raise self._bad(at, "its PAX records are malformed")
            records[key] = value[:-1]
            start += length
        return {key: value for key, value in records.items() if value}

    def _check_global(self, records: dict[bytes, bytes], at: int) -> None:
        for key in records:
            if key in (b"path", b"size") or key.startswith(b"GNU.sparse."):
                raise TarFault(
                    "ambiguous_header",
                    f"a global PAX header sets {_text(key)!r} for every member, and readers "
                    "disagree on what that means, so nothing behind it was read; repack the shard",
                    at,
                )

    def _number(self, field: bytes, at: int) -> int:
        if field[0] & 0x80:  # base-256, for sizes from 8 GiB on
            if field[0] != 0x80:
                raise self._bad(at, f"a negative or absurd size {field.hex()}")
            return int.from_bytes(field[1:], "big")
        digits = field.split(b"\0", 1)[0].strip(b" ")
        if digits.strip(b"01234567"):
            raise self._bad(at, f"size {field!r} is not an octal number")
        return int(digits or b"0", 8)

    def _decimal(self, digits: bytes, at: int) -> int:
        if not digits.isdigit() or len(digits) > 19:
            raise self._bad(at, f"size {digits!r:.60} is not a number")
        return int(digits)

    # -- ends

    def _check_end(self, at: int) -> None:
        second = self._block()
        if len(second) < BLOCK:
            raise TarFault(
                "no_end_mark",
                f"only half an end mark after {self._files:,} members, "
                "so samples may be missing; fetch the shard again",
                at,
            )
        padding = second
        seen = 0
        while True:
            if padding.strip(b"\0"):
                dirty = next(
                    i for i in range(0, len(padding), BLOCK) if padding[i : i + BLOCK].strip(b"\0")
                )
                where = self._pos - len(padding) + dirty
                raise TarFault(
                    "trailing_data",
                    f"data after the end mark at {at:,} (two tars joined?): readers stop there, "
                    "and so did the audit; repack the shard, or split it there",
                    where,
                )
            if seen > MAX_PADDING:
                raise TarFault(
                    "trailing_data",
                    f"more than {MAX_PADDING:,} bytes after the end "
                    f"mark at {at:,}, not read; repack the shard",
                    self._pos,
                )
            padding = self._read(1 << 16)
            seen += len(padding)
            if not padding:
                return

    def _early_end(self, block: bytes, at: int, *, pending: bool) -> TarFault:
        if at == 0:
            return _not_a_tar(block)
        if pending:
            return self._cut(at, "the shard ends between an extended header and its member")
        if block.strip(b"\0"):
            return self._cut(at, f"the shard ends inside a header ({len(block)} of 512 bytes)")
        return TarFault(
            "no_end_mark",
            f"no end mark after {self._files:,} members, so samples "
            "may be missing; fetch the shard again",
            at,
        )

    def _cut_inside(self, member: Member, there: int) -> TarFault:
        return self._cut(
            member.header,
            f"the shard ends inside {member.name!r:.200} ({there:,} of its {member.size:,} bytes)",
        )

    def _cut(self, at: int, what: str) -> TarFault:
        return TarFault("truncated", f"{what}; fetch the shard again", at)

    def _bad(self, at: int, what: str) -> TarFault:
        return TarFault(
            "bad_header",
            f"damaged header at {at:,} after {self._files:,} members "
            f"({what}); nothing behind it was read: fetch the shard again",
            at,
        )


def _not_a_tar(head: bytes) -> TarFault:
    if not head:
        return TarFault("not_a_tar", "the file is empty; fetch the shard again", 0)
    for magic, what, do in _NOT_TARS:
        if head.startswith(magic):
            if do:
                return TarFault("not_a_tar", f"this is {what}, not a tar; {do}", 0)
            return TarFault(
                "unsupported_compression",
                f"{what} compression is not supported; repack the shard as .tar or .tar.gz",
                0,
            )
    return TarFault(
        "not_a_tar",
        f"no tar header at the start (first bytes {head[:8].hex()}); "
        "fetch the shard again or leave it out",
        0,
    )


def header_at(data: bytes, start: int = 0) -> bool:
    """Tell whether the 512 bytes from `start` are a tar header, by their checksum."""
    block = data[start : start + BLOCK]
    digits = block[148:156].replace(b"\0", b" ").strip()
    if not digits or digits.strip(b"01234567"):
        return False
    told = int(digits, 8)
    if told == sum(block) - sum(block[148:156]) + 8 * 32:
        return True
    # Some old tars summed signed bytes.
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:])
    return told == signed + 8 * 32


def _header_name(block: bytes) -> str:
    name = block[:100].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0":  # GNU keeps times where ustar keeps the prefix
        end = 476 if block[508:512] == b"tar\0" else 500
        prefix = block[345:end].split(b"\0", 1)[0]
        if prefix:
            name = prefix + b"/" + name
    return _text(name)


def _text(name: bytes) -> str:
    """Any bytes -> text that every store takes: no lone surrogates, no NUL."""
    return name.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
