"""Captions and conversations of strangers, made fit to stand in a conversation.

What comes from the internet must not add a picture, end a turn or begin one: placeholders of
pictures, marks of chat formats, role names with a colon and control characters are taken out.
What remains is what its author wrote.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Literal

from curation.records import IMAGE, Turn

LONGEST = 8000  # characters of a caption or a turn

# Special words of the chat formats that trainers know; each becomes a blank, so that taking one
# out never makes another.
_MARKS = re.compile(
    r"""<\|[^|<>]{0,40}\|> | <</?sys>> | \[/?inst\]
      | </?(?:s|images?|image_\w{1,20}|img|img_\w{1,20}|im_\w{1,20}|video|audio|split|pad|unk
             |bos|eos|start_of_\w{1,20}|end_of_\w{1,20})/?>
      | \[img(?:_break|_end)?\]
      | \#\#\#(?=\s*(?:user|assistant|human|system|gpt|bot)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_ROLES = re.compile(r"\b(user|assistant|human|system|gpt)\s*[:\uff1a]", re.IGNORECASE)
_KEPT = frozenset("\u200c\u200d")  # joiners that words of some languages and emoji need
_USERS = ("human", "user")
_ASSISTANTS = ("gpt", "assistant")


def plain(text: str, *, lines: bool = False) -> str:
    """The text without what could break a conversation; "" where nothing remains.

    lines   keep line breaks; else all blanks become single ones
    """
    if not text.isprintable() or not text.isascii():
        text = "".join(map(_character, text))
    before = None
    while before != text:
        before = text
        text = _ROLES.sub(r"\1", _MARKS.sub(" ", text))
    if not lines:
        return " ".join(text.split())
    kept = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", kept).strip()


def _character(character: str) -> str:
    if character in "\n\r\t\u2028\u2029\x85":
        return "\n" if character in "\n\r\u2028\u2029\x85" else " "
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cs") or (kind == "Cf" and character not in _KEPT):
        return " " if kind == "Cc" else ""
    return character


def caption(text: str | None) -> str | None:
    """A caption as an answer; None where there is none, or none that can be used."""
    cleaned = plain(text or "")
    return cleaned if 0 < len(cleaned) <= LONGEST else None


def conversation(metadata: str | None) -> tuple[Turn, ...] | str | None:
    """The conversation in a sample's json: a list `conversations` of {"from", "value"}, as LLaVA
    writes it, or `messages` of {"role", "content"}.

    returns  the turns, user first, each pair complete, IMAGE once at the begin or end of the first;
             why it cannot be used; None where there is none
    """
    # Most samples have none, and reading JSON of millions of them takes long.
    if not metadata or ('"conversations"' not in metadata and '"messages"' not in metadata):
        return None
    try:
        record = json.loads(metadata)
    except (ValueError, RecursionError):
        return "json that cannot be read"
    said = record.get("conversations", record.get("messages")) if isinstance(record, dict) else None
    return _turns(said) if isinstance(said, list) and said else None


def _turns(said: list[Any]) -> tuple[Turn, ...] | str:
    turns: list[Turn] = []
    after = False
    for number, entry in enumerate(said):
        if not isinstance(entry, dict):
            return "a turn that is no object"
        who = str(entry.get("from", entry.get("role", ""))).strip().lower()
        value = entry.get("value", entry.get("content"))
        if number == 0 and who == "system":
            continue
        wanted = _ASSISTANTS if len(turns) % 2 else _USERS
        if who not in wanted:
            return "turns that do not go user, assistant"
        if not isinstance(value, str):
            return "a turn without text"
        text = plain(value, lines=True)
        if not text or len(text) > LONGEST:
            return "a turn that is empty or too long"
        if not turns:
            after = value.rstrip().endswith(IMAGE) and not value.lstrip().startswith(IMAGE)
        role: Literal["user", "assistant"] = "assistant" if len(turns) % 2 else "user"
        turns.append(Turn(role, text))
    turns = turns[: len(turns) // 2 * 2]  # a last question that nobody answered
    if not turns:
        return "no question with an answer"
    turns[0] = Turn("user", with_image(turns[0].text, after=after))
    return tuple(turns)


def with_image(question: str, *, after: bool) -> str:
    """A question with the picture before or after it."""
    return f"{question}\n{IMAGE}" if after else f"{IMAGE}\n{question}"
