"""One record as trainers read it: the json of a WebDataset sample, and four kinds of jsonl line.

psa-vlm has exactly the four fields of the released records (papers.md 4.4); llava and sharegpt
carry the label beside theirs, because their readers pass over what they do not know; openai's
does not, so it carries none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit.taxonomy import LEVELS, TYPES
from curation.records import IMAGE, Record

Line = dict[str, Any]


def psa_vlm(record: Record, image: str, turns: list[tuple[str, str]]) -> Line:
    """PSA-VLM: whole numbers, and roles in upper case."""
    return {
        **_label(record),
        "image": image,
        "conversations": _said(turns, "USER", "ASSISTANT"),
    }


def llava(record: Record, image: str, turns: list[tuple[str, str]]) -> Line:
    """LLaVA: human and gpt."""
    said = _said(turns, "human", "gpt")
    return {"id": record.uid, "image": image, "conversations": said, **_label(record)}


def sharegpt(record: Record, image: str, turns: list[tuple[str, str]]) -> Line:
    """ShareGPT with pictures, as LLaMA-Factory reads it: a list of paths in `images`."""
    said = _said(turns, "human", "gpt")
    return {"id": record.uid, "images": [image], "conversations": said, **_label(record)}


def openai(record: Record, image: str, turns: list[tuple[str, str]]) -> Line:
    """OpenAI's chat messages; the picture is a part of what the user says, where it was named."""
    messages: list[Line] = []
    for role, text in turns:
        content: object = text
        if IMAGE in text:
            before, _, after = text.partition(IMAGE)
            parts: list[Line] = [{"type": "image_url", "image_url": {"url": image}}]
            if before.strip():
                parts.insert(0, {"type": "text", "text": before.strip()})
            if after.strip():
                parts.append({"type": "text", "text": after.strip()})
            content = parts
        messages.append({"role": role, "content": content})
    return {"messages": messages}


DIALECTS: Mapping[str, Callable[[Record, str, list[tuple[str, str]]], Line]] = {
    "psa-vlm": psa_vlm,
    "llava": llava,
    "sharegpt": sharegpt,
    "openai": openai,
}


def turns_of(record: Record, hint: str | None) -> list[tuple[str, str]]:
    """(role, text) of each turn; a hint stands at the end of the first thing the user says."""
    turns = [(str(turn.role), turn.text) for turn in record.turns]
    if hint:
        turns[0] = (turns[0][0], f"{turns[0][1]}\n{hint}")
    return turns


def sample(
    record: Record,
    key: str,
    url: str,
    turns: list[tuple[str, str]],
    *,
    hint: str | None,
    scorer: str,
    policy: str,
) -> Line:
    """The json of a WebDataset sample.

    Every sample has every field, of the same kind and never null: readers that work out columns
    from the first few samples (Hugging Face's does) fail on the rest otherwise. That is why
    concepts are one text, with blanks between, and what is not known is empty.
    """
    row = record.row
    return {
        "uid": record.uid,
        "key": key,
        "url": url,
        "caption": row.caption or "",
        "width": row.width,
        "height": row.height,
        "sha256": row.sha256,
        "format": row.format,
        "source": row.shard,
        "conversations": _said(turns, "human", "gpt"),
        "safety": {
            **_label(record),
            "type": record.type,
            "level": record.level,
            "concepts": " ".join(record.concepts),
            "risk": float(record.risk),
            "decided_by": record.decided_by,
            "action": record.action,
            "reason": record.reason,
            "hint": hint or "",
            "pair": record.pair or "",
            "turns_from": record.source,
            "template": record.template or "",
            "scorer": scorer,
            "policy": policy,
        },
    }


def _label(record: Record) -> Line:
    return {
        "safe_type": TYPES.index(record.type),
        "safe_level": LEVELS.index(record.level),
    }


def _said(turns: list[tuple[str, str]], user: str, assistant: str) -> list[Line]:
    names = {"user": user, "assistant": assistant}
    return [{"from": names[role], "value": text} for role, text in turns]
