"""What must never be part of anything again: CATALOG/tombstones.jsonl.

One JSON object a line, only ever added: kind (url, sha256, phash, uid), value, for a phash the
distance within which pictures count as the same, reason, time, who. `curate takedown` writes them;
plan, export, filter and estimate obey them. A line that cannot be read stops all of these: what it
forbids would come through otherwise.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import duplicates
from audit.errors import ShardwardenError, UsageError
from audit.parts import sync
from curation import arrays
from curation.arrays import Mask, pc

NAME = "tombstones.jsonl"
KINDS = ("url", "sha256", "phash", "uid")
COLUMNS = ("uid", "sha256", "phash", "metadata")
FARTHEST = 16  # bits of 64; pictures drawn at random differ in 32

_HEX = {"sha256": re.compile("[0-9a-f]{64}"), "phash": re.compile("[0-9a-f]{16}")}


@dataclass(frozen=True, slots=True)
class Item:
    """What identifies an image.

    kind      of KINDS
    value     url as written; sha256 of the image's bytes and phash in lower-case hex; uid as it is
    distance  bits of 64 in which a picture's phash may differ; 0 for the other kinds
    """

    kind: str
    value: str
    distance: int = 0


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An item with why (`reason`), when (`time`, ISO 8601 UTC) and by whom (`who`) it was named."""

    item: Item
    reason: str = ""
    time: str = ""
    who: str = ""


def item(kind: str, value: str, distance: int = 0) -> Item:
    """An item, checked; UsageError saying what is wrong with it."""
    if kind not in KINDS:
        raise UsageError(f"kind {kind!r:.60}: known are {', '.join(KINDS)}")
    value = value.strip()
    if kind in _HEX:
        value = value.lower()
        if not _HEX[kind].fullmatch(value):
            digits = {"sha256": 64, "phash": 16}[kind]
            raise UsageError(f"{kind} {value!r:.80}: is {digits} hex digits")
    if not value or "\n" in value or "\0" in value:
        raise UsageError(f"{kind} {value!r:.80}: one line of text, not empty")
    if kind != "phash":
        return Item(kind, value)
    if not 0 <= distance <= FARTHEST:
        raise UsageError(f"distance {distance}: 0 to {FARTHEST} of 64 bits")
    return Item(kind, value, distance)


def read(catalog_dir: Path | str) -> tuple[Tombstone, ...]:
    """Every tombstone of a catalog, in the order written; none where the file is not there.

    raises   ShardwardenError for a line that cannot be read
    """
    path = Path(catalog_dir) / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            found.append(_parsed(line))
        except (ValueError, TypeError, KeyError, RecursionError, UsageError) as error:
            raise ShardwardenError(
                f"{path}, line {number}: no tombstone ({' '.join(str(error).split()):.120}); "
                "what it forbids is not known, so mend it, or take it out and repeat the takedown"
            ) from error
    return tuple(found)


def _parsed(line: bytes) -> Tombstone:
    record = json.loads(line)
    named = item(record["kind"], record["value"], int(record.get("distance", 0)))
    return Tombstone(named, *(str(record.get(name, "")) for name in ("reason", "time", "who")))


def append(catalog_dir: Path | str, tombstones: Iterable[Tombstone]) -> int:
    """Add tombstones, on disk when this returns; returns how many items were not there yet.

    raises   UsageError when the folder is no catalog, ShardwardenError for a line that is there
             and cannot be read
    """
    catalog = Path(catalog_dir)
    if not (catalog / "parts").is_dir():
        raise UsageError(f"{catalog}: not a catalog, it has no parts; give one of `audit scan`")
    path = catalog / NAME
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _mend(handle)
        known = {one.item for one in read(catalog)}
        new: dict[Item, Tombstone] = {}
        for one in tombstones:
            if one.item not in known:
                new.setdefault(one.item, one)
        lines = b"".join(_line(one) for one in new.values())
        left = memoryview(lines)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
        sync(catalog)
    finally:
        os.close(handle)
    return len(new)


def _mend(handle: int) -> None:
    """Cut off a last line without an end: its writer was killed before it could say it is done."""
    size = os.fstat(handle).st_size
    content = os.pread(handle, size, 0)
    os.ftruncate(handle, content.rfind(b"\n") + 1)


def _line(tombstone: Tombstone) -> bytes:
    record: dict[str, Any] = asdict(tombstone.item)
    if tombstone.item.kind != "phash":
        del record["distance"]
    record |= {name: getattr(tombstone, name) for name in ("reason", "time", "who")}
    return json.dumps(record).encode("ascii") + b"\n"


def mask(items: Sequence[Item], rows: pa.Table) -> Mask:
    """[N] rows that any item names, and every copy of their bytes.

    rows   COLUMNS; metadata is needed for urls only
    """
    named = np.zeros(len(rows), bool)
    if not items:
        return named
    for found in matches(items, rows).values():
        named[found] = True
    codes = arrays.codes(rows["sha256"])
    taken: Mask = named | np.isin(codes, codes[named & (codes >= 0)])
    return taken


def matches(items: Sequence[Item], rows: pa.Table) -> dict[Item, npt.NDArray[np.int64]]:
    """Item -> positions of the rows it names itself, ascending; items that name none are left out.

    rows   as in `mask`
    """
    found: dict[Item, npt.NDArray[np.int64]] = {}
    for kind in ("sha256", "uid"):
        wanted = {one.value: one for one in items if one.kind == kind}
        if wanted:
            found |= _equal(wanted, rows[kind])
    urls: dict[str, list[Item]] = {}
    for one in items:
        if one.kind == "url":
            urls.setdefault(same_url(one.value), []).append(one)
    if urls:
        there = pa.chunked_array([pa.array(url_keys(rows["metadata"]), pa.string())])
        for key, at in _equal({key: key for key in urls}, there).items():
            found |= dict.fromkeys(urls[key], at)
    pictures = [one for one in items if one.kind == "phash"]
    if pictures:
        hashes, known = arrays.hashes(rows["phash"])
        for one in pictures:
            apart = duplicates.ones(hashes ^ np.uint64(int(one.value, 16)))
            at = np.flatnonzero(known & (apart <= one.distance))
            if len(at):
                found[one] = at
    return found


def _equal(wanted: dict[str, Any], column: Any) -> dict[Any, npt.NDArray[np.int64]]:
    """What is wanted under a text -> positions at which the column has that text."""
    at = np.flatnonzero(pc.is_in(column, pa.array(list(wanted), pa.string())).to_numpy())
    grouped: dict[Any, list[int]] = {}
    for position, text in zip(at.tolist(), column.take(pa.array(at)).to_pylist(), strict=True):
        grouped.setdefault(wanted[text], []).append(position)
    return {key: np.array(positions, np.int64) for key, positions in grouped.items()}


def url_keys(metadata: Any) -> list[str | None]:
    """`same_url` of the address that each json names under `url`; None where there is none."""
    keys: list[str | None] = []
    for text in metadata.to_pylist():
        url = None
        if text and '"url"' in text:
            try:
                record = json.loads(text.removeprefix("\ufeff"))
            except (ValueError, RecursionError):
                record = None
            url = record.get("url") if isinstance(record, dict) else None
        keys.append(same_url(url) if isinstance(url, str) and url else None)
    return keys


def same_url(url: str) -> str:
    """What two addresses of the same file have in common.

    That is all but http or https, upper or lower case of the host, and what follows a #.
    """
    url = url.strip().encode("utf-8", "replace").decode("utf-8")
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if parts.scheme.lower() not in ("http", "https"):
        return url
    return parts._replace(scheme="http", netloc=parts.netloc.lower(), fragment="").geturl()


def needs_urls(tombstones: Iterable[Tombstone]) -> bool:
    """Whether the column `metadata` is needed to obey these."""
    return any(one.item.kind == "url" for one in tombstones)
