"""Rows to be looked at again, and why: kept up with the decisions as they come in.

Second looks: a set share, pictures called high in a contested type, what was dropped in one large
go, what reviewers disagree about, and what was escalated. Known items are settled by somebody else
twice or by a ruling; repeats are a reviewer's own.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from app.mirror import Mirror
from app.team import Team
from audit.outcomes import Outcome
from curation.seeded import below, draw

SEED = 0
ENOUGH = 3  # people who looked at a row; if they still differ, it is for somebody to rule
FADED = 100  # decisions of a reviewer after which one of theirs may come again
TRIES = 200  # rows looked at for one known item or repeat


class Again:
    """Not for threads: its owner has the lock."""

    def __init__(self, mirror: Mirror, team: Team) -> None:
        """Goes through all that was decided so far."""
        self._mirror = mirror
        self._team = team
        self._read = 0
        self._due: dict[int, set[str]] = {}  # and who has looked
        self._known: dict[int, None] = {}
        self._large: set[str] = set()  # batches that dropped more than the team lets one person
        self.catch_up()

    def catch_up(self) -> None:
        """Take in what was decided since."""
        rows, self._read = self._mirror.changes(self._read)
        sized: set[str] = set()  # batches that have been counted just now
        for row in dict.fromkeys(rows):
            self._place(row, sized)

    def seconds(self, reviewer: str, unwanted: Collection[str] = ()) -> list[int]:
        """Rows that want another look, by somebody who has not decided them.

        unwanted   types that the reviewer is not given
        """
        return [
            row
            for row, looked in self._due.items()
            if reviewer not in looked and not self._is_of(row, unwanted)
        ]

    def any_for(self, reviewer: str) -> bool:
        """Whether there can be anything for a reviewer to look at again."""
        someone_elses = any(reviewer not in looked for looked in self._due.values())
        return someone_elses or bool(self._known) or len(self._mirror.rows_of(reviewer)) > FADED

    def known(self, reviewer: str, serial: int, unwanted: Collection[str] = ()) -> Iterator[int]:
        """Settled rows that a reviewer has not looked at, some at random; the same for a serial."""
        for row in _some(list(self._known), f"known {reviewer} {serial}"):
            strange = all(said.reviewer != reviewer for said in self._mirror.said(row))
            if strange and not self._is_of(row, unwanted):
                yield row

    def repeats(self, reviewer: str, serial: int) -> Iterator[int]:
        """Rows of a reviewer's own from a while ago, not repeated yet; likewise."""
        for row in _some(self._mirror.rows_of(reviewer)[:-FADED], f"repeat {reviewer} {serial}"):
            mine = self._mirror.mine(row, reviewer)
            outcome = self._mirror.outcome(row)
            if mine is None or mine.batch or mine.purpose not in (None, "second"):
                continue  # undone, decided with many others, or an answer to one of these
            if outcome is None or outcome.verdict == "escalate" or outcome.locked:
                continue
            if not any(
                said.purpose == "repeat" and said.reviewer == reviewer
                for said in self._mirror.said(row)
            ):
                yield row

    def _place(self, row: int, sized: set[str]) -> None:
        """Sort a row in anew."""
        outcome = self._mirror.outcome(row)
        self._due.pop(row, None)
        self._known.pop(row, None)
        if outcome is None or outcome.locked:
            return
        if outcome.firm and outcome.verdict != "escalate":
            self._known[row] = None
        batches = {d.batch for d in outcome.decisions if d.batch and d.stance == "drop"}
        for batch in batches - self._large - sized:
            sized.add(batch)
            rows = {said.row_id for said in self._mirror.batch(batch)}
            if len(rows) > self._team.drops:
                self._large.add(batch)  # it has grown too large just now: all of it
                for other in rows:
                    self._place(other, sized)
        if self._wants(outcome, bool(batches & self._large)):
            self._due[row] = {said.reviewer for said in outcome.decisions}

    def _wants(self, outcome: Outcome, in_large: bool) -> bool:
        """Whether somebody else should look."""
        looked = {said.reviewer for said in outcome.decisions}
        if outcome.ruled:
            return False
        if not outcome.settled:
            return len(looked) < ENOUGH
        if len(looked) > 1:
            return False
        label = outcome.label
        return (
            in_large
            or outcome.verdict == "escalate"
            or (label is not None and label.level == "high" and label.type in self._team.contested)
            or below(draw(SEED, "second", str(outcome.row_id)), self._team.second_share)
        )

    def _is_of(self, row: int, types: Collection[str]) -> bool:
        """Whether people said that a row is of one of the types."""
        outcome = self._mirror.outcome(row)
        return (
            bool(types)
            and outcome is not None
            and any(said.type in types for said in outcome.decisions)
        )


def _some(rows: list[int], name: str) -> list[int]:
    """TRIES of the rows at most, by chance."""
    return random.Random(draw(SEED, "again", name)).sample(rows, min(TRIES, len(rows)))
