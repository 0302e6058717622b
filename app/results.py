"""Result sets: the rows that a query found once, kept while decisions change what is open."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from app.mirror import Mirror
from app.ways import Ways
from audit.latest import Latest
from audit.reader import Ids, Reader, Signature, Spec

SETS_KEPT = 32
MOST_ROWS = 1_000_000  # of one result set: 8 MB
_SAID = ("decided", "disagreed", "escalated", "mine")
STATES = ("open", *_SAID, "any")


@dataclass(frozen=True, slots=True, eq=False)
class ResultSet:
    """Rows that were found once, in their order.

    row_ids    [N] int64, N <= MOST_ROWS
    whole      False when there are more than the limit lets in
    signature  of the catalog they were found in
    name       by which a page names the rows that it shows; another one when they are found anew
    """

    row_ids: Ids
    whole: bool
    signature: Signature
    name: str = field(default_factory=lambda: secrets.token_hex(8))


def edition(signature: Signature) -> str:
    """A word for a catalog as it was published once; it tells nothing else."""
    return hashlib.sha256(repr(signature).encode()).hexdigest()[:16]


class Results:
    """The result sets of this process; may be shared by threads."""

    def __init__(self, reader: Reader, mirror: Mirror, ways: Ways) -> None:
        """Nothing is found yet."""
        self._reader = reader
        self._mirror = mirror
        self._ways = ways
        self._sets: Latest[tuple[Spec, str, str | None], ResultSet] = Latest(SETS_KEPT)

    def of(
        self, spec: Spec, state: str, *, reviewer: str | None = None, renew: bool = False
    ) -> ResultSet:
        """The rows of a specification, found now or, unless `renew`, when they were asked first.

        Where it asks for that, each cluster is the first of its rows that are in the state.
        state     of STATES: nobody has decided; somebody has; people disagree; somebody has said
                  that another one has to decide; the reviewer has decided; whatever was decided
        reviewer  whose `mine` is asked for
        raises    UsageError, one line, where a way in fails
        """
        key = (spec, state, reviewer if state == "mine" else None)
        kept = None if renew else self._sets.get(key)
        if kept is not None:
            return kept
        snapshot = self._reader.now()
        self._mirror.catch_up()
        said = self._in_state(state, reviewer)
        limit = MOST_ROWS + len(said)
        brought = self._ways.brought(spec, snapshot)
        found = snapshot.ids(spec, limit, brought, said if state in _SAID else None)
        ids = found if state in _SAID else found[~np.isin(found, said)]
        whole = len(found) < limit and len(ids) <= MOST_ROWS
        if spec.collapse:
            ids = snapshot.clusters.collapsed(ids)
        made = ResultSet(ids[:MOST_ROWS], whole, snapshot.signature)
        self._sets.put(key, made)
        return made

    def whole(self, row_ids: Sequence[int]) -> list[int]:
        """The rows and all their near-duplicates."""
        return [
            int(row) for row in self._reader.now().clusters.whole(np.asarray(row_ids, np.int64))
        ]

    def named(self, name: str) -> tuple[Spec, ResultSet] | None:
        """What a page shows under this name; None when it was found anew, or long ago."""
        found = [(key[0], kept) for key, kept in self._sets.items() if kept.name == name]
        return found[0] if found else None

    def _in_state(self, state: str, reviewer: str | None) -> Ids:
        """Rows that decisions put into a state; for "open" and "any" those they take out of it."""
        locked = self._mirror.locked_rows()
        if state == "any":
            rows = set(locked)
        elif state == "open":
            rows = {*self._mirror.decided(), *locked}
        else:
            decided = (r for r in self._mirror.decided() if self._fits(r, state, reviewer))
            rows = set(decided).difference(locked)
        return np.fromiter(rows, np.int64, len(rows))

    def _fits(self, row: int, state: str, reviewer: str | None) -> bool:
        """Whether a decided row is in a state; those that are not `open` are those that do."""
        if state == "mine":
            return reviewer is not None and self._mirror.mine(row, reviewer) is not None
        if state in ("disagreed", "escalated"):
            outcome = self._mirror.outcome(row)
            if outcome is None:
                return False
            if state == "disagreed":
                return not outcome.settled
            return any(decision.stance == "escalate" for decision in outcome.decisions)
        return True
