"""What the screen works with: one catalog, its decisions, pictures and result sets, one process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.exposure import Exposure
from app.mirror import Mirror
from app.pictures import Pictures
from app.tokens import Tokens
from audit import header
from audit.errors import UsageError
from audit.reader import Ids, Reader, Signature, Snapshot, Spec
from audit.verdicts import is_alias
from curation.decisions import Decisions

SETS_KEPT = 32
MOST_ROWS = 1_000_000  # of one result set: 8 MB

_current: Desk | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ResultSet:
    """Rows that were found once, in their order; they stay while decisions change what is open.

    row_ids    [N] int64, N <= MOST_ROWS
    whole      False when there are more than the limit lets in
    signature  of the catalog they were found in
    """

    row_ids: Ids
    whole: bool
    signature: Signature


class Desk:
    """Everything that a page or a route asks; may be shared by threads."""

    def __init__(self, catalog: Path, reviewer: str | None) -> None:
        """Open a catalog; without a reviewer nothing can be decided.

        raises  UsageError for a name that is none, ShardwardenError for a catalog that cannot be
                read
        """
        if reviewer is not None and not is_alias(reviewer):
            raise UsageError(
                f"--reviewer {reviewer!r}: a name is a-z, 0-9, _ and -, begins with a letter or "
                "figure and has 64 characters at most; choose another"
            )
        self.catalog = catalog
        self.reviewer = reviewer
        self.scorer = str(header.read(catalog).get("scorer_sha256", ""))
        self.reader = Reader(catalog)
        self.decisions = Decisions(catalog)
        self.mirror = Mirror(catalog)
        self.pictures = Pictures(catalog)
        self.tokens = Tokens(catalog)
        self.exposure = Exposure()
        self._sets: OrderedDict[tuple[Spec, str], ResultSet] = OrderedDict()
        self._lock = threading.Lock()

    def results(self, spec: Spec, state: str, *, renew: bool = False) -> ResultSet:
        """The rows of a specification, found now or, unless `renew`, when they were asked first.

        state   "open": nobody has decided; "decided"; "disagreed"; "any"
        """
        key = (spec, state)
        with self._lock:
            kept = self._sets.get(key)
            if kept is not None and not renew:
                self._sets.move_to_end(key)
                return kept
        snapshot = self.now()
        self.mirror.catch_up()
        limit = MOST_ROWS + len(self.mirror.decided())
        found = snapshot.ids(spec, limit)
        ids = self._in_state(found, state)
        whole = len(found) < limit and len(ids) <= MOST_ROWS
        made = ResultSet(ids[:MOST_ROWS], whole, snapshot.signature)
        with self._lock:
            self._sets[key] = made
            while len(self._sets) > SETS_KEPT:
                self._sets.popitem(last=False)
        return made

    def _in_state(self, ids: Ids, state: str) -> Ids:
        locked = np.asarray(self.mirror.locked_rows(), dtype=np.int64)
        ids = ids[~np.isin(ids, locked)]
        if state == "any":
            return ids
        rows = self.mirror.decided()
        if state == "disagreed":
            outcomes = ((row, self.mirror.outcome(row)) for row in rows)
            rows = [row for row, outcome in outcomes if outcome and not outcome.settled]
        said = np.isin(ids, np.asarray(rows, dtype=np.int64))
        return ids[~said] if state == "open" else ids[said]

    def picture_row(self, row_id: int) -> dict[str, Any] | None:
        """Where a picture lies; None for what is unknown, quarantined or locked away."""
        self.mirror.catch_up()  # somebody else may have locked it away a second ago
        if self.mirror.locked(row_id):
            return None
        return self.now().pictures([row_id]).get(row_id)

    def now(self) -> Snapshot:
        """The catalog as it is published now."""
        return self.reader.now()


def open_desk(catalog: Path, reviewer: str | None) -> Desk:
    """Open the one desk of this process; what the page and the routes then work with."""
    global _current
    _current = Desk(catalog, reviewer)
    return _current


def desk() -> Desk:
    """The desk that is open."""
    if _current is None:
        raise UsageError("the review screen was not started by `audit review CATALOG`; do that")
    return _current
