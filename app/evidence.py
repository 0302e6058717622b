"""Where in a picture the scorer found what it says, as a map of 24 pixels: nothing sharp.

The catalog's own scorer is loaded when a map is first asked for, in a thread of its own; nothing
else of the screen needs it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from app.pictures import LIMITS, SIDE, Pictures, Unshowable
from audit import pixels
from audit.errors import ShardwardenError
from audit.images import view
from audit.taxonomy import SAFE, TYPES

if TYPE_CHECKING:
    from audit.scorer import Scorer

SIDE_SHOWN = 24  # longest side of a map: that of the previews
PATIENCE = 2.0  # seconds of waiting for the scorer before the page is told to ask again
SECONDS = 20.0  # for one map
MAPS_KEPT = 512


@dataclass(frozen=True, slots=True)
class Map:
    """Evidence on the upright picture.

    what           type or concept it speaks for
    width, height  pixels, SIDE_SHOWN at most
    heat           width * height bytes, row by row; 255: most
    """

    what: str
    width: int
    height: int
    heat: bytes


class Evidence:
    """Maps of one catalog's pictures; may be shared by threads, makes one at a time."""

    def __init__(self, catalog_dir: Path, pictures: Pictures) -> None:
        """Nothing is loaded yet."""
        self._catalog = catalog_dir
        self._pictures = pictures
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        self._scorer: Future[Scorer] | None = None
        self._maps: OrderedDict[int, Map] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, row: dict[str, Any]) -> Map | None:
        """The map of a row as Snapshot.pictures gives it; None while the scorer is being loaded.

        raises   Unshowable: the picture cannot be read, or the scorer not be loaded or asked
        """
        with self._lock:
            kept = self._maps.get(row["row_id"])
            if kept is None and self._scorer is None:
                self._scorer = self._pool.submit(self._load)
            loading = self._scorer
        if kept is not None or loading is None:
            return kept
        try:
            scorer = loading.result(PATIENCE)
        except TooSlow:
            return None
        except Exception as error:  # whatever a library says when it cannot be imported or read
            with self._lock:
                self._scorer = None  # mended meanwhile, it can be asked again
            why = f"the scorer cannot be loaded here: {_line(error)} (`audit explain` takes it)"
            raise Unshowable(why) from error
        try:
            made = self._pool.submit(self._made, scorer, row).result(SECONDS)
        except TooSlow:
            raise Unshowable(f"too slow: no map within {SECONDS:g} s") from None
        except (ShardwardenError, OSError) as error:
            raise Unshowable(str(error)) from error
        with self._lock:
            self._maps[row["row_id"]] = made
            while len(self._maps) > MAPS_KEPT:
                self._maps.popitem(last=False)
        return made

    def _load(self) -> Scorer:
        from audit.explained import catalog_scorer

        return catalog_scorer(self._catalog, None, "cpu")

    def _made(self, scorer: Scorer, row: dict[str, Any]) -> Map:
        from audit.explaining import explain

        picture = view(self._pictures.source(row), side=SIDE, limits=LIMITS)
        said = row["risk_type"]
        found = explain(scorer, picture, None if said == TYPES[SAFE] else said)
        high, wide = found.evidence.shape
        width, height = pixels.fit(wide, high, SIDE_SHOWN)
        share = Image.fromarray(found.evidence / found.evidence.max())
        small = np.asarray(share.resize((width, height), Image.Resampling.BOX))
        heat = (small / small.max() * 255).astype(np.uint8)
        return Map(found.what, width, height, heat.tobytes())


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
