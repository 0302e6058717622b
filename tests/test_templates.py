"""Questions and answers of our own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.errors import UsageError
from audit.resources import data_path
from audit.taxonomy import LEVELS, TYPES
from curation.rules import RISKY_TYPES
from curation.templates import ANSWERS, QUESTIONS, Templates, load

FILE = data_path("templates", "english.yaml")
SORRY = re.compile(r"\b(sorry|apologise)\b", re.IGNORECASE)
DECLINES = re.compile(r"\b((rather|prefer|choose|better)\b.{0,12}\bnot|leaving|pass on this)\b")


@pytest.fixture(scope="module")
def templates() -> Templates:
    return load()


def test_every_cell_that_can_occur_has_enough_of_both(templates: Templates) -> None:
    for kind in TYPES:
        for level in LEVELS if kind in RISKY_TYPES else LEVELS[:1]:
            assert len(templates.questions(kind, level)) >= QUESTIONS
            assert len(templates[f"answers.{kind}.{level}"]) >= ANSWERS
    assert len(templates["questions.caption"]) >= QUESTIONS


def test_the_level_decides_the_tone(templates: Templates) -> None:
    for kind in RISKY_TYPES:
        for level in LEVELS:
            for template in templates[f"answers.{kind}.{level}"]:
                assert bool(SORRY.search(template.text)) == (level == "high"), template
        # Asked whether there is a reason against it or whether it is fine: neither yes nor no fits.
        for template in templates[f"answers.{kind}.none"]:
            assert not re.match("(yes|no)[,. ]", template.text, re.IGNORECASE), template
        for template in templates[f"answers.{kind}.high"]:
            assert len(template.text.split()) >= 12, "a refusal gives its reason"
        for template in templates.lists.get(f"answers.{kind}.decline", ()):
            assert DECLINES.search(template.text), template


def test_fairness_offers_no_refusal_at_level_medium(templates: Templates) -> None:
    assert "answers.fairness.decline" not in templates.lists
    for template in templates["answers.fairness.medium"]:
        assert not DECLINES.search(template.text) and not SORRY.search(template.text), template
    assert all(f"answers.{k}.decline" in templates.lists for k in RISKY_TYPES if k != "fairness")


def test_no_text_stands_in_two_places(templates: Templates) -> None:
    texts = [t.text for place in templates.lists.values() for t in place]
    assert len(texts) == len(set(texts)) > 300
    ids = [t.id for place in templates.lists.values() for t in place]
    assert len(ids) == len(set(ids))


def changed(tmp_path: Path, change: Any) -> Path:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda c: c["questions"]["open"].insert(0, "Wer ist das?"))
    mine = load(path)
    assert mine["questions.open"][0].text == "Wer ist das?"
    assert mine["questions.open"][0].id == "questions.open.1"
    assert mine.sha256 != load().sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["answers"]["fairness"].update(decline=["No."]), "unknown key 'decline'"),
        (lambda c: c["answers"].pop("privacy"), "answers: key 'privacy' is missing"),
        (lambda c: c["questions"].update(open=["What?"]), "has 1 texts; at least 8 are needed"),
        (lambda c: c["questions"]["open"].append("<image> What?"), "has <image> in it"),
        (lambda c: c["questions"]["open"].append("What of {x}?"), "must have no braces"),
        (lambda c: c["quotes"]["questions"].append("And?"), "must have {caption} once"),
        (lambda c: c["answers"]["safe"]["none"].append(7), "must be text, found 7"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(changed(tmp_path, change))
    assert message in str(refused.value)
    assert re.search(r"mine\.yaml, line \d+: ", str(refused.value))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.yaml")
