"""Copies of the same picture: which one stays, and of which one each other is a copy.

Pure, by columns. The one that stays is that of the lowest rank; whoever calls says what ranks
first, so the order of the rows changes nothing. Letters in shapes: N rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
"""[N] for each row the position of the row it is a copy of, -1 where it is no copy."""

_BITS = 64
_ONES = np.array([bin(n).count("1") for n in range(1 << 16)], np.uint8)


def exact(codes: npt.NDArray[np.int64], rank: npt.NDArray[np.int64]) -> Positions:
    """Rows with the same code are the same; of each code the lowest rank stays.

    codes   [N] equal for equal bytes, below 0: unlike any other
    rank    [N] no two alike
    """
    copy_of = np.full(len(codes), -1, np.int64)
    order = np.lexsort((rank, codes))
    order = order[codes[order] >= 0]
    if len(order):
        begins = np.flatnonzero(np.diff(codes[order], prepend=-1))
        first = np.repeat(order[begins], np.diff(begins, append=len(order)))
        copy_of[order] = np.where(first == order, -1, first)
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
    order = np.argsort(rank)[::-1]
    best = np.empty(len(values), np.int64)
    best[value_of[order]] = order  # the last one written is that of the lowest rank
    leader = _leaders(values, rank[best], distance, most)
    stays = best[leader[value_of]]
    return np.where(stays == np.arange(len(hashes)), -1, stays)


def _leaders(
    values: npt.NDArray[np.uint64],
    rank: npt.NDArray[np.int64],
    distance: int,
    most: int | None,
) -> npt.NDArray[np.int64]:
    """For each of V different hashes the position of the one that stays for it."""
    leader = np.arange(len(values))
    pairs = [pair for pair in pairs_of(values, distance, most) if len(pair)]
    if not pairs:
        return leader
    both = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
    lower = rank[both[:, 0]] < rank[both[:, 1]]
    above, below = np.where(lower, both.T, both.T[::-1])  # the first of a pair ranks lower
    undecided = np.zeros(len(values), bool)
    undecided[above] = undecided[below] = True
    goes = np.zeros(len(values), bool)
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

    values   [V] those that are equal are near
    most     where many hashes share bands, compare each with so many next ones only; None: all
    source   Manku, Jain, Das Sarma 2007
    """
    for mask in _masks(distance, len(values)):
        order = np.argsort(values & mask, kind="stable")
        band, sorted_values = (values & mask)[order], values[order]
        at = np.arange(len(values) - 1)
        step = 1
        while len(at) and (most is None or step <= most):
            at = at[band[at] == band[at + step]]
            found = at[ones(sorted_values[at] ^ sorted_values[at + step]) <= distance]
            yield np.column_stack([order[found], order[found + step]])
            step += 1
            at = at[at + step < len(values)]


def _masks(distance: int, count: int) -> list[np.uint64]:
    """The bits of every choice of bands that two near hashes may have alike."""
    alike = 1
    while _BITS * alike / (distance + alike) < math.log2(max(count, 1)) - 2:
        alike += 1
    edges = np.linspace(0, _BITS, distance + alike + 1).astype(int).tolist()
    bands = [((1 << (high - low)) - 1) << low for low, high in pairwise(edges)]
    return [np.uint64(sum(chosen)) for chosen in combinations(bands, alike)]


def ones(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """[N] bits that are set in each of N values: of two hashes' XOR, their distance."""
    counted: npt.NDArray[np.int64] = _ONES[values.view(np.uint16).reshape(-1, 4)].sum(
        axis=1, dtype=np.int64
    )
    return counted
