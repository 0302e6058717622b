"""What one reviewer is given of one result set: pages that stay."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from app.pool import Pool
from app.results import ResultSet

BATCH = 48
NOTHING = ResultSet(np.empty(0, np.int64), True, (0, 0, 0))


@dataclass(frozen=True, slots=True)
class Assigned:
    """A row as it is given to one reviewer.

    purpose  None, or of audit.verdicts.PURPOSES; the page must not be told "known" and "repeat"
    blind    its scores are not to be shown until it is decided
    """

    row_id: int
    purpose: str | None = None
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """One page of rows.

    page     1-based, the nearest to the one asked for; pages: how many there are, 1 or more
    left     rows still to be given out to this reviewer, those on the page that are not decided
             among them; in other states than open, all rows
    results  what the pages are made of
    """

    rows: tuple[Assigned, ...]
    page: int
    pages: int
    left: int
    results: ResultSet


@dataclass(slots=True, eq=False)
class Run:
    """What one reviewer has been given of one result set.

    every   the same rows whether decided or not; ends: by page, where its rows end in the pool
    held    by page, what is leased with it
    stands_for_all   whether a row that is open stands for all its near-duplicates
    """

    pool: Pool
    every: Pool | None = None
    pages: dict[int, list[Assigned]] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    given: set[int] = field(default_factory=set)
    held: dict[int, list[int]] = field(default_factory=dict)
    stands_for_all: bool = False

    def fresh(self, others: set[int], page: int, most: int) -> tuple[list[int], int]:
        """(open rows for a page, where they end): behind the page before, where a page would be
        if there were nobody else, or, when nothing is left there, from the first row on.
        """
        start = self.ends.get(page - 1, (page - 1) * BATCH)
        for begin in (start, 0):
            found, end = [], begin
            for place, row in self.pool.open_from(begin):
                if row not in others and row not in self.given:
                    found.append(row)
                    end = place + 1
                    if len(found) == most:
                        break
            if found or begin == 0:
                return found, end
        return [], start

    def forget(self, page: int) -> None:
        """As if the page had never been made."""
        self.given.difference_update(row.row_id for row in self.pages.pop(page))
        self.ends.pop(page)
        self.held.pop(page)

    def fresh_count(self, others: set[int]) -> int:
        """How many open rows nobody else holds and that were not given yet."""
        return self.pool.open - self.pool.open_among([*(others | self.given)])


def slice_of(results: ResultSet, page: int) -> Assignment:
    """A page of rows that belong to nobody."""
    count = len(results.row_ids)
    pages = max(1, math.ceil(count / BATCH))
    page = min(max(page, 1), pages)
    ids = results.row_ids[(page - 1) * BATCH : page * BATCH]
    return Assignment(tuple(Assigned(int(row)) for row in ids), page, pages, count, results)
