"""Cuts what is kept into strata, and says how many images of each to draw.

Letters in shapes: N rows of the catalog, H strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import UsageError
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import arrays
from curation.arrays import Ints, Mask

FLOOR = 5
"""Images that are drawn of a stratum at least, where it has as many."""

UNCERTAIN, UNKNOWN = "uncertain", "unknown"  # no type by the policy's thresholds; no level known
NO_TYPE, SOME_TYPE = "safe or uncertain", "risky"  # where there are too few reviews for every type
AS_SAFE = (TYPES[SAFE], UNCERTAIN, NO_TYPE)
_KINDS = {
    **{name: (kind,) for kind, name in enumerate(TYPES)},
    UNCERTAIN: (-1,),
    NO_TYPE: (SAFE, -1),
    SOME_TYPE: tuple(range(SAFE)),
}
_ONE_BY_ONE = (*TYPES, UNCERTAIN)
_BANDED = 100  # images a type and level must have to be cut into bands of scores

# How finely a population is cut, the finest first: by which types, by level or not, and the shares
# of a group's images below which its bands of scores end. Upper bands are narrow: risk is there.
_CUTS: tuple[tuple[tuple[str, ...], bool, tuple[float, ...]], ...] = (
    (_ONE_BY_ONE, True, (0.5, 0.8, 0.95, 0.99)),
    (_ONE_BY_ONE, True, (0.8, 0.95)),
    (_ONE_BY_ONE, False, (0.8, 0.95)),
    (_ONE_BY_ONE, False, ()),
    ((NO_TYPE, SOME_TYPE), False, (0.8,)),
    ((NO_TYPE, SOME_TYPE), False, ()),
)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Images of a type and level (as selected; None: any) whose risk is in a band.

    type         a name of TYPES, UNCERTAIN, NO_TYPE or SOME_TYPE
    low, high    the smallest and largest risk in it
    population   images
    """

    type: str | None
    level: str | None
    low: float
    high: float
    population: int

    @property
    def name(self) -> str:
        """For people."""
        kind = "/".join(part for part in (self.type, self.level) if part) or "all"
        return f"{kind}, risk {self.low:.2f} to {self.high:.2f}"


@dataclass(frozen=True, slots=True)
class Population:
    """The images that a frame is about.

    inside    [N]; type: [N] index in TYPES, -1 for uncertain; level: [N] likewise
    """

    inside: Mask
    type: Ints
    level: Ints


def stratify(rows: Any, found: Population, most: int) -> tuple[tuple[Stratum, ...], Ints]:
    """Cut a population into strata: (the strata, [N] which one a row is in, -1 outside).

    By type and level as selected and by bands of the risk score, as finely as gives at most
    `most` strata.
    rows     columns `risk` and others, N rows
    raises   UsageError when nobody is in it
    """
    if not found.inside.any():
        raise UsageError("nothing is kept, so there is nothing to draw from; see `curate plan`")
    risk = np.nan_to_num(arrays.floats(rows, "risk"))
    for types, by_level, cuts in _CUTS:
        strata, code = _cut(risk, found, types, by_level, cuts)
        if len(strata) <= most:
            return strata, code
    one = risk[found.inside]
    whole = Stratum(None, None, float(one.min()), float(one.max()), len(one))
    return (whole,), np.where(found.inside, 0, -1)


def allocate(
    population: npt.ArrayLike, so_far: npt.ArrayLike, count: int, weights: npt.ArrayLike
) -> Ints:
    """[H] how many more to draw of each stratum, `count` in all where there are as many.

    In proportion to the weights, counting what was drawn so far; FLOOR of each stratum at least.
    """
    sizes, drawn = np.asarray(population, np.int64), np.asarray(so_far, np.int64)
    weight = np.asarray(weights, np.float64)
    target = min(int(drawn.sum()) + count, int(sizes.sum()))
    least = np.maximum(np.minimum(sizes, FLOOR), drawn)
    if least.sum() > target:  # fewer than a floor for everyone: to those that weigh most
        least = drawn.copy()
    low, high = 0.0, float(target / np.maximum(weight[weight > 0].min(), 1e-300)) + 1
    for _ in range(200):
        middle = (low + high) / 2
        filled = np.clip(middle * weight, least, sizes).sum()
        low, high = (middle, high) if filled < target else (low, middle)
    wanted = np.clip(high * weight, least, sizes)
    whole = np.floor(wanted + 1e-9).astype(np.int64)
    room = np.where(whole < sizes, wanted - whole, -1)
    for index in np.argsort(-room, kind="stable")[: max(0, target - int(whole.sum()))]:
        whole[index] += whole[index] < sizes[index]
    return whole - drawn


def weights(sizes: Ints, shares: Sequence[float] | None) -> npt.NDArray[np.float64]:
    """[H] what a stratum gets its images by, summing to 1.

    sizes    [H] images; shares: [H] risky ones among them, as far as is known; None: in proportion
    """
    even: npt.NDArray[np.float64] = sizes / sizes.sum()
    if shares is None:
        return even
    p = np.asarray(shares, np.float64)
    apart = sizes * np.sqrt(p * (1 - p))
    # Half stays proportional: what is nearly unseen makes the upper end of the interval.
    return even if apart.sum() == 0 else (even + apart / apart.sum()) / 2


def _cut(
    risk: arrays.Floats,
    found: Population,
    types: tuple[str, ...],
    by_level: bool,
    cuts: tuple[float, ...],
) -> tuple[tuple[Stratum, ...], Ints]:
    """Strata by these types, by level if asked for, and by bands that end at these shares."""
    code: Ints = np.full(len(risk), -1)
    strata: list[Stratum] = []
    levels = range(-1, len(LEVELS)) if by_level else (None,)
    for name in types:
        of_type = np.flatnonzero(found.inside & np.isin(found.type, _KINDS[name]))
        of_level = found.level[of_type]
        for level in levels:
            members = of_type if level is None else of_type[of_level == level]
            if not len(members):
                continue
            own = risk[members]
            edges = np.unique(np.quantile(own, cuts)) if len(own) >= _BANDED and cuts else own[:0]
            band = np.searchsorted(edges, own, side="right")
            for each in range(len(edges) + 1):
                of_band = band == each
                inside = own[of_band]
                if not len(inside):
                    continue
                code[members[of_band]] = len(strata)
                strata.append(
                    Stratum(
                        name,
                        None if level is None else UNKNOWN if level < 0 else LEVELS[level],
                        float(inside.min()),
                        float(inside.max()),
                        len(inside),
                    )
                )
    return tuple(strata), code


def cut_again(rows: Any, found: Population, strata: tuple[Stratum, ...]) -> Ints:
    """[N] which of these strata each row is in, for a frame that is cut once more."""
    risk = np.nan_to_num(arrays.floats(rows, "risk"))
    code: Ints = np.full(len(risk), -1)
    for index, s in enumerate(strata):
        members = found.inside & (risk >= np.float32(s.low)) & (risk <= np.float32(s.high))
        if s.type is not None:
            members &= np.isin(found.type, _KINDS[s.type])
        if s.level is not None:
            members &= found.level == (-1 if s.level == UNKNOWN else LEVELS.index(s.level))
        code[members] = index
        if members.sum() != s.population:
            raise UsageError(
                f"the stratum {s.name} had {s.population:,} images when it was drawn from and has "
                f"{int(members.sum()):,}; lines of the decisions were changed or taken out"
            )
    return code
