"""Gives pictures out: to each reviewer pages that stay, to no two the same row at once.

A page of what is open is BATCH rows that nobody else holds, leased to whoever asked. Among them
are second looks, known items and repeats, and nothing that the page is sent tells which.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from app.again import Again
from app.leases import LASTS, Leases
from app.mirror import Mirror
from app.mixing import Mixing
from app.people import People
from app.pool import Pool
from app.results import Results, ResultSet
from app.runs import BATCH, NOTHING, Assigned, Assignment, Run, slice_of
from app.team import Team
from audit.latest import Latest
from audit.reader import Spec
from audit.taxonomy import TYPES
from audit.verdicts import Decision
from curation.seeded import below, draw

if TYPE_CHECKING:  # a visit has a desk, and a desk has this
    from app.visit import Visit

PAGES_HELD = 3  # of one reviewer; what was skipped before is for others
RUNS_KEPT = 256


class Assignments:
    """Who works on what, in this process; may be shared by threads."""

    def __init__(
        self,
        results: Results,
        mirror: Mirror,
        team: Team,
        people: People,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is given out yet."""
        self._results = results
        self._mirror = mirror
        self._team = team
        self._people = people
        self._clock = clock
        self._leases = Leases(clock)
        self._again = Again(mirror, team)
        self._mixing = Mixing(self._again, team, people)
        self._runs: Latest[tuple[str, Spec], Run] = Latest(RUNS_KEPT)
        self._pools: WeakValueDictionary[int, Pool] = WeakValueDictionary()
        self._asked: dict[tuple[str, int], str] = {}  # purposes, until answered
        self._shown: dict[str, list[tuple[Run, int]]] = {}  # pages, the latest last
        self._windows: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    def page(self, visit: Visit, spec: Spec, state: str, page: int) -> Assignment:
        """A page for a visitor: leased where they work through what is open, else a plain slice.

        Asking for the same page again gives the same rows, without those that somebody else has
        taken on since they were let go.
        page     1-based; the nearest that there is, is given
        """
        reviewer = visit.reviewer
        if reviewer is None or state != "open":
            return slice_of(self._results.of(spec, state, reviewer=reviewer), page)
        self._mirror.catch_up()
        wanted = self._for(reviewer, spec)
        if wanted is None:
            return slice_of(NOTHING, 1)
        with self._lock:
            self._again.catch_up()
            more = self._again.any_for(reviewer)
            known = self._runs.get((reviewer, wanted))
        # Queries, which take their time, outside of the lock.
        results = known.pool.results if known is not None else self._results.of(wanted, "open")
        # Who looks for something, or draws a sample, is given that and nothing else.
        plain = replace(wanted, collapse=False) if more and not wanted.way else None
        every = self._results.of(plain, "any") if plain else None
        with self._lock:
            self._windows.setdefault(reviewer, {})[visit.window] = self._clock()
            self._leases.touch(reviewer)
            run = self._run(reviewer, wanted, results)
            run.stands_for_all = wanted.collapse
            run.pool.catch_up()
            run.every = None if every is None else self._pool(every)
            return self._given(reviewer, run, page)

    def renew(self, visit: Visit, spec: Spec, state: str) -> None:
        """Find the rows anew and begin at the first of them."""
        reviewer = visit.reviewer
        wanted = spec if reviewer is None or state != "open" else self._for(reviewer, spec)
        if wanted is None:
            return
        self._results.of(wanted, state, reviewer=reviewer, renew=True)
        if reviewer is None:
            return
        with self._lock:
            run = self._runs.pop((reviewer, wanted))
            if run is None:
                return
            for page in list(run.pages):
                self._take_back(reviewer, run, page)
        if run.every is not None:
            self._results.of(replace(wanted, collapse=False), "any", renew=True)

    def blind(self, reviewer: str | None, row_id: int) -> bool:
        """Whether the scores of a row are kept from a reviewer until they have decided it."""
        return (
            reviewer is not None
            and below(draw(0, f"blind {reviewer}", str(row_id)), self._team.blind_share)
            and all(said.reviewer != reviewer for said in self._mirror.said(row_id))
        )

    def hidden(self, reviewer: str | None, row_id: int) -> bool:
        """Whether a reviewer must not know what was decided about a row: they have not yet, or
        are asked again.
        """
        if reviewer is None:
            return False
        if self.purpose(reviewer, row_id) == "repeat":
            return True
        return self._mirror.mine(row_id, reviewer) is None

    def purpose(self, reviewer: str, row_id: int) -> str | None:
        """Why a row is in front of a reviewer; None when it was open, or they have decided it."""
        with self._lock:
            return self._asked.get((reviewer, row_id))

    def is_second(self, reviewer: str | None, row_id: int) -> bool:
        """Whether a reviewer may know that they are the second to look at a row."""
        return reviewer is not None and self.purpose(reviewer, row_id) == "second"

    def taken(self, reviewer: str, row_ids: Iterable[int]) -> set[int]:
        """Those of the open rows a reviewer was given that are somebody else's by now."""
        with self._lock:
            others = self._leases.others(reviewer)
            given = [run.given for (whose, _), run in self._runs.items() if whose == reviewer]
            return {
                row
                for row in row_ids
                if (reviewer, row) not in self._asked
                and self._mirror.mine(row, reviewer) is None
                and any(row in rows for rows in given)
                and (row in others or self._mirror.outcome(row) is not None)
            }

    def recorded(self, decisions: Iterable[Decision]) -> None:
        """Decisions are stored and in the mirror: let go of their rows, hold those undone."""
        with self._lock:
            for said in decisions:
                if said.undoes is None:
                    self._asked.pop((said.reviewer, said.row_id), None)
                    self._leases.drop(said.reviewer, [said.row_id])
                    continue
                self._leases.take(said.reviewer, [said.row_id])
                undone = next(
                    (d for d in self._mirror.said(said.row_id) if d.id == said.undoes), None
                )
                if undone is not None and undone.purpose is not None:
                    self._asked[said.reviewer, said.row_id] = undone.purpose

    def touch(self, visit: Visit) -> None:
        """A sign of life: what the reviewer holds stays theirs for a while longer.

        After a pause that was too long, what nobody has taken meanwhile is theirs again.
        """
        reviewer = visit.reviewer
        if reviewer is None:
            return
        with self._lock:
            windows = self._windows.get(reviewer, {})
            if visit.window in windows:
                windows[visit.window] = self._clock()
            if self._leases.is_here(reviewer):
                self._leases.touch(reviewer)
            else:
                for run, page in self._shown.get(reviewer, []):
                    if page in run.pages:
                        self._retake(reviewer, run, page)

    def leave(self, visit: Visit, *, everywhere: bool = False) -> int:
        """A window was closed; when none is left, what was held is free.

        everywhere   work is over: whatever windows are open
        returns      how many rows were let go
        """
        reviewer = visit.reviewer
        if reviewer is None:
            return 0
        with self._lock:
            open_ones = self._windows.setdefault(reviewer, {})
            open_ones.pop(visit.window, None)
            end = self._clock() - LASTS
            if not everywhere and any(seen >= end for seen in open_ones.values()):
                return 0
            open_ones.clear()
            self._shown.pop(reviewer, None)
            held = len(self._leases.held(reviewer))
            self._leases.drop(reviewer)
            return held

    def _given(self, reviewer: str, run: Run, page: int) -> Assignment:
        """The page, made now where it was not before, or where others have taken all of it."""
        if page in run.pages and not self._still(reviewer, run, page):
            self._take_back(reviewer, run, page)
        others = self._leases.others(reviewer)
        seconds = self._mixing.seconds(reviewer, run, others)
        fresh = run.fresh_count(others)
        pages = max(len(run.pages) + math.ceil((fresh + len(seconds)) / BATCH), *run.pages, 1)
        page = min(max(page, 1), pages)
        if page not in run.pages and fresh + len(seconds):
            rows = self._batch(reviewer, run, seconds, others, page)
            run.pages[page] = rows
            run.given.update(row.row_id for row in rows)
            fresh -= sum(row.purpose is None for row in rows)
            seconds = seconds[sum(row.purpose == "second" for row in rows) :]
        elif page not in run.pages:
            page = max((n for n in run.pages if n < page), default=1)
        rows = self._still(reviewer, run, page)
        undone = sum(self._standing(reviewer, row) == "open" for row in rows)
        return Assignment(tuple(rows), page, pages, fresh + len(seconds) + undone, run.pool.results)

    def _batch(
        self, reviewer: str, run: Run, seconds: Sequence[int], others: set[int], page: int
    ) -> list[Assigned]:
        """The rows of a new page, leased."""
        rows = [
            Assigned(row, purpose, self.blind(reviewer, row))
            for row, purpose in self._mixing.page(reviewer, run, seconds, others, page)
        ]
        new = [row.row_id for row in rows if row.purpose is None]
        looks = {row.row_id: row.purpose for row in rows if row.purpose is not None}
        self._asked.update({(reviewer, row): purpose for row, purpose in looks.items()})
        others_too = self._results.whole(new) if run.stands_for_all and new else new
        run.held[page] = list({*others_too, *looks})
        self._leases.take(reviewer, run.held[page])
        return rows

    def _still(self, reviewer: str, run: Run, page: int) -> list[Assigned]:
        """The rows of a page that are still the reviewer's to decide, or that they have decided.

        Those of pages shown long ago are let go, so that what somebody skips is not kept from
        everybody else.
        """
        shown = [place for place in self._shown.pop(reviewer, []) if place != (run, page)]
        shown.append((run, page))
        for other, old in shown[:-PAGES_HELD]:
            self._leases.drop(reviewer, other.held.get(old, ()))
        self._shown[reviewer] = shown[-PAGES_HELD:]
        return self._retake(reviewer, run, page)

    def _retake(self, reviewer: str, run: Run, page: int) -> list[Assigned]:
        """Hold what is still free of a page; returns what `_still` does."""
        places = {row: self._standing(reviewer, row) for row in run.pages.get(page, [])}
        wanted = {row.row_id for row, standing in places.items() if standing == "open"}
        alike = [row for row in run.held.get(page, ()) if self._mirror.outcome(row) is None]
        mine = set(self._leases.take(reviewer, wanted.union(alike)))
        return [row for row, standing in places.items() if standing == "done" or row.row_id in mine]

    def _standing(self, reviewer: str, row: Assigned) -> str:
        """Whether it is "done" by this reviewer, "open", or "taken" by somebody else since."""
        if row.purpose == "repeat":
            return "open" if (reviewer, row.row_id) in self._asked else "done"
        if self._mirror.mine(row.row_id, reviewer) is not None:
            return "done"
        settled = row.purpose is None and self._mirror.outcome(row.row_id) is not None
        return "taken" if settled else "open"

    def _take_back(self, reviewer: str, run: Run, page: int) -> None:
        """As if the page had never been given."""
        self._leases.drop(reviewer, run.held[page])
        for row in run.pages[page]:
            self._asked.pop((reviewer, row.row_id), None)
        run.forget(page)

    def _for(self, reviewer: str, spec: Spec) -> Spec | None:
        """The specification without the types that the reviewer does not want to be given.

        None when nothing is left of it
        """
        unwanted = self._people.of(reviewer).opt_out
        if not unwanted or spec.scope == "failed":  # what could not be scored is of no type
            return spec
        kept = tuple(name for name in spec.types or TYPES if name not in unwanted)
        return replace(spec, types=kept) if kept else None

    def _run(self, reviewer: str, spec: Spec, results: ResultSet) -> Run:
        run = self._runs.get((reviewer, spec))
        if run is None:
            run = Run(self._pool(results))
            self._runs.put((reviewer, spec), run)
        return run

    def _pool(self, results: ResultSet) -> Pool:
        """The one pool of a result set; it keeps the set, whose id so stays its own."""
        pool = self._pools.get(id(results))
        if pool is None:
            pool = self._pools[id(results)] = Pool(results, self._mirror)
        return pool
