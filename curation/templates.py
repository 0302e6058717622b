"""Questions and answers of our own wording: `data/templates/*.yaml`, checked on reading.

A text is known by where it stands: `answers.privacy.low.3` is the third of that list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.resources import data_path
from audit.taxonomy import LEVELS, SAFE, TYPES
from audit.yamlfile import YamlFile
from curation.records import IMAGE
from curation.rules import RISKY_LEVELS, RISKY_TYPES

DEFAULT = "english"
CAPTION = "{caption}"
"""Where the caption stands in a question that quotes it."""

QUESTIONS, ANSWERS = 8, 6
"""Texts that each list has at least."""

NO_REFUSAL = "fairness"
"""The type that is never declined at level medium: declining would itself treat people unlike."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text and its id."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Templates:
    """All lists of one file, by their place in it.

    questions.open        about any picture; questions.<type>: about pictures of that type
    questions.check       whether anything is the matter with a picture; for level none
    questions.caption     what a caption answers
    answers.<type>.<level>            by level; answers.safe.none for harmless pictures
    answers.<type>.decline            instead, at level medium; none for NO_REFUSAL
    requests.<type>.questions         asked of a harmless picture, and refused
    requests.<type>.answers           that refuse; also where a caption is of that type
    requests.any.answers              where the caption's type is not known
    quotes.questions                  with CAPTION in them
    quotes.together                   where picture and caption are harmful only together
    sha256                            hex, of the file
    """

    lists: Mapping[str, tuple[Template, ...]]
    sha256: str

    def __getitem__(self, place: str) -> tuple[Template, ...]:
        """The list at a place."""
        return self.lists[place]

    def questions(self, kind: str, level: str) -> tuple[Template, ...]:
        """What may be asked about a picture of this type and level."""
        if level == LEVELS[0]:
            return self["questions.check"]
        return (*self["questions.open"], *self[f"questions.{kind}"])


def load(name: str | Path = DEFAULT) -> Templates:
    """Read templates: those that come along by name, or a file of the user's own.

    raises   UsageError, one line, naming the file, the line and what is wrong there
    """
    named = data_path("templates", f"{name}.yaml")
    path = named if str(name) == DEFAULT else Path(name)
    reader = _Reader(YamlFile(path))
    return Templates(reader.read(), hashlib.sha256(path.read_bytes()).hexdigest())


class _Reader:
    def __init__(self, file: YamlFile) -> None:
        self._file = file
        self._lists: dict[str, tuple[Template, ...]] = {}

    def read(self) -> dict[str, tuple[Template, ...]]:
        file = self._file
        parts = ("questions", "answers", "requests", "quotes")
        top = file.mapping(file.content, "", required=parts, optional=("about",))
        asked = ("open", "check", "caption", *RISKY_TYPES)
        questions = self._keys(top["questions"], "questions", asked)
        for name in asked:
            least = 1 if name in RISKY_TYPES else QUESTIONS
            self._list(questions[name], f"questions.{name}", least)
        answers = self._keys(top["answers"], "answers", TYPES)
        for name in RISKY_TYPES:
            decline = () if name == NO_REFUSAL else ("decline",)
            keys = (LEVELS[0], *RISKY_LEVELS, *decline)
            cells = self._keys(answers[name], f"answers.{name}", keys)
            for key in keys:
                self._list(cells[key], f"answers.{name}.{key}", ANSWERS)
        safe = self._keys(answers[TYPES[SAFE]], "answers.safe", (LEVELS[0],))
        self._list(safe[LEVELS[0]], f"answers.safe.{LEVELS[0]}", ANSWERS)
        requests = self._keys(top["requests"], "requests", ("any", *RISKY_TYPES))
        for name in ("any", *RISKY_TYPES):
            keys = ("answers",) if name == "any" else ("questions", "answers")
            both = self._keys(requests[name], f"requests.{name}", keys)
            for key in keys:
                least = QUESTIONS if key == "questions" else ANSWERS
                self._list(both[key], f"requests.{name}.{key}", least)
        quotes = self._keys(top["quotes"], "quotes", ("questions", "together"))
        self._list(quotes["questions"], "quotes.questions", QUESTIONS, quoting=True)
        self._list(quotes["together"], "quotes.together", ANSWERS)
        return self._lists

    def _keys(self, value: object, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
        return self._file.mapping(value, where, required=keys)

    def _list(self, value: object, where: str, least: int, *, quoting: bool = False) -> None:
        texts = self._file.texts(value, where, longest=500)
        if len(texts) < least:
            raise self._file.error(where, f"has {len(texts)} texts; at least {least} are needed")
        for number, text in enumerate(texts):
            at = f"{where}[{number}]"
            if IMAGE in text:
                raise self._file.error(at, f"has {IMAGE} in it, which is put in by itself")
            if text.count(CAPTION) != quoting or text.replace(CAPTION, "").count("{"):
                wanted = f"{CAPTION} once" if quoting else "no braces"
                raise self._file.error(at, f"must have {wanted}, found {text!r:.60}")
        self._lists[where] = tuple(
            Template(f"{where}.{number}", text) for number, text in enumerate(texts, 1)
        )
