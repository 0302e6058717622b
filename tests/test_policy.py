"""Policies: the presets, what a file may leave out, and what is refused with its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.errors import UsageError
from audit.evaluation.policyfile import write_thresholds
from audit.resources import data_path
from curation.policy import PRESETS, load
from curation.rules import ACTIONS, RISKY_LEVELS, RISKY_TYPES, Policy

PRESET = data_path("policies", "balanced.yaml").read_text(encoding="utf-8")


def policy(tmp_path: Path, text: str, **known: Any) -> Policy:
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    return load(tmp_path / "p.yaml", **known)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_whole_and_says_what_it_is(name: str) -> None:
    preset = load(name)
    assert preset.name == name
    assert preset.about
    for kind in RISKY_TYPES:
        assert 0 < preset.rules.types[kind] <= 1
        assert set(preset.rules.grid[kind]) == set(RISKY_LEVELS)


def test_presets_differ_and_a_stricter_one_is_nowhere_looser() -> None:
    assert len({load(name).hash for name in PRESETS}) == len(PRESETS)
    strict, balanced, permissive = (load(n).rules for n in ("strict", "balanced", "permissive"))
    for stricter, looser in ((strict, balanced), (balanced, permissive)):
        for kind in RISKY_TYPES:
            assert stricter.types[kind] <= looser.types[kind]
            for level in RISKY_LEVELS:
                actions = stricter.grid[kind][level], looser.grid[kind][level]
                # To redact a picture and to tell how to answer to it are not ordered by harm.
                if actions != ("keep-with-hint", "redact"):
                    assert ACTIONS.index(actions[0]) >= ACTIONS.index(actions[1]), (kind, level)


def test_a_policy_says_only_what_differs_from_its_preset(tmp_path: Path) -> None:
    own = policy(
        tmp_path,
        "based_on: strict\n"
        "thresholds: {types: {illegal: 0.62}, concepts: {gore: null}, image_text: null}\n"
        "grid: {politics: keep}\nconcepts: {gore: null}\nimage_text:\n"
        "duplicates: {near: {action: review}}\n",
    )
    strict = load("strict")
    assert own.name == "p"
    assert own.rules.types == {**strict.rules.types, "illegal": 0.62}
    assert own.rules.grid["politics"] == dict.fromkeys(RISKY_LEVELS, "keep")
    assert "gore" not in own.rules.concepts
    assert own.rules.concepts == {k: v for k, v in strict.rules.concepts.items() if k != "gore"}
    assert own.rules.image_text is None
    assert own.duplicates.near == "review"
    assert own.duplicates.distance == strict.duplicates.distance


def test_without_grid_it_is_based_on_balanced(tmp_path: Path) -> None:
    path = tmp_path / "fitted.yaml"
    write_thresholds(path, {"illegal": 0.62}, "some scorer")
    rules = load(path).rules
    assert rules.types["illegal"] == 0.62
    assert rules.grid == load("balanced").rules.grid


def test_the_hash_is_that_of_the_rules_alone(tmp_path: Path) -> None:
    hash_ = load("balanced").hash
    content = yaml.safe_load(PRESET)
    reordered = yaml.safe_dump({**content, "name": "other", "about": "x"}, sort_keys=True)
    assert policy(tmp_path, reordered).hash == hash_
    assert policy(tmp_path, PRESET.replace("risk: 0.5", "risk: 0.51")).hash != hash_
    assert policy(tmp_path, PRESET.replace("min_kept_share: 0.3", "")).hash != hash_
    assert policy(tmp_path, "based_on: balanced\n").hash == hash_


def test_a_shard_has_the_rules_of_the_first_pattern_that_fits(tmp_path: Path) -> None:
    own = policy(
        tmp_path,
        "sources:\n"
        "- {match: 'coco-*.tar', thresholds: {types: {privacy: 0.8}}, grid: {politics: keep}}\n"
        "- {match: 'coco*', size: {min_side: 9}}\n",
    )
    coco = own.rules_for(("coco-1-abc", "coco-1.tar"))
    assert coco.types["privacy"] == 0.8
    assert coco.types["illegal"] == own.rules.types["illegal"]
    assert coco.grid["politics"]["high"] == "keep"
    assert own.rules_for(("coco", "coco.tar")).min_side == 9
    assert own.rules_for(("laion-1", "laion-1.tar")) is own.rules


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("uncertain: review", "uncertan: review", 0, "unknown key 'uncertan'"),
        ("risk: 0.5", "risk: 1.5", 0, "thresholds.risk: must be a number from 0 to 1, found 1.5"),
        ("risk: 0.5", "risk: .nan", 0, "thresholds.risk: must be a number"),
        ("risk: 0.5", "risk: true", 0, "thresholds.risk: must be a number"),
        ("risk: 0.5", "risk: 0", 0, "a threshold of 0 is reached by everything"),
        ("privacy: 0.5, ", "", 0, "thresholds.types: key 'privacy' is missing"),
        ("illegal: 0.5", "ilegal: 0.5", 0, "thresholds.types: unknown key 'ilegal'"),
        ("nudity: 0.5", "nudty: 0.5", 0, "thresholds.concepts: unknown name 'nudty'"),
        ("nudity: 0.5, ", "", None, "concepts: 'nudity' has nothing under thresholds.concepts"),
        ("nudity: drop, ", "", None, "thresholds.concepts: 'nudity' has nothing under concepts"),
        ("  risk: 0.5", "", None, "uncertain: there is no thresholds.risk; a rule has both"),
        ("uncertain: review", "", None, "thresholds.risk: there is no uncertain; a rule has both"),
        (
            "medium: review, high: drop}\n  insults",
            "medium: drop, high: keep}\n  insults",
            0,
            "grid.illegal: high is 'keep', which is looser than 'drop' of medium",
        ),
        ("high: drop}\n  insults", "high: burn}\n  insults", 0, "unknown value 'burn'"),
        ("  privacy:    {low", "  safe:    {low", 0, "grid: unknown key 'safe'"),
        ("unsafe_unsafe: review", "safe_safe: drop", 0, "pairs: unknown key 'safe_safe'"),
        ("min_side: 64", "min_side: 0", 0, "size.min_side: must be a whole number from 1"),
        ("distance: 2", "distance: 9", 0, "must be a whole number from 0 to 7, found 9"),
        ("exact: drop", "exact: redact", 0, "duplicates.exact: unknown value 'redact'"),
        ("confirmed: keep-with-hint", "confirmed: review", 0, "unknown value 'review'"),
        ("required: [illegal", "required: [nothing", 0, "unknown value 'nothing'"),
        ("drop: 0.5, ", "drop: 1.5, ", 0, "gates.max_share.drop: must be a number from 0 to 1"),
        ("min_kept_share: 0.3", "min_kept: 0.3", 0, "gates.min_kept: must be a whole number"),
        ("gates:", "sources: [{match: x}]\ngates:", 0, "sources[0]: changes nothing"),
        (
            "gates:",
            "sources:\n- match: x\n  grid: {politics: burn}\ngates:",
            2,
            "sources[0].grid.politics: unknown value 'burn'",
        ),
        ("name: balanced", "name: balanced\nname: twice", 1, "key 'name' appears twice"),
        ("name: balanced", "name: balanced\nbased_on: nowhere", 1, "based_on: unknown value"),
    ],
)
def test_a_mistake_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int | None, problem: str
) -> None:
    assert PRESET.count(old) >= 1
    text = PRESET.replace(old, new, 1)
    if old == "gates:":
        text = PRESET.replace("\ngates:", f"\n{new}", 1)
    with pytest.raises(UsageError) as refused:
        policy(tmp_path, text)
    message = str(refused.value)
    found = re.fullmatch(r".*p\.yaml, line (\d+): (.*)", message)
    assert found, message
    assert problem in found[2]
    if line is not None:
        at = PRESET[: PRESET.index("\ngates:") + 1 if old == "gates:" else PRESET.index(old)]
        assert int(found[1]) == at.count("\n") + 1 + line


def test_a_mistake_that_only_the_preset_shows_names_the_line_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"p\.yaml, line 2: grid\.illegal: high is 'drop', which"):
        policy(tmp_path, "grid:\n  illegal: {medium: quarantine}\nbased_on: balanced\n")


def test_a_concept_of_the_users_own_can_be_told(tmp_path: Path) -> None:
    text = "thresholds: {concepts: {sabre: 0.5}}\nconcepts: {sabre: drop}\n"
    with pytest.raises(UsageError, match="unknown name 'sabre'"):
        policy(tmp_path, text)
    assert "sabre" in policy(tmp_path, text, concepts=("sabre",)).rules.concepts


def test_a_policy_that_is_not_there_is_told_with_the_presets(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such policy; give a file, or one of strict, balanced"):
        load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["", "[]", "3", "grid:\n", "thresholds: []", "sources: 3"])
def test_what_is_no_policy_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    if text == "":
        text = "null\n"
    with pytest.raises(UsageError) as refused:
        policy(tmp_path, text)
    assert "\n" not in str(refused.value)


def test_a_copy_of_a_preset_is_not_taken_for_the_preset(tmp_path: Path) -> None:
    copy = tmp_path / "mine.yaml"
    copy.write_bytes(data_path("policies", "strict.yaml").read_bytes())
    assert load(copy).name == "strict (mine.yaml)"
    assert load(copy).hash == load("strict").hash
