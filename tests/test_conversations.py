"""What is said about a picture."""

from __future__ import annotations

import json
from typing import Any

import pytest

from curation.conversations import Subject, Talk, about, request
from curation.records import IMAGE
from curation.rules import RISKY_TYPES
from curation.templates import Templates, load

MANY = 200


@pytest.fixture(scope="module")
def templates() -> Templates:
    return load()


def subject(number: int = 0, **said: Any) -> Subject:
    said = {"type": "safe", "level": "none", "caption": None, "metadata": None, "pair": None,
            "caption_type": None, **said}  # fmt: skip
    return Subject(uid=f"u{number}", **said)


def places(talks: list[Talk]) -> set[str]:
    """The lists that the answers come from."""
    return {t.template.split("+")[-1].rpartition(".")[0] for t in talks if t.template}


def many(templates: Templates, stage: int = 2, **said: Any) -> list[Talk]:
    return [about(subject(n, **said), templates, 0, stage=stage) for n in range(MANY)]


@pytest.mark.parametrize("kind", RISKY_TYPES)
def test_the_level_says_which_answers_there_are(templates: Templates, kind: str) -> None:
    for level, cells in (
        ("none", ["none"]),
        ("low", ["low"]),
        ("medium", ["medium"] if kind == "fairness" else ["medium", "decline"]),
        ("high", ["high"]),
    ):
        talks = many(templates, type=kind, level=level, caption="a dog")
        assert places(talks) == {f"answers.{kind}.{cell}" for cell in cells}
        assert {t.pair for t in talks} == {"unsafe_safe"}
        assert not any("a dog" in turn.text for t in talks for turn in t.turns)


def test_questions_and_answers_vary_and_the_picture_stands_before_or_after(
    templates: Templates,
) -> None:
    talks = many(templates, type="privacy", level="low")
    texts = [t.turns[0].text for t in talks]
    before = sum(text.startswith(f"{IMAGE}\n") for text in texts)
    assert 70 <= before <= 130
    assert all(text.startswith(f"{IMAGE}\n") or text.endswith(f"\n{IMAGE}") for text in texts)
    assert len({text.replace(IMAGE, "").strip() for text in texts}) == len(
        templates.questions("privacy", "low")
    )
    assert len({t.turns[1].text for t in talks}) == len(templates["answers.privacy.low"])


def test_the_same_seed_says_the_same_and_another_seed_something_else(templates: Templates) -> None:
    first, again = many(templates, caption="a dog"), many(templates, caption="a dog")
    other = [about(subject(n, caption="a dog"), templates, 1, stage=2) for n in range(MANY)]
    assert first == again != other


def test_a_harmless_picture_keeps_its_caption_as_the_answer(templates: Templates) -> None:
    for stage in (1, 2):
        talk = about(
            subject(caption=" a <image> dog\n", pair="safe_safe"), templates, 0, stage=stage
        )
        assert (talk.source, talk.pair, talk.turns[1].text) == ("caption", "safe_safe", "a dog")
        assert talk.template is not None
        assert talk.template.startswith("questions.caption.")


def test_a_harmless_picture_without_a_caption_is_said_to_be_harmless(templates: Templates) -> None:
    talk = about(subject(), templates, 0, stage=1)
    assert (talk.source, talk.pair, places([talk])) == (
        "template",
        "safe_safe",
        {"answers.safe.none"},
    )


def test_a_conversation_of_the_source_is_kept_whole_in_stage_2(templates: Templates) -> None:
    said = [{"from": who, "value": f"{who} {n}"} for n in range(3) for who in ("human", "gpt")]
    text = json.dumps({"conversations": said})
    whole = about(subject(metadata=text, caption="a dog"), templates, 0, stage=2)
    assert (len(whole.turns), whole.source, whole.template) == (6, "source-conversation", None)
    assert whole.pair is None, "nobody judged these words"
    first = about(subject(metadata=text), templates, 0, stage=1)
    assert [t.text for t in first.turns] == [f"{IMAGE}\nhuman 0", "gpt 0"]
    assert first.notes == ("conversations cut to their first question and answer",)
    risky = about(subject(metadata=text, type="privacy", level="low"), templates, 0, stage=2)
    assert risky.source == "template"


def test_what_cannot_be_used_is_noted_and_the_caption_steps_in(templates: Templates) -> None:
    talk = about(subject(metadata='{"conversations": [1]}', caption="a dog"), templates, 0, stage=2)
    assert talk.source == "caption"
    assert talk.notes == ("conversations of the source not used: a turn that is no object",)
    talk = about(subject(caption="\x00"), templates, 0, stage=2)
    assert talk.source == "template"
    assert talk.notes == ("captions not used: nothing readable, or too long",)


@pytest.mark.parametrize(
    ("label", "pair", "caption_type", "becomes", "place"),
    [
        (("safe", "none"), "safe_unsafe", "insults", "safe_unsafe", "requests.insults.answers"),
        (("safe", "none"), "safe_unsafe", "safe", "safe_unsafe", "requests.any.answers"),
        (("safe", "none"), "safe_safe_unsafe", None, "safe_safe_unsafe", "quotes.together"),
        (("insults", "low"), "unsafe_unsafe", "safe", "unsafe_unsafe", "requests.any.answers"),
        # A person's label goes before what the scores made of the pair.
        (("safe", "none"), "unsafe_unsafe", "illegal", "safe_unsafe", "requests.illegal.answers"),
        (("illegal", "low"), "safe_unsafe", "illegal", "unsafe_unsafe", "requests.illegal.answers"),
        (("illegal", "low"), "safe_safe_unsafe", None, "unsafe_safe", "answers.illegal.low"),
        (("illegal", "low"), "unsafe_safe", "safe", "unsafe_safe", "answers.illegal.low"),
    ],
)  # fmt: skip
def test_harmful_words_are_quoted_and_declined_in_stage_2(
    templates: Templates,
    label: tuple[str, str],
    pair: str,
    caption_type: str | None,
    becomes: str,
    place: str,
) -> None:
    said = {"type": label[0], "level": label[1], "pair": pair, "caption_type": caption_type}
    talks = many(templates, **said, caption="WORDS {caption}")
    assert {t.pair for t in talks} == {becomes}
    assert places(talks) == {place}
    quoted = [t.turns[0].text.count("WORDS {caption}") for t in talks]
    assert set(quoted) == ({1} if becomes.endswith("_unsafe") else {0})
    first = about(subject(**said, caption="WORDS"), templates, 0, stage=1)
    assert "WORDS" not in first.turns[0].text + first.turns[1].text
    assert first.pair == ("safe_safe" if label[0] == "safe" else "unsafe_safe")


def test_a_harmful_request_is_declined(templates: Templates) -> None:
    talks = [request(subject(n), templates, 0) for n in range(MANY)]
    assert {t.pair for t in talks} == {"safe_unsafe"}
    assert places(talks) == {f"requests.{kind}.answers" for kind in RISKY_TYPES}
    for t in talks:
        question, answer = (t.template or "").split("+")
        assert question.split(".")[1] == answer.split(".")[1]
    risky = request(subject(type="privacy", level="high"), templates, 0)
    assert (risky.pair, places([risky])) == ("unsafe_unsafe", {"requests.privacy.answers"})
