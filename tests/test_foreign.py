"""Captions and conversations of strangers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import foreign
from curation.records import IMAGE

PIECES = st.sampled_from(
    ["<image>", "<im", "age>", "<s>", "</s>", "<|im_start|>", "<|im", "_end|>", "USER:", "human :",
     "assistant", ":", "[INST]", "[/IN", "ST]", "<<SYS>>", "###", " Human: ", "\n", "\x00",
     "\x1b[2J", "\u202e", "\u200b", "\ud800", "\u2028", "a", " ", "<", ">", "|", "IMAGE"]
)  # fmt: skip
MARK = re.compile(
    r"<image>|</?s>|<\|[^<>|]*\|>|\[/?INST\]|<</?SYS>>|\b(?:user|assistant|human|system|gpt)\s*:",
    re.IGNORECASE,
)


@given(st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_nothing_that_opens_a_turn_or_a_picture_gets_through(text: str) -> None:
    for lines in (False, True):
        cleaned = foreign.plain(text, lines=lines)
        assert not MARK.search(cleaned)
        assert all(c.isprintable() or c in "\n\u200c\u200d" or ord(c) > 0xFF for c in cleaned)
        cleaned.encode("utf-8")  # no lone surrogates
        assert len(cleaned.splitlines()) == len(cleaned.split("\n")) or not cleaned
        assert lines or "\n" not in cleaned
        assert foreign.plain(cleaned, lines=lines) == cleaned


@pytest.mark.parametrize(
    "text",
    ["A dog, 3 < 4 and 5 > 2", "naïve café — 東京タワー", "Re: hello [sic]", "👩‍👧 at the sea",
     "می‌خواهم", "user manual", 'says "no"', "#hashtag ### three"],
)  # fmt: skip
def test_what_an_author_wrote_stays(text: str) -> None:
    assert foreign.plain(text) == text


@pytest.mark.parametrize("text", [None, "", " \n\t", "<image>", "\x00\x07", "a" * 8001])
def test_a_caption_without_words_or_without_end_is_none(text: str | None) -> None:
    assert foreign.caption(text) is None


def said(*turns: tuple[str, Any], **rest: Any) -> str:
    return json.dumps({"conversations": [{"from": w, "value": t} for w, t in turns], **rest})


def test_a_conversation_as_llava_writes_it_keeps_all_its_turns() -> None:
    text = said(("human", "<image>\nWhat is it?"), ("gpt", "A dog."), ("human", "Which?"),
                ("gpt", "A poodle.\n\nSee:\n- curls"))  # fmt: skip
    turns = foreign.conversation(text)
    assert isinstance(turns, tuple)
    assert [(t.role, t.text) for t in turns] == [
        ("user", "<image>\nWhat is it?"), ("assistant", "A dog."),
        ("user", "Which?"), ("assistant", "A poodle.\n\nSee:\n- curls"),
    ]  # fmt: skip


def test_other_forms_of_a_conversation_are_read_too() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "What is it?\n<image>"},
        {"role": "assistant", "content": "A dog. <image>"},
        {"role": "user", "content": "And then"},
    ]
    turns = foreign.conversation(json.dumps({"messages": messages}))
    assert isinstance(turns, tuple)
    assert [t.text for t in turns] == ["What is it?\n<image>", "A dog."]
    upper = foreign.conversation(said(("USER", "What?"), ("ASSISTANT", "A dog.")))
    assert isinstance(upper, tuple)
    assert upper[0].text == f"{IMAGE}\nWhat?"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (said(("gpt", "A dog.")), "turns that do not go user, assistant"),
        (said(("human", "What?"), ("human", "What?")), "turns that do not go user, assistant"),
        (said(("human", "What?")), "no question with an answer"),
        (said(("human", "What?"), ("gpt", 7)), "a turn without text"),
        (said(("human", "<image>"), ("gpt", "A dog.")), "a turn that is empty or too long"),
        (said(("human", "What?"), ("gpt", "x" * 8001)), "a turn that is empty or too long"),
        ('{"conversations": ["hello"]}', "a turn that is no object"),
        ('{"conversations": [', "json that cannot be read"),
        ('{"conversations": []}', None),
        ('["conversations"]', None),
        ('{"caption": "a dog"}', None),
        (None, None),
    ],
)
def test_a_conversation_that_cannot_be_used_says_why(text: str | None, why: str | None) -> None:
    assert foreign.conversation(text) == why
