"""One page of what a specification names, in the grid.

The page is kept by the session for every specification, and by the address for a reload; the
component writes it there. A widget's own page would make a step of the browser's history of every
page turned.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.grid import show_grid
from app.notes import in_one_line
from app.visit import Visit
from audit.reader import Spec

PLACES = "places"  # (Spec, state) -> page
RENEWED = "renewed"  # set where rows are to be found anew
ANEW = "anew"  # set where what is asked for has changed: it begins at page 1
_DIGITS_MOST = 9


@st.fragment  # a page that is turned draws nothing else anew
@in_one_line()
def show_listing(here: Visit, spec: Spec, state: str, empty: str, *, ruling: bool = False) -> None:
    """Draw the page that the address names.

    spec, state   which rows, see app.results
    empty         what to say where nothing was found
    ruling        whether what is decided settles what was said before
    """
    if st.session_state.pop(RENEWED, False):
        here.desk.assignments.renew(here, spec, state)
        st.rerun()  # the fields beside may know more by now
    given = here.desk.assignments.page(here, spec, state, _place(spec, state))
    show_grid(
        here, given, spec, state, empty=empty,
        turned=partial(_turned, spec, state, given.results.name), renewed=_renewed, ruling=ruling,
    )  # fmt: skip


def to_first_page() -> None:
    """What is asked for has changed: page 1 of another result set."""
    st.session_state[ANEW] = True


def _place(spec: Spec, state: str) -> int:
    """The page to show: the one turned to, else where this was left, else what the address says."""
    places = st.session_state.setdefault(PLACES, {})
    if st.session_state.pop(ANEW, False):
        places[spec, state] = 1
    elif (spec, state) not in places:
        asked = str(st.query_params.get("page", ""))
        known = asked.isdecimal() and asked.isascii() and len(asked) <= _DIGITS_MOST
        places[spec, state] = int(asked) if known else 1
    return int(places[spec, state])


def _turned(spec: Spec, state: str, shown: str) -> None:
    """Another page is wanted; not of these rows where the browser has yet to show them."""
    asked = st.session_state["grid"].get("turn")
    match asked:
        case {"set": str(name), "page": int(page)} if name == shown and page >= 1:
            st.session_state[PLACES][spec, state] = page


def _renewed() -> None:
    st.session_state[RENEWED] = True
    to_first_page()
