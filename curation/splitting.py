"""Training and validation without a picture, or its like, in both. Letters in shapes: N rows."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable

import numpy as np
import pyarrow as pa

from audit import duplicates
from curation import arrays
from curation.arrays import Ints

NEAR = 2
"""Bits of 64 in which the hashes of pictures that are held together may differ, at the least."""


def groups(rows: pa.Table, *, distance: int) -> Ints:
    """Which rows belong together: the same bytes, uid, pictures that look alike, the same `group`
    in the sample's json; and whatever is linked by a chain of these.

    rows       columns uid, sha256, phash, metadata
    distance   bits of 64 in which perceptual hashes may differ
    returns    [N] position of the first row of each row's group
    """
    together = _Together(len(rows))
    for name in ("uid", "sha256"):
        together.alike(rows[name].to_pylist())
    together.alike(_group(text) for text in rows["metadata"].to_pylist())
    hashes, known = arrays.hashes(rows["phash"])
    values, value_of = np.unique(hashes[known], return_inverse=True)
    at = np.flatnonzero(known)
    together.alike_at(at, value_of)
    first = np.full(len(values), -1)
    first[value_of[::-1]] = at[::-1]
    for found in duplicates.pairs_of(values, distance):
        for one, other in first[found].tolist():
            together.join(one, other)
    return together.roots()


def _group(metadata: str | None) -> Hashable:
    """The `group` of a sample's json, where it has one."""
    if not metadata or '"group"' not in metadata:
        return None
    try:
        record = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    found = record.get("group") if isinstance(record, dict) else None
    return str(found) if isinstance(found, str | int) and str(found) else None


class _Together:
    """Sets of positions that grow together; the lowest position names a set."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def _root(self, at: int) -> int:
        while self._above[at] != at:
            self._above[at] = self._above[self._above[at]]
            at = self._above[at]
        return at

    def join(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        self._above[max(one, other)] = min(one, other)

    def alike(self, names: Iterable[Hashable]) -> None:
        """Rows with the same name belong together; None is like nothing."""
        first: dict[Hashable, int] = {}
        for at, name in enumerate(names):
            if name is not None:
                self.join(first.setdefault(name, at), at)

    def alike_at(self, at: Ints, names: Ints) -> None:
        first: dict[int, int] = {}
        for position, name in zip(at.tolist(), names.tolist(), strict=True):
            self.join(first.setdefault(name, position), position)

    def roots(self) -> Ints:
        return np.array([self._root(at) for at in range(len(self._above))], np.int64)
