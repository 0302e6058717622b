"""How far reviewers agree: kappa by type, its interval, and one reviewer's own consistency."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from app.agreement import RISKY, Agreement, by_type, consistency
from audit.verdicts import Decision
from curation.bounds import agreement
from curation.decisions import decide, undo

_clock = count()


def said(
    row: int, reviewer: str, kind: str | None, verdict: str = "relabel", **rest: Any
) -> Decision:
    number = next(_clock)
    moment = f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    level = "none" if kind == "safe" else None
    return decide(row, "u", verdict, reviewer, time=moment, type=kind, level=level, **rest)


def pairs(*kinds: tuple[str | None, str | None]) -> list[Decision]:
    """What ann and bob said of one picture after the other."""
    return [
        said(row, who, kind)
        for row, both in enumerate(kinds)
        for who, kind in zip(("ann", "bob"), both, strict=True)
    ]


def of(name: str, decisions: list[Decision]) -> Agreement:
    return {found.name: found for found in by_type(decisions)}[name]


def test_kappa_of_a_type_is_fleiss_of_that_type_against_all_others() -> None:
    rng = np.random.default_rng(5)
    kinds = ("illegal", "privacy", "safe")
    drawn = zip(*rng.integers(0, 3, (2, 80)), rng.random(80) < 0.7, strict=True)
    both = [(kinds[a], kinds[a if same else b]) for a, b, same in drawn]
    found = of("illegal", pairs(*both))
    rated = [(a == "illegal", b == "illegal") for a, b in both]
    assert found.kappa == pytest.approx(agreement(rated))
    assert found.alike == pytest.approx(np.mean([a == b for a, b in rated]))
    assert (found.pictures, found.positive) == (80, sum(a or b for a, b in rated))
    assert found.low is not None and found.high is not None
    assert found.low < found.kappa < found.high


def test_the_interval_is_that_of_drawing_pictures_one_by_one() -> None:
    both = [("illegal", "illegal")] * 20 + [("illegal", "safe")] * 9 + [("safe", "safe")] * 31
    found = of("illegal", pairs(*both))
    rated = np.array([[kind == "illegal" for kind in each] for each in both])
    rng = np.random.default_rng(7)
    drawn = [agreement(rated[rng.integers(0, 60, 60)].tolist()) for _ in range(2_000)]
    low, high = np.quantile([k for k in drawn if k is not None], (0.025, 0.975))
    assert found.low == pytest.approx(low, abs=0.03)
    assert found.high == pytest.approx(high, abs=0.03)


def test_perfect_agreement_on_few_pictures_is_no_certainty() -> None:
    few = of(RISKY, pairs(*[("illegal", "privacy"), ("safe", "safe")] * 2))
    many = of(RISKY, pairs(*[("illegal", "illegal"), ("safe", "safe")] * 100))
    assert (few.kappa, few.high, many.kappa) == (1, 1, 1)
    assert few.low is not None and many.low is not None
    assert few.low < 0.0 < 0.9 < many.low < 1


def test_one_type_only_has_no_kappa() -> None:
    found = of("illegal", pairs(*[("illegal", "illegal")] * 9))
    assert (found.kappa, found.low, found.high, found.alike) == (None, None, None, 1)
    assert of("privacy", []).pictures == 0


def test_what_was_undone_ruled_or_decided_for_many_is_no_judgement() -> None:
    alone = pairs(("illegal", "illegal"), ("safe", "safe"))
    undone = [undo(alone[1])]
    ruled = [said(0, "cleo", None, "adjudicate", ruling="drop")]
    batch = [said(row, "dora", "privacy", batch="ab" * 16) for row in (0, 1)]
    assert of(RISKY, [*alone, *ruled, *batch]).pictures == 2
    assert of(RISKY, [*alone, *ruled, *batch]).kappa == 1
    assert of(RISKY, [*alone, *undone]).pictures == 1


def test_the_picture_that_stands_for_a_cluster_was_judged() -> None:
    number = "cd" * 16
    shown = said(0, "bob", "illegal", id=number, batch=number)
    behind = said(1, "bob", "illegal", batch=number)
    assert of(RISKY, [said(0, "ann", "safe"), said(1, "ann", "safe"), shown, behind]).pictures == 1


def test_repeats_are_compared_with_what_the_same_person_said() -> None:
    lines = [
        said(0, "ann", "illegal"), said(0, "bob", "safe"),
        said(0, "ann", "illegal", purpose="repeat"),
        said(1, "ann", "illegal"), said(1, "ann", "privacy", purpose="repeat"),
        said(2, "ann", None, "drop"), said(2, "ann", None, "drop", purpose="repeat"),
        said(3, "bob", "safe"), said(3, "ann", "safe", purpose="repeat"),  # never said before
    ]  # fmt: skip
    repeat, known = consistency(lines, "ann")
    assert (repeat.what, repeat.asked, repeat.alike) == ("repeat", 3, 2)
    assert 0 < repeat.low < 2 / 3 < repeat.high < 1
    assert (known.what, known.asked, known.low, known.high) == ("known", 0, 0, 1)
    assert [c.asked for c in consistency(lines, "bob")] == [0, 0]


def test_known_pictures_are_compared_with_what_was_settled() -> None:
    lines = [
        *pairs(("illegal", "illegal"), ("safe", "safe"), ("illegal", "safe")),
        said(3, "ann", "safe"), said(4, "ann", "safe"),
        said(4, "cleo", "illegal", "adjudicate", ruling="relabel"),
        *(said(row, "dora", "illegal", purpose="known") for row in range(5)),
    ]  # fmt: skip
    _, known = consistency(lines, "dora")
    # Row 2 is disputed and row 3 judged by one person only; row 4 was ruled.
    assert (known.asked, known.alike) == (3, 2)
