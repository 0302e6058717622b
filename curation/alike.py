"""Which rows of a table have copies at all: the same under every policy, so worked out once.

Letters in shapes: N rows, V different hashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import duplicates
from curation import arrays
from curation.arrays import Ints, Mask, pc
from curation.rules import Duplicates

_NAMES = ("shard", "key", "row_id")
_LARGEST = 2**32  # sizes of files below it can be ordered together with those of pictures


@dataclass(frozen=True, slots=True)
class Near:
    """Rows that look like another one.

    found     [N] where a row does
    value_of  [N] int32 which of V hashes a row has, of those found
    pairs     [n, 2] hashes that differ in so few bits, as duplicates.pairs_among gives them
    """

    found: Mask
    value_of: npt.NDArray[np.int32]
    pairs: duplicates.Pairs


class Alike:
    """The copies among N rows; nothing is worked out before it is asked for."""

    def __init__(self, rows: pa.Table) -> None:
        """rows: columns sha256, phash, width, height, size and _NAMES."""
        self._rows = rows
        self._near: dict[int, Near] = {}
        self._order: dict[int | None, npt.NDArray[np.int32]] = {}

    @cached_property
    def codes(self) -> npt.NDArray[np.int32]:
        """[N] equal for equal bytes, -1: not known, or no other row has them."""
        codes = arrays.codes(self._rows["sha256"])
        counts = np.bincount(codes[codes >= 0], minlength=1)
        return np.where((codes >= 0) & (counts[codes] > 1), codes, -1).astype(np.int32)

    @property
    def exact(self) -> Mask:
        """[N] where another row has the same bytes."""
        found: Mask = self.codes >= 0
        return found

    def same(self, rows: Mask) -> Mask:
        """[N] where a row has the bytes of one of these, which are [N] too."""
        named = np.zeros(1 + int(self.codes.max(initial=-1)) + 1, bool)
        named[self.codes[rows]] = True
        named[-1] = False  # the place of -1
        return named[self.codes]

    def near(self, distance: int) -> Near:
        """Rows whose hash differs from that of another one in at most `distance` bits."""
        if distance not in self._near:
            hashes, known = arrays.hashes(self._rows["phash"])
            at = np.flatnonzero(known)
            values, of, counts = np.unique(hashes[at], return_inverse=True, return_counts=True)
            pairs = duplicates.pairs_among(values, distance)
            some = counts > 1
            some[pairs.ravel()] = True
            found = np.zeros(len(hashes), bool)
            found[at] = some[of]
            value_of = np.full(len(hashes), -1, np.int32)
            value_of[at] = of
            self._near[distance] = Near(found, value_of, pairs)
        return self._near[distance]

    def known(self, said: Duplicates) -> None:
        """Work out all that a policy's word about copies needs."""
        if said.exact != "keep" or said.near != "keep":
            self.order(said)

    def order(self, said: Duplicates) -> npt.NDArray[np.int32]:
        """[N] places of rows that have copies, -1 for others: the largest picture first, then the
        largest file, then by name.
        """
        distance = None if said.near == "keep" else said.distance
        if distance not in self._order:
            some = self.exact if distance is None else self.exact | self.near(distance).found
            order = _ordered(self._rows, np.flatnonzero(some))
            place = np.full(len(some), -1, np.int32)
            place[order] = np.arange(len(order))
            self._order[distance] = place
        return self._order[distance]


def _ordered(rows: pa.Table, at: Ints) -> Ints:
    """Positions, of the row that ranks first before the others."""
    at = _by_name(rows.select(_NAMES), at)
    area = np.nan_to_num(arrays.floats(rows, "width") * arrays.floats(rows, "height"))[at]
    size = arrays.integers(rows, "size")[at]
    if len(at) and (area.min() < 0 or size.min() < 0 or size.max() >= _LARGEST):
        return at[np.lexsort((-size, -area))]
    # Of numbers that are not negative the bits of a float are in their order too.
    both = (area.view(np.uint32).astype(np.uint64) << np.uint64(32)) | size.astype(np.uint64)
    return at[np.argsort(~both, kind="stable")]


def _by_name(names: pa.Table, at: Ints) -> Ints:
    """Positions by shard, key and row_id: mostly all rows are in this order already."""
    here, following = names.slice(0, max(0, len(names) - 1)), names.slice(1)
    ascends: Any = pa.scalar(True)
    for name in reversed(names.column_names):
        one, other = here[name], following[name]
        ascends = pc.or_(pc.less(one, other), pc.and_(pc.equal(one, other), ascends))
    if len(names) < 2 or pc.all(pc.fill_null(ascends, False)).as_py():
        return at
    order = pc.sort_indices(names.take(at), [(name, "ascending") for name in names.column_names])
    found: Ints = at[order.to_numpy()]
    return found
