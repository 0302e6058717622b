"""Policies being edited: what differs is all that is written, and nothing of others is lost."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.errors import UsageError
from audit.resources import data_path
from curation.drafts import changes, content, digest, save, save_as
from curation.policy import PRESETS, load


def edited(name: str | Path, **_: Any) -> tuple[Any, Any]:
    """(what a policy says, the same to be changed)."""
    said = content(load(name))
    return said, copy.deepcopy(said)


@pytest.mark.parametrize("name", PRESETS)
def test_a_policy_as_plain_values_is_the_same_policy(name: str, tmp_path: Path) -> None:
    preset = load(name)
    gates = yaml.safe_load(data_path("policies", f"{name}.yaml").read_text())["gates"]
    (tmp_path / "p.yaml").write_text(
        yaml.safe_dump({**content(preset), "name": "p", "gates": gates})
    )
    assert load(tmp_path / "p.yaml").hash == preset.hash


def test_only_what_differs_is_written_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(data_path("policies", "balanced.yaml").read_bytes())
    before = path.read_text().splitlines()
    old, new = edited(path)
    new["thresholds"]["types"]["illegal"] = 0.37
    new["grid"]["politics"]["high"] = "drop"
    del new["concepts"]["gore"], new["thresholds"]["concepts"]["gore"]
    new["size"]["min_side"] = 100
    changed = changes(old, new)
    save(path, changed, digest(path))
    after = path.read_text().splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 5
    assert content(load(path)) == new
    assert load(path).hash == load("balanced", changes=changed).hash


def test_rules_that_are_new_or_gone_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("# ours\nthresholds: {types: {illegal: 0.4}}  # fitted\n")
    old, new = edited(path)
    new["thresholds"]["concepts"]["weapon"], new["concepts"]["weapon"] = 0.5, "review"
    del new["thresholds"]["risk"], new["uncertain"]
    new["grid"]["illegal"] = dict.fromkeys(("low", "medium", "high"), "drop")
    new["required"] = ["illegal", "caption"]
    save(path, changes(old, new), digest(path))
    assert content(load(path)) == new
    assert path.read_text().startswith("# ours\nthresholds: {types: {illegal: 0.4}")
    assert "# fitted" in path.read_text()
    back = changes(new, old)
    save(path, back, digest(path))
    assert content(load(path)) == old


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("based_on: strict\n")
    was = digest(path)
    path.write_text("based_on: strict\nuncertain: drop\n")
    with pytest.raises(UsageError, match="own.yaml: was changed by somebody else meanwhile"):
        save(path, {"thresholds": {"types": {"illegal": 0.9}}}, was)
    assert path.read_text() == "based_on: strict\nuncertain: drop\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_policy_that_would_be_wrong_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("based_on: balanced\n")
    looser = {"grid": {"illegal": {"low": "drop", "medium": "drop", "high": "keep"}}}
    with pytest.raises(UsageError, match=r"grid\.illegal: high is 'keep', which is looser"):
        save(path, looser, digest(path))
    with pytest.raises(UsageError, match="looser"):
        save_as(tmp_path / "new.yaml", "balanced", looser)
    assert path.read_text() == "based_on: balanced\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_says_what_it_is_based_on_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "policies" / "mild.yaml"
    old, new = edited("permissive")
    new["thresholds"]["types"]["illegal"] = 0.9
    save_as(path, "permissive", changes(old, new))
    assert yaml.safe_load(path.read_text()) == {
        "based_on": "permissive", "thresholds": {"types": {"illegal": 0.9}},
    }  # fmt: skip
    assert load(path).name == "mild"
    with pytest.raises(UsageError, match="there is a policy of this name; choose another"):
        save_as(path, "strict", {})
    copy_of = path.with_name("copy.yaml")
    path.write_text(path.read_text() + "name: mild\n# ours\n")
    save_as(copy_of, path, {})
    assert load(copy_of).name == "copy"
    assert "# ours" in copy_of.read_text()
    assert sorted(p.name for p in path.parent.iterdir()) == ["copy.yaml", "mild.yaml"]


def test_nothing_means_not_there_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    text = data_path("policies", "balanced.yaml").read_text()
    path.write_text(text.replace("uncertain: review", "uncertain:").replace("  risk: 0.5", ""))
    assert load(path).rules.uncertain is None
