"""Which rows go into an export. By columns; letters in shapes: N rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.pairs import COMBINATIONS
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import arrays
from curation.arrays import Ints, Mask, pc
from curation.balance import Bounds, balanced
from curation.rules import ACTIONS, INCLUDED
from curation.seeded import draws

RATIO = 3000 / 11199
"""Clean rows for each risky one in stage 1 (papers.md 3.1): about the size of the largest type."""

_BYTES = ("sha256", "image_member", "status", "size")

CAPPED, NOT_SAMPLED = "above a cap", "clean, not among those wanted"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen of N rows.

    included   [N] kept by the policy
    risky      [N] risky rows that could be taken; clean: likewise
    taken      [N]
    type       [N] index in TYPES, -1 unknown; level: likewise in LEVELS
    wanted     clean rows wanted; None: all
    left_out   reason -> rows that the policy keeps and that are not taken
    """

    included: Mask
    risky: Mask
    clean: Mask
    taken: Mask
    type: Ints
    level: Ints
    wanted: int | None
    left_out: Mapping[str, int]


def choose(
    rows: pa.Table,
    selection: pa.Table,
    bounds: Bounds,
    *,
    seed: int,
    stage: int,
    clean: int | Literal["largest"] | None = None,
    target: int | None = None,
    redacted: bool = False,
) -> Choice:
    """Choose rows; see mixture.CompositionOptions for what is asked.

    rows        columns uid, shard, key, sha256, image_member, size, status, pair
    selection   of the same rows, as `select` gives it
    """
    action = arrays.indices(selection["action"], ACTIONS)
    kind = arrays.indices(selection["type"], TYPES)
    level = arrays.indices(selection["level"], LEVELS)
    included = np.isin(action, [ACTIONS.index(name) for name in INCLUDED])
    left_out: dict[str, int] = {}
    usable = included.copy()

    def leave(mask: Mask, reason: str) -> None:
        if count := int((usable & mask).sum()):
            left_out[reason] = left_out.get(reason, 0) + count
            usable[mask] = False

    leave(_without_bytes(rows, included), "no image whose bytes are known")
    if not redacted:
        leave(action == ACTIONS.index("redact"), "to be made unrecognisable first (redact)")
    leave(kind < 0, "of no certain type")
    leave(level < 0, "of no known level")
    leave((kind == SAFE) & (level > 0), "safe, yet of a level above none")
    reasons, reason = arrays.coded(selection["reason"])
    seen = np.array([name.startswith(("concept:", "extra:")) for name in reasons], bool)
    leave(
        (kind == SAFE) & (action > 0) & seen[reason],
        "safe, but the policy sees a concept that asks for care",
    )
    harmful = np.isin(arrays.indices(rows["pair"], COMBINATIONS), (0, 1))
    leave(
        (kind == SAFE) & harmful & ~selection["by_person"].to_numpy(),
        "safe by the thresholds, but harmful words were read in the picture",
    )
    risky, clean_ones = usable & (kind != SAFE), usable & (kind == SAFE)
    at = np.flatnonzero(usable)
    uids: list[Any] = rows["uid"].take(at).to_pylist()
    order = np.zeros(len(rows), np.uint64)
    order[at] = draws(seed, "choice", uids)
    ranked = _ranked(rows, np.flatnonzero(risky), order)
    taken = np.zeros(len(rows), bool)
    taken[ranked] = balanced(kind[ranked], level[ranked], order[ranked], bounds)
    leave(risky & ~taken, CAPPED)
    of_types = np.bincount(kind[taken], minlength=len(TYPES))
    wanted = _clean_wanted(of_types, stage, clean, target)
    ranked = _ranked(rows, np.flatnonzero(clean_ones), order)
    taken[ranked[:wanted]] = True
    leave(clean_ones & ~taken, NOT_SAMPLED)
    return Choice(included, risky, clean_ones, taken, kind, level, wanted, left_out)


def _clean_wanted(
    risky: Ints, stage: int, clean: int | Literal["largest"] | None, target: int | None
) -> int | None:
    """Clean rows wanted beside so many risky ones of each type; None: all."""
    if stage == 2:
        return None if target is None else max(0, target - int(risky.sum()))
    if clean is None:
        return math.ceil(int(risky.sum()) * RATIO)
    return int(risky.max()) if clean == "largest" else clean


def _without_bytes(rows: pa.Table, among: Mask) -> Mask:
    """[N] of these rows those of which there is no scored image to be fetched and checked."""
    found = among.copy()
    found[among] = ~_has_bytes(rows.select(_BYTES).filter(pa.array(among)))
    return found


def _has_bytes(rows: pa.Table) -> Mask:
    """[N] where the bytes of a scored image can be fetched and checked."""
    _, known = arrays.hexadecimal(rows["sha256"], 64)
    member: Mask = pc.fill_null(
        pc.greater(pc.utf8_length(rows["image_member"]), 0), False
    ).to_numpy()
    scored = arrays.equal(rows, "status", "scored")
    return known & member & scored & (arrays.integers(rows, "size") > 0)


def _ranked(rows: pa.Table, at: Ints, order: npt.NDArray[np.uint64]) -> Ints:
    """Positions by their draw; those of the same uid by what else is theirs."""
    drawn = order[at]
    ranked = np.argsort(drawn, kind="stable")
    if (np.diff(drawn[ranked]) > 0).all():
        return at[ranked]
    part = rows.select(["key", "shard", "sha256"]).take(at)
    others = [
        pc.rank(part[name], sort_keys="ascending", tiebreaker="dense").to_numpy()
        for name in part.column_names
    ]
    return at[np.lexsort((*others, drawn))]
