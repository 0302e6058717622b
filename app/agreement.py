"""How far reviewers agree with each other, and one of them with what is known: pure.

Between reviewers it is Fleiss' kappa of each type against all others: 1 is always the same, 0 as
often as chance would have it. Its 95 % interval is the percentile bootstrap over pictures; where
all pictures were judged alike, every draw is the same, and the lower end is that of Clopper and
Pearson for the share of pictures judged alike, at the chance agreement found. What was decided for
many at once judges no single picture, and what was ruled after seeing other verdicts is no
judgement of its own: neither counts.

Letters in shapes: D draws, P patterns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np

from audit.outcomes import Outcome, settle, standing
from audit.taxonomy import SAFE, TYPES
from audit.verdicts import Decision
from curation.bounds import agreement

DRAWS = 2_000
SEED = 0
RISKY = "risky or safe"
NONE_YET = "No picture has a type from two people yet; keep and drop name none."
METHOD = f"Fleiss' kappa; 95 % interval: bootstrap over pictures, {DRAWS:,} draws"
_TAIL = 0.025
_Z = 1.959964  # the normal quantile of 1 - _TAIL


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far reviewers agree whether pictures are of one type.

    name      a name of TYPES, or RISKY: any type but safe
    pictures  judged by two reviewers or more
    positive  of those, judged to be of this type by one of them at least
    alike     share of pairs of judgements that say the same, 0..1
    kappa     with its interval, low to high; None where chance alone explains everything
    """

    name: str
    pictures: int
    positive: int
    alike: float
    kappa: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """How often one reviewer said the same about pictures that came without their being told.

    what    "repeat": the same as they said before; "known": the same as what was settled
    asked   pictures that can be compared; alike: of those
    low     to high: 95 % interval of the share (Wilson); 0 to 1 where none was asked
    """

    what: str
    asked: int
    alike: int
    low: float
    high: float


def by_type(decisions: Iterable[Decision]) -> tuple[Agreement, ...]:
    """Agreement about RISKY and about each of TYPES, over pictures that several people judged.

    decisions   by time, as `read_decisions` gives them
    """
    judged = [tuple(map(_type, said)) for said in _double(decisions)]
    said = [tuple(kind for kind in kinds if kind) for kinds in judged]
    named = [kinds for kinds in said if len(kinds) > 1]
    safe = TYPES[SAFE]
    found = [_agreement(RISKY, [[kind != safe for kind in kinds] for kinds in named])]
    for name in TYPES:
        found.append(_agreement(name, [[kind == name for kind in kinds] for kinds in named]))
    return tuple(found)


def consistency(decisions: Iterable[Decision], reviewer: str) -> tuple[Consistency, ...]:
    """(repeats, known pictures) of one reviewer: for their own eyes.

    decisions   by time, as `read_decisions` gives them
    """
    rows: dict[int, list[Decision]] = {}
    everything = list(decisions)
    asked = {d.row_id for d in everything if d.reviewer == reviewer and d.purpose}
    for decision in everything:
        if decision.row_id in asked:
            rows.setdefault(decision.row_id, []).append(decision)
    pairs: dict[str, list[bool]] = {"repeat": [], "known": []}
    for said in rows.values():
        for what, alike in _compared(said, reviewer):
            pairs[what].append(alike)
    return tuple(_consistency(what, alike) for what, alike in pairs.items())


def _double(decisions: Iterable[Decision]) -> list[tuple[Decision, ...]]:
    """The latest judgement of each reviewer of every picture that several of them judged."""
    own = [d for d in decisions if d.verdict != "adjudicate" and (not d.of_many or d.undoes)]
    first: dict[int, str] = {}
    several = {d.row_id for d in own if first.setdefault(d.row_id, d.reviewer) != d.reviewer}
    outcomes = settle(d for d in own if d.row_id in several).values()
    return [outcome.decisions for outcome in outcomes if len(outcome.decisions) > 1]


def _type(decision: Decision) -> str | None:
    """The type a decision says, where it says one."""
    return decision.type if decision.stance in ("agree", "relabel") else None


def _agreement(name: str, rated: Sequence[Sequence[bool]]) -> Agreement:
    if not rated:
        return Agreement(name, 0, 0, 0.0, None, None, None)
    patterns = Counter((len(said), sum(said)) for said in rated)
    many, yes = np.array(list(patterns), np.float64).T
    counts = np.array(list(patterns.values()))
    same = np.array([(comb(k, 2) + comb(n - k, 2)) / comb(n, 2) for n, k in patterns])
    alike = float((same * counts).sum() / len(rated))
    kappa = agreement(rated)
    low = high = kappa
    if kappa is not None and alike == 1:
        chance = _chance(counts[None], many, yes)[0]
        least = _TAIL ** (1 / len(rated))  # Clopper and Pearson where all of N are alike
        low = float((least - chance) / (1 - chance))
    elif kappa is not None:
        low, high = _interval(counts, same, many, yes)
    positive = int(counts[yes > 0].sum())
    return Agreement(name, len(rated), positive, alike, kappa, low, high)


def _interval(
    counts: np.ndarray, same: np.ndarray, many: np.ndarray, yes: np.ndarray
) -> tuple[float, float]:
    """Ends of the interval of kappa, from pictures drawn anew with replacement.

    counts   [P] pictures of a pattern; same: [P] share of alike pairs; many: [P] judgements of
             each, yes: [P] of those that say so
    """
    total = int(counts.sum())
    drawn = np.random.default_rng(SEED).multinomial(total, counts / total, DRAWS)  # [D, P]
    chance = _chance(drawn, many, yes)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappas = ((drawn * same).sum(1) / total - chance) / (1 - chance)
    low, high = np.quantile(kappas[np.isfinite(kappas)], (_TAIL, 1 - _TAIL))
    return float(low), float(high)


def _chance(drawn: np.ndarray, many: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """[D] how often two judgements drawn from all would say the same."""
    share = (drawn * yes).sum(1) / (drawn * many).sum(1)
    found: np.ndarray = share**2 + (1 - share) ** 2
    return found


def _compared(said: Sequence[Decision], reviewer: str) -> list[tuple[str, bool]]:
    """(what it was compared with, whether it was the same), of one picture."""
    mine = standing(d for d in said if d.reviewer == reviewer)
    found = []
    for at, decision in enumerate(mine):
        if decision.purpose == "repeat" and at > 0:
            found.append(("repeat", _alike(decision, mine[at - 1])))
        elif decision.purpose == "known":
            others = [d for d in said if d.reviewer != reviewer or d.verdict == "adjudicate"]
            known = settle(others).get(decision.row_id)
            if known is not None and known.firm:
                found.append(("known", _says(decision, known)))
    return found


def _alike(one: Decision, other: Decision) -> bool:
    """Whether two decisions come to the same label, or to the same verdict without one."""
    labels = [d.stance in ("agree", "relabel") for d in (one, other)]
    if all(labels):
        return _fits(one.type, other.type) and _fits(one.level, other.level)
    return one.stance == other.stance


def _says(decision: Decision, known: Outcome) -> bool:
    """Whether a decision says what is known of its row."""
    if decision.stance in ("agree", "relabel") and known.label is not None:
        label = known.label
        return _fits(decision.type, label.type) and _fits(decision.level, label.level)
    return decision.stance == known.verdict


def _fits(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def _consistency(what: str, alike: Sequence[bool]) -> Consistency:
    """The share that was alike, with Wilson's interval (1927)."""
    n, yes = len(alike), sum(alike)
    if not n:
        return Consistency(what, 0, 0, 0.0, 1.0)
    share, z2 = yes / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Consistency(what, n, yes, max(0.0, middle - half), min(1.0, middle + half))
