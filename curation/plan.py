"""A selection counted: what goes where and why, and the gates.

Nothing is written. Letters in shapes: N rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import arrays
from curation.arrays import Ints
from curation.gathering import Gathered
from curation.knobs import Knob, knobs_of
from curation.rules import ACTIONS, INCLUDED, RISKY_TYPES
from curation.selection import select

MEASURED_FROM = 30  # decisions from which the time they took is believed
_UNSCORED = re.compile("unscored|quarantined:|tombstone")
_COPIES = ("duplicate", "near-duplicate")


@dataclass(frozen=True, slots=True)
class Volume:
    """Images and the bytes of their files."""

    images: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Images of one kind to which one thing happens.

    kind    "illegal/high", "safe", "uncertain", "not scored"
    """

    kind: str
    action: str
    images: int


@dataclass(frozen=True, slots=True)
class Review:
    """What reviewing the images that wait for it takes.

    seconds   for one image; measured: the median of so many decisions, 0: as the policy says
    """

    images: int
    seconds: float
    measured: int
    hours: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that `curate plan` shows.

    reasons   action -> reason -> images; of duplicates, all are one reason
    broken    gates that are not met, each in words
    notes     what a reader has to know to believe the numbers
    """

    catalog: str
    policy: str
    policy_hash: str
    total: Volume
    actions: dict[str, Volume]
    flows: tuple[Flow, ...]
    reasons: dict[str, dict[str, int]]
    knobs: tuple[Knob, ...]
    review: Review
    disagreements: int
    broken: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def kept(self) -> int:
        """Images that are part of what is kept."""
        return sum(self.actions[name].images for name in INCLUDED)

    def as_json(self) -> dict[str, Any]:
        """The plan as one JSON object."""
        return {**asdict(self), "kept": self.kept}


def selection(gathered: Gathered) -> pa.Table:
    """What becomes of each row, as `select` says."""
    return select(
        gathered.rows,
        gathered.policy,
        gathered.outcomes,
        shards=gathered.shards,
        tombstoned=gathered.tombstoned,
        alike=gathered.alike,
    )


def plan(
    gathered: Gathered, catalog: str, *, selected: pa.Table | None = None, knobs: bool = True
) -> Plan:
    """Select and count.

    catalog    how to call it
    selected   what `selection` gave, where that is known
    knobs      whether to look for the nearest other thresholds, which takes the longest
    """
    policy, rows = gathered.policy, gathered.rows
    selected = selection(gathered) if selected is None else selected
    action = arrays.indices(selected["action"], ACTIONS)
    because = _because(selected["reason"])
    sizes = arrays.integers(rows, "size")
    counts = np.bincount(action, minlength=len(ACTIONS)).tolist()
    volumes = np.bincount(action, weights=sizes, minlength=len(ACTIONS)).tolist()
    actions = {name: Volume(counts[i], int(volumes[i])) for i, name in enumerate(ACTIONS)}
    drawn = Plan(
        catalog=catalog,
        policy=policy.name,
        policy_hash=policy.hash,
        total=Volume(len(rows), int(sizes.sum())),
        actions=actions,
        flows=tuple(_flows(selected, action, *because)),
        reasons=_reasons(action, *because),
        knobs=tuple(knobs_of(gathered)) if knobs else (),
        review=_review(gathered, actions["review"].images),
        disagreements=sum(not outcome.settled for outcome in gathered.outcomes.values()),
        broken=(),
        notes=tuple(_notes(gathered)),
    )
    return replace(
        drawn,
        broken=tuple(_broken(drawn, gathered)),
        notes=(*drawn.notes, *_not_scored(drawn)),
    )


def _not_scored(drawn: Plan) -> Iterator[str]:
    for reason, images in drawn.reasons.get("quarantine", {}).items():
        what = reason.removeprefix("unscored:")
        if what != reason:
            yield (
                f"{images:,} images are quarantined because the policy requires a score of "
                f"{what} that they have not; score it, or take {what} out of `required`"
            )


def _because(column: Any) -> tuple[list[str], Ints]:
    """(reasons, [N] which of them); all copies are one, of whatever they are copies."""
    names, reason = arrays.coded(column)
    short = {name: n for n, name in enumerate(dict.fromkeys(map(_short, names)))}
    return list(short), np.array([short[_short(name)] for name in names], np.int64)[reason]


def _short(reason: str) -> str:
    for what in _COPIES:
        if reason.startswith(f"{what} of "):
            return what
    return reason


def _flows(
    selected: pa.Table, action: Ints, reasons: Sequence[str], reason: Ints
) -> Iterator[Flow]:
    """Images by kind and action, kinds in the order of the taxonomy."""
    unscored = np.array([bool(_UNSCORED.match(name)) for name in reasons], bool)[reason]
    kinds = [f"{t}/{v}" for t in TYPES for v in (*reversed(LEVELS), "unknown")]
    kinds += ["uncertain", "safe", "not scored"]
    kind = arrays.indices(selected["type"], TYPES)
    level = arrays.indices(selected["level"], LEVELS)
    place = kind * (len(LEVELS) + 1) + np.where(level < 0, len(LEVELS), len(LEVELS) - 1 - level)
    place[kind < 0] = kinds.index("uncertain")
    place[kind == SAFE] = kinds.index("safe")
    place[unscored] = kinds.index("not scored")
    counts = np.bincount(place * len(ACTIONS) + action, minlength=len(kinds) * len(ACTIONS))
    for at in np.flatnonzero(counts).tolist():
        yield Flow(kinds[at // len(ACTIONS)], ACTIONS[at % len(ACTIONS)], int(counts[at]))


def _reasons(action: Ints, names: Sequence[str], reason: Ints) -> dict[str, dict[str, int]]:
    counts = np.bincount(reason * len(ACTIONS) + action)
    counted = {
        (ACTIONS[at % len(ACTIONS)], names[at // len(ACTIONS)]): int(counts[at])
        for at in np.flatnonzero(counts).tolist()
    }
    reasons: dict[str, dict[str, int]] = {}
    for (name, because), images in sorted(counted.items(), key=lambda i: (-i[1], i[0])):
        reasons.setdefault(name, {})[because] = images
    return {name: reasons[name] for name in ACTIONS if name in reasons}


def _review(gathered: Gathered, images: int) -> Review:
    taken = [d.seconds for d in gathered.log.decisions if d.seconds > 0 and d.verdict != "undo"]
    measured = len(taken) if len(taken) >= MEASURED_FROM else 0
    seconds = median(taken) if measured else gathered.policy.seconds
    return Review(images, seconds, measured, round(images * seconds / 3600, 2))


def _notes(gathered: Gathered) -> Iterator[str]:
    policy, rows = gathered.policy, gathered.rows
    scored = arrays.equal(rows, "status", "scored").any()  # nothing else has scores
    missing = [name for name in RISKY_TYPES if scored and _empty(rows, f"p_{name}")]
    if missing:
        yield f"not covered by the scorer, so nothing was judged: {', '.join(missing)}"
    absent = [
        name
        for group, names in (("concept", policy.concepts), ("extra", policy.extras))
        for name in names
        if scored and _empty(rows, f"{group}:{name}")
    ]
    if absent:
        yield f"without any score, so their rules speak about nothing: {', '.join(absent)}"
    if policy.rules.captions and scored and _empty(rows, "caption_risk"):
        yield "captions were not scored, so no rule on captions or pairs speaks"
    if note := other_scorer(gathered):
        yield note
    for reason, count in gathered.unused.items():
        yield f"{count:,} decided rows left out: {reason}"
    if gathered.log.faults:
        yield f"{len(gathered.log.faults):,} faults in the decisions: run `curate decisions`"


def other_scorer(gathered: Gathered) -> str | None:
    """A note where the policy's thresholds were fitted to another scorer than the catalog's."""
    fitted, scorer = gathered.fitted_to, gathered.scorer
    if not fitted or not scorer or fitted == scorer:
        return None
    return (
        f"thresholds of the policy were fitted to scorer {fitted[:12]}, the scores are of "
        f"{scorer[:12]}"
    )


def _empty(rows: pa.Table, column: str) -> bool:
    return rows[column].null_count == len(rows)


def _broken(drawn: Plan, gathered: Gathered) -> Iterator[str]:
    """Gates that are not met."""
    gates: Any = gathered.policy.gates
    total = max(1, drawn.total.images)
    unscored = sum(
        images
        for reason, images in drawn.reasons.get("quarantine", {}).items()
        if reason.startswith("unscored")
    )
    for action, bound in gates.max_share.items():
        share = drawn.actions[action].images / total
        if share > bound:
            yield f"max_share of {action}: {share:.2%}, allowed {bound:.2%}"
    most: Sequence[tuple[str, float, str]] = (
        ("max_reviewer_hours", drawn.review.hours, ",.2f"),
        ("max_unscored_share", unscored / total, ".2%"),
        ("max_disagreements", drawn.disagreements, ","),
        ("max_log_faults", len(gathered.log.faults), ","),
    )
    for name, found, form in most:
        bound = getattr(gates, name)
        if bound is not None and found > bound:
            yield f"{name}: {found:{form}}, allowed {bound:{form}}"
    for name, found, form in (
        ("min_kept", drawn.kept, ","),
        ("min_kept_share", drawn.kept / total, ".2%"),
    ):
        bound = getattr(gates, name)
        if bound is not None and found < bound:
            yield f"{name}: {found:{form}}, wanted {bound:{form}}"
