"""Fields of a page whose values are in its address, as what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app.counted import counted
from app.desk import Desk
from app.views.listing import to_first_page
from audit import surveys
from audit.specs import NAMES
from audit.taxonomy import TYPES

_FIELDS = frozenset((*NAMES.values(), "state"))
_PAGE = "fields of"


def begin(page: str) -> None:
    """Have the fields of a page begin as its address says, not as another page left them.

    Fields of one name are one to Streamlit, and what is usual differs between pages.
    """
    if st.session_state.get(_PAGE, page) != page:
        for key in _FIELDS.difference(st.query_params):
            st.session_state.pop(key, None)
    st.session_state[_PAGE] = page


def choice(
    label: str,
    options: Sequence[str],
    key: str,
    shown: Mapping[str, str],
    *,
    default: str | None = None,
) -> str:
    """A list of which one option is chosen.

    shown    option -> what the field shows, and the address has
    default  the first option where it is left out
    """
    return st.selectbox(
        label, options, index=options.index(default or options[0]), key=key,
        format_func=shown.__getitem__, bind="query-params", on_change=to_first_page,
    )  # fmt: skip


def types(desk: Desk) -> tuple[str, ...]:
    """Pills of types, and which of them no scorer of the catalog looks for."""
    found = several("Type", TYPES, "type")
    if missing := not_covered(desk):
        st.html(
            "<div role=note style='font-size:13px;opacity:.8'>"
            f"Not looked for by the scorer: {', '.join(missing)}</div>"
        )
    return found


def not_covered(desk: Desk) -> tuple[str, ...]:
    """Types that no scorer of the catalog looks for; none where nothing is scored."""
    found = counted(desk, surveys.covered)
    return tuple(name for name in TYPES if found and name not in found)


def several(label: str, options: Sequence[str], key: str) -> tuple[str, ...]:
    """Pills of which any number is chosen, in the order of their names."""
    found = st.pills(
        label, options, selection_mode="multi", key=key, bind="query-params",
        on_change=to_first_page,
    )  # fmt: skip
    return tuple(sorted(found))
