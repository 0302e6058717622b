"""Which rows of a table have copies at all: the same under every policy, so worked out once.

Letters in shapes: N rows.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import duplicates
from curation import arrays
from curation.arrays import Ints, Mask


class Alike:
    """The copies among N rows; nothing is worked out before it is asked for."""

    def __init__(self, rows: pa.Table) -> None:
        """rows: columns sha256 and phash."""
        self._rows = rows
        self._near: dict[int, Mask] = {}

    @cached_property
    def codes(self) -> Ints:
        """[N] equal for equal bytes, -1: not known."""
        return arrays.codes(self._rows["sha256"])

    @cached_property
    def exact(self) -> Mask:
        """[N] where another row has the same bytes."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=1)
        return (self.codes >= 0) & (counts[self.codes] > 1)

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """[N] perceptual hashes, 0 where there is none."""
        return self._hashes[0]

    def near(self, distance: int) -> Mask:
        """[N] where the hash of another row differs in at most `distance` bits."""
        if distance not in self._near:
            hashes, known = self._hashes
            values, of, counts = np.unique(hashes[known], return_inverse=True, return_counts=True)
            some = counts > 1
            for pairs in duplicates.pairs_of(values, distance):
                some[pairs.ravel()] = True
            found = np.zeros(len(hashes), bool)
            found[known] = some[of]
            self._near[distance] = found
        return self._near[distance]

    @cached_property
    def _hashes(self) -> tuple[npt.NDArray[np.uint64], Mask]:
        return arrays.hashes(self._rows["phash"])
