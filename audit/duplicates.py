"""Copies of the same picture: which one stays, and of which one each other is a copy.

Pure, by columns. The one that stays is that of the lowest rank; whoever calls says what ranks
first, so the order of the rows changes nothing. Letters in shapes: N rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
"""[N] for each row the position of the row it is a copy of, -1 where it is no copy."""

Codes = npt.NDArray[np.signedinteger[Any]]

Pairs = npt.NDArray[np.int64]
"""[n, 2] positions of hashes that are near, the lower one first, in ascending order."""

_BITS = 64
_ONES = np.array([bin(n).count("1") for n in range(1 << 16)], np.uint8)


def exact(codes: Codes, rank: npt.NDArray[np.int64]) -> Positions:
    """Rows with the same code are the same; of each code the lowest rank stays.

    codes   [N] equal for equal bytes, below 0: unlike any other
    rank    [N] no two alike
    """
    copy_of = np.full(len(codes), -1, np.int64)
    at = np.flatnonzero(codes >= 0)
    if len(at):
        codes, rank = codes[at], rank[at]
        lowest = np.full(int(codes.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(lowest, codes, rank)
        stays = np.flatnonzero(rank == lowest[codes])
        first = np.empty(len(lowest), np.int64)
        first[codes[stays]] = at[stays]
        copy_of[at] = np.where(first[codes] == at, -1, first[codes])
    return copy_of


def near(
    hashes: npt.NDArray[np.uint64],
    rank: npt.NDArray[np.int64],
    distance: int,
    most: int | None = None,
) -> Positions:
    """Rows whose hashes differ in at most `distance` bits from one that stays and ranks lower.

    Every copy is that near to the row it is a copy of: likeness is not handed on from copy to
    copy. By the lowest rank first, a row stays unless one that stays is near.

    hashes    [N] 64-bit perceptual hashes; rank: [N] no two alike
    distance  0..7; each bit more makes the bands smaller and the pairs to compare many times more
    most      see `pairs_of`
    """
    values, value_of = np.unique(hashes, return_inverse=True)
    return near_among(value_of, pairs_among(values, distance, most), rank)


def near_among(value_of: Codes, pairs: Pairs, rank: npt.NDArray[np.int64]) -> Positions:
    """As `near`, of hashes that were compared before.

    value_of  [N] which of V different hashes a row has; no row needs to have one
    pairs     of these, as `pairs_among` gives them
    """
    count = 1 + max(int(value_of.max(initial=-1)), int(pairs.max(initial=-1)))
    first = exact(value_of, rank)
    best = np.full(count, -1, np.int64)
    stays = np.flatnonzero(first < 0)
    best[value_of[stays]] = stays
    pairs = pairs[(best[pairs] >= 0).all(axis=1)]
    ranks = np.where(best < 0, 0, rank[best]) if len(rank) else best
    leader = best[_leaders(pairs, ranks)[value_of]]
    return np.where(leader == np.arange(len(value_of)), -1, leader)


def pairs_among(values: npt.NDArray[np.uint64], distance: int, most: int | None = None) -> Pairs:
    """All pairs that `pairs_of` finds, each once."""
    found = [pair for pair in pairs_of(values, distance, most) if len(pair)]
    if not found:
        return np.empty((0, 2), np.int64)
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _leaders(both: Pairs, rank: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each of V different hashes the position of the one that stays for it."""
    leader = np.arange(len(rank))
    if not len(both):
        return leader
    lower = rank[both[:, 0]] < rank[both[:, 1]]
    above, below = np.where(lower, both.T, both.T[::-1])  # the first of a pair ranks lower
    undecided = np.zeros(len(rank), bool)
    undecided[above] = undecided[below] = True
    goes = np.zeros(len(rank), bool)
    open_above, open_below = above, below
    while len(open_above):
        # Whatever no undecided one ranks below stays, and those that are near to it go.
        stays = undecided.copy()
        stays[open_below] = False
        goes[open_below[stays[open_above]]] = True
        undecided &= ~stays & ~goes
        left = undecided[open_above] & undecided[open_below]
        open_above, open_below = open_above[left], open_below[left]
    near = ~goes[above]
    above, below = above[near], below[near]
    order = np.argsort(rank[above])[::-1]
    leader[below[order]] = above[order]  # the last one written is that of the lowest rank
    return leader


def pairs_of(
    values: npt.NDArray[np.uint64], distance: int, most: int | None = None
) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs [n, 2] of positions that are near; some of them several times.

    Of distance + k bands of bits, two hashes that differ in at most `distance` bits have k alike.
    k grows with V, so that few hashes share k bands by accident: 10 sorts for distance 3 and 10 M.

    values   [V] ascending, no two alike
    most     where many hashes share bands, compare each with so many next ones only; None: all
    source   Manku, Jain, Das Sarma 2007
    """
    for alike, others in _choices(distance, len(values)):
        turned = np.sort(_turned(values, (*alike, *others)))
        band = turned >> np.uint64(sum(high - low for low, high in others))
        at = np.flatnonzero(band[:-1] == band[1:])
        step = 1
        while len(at):
            found = at[ones(turned[at] ^ turned[at + step]) <= distance]
            both = turned[np.column_stack([found, found + step])]
            yield np.searchsorted(values, _turned_back(both, (*alike, *others)))
            step += 1
            if most is not None and step > most:
                break
            at = at[at + step < len(values)]
            at = at[band[at] == band[at + step]]


Band = tuple[int, int]  # the lowest bit, and the one above the highest


def _choices(distance: int, count: int) -> Iterator[tuple[tuple[Band, ...], tuple[Band, ...]]]:
    """Every choice of bands that two near hashes may have alike, and the other bands."""
    alike = 1
    while _BITS * alike / (distance + alike) < math.log2(max(count, 1)):
        alike += 1
    edges = np.linspace(0, _BITS, distance + alike + 1).astype(int).tolist()
    bands = list(pairwise(edges))[::-1]
    for chosen in combinations(bands, alike):
        yield chosen, tuple(band for band in bands if band not in chosen)


def _turned(values: npt.NDArray[np.uint64], bands: Sequence[Band]) -> npt.NDArray[np.uint64]:
    """Hashes with their bands in another order, the first highest: sorted by it, then the next."""
    turned = np.zeros_like(values)
    for low, high in bands:
        part = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        turned = (turned << np.uint64(high - low if high - low < _BITS else 0)) | part
    return turned


def _turned_back(turned: npt.NDArray[np.uint64], bands: Sequence[Band]) -> npt.NDArray[np.uint64]:
    """What `_turned` made these of."""
    values = np.zeros_like(turned)
    at = 0
    for low, high in reversed(bands):
        part = (turned >> np.uint64(at)) & np.uint64((1 << (high - low)) - 1)
        values |= part << np.uint64(low)
        at += high - low
    return values


def ones(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """[N] bits that are set in each of N values: of two hashes' XOR, their distance."""
    counted: npt.NDArray[np.int64] = _ONES[values.view(np.uint16).reshape(-1, 4)].sum(
        axis=1, dtype=np.int64
    )
    return counted
