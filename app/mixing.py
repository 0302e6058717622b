"""What goes on a page: rows that nobody has decided, and among them some to be looked at again."""

from __future__ import annotations

import random
from collections.abc import Sequence

from app.again import Again
from app.people import People
from app.runs import BATCH, Run
from app.team import Team
from curation.seeded import draw

SECONDS = 12  # second looks on a page while there is something new


class Mixing:
    """Not for threads: its owner has the lock."""

    def __init__(self, again: Again, team: Team, people: People) -> None:
        """Of what is to be looked at again, as much as the team has agreed on."""
        self._again = again
        self._team = team
        self._people = people

    def seconds(self, reviewer: str, run: Run, others: set[int]) -> list[int]:
        """Rows of a run that want this reviewer's look, in its order.

        others   rows that somebody else holds
        """
        if run.every is None:
            return []
        due = self._again.seconds(reviewer, self._people.of(reviewer).opt_out)
        return run.every.among([row for row in due if row not in others and row not in run.given])

    def page(
        self, reviewer: str, run: Run, seconds: Sequence[int], others: set[int], page: int
    ) -> list[tuple[int, str | None]]:
        """(row, purpose) of everything on a new page, in its order; notes in the run where it ends.

        seconds  as `seconds` gives them
        purpose  None for what nobody has decided, or of audit.verdicts.PURPOSES
        """
        serial = draw(0, f"page {reviewer} {page}", str(len(run.given)))
        chance = random.Random(serial)
        looks: list[tuple[int, str | None]] = [(row, "second") for row in seconds[:SECONDS]]
        if run.every is not None:
            unwanted = self._people.of(reviewer).opt_out
            for share, purpose, found in (
                (self._team.known_share, "known", self._again.known(reviewer, serial, unwanted)),
                (self._team.repeat_share, "repeat", self._again.repeats(reviewer, serial)),
            ):
                count = int(share * BATCH + chance.random())
                taken = run.given | others | {row for row, _ in looks}
                allowed = run.every.among([row for row in found if row not in taken])
                chance.shuffle(allowed)
                looks += [(row, purpose) for row in allowed[:count]]
        new, run.ends[page] = run.fresh(others, page, BATCH - len(looks))
        if len(new) + len(looks) < BATCH:  # nothing new is left: second looks fill the page
            rest = BATCH - len(new) - len(looks)
            looks += [(row, "second") for row in seconds[SECONDS : SECONDS + rest]]
        rows: list[tuple[int, str | None]] = [(row, None) for row in new]
        for look in looks:
            rows.insert(chance.randint(0, len(rows)), look)
        return rows
