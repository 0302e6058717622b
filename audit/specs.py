"""Which rows a reviewer asks for, in which order, and how an address says so.

A specification comes out of an address that anyone can type, so everything in it is checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

from audit.errors import UsageError
from audit.taxonomy import LEVELS, TYPES

SCOPES = ("flagged", "all", "failed", "any")
ORDERS = ("uncertain", "risk", "random", "clusters", "mixed")
WAYS = ("", "like", "picture", "near", "sql", "box", "cluster", "sample", "rows")
RANKED = ("like", "picture", "near", "sample", "rows")
"""Ways that bring an order of their own."""

LONGEST = 2_000  # characters of one field; `given` may hold
MOST_NAMED = 1_000  # row_ids

_CLUSTER = re.compile(r"[0-9a-f]{16}")
_SAMPLE = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Spec:
    """Which rows, in which order.

    Everything narrows: a row is in it when it fits every field.

    scope     of SCOPES: flagged as risky; everything scored; what could not be scored; any of these
    types     names of TYPES, () for all; levels: likewise of LEVELS
    order     of ORDERS: the two likeliest answers closest; high risk; shuffled, the same way every
              time; largest cluster; uncertain with a safe one after every few. Ways of RANKED keep
              their own: nearest first, or as given
    concept   only rows with at least `least` for this concept, "" for all
    low, high risk, 0 to 1; a row without a risk is left out only where this is narrower than that
    shard     id of a shard, "" for all
    words     that are all in the caption or in the text read off the picture, whatever the case
    uid       of one image, as the catalog or its data set has it
    way       of WAYS, another way in than the queue, and what is given to it in `given`:
              like      row_id; the rows whose pictures are most like its picture
              picture   sha256 of a picture that was handed in; likewise
              near      name of TYPES; the rows nearest to those that people confirmed as that
              sql       a condition on the columns of `samples`
              box       "x0,y0,x1,y1" on the map
              cluster   id of a cluster of near-duplicates
              sample    id of an estimate's sample
              rows      row_ids, comma between
    collapse  whether one row stands for every cluster of near-duplicates: the first in this order
    raises    UsageError, one line
    """

    scope: str = "flagged"
    types: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    order: str = "uncertain"
    concept: str = ""
    least: float = 0.5
    low: float = 0.0
    high: float = 1.0
    shard: str = ""
    words: str = ""
    uid: str = ""
    way: str = ""
    given: str = ""
    collapse: bool = False

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        for what, names, known in (
            ("scope", (self.scope,), SCOPES),
            ("type", self.types, TYPES),
            ("level", self.levels, LEVELS),
            ("order", (self.order,), ORDERS),
            ("way", (self.way,), WAYS),
        ):
            for name in names:
                if name not in known:
                    shown = ", ".join(filter(None, known))
                    raise UsageError(f"unknown {what} {name[:40]!r}; known: {shown}")
        for what in ("concept", "shard", "words", "uid", "given"):
            text = getattr(self, what)
            most = 20 * MOST_NAMED if what == "given" else LONGEST
            if len(text) > most:
                raise UsageError(f"{what}: {len(text):,} characters; give {most:,} at most")
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise UsageError(f"{what}: is not Unicode text; type it anew")
        for what in ("least", "low", "high"):
            if not 0 <= getattr(self, what) <= 1:  # NaN is not
                raise UsageError(f"{what}: {getattr(self, what)} is not between 0 and 1")
        if self.low > self.high:
            raise UsageError(f"risk from {self.low:g} to {self.high:g} is empty; swap them")
        fault = _GIVEN[self.way](self.given)
        if fault:
            raise UsageError(f"{self.way or 'given'}: {fault}")

    @property
    def named(self) -> tuple[int, ...]:
        """The row_ids of the ways `rows` and `like`; () for the others."""
        return _row_ids(self.given) if self.way in ("rows", "like") else ()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of the way `box`."""
        x0, y0, x1, y1 = (float(number) for number in self.given.split(","))
        return x0, y0, x1, y1

    def address(self, **more: str) -> str:
        """What follows `?` in an address of this: only what is not as usual, and `more`.

        Several types or levels repeat their name.
        """
        pairs: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                pairs += [(NAMES[field.name], text) for text in _texts(value)]
        return urlencode([*pairs, *more.items()])


NAMES = {
    "scope": "show",
    "types": "type",
    "levels": "level",
    "order": "order",
    "concept": "concept",
    "least": "least",
    "low": "low",
    "high": "high",
    "shard": "shard",
    "words": "words",
    "uid": "uid",
    "way": "way",
    "given": "given",
    "collapse": "stack",
}
"""Field -> its name in an address, which is also the key of the widget that sets it."""


def _texts(value: Any) -> tuple[str, ...]:
    """How an address says a value."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (repr(value) if isinstance(value, float) else str(value),)


def _row_ids(text: str) -> tuple[int, ...]:
    """The row_ids of "1,2,3"; UsageError where one is none."""
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        if not _DIGITS.fullmatch(entry) or int(entry) >= 2**63:
            raise UsageError(f"{entry[:40]!r} is no row_id; give whole numbers")
        found.append(int(entry))
    return tuple(found)


# What is wrong with what is given to each way, as a phrase; None: nothing.


def _of_nothing(given: str) -> str | None:
    return "no way is named that it belongs to" if given else None


def _of_rows(given: str) -> str | None:
    count = len(_row_ids(given))
    return None if 0 < count <= MOST_NAMED else f"{count:,} row_ids; give 1 to {MOST_NAMED:,}"


def _of_like(given: str) -> str | None:
    return None if len(_row_ids(given)) == 1 else "give the row_id of one row"


def _of_near(given: str) -> str | None:
    return None if given in TYPES else f"unknown type {given[:40]!r}; known: {', '.join(TYPES)}"


def _of_sql(given: str) -> str | None:
    return None if given.strip() else "give a condition, such as width < 100"


def _of_box(given: str) -> str | None:
    try:
        sides = [float(number) for number in given.split(",")]
    except ValueError:
        sides = []
    if len(sides) != 4 or not all(map(math.isfinite, sides)):
        return "give four numbers: x0,y0,x1,y1"
    return None if sides[0] <= sides[2] and sides[1] <= sides[3] else "x0 <= x1 and y0 <= y1"


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str | None]:
    return lambda given: None if pattern.fullmatch(given) else f"{given[:40]!r} is no {what}"


_GIVEN: dict[str, Callable[[str], str | None]] = {
    "": _of_nothing,
    "like": _of_like,
    "picture": _matching(_SHA256, "sha256 of a picture"),
    "near": _of_near,
    "sql": _of_sql,
    "box": _of_box,
    "cluster": _matching(_CLUSTER, "id of a cluster"),
    "sample": _matching(_SAMPLE, "id of a sample"),
    "rows": _of_rows,
}
