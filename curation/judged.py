"""What people's decisions say of the images of a sample, and counts and shares of it.

An image that people judged is the set of types it may be: one type where they settled on it, all
that they named where they disagree, every type where it was escalated. At the lower end of an
interval only what is certain counts, at the upper end all that is possible.

Letters in shapes: N rows of the catalog, H strata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audit.outcomes import Outcome, settle
from audit.taxonomy import SAFE, TYPES
from audit.verdicts import Decision
from curation import arrays, bounds
from curation.arrays import Ints, Mask
from curation.gathering import Gathered
from curation.rules import RISKY_TYPES
from curation.sampling import Sample
from curation.strata import Population

ANY, RISKY = frozenset(TYPES), frozenset(RISKY_TYPES)
_SAFE = frozenset({TYPES[SAFE]})


@dataclass(frozen=True, slots=True)
class Figure:
    """A share of some images, 0..1, with its interval.

    reviewed   of those images; risky: of the reviewed, for certain; unclear: perhaps
    """

    name: str
    images: int
    reviewed: int
    risky: int
    unclear: int
    share: float
    low: float
    high: float


class Judged:
    """Which types each judged image may be."""

    def __init__(self, gathered: Gathered, was: Population) -> None:
        self.ids: Ints = gathered.rows["row_id"].to_numpy()
        ids = np.fromiter(gathered.outcomes, np.int64, len(gathered.outcomes))
        at = np.flatnonzero(np.isin(self.ids, ids))
        own = arrays.indices(gathered.rows["risk_type"].take(at), TYPES)
        self.position: dict[int, int] = {}
        self.may_be: dict[int, frozenset[str]] = {}
        if gathered.tombstoned is not None:  # nobody will look at them any more
            for position in np.flatnonzero(gathered.tombstoned).tolist():
                row = int(self.ids[position])
                self.position[row], self.may_be[row] = position, ANY
        self._own: dict[int, frozenset[str]] = {}
        for position, scored in zip(at.tolist(), own.tolist(), strict=True):
            row = int(self.ids[position])
            self.position[row] = position
            self._own[row] = ANY if scored < 0 else frozenset({TYPES[scored]})
            selected = int(was.type[position])
            kept_as = _SAFE if selected in (SAFE, -1) else _SAFE | {TYPES[selected]}
            self.may_be[row] = self._outcome(gathered.outcomes[row], kept_as)

    def _outcome(self, outcome: Outcome, kept_as: frozenset[str]) -> frozenset[str]:
        if outcome.settled and outcome.label is not None:
            return self._label(outcome.row_id, outcome.label.type)
        said = [self.said(decision, kept_as) for decision in outcome.decisions]
        return frozenset().union(*said)

    def said(self, decision: Decision, kept_as: frozenset[str]) -> frozenset[str]:
        """What an image may be according to one decision."""
        stance = decision.stance
        if stance in ("agree", "relabel"):
            return self._label(decision.row_id, decision.type)
        # To keep a picture says that it may stay where it is; to take it out, that it is risky.
        return {"keep": kept_as, "drop": RISKY, "quarantine": RISKY}.get(stance, ANY)

    def _label(self, row: int, name: str | None) -> frozenset[str]:
        return self._own[row] if name is None else frozenset({name})

    def usable(self, samples: Sequence[Sample]) -> tuple[list[int], list[int], int, int]:
        """(rows, their strata, how many wait, how many cannot be used yet).

        Of a sample that is not finished, those before the first that waits: they are random,
        whoever chose which to decide first.
        """
        rows: list[int] = []
        code: list[int] = []
        waiting = unordered = 0
        for sample in samples:
            decided = [row in self.may_be for row in sample.rows]
            until = decided.index(False) if False in decided else len(decided)
            rows += sample.rows[:until]
            code += sample.stratum[:until]
            waiting += decided.count(False)
            unordered += sum(decided[until:])
        return rows, code, waiting, unordered

    def carried(self, name: str, figure: Figure, was: Mask, now: Mask) -> Figure:
        """A figure about the images of `was`, as it is for those of `now`.

        What was found in those that left or joined is known; what nobody looked at of them may be
        risky or not, and widens the interval.
        """
        sure, maybe = np.zeros(len(was), bool), np.ones(len(was), bool)
        for row, types in self.may_be.items():
            sure[self.position[row]] = types <= RISKY
            maybe[self.position[row]] = bool(types & RISKY)
        gone, came = was & ~now, now & ~was
        images = int(now.sum())

        def total(share: float, out: Mask, into: Mask) -> float:
            risky = share * figure.images - (gone & out).sum() + (came & into).sum()
            return float(np.clip(risky, (now & sure).sum(), (now & maybe).sum()) / max(1, images))

        return Figure(
            name,
            images,
            figure.reviewed,
            figure.risky,
            figure.unclear,
            share=total(figure.share, sure, sure),
            low=total(figure.low, maybe, sure),
            high=total(figure.high, sure, maybe),
        )


class Counts:
    """The reviewed images by stratum."""

    def __init__(
        self, judged: Judged, rows: Sequence[int], code: Ints, sizes: Ints, confidence: float
    ) -> None:
        self._types = [judged.may_be[row] for row in rows]
        self._code, self._sizes, self._confidence = code, sizes, confidence
        self.reviewed: Ints = np.bincount(code, minlength=len(sizes))

    def found(self, types: frozenset[str]) -> tuple[Ints, Ints]:
        """([H] of these types for certain, [H] perhaps)."""
        counts = [
            np.bincount(self._code, [f(t) for t in self._types], len(self._sizes)).astype(np.int64)
            for f in (lambda t: t <= types, lambda t: bool(t & types))
        ]
        return counts[0], counts[1]

    def figure(self, name: str, types: frozenset[str], strata: Mask) -> Figure:
        """The share of images of these types in some strata."""
        surely, possibly = (count[strata] for count in self.found(types))
        share, low, high = bounds.interval(
            surely, possibly, self._sizes[strata], self.reviewed[strata], self._confidence
        )
        return Figure(
            name,
            int(self._sizes[strata].sum()),
            int(self.reviewed[strata].sum()),
            int(surely.sum()),
            int((possibly - surely).sum()),
            float(share),
            float(low),
            float(high),
        )

    def at_most(self) -> float:
        """The upper end by itself where nothing was found."""
        none = np.zeros(len(self._sizes))
        one_sided = 2 * self._confidence - 1
        return float(bounds.interval(none, none, self._sizes, self.reviewed, one_sided)[2])


def double(decisions: Sequence[Decision], rows: set[int], judged: Judged) -> list[tuple[bool, ...]]:
    """Risky or not, by each of several people; what they said before one of them was overruled."""
    own = [d for d in decisions if d.row_id in rows and d.verdict != "adjudicate"]
    outcomes: Mapping[int, Outcome] = settle(own)
    found = []
    for outcome in outcomes.values():
        types = [judged.said(d, _SAFE) for d in outcome.decisions]
        said = tuple(t <= RISKY for t in types if t <= RISKY or t == _SAFE)
        if len(said) > 1:
            found.append(said)
    return found
