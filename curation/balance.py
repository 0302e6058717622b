"""How many of each type and level: caps and floors. Letters in shapes: N rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.errors import UsageError
from audit.taxonomy import LEVELS
from curation.arrays import Ints, Mask
from curation.rules import RISKY_TYPES

EACH_TYPE, EACH_CELL = "types", "cells"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Caps and floors by "illegal", "illegal/high", EACH_TYPE and EACH_CELL.

    What names a type goes before EACH_TYPE, what names a cell before EACH_CELL. A floor is kept
    from what a cap of the whole type takes away; nothing is ever repeated to reach one.
    raises   UsageError where a floor and a cap contradict each other, or a name is not known
    """

    caps: Mapping[str, int]
    floors: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse what cannot be met whatever there is."""
        for title, bounds in (("cap", self.caps), ("floor", self.floors)):
            for name, number in bounds.items():
                kind, _, level = name.partition("/")
                known = name in (EACH_TYPE, EACH_CELL) or (
                    kind in RISKY_TYPES and ("/" not in name or level in LEVELS)
                )
                if not known or number < 0:
                    raise UsageError(
                        f"{title} {name}={number}: give TYPE=N, TYPE/LEVEL=N, {EACH_TYPE}=N or "
                        f"{EACH_CELL}=N; types: {', '.join(RISKY_TYPES)}; levels: "
                        f"{', '.join(LEVELS)}"
                    )
        for kind in RISKY_TYPES:
            wholes: tuple[str | None, ...] = (None, *LEVELS)
            for part in wholes:
                at_least, at_most = self.floor(kind, part) or 0, self.cap(kind, part)
                if at_most is not None and at_least > at_most:
                    name = kind if part is None else f"{kind}/{part}"
                    raise UsageError(f"{name}: the floor {at_least} is above the cap {at_most}")
            named = [level for level in LEVELS if f"{kind}/{level}" in self.floors]
            total = sum(self.floors[f"{kind}/{level}"] for level in named)
            whole = self.cap(kind, None)
            if whole is not None and total > whole:
                raise UsageError(
                    f"{kind}: the floors of its levels come to {total}, above its cap {whole}"
                )

    def cap(self, kind: str, level: str | None) -> int | None:
        """Most that may be taken of a type, or of one of its levels; None: all."""
        return _bound(self.caps, kind, level)

    def floor(self, kind: str, level: str | None) -> int | None:
        """Least that is wanted; None: nothing was said."""
        return _bound(self.floors, kind, level)


def _bound(bounds: Mapping[str, int], kind: str, level: str | None) -> int | None:
    if level is None:
        return bounds.get(kind, bounds.get(EACH_TYPE))
    return bounds.get(f"{kind}/{level}", bounds.get(EACH_CELL))


def balanced(types: Ints, levels: Ints, order: npt.NDArray[np.uint64], bounds: Bounds) -> Mask:
    """Which rows are taken: all, or by the lowest `order` where a cap leaves some out.

    types, levels   [N] indices of RISKY_TYPES and LEVELS
    order           [N]; where two are alike the earlier row goes first
    returns         [N]
    """
    taken = np.zeros(len(types), bool)
    by_order = np.argsort(order, kind="stable")
    for index, kind in enumerate(RISKY_TYPES):
        allowed: list[Ints] = []
        reserved: list[Ints] = []
        for number, level in enumerate(LEVELS):
            cell = by_order[(types[by_order] == index) & (levels[by_order] == number)]
            cell = cell[: bounds.cap(kind, level)]
            allowed.append(cell)
            reserved.append(cell[: bounds.floor(kind, level) or 0])
        whole = bounds.cap(kind, None)
        mine = np.concatenate(allowed)
        if whole is None or len(mine) <= whole:
            taken[mine] = True
            continue
        first = np.zeros(len(types), bool)
        first[np.concatenate(reserved)] = True
        ranked = by_order[np.isin(by_order, mine)]
        ranked = np.concatenate([ranked[first[ranked]], ranked[~first[ranked]]])
        taken[ranked[:whole]] = True
    return taken
