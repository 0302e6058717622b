"""What is left in the kept set, by the decisions about a random sample of it.

An image that people judged is, to this estimate, the set of types it may be: one type where they
settled on it, all that they named where they disagree, every type where it was escalated. At the
lower end of an interval only what is certain counts, at the upper end all that is possible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audit.catalog import Catalog
from audit.taxonomy import SAFE, TYPES
from audit.verdicts import Decision, Outcome, settle
from curation import arrays, bounds, sampling
from curation.arrays import Ints, Mask
from curation.gathering import Gathered
from curation.rules import RISKY_TYPES
from curation.sampling import AS_SAFE, Population, Sample

METHOD = (
    "stratified random sample by type, level and score; interval: Clopper and Pearson's carried "
    "over to strata as Fay and Feuer (1997) did for rates, with finite population correction "
    "(curation/bounds.py); what reviewers left open counts at the upper end only"
)
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says of the images it was drawn from, and of what is kept now.

    kept        risky share of what the policy keeps now, after all decisions so far (or of
                everything, where the sample is of everything); as_safe: of those kept without a
                risk type; None where there are none
    sampled     risky share of the images that were drawn from
    types       share of each type among these; strata: risky share in each stratum, by itself
    at_most     upper end that holds by itself, where nothing risky was found; else None
    waiting     drawn and not decided; unordered: decided, not used while one before them waits
    kappa       Fleiss' kappa of risky or safe over the `double` images that several people judged
    needed      further reviews until half the interval's length is `half_width`
    left, came  images that left or joined what is kept since the first sample was drawn
    """

    policy: str
    policy_hash: str
    scorer: str
    catalog: str
    samples: tuple[str, ...]
    seeds: tuple[int, ...]
    whole: bool
    confidence: float
    kept: Figure
    as_safe: Figure | None
    sampled: Figure
    types: tuple[Figure, ...]
    strata: tuple[Figure, ...]
    at_most: float | None
    waiting: int
    unordered: int
    reviewers: int
    double: int
    kappa: float | None
    half_width: float
    needed: int
    left: int
    came: int
    method: str = METHOD

    @property
    def sentence(self) -> str:
        """The figures that matter, in plain words."""
        kept = self.kept
        images = f"{kept.images:,} images"
        about = f"{images} that have scores" if self.whole else f"{images} kept"
        said = (
            f"Of {about}, {self._percent(kept)} are risky, "
            f"by {self.sampled.reviewed:,} random reviews"
        )
        if self.as_safe is not None and not self.whole and self.as_safe.images < kept.images:
            said += f"; of the {self.as_safe.images:,} kept as safe, {self._percent(self.as_safe)}"
        said += "."
        if self.at_most is not None:
            said += (
                f" None of the reviewed was risky: with {self.confidence:.0%} confidence at most "
                f"{percent(self.at_most)} % are."
            )
        if kept.unclear:
            said += f" {kept.unclear:,} that reviewers left open count at the upper end only."
        return said

    def _percent(self, figure: Figure) -> str:
        return (
            f"{percent(figure.share)} % ({self.confidence:.0%}: {percent(figure.low)} to "
            f"{percent(figure.high)} %)"
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`, manifests and cards."""
        record = {**asdict(self), "sentence": self.sentence}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in record.items()}


def percent(share: float) -> str:
    """A share in percent, with as many digits as it takes to see two."""
    value = 100 * share
    return f"{value:.0f}" if value >= 10 or value == 0 else f"{value:#.2g}".rstrip(".")


def catalog_hash(catalog_dir: Path) -> str:
    """Another text whenever a row of the catalog or its scores changed; moving it changes nothing.

    raises   ShardwardenError when the catalog has not been built
    """
    with Catalog(catalog_dir) as catalog:
        books = catalog.shards().select(["shard", "part_sha256"]).to_pylist()
    lines = sorted(f"{book['shard']} {book['part_sha256']}\n" for book in books)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def estimate(
    catalog_dir: Path,
    gathered: Gathered,
    *,
    whole: bool = False,
    confidence: float = 0.95,
    half_width: float = 0.002,
) -> Estimate | None:
    """What the samples of this catalog and policy say; None where none was drawn, or none judged.

    gathered    of this catalog, as it is now
    raises      UsageError when a sample, or what it was drawn from, was changed
    """
    digest = catalog_hash(catalog_dir)
    now = sampling.frame_of(gathered, digest, whole=whole)
    samples = sampling.matching(sampling.read(catalog_dir), now)
    if not samples:
        return None
    frame, strata = samples[0].frame, samples[0].strata
    was = sampling.population(gathered, frame)
    judged = _Judged(gathered, was)
    rows, code, waiting, unordered = judged.usable(samples)
    if not rows:
        return None
    sizes = np.array([s.population for s in strata])
    counts = _Counts(judged, rows, np.array(code), sizes, confidence)
    everything = np.ones(len(strata), bool)
    sampled = counts.figure("risky", RISKY, everything)
    safe = np.array([s.type in AS_SAFE for s in strata])
    is_now = sampling.population(gathered, None, whole=whole)
    kept = judged.carried("risky", sampled, was.inside, is_now.inside)
    without = is_now.inside & np.isin(is_now.type, (SAFE, -1))
    as_safe = None
    if safe.any() and without.any():
        before = was.inside & np.isin(was.type, (SAFE, -1))
        as_safe = judged.carried(
            "kept as safe, risky", counts.figure("", RISKY, safe), before, without
        )
    double = _double(gathered.log.decisions, set(rows), judged)
    return Estimate(
        policy=gathered.policy.name,
        policy_hash=gathered.policy.hash,
        scorer=gathered.scorer,
        catalog=digest,
        samples=tuple(s.id for s in samples),
        seeds=tuple(s.seed for s in samples),
        whole=whole,
        confidence=confidence,
        kept=kept,
        as_safe=as_safe,
        sampled=sampled,
        types=tuple(counts.figure(name, frozenset({name}), everything) for name in RISKY_TYPES),
        strata=tuple(
            counts.figure(s.name, RISKY, np.arange(len(strata)) == i) for i, s in enumerate(strata)
        ),
        at_most=None if sampled.risky or sampled.unclear else counts.at_most(),
        waiting=waiting,
        unordered=unordered,
        reviewers=len({d.reviewer for r in rows for d in gathered.outcomes[r].decisions}),
        double=len(double),
        kappa=bounds.agreement(double),
        half_width=half_width,
        needed=bounds.needed(
            counts.found(RISKY)[0], sizes, counts.reviewed, half_width, confidence
        ),
        left=int((was.inside & ~is_now.inside).sum()),
        came=int((is_now.inside & ~was.inside).sum()),
    )


def pilot(catalog_dir: Path, gathered: Gathered, *, whole: bool = False) -> list[float] | None:
    """[H] rough risky shares of the strata, for allocation; None where nobody has judged any.

    Half an image is added to what was found, and one to what was reviewed: none is quite clean.
    """
    found = estimate(catalog_dir, gathered, whole=whole)
    if found is None:
        return None
    return [(f.risky + f.unclear + 0.5) / (f.reviewed + 1) for f in found.strata]


class _Judged:
    """Which types each judged image may be."""

    def __init__(self, gathered: Gathered, was: Population) -> None:
        self.ids: Ints = gathered.rows["row_id"].to_numpy()
        ids = np.fromiter(gathered.outcomes, np.int64, len(gathered.outcomes))
        at = np.flatnonzero(np.isin(self.ids, ids))
        own = arrays.indices(gathered.rows["risk_type"].take(at), TYPES)
        self.position: dict[int, int] = {}
        self.may_be: dict[int, frozenset[str]] = {}
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
        said = [self._said(decision, kept_as) for decision in outcome.decisions]
        return frozenset().union(*said)

    def _said(self, decision: Decision, kept_as: frozenset[str]) -> frozenset[str]:
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


class _Counts:
    """The reviewed images by stratum."""

    def __init__(
        self, judged: _Judged, rows: Sequence[int], code: Ints, sizes: Ints, confidence: float
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


def _double(
    decisions: Sequence[Decision], rows: set[int], judged: _Judged
) -> list[tuple[bool, ...]]:
    """Risky or not, by each of several people; what they said before one of them was overruled."""
    own = [d for d in decisions if d.row_id in rows and d.verdict != "adjudicate"]
    outcomes: Mapping[int, Outcome] = settle(own)
    found = []
    for outcome in outcomes.values():
        types = [judged._said(d, _SAFE) for d in outcome.decisions]
        said = tuple(t <= RISKY for t in types if t <= RISKY or t == _SAFE)
        if len(said) > 1:
            found.append(said)
    return found
