"""The page Review: filters beside, one page of a queue in the grid.

Filters, page and item are in the address, so that a reload or a pasted address shows the same.
"""

from __future__ import annotations

import streamlit as st

from app.results import STATES
from app.views.listing import show_listing, to_first_page
from app.visit import visit
from audit.reader import ORDERS, SCOPES, Spec
from audit.taxonomy import LEVELS, TYPES

LABELS = {
    "flagged": "Flagged",
    "all": "Everything scored",
    "failed": "Could not be scored",
    "open": "Undecided",
    "decided": "Decided",
    "disagreed": "Disagreed",
    "escalated": "Escalated",
    "mine": "Decided by me",
    "any": "All",
    "uncertain": "Uncertain first",
    "risk": "High risk first",
    "random": "Random",
    "clusters": "Largest groups first",
    "mixed": "Mixed with safe ones",
}


def queue_page() -> None:
    """Draw the page."""
    here = visit()
    with st.sidebar:
        spec, state = _filters()
    show_listing(here, spec, state, _meaning(state))


def _filters() -> tuple[Spec, str]:
    """The widgets, and what they ask for; each begins at the first page again."""
    label = LABELS.__getitem__
    scope = st.selectbox(
        "Show", SCOPES, key="show", format_func=label, bind="query-params",
        on_change=to_first_page,
    )  # fmt: skip
    types = st.pills(
        "Type", TYPES, selection_mode="multi", key="type", bind="query-params",
        on_change=to_first_page,
    )  # fmt: skip
    levels = st.pills(
        "Level", LEVELS, selection_mode="multi", key="level", bind="query-params",
        on_change=to_first_page,
    )  # fmt: skip
    state = st.selectbox(
        "Decisions", STATES, key="state", format_func=label, bind="query-params",
        on_change=to_first_page,
    )  # fmt: skip
    order = st.selectbox(
        "Order", tuple(ORDERS), key="order", format_func=label, bind="query-params",
        on_change=to_first_page,
    )  # fmt: skip
    return Spec(scope, tuple(sorted(types)), tuple(sorted(levels)), order), state


def _meaning(state: str) -> str:
    if state == "open":
        return "All that fits these filters is decided, or nothing fits them."
    return "No sample fits these filters."
