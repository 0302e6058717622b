"""Figures of scores against labels, for many weightings of the examples at once.

Every measure here takes weights [R, N] and gives R values: the first row of ones is the figure
itself, the others are draws of the bootstrap (`audit.evaluation.intervals`). With whole weights a
measure equals the one of scikit-learn on examples repeated so often.

Letters in shapes: N examples, R weightings, B bins, C classes.
"""

from __future__ import annotations

import numpy as np

from audit.evaluation.intervals import Measure, clopper_pearson

BINS = 15


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    scores    [N] float
    positive  [N] bool
    returns   0..1, NaN when one of the two sides is empty
    """
    below, above = np.sort(scores[~positive]), scores[positive]
    if not len(below) or not len(above):
        return float("nan")
    wins = float(np.searchsorted(below, above, "left").sum())
    wins += float(np.searchsorted(below, above, "right").sum())
    return wins / 2 / len(below) / len(above)


def ranking(name: str, scores: np.ndarray, positive: np.ndarray, rows: np.ndarray) -> Measure:
    """AUROC (ties half) and average precision (ties enter together).

    scores    [N] float
    positive  [N] bool
    rows      indices of the examples that count
    """
    order = rows[np.argsort(-scores[rows], kind="stable")]
    sorted_scores, is_positive = scores[order], positive[order].astype(np.float64)
    starts = np.flatnonzero(np.r_[True, sorted_scores[1:] != sorted_scores[:-1]])

    def of(weights: np.ndarray) -> np.ndarray:
        if not len(order):
            return np.full((len(weights), 2), np.nan)
        w = weights[:, order]
        up = np.add.reduceat(w * is_positive, starts, axis=1)
        down = np.add.reduceat(w, starts, axis=1) - up
        hits, misses = up.cumsum(1), down.cumsum(1)
        ups, downs = hits[:, -1], misses[:, -1]
        # A positive wins against the negatives that come after it, and half against its ties.
        area = (up * (downs[:, None] - misses + down / 2)).sum(1) / (ups * downs)
        seen = hits + misses
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        return np.stack([area, (precision * up).sum(1) / ups], 1)

    return Measure((f"{name}/auroc", f"{name}/average_precision"), of, {})


def f1(name: str, decided: np.ndarray, positive: np.ndarray, rows: np.ndarray) -> Measure:
    """F1, and the precision and recall it is made of, of a decision.

    decided, positive   [N] bool
    rows                indices of the examples that count
    """
    hit, said, true = (x[rows].astype(np.float64) for x in (decided & positive, decided, positive))
    table = np.stack([hit, said, true], 1)

    def of(weights: np.ndarray) -> np.ndarray:
        hits, decisions, positives = (weights[:, rows] @ table).T
        value = 2 * hits / (decisions + positives)
        return np.stack([value, hits / decisions, hits / positives], 1)

    return Measure((f"{name}/f1", f"{name}/precision", f"{name}/recall"), of, {})


def share(name: str, hit: np.ndarray, rows: np.ndarray, groups: np.ndarray) -> Measure:
    """Share of examples that are hit.

    hit     [N] bool
    rows    indices of the examples that count
    groups  [N] str
    """
    hits = hit[rows].astype(np.float64)

    def of(weights: np.ndarray) -> np.ndarray:
        w = weights[:, rows]
        value: np.ndarray = (w @ hits / w.sum(1))[:, None]
        return value

    return Measure((name,), of, {name: len(set(groups[rows].tolist()))})


def kappa(name: str, true: np.ndarray, decided: np.ndarray, classes: int) -> Measure:
    """Cohen's kappa with quadratic weights, of ordered classes.

    true, decided   [N] int, 0..classes-1
    source          Cohen 1968
    """
    pairs = np.eye(classes * classes)[true * classes + decided]
    index = np.arange(classes)
    apart = ((index[:, None] - index) ** 2).astype(np.float64).ravel()

    def of(weights: np.ndarray) -> np.ndarray:
        counts = weights @ pairs
        table = counts.reshape(-1, classes, classes)
        chance = table.sum(2)[:, :, None] * table.sum(1)[:, None, :]
        total = table.sum((1, 2))
        expected = chance.reshape(len(table), -1) @ apart / total
        value: np.ndarray = (1 - counts @ apart / expected)[:, None]
        return value

    return Measure((name,), of, {})


def calibration(
    name: str, said: np.ndarray, true: np.ndarray, rows: np.ndarray, each: np.ndarray | None = None
) -> Measure:
    """Expected calibration error over BINS bins of equal width.

    said    [N] probability
    true    [N] bool, whether what was said came true
    rows    indices of the examples that count
    each    [N], how much each counts; None: all the same
    source  Naeini et al. 2015; Guo et al. 2017, section 2
    """
    own = 1.0 if each is None else each[rows]
    bins = np.eye(BINS)[bin_of(said[rows])]
    gap = bins * (said[rows].astype(np.float64) - true[rows])[:, None]

    def of(weights: np.ndarray) -> np.ndarray:
        w = weights[:, rows] * own
        value: np.ndarray = (np.abs(w @ gap).sum(1) / w.sum(1))[:, None]
        return value

    return Measure((name,), of, {})


def mean(name: str, values: np.ndarray, rows: np.ndarray, each: np.ndarray) -> Measure:
    """Weighted mean of a value over some examples; `each` [N] says how much each counts."""
    kept, own = values[rows].astype(np.float64), each[rows]

    def of(weights: np.ndarray) -> np.ndarray:
        w = weights[:, rows] * own
        value: np.ndarray = (w @ kept / w.sum(1))[:, None]
        return value

    return Measure((name,), of, {})


def bin_of(said: np.ndarray) -> np.ndarray:
    """[N] int, the bin of each probability: 0..BINS-1, 1.0 in the last."""
    bins: np.ndarray = np.minimum((np.asarray(said) * BINS).astype(np.int64), BINS - 1)
    return bins


def reliability(said: np.ndarray, true: np.ndarray) -> list[dict[str, float | int]]:
    """Bins that hold something: how many, what was said in the mean, how often it came true.

    said     [N] probability
    true     [N] bool
    returns  {"from", "to", "count", "said", "true", "low", "high"} each; the last two are the
             exact binomial 95 % interval of "true"
    """
    bins, rows = bin_of(said), []
    for b in range(BINS):
        inside = bins == b
        count, hits = int(inside.sum()), int(true[inside].sum())
        if count:
            low, high = clopper_pearson(hits, count)
            row: dict[str, float | int] = {"from": b / BINS, "to": (b + 1) / BINS, "count": count}
            row |= {"said": float(said[inside].mean()), "true": hits / count}
            row |= {"low": low, "high": high}
            rows.append({key: round(value, 4) for key, value in row.items()})
    return rows


def confusion(true: np.ndarray, decided: np.ndarray, classes: int) -> list[list[int]]:
    """Counts [true][decided]."""
    counts = np.bincount(true * classes + decided, minlength=classes * classes)
    table: list[list[int]] = counts.reshape(classes, classes).tolist()
    return table
