"""The page Review: filters beside, one page of a queue in the grid.

Filters, page and item are in the address, so that a reload or a pasted address shows the same.
"""

from __future__ import annotations

import math

import streamlit as st

from app.desk import Desk, ResultSet, desk
from app.grid import show_grid
from audit.reader import ORDERS, SCOPES, Spec
from audit.taxonomy import LEVELS, TYPES

PAGE = 48
STATES = ("open", "decided", "disagreed", "any")
LABELS = {
    "flagged": "Flagged",
    "all": "Everything scored",
    "failed": "Could not be scored",
    "open": "Undecided",
    "decided": "Decided",
    "disagreed": "Disagreed",
    "any": "All",
    "uncertain": "Uncertain first",
    "risk": "High risk first",
    "random": "Random",
}


def queue_page() -> None:
    """Draw the page."""
    at = desk()
    with st.sidebar:
        spec, state = _filters()
    results = at.results(spec, state)
    pages = max(1, math.ceil(len(results.row_ids) / PAGE))
    with st.container(horizontal=True, vertical_alignment="center"):
        page = _page(pages)
        _news(at, results, spec, state)
    ids = [int(row) for row in results.row_ids[(page - 1) * PAGE : page * PAGE]]
    if not ids:
        st.text(f"Nothing here. {_meaning(spec, state)}")
        return
    show_grid(at, ids, page=page, pages=pages, first=(page - 1) * PAGE, total=len(results.row_ids))


def _filters() -> tuple[Spec, str]:
    """The widgets, and what they ask for; each begins at the first page again."""
    label = LABELS.__getitem__
    scope = st.selectbox(
        "Show", SCOPES, key="show", format_func=label, bind="query-params", on_change=_begin
    )
    types = st.pills(
        "Type", TYPES, selection_mode="multi", key="type", bind="query-params", on_change=_begin
    )
    levels = st.pills(
        "Level", LEVELS, selection_mode="multi", key="level", bind="query-params", on_change=_begin
    )
    state = st.selectbox(
        "Decisions", STATES, key="state", format_func=label, bind="query-params", on_change=_begin
    )
    order = st.selectbox(
        "Order", tuple(ORDERS), key="order", format_func=label, bind="query-params",
        on_change=_begin,
    )  # fmt: skip
    return Spec(scope, tuple(sorted(types)), tuple(sorted(levels)), order), state


def _begin() -> None:
    """Filters changed: page 1 of another queue."""
    st.session_state["page"] = 1


def _page(pages: int) -> int:
    """The page asked for, by the address, the pager, or the grid at its end."""
    turned = st.session_state.get("grid", {}).get("turn")
    if turned in (-1, 1) and "page" in st.session_state:
        st.session_state["page"] = min(max(1, st.session_state["page"] + turned), pages)
    elif st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    return st.pagination(pages, key="page", bind="query-params", max_visible_pages=5, width=330)


def _news(at: Desk, results: ResultSet, spec: Spec, state: str) -> None:
    """How large the queue is; what has changed since it was made, and a button to make it anew."""
    first = "" if results.whole else "the first "
    st.text(f"{first}{len(results.row_ids):,} samples", width="content")
    st.button("Renew the queue", key="renew", on_click=_renew, args=(at, spec, state))
    _changes(at, results)


@st.fragment(run_every=5)
def _changes(at: Desk, results: ResultSet) -> None:
    if at.now().signature != results.signature:
        st.info("New results: the catalog was replaced. This queue stays until it is renewed.")


def _renew(at: Desk, spec: Spec, state: str) -> None:
    at.results(spec, state, renew=True)
    _begin()


def _meaning(spec: Spec, state: str) -> str:
    if state == "open":
        return "All that fits these filters is decided, or nothing fits them."
    return "No sample fits these filters."
