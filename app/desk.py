"""What the screen works with: one catalog, its decisions, pictures and result sets, one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from app.assigning import Assignments
from app.bulk import Offers
from app.evidence import Evidence
from app.exposure import Exposure
from app.identity import SignIn, Who
from app.jobs import Jobs
from app.loaded import Loaded
from app.mirror import Mirror
from app.people import People
from app.pictures import Pictures
from app.planning import Planning
from app.results import Results, ResultSet
from app.storing import Batches
from app.team import read_team
from app.tokens import Tokens
from app.ways import Ways
from audit.errors import UsageError
from audit.reader import Reader, Snapshot
from curation.decisions import Decisions
from curation.policy import DEFAULT

AHEAD = 60  # rows read before they are asked for: a page, and some that others have

_current: Desk | None = None


class Desk:
    """Everything that a page or a route asks; may be shared by threads."""

    def __init__(
        self,
        catalog: Path,
        who: Who | str | None,
        policy: str = DEFAULT,
        scorer: str | None = None,
    ) -> None:
        """Open a catalog.

        who       reviews; a name is short for Who(name)
        policy    in force: name of a preset, or path of a file
        scorer    that the catalog was made with, or its folder; None: by the name it has there
        raises    UsageError for a policy, review.yaml or sign-in that is wrong, ShardwardenError
                  for a catalog that cannot be read
        """
        who = who if isinstance(who, Who) else Who(who)
        self.catalog = catalog
        self.reviewer = who.reviewer
        self.team = read_team(catalog)
        self.sign_in = SignIn(who.mode, who.header, self.team.people)
        self.reader = Reader(catalog, self.team.safe_every)
        self.decisions = Decisions(catalog)
        self.offers = Offers()
        self.batches = Batches()
        self.mirror = Mirror(catalog)
        self.pictures = Pictures(catalog)
        self._loaded = Loaded(catalog, scorer)
        self.evidence = Evidence(self.pictures, self._loaded)
        self.tokens = Tokens(catalog)
        self.people = People(catalog)
        self.exposure = Exposure(catalog, self.people)
        self.planning = Planning(catalog, self.reader, policy)
        self.policies = self.planning.policies
        self.jobs = Jobs()
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self.ways = Ways(catalog, self.mirror, self._loaded)
        self.results = Results(self.reader, self.mirror, self.ways)
        self.assignments = Assignments(self.results, self.mirror, self.team, self.people)

    @property
    def policy(self) -> str | Path:
        """The policy in force: name of a preset, or path of a file."""
        return self.policies.reference(self.policies.in_force)

    def picture_row(self, row_id: int) -> dict[str, Any] | None:
        """Where a picture lies; None for what is unknown, quarantined or locked away."""
        self.mirror.catch_up()  # somebody else may have locked it away a second ago
        if self.mirror.locked(row_id):
            return None
        return self.now().pictures([row_id]).get(row_id)

    def given(self, reviewer: str | None, row_id: int) -> str | None:
        """The word of a card, which comes back with what is decided; see `purpose`."""
        if reviewer is None:
            return None
        return self.tokens.given(reviewer, row_id, self.assignments.purpose(reviewer, row_id))

    def purpose(self, reviewer: str, row_id: int, word: str | None) -> str | None:
        """Why a row was given to a reviewer, by the word of its card or by what is known here."""
        if word is not None and (found := self.tokens.purpose_of(word, reviewer, row_id)):
            return found
        return self.assignments.purpose(reviewer, row_id)

    def read_ahead(self, results: ResultSet, row_id: int) -> None:
        """Read in the background what comes behind a row: the next page is likely to be wanted."""
        self._ahead.submit(self._read_behind, results, row_id)

    def _read_behind(self, results: ResultSet, row_id: int) -> None:
        at = np.flatnonzero(results.row_ids == row_id)[:1]
        for place in at.tolist():
            self.now().cards(results.row_ids[place + 1 : place + 1 + AHEAD].tolist())

    def now(self) -> Snapshot:
        """The catalog as it is published now."""
        return self.reader.now()

    def close(self) -> None:
        """End what runs beside requests; for the end of the server."""
        self._ahead.shutdown(wait=False, cancel_futures=True)
        self.pictures.close()
        self._loaded.close()
        self.jobs.close()


def open_desk(made: Desk) -> Desk:
    """Make it the one desk of this process, which the page and the routes then work with."""
    global _current
    _current = made
    return made


def desk() -> Desk:
    """The desk that is open."""
    if _current is None:
        raise UsageError("the review screen was not started by `audit review CATALOG`; do that")
    return _current
