"""A result set that several people work through: which of its rows are still open, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from app.mirror import Mirror
from app.results import ResultSet

_CHUNK = 4096


class Pool:
    """Not for threads: its owner has the lock. Letters in shapes: N rows of the result set."""

    def __init__(self, results: ResultSet, mirror: Mirror) -> None:
        """Sorts the rows once: 0.1 s a million."""
        self.results = results
        self._mirror = mirror
        self._order = np.argsort(results.row_ids, kind="stable")
        self._sorted = results.row_ids[self._order]
        self._closed = np.zeros(len(results.row_ids), dtype=bool)
        _, self._read = mirror.changes(2**62)
        self._closed[self.places(mirror.decided())] = True

    def places(self, rows: Sequence[int]) -> npt.NDArray[np.int64]:
        """[M <= len(rows)] where rows stand, lowest first; without those that are not in it."""
        if not len(self._sorted):
            return np.empty(0, np.int64)
        asked = np.unique(np.asarray(rows, dtype=np.int64))
        found = np.minimum(np.searchsorted(self._sorted, asked), len(self._sorted) - 1)
        return np.sort(self._order[found[self._sorted[found] == asked]])

    def among(self, rows: Sequence[int]) -> list[int]:
        """Those of the rows that are in it, in its order."""
        return [int(row) for row in self.results.row_ids[self.places(rows)]]

    def catch_up(self) -> None:
        """Take in what was decided since."""
        rows, self._read = self._mirror.changes(self._read)
        places = self.places(rows)
        for place in places:
            row = int(self.results.row_ids[place])
            self._closed[place] = self._mirror.outcome(row) is not None

    @property
    def open(self) -> int:
        """How many rows nobody has decided."""
        return len(self._closed) - int(np.count_nonzero(self._closed))

    def open_from(self, place: int) -> Iterator[tuple[int, int]]:
        """(place, row) of the open rows from a place on."""
        for start in range(max(place, 0), len(self._closed), _CHUNK):
            for found in np.flatnonzero(~self._closed[start : start + _CHUNK]):
                at = start + int(found)
                yield at, int(self.results.row_ids[at])

    def open_among(self, rows: Sequence[int]) -> int:
        """How many of the rows are in it and open."""
        return int(np.count_nonzero(~self._closed[self.places(rows)]))
