"""One row for the detail pane, as JSON: text only, what strangers wrote made visible."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

from app.desk import Desk
from audit.outcomes import standing
from audit.taxonomy import LEVELS, TYPES
from audit.text import visible
from audit.verdicts import Decision

CONCEPTS_SHOWN = 8
FAINT = 0.05  # concepts below are left out
MOST_CHARACTERS = 4_000  # of a caption or of metadata
MOST_DECISIONS = 20


PAIRS = {
    "unsafe_unsafe": "picture unsafe, caption unsafe",
    "unsafe_safe": "picture unsafe, caption safe",
    "safe_unsafe": "picture safe, caption unsafe",
    "safe_safe_unsafe": "each safe alone, unsafe together",
    "safe_safe": "picture safe, caption safe",
}


def detail(desk: Desk, row_id: int, reviewer: str | None) -> dict[str, Any] | None:
    """What the pane shows of a row; None for what is unknown, quarantined or locked away.

    Scores of a row that this reviewer is to judge blind are not in it, nor, before they have
    decided themselves, what anybody else has.
    """
    desk.mirror.catch_up()
    row = None if desk.mirror.locked(row_id) else desk.now().detail(row_id)
    if row is None:
        return None
    blind = desk.assignments.blind(reviewer, row_id)
    apart = desk.assignments.hidden(reviewer, row_id)
    mine = None if apart else desk.mirror.mine(row_id, reviewer)
    return {
        "row_id": str(row_id),
        "blind": blind,
        "caption": shown(row["caption"]),
        "status": row["status"],
        "error": shown(row["error"]),
        **(dict.fromkeys(_SCORES) if blind else _scores(row)),
        "image_text": shown(row["image_text"]),
        "uid": shown(row["uid"]),
        "shard": shown(row["shard"]),
        "key": shown(row["key"]),
        "member": shown(row["image_member"]),
        "offset": row["offset"],
        "size": row["size"],
        "width": row["width"],
        "height": row["height"],
        "format": row["format"],
        "metadata": _metadata(row["metadata"]),
        "mine": said(mine) if mine else None,
        "decisions": [] if apart else past(desk, row_id),
    }


_SCORES = (
    "type", "level", "risk", "types", "levels", "concepts", "caption_type", "caption_risk", "pair",
)  # fmt: skip


def _scores(row: dict[str, Any]) -> dict[str, Any]:
    """What the models say of a row: _SCORES."""
    return {
        "type": row["risk_type"],
        "level": row["risk_level"],
        "risk": number(row["risk"]),
        "types": {name: number(row[f"p_{name}"]) for name in TYPES},
        "levels": {name: number(row[f"p_level_{n}"]) for n, name in enumerate(LEVELS)},
        "concepts": concepts(row["concepts"], CONCEPTS_SHOWN),
        "caption_type": row["caption_type"],
        "caption_risk": number(row["caption_risk"]),
        "pair": PAIRS.get(row["pair"], row["pair"]),
    }


def past(desk: Desk, row_id: int) -> list[dict[str, Any]]:
    """The latest decisions about a row, the oldest of them first; also what was undone."""
    every = desk.mirror.said(row_id)
    left = {(found.reviewer, found.id) for found in standing(every)}
    return [
        {**said(found), "undone": (found.reviewer, found.id) not in left,
         "ruled": found.verdict == "adjudicate", "note": shown(found.note) or None}
        for found in every
        if found.verdict != "undo"
    ][-MOST_DECISIONS:]  # fmt: skip


def said(decision: Decision) -> dict[str, Any]:
    """One decision, short."""
    return {
        "id": decision.id,
        "reviewer": decision.reviewer,
        "verdict": decision.stance,
        "type": decision.type,
        "level": decision.level,
        "time": decision.time,
    }


def shown(text: str | None) -> str | None:
    """What a stranger wrote: one line, no controls, no endless length."""
    if text is None:
        return None
    cut = visible(text[:MOST_CHARACTERS])
    return cut if len(text) <= MOST_CHARACTERS else f"{cut} …"


def number(value: float | None) -> float | None:
    """A probability with three decimals; None where there is none."""
    return None if value is None or not math.isfinite(value) else round(value, 3)


def concepts(found: dict[str, float | None] | None, most: int) -> list[tuple[str, float]]:
    """The likeliest concepts, likeliest first; without those that are hardly likely at all."""
    known = [(visible(name), round(value or 0, 3)) for name, value in (found or {}).items()]
    return sorted((pair for pair in known if pair[1] >= FAINT), key=lambda pair: -pair[1])[:most]


def _metadata(text: str | None) -> str | None:
    """The sample's JSON on one line, or as it is where it is none."""
    if text is None:
        return None
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), ensure_ascii=False)
    return shown(text)
