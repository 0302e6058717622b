"""The held-out part: what is like a training picture must not be in it.

    group   near-duplicates (perceptual hash) and pictures of one `group` stay on one side
    source  all pictures of a source do, too: the hardest question, and not every label can be asked
    random  each picture by itself, as the released lists were split (papers.md 4.2)

Letters in shapes: N examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from audit.training.recipe import SplitKind

NEAR = 4
"""Bits out of 64 by which the perceptual hashes of near-duplicates differ at most."""
NAMED = 20
"""Families written out in a report."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which examples are held out, and what that means.

    held_out  [N] bool
    report    for the card: sizes, and what crosses from one side to the other here and in a
              random split of the same seed and share
    """

    held_out: np.ndarray
    report: dict[str, Any]


def split(
    kind: SplitKind,
    share: float,
    seed: int,
    *,
    names: np.ndarray,
    groups: np.ndarray,
    sources: np.ndarray,
    phashes: Sequence[str],
) -> Split:
    """Hold out a share of every label.

    share    0..1; families larger than what a label may hold out stay in training
    names, groups, sources   [N] str
    phashes  16 hex digits each
    """
    near = near_duplicates(phashes)
    families = _joined(near, _codes(groups))
    single = np.arange(len(names))
    units = {"random": single, "group": families, "source": _joined(families, _codes(sources))}
    held_out = _choose(units[kind], names, share, seed)
    random = held_out if kind == "random" else _choose(single, names, share, seed)
    report = {
        "kind": kind,
        "training": int((~held_out).sum()),
        "held_out": int(held_out.sum()),
        "families": int((np.bincount(families) > 1).sum()),
        "across": _across(held_out, families, near, groups),
        "across_if_random": _across(random, families, near, groups),
        "sources_on_both_sides": sorted(set(sources[held_out]) & set(sources[~held_out])),
        "labels_without_held_out": sorted(set(names) - set(names[held_out])),
    }
    return Split(held_out, report)


def near_duplicates(phashes: Sequence[str]) -> np.ndarray:
    """[N] int: equal for hashes joined by a chain of steps of at most NEAR bits.

    Hashes that differ in NEAR bits agree in one of NEAR + 1 stretches of bits at least, so only
    those that agree in one are compared.
    """
    hashes = np.array([int(h, 16) for h in phashes], np.uint64)
    unique, inverse = np.unique(hashes, return_inverse=True)
    edges: list[np.ndarray] = []
    bounds = np.linspace(0, 64, NEAR + 2).astype(int)
    for low, high in pairwise(bounds.tolist()):
        stretch = (unique >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(stretch, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(stretch[order])) + 1):
            for at, first in enumerate(bucket[:-1]):
                rest = bucket[at + 1 :]
                close = rest[np.bitwise_count(unique[rest] ^ unique[first]) <= NEAR]
                edges.append(np.stack([np.full(len(close), first), close]))
    pairs = np.concatenate(edges, axis=1) if edges else np.zeros((2, 0), int)
    return _components(pairs, len(unique))[inverse]


def _components(pairs: np.ndarray, count: int) -> np.ndarray:
    graph = coo_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(count, count))
    labels: np.ndarray = connected_components(graph, directed=False)[1]
    return labels


def _codes(values: np.ndarray) -> np.ndarray:
    codes: np.ndarray = np.unique(values, return_inverse=True)[1]
    return codes


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[N] int: equal for examples that either of the two puts together, through chains."""
    count = len(first)
    offset = int(first.max(initial=0)) + 1
    rows = np.arange(count)
    # Examples are tied to their classes: node N + c is class c of the first, then of the second.
    pairs = np.concatenate(
        [np.stack([rows, count + first]), np.stack([rows, count + offset + second])], axis=1
    )
    size = count + offset + int(second.max(initial=0)) + 1
    return _codes(_components(pairs, size)[:count])


def _choose(units: np.ndarray, names: np.ndarray, share: float, seed: int) -> np.ndarray:
    """[N] bool: whole units, so that about `share` of each label is held out, never more."""
    rng = np.random.default_rng(seed)
    totals = Counter(names.tolist())
    held: Counter[str] = Counter()
    held_out = np.zeros(len(names), bool)
    order = np.argsort(units, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(units[order])) + 1) if len(units) else []
    for index in rng.permutation(len(members)):
        rows = members[index]
        inside = Counter(names[rows].tolist())
        if all(held[n] + c <= round(share * totals[n]) for n, c in inside.items()):
            held.update(inside)
            held_out[rows] = True
    return held_out


def _across(
    held_out: np.ndarray, families: np.ndarray, near: np.ndarray, groups: np.ndarray
) -> dict[str, Any]:
    """Held-out pictures that have a relative in training, and the largest such families."""
    relatives = np.isin(families, families[~held_out]) & held_out
    by_hash = np.isin(near, near[~held_out]) & held_out
    sizes = Counter(families[relatives].tolist())
    first = {int(f): str(groups[i]) for i, f in reversed(list(enumerate(families.tolist())))}
    return {
        "pictures": int(relatives.sum()),
        "near_duplicates": int(by_hash.sum()),
        "families": len(sizes),
        "largest": [[first[f], count] for f, count in sizes.most_common(NAMED)],
    }
