"""Held-out labels -> temperatures and Platt scaling, as a scorer's card holds them.

Type and level logits are divided by one temperature each (Guo et al. 2017, section 4.2): it
changes how sure a scorer says it is, never what it decides. A concept's logit becomes slope *
logit + intercept (Platt 1999), fitted to smoothed targets as Platt did, so that few examples do
not make it certain.

Figures after calibration come from examples that took no part in it: folds with near-duplicate
groups kept whole. What is written down is then fitted on all.

Letters in shapes: N examples, C classes, K concepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.evaluation import measures as m
from audit.evaluation.intervals import RESAMPLES, Estimate, Measure, estimates
from audit.evaluation.judged import Judged
from audit.evaluation.style import folds
from audit.taxonomy import SAFE

FEWEST = 10
"""Groups with a concept, and without it, that Platt scaling needs."""
_COOLEST, _HOTTEST = 0.05, 20.0
_TINY = 1e-30  # the smallest probability whose logarithm is looked at; float32 holds it


@dataclass(frozen=True, slots=True)
class Logits:
    """Scores before any calibration.

    types     [N, 7] float64, up to a constant per row; -inf for types that are not covered
    levels    [N, 4] float64, likewise
    concepts  [N, K] float64
    """

    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray

    def take(self, rows: np.ndarray) -> Logits:
        """Those of some examples."""
        return Logits(self.types[rows], self.levels[rows], self.concepts[rows])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration.

    types, levels   temperature, None when it could not be fitted
    concepts        name -> (slope, intercept)
    left            concepts left as they are, and why
    """

    types: float | None
    levels: float | None
    concepts: dict[str, tuple[float, float]]
    left: dict[str, str]

    def as_card(self) -> dict[str, Any]:
        """What stands on a card; parts that were not fitted are left out."""
        said: dict[str, Any] = {
            name: round(value, 4)
            for name, value in (("types", self.types), ("levels", self.levels))
            if value is not None
        }
        lines = {name: [round(v, 4) for v in line] for name, line in self.concepts.items()}
        return {**said, "concepts": lines}


def logits_of(judged: Judged, concepts: Sequence[str], before: dict[str, Any]) -> Logits:
    """What the scorer said, with the calibration that its card holds taken back.

    before   `Card.calibration` at the time of judging
    """
    lines = before.get("concepts", {})
    slope, intercept = np.array([lines.get(name, (1.0, 0.0)) for name in concepts]).reshape(-1, 2).T
    return Logits(
        _log(judged.types) * before.get("types", 1.0),
        _log(judged.levels) * before.get("levels", 1.0),
        (_logit(judged.concepts) - intercept) / np.where(slope == 0, 1.0, slope),
    )


def shifted(logits: Logits, before: float, after: float) -> Logits:
    """The same from a scorer that takes another share of pictures to be risky.

    As `audit.training.assume` does it: by the logits of 'safe' and of level 'none'.
    before, after   shares, between 0 and 1
    """
    shift = np.log((1 - after) / after) - np.log((1 - before) / before)
    types, levels = logits.types.copy(), logits.levels.copy()
    types[:, SAFE] += shift
    levels[:, 0] += shift
    return Logits(types, levels, logits.concepts)


def weights_for(risky: np.ndarray, share: float | None) -> np.ndarray:
    """[N] float64 with mean 1, under which risky examples make up `share`; ones when it is None.

    raises  ValueError when there are only risky or only safe examples to weigh
    """
    if share is None:
        return np.ones(len(risky))
    found = float(risky.mean())
    if not 0 < found < 1:
        raise ValueError("a share of risky pictures needs both risky and safe ones")
    return np.where(risky, share / found, (1 - share) / (1 - found))


def fit(logits: Logits, judged: Judged, concepts: Sequence[str], weights: np.ndarray) -> Fitted:
    """Temperatures and lines that make the labels likeliest.

    weights  [N], how much each example counts
    """
    covered = np.isfinite(logits.types[np.arange(len(judged)), judged.true_types])
    lines: dict[str, tuple[float, float]] = {}
    left: dict[str, str] = {}
    for k, name in enumerate(concepts):
        known = ~np.isnan(judged.true_concepts[:, k])
        shows = judged.true_concepts[:, k] == 1
        sides = [len(set(judged.groups[known & side].tolist())) for side in (shows, ~shows)]
        if min(sides) < FEWEST:
            left[name] = f"{sides[0]:,} groups with it, {sides[1]:,} without; {FEWEST} needed"
            continue
        line = platt(logits.concepts[known, k], shows[known], weights[known])
        if line[0] <= 0:
            left[name] = f"its output falls where the concept is there (slope {line[0]:.2f})"
        else:
            lines[name] = line
    return Fitted(
        temperature(logits.types[covered], judged.true_types[covered], weights[covered]),
        temperature(logits.levels, judged.true_levels, weights),
        lines,
        left,
    )


def temperature(logits: np.ndarray, true: np.ndarray, weights: np.ndarray) -> float | None:
    """The T in 0.05..20 that makes the labels likeliest under softmax(logits / T).

    logits   [N, C] float64, up to a constant per row
    true     [N] int
    returns  None when there is nothing to fit on, or only one class
    """
    from scipy.optimize import minimize_scalar

    told = np.isfinite(logits).any(1)
    logits, true, weights = logits[told], true[told], weights[told]
    if len(set(true.tolist())) < 2:
        return None

    def loss(log_t: float) -> float:
        return float(weights @ _surprise(logits / np.exp(log_t), true) / weights.sum())

    # The loss has one minimum in 1 / T, and so in log T.
    found = minimize_scalar(loss, bounds=np.log([_COOLEST, _HOTTEST]), method="bounded")
    return float(np.exp(found.x))


def platt(logits: np.ndarray, shows: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of Platt scaling with his smoothed targets.

    logits   [N] float64
    shows    [N] bool, both kinds present
    source   Platt 1999, section 2.2; Newton's method as in Lin, Lin and Weng 2007
    """
    from scipy.optimize import minimize

    positives, negatives = shows.sum(), (~shows).sum()
    target = np.where(shows, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        z = line[0] * logits + line[1]
        off = weights * (1 / (1 + np.exp(-np.clip(z, -500, 500))) - target)
        value = weights @ (np.logaddexp(0, z) - target * z)
        return value / weights.sum(), np.array([off @ logits, off.sum()]) / weights.sum()

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS")
    return float(found.x[0]), float(found.x[1])


def applied(
    logits: Logits, fitted: Fitted, concepts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of types [N, 7], levels [N, 4] and concepts [N, K] after calibration."""
    lines = np.array([fitted.concepts.get(name, (1.0, 0.0)) for name in concepts]).reshape(-1, 2)
    z = logits.concepts * lines[:, 0] + lines[:, 1]
    return (
        np.exp(_log_softmax(logits.types / (fitted.types or 1.0))),
        np.exp(_log_softmax(logits.levels / (fitted.levels or 1.0))),
        1 / (1 + np.exp(-np.clip(z, -500, 500))),
    )


def compared(
    logits: Logits,
    judged: Judged,
    concepts: Sequence[str],
    weights: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Negative log-likelihood (nats) and calibration error, before and after, with intervals.

    After is measured on examples that the fit did not see.
    logits   of the scorer without calibration, which is what `before` means
    returns  'type', 'level', 'concept NAME' -> {"nll": {"before", "after", "gained"}, "ece": ...},
             each [value, low, high]
    """
    nothing = Fitted(None, None, {}, {})
    before = applied(logits, nothing, concepts)
    after = tuple(np.empty_like(p) for p in before)
    fold_of = folds(judged.names, judged.groups, seed)
    for fold in range(int(fold_of.max()) + 1):
        held = fold_of == fold
        seen = ~held
        fitted = fit(logits.take(seen), judged.take(seen), concepts, weights[seen])
        for out, part in zip(after, applied(logits.take(held), fitted, concepts), strict=True):
            out[held] = part
    measures = [
        measure
        for when, (types, levels, shown) in (("before", before), ("after", after))
        for measure in _measures(when, types, levels, shown, judged, concepts, weights)
    ]
    found = estimates(
        _with_gains(measures), judged.groups, resamples=resamples, seed=seed, progress=progress
    )
    return _table(found)


def _measures(
    when: str,
    types: np.ndarray,
    levels: np.ndarray,
    shown: np.ndarray,
    judged: Judged,
    concepts: Sequence[str],
    weights: np.ndarray,
) -> Iterator[Measure]:
    every = np.arange(len(judged))
    for name, p, true in (
        ("type", types, judged.true_types),
        ("level", levels, judged.true_levels),
    ):
        possible = np.flatnonzero(p[every, true] > 0)
        if len(possible):
            surprise = -np.log(np.maximum(p[every, true], _TINY))
            yield m.mean(f"{name}/nll/{when}", surprise, possible, weights)
            right = p.argmax(1) == true
            yield m.calibration(f"{name}/ece/{when}", p.max(1), right, possible, weights)
    for k, name in enumerate(concepts):
        known = np.flatnonzero(~np.isnan(judged.true_concepts[:, k]))
        shows = judged.true_concepts[:, k] == 1
        if shows.any():
            p = shown[:, k]
            surprise = -np.log(np.maximum(np.where(shows, p, 1 - p), _TINY))
            yield m.mean(f"concept {name}/nll/{when}", surprise, known, weights)
            yield m.calibration(f"concept {name}/ece/{when}", p, shows, known, weights)


def _with_gains(measures: Sequence[Measure]) -> list[Measure]:
    """The measures, and for each pair the fall from before to after."""
    by_name = {measure.names[0]: measure for measure in measures}
    gains = []
    for name, measure in by_name.items():
        if name.endswith("/before"):
            stem = name.removesuffix("before")
            other = by_name[f"{stem}after"]
            gains.append(
                Measure(
                    (f"{stem}gained",),
                    lambda w, a=measure, b=other: a.of(w) - b.of(w),  # type: ignore[misc]
                    {},
                )
            )
    return [*measures, *gains]


def _table(found: dict[str, Estimate]) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for name, estimate in found.items():
        what, figure, when = name.rsplit("/", 2)
        table.setdefault(what, {}).setdefault(figure, {})[when] = estimate.rounded()
    return table


def _log(p: np.ndarray) -> np.ndarray:
    logs: np.ndarray = np.log(np.maximum(np.nan_to_num(p.astype(np.float64)), _TINY))
    return np.where(np.isnan(p), -np.inf, logs)


def _logit(p: np.ndarray) -> np.ndarray:
    # float32 cannot come closer to 1 than this.
    inside = np.clip(p.astype(np.float64), _TINY, 1 - 2.0**-25)
    logit: np.ndarray = np.log(inside) - np.log1p(-inside)
    return logit


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of nothing but -inf, of outputs that a scorer does not have, stay as they are."""
    top = np.maximum(logits.max(1, keepdims=True), np.finfo(np.float64).min)
    total = np.exp(logits - top).sum(1, keepdims=True)
    out: np.ndarray = logits - top - np.log(np.where(total > 0, total, 1))
    return out


def _surprise(logits: np.ndarray, true: np.ndarray) -> np.ndarray:
    out: np.ndarray = -_log_softmax(logits)[np.arange(len(true)), true]
    return out
