"""Held-out labels or reviewers' decisions -> what a threshold on p_<type> would do.

The threshold that reaches a recall is chosen by an order statistic. With n positive groups drawn at
random, and k the largest number with P(Binomial(n, 1 - recall) >= k) >= confidence, the k-th lowest
score of a positive keeps a recall of at least `recall` with at least `confidence` (Wilks 1941).
k depends on n, recall and confidence and on nothing else, so no score is looked at before the
choice and none is looked at twice; it is the same as asking that the exact lower bound of Clopper
and Pearson, at n - k + 1 of n caught, is not below `recall`. Each type's threshold holds for
itself; all of them together hold with less confidence.

Letters in shapes: N examples, T thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.evaluation.intervals import CONFIDENCE, clopper_pearson, figure
from audit.taxonomy import SAFE, TYPES

SECONDS = 6.0
"""A look at one picture, where no reviewer has been timed."""
POINTS = 101
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Labelled:
    """Scores and labels of one type.

    scores    [N] float32, p_<type>, none of them NaN
    positive  [N] bool
    groups    [N] str, equal for near-duplicates
    """

    scores: np.ndarray
    positive: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True, slots=True)
class Picked:
    """A threshold, or why there is none.

    threshold  None when there are too few positives
    positives  groups that have one; needed: how many of them any threshold would take
    missed     positive groups of these labels that it would not catch whole
    recall     share of them caught, and its exact lower bound
    """

    threshold: float | None
    positives: int
    needed: int
    missed: int
    recall: tuple[float, float]


def pick(labelled: Labelled, recall: float, confidence: float) -> Picked:
    """The highest threshold that catches `recall` of the positives with `confidence`.

    A group of near-duplicates is one fact, and caught when its lowest score is.
    recall, confidence   between 0 and 1
    """
    lowest = _lowest(labelled)
    allowed = allowed_below(len(lowest), recall, confidence)
    needed = math.ceil(round(math.log(1 - confidence) / math.log(recall), 9))
    if allowed is None:
        return Picked(None, len(lowest), needed, 0, (math.nan, math.nan))
    # Rounded down: a threshold in a file must not lose the score it was read from.
    threshold = math.floor(float(lowest[allowed]) * 10**_DIGITS) / 10**_DIGITS
    caught = int((lowest >= threshold).sum())
    bound = clopper_pearson(caught, len(lowest), confidence, sided=1)[0]
    share = caught / len(lowest)
    return Picked(threshold, len(lowest), needed, len(lowest) - caught, (share, bound))


def allowed_below(positives: int, recall: float, confidence: float) -> int | None:
    """How many of n positives may score below a threshold chosen so; None: too few positives.

    The k of the head of this file, less one.
    """
    from scipy.stats import binom

    k = np.arange(1, positives + 1)
    enough = np.flatnonzero(binom.sf(k - 1, positives, 1 - recall) >= confidence)
    return int(enough[-1]) if len(enough) else None


def curve(labelled: Labelled, thresholds: np.ndarray) -> list[dict[str, Any]]:
    """Precision and recall along thresholds, with intervals at each point for itself.

    thresholds  [T] float
    returns     {"threshold", "flagged", "precision", "recall"} each; the last two [value, low,
                high], None where nothing was flagged or nothing is positive. Intervals are exact
                binomial with counts brought down to the number of near-duplicate groups.
    """
    positive = labelled.positive
    alike = len(set(labelled.groups.tolist())) / max(1, len(positive))
    alike_positive = len(_lowest(labelled)) / max(1, int(positive.sum()))
    above = _at_least(labelled.scores, thresholds)
    hits = _at_least(labelled.scores[positive], thresholds)
    return [
        {
            "threshold": round(float(t), _DIGITS),
            "flagged": int(n),
            "precision": _share(int(hit), int(n), alike),
            "recall": _share(int(hit), int(positive.sum()), alike_positive),
        }
        for t, n, hit in zip(thresholds, above, hits, strict=True)
    ]


def grid(scores: np.ndarray) -> np.ndarray:
    """[T] thresholds worth looking at: even steps over 0..1 and quantiles of the scores."""
    even = np.linspace(0, 1, POINTS)
    there = np.quantile(scores, even) if len(scores) else even
    floors = np.floor(np.concatenate([even, there]) * 10**_DIGITS) / 10**_DIGITS
    thresholds: np.ndarray = np.unique(floors)
    return thresholds


def table(
    columns: dict[str, Labelled],
    *,
    recall: float | None,
    confidence: float,
    seconds: float | None = None,
    volumes: dict[str, np.ndarray] | None = None,
    total: int | None = None,
) -> dict[str, Any]:
    """What thresholds do, for each type: the curve, volumes and hours, and the one picked.

    columns  type -> scores and labels; types that are not scored are left out
    recall   to pick a threshold for; None: none is picked
    seconds  a look at one flagged picture takes; None: SECONDS
    volumes  type -> p_<type> of a whole collection of `total` pictures, for kept and
             flagged volumes; None: of the labelled pictures
    """
    # In double precision, as SQL compares a score with a threshold.
    types: dict[str, Any] = {}
    seconds = seconds or SECONDS
    for name, labelled in columns.items():
        scores = np.sort(labelled.scores if volumes is None else volumes[name]).astype(np.float64)
        of = len(labelled.scores) if total is None else total
        thresholds = grid(labelled.scores)
        flagged = len(scores) - np.searchsorted(scores, thresholds, "left")
        points = curve(labelled, thresholds)
        for point, n in zip(points, flagged, strict=True):
            point["flagged"] = int(n)
            point["kept"] = of - int(n)
            point["hours"] = round(int(n) * seconds / 3600, 2)
        picked = None if recall is None else pick(labelled, recall, confidence)
        types[name] = {
            "labelled": len(labelled.scores),
            "positives": int(labelled.positive.sum()),
            "positive_groups": len(_lowest(labelled)),
            "needed": picked and picked.needed,
            "picked": picked and _picked(picked, labelled, scores, of, seconds),
            "curve": points,
        }
    return {
        "recall": recall,
        "confidence": confidence,
        "interval_confidence": CONFIDENCE,
        "seconds_a_look": seconds,
        "pictures": total or max((len(c.scores) for c in columns.values()), default=0),
        "method": "threshold: order statistic of the lowest score of each positive group, each "
        "type for itself; intervals: exact binomial, each point for itself",
        "types": types,
    }


def columns_of(
    types: np.ndarray, true_types: np.ndarray, groups: np.ndarray, wanted: Sequence[str] = ()
) -> dict[str, Labelled]:
    """Each risky type that is scored, with its labels.

    types       [N, 7] float32, NaN for types that are not covered
    true_types  [N] int
    wanted      only these; () for all
    """
    columns = {}
    for t, name in enumerate(TYPES):
        scored = ~np.isnan(types[:, t])
        if t != SAFE and scored.any() and (not wanted or name in wanted):
            is_type = true_types[scored] == t
            columns[name] = Labelled(types[scored, t], is_type, groups[scored])
    return columns


def _picked(
    picked: Picked, labelled: Labelled, scores: np.ndarray, total: int, seconds: float
) -> dict[str, Any] | None:
    if picked.threshold is None:
        return None
    (point,) = curve(labelled, np.array([picked.threshold]))
    flagged = len(scores) - int(np.searchsorted(scores, picked.threshold, "left"))
    return {
        **point,
        "flagged": flagged,
        "kept": total - flagged,
        "hours": round(flagged * seconds / 3600, 2),
        "recall_of_groups": figure(picked.recall[0]),
        "recall_at_least": figure(picked.recall[1]),
        "groups_missed": picked.missed,
    }


def _lowest(labelled: Labelled) -> np.ndarray:
    """Sorted lowest score of each group of positives."""
    _, inverse = np.unique(labelled.groups[labelled.positive], return_inverse=True)
    lowest = np.full(inverse.max(initial=-1) + 1, np.inf)
    np.minimum.at(lowest, inverse, labelled.scores[labelled.positive].astype(np.float64))
    return np.sort(lowest)


def _at_least(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """[T] int, how many scores are at each threshold or above."""
    ordered = np.sort(scores).astype(np.float64)
    counts: np.ndarray = len(ordered) - np.searchsorted(ordered, thresholds, "left")
    return counts


def _share(hits: int, of: int, alike: float) -> list[float | None] | None:
    if not of:
        return None
    low, high = clopper_pearson(hits * alike, of * alike)
    return [figure(hits / of), figure(low), figure(high)]
