"""The share of something in a population, from a stratified random sample, with its interval.

The interval is Clopper and Pearson's of one stratum, carried over to several as Fay and Feuer
(1997) did for rates: the estimate's own variance (stratified, with finite population correction)
and, for the upper end, one more risky image in the stratum whose images stand for most others; for
the lower end one more harmless image in the stratum where that takes most away; the end is a
quantile of the beta distribution of that mean and variance. With one stratum it is Clopper and
Pearson's. Its coverage is simulated by `python -m bench.estimate`, beside those it was chosen from.

Letters in shapes: H strata, A audits (any leading axes).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
_LEAST = 1e-12


def interval(
    surely: npt.ArrayLike,
    possibly: npt.ArrayLike,
    population: npt.ArrayLike,
    reviewed: npt.ArrayLike,
    confidence: float = 0.95,
) -> tuple[Numbers, Numbers, Numbers]:
    """(share, low, high), each [A], of the whole population.

    surely      [A, H] reviewed images that are risky; possibly: those and the ones nobody is sure
                about, which count at the upper end only
    population  [H] images, 1 at least; reviewed: [H] how many of them were, drawn at random. A
                stratum of which none was counts wholly at the upper end.
    confidence  of both ends together; use 2c - 1 for an upper end that holds by itself with c
    """
    yes, maybe = np.asarray(surely, np.float64), np.asarray(possibly, np.float64)
    images, looked = np.asarray(population, np.float64), np.asarray(reviewed, np.float64)
    seen = looked > 0
    total = images.sum()
    if not seen.any():
        nothing = np.zeros(yes.shape[:-1])
        return nothing, nothing, nothing + 1
    part = images[seen].sum() / total
    tail = (1 - confidence) / 2
    drawn = images[seen], looked[seen]
    share, low, _ = _ends(yes[..., seen], *drawn, tail)
    _, _, high = _ends(maybe[..., seen], *drawn, tail)
    # What was found is there, and what was found harmless is not risky, whatever the formula says.
    low = np.maximum(low * part, yes.sum(-1) / total)
    high = np.minimum(high * part + (1 - part), 1 - (looked.sum() - maybe.sum(-1)) / total)
    return share, np.minimum(low, share), np.maximum(high, share)


def _ends(
    found: Numbers, images: Numbers, looked: Numbers, tail: float
) -> tuple[Numbers, Numbers, Numbers]:
    """(share, lower end, upper end) where every stratum has reviewed images."""
    from scipy.special import betaincinv

    weight = images / images.sum()
    left = 1 - looked / images  # share of a stratum that nobody looked at
    rate = found / looked
    share: Numbers = np.clip((weight * rate).sum(-1), 0, 1)
    # An image that is alone in its stratum says nothing about how images there differ.
    spread = np.where(looked > 1, rate * (1 - rate) / np.maximum(looked - 1, 1), rate)
    variance = (weight**2 * spread * left).sum(-1)
    step = weight / looked  # what one reviewed image stands for, as a share of all

    def end(rates: Numbers, sign: int, at: float) -> Numbers:
        """One more image like none that was found, where `rates` leaves most room for it."""
        most = np.argmax(left * step * rates, -1)
        image, free = step[most], left[most]
        room = free * np.take_along_axis(rates, most[..., None], -1)[..., 0]
        mean = np.clip(share + sign * room * image / (1 + image), _LEAST, 1 - _LEAST)
        spread = (variance + room * image**2) / ((1 + image) ** 2 * (1 + 2 * image))
        size = np.maximum(mean * (1 - mean) / np.maximum(spread, 1e-18) - 1, 1e-9)
        found: Numbers = betaincinv(mean * size, (1 - mean) * size, at)
        return np.where(spread > 0, found, share)  # no spread: all were reviewed

    low = np.where(share > 0, end(rate, -1, tail), 0.0)
    return share, low, np.where(share < 1, end(1 - rate, 1, 1 - tail), 1.0)


def needed(
    found: npt.ArrayLike,
    population: npt.ArrayLike,
    reviewed: npt.ArrayLike,
    half_width: float,
    confidence: float = 0.95,
) -> int:
    """How many more reviews bring half the interval's length down to `half_width`.

    Provided they go to the strata in the same proportions and find what was found so far.
    """
    images = np.asarray(population, np.float64)
    looked = np.maximum(np.asarray(reviewed, np.float64), 1)
    rate = np.asarray(found, np.float64) / looked

    def size(times: float) -> Numbers:
        return np.minimum(images, times * looked)

    def wide(times: float) -> bool:
        sizes = size(times)
        _, low, high = interval(rate * sizes, rate * sizes, images, sizes, confidence)
        return bool((high - low) / 2 > half_width)

    least, most = 1.0, float((images / looked).max())
    if wide(least):
        for _ in range(50):
            middle = (least + most) / 2
            least, most = (middle, most) if wide(middle) else (least, middle)
    else:
        most = 1.0
    return int(np.ceil(size(most).sum() - np.asarray(reviewed, np.float64).sum() - 1e-6))


def agreement(rated: Collection[Sequence[Any]]) -> float | None:
    """Fleiss' kappa of images that several people judged; None where it says nothing.

    rated    the judgements of each image, two at least; not the same number for each
    returns  1: always the same, 0: as by chance
    source   Fleiss 1971, pairs of judgements averaged over images
    """
    if not rated:
        return None
    agreed = [
        sum(a == b for i, a in enumerate(said) for b in said[:i])
        / (len(said) * (len(said) - 1) / 2)
        for said in rated
    ]
    everything = [value for said in rated for value in said]
    shares = [everything.count(value) / len(everything) for value in set(everything)]
    chance = sum(share**2 for share in shares)
    return None if chance >= 1 else (sum(agreed) / len(agreed) - chance) / (1 - chance)
