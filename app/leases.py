"""Who has which rows in front of them: nobody else is given these. In memory, of one server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

LASTS = 15 * 60.0  # seconds without any sign of the reviewer


class Leases:
    """Rows and the reviewers who hold them. Not for threads: its owner has the lock.

    What one reviewer holds lasts as long as there are signs of them, and LASTS seconds more.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody holds anything; `clock` gives seconds that only grow."""
        self._clock = clock
        self._holder: dict[int, str] = {}
        self._held: dict[str, set[int]] = {}
        self._seen: dict[str, float] = {}

    def touch(self, reviewer: str) -> None:
        """A sign of a reviewer."""
        self._expire()
        self._seen[reviewer] = self._clock()

    def is_here(self, reviewer: str) -> bool:
        """Whether there was a sign of a reviewer not long ago."""
        self._expire()
        return reviewer in self._seen

    def take(self, reviewer: str, rows: Iterable[int]) -> list[int]:
        """Hold rows; returns those that are the reviewer's now: others may hold some of them."""
        self.touch(reviewer)
        got = []
        for row in rows:
            if self._holder.setdefault(row, reviewer) == reviewer:
                self._held.setdefault(reviewer, set()).add(row)
                got.append(row)
        return got

    def drop(self, reviewer: str, rows: Iterable[int] | None = None) -> None:
        """Let go of rows, of all that a reviewer holds where none are named."""
        held = self._held.get(reviewer, set())
        for row in list(held) if rows is None else rows:
            if row in held:
                held.discard(row)
                del self._holder[row]
        if not held:
            self._held.pop(reviewer, None)

    def others(self, reviewer: str) -> set[int]:
        """Rows that somebody else holds."""
        self._expire()
        return {row for row, holder in self._holder.items() if holder != reviewer}

    def held(self, reviewer: str) -> set[int]:
        """Rows that a reviewer holds."""
        self._expire()
        return set(self._held.get(reviewer, ()))

    def _expire(self) -> None:
        end = self._clock() - LASTS
        for reviewer in [name for name, seen in self._seen.items() if seen < end]:
            del self._seen[reviewer]
            self.drop(reviewer)
