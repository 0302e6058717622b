"""Deciding for many at once: which rows it would be, and what it would do.

An offer names the rows exactly and what is left out, and why; nothing is stored, see app.storing.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.effect import Effect, Ground
from audit.errors import UsageError
from audit.outcomes import Outcome, settle
from audit.verdicts import Decision
from curation.decisions import checked, now

if TYPE_CHECKING:
    from app.desk import Desk
    from app.visit import Visit
    from audit.reader import Ids

VERDICTS = ("agree", "relabel", "keep", "drop", "escalate")
SHOWN = 24  # rows of the sample
KEPT = 16
ROWS_KEPT = 2_000_000  # of all offers together, half a GB a million; the newest is kept in any case

LOCKED = "locked away"
GONE = "not to be shown, or no longer in this catalog"
OPTED_OUT = "of a type that you opted out of"
SETTLED = "settled by two people or by a ruling"
DISPUTED = "disagreed about; the page Decisions settles those"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of every row: a verdict of VERDICTS, with relabel a type, a level or both."""

    verdict: str
    type: str | None = None
    level: str | None = None

    def __post_init__(self) -> None:
        """Refuse what says nothing; UsageError."""
        if self.verdict not in VERDICTS:
            raise UsageError(f"verdict {self.verdict!r:.40}; give one of {', '.join(VERDICTS)}")
        if self.verdict != "relabel" and (self.type or self.level):
            raise UsageError("a type or level goes with relabel only")

    def of(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The fields of the decision about a row; None where nothing can be agreed to."""
        kind, level = self.type, self.level
        if self.verdict == "agree":
            kind, level = row["risk_type"], row["risk_level"]
            if kind is None or row["blind"]:
                return None
        if kind == "safe":
            level = "none"
        return {"verdict": self.verdict, "type": kind, "level": level}


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """The rows that one decision would be about.

    rows      row_id, uid, risk_type, risk_level of each, in their order; blind: whether its score
              is hidden from the reviewer
    left_out  why -> how many of those that were asked for
    again     rows of these that the reviewer has decided before
    before    what the policy does with them as they are
    """

    number: int
    reviewer: str
    rows: tuple[dict[str, Any], ...]
    left_out: dict[str, int]
    again: int
    ground: Ground
    before: Effect


class Offers:
    """The offers of this process; may be shared by threads."""

    def __init__(self) -> None:
        """None yet."""
        self._offers: OrderedDict[int, Offer] = OrderedDict()
        self._lock = threading.Lock()

    def offer(self, visit: Visit, asked: Ids) -> Offer:
        """Which of the rows asked for a decision of this reviewer could be about.

        asked   [N] row_ids
        """
        assert visit.reviewer is not None
        made = _offer(visit.desk, visit.reviewer, asked)
        with self._lock:
            self._offers[made.number] = made
            kept = sum(len(one.rows) for one in self._offers.values())
            while len(self._offers) > 1 and (kept > ROWS_KEPT or len(self._offers) > KEPT):
                kept -= len(self._offers.popitem(last=False)[1].rows)
        return made

    def offered(self, number: int, reviewer: str | None) -> Offer:
        """The reviewer's offer of this number; UsageError when it is not kept any more."""
        with self._lock:
            found = self._offers.get(number)
        if found is None or found.reviewer != reviewer:
            raise UsageError("this choice is no longer known; open the dialog again")
        return found


def after(desk: Desk, offer: Offer, said: Said) -> tuple[int, Effect]:
    """(rows it would be about, what the policy would do with all rows of the offer then)."""
    rows = sayable(offer, said)
    moment = now()
    decisions: list[Decision] = []
    for row in rows:
        if not _is_again(desk, offer.reviewer, row["row_id"]):
            decisions += desk.mirror.said(row["row_id"])
        decisions.append(decided(offer, said, "0" * 32, moment, row))
    spoken = {row["row_id"] for row in rows}
    silent = [row["row_id"] for row in offer.rows if row["row_id"] not in spoken]
    known = _outcomes(desk, offer.reviewer, silent)
    return len(rows), offer.ground.effect(known | settle(decisions))


def sayable(offer: Offer, said: Said) -> list[dict[str, Any]]:
    """The rows of which this can be said."""
    return [row for row in offer.rows if said.of(row) is not None]


def decided(offer: Offer, said: Said, batch: str, moment: str, row: dict[str, Any]) -> Decision:
    """What is said of one row of an offer."""
    return checked(
        {
            "id": derived(batch, row["row_id"]), "row_id": row["row_id"], "uid": row["uid"] or "",
            "reviewer": offer.reviewer, "time": moment, "scorer": offer.ground.scorer_sha256,
            "policy": offer.ground.policy.hash, "batch": batch, **(said.of(row) or {}),
        }
    )  # fmt: skip


def derived(name: str, *more: object) -> str:
    """An id made of others: the same for the same, 32 hex digits."""
    return hashlib.sha256(":".join(map(str, (name, *more))).encode()).hexdigest()[:32]


def sample(offer: Offer) -> list[int]:
    """At most SHOWN row_ids, spread evenly over the offer."""
    places = np.linspace(0, len(offer.rows) - 1, min(SHOWN, len(offer.rows))).astype(int)
    return [offer.rows[n]["row_id"] for n in places]


def _offer(desk: Desk, reviewer: str, asked: Ids) -> Offer:
    desk.mirror.catch_up()
    ids = np.asarray(list(dict.fromkeys(asked.tolist())), np.int64)
    policy = desk.policies.read(desk.policies.in_force)
    ground = Ground(desk.now(), desk.catalog, policy, ids)
    columns = ("row_id", "uid", "risk_type", "risk_level")
    found = {row["row_id"]: row for row in ground.rows.select(columns).to_pylist()}
    opted = frozenset(desk.people.of(reviewer).opt_out)
    left_out: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    again = 0
    for row_id in ids.tolist():
        row, outcome = found.get(row_id), desk.mirror.outcome(row_id)
        if desk.mirror.locked(row_id):
            left_out[LOCKED] += 1
        elif row is None:
            left_out[GONE] += 1
        elif row["risk_type"] in opted:
            left_out[OPTED_OUT] += 1
        elif outcome is not None and not outcome.settled:
            left_out[DISPUTED] += 1
        elif outcome is not None and outcome.firm:  # one more voice could only start a quarrel
            left_out[SETTLED] += 1
        else:
            blind = desk.team.blind_share > 0 and desk.assignments.blind(reviewer, row_id)
            rows.append({**row, "blind": blind})
            again += outcome is not None and desk.mirror.mine(row_id, reviewer) is not None
    ground.narrow([row["row_id"] for row in rows])
    before = ground.effect(_outcomes(desk, reviewer, [row["row_id"] for row in rows]))
    number = secrets.randbelow(2**53)
    return Offer(number, reviewer, tuple(rows), dict(left_out), again, ground, before)


def _outcomes(desk: Desk, reviewer: str, row_ids: Sequence[int]) -> dict[int, Outcome]:
    """What people came to; the effect must not tell what was said of a row to look at again."""
    found = ((row_id, desk.mirror.outcome(row_id)) for row_id in row_ids)
    return {
        row_id: outcome
        for row_id, outcome in found
        if outcome is not None and not _is_again(desk, reviewer, row_id)
    }


def _is_again(desk: Desk, reviewer: str, row_id: int) -> bool:
    """Whether the reviewer was given a row that others, or they themselves, have decided."""
    return desk.assignments.purpose(reviewer, row_id) is not None
