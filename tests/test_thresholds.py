"""Thresholds: counts by hand, the promised recall by simulation, and the policy file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from audit.errors import UsageError
from audit.evaluation.intervals import clopper_pearson
from audit.evaluation.policyfile import write_thresholds
from audit.evaluation.thresholds import (
    Labelled,
    allowed_below,
    columns_of,
    curve,
    pick,
    table,
)
from audit.fitted import fitted_to


def labelled(scores: list[float], positive: list[int], groups: list[str] | None = None) -> Labelled:
    names = groups or [str(i) for i in range(len(scores))]
    return Labelled(np.array(scores, np.float32), np.array(positive, bool), np.array(names))


def test_the_curve_counts_what_a_reader_would_count() -> None:
    points = curve(labelled([0.9, 0.8, 0.6, 0.1], [1, 0, 1, 0]), np.array([0.0, 0.7, 0.95]))
    assert [p["flagged"] for p in points] == [4, 2, 0]
    assert points[1]["precision"][0] == 0.5
    assert points[1]["recall"][0] == 0.5
    assert points[2]["precision"] is None
    low, high = clopper_pearson(1, 2)
    assert points[1]["recall"][1:] == [round(low, 4), round(high, 4)]


@pytest.mark.parametrize("score", [0.1, 0.3, 0.7, 1.0])
def test_the_score_a_threshold_was_read_from_is_flagged(score: float) -> None:
    """A float32 may lie a little below the decimal it is shown as."""
    sixty = labelled([score] * 60, [1] * 60)
    found = pick(sixty, 0.95, 0.95)
    assert found.threshold is not None
    assert score - 2e-6 < found.threshold <= float(np.float32(score))
    assert found.missed == 0


def test_near_duplicates_widen_the_interval() -> None:
    alone = labelled([0.9] * 20, [1] * 20)
    alike = labelled([0.9] * 20, [1] * 20, ["a", "b"] * 10)
    (wide,), (narrow,) = (curve(x, np.array([0.5])) for x in (alike, alone))
    assert wide["recall"][1] == pytest.approx(clopper_pearson(2, 2)[0], abs=1e-4)
    assert wide["recall"][1] < narrow["recall"][1]


@pytest.mark.parametrize(
    ("positives", "recall", "confidence", "allowed"),
    [
        (58, 0.95, 0.95, None),
        (59, 0.95, 0.95, 0),  # 0.95 ** 59 = 0.0485
        (92, 0.95, 0.95, 0),
        (93, 0.95, 0.95, 1),  # the table of Wilks's limits: 59, 93, 124, 153
        (124, 0.95, 0.95, 2),
        (0, 0.95, 0.95, None),
    ],
)
def test_how_many_may_be_missed_is_known_before_a_score_is(
    positives: int, recall: float, confidence: float, allowed: int | None
) -> None:
    assert allowed_below(positives, recall, confidence) == allowed


@pytest.mark.parametrize("positives", [59, 100, 237])
def test_the_choice_is_the_exact_lower_bound(positives: int) -> None:
    missed = allowed_below(positives, 0.95, 0.95)
    assert missed is not None
    bounds = [
        clopper_pearson(positives - m, positives, 0.95, sided=1)[0] for m in (missed, missed + 1)
    ]
    assert bounds[0] >= 0.95 > bounds[1]


@pytest.mark.parametrize(("positives", "recall"), [(60, 0.95), (200, 0.95), (80, 0.8)])
def test_the_recall_promised_is_kept_as_often_as_promised(positives: int, recall: float) -> None:
    """Uniform scores: the recall of a threshold t among all positives is 1 - t."""
    rng = np.random.default_rng(positives)
    kept = 0
    for _ in range(1000):
        scores = rng.random(positives)
        found = pick(labelled(list(scores), [1] * positives), recall, 0.95)
        assert found.threshold is not None
        kept += 1 - found.threshold >= recall
    # 0.95 less three standard errors of 1,000 runs.
    assert kept / 1000 >= 0.93


def test_looking_for_the_best_threshold_by_eye_would_not_keep_it() -> None:
    """What the order statistic is for: the share caught alone promises nothing."""
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(400):
        scores = np.sort(rng.random(100))
        kept += 1 - scores[5] >= 0.95  # catches 95 of the 100 seen
    assert kept / 400 < 0.6


def test_a_group_is_caught_when_all_of_it_is() -> None:
    scores = [0.9] * 60 + [0.2]
    groups = [str(i) for i in range(60)] + ["0"]
    found = pick(labelled(scores, [1] * 61, groups), 0.95, 0.95)
    assert (found.positives, found.threshold) == (60, pytest.approx(0.2, abs=1e-5))
    assert found.missed == 0


def test_too_few_positives_for_any_threshold_is_said() -> None:
    found = pick(labelled([0.9] * 10, [1] * 10), 0.95, 0.95)
    assert (found.threshold, found.positives, found.needed) == (None, 10, 59)


def test_volumes_and_hours_are_those_of_the_whole_collection() -> None:
    types = np.zeros((100, 7), np.float32)
    types[:, 1] = np.linspace(0, 0.99, 100)
    types[:, 3] = np.nan
    true = np.where(np.arange(100) >= 30, 1, 6)
    columns = columns_of(types, true, np.arange(100).astype(str), ["illegal", "fairness"])
    assert list(columns) == ["illegal"]
    volume = np.sort(np.tile(types[:, 1], 50))
    found = table(
        columns,
        recall=0.9,
        confidence=0.9,
        seconds=9,
        volumes={"illegal": volume},
        total=6000,
    )
    picked = found["types"]["illegal"]["picked"]
    assert found["pictures"] == 6000
    assert picked["flagged"] == int((volume >= picked["threshold"]).sum())
    assert picked["kept"] == 6000 - picked["flagged"]
    assert picked["hours"] == round(picked["flagged"] * 9 / 3600, 2)
    assert picked["recall_at_least"] >= 0.9


POLICIES = {
    "empty": "",
    "comment only": "# nothing yet\n",
    "other keys": "version: 1  # ours\ngrid:\n  illegal: drop # always\n\n# the end\n",
    "block": "thresholds:\n  # chosen by hand\n  types:\n    illegal: 0.5  # by hand\n"
    "    politics: 0.3\n  concepts:\n    weapon: 0.2\nlast: 1\n",
    "no types": "thresholds:\n  concepts: {weapon: 0.2}  # these stay\nlast: [1, 2]\n",
    "flow": "thresholds: {types: {illegal: 0.5}, concepts: {}}\n",
    "empty flow": "thresholds: {types: {}}  # later",
    "null": "thresholds:\nlast: |\n  text\n  more\n",
    "null types": "last: x\nthresholds:\n    types:   # none\n",
    "text last": "note: |\n  one\n  two\n",
}


@pytest.mark.parametrize("before", POLICIES.values(), ids=POLICIES)
def test_a_policy_gets_its_thresholds_and_keeps_everything_else(
    before: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(before)
    write_thresholds(policy, {"illegal": 0.62, "privacy": 0.1}, "abc")
    expected = yaml.safe_load(before) or {}
    types = ((expected.get("thresholds") or {}).get("types") or {}) | {
        "illegal": 0.62,
        "privacy": 0.1,
    }
    expected["thresholds"] = {**(expected.get("thresholds") or {}), "types": types}
    after = policy.read_text()
    assert yaml.safe_load(after) == expected
    for line in before.splitlines():
        if "#" in line:
            assert line[line.index("#") :] in after
    assert list(tmp_path.iterdir()) == [policy]


def test_lines_of_others_are_not_touched(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICIES["block"])
    write_thresholds(policy, {"illegal": 0.62}, "abc")
    edited = POLICIES["block"].replace("0.5", "0.62")
    assert policy.read_text() == f"# thresholds fitted to the scorer abc\n{edited}"


def test_the_scorer_that_thresholds_were_fitted_to_is_named_once(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICIES["block"])
    assert fitted_to(policy) is None
    for scorer in ("abc", "def"):
        write_thresholds(policy, {"illegal": 0.62}, scorer)
        assert fitted_to(policy) == scorer
    assert policy.read_text().count("fitted to") == 1


def test_a_policy_that_is_absent_is_made_with_the_scorer_named(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    write_thresholds(policy, {"illegal": 0.62}, "abc123")
    assert yaml.safe_load(policy.read_text()) == {"thresholds": {"types": {"illegal": 0.62}}}
    assert "abc123" in policy.read_text()


@pytest.mark.parametrize("before", ["- a list\n", "a: [\n", "thresholds: {<<: {a: 1}, types: 3\n"])
def test_a_file_that_cannot_be_edited_stays_as_it_was(before: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(before)
    with pytest.raises(UsageError, match=r"policy\.yaml"):
        write_thresholds(policy, {"illegal": 0.62}, "abc")
    assert policy.read_text() == before
    assert list(tmp_path.iterdir()) == [policy]


def test_links_modes_and_line_ends_stay_as_they_were(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "policy.yaml"
    real.write_bytes(b"a: 1\r\nthresholds:\r\n  types:\r\n    illegal: 0.5\r\n")
    real.chmod(0o640)
    link.symlink_to(real)
    write_thresholds(link, {"illegal": 0.62}, "abc")
    assert link.is_symlink()
    said, rest = real.read_bytes().split(b"\r\n", 1)
    assert said == b"# thresholds fitted to the scorer abc"
    assert rest == b"a: 1\r\nthresholds:\r\n  types:\r\n    illegal: 0.62\r\n"
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("a: 1\n")
    for path, said in (
        (pipe, "no regular file"),
        (tmp_path, "no regular file"),
        (tmp_path / "none" / "policy.yaml", "policy.yaml: cannot be written: No such"),
        (file / "policy.yaml", "policy.yaml: cannot be written: Not a dir"),
    ):
        with pytest.raises(UsageError, match=said):
            write_thresholds(path, {"illegal": 0.62}, "abc")
    assert pipe.is_fifo()
