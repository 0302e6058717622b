"""The component: grid, detail and decision bar in one, drawn by static/*.js in the page itself.

Everything that can be decided happens in the browser and by our routes; the script runs only when
a page is turned. Nothing sharp is in what is sent here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from app.details import concepts, number, said, shown
from app.people import as_json
from app.visit import Visit
from audit.taxonomy import LEVELS, TYPES

STATIC = Path(__file__).with_name("static")
STYLES = ("grid.css", "pane.css")
SCRIPTS = (
    "dom.js", "keys.js", "legend.js", "card.js", "marks.js", "cells.js", "bar.js", "outbox.js",
    "undoing.js", "address.js", "reveal.js", "pane.js", "parts.js", "wellbeing.js",
    "evidence.js", "grid.js",
)  # fmt: skip
"""Joined into one module, in this order; parts of the screen between parts.js and grid.js."""
CONCEPTS_SHOWN = 2


def show_grid(
    visit: Visit, ids: Sequence[int], *, page: int, pages: int, first: int, total: int
) -> None:
    """Mount the component with one page.

    first   0-based place of the page's first row in the queue; total: rows in the queue
    """
    html, css, js = _parts()
    component = st.components.v2.component("audit_grid", html=html, css=css, js=js)
    data = {
        "token": visit.token,
        "reviewer": visit.reviewer,
        "catalog": hashlib.sha256(str(visit.desk.catalog.resolve()).encode()).hexdigest()[:16],
        "page": page,
        "pages": pages,
        "first": first,
        "total": total,
        "types": list(TYPES),
        "levels": list(LEVELS),
        "personal": as_json(visit.desk.people.of(visit.reviewer)),
        "seen": visit.desk.exposure.of(visit.reviewer),
        "cards": cards(visit, ids),
    }
    component(key="grid", data=data, on_turn_change=lambda: None)


def cards(visit: Visit, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What the grid shows of these rows, in their order; of rows that are gone, only that."""
    visit.desk.mirror.catch_up()
    rows = visit.desk.now().cards(ids)
    return [_card(visit, row_id, rows.get(row_id)) for row_id in ids]


def _card(visit: Visit, row_id: int, row: dict[str, Any] | None) -> dict[str, Any]:
    # As a string: scripts of a page cannot count to 2**63.
    if row is None or visit.desk.mirror.locked(row_id):
        return {"id": str(row_id), "gone": True}
    desk, reviewer = visit.desk, visit.reviewer
    # What was said so far is told after one's own look, also where one is asked a second time.
    hidden = desk.assignments.hidden(reviewer, row_id)
    mine = None if hidden else desk.mirror.mine(row_id, reviewer)
    outcome = None if hidden else desk.mirror.outcome(row_id)
    return {
        "id": str(row_id),
        "given": desk.given(reviewer, row_id),
        "second": desk.assignments.is_second(reviewer, row_id),
        "type": row["risk_type"],
        "level": row["risk_level"],
        "risk": number(row["risk"]),
        "concepts": concepts(row["concepts"], CONCEPTS_SHOWN),
        "caption": shown(row["caption"]),
        "preview": base64.b64encode(row["preview"]).decode() if row["preview"] else None,
        "error": shown(row["error"]),
        "status": row["status"],
        "mine": said(mine) if mine else None,
        "others": outcome is not None and any(d.reviewer != reviewer for d in outcome.decisions),
    }


@cache
def _parts() -> tuple[str, str, str]:
    """HTML, CSS and one ES module; inline, because packaged assets need a normal installation."""
    html = (STATIC / "grid.html").read_text(encoding="utf-8")
    css, js = (
        "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)
        for names in (STYLES, SCRIPTS)
    )
    return html, css, js
