"""How uncertain a figure is.

Examples of one near-duplicate group stand or fall together, so whole groups are drawn again, not
single examples. Intervals are 95 % percentile intervals of the bootstrap (Efron 1979); a share that
is the same in every draw (none of 50 flagged) would get an interval of no width, so it gets the
exact one of Clopper and Pearson (1934) over the groups instead.

Letters in shapes: N examples, R draws, M figures of one measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 1000
_CELLS = 4_000_000  # weights held at once: 32 MB


@dataclass(frozen=True, slots=True)
class Measure:
    """Figures of one kind, for any weighting of the examples.

    of       [R, N] float64 weights, each 0 or more -> [R, M]; NaN where there is nothing to weigh
    names    M names
    shares   name -> groups it is a share of, for figures that are the share of examples
    """

    names: tuple[str, ...]
    of: Callable[[np.ndarray], np.ndarray]
    shares: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; NaN throughout where it cannot be had."""

    value: float
    low: float
    high: float

    def rounded(self) -> list[float | None]:
        """[value, low, high] for JSON, None in place of NaN."""
        return [figure(v) for v in (self.value, self.low, self.high)]


def figure(value: float) -> float | None:
    """A figure for JSON: four digits, None in place of NaN."""
    return None if np.isnan(value) else round(float(value), 4)


def estimates(
    measures: Sequence[Measure],
    groups: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Estimate]:
    """Every figure on the examples as they are, with its interval over draws of whole groups.

    groups    [N] str
    progress  takes how many of the draws are done
    """
    drawn: list[list[np.ndarray]] = [[] for _ in measures]
    done = -1  # the examples as they are come first and are no draw
    with np.errstate(invalid="ignore", divide="ignore"):
        for weights in weightings(groups, resamples, seed):
            for of_one, measure in zip(drawn, measures, strict=True):
                of_one.append(measure.of(weights))
            done += len(weights)
            if progress:
                progress(done)
    found = {}
    for of_one, measure in zip(drawn, measures, strict=True):
        for name, column in zip(measure.names, np.concatenate(of_one).T, strict=True):
            found[name] = _estimate(column[0], column[1:], measure.shares.get(name))
    return found


def weightings(groups: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """[R, N] float64 pieces of 1 + `resamples` rows: all ones first, then how often each was drawn.

    Groups are drawn with replacement, as many as there are.
    """
    names, inverse = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    even = np.full(len(names), 1 / len(names))
    piece = max(1, _CELLS // len(groups))
    yield np.ones((1, len(groups)))
    for start in range(0, resamples, piece):
        counts = rng.multinomial(len(names), even, size=min(piece, resamples - start))
        yield counts.astype(np.float64)[:, inverse]


def clopper_pearson(
    hits: float, of: float, confidence: float = CONFIDENCE, *, sided: int = 2
) -> tuple[float, float]:
    """Exact binomial interval of a share; (0, 1) when nothing was seen.

    hits, of   0 <= hits <= of; need not be whole numbers
    sided      2: both ends together; 1: each end for itself holds with the confidence
    source     Clopper and Pearson 1934, by quantiles of the beta distribution
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / sided
    low = float(betaincinv(hits, of - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, of - hits, 1 - tail)) if hits < of else 1.0
    return low, high


def _estimate(value: float, draws: np.ndarray, groups: int | None) -> Estimate:
    usable = draws[~np.isnan(draws)]
    if np.isnan(value) or len(usable) < max(1, 0.9 * len(draws)):
        # One draw in ten without a positive: too few of them for an interval.
        return Estimate(value, np.nan, np.nan)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(usable, [tail, 1 - tail])
    if groups is not None and low == high:
        low, high = clopper_pearson(value * groups, groups)
    return Estimate(float(value), float(low), float(high))
