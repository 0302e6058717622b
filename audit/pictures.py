"""The picture files of a catalog's rows, read back from the shards and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from audit.books import PartBooks
from audit.errors import ShardwardenError
from audit.shards import Shard, ShardReader
from audit.streams import read_range

COLUMNS = ("image_member", "offset", "size", "sha256", "status")
"""Columns of the parts that `read_pictures` needs."""


def read_pictures(
    books: PartBooks, rows: Mapping[int, Mapping[str, Any]]
) -> Iterator[tuple[int, bytes | str]]:
    """The image files of some rows of one part; by range where the tar is plain.

    rows     ordinal (place in the part, 0-based) -> row with at least COLUMNS
    returns  (ordinal, bytes), or (ordinal, one line that says why not); those of a compressed tar
             need it read through once
    Quarantined pictures are never read, and bytes that changed since the scan are not given out.
    """
    if books.kind != "shard":
        yield from ((n, f"{books.name} holds embeddings, not pictures") for n in rows)
        return
    held_back = {n for n, row in rows.items() if row["status"] == "quarantined"}
    whole = [n for n, row in rows.items() if row["offset"] is None and n not in held_back]
    streamed = _streamed(books, max(whole)) if whole else {}
    for ordinal, row in rows.items():
        if ordinal in held_back:
            yield ordinal, "quarantined: its picture is shown to nobody and not read"
            continue
        try:
            if row["offset"] is None:
                data = streamed.get(ordinal)
            else:
                data = read_range(books.url, row["offset"], row["size"])
        except ShardwardenError as error:
            yield ordinal, str(error)
            continue
        if data is None or hashlib.sha256(data).hexdigest() != row["sha256"]:
            yield ordinal, f"not the picture that was scanned; scan {books.name} again"
        else:
            yield ordinal, data


def _streamed(books: PartBooks, last: int) -> dict[int, bytes]:
    """Images 0..last of a compressed tar, by ordinal."""
    reader = ShardReader(Shard(books.shard, books.url, books.name, books.compressed))
    found = {}
    for sample in reader:
        if sample.data is not None:
            found[sample.ordinal] = sample.data
        if sample.ordinal >= last:
            break
    return found
