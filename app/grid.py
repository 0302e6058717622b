"""The component: grid, detail and decision bar in one, drawn by static/*.js in the page itself.

Everything that can be decided happens in the browser and by our routes; the script runs only when
a page is turned. Nothing sharp is in what is sent here.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from app.cards import cards
from app.component import component
from app.people import as_json
from app.results import edition
from app.runs import NOTHING, Assignment
from app.visit import Visit
from audit.reader import Spec
from audit.taxonomy import LEVELS, TYPES

STYLES = ("grid.css", "pane.css", "bulk.css")
SCRIPTS = (
    "dom.js", "asking.js", "keys.js", "ownkeys.js", "legend.js", "card.js", "marks.js",
    "cells.js", "selection.js", "bar.js", "pager.js", "ending.js", "outbox.js", "undoing.js",
    "deciding.js", "address.js", "reveal.js", "pane.js", "parts.js", "wellbeing.js",
    "evidence.js", "near.js", "blind.js", "searching.js", "leaving.js", "jobs.js", "bulk.js",
    "noting.js", "ruling.js", "editions.js", "keyspage.js", "grid.js",
)  # fmt: skip
"""Joined into one module, in this order; parts of the screen between parts.js and grid.js."""


def show_grid(
    visit: Visit,
    given: Assignment,
    spec: Spec,
    state: str,
    *,
    empty: str,
    turned: Callable[[], None],
    renewed: Callable[[], None],
    ruling: bool = False,
) -> None:
    """Mount the component with one page.

    spec, state   that the page is of
    empty         what to say where there is nothing on it
    turned        called when another page is wanted: `st.session_state["grid"]["turn"]` has "page",
                  1-based, and "set", the name of the result set that the browser shows
    renewed       called when the rows are to be found anew
    ruling        whether what is decided settles what was said before
    """
    ids = [row.row_id for row in given.rows]
    data = {
        "answer": secrets.token_hex(4),  # the browser hears of nothing that is the same as before
        "session": visit.window,
        "token": visit.token,
        "reviewer": visit.reviewer,
        "catalog": _called(visit),
        "query": spec.address(),
        "state": state,
        "page": given.page,
        "pages": given.pages,
        "total": given.left,
        "whole": given.results.whole,
        "set": given.results.name,
        "edition": None if given.results is NOTHING else edition(given.results.signature),
        "latest": edition(visit.desk.now().signature),
        "ruling": ruling,
        "empty": empty,
        "types": list(TYPES),
        "levels": list(LEVELS),
        "personal": as_json(visit.desk.people.of(visit.reviewer)),
        "seen": visit.desk.exposure.of(visit.reviewer),
        "locked": visit.desk.team.locked,
        "cards": cards(visit, ids, stacked=spec.collapse, ruling=ruling),
        "scorer": visit.desk.now().scorer_sha256,
    }
    component("audit_grid", "grid.html", STYLES, SCRIPTS)(
        key="grid", data=data, on_turn_change=turned, on_renew_change=renewed
    )
    if ids:
        visit.desk.read_ahead(given.results, ids[-1])


def show_keys(visit: Visit) -> None:
    """Mount the component with nothing but its keys, to be read and changed."""
    data = {
        "only": "keys",
        "catalog": _called(visit),
        "token": visit.token,
        "reviewer": visit.reviewer,
        "types": list(TYPES),
        "levels": list(LEVELS),
        "personal": as_json(visit.desk.people.of(visit.reviewer)),
    }
    component("audit_grid", "grid.html", STYLES, SCRIPTS)(key="keys", data=data)


def _called(visit: Visit) -> str:
    """The catalog, as what the browser keeps of it is called."""
    return hashlib.sha256(str(visit.desk.catalog.resolve()).encode()).hexdigest()[:16]
