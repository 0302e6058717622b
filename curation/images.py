"""The bytes of images, out of their source shards, exactly as they lie there.

Read by range where the shard can be, else in one pass a shard, and held to the sha256 that the
scan wrote down: what has gone or changed since comes back as the reason why, never as bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from types import TracebackType
from urllib.parse import urlparse

from audit.errors import ShardwardenError
from audit.shards import Shard, ShardReader, read_range
from audit.steps import Show
from audit.streams import is_remote
from curation.records import SourceRow

CONNECTIONS = 8  # requests for ranges under way at a time; a local file needs one


class Images:
    """Reads the images of source rows; a context manager.

    What cannot be read by range (compressed shards, stores without ranges) is set down in the
    file `spool` first, in one pass over each such shard.
    """

    def __init__(self, rows: Iterable[SourceRow], spool: Path, show: Show) -> None:
        """Make the passes that are needed; `rows` are all that will ever be asked for."""
        self._spool = spool
        self._at: dict[str, tuple[int, int]] = {}  # sha256 -> (offset, size) in the spool
        self._faults: dict[str, str] = {}  # shard -> why its pass ended early
        streamed = [row for row in rows if not _ranged(row)]
        if streamed:
            self._pass(sorted(streamed, key=_place), show)
        self._pool = ThreadPoolExecutor(CONNECTIONS)

    def __enter__(self) -> Images:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._spool.unlink(missing_ok=True)

    def read(self, rows: Sequence[SourceRow]) -> list[bytes | str]:
        """The bytes of each row in its order, or one line that says why they cannot be had.

        Read in the order in which they lie, and an image that several rows share once.
        """
        found: dict[tuple[str, int, str], bytes | str] = {}
        wanted = sorted({_place(row): row for row in rows}.items())
        remote = [row for _, row in wanted if is_remote(row.url)]
        ahead = dict(zip(map(_place, remote), self._pool.map(self._read, remote), strict=True))
        for place, row in wanted:
            found[place] = ahead[place] if place in ahead else self._read(row)
        return [found[_place(row)] for row in rows]

    def _read(self, row: SourceRow) -> bytes | str:
        try:
            if _ranged(row):
                assert row.offset is not None
                data = read_range(row.url, row.offset, row.size)
            elif row.sha256 in self._at:
                data = read_range(str(self._spool), *self._at[row.sha256])
            else:
                why = self._faults.get(row.shard, "the shard changed since the scan")
                return f"not found in {row.url}: {why}"
        except ShardwardenError as error:
            return str(error)
        digest = hashlib.sha256(data).hexdigest()
        if digest != row.sha256:
            return (
                f"{row.url}: {row.size:,} bytes at {row.offset} have sha256 {digest[:12]}, the "
                f"scan saw {row.sha256[:12]}; the shard changed since: scan it again"
            )
        return data

    def _pass(self, rows: Sequence[SourceRow], show: Show) -> None:
        shards = len({row.shard for row in rows})
        with self._spool.open("wb") as spool:
            for number, (shard_id, some) in enumerate(groupby(rows, key=lambda row: row.shard)):
                show(number, shards, "shards read whole, which cannot be read by range")
                mine = list(some)
                wanted = {row.sha256 for row in mine} - self._at.keys()
                shard = Shard(shard_id, mine[0].url, shard_id, compressed=True)
                reader = ShardReader(shard, max_bytes=max(row.size for row in mine))
                for sample in reader:
                    if not wanted:
                        break
                    digest = hashlib.sha256(sample.data or b"").hexdigest()
                    if sample.data is not None and digest in wanted:
                        wanted.discard(digest)
                        self._at[digest] = (spool.tell(), len(sample.data))
                        spool.write(sample.data)
                if wanted and reader.books.faults:
                    self._faults[shard_id] = reader.books.faults[0].detail


def _ranged(row: SourceRow) -> bool:
    return row.offset is not None and urlparse(row.url).scheme in ("", "file", "http", "https")


def _place(row: SourceRow) -> tuple[str, int, str]:
    return row.shard, -1 if row.offset is None else row.offset, row.sha256
