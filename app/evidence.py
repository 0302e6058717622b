"""Where in a picture the scorer found what it says, as a map of 24 pixels: nothing sharp.

The catalog's own scorer is loaded when a map is first asked for, in a thread of its own; nothing
else of the screen needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from app.loaded import Loaded
from app.pictures import LIMITS, SIDE, Pictures, Unshowable
from audit import pixels
from audit.errors import ShardwardenError
from audit.images import view
from audit.latest import Latest
from audit.taxonomy import SAFE, TYPES

if TYPE_CHECKING:
    from audit.registry import AnyScorer

SIDE_SHOWN = 24  # longest side of a map: that of the previews
PATIENCE = 2.0  # seconds of waiting for the scorer before the page is told to ask again
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

    def __init__(self, pictures: Pictures, scorer: Loaded) -> None:
        """There is no map yet."""
        self._pictures = pictures
        self._scorer = scorer
        self._maps: Latest[int, Map] = Latest(MAPS_KEPT)

    def of(self, row: dict[str, Any]) -> Map | None:
        """The map of a row as Snapshot.pictures gives it; None while the scorer is being loaded.

        raises   Unshowable: the picture cannot be read, or the scorer not be loaded or asked
        """
        kept = self._maps.get(row["row_id"])
        if kept is not None:
            return kept
        try:
            if self._scorer.scorer(PATIENCE) is None:
                return None
            made = self._scorer.run(lambda scorer: self._made(scorer, row))
        except (ShardwardenError, OSError) as error:
            raise Unshowable(str(error)) from error
        self._maps.put(row["row_id"], made)
        return made

    def _made(self, scorer: AnyScorer, row: dict[str, Any]) -> Map:
        from audit.explaining import explain
        from audit.scorer import Scorer

        if not isinstance(scorer, Scorer):
            raise Unshowable("the scorer judges the picture as a whole and cannot say where")
        picture = view(self._pictures.source(row), side=SIDE, limits=LIMITS)
        said = row["risk_type"]
        found = explain(scorer, picture, None if said == TYPES[SAFE] else said)
        high, wide = found.evidence.shape
        width, height = pixels.fit(wide, high, SIDE_SHOWN)
        share = Image.fromarray(found.evidence / found.evidence.max())
        small = np.asarray(share.resize((width, height), Image.Resampling.BOX))
        heat = (small / small.max() * 255).astype(np.uint8)
        return Map(found.what, width, height, heat.tobytes())
