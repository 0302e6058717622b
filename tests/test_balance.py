"""Caps and floors of types and levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit.errors import UsageError
from audit.taxonomy import LEVELS
from curation.balance import Bounds, balanced
from curation.rules import RISKY_TYPES

NAMES = st.sampled_from(
    ["types", "cells", *RISKY_TYPES[:2], *(f"{t}/{v}" for t in RISKY_TYPES[:2] for v in LEVELS)]
)
SOME = st.dictionaries(NAMES, st.integers(0, 8), max_size=5)


@st.composite
def cases(draw: Any) -> tuple[Any, Any, Any, Bounds]:
    count = draw(st.integers(0, 40))
    each = {"min_size": count, "max_size": count}
    types = np.array(draw(st.lists(st.integers(0, 1), **each)), np.int64)
    levels = np.array(draw(st.lists(st.integers(0, 3), **each)), np.int64)
    order = np.array(draw(st.permutations(range(count))), np.uint64)
    try:
        return types, levels, order, Bounds(draw(SOME), draw(SOME))
    except UsageError:
        assume(False)
        raise


@given(cases())
@settings(max_examples=150, deadline=None)
def test_caps_hold_and_floors_are_met_as_far_as_there_is_enough(case: Any) -> None:
    types, levels, order, bounds = case
    taken = balanced(types, levels, order, bounds)
    for index, kind in enumerate(RISKY_TYPES[:2]):
        mine, whole = types == index, bounds.cap(kind, None)
        room = 0
        for number, level in enumerate(LEVELS):
            cell, cap = mine & (levels == number), bounds.cap(kind, level)
            allowed = min(cell.sum(), cap if cap is not None else len(types))
            room += allowed
            assert (taken & cell).sum() <= allowed
            if f"{kind}/{level}" in bounds.floors and "cells" not in bounds.floors:
                assert (taken & cell).sum() >= min(allowed, bounds.floor(kind, level))
        # All that the caps leave room for: nothing is left out for another reason.
        assert (taken & mine).sum() == min(room, whole if whole is not None else room)


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=75, deadline=None)
def test_the_order_of_the_rows_plays_no_part(case: Any, random: Any) -> None:
    types, levels, order, bounds = case
    shuffled = np.array(random.sample(range(len(types)), len(types)), np.int64)
    taken = balanced(types, levels, order, bounds)
    again = balanced(types[shuffled], levels[shuffled], order[shuffled], bounds)
    assert (again == taken[shuffled]).all()


@pytest.mark.parametrize(
    ("caps", "floors", "message"),
    [
        ({"illgal": 3}, {}, "cap illgal=3: give TYPE=N"),
        ({"safe": 3}, {}, "cap safe=3"),
        ({}, {"illegal/severe": 3}, "floor illegal/severe=3"),
        ({"illegal/": 3}, {}, "cap illegal/=3"),
        ({"illegal": 3}, {"illegal": 4}, "illegal: the floor 4 is above the cap 3"),
        ({"cells": 3}, {"privacy/low": 4}, "privacy/low: the floor 4 is above the cap 3"),
        ({"illegal": 5}, {"illegal/low": 3, "illegal/high": 3}, "come to 6, above its cap 5"),
    ],
)
def test_bounds_that_cannot_be_met_are_refused(
    caps: dict[str, int], floors: dict[str, int], message: str
) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        Bounds(caps, floors)


def test_what_names_a_type_goes_before_what_names_each() -> None:
    bounds = Bounds({"types": 5, "illegal": 9, "cells": 2, "illegal/low": 4}, {})
    assert [bounds.cap("illegal", None), bounds.cap("privacy", None)] == [9, 5]
    assert [bounds.cap("illegal", "low"), bounds.cap("illegal", "high")] == [4, 2]
