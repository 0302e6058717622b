"""What a card of the grid is told of its row: text, a preview of 24 pixels, and no more."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from app.details import concepts, number, said, shown
from app.visit import Visit
from audit.reader import Snapshot

CONCEPTS_SHOWN = 2
OPTED_OUT = "not shown to you: you opted out of this type"


def cards(
    visit: Visit, ids: Sequence[int], *, stacked: bool = False, ruling: bool = False
) -> list[dict[str, Any]]:
    """What the grid shows of these rows, in their order; of rows that are gone, only that.

    stacked   each row stands for its whole cluster of near-duplicates
    ruling    with the verdicts that are to be settled
    """
    visit.desk.mirror.catch_up()
    snapshot = visit.desk.now()
    rows = snapshot.cards(ids)
    unwanted = visit.desk.people.of(visit.reviewer).opt_out
    made = [_card(visit, row_id, rows.get(row_id), unwanted) for row_id in ids]
    if ruling:
        for row_id, card in zip(ids, made, strict=True):
            card |= _to_rule(visit, row_id)
    return _stacked(made, snapshot) if stacked else made


def _card(
    visit: Visit, row_id: int, row: dict[str, Any] | None, unwanted: Sequence[str]
) -> dict[str, Any]:
    # As a string: scripts of a page cannot count to 2**63.
    if row is None or visit.desk.mirror.locked(row_id):
        return {"id": str(row_id), "gone": True}
    desk, reviewer = visit.desk, visit.reviewer
    # What was said so far is told after one's own look, also where one is asked a second time.
    hidden = desk.assignments.hidden(reviewer, row_id)
    mine = None if hidden else desk.mirror.mine(row_id, reviewer)
    outcome = None if hidden else desk.mirror.outcome(row_id)
    blind = desk.assignments.blind(reviewer, row_id)
    is_unwanted = row["risk_type"] in unwanted
    return {
        "id": str(row_id),
        "given": desk.given(reviewer, row_id),
        "second": desk.assignments.is_second(reviewer, row_id),
        "blind": blind,
        "type": None if blind else row["risk_type"],
        "level": None if blind else row["risk_level"],
        "risk": None if blind else number(row["risk"]),
        "concepts": [] if blind else concepts(row["concepts"], CONCEPTS_SHOWN),
        "caption": shown(row["caption"]),
        "preview": None if is_unwanted else _base64(row["preview"]),
        "withheld": OPTED_OUT if is_unwanted else None,
        "error": shown(row["error"]),
        "status": row["status"],
        "mine": said(mine) | {"note": mine.note} if mine else None,
        "others": outcome is not None and any(d.reviewer != reviewer for d in outcome.decisions),
    }


def _to_rule(visit: Visit, row_id: int) -> dict[str, Any]:
    """What each reviewer said of a row that waits for a ruling; only a ruling is one's own mark."""
    outcome = visit.desk.mirror.outcome(row_id)
    decisions = outcome.decisions if outcome else ()
    told = [said(d) | {"revealed": d.revealed, "note": shown(d.note)} for d in decisions]
    mine = visit.desk.mirror.mine(row_id, visit.reviewer)
    is_ruled = mine is not None and mine.verdict == "adjudicate"
    return {"said": told, "others": False} | ({} if is_ruled else {"mine": None})


def _stacked(made: list[dict[str, Any]], snapshot: Snapshot) -> list[dict[str, Any]]:
    """With the cluster and its size where a card stands for more than itself."""
    found = snapshot.clusters.of([int(card["id"]) for card in made])
    for card in made:
        cluster, members = found.get(int(card["id"]), ("", 1))
        if members > 1 and not card.get("gone"):
            card |= {"cluster": cluster, "members": members}
    return made


def _base64(data: bytes | None) -> str | None:
    return base64.b64encode(data).decode() if data else None
