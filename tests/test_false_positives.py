"""Harmless drawings are flagged no more often than the committed figures say."""

from __future__ import annotations

import json
import math
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from audit.card import read_card
from audit.cli import main
from audit.demo import KINDS
from audit.demo.harmless import GROUPS, draw_harmless, texts
from audit.demo.harmless.faces import face
from audit.demo.harmless.reading import faces_of
from audit.false_positives import (
    CARD_NAME,
    COUNT,
    Group,
    Picture,
    bundled_name,
    committed,
    explained,
    grown,
    measure,
    pictures,
    summary,
)
from audit.images import load
from audit.resources import data_path
from audit.scorer import Scorer
from audit.taxonomy import SAFE

SUBSET = 12
"""Pictures of each group that the tests score: the first of those in the committed figures."""


@pytest.fixture(scope="module")
def drawn() -> list[Picture]:
    return list(pictures(SUBSET))


@pytest.fixture(scope="module")
def found(drawn: list[Picture]) -> tuple[Group, ...]:
    return measure(Scorer.load("compact", device="cpu"), drawn)


def group(flagged: int, images: int, name: str = "maps") -> Group:
    return Group(name, images, tuple(range(flagged)), {"privacy": flagged} if flagged else {})


def test_the_bundled_scorer_flags_no_more_than_committed(found: tuple[Group, ...]) -> None:
    assert grown(found, committed("compact")) == []


def test_a_scorer_that_trusts_less_is_found_out(drawn: list[Picture]) -> None:
    scorer = Scorer.load("compact", device="cpu")
    head = scorer.safety.head.type_head
    with_bias = head.bias.detach().clone()
    with_bias[SAFE] -= 2
    head.bias.data.copy_(with_bias)
    lines = grown(measure(scorer.to("cpu"), drawn), committed("compact"))
    assert any(line.startswith("all groups: ") for line in lines)
    assert len(lines) > 1


def test_the_committed_figures_are_of_the_bundled_scorer_and_on_its_card() -> None:
    entry = json.loads(data_path("false-positives.json").read_text())["compact"]
    assert entry["fingerprint"] == Scorer.load("compact", device="cpu").fingerprint
    groups = committed("compact")
    assert [g.name for g in groups] == list(GROUPS)
    assert {g.images for g in groups} == {COUNT}
    card = read_card(data_path("scorers", "compact"))
    assert card.metrics[CARD_NAME] == summary(groups)


def test_every_picture_is_counted_and_every_flag_has_a_type(found: tuple[Group, ...]) -> None:
    assert [g.name for g in found] == list(GROUPS)
    assert {g.images for g in found} == {SUBSET}
    for g in found:
        assert sum(g.wrong.values()) == len(g.flagged)
        assert all(a < b for a, b in pairwise(g.flagged))
        assert "safe" not in g.wrong


@pytest.mark.parametrize(
    ("now", "then", "says"),
    [
        (group(0, 12), group(0, 60), None),
        (group(2, 12), group(0, 60), None),  # explained by chance: none of 60 is not never
        (group(3, 12), group(0, 60), "3 of 12 flagged, at most 2 expected of the committed 0 of"),
        (group(12, 12), group(12, 60), None),  # the very same pictures
        (group(12, 12), group(11, 60), "12 of 12 flagged, at most 11 expected"),
        (group(30, 60), group(12, 60), "30 of 60 flagged"),
        (group(1, 12, "stamps"), group(0, 60), "stamps: no committed figure; record it"),
    ],
)
def test_more_than_counting_noise_is_growth(now: Group, then: Group, says: str | None) -> None:
    lines = grown([now], [then])
    assert bool(lines) == (says is not None)
    if says:
        assert says in lines[0]


def test_small_growth_in_every_group_is_growth_of_all_together() -> None:
    then = [group(0, 60, name) for name in GROUPS]
    now = [group(1, 12, name) for name in GROUPS]
    assert [line.split(":")[0] for line in grown(now, then)] == ["all groups"]


@pytest.mark.parametrize(("images", "rate"), [(12, 1 / 62), (60, 0.3), (444, 0.04), (5, 0.9)])
def test_explained_counts_agree_with_sums_by_hand(images: int, rate: float) -> None:
    chances = [
        math.comb(images, k) * rate**k * (1 - rate) ** (images - k) for k in range(images + 1)
    ]
    expected = max(k for k in range(images + 1) if sum(chances[k:]) >= 0.01)
    assert explained(images, rate) == expected


@pytest.mark.parametrize("name", GROUPS)
def test_a_number_gives_the_same_file_and_another_number_another(name: str) -> None:
    files = [draw_harmless(name, number) for number in (0, 1, 0)]
    assert files[0] == files[2] != files[1]
    for data in files[:2]:
        picture = load(data, size=64, crop_mode="pad")
        assert 256 <= max(picture.width, picture.height) <= 512
        assert min(picture.width, picture.height) >= 80


def test_there_are_many_groups_and_none_is_a_kind_of_training() -> None:
    assert len(GROUPS) >= 20
    assert not set(GROUPS) & set(KINDS)
    with pytest.raises(ValueError, match="unknown group 'cats'; known: paragraphs, "):
        draw_harmless("cats", 0)


@pytest.mark.parametrize("language", texts.SCRIPTS)
def test_faces_hold_every_letter_of_a_foreign_script(language: str) -> None:
    for name in faces_of(language):
        font = face(name, 24)
        missing = bytes(font.getmask("\uffff"))
        letters = set("".join(texts.SCRIPTS[language]))
        if language in texts.RIGHT_TO_LEFT:
            letters |= set(texts._joined(" ".join(texts.SCRIPTS[language])))
        for letter in letters - {" "}:
            assert bytes(font.getmask(letter)) != missing, f"{name} has no {letter!r}"


def test_arabic_letters_take_the_forms_their_neighbours_ask_for() -> None:
    # lam and qaf join on both sides, alef, dal and waw to the right only
    assert texts._joined("قلق دار") == "ﻗﻠﻖ ﺩﺍﺭ"


def test_the_command_measures_and_records_any_scorer(
    small_scorer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(small_scorer, folder)
    before = data_path("false-positives.json").read_bytes()
    sheet = tmp_path / "sheet.png"
    command = ["false-positives", str(folder), "--count", "1", "--out", str(sheet), "--device",
               "cpu"]  # fmt: skip
    assert main([*command, "--json", "--record"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["images"] == len(GROUPS)
    assert list(said["groups"]) == list(GROUPS)
    assert read_card(folder).metrics[CARD_NAME]["groups"].keys() == set(GROUPS)
    assert data_path("false-positives.json").read_bytes() == before
    assert load(sheet.read_bytes(), size=64, crop_mode="pad").height > 1000
    assert bundled_name(folder) is None
    assert bundled_name(data_path("scorers", "compact")) == "compact"
    assert main(command[:4]) == 0
    assert "95 % interval" in capsys.readouterr().out
