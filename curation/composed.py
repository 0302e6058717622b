"""What a composition says of itself: how much of what was wanted, taken and left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from audit.pairs import COMBINATIONS
from audit.taxonomy import LEVELS, TYPES
from curation import arrays
from curation.arrays import Ints, Mask, pc
from curation.balance import Bounds
from curation.choosing import Choice
from curation.records import SPLITS, Record
from curation.rules import RISKY_TYPES

UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Cell:
    """A risky type, or one of its levels.

    passed   rows that the policy keeps and that could be taken; taken: of these
    missing  rows below the floor; 0 where there is none
    why      what became of the catalog's other rows of this kind, and caps; "" when none is missing
    """

    type: str
    level: str | None
    passed: int
    taken: int
    cap: int | None
    floor: int | None
    missing: int
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a composition came about; rows are of the catalog, records those made of them.

    clean         passed, wanted (None: all), taken and missing clean rows
    combinations  picture and words -> records, each of audit.pairs.COMBINATIONS and UNKNOWN
    absent        combination that no record is -> why; UNKNOWN, where some are, likewise
    sources       where the conversations come from -> records
    left_out      reason -> rows that the policy keeps and that are not part of this
    notes         what of the sources' words could not be used -> rows
    split         split -> records; groups: split -> groups of like pictures; largest: pictures of
                  the largest of these; val: share of the groups wanted for val
    """

    stage: int
    seed: int
    templates: str
    included: int
    taken: int
    cells: tuple[Cell, ...]
    clean: Mapping[str, int | None]
    target: int | None
    combinations: Mapping[str, int]
    absent: Mapping[str, str]
    sources: Mapping[str, int]
    left_out: Mapping[str, int]
    notes: Mapping[str, int]
    split: Mapping[str, int]
    groups: Mapping[str, int]
    largest: int
    val: float

    def as_json(self) -> dict[str, Any]:
        """For a manifest and `--json`."""
        return {**asdict(self), "shortfalls": list(self.shortfalls)}

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """One line for each thing that there is less of than was asked for."""
        lines = []
        for cell in self.cells:
            if cell.missing:
                name = cell.type if cell.level is None else f"{cell.type}/{cell.level}"
                lines.append(
                    f"{name}: {cell.floor:,} wanted, {cell.taken:,} taken, {cell.missing:,} "
                    f"missing; {cell.why}"
                )
        if self.clean["missing"]:
            lines.append(
                f"clean: {self.clean['wanted']:,} wanted, {self.clean['taken']:,} taken, "
                f"{self.clean['missing']:,} missing; no more passed the policy"
            )
        if self.val and self.taken and not self.split["val"]:
            lines.append(f"val: {self.val:.1%} of the groups wanted, none of these few was drawn")
        if self.target is not None and self.taken > self.target:
            lines.append(f"target {self.target:,}: the {self.taken:,} risky rows alone are more")
        return tuple(lines)

    def lines(self) -> list[str]:
        """What to print, in order."""
        said = [
            f"stage {self.stage}: {self.taken:,} of {self.included:,} pictures that the policy "
            f"keeps, {sum(self.split.values()):,} records, seed {self.seed}",
            "  split: "
            + ", ".join(
                f"{name} {self.split[name]:,} records of {self.groups[name]:,} groups of like "
                "pictures"
                for name in SPLITS
            )
            + f"; the largest group has {self.largest:,}",
            f"  clean: {self.clean['taken']:,} of {self.clean['passed']:,}",
        ]
        said += [
            f"  {cell.type}/{cell.level}: {cell.taken:,} of {cell.passed:,}"
            for cell in self.cells
            if cell.level is not None and cell.passed
        ]
        said.append("  picture and words:")
        for name, count in self.combinations.items():
            why = f": {self.absent[name]}" if name in self.absent else ""
            said.append(f"    {name.replace('_', ' ')} {count:,}{why}")
        for title, counts in (("left out", self.left_out), ("note", self.notes)):
            said += [f"  {title}: {count:,} {reason}" for reason, count in counts.items()]
        return said + [f"  shortfall: {line}" for line in self.shortfalls]


def cells(selection: pa.Table, choice: Choice, bounds: Bounds) -> tuple[Cell, ...]:
    """All risky types and levels, and which bounds they meet."""
    action = selection["action"]
    passed_of, taken_of = _counts(choice, choice.risky), _counts(choice, choice.taken)
    found = []
    for index, kind in enumerate(RISKY_TYPES):
        for level in (None, *LEVELS):
            here = slice(None) if level is None else LEVELS.index(level)
            passed, taken = int(passed_of[index, here].sum()), int(taken_of[index, here].sum())
            floor, cap = bounds.floor(kind, level), bounds.cap(kind, level)
            if level == LEVELS[0] and f"{kind}/{level}" not in bounds.floors and not passed:
                floor = None  # a risky picture that needs no care is rare, and a person's word
            missing = max(0, (floor or 0) - taken)
            why = ""
            if missing:
                there = choice.type == index
                if level is not None:
                    there &= choice.level == LEVELS.index(level)
                rest = action.filter(pa.array(there & ~choice.risky)).cast(pa.string()).to_pylist()
                others = ", ".join(f"{n:,} {name}" for name, n in sorted(Counter(rest).items()))
                why = f"{passed:,} passed the policy of {int(there.sum()):,} in the catalog"
                why += f" ({others})" if others else ""
                why += f", {passed - taken:,} are above a cap" if passed > taken else ""
            found.append(Cell(kind, level, passed, taken, cap, floor, missing, why))
    return tuple(found)


def _counts(choice: Choice, rows: Mask) -> Ints:
    """[7, 5] how many of these rows are of each type and level, the last: no level is known."""
    kind, level = choice.type[rows], choice.level[rows]
    width = len(LEVELS) + 1
    place = kind * width + np.where(level < 0, len(LEVELS), level)
    return np.bincount(place[kind >= 0], minlength=len(TYPES) * width).reshape(-1, width)


def combinations(
    rows: pa.Table, choice: Choice, records: Sequence[Record], stage: int
) -> tuple[dict[str, int], dict[str, str]]:
    """(records of each combination, why there is none of some)."""
    counted = Counter(record.pair or UNKNOWN for record in records)
    judged = int(pc.sum(pc.is_valid(rows["pair"])).as_py() or 0)
    absent: dict[str, str] = {}
    if counted[UNKNOWN]:
        absent[UNKNOWN] = "words of the source that no text scorer has read"
    for name in COMBINATIONS:
        if counted[name]:
            continue
        there = arrays.equal(rows, "pair", name)
        if name == "unsafe_safe" or (name == "safe_safe" and (judged or not counted[UNKNOWN])):
            absent[name] = "no such picture was taken"
        elif name != "safe_safe" and stage == 1:
            absent[name] = "stage 1 asks harmless questions only"
        elif not judged:
            absent[name] = "the catalog has no scores of captions"
        else:
            count, kept = int(there.sum()), int((there & choice.included).sum())
            absent[name] = f"{count:,} in the catalog, {kept:,} of them kept by the policy"
    return {name: counted[name] for name in (*COMBINATIONS, UNKNOWN)}, absent


def clean_counts(choice: Choice) -> dict[str, int | None]:
    """Of clean rows."""
    taken = int((choice.taken & choice.clean).sum())
    return {
        "passed": int(choice.clean.sum()),
        "wanted": choice.wanted,
        "taken": taken,
        "missing": max(0, (choice.wanted or 0) - taken),
    }
