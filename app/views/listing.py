"""One page of what a specification names, in the grid, with what turns the pages and says news."""

from __future__ import annotations

import math

import streamlit as st

from app.grid import show_grid
from app.results import ResultSet
from app.visit import Visit
from audit.reader import Spec

PAGE = 48


def show_listing(here: Visit, spec: Spec, state: str, empty: str) -> None:
    """Draw the page that the address names.

    spec, state   which rows, see app.results
    empty         what to say where nothing was found
    """
    results = here.desk.results.of(spec, state)
    pages = max(1, math.ceil(len(results.row_ids) / PAGE))
    with st.container(horizontal=True, vertical_alignment="center"):
        page = _page(pages)
        _news(here, results, spec, state)
    ids = [int(row) for row in results.row_ids[(page - 1) * PAGE : page * PAGE]]
    if not ids:
        st.text(f"Nothing here. {empty}")
        return
    show_grid(
        here, ids, page=page, pages=pages, first=(page - 1) * PAGE, total=len(results.row_ids)
    )


def to_first_page() -> None:
    """What is asked for has changed: page 1 of another result set."""
    st.session_state["page"] = 1


def _page(pages: int) -> int:
    """The page asked for, by the address, the pager, or the grid at its end."""
    turned = st.session_state.get("grid", {}).get("turn")
    if turned in (-1, 1) and "page" in st.session_state:
        st.session_state["page"] = min(max(1, st.session_state["page"] + turned), pages)
    elif st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    return st.pagination(pages, key="page", bind="query-params", max_visible_pages=5, width=330)


def _news(here: Visit, results: ResultSet, spec: Spec, state: str) -> None:
    """How many there are; what has changed since they were found, and a button to find anew."""
    first = "" if results.whole else "the first "
    st.text(f"{first}{len(results.row_ids):,} samples", width="content")
    st.button("Renew the queue", key="renew", on_click=_renew, args=(here, spec, state))
    _changes(here, results)


@st.fragment(run_every=5)
def _changes(here: Visit, results: ResultSet) -> None:
    if here.desk.now().signature != results.signature:
        st.info("New results: the catalog was replaced. This queue stays until it is renewed.")


def _renew(here: Visit, spec: Spec, state: str) -> None:
    here.desk.results.of(spec, state, renew=True)
    to_first_page()
