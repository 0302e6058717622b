"""Ways in that no catalog knows of: pictures handed in, what people confirmed, samples.

Of a picture that was handed in only its vector is kept, in memory, under its sha256.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.loaded import Loaded
from app.mirror import Mirror
from app.pictures import LIMITS
from audit.clusters import Ids
from audit.errors import ImageError, UsageError
from audit.images import load
from audit.latest import Latest
from audit.likeness import Cosines
from audit.reader import NEAREST, Snapshot
from audit.specs import Spec
from curation import sampling

if TYPE_CHECKING:
    from audit.registry import AnyScorer

PICTURES_KEPT = 1_000
LARGEST = 20 << 20  # bytes of a picture that is handed in
CONFIRMED = 200  # the latest rows that people confirmed, to which others are near

_LIMITS = replace(LIMITS, max_bytes=LARGEST)


class Ways:
    """May be shared by threads."""

    def __init__(self, catalog: Path, mirror: Mirror, scorer: Loaded) -> None:
        """No picture was handed in yet."""
        self._catalog = catalog
        self._mirror = mirror
        self._scorer = scorer
        self._pictures: Latest[str, Cosines] = Latest(PICTURES_KEPT)

    def brought(self, spec: Spec, snapshot: Snapshot) -> Ids | None:
        """The rows of a way that is resolved here, in their order; None for every other way.

        raises   UsageError, one line, where there is nothing to go by
        """
        if spec.way == "like" and self._mirror.locked(spec.named[0]):
            raise UsageError("like: there is no such sample")
        if spec.way == "sample":
            return self._sample(spec.given)
        if spec.way == "near":
            return self._near(spec.given, snapshot)
        if spec.way == "picture":
            return snapshot.likeness.of_vectors(self._vector(spec.given)[None], NEAREST)[0]
        return None

    def hand_in(self, data: bytes) -> str:
        """Take the vector of a picture; returns its sha256, the name it is then known by.

        Waits for the catalog's scorer to be loaded, seconds the first time.
        raises   UsageError, one line: no picture, too large, or the scorer cannot be loaded here
        """
        name = hashlib.sha256(data).hexdigest()
        if self._pictures.get(name) is None:
            vector = self._scorer.run(lambda scorer: _embedding(scorer, data))
            self._pictures.put(name, vector)
        return name

    def _vector(self, name: str) -> Cosines:
        found = self._pictures.get(name)
        if found is None:
            raise UsageError("picture: not known here any more; choose the file again")
        return found

    def _near(self, kind: str, snapshot: Snapshot) -> Ids:
        latest = self._confirmed(kind)
        if not latest:
            raise UsageError(f"nobody has confirmed a sample as {kind} yet; decide one first")
        return snapshot.likeness.of_rows(np.array(latest[:CONFIRMED], np.int64), NEAREST)[0]

    def _confirmed(self, kind: str) -> list[int]:
        """Rows that people settled on as being of a type, the latest first."""
        self._mirror.catch_up()
        found: list[tuple[str, int]] = []
        for row_id in self._mirror.decided():
            outcome = self._mirror.outcome(row_id)
            if outcome and outcome.settled and outcome.label and outcome.label.type == kind:
                found.append((outcome.decisions[-1].time, row_id))
        return [row_id for _, row_id in sorted(found, reverse=True)]

    def _sample(self, name: str) -> Ids:
        for sample in sampling.read(self._catalog):
            if sample.id == name:
                return np.array(sample.rows, np.int64)
        raise UsageError(f"random sample {name}: there is none; draw one on the page Estimate")


def _embedding(scorer: AnyScorer, data: bytes) -> Cosines:
    """The scorer's vector [d] of a picture; UsageError when it is none."""
    try:
        picture = load(
            data, size=scorer.size, crop_mode=scorer.crop_mode, limits=_LIMITS, preview=False
        )
    except ImageError as error:
        raise UsageError(f"picture: cannot be read ({error}); choose another file") from error
    return np.asarray(scorer.score(picture.pixels[None]).embeddings[0], np.float32)
