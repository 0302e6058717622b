"""What is said about a picture: a question and an answer, or the conversation its source has.

The level decides the tone: `none` answers, `low` answers with caution, `medium` answers guardedly
or declines, `high` declines and says why. A harmless picture keeps its caption as the answer, or
the conversation it came with. Where the words beside a picture are what is harmful, they are
quoted and declined (stage 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import foreign
from curation.records import Turn
from curation.rules import RISKY_TYPES
from curation.seeded import below, draw, pick
from curation.templates import CAPTION, NO_REFUSAL, Template, Templates

UNSAFE_WORDS = ("unsafe_unsafe", "safe_unsafe")
"""Pairs of a catalog in which the caption by itself is harmful."""

TOGETHER = "safe_safe_unsafe"

REFUSED_WORDS = (*UNSAFE_WORDS, TOGETHER)
"""Pairs of conversations in which the words are declined."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a conversation is about.

    type, level    of the picture, names of the taxonomy
    pair           as the catalog has it; caption_type: likewise
    """

    uid: str
    type: str
    level: str
    caption: str | None
    metadata: str | None
    pair: str | None
    caption_type: str | None


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation.

    pair       which of picture and words (what the user says, and the caption where it is quoted
               or given as the answer) is harmful; None: nobody has judged the words
    template   ids of the texts, joined by "+"; None for a conversation of the source
    notes      what could not be used of the source, as phrases
    """

    turns: tuple[Turn, ...]
    source: Literal["template", "caption", "source-conversation"]
    template: str | None
    pair: str | None
    notes: tuple[str, ...] = ()


def about(subject: Subject, templates: Templates, seed: int, *, stage: int) -> Talk:
    """The conversation about a picture.

    stage   1: one question and one answer, and the words beside a picture play no part;
            2: all turns of the source, and harmful words are quoted and declined
    """
    safe = subject.type == TYPES[SAFE]
    words_are_unsafe = subject.pair in UNSAFE_WORDS or (safe and subject.pair == TOGETHER)
    notes: list[str] = []
    if safe and not words_are_unsafe:
        found = foreign.conversation(subject.metadata)
        if isinstance(found, tuple):
            if stage == 1 and len(found) > 2:
                found = found[:2]
                notes.append("conversations cut to their first question and answer")
            return Talk(found, "source-conversation", None, None, tuple(notes))
        if found is not None:
            notes.append(f"conversations of the source not used: {found}")
    caption = foreign.caption(subject.caption)
    if caption is None and (subject.caption or "").strip():
        notes.append("captions not used: nothing readable, or too long")
    if stage == 2 and words_are_unsafe and caption is not None:
        return _quoted(subject, caption, templates, seed, tuple(notes))
    if safe and not words_are_unsafe and caption is not None:
        question = pick(seed, "question", subject.uid, templates["questions.caption"])
        turns = _exchange(seed, subject.uid, question.text, caption)
        pair = "safe_safe" if subject.pair is not None else None
        return Talk(turns, "caption", question.id, pair, tuple(notes))
    return _asked(subject, templates, seed, tuple(notes))


def request(subject: Subject, templates: Templates, seed: int) -> Talk:
    """A harmful request about the picture, declined; of the picture's type where it is risky."""
    safe = subject.type == TYPES[SAFE]
    kind = pick(seed, "request type", subject.uid, RISKY_TYPES) if safe else subject.type
    question = pick(seed, "request", subject.uid, templates[f"requests.{kind}.questions"])
    answer = pick(seed, "request answer", subject.uid, templates[f"requests.{kind}.answers"])
    turns = _exchange(seed, f"{subject.uid}\0request", question.text, answer.text)
    return Talk(turns, "template", _ids(question, answer), UNSAFE_WORDS[safe])


def _asked(subject: Subject, templates: Templates, seed: int, notes: tuple[str, ...]) -> Talk:
    """A question and an answer of ours."""
    kind, level = subject.type, subject.level
    question = pick(seed, "question", subject.uid, templates.questions(kind, level))
    cell = level
    # Half of them declined, whatever the lengths of the lists.
    if level == LEVELS[2] and kind != NO_REFUSAL:
        cell = "decline" if below(draw(seed, "decline", subject.uid), 0.5) else level
    answer = pick(seed, "answer", subject.uid, templates[f"answers.{kind}.{cell}"])
    turns = _exchange(seed, subject.uid, question.text, answer.text)
    pair = "safe_safe" if kind == TYPES[SAFE] else "unsafe_safe"
    return Talk(turns, "template", _ids(question, answer), pair, notes)


def _quoted(
    subject: Subject, caption: str, templates: Templates, seed: int, notes: tuple[str, ...]
) -> Talk:
    """The caption in the user's mouth, declined because of what it says."""
    safe = subject.type == TYPES[SAFE]
    question = pick(seed, "quote", subject.uid, templates["quotes.questions"])
    if subject.pair == TOGETHER:
        place, pair = "quotes.together", TOGETHER
    else:
        known = subject.caption_type if subject.caption_type in RISKY_TYPES else "any"
        place = f"requests.{known}.answers"
        pair = "safe_unsafe" if safe else "unsafe_unsafe"
    answer = pick(seed, "quote answer", subject.uid, templates[place])
    text = question.text.replace(CAPTION, caption)
    turns = _exchange(seed, subject.uid, text, answer.text)
    return Talk(turns, "template", _ids(question, answer), pair, notes)


def _exchange(seed: int, name: str, question: str, answer: str) -> tuple[Turn, ...]:
    """One question, the picture before or after it, and one answer (papers.md 4.5)."""
    after = below(draw(seed, "image after", name), 0.5)
    text = foreign.with_image(question, after=after)
    return (Turn("user", text), Turn("assistant", answer))


def _ids(*templates: Template) -> str:
    return "+".join(template.id for template in templates)
