"""What `curate plan` counts and shows: flows, other thresholds, hours, gates, the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.verdicts import Decision, Log
from curation import planned
from curation.gathering import Gathered, usable
from curation.picture import svg
from curation.plan import Plan, plan
from curation.policy import load
from curation.rules import ACTIONS
from curation.selection import select
from tests.selections import decision, failed, outcomes, row, table

ROWS = (
    row(1, illegal=0.9, level="high"),
    row(2, illegal=0.52, level="high", sha256="b" * 64),
    row(3, illegal=0.47, level="high", risk=0.47),
    row(4, privacy=0.9, level="medium", size=2500),
    row(5, risk=0.6),
    row(6),
    row(7),
    row(8, sha256=f"{7:064x}"),
    failed(9),
)


def gathered(*rows: dict[str, Any], said: tuple[Decision, ...] = (), **policy: Any) -> Gathered:
    rules = replace(load("balanced"), **policy)
    return Gathered(
        policy=rules,
        rows=table(rules, *(rows or ROWS)),
        outcomes=outcomes(*said),
        shards={},
        scorer="f",
        log=Log(said, (), {}),
        unused={},
    )


@pytest.fixture(scope="module")
def drawn() -> Plan:
    return plan(gathered(), "c.audit")


def test_thresholds_fitted_to_another_scorer_are_noted() -> None:
    for fitted, noted in ((None, False), ("f", False), ("abc", True)):
        notes = plan(replace(gathered(), fitted_to=fitted), "c.audit").notes
        assert any("fitted to scorer abc, the scores are of f" in n for n in notes) is noted


def test_every_image_is_counted_once(drawn: Plan) -> None:
    assert {name: volume.images for name, volume in drawn.actions.items() if volume.images} == {
        "keep": 3, "review": 2, "drop": 3, "quarantine": 1,
    }  # fmt: skip
    assert drawn.kept == 3
    assert sum(flow.images for flow in drawn.flows) == drawn.total.images == 9
    assert sum(n for found in drawn.reasons.values() for n in found.values()) == 9
    assert sum(v.bytes for v in drawn.actions.values()) == drawn.total.bytes == 9500


def test_flows_are_by_type_and_level(drawn: Plan) -> None:
    assert [(flow.kind, flow.action, flow.images) for flow in drawn.flows] == [
        ("illegal/high", "drop", 2),
        ("privacy/medium", "review", 1),
        ("uncertain", "review", 1),
        ("safe", "keep", 3),
        ("safe", "drop", 1),
        ("not scored", "quarantine", 1),
    ]


def test_the_nearest_other_thresholds_change_what_a_new_selection_changes(drawn: Plan) -> None:
    (knob,) = (knob for knob in drawn.knobs if knob.name == "illegal")
    assert knob.lower is not None
    assert knob.higher is not None
    assert (knob.lower.threshold, knob.lower.moves) == (0.45, {"keep -> drop": 1})
    assert (knob.higher.threshold, knob.higher.moves) == (0.55, {"drop -> review": 1})
    for change in (knob.lower, knob.higher):
        rules = load("balanced").rules
        other = replace(rules, types={**rules.types, "illegal": change.threshold})
        both = (
            select(one.rows, one.policy)["action"].to_pylist()
            for one in (gathered(), gathered(rules=other))
        )
        moved = [f"{a} -> {b}" for a, b in zip(*both, strict=True) if a != b]
        assert {move: moved.count(move) for move in moved} == change.moves


def test_a_threshold_that_changes_nothing_is_passed_over(drawn: Plan) -> None:
    (knob,) = (knob for knob in drawn.knobs if knob.name == "privacy")
    # p = 0.9 lies beyond every step tried above 0.5; nothing lies below it.
    assert (knob.lower, knob.higher) == (None, None)


def test_hours_are_by_the_policy_until_enough_was_measured(drawn: Plan) -> None:
    assert (drawn.review.images, drawn.review.seconds, drawn.review.measured) == (2, 6, 0)
    said = tuple(decision(n, 99, "keep", f"r{n}", seconds=10.0 + n) for n in range(41))
    measured = plan(gathered(said=said), "c").review
    assert (measured.seconds, measured.measured) == (30.0, 41)
    assert measured.hours == pytest.approx(2 * 30 / 3600, abs=0.005)


def test_each_gate_that_is_not_met_is_named() -> None:
    gates = replace(
        load("balanced").gates,
        max_share={"drop": 0.1, "keep": 1.0},
        min_kept=4,
        min_kept_share=0.9,
        max_reviewer_hours=0.0,
        max_unscored_share=0.1,
        max_disagreements=0,
        max_log_faults=0,
    )
    said = (decision(1, 6, "keep"), decision(2, 6, "drop", "ben"))
    one = gathered(said=said, gates=gates, seconds=3600.0)
    broken = plan(one, "c").broken
    assert [line.split(":")[0] for line in broken] == [
        "max_share of drop",
        "max_reviewer_hours",
        "max_unscored_share",
        "max_disagreements",
        "min_kept",
        "min_kept_share",
    ]
    assert broken[0] == "max_share of drop: 33.33%, allowed 10.00%"
    assert plan(gathered(*ROWS[:-1]), "c").broken == ()


def test_what_was_not_scored_is_said() -> None:
    bare = [{**r, "p_fairness": None} for r in ROWS]
    notes = plan(gathered(*bare), "c").notes
    assert "not covered by the scorer, so nothing was judged: fairness" in notes
    assert any(note.startswith("captions were not scored") for note in notes)
    strict = plan(gathered(*bare, required=("fairness",)), "c")
    assert any("require" in note and "fairness" in note for note in strict.notes)
    assert strict.kept == 0


def test_decisions_about_other_rows_pictures_or_scores_are_left_out() -> None:
    rows = gathered().rows
    said = outcomes(
        decision(1, 1, "keep"),
        replace(decision(2, 2, "keep"), uid="another"),
        decision(3, 77, "keep"),
        replace(decision(4, 4, "agree"), scorer="older"),
        replace(decision(5, 5, "agree", type="safe"), scorer="older"),
        replace(decision(6, 6, "agree"), scorer="f"),
    )
    kept, unused = usable(said, rows, "f")
    assert set(kept) == {1, 5, 6}
    assert list(unused.values()) == [1, 1, 1]


def test_the_text_shows_all_of_it_and_no_terminal_codes(drawn: Plan) -> None:
    text = planned.text(replace(drawn, catalog="c\x1b[2J.audit"))
    assert "\x1b" not in text
    assert "3 of 9 images kept" in text
    assert "illegal>=0.5" in text
    assert "0.45: 1 keep -> drop" in text
    assert "review: 2 images, 0.00 hours at 6 s an image (as the policy says)" in text


def test_the_picture_has_a_band_for_each_flow_and_escapes_names(drawn: Plan) -> None:
    picture = svg(replace(drawn, catalog='<script>"&'))
    root = ET.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    titles = [path.findtext(f"{space}title") for path in root.iter(f"{space}path")]
    assert titles == [
        "safe -> keep: 3 (33.33%)",
        "privacy/medium -> review: 1 (11.11%)",
        "uncertain -> review: 1 (11.11%)",
        "illegal/high -> drop: 2 (22.22%)",
        "safe -> drop: 1 (11.11%)",
        "not scored -> quarantine: 1 (11.11%)",
    ]
    assert "<script>" not in picture


def test_bands_are_as_high_as_their_share_and_stay_inside() -> None:
    many = [row(n) for n in range(1000)] + [row(2000, illegal=0.9, level="high")]
    one = gathered(*many)
    picture = ET.fromstring(svg(plan(one, "c")))
    space = "{http://www.w3.org/2000/svg}"
    height = float(picture.attrib["height"])
    boxes = [
        (float(box.attrib["y"]), float(box.attrib["height"]))
        for box in picture.iter(f"{space}rect")
        if "x" in box.attrib
    ]
    assert all(y >= 0 and y + high <= height for y, high in boxes)
    assert sorted(high for _, high in boxes)[-3] == pytest.approx(360 * 1000 / 1001, abs=0.1)
    # What would be a hair beside a thousand is drawn once more by itself.
    assert "Without safe -&gt; keep" in svg(plan(one, "c"))


def test_the_page_loads_nothing(drawn: Plan) -> None:
    page = planned.page(drawn)
    assert "<svg" in page
    for word in ("src=", "href=", "<script", "@import", "url("):
        assert word not in page


def test_a_catalog_without_images_has_a_plan_too() -> None:
    rules = load("balanced")
    empty = replace(gathered(), rows=table(rules))
    drawn = plan(empty, "c")
    assert (drawn.total.images, drawn.kept, drawn.flows) == (0, 0, ())
    assert svg(drawn).startswith("<svg")
    assert planned.text(drawn)
    assert list(drawn.actions) == list(ACTIONS)


def test_drawing_a_plan_twice_gives_the_same_bytes(drawn: Plan, tmp_path: Path) -> None:
    assert planned.page(plan(gathered(), "c.audit")) == planned.page(drawn)
