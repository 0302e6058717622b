"""Copies of the same picture: which one stays, and of which one each other is a copy.

Pure, by columns. The one that stays is that of the lowest rank; whoever calls says what ranks
first, so the order of the rows changes nothing. Letters in shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

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


def near(hashes: npt.NDArray[np.uint64], rank: npt.NDArray[np.int64], distance: int) -> Positions:
    """Rows whose hashes differ in at most `distance` bits from one that stays and ranks lower.

    Every copy is that near to the row it is a copy of: likeness is not handed on from copy to
    copy. By the lowest rank first, a row stays unless one that stays is near.

    hashes    [N] 64-bit perceptual hashes; rank: [N] no two alike
    distance  0..7; each bit more makes the bands smaller and the pairs to compare many times more
    """
    values, value_of = np.unique(hashes, return_inverse=True)
    order = np.argsort(rank)[::-1]
    best = np.empty(len(values), np.int64)
    best[value_of[order]] = order  # the last one written is that of the lowest rank
    leader = _leaders(values, rank[best], distance)
    stays = best[leader[value_of]]
    return np.where(stays == np.arange(len(hashes)), -1, stays)


def _leaders(
    values: npt.NDArray[np.uint64], rank: npt.NDArray[np.int64], distance: int
) -> npt.NDArray[np.int64]:
    """For each of V different hashes the position of the one that stays for it."""
    leader = np.arange(len(values))
    pairs = [pair for pair in pairs_of(values, distance) if len(pair)]
    if not pairs:
        return leader
    both = np.concatenate(pairs)
    both = np.unique(np.concatenate([both, both[:, ::-1]]), axis=0)
    nodes, starts = np.unique(both[:, 0], return_index=True)
    ends = np.append(starts[1:], len(both))
    stays = np.ones(len(values), bool)
    for node in np.argsort(rank[nodes]).tolist():
        here = nodes[node]
        if not stays[here]:
            continue
        around = both[starts[node] : ends[node], 1]
        around = around[stays[around] & (rank[around] > rank[here])]
        stays[around] = False
        leader[around] = here
    return leader


def pairs_of(values: npt.NDArray[np.uint64], distance: int) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs [n, 2] of positions that are near; some of them several times.

    Of distance + 1 bands of bits, two hashes that differ in at most `distance` bits have one alike.
    """
    edges = np.linspace(0, _BITS, distance + 2).astype(int)
    for low, high in pairwise(edges.tolist()):
        mask = np.uint64((1 << (high - low)) - 1)
        band = (values >> np.uint64(low)) & mask
        order = np.argsort(band, kind="stable")
        band, sorted_values = band[order], values[order]
        at = np.arange(len(values) - 1)
        step = 1
        while len(at):
            at = at[band[at] == band[at + step]]
            found = at[ones(sorted_values[at] ^ sorted_values[at + step]) <= distance]
            yield np.column_stack([order[found], order[found + step]])
            step += 1
            at = at[at + step < len(values)]


def ones(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """[N] bits that are set in each of N values: of two hashes' XOR, their distance."""
    counted: npt.NDArray[np.int64] = _ONES[values.view(np.uint16).reshape(-1, 4)].sum(
        axis=1, dtype=np.int64
    )
    return counted
