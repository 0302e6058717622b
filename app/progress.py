"""How far a team has come with a catalog: totals, and one's own part, nobody else's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from app import agreement
from app.agreement import Agreement
from app.desk import Desk
from audit import surveys
from audit.verdicts import RULINGS

_NO_MORE = 2**62  # further than any mark of the mirror's


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been decided.

    decided    pictures about which somebody said something that stands; flagged: of those, flagged
    disagreed  of the decided, those on which people disagree
    verdicts   name of RULINGS -> decided pictures that came to it
    mine       likewise -> pictures on which one's own decision stands
    """

    decided: int
    flagged: int
    disagreed: int
    verdicts: dict[str, int]
    mine: dict[str, int]


def progress(desk: Desk, reviewer: str | None) -> Progress:
    """How far everybody together has come, and this one."""
    return _progress(_key(desk), reviewer, desk)


def agreements(desk: Desk) -> tuple[Agreement, ...]:
    """How far reviewers agree, by type; see app.agreement."""
    return _agreements(_key(desk), desk)


def _key(desk: Desk) -> tuple[object, ...]:
    """Another one whenever something was decided, or the catalog was replaced."""
    desk.mirror.catch_up()
    _, mark = desk.mirror.changes(_NO_MORE)
    return str(desk.catalog), desk.now().signature, mark


@st.cache_data(max_entries=64, show_spinner=False)
def _progress(key: object, reviewer: str | None, _desk: Desk) -> Progress:
    mirror = _desk.mirror
    decided = mirror.decided()
    outcomes = [found for found in map(mirror.outcome, decided) if found is not None]
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    own = (mirror.mine(row, reviewer) for row in mirror.rows_of(reviewer)) if reviewer else ()
    mine = Counter(decision.stance for decision in own if decision is not None)
    return Progress(
        decided=len(outcomes),
        flagged=surveys.flagged_among(_desk.now(), decided),
        disagreed=verdicts["disagreement"],
        verdicts={name: verdicts[name] for name in RULINGS if verdicts[name]},
        mine={name: mine[name] for name in RULINGS if mine[name]},
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _agreements(key: object, _desk: Desk) -> tuple[Agreement, ...]:
    return agreement.by_type(_desk.mirror.log())
