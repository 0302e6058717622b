"""Pictures for a browser: always made anew from decoded pixels, never the bytes of the shards."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path
from typing import Any

from PIL import Image

from audit.errors import ShardwardenError
from audit.images import Limits, load, view
from audit.latest import Latest
from audit.parts import Parts
from audit.pictures import COLUMNS, read_pictures

SIDE = 512  # longest side of a revealed picture, pixels
PREVIEWS_KEPT = 4_096  # about 1 MB
SECONDS = 10.0  # for one picture, waiting included
# Below those of a scan: here somebody waits, and several pictures are decoded at once.
LIMITS = Limits(max_pixels=40_000_000, max_bytes=32 * 2**20)


class Unshowable(ShardwardenError):
    """There is no picture to show; the message says why, in one line."""


class Pictures:
    """Reads, checks, decodes and encodes pictures of one catalog, two at a time."""

    def __init__(self, catalog_dir: Path) -> None:
        """Nothing is read yet."""
        self._parts = Parts(catalog_dir)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="picture")
        self._previews: Latest[int, bytes] = Latest(PREVIEWS_KEPT)

    def preview(self, row: dict[str, Any]) -> bytes:
        """Grey WebP, longest side 24: the stored one, else made now and kept for a while.

        row     as Snapshot.pictures gives it
        raises  Unshowable
        """
        if row["preview"]:
            return bytes(row["preview"])
        kept = self._previews.get(row["row_id"])
        if kept is None:
            kept = self._made(self._preview, row)
            self._previews.put(row["row_id"], kept)
        return kept

    def clear(self, row: dict[str, Any]) -> bytes:
        """JPEG in colour, upright, longest side SIDE; raises Unshowable."""
        return self._made(self._clear, row)

    def close(self) -> None:
        """Begin no other picture."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _made(self, make: Callable[[dict[str, Any]], bytes], row: dict[str, Any]) -> bytes:
        try:
            made = self._pool.submit(make, row).result(SECONDS)
        except TooSlow:
            raise Unshowable(f"too slow: not decoded within {SECONDS:g} s") from None
        except (ShardwardenError, OSError) as error:
            raise Unshowable(str(error)) from error
        return made

    def _preview(self, row: dict[str, Any]) -> bytes:
        made = load(self.source(row), size=64, crop_mode="pad", limits=LIMITS).preview
        if made is None:
            raise Unshowable("no preview can be made of it")
        return made

    def _clear(self, row: dict[str, Any]) -> bytes:
        pixels = view(self.source(row), side=SIDE, limits=LIMITS)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=88)
        return file.getvalue()

    def source(self, row: dict[str, Any]) -> bytes:
        """The file of a row as it was scanned."""
        ordinal = 0
        if row["offset"] is None and row["status"] != "quarantined":
            ordinal = self._ordinal(row)  # a compressed tar is read up to its place
        wanted = {name: row[name] for name in COLUMNS}
        (_, found), *_ = read_pictures(self._parts.books(row["shard"]), {ordinal: wanted})
        if isinstance(found, str):
            raise Unshowable(found)
        return found

    def _ordinal(self, row: dict[str, Any]) -> int:
        ids = self._parts.rows(row["shard"], ["row_id"]).column("row_id").to_pylist()
        return ids.index(row["row_id"])
