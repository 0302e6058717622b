"""The page Search: ways in other than the queue. What is found is looked through without leases.

What is asked for is in the address, under the names of Spec.address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.addresses import BROUGHT, BY, LABELS
from app.notes import in_one_line
from app.results import STATES
from app.views.fields import begin, choice, several, types
from app.views.listing import show_listing, to_first_page
from app.visit import Visit, visit
from app.ways import LARGEST
from audit.columns import SCHEMA
from audit.errors import UsageError
from audit.reader import ORDERS, SCOPES, Spec
from audit.specs import LONGEST, NAMES, RANKED
from audit.taxonomy import LEVELS, TYPES

KINDS = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
EXAMPLES = """\
width < 200 or height < 200
p_illegal between 0.4 and 0.6 and risk_level = 'high'
concepts['weapon'] > 0.8 and caption ilike '%toy%'
image_text is not null and shard = '00000'
extras['nsfw'] > 0.9"""
ORDERS_HERE = tuple(order for order in ORDERS if order != "mixed")

Asked = dict[str, Any] | None
"""Fields of a Spec; None: nothing is asked for yet."""


@in_one_line()
def search_page() -> None:
    """Draw the page."""
    here = visit()
    begin("search")
    by = _way()
    with st.sidebar:
        narrow, state = _narrow(here, by)
    asked = _ASKED.get(by, _brought)(here)
    spec = None if asked is None else Spec(**asked, **narrow)
    if spec is None:
        st.text(_BEGIN[by])
        return
    show_listing(here, spec, state, _EMPTY.get(by, "No sample fits what you ask for."))


def _way() -> str:
    """The way in that is chosen."""
    options = dict(BY)
    if "given" in st.query_params:  # a link has led here
        named = {label: way for way, label in BROUGHT.items()}
        brought = named.get(st.query_params.get("way", ""), st.session_state.get("brought"))
        if brought:
            st.session_state["brought"] = brought
            options[brought] = BROUGHT[brought]
    return st.segmented_control(
        "Search by", list(options), default="words", required=True, key="way",
        format_func=options.__getitem__, bind="query-params", on_change=to_first_page,
        label_visibility="collapsed",
    )  # fmt: skip


def _narrow(here: Visit, by: str) -> tuple[dict[str, Any], str]:
    """(fields of a Spec, state) of the fields beside: they narrow whatever is found."""
    scope = choice("Show", SCOPES, "show", LABELS, default="any")
    state = choice("Decisions", STATES, "state", LABELS, default="any")
    narrow: dict[str, Any] = {
        "scope": scope, "types": types(here.desk),
        "levels": several("Level", LEVELS, "level"),
    }  # fmt: skip
    if by not in RANKED:
        narrow["order"] = choice("Order", ORDERS_HERE, "order", LABELS)
    if by != "cluster":
        narrow["collapse"] = st.toggle(
            "One of each group of near-duplicates", key=NAMES["collapse"], bind="query-params",
            on_change=to_first_page,
        )  # fmt: skip
    return narrow, state


def _field(label: str, key: str, example: str) -> str:
    """A line to type into."""
    return st.text_input(
        label, key=key, placeholder=example, max_chars=LONGEST, bind="query-params",
        on_change=to_first_page,
    ).strip()  # fmt: skip


def _words(here: Visit) -> Asked:
    label = "Words in the caption or read in the picture; those in double quotes stand together"
    words = _field(label, "words", 'crowd "police car"')
    return {"words": words} if words else None


def _uid(here: Visit) -> Asked:
    uid = _field("The uid, key or sha256 of a sample", "uid", "000012345")
    return {"uid": uid} if uid else None


def _like(here: Visit) -> Asked:
    text = _field("The uid, key, sha256 or row_id of a sample", "like", "000012345")
    return {"way": "like", "given": str(_row(here, text))} if text else None


def _row(here: Visit, text: str) -> int:
    """The row that a text names; UsageError where there is none."""
    now = here.desk.now()
    if (
        text.isascii()
        and text.isdecimal()
        and len(text) <= 19
        and int(text) in now.cards([int(text)])
    ):
        return int(text)
    found = now.ids(Spec(scope="any", uid=text), 1)
    if not len(found):
        raise UsageError(f"like: there is no sample {text!r}; give a uid, key, sha256 or row_id")
    return int(found[0])


def _picture(here: Visit) -> Asked:
    file = st.file_uploader(
        f"A picture of {LARGEST >> 20} MB at most; only its vector is kept, as long as this "
        "server runs",
        type=KINDS, key="file", max_upload_size=LARGEST >> 20, on_change=_chosen,
    )  # fmt: skip
    if file is not None:
        with st.spinner("Reading the picture"):
            st.query_params["picture"] = here.desk.ways.hand_in(file.getvalue())
    name = st.query_params.get("picture")
    return {"way": "picture", "given": name} if name else None


def _chosen() -> None:
    """Another file, or the file was taken away: then nothing is asked for."""
    to_first_page()
    if st.session_state["file"] is None:
        st.query_params.pop("picture", None)


def _near(here: Visit) -> Asked:
    kind = choice("Nearest to what people confirmed as", TYPES, "near", {t: t for t in TYPES})
    return {"way": "near", "given": kind}


def _sql(here: Visit) -> Asked:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        condition = _field("A condition, in SQL", "sql", "width < 200 or height < 200")
        with st.popover("Columns and examples", width="content"):
            st.code(EXAMPLES, language="sql")
            st.code("\n".join(f"{field.name}  {field.type}" for field in SCHEMA), language=None)
    return {"way": "sql", "given": condition} if condition else None


def _brought(here: Visit) -> Asked:
    return {"way": st.session_state["brought"], "given": st.query_params["given"]}


_ASKED: dict[str, Callable[[Visit], Asked]] = {
    "words": _words,
    "uid": _uid,
    "like": _like,
    "picture": _picture,
    "near": _near,
    "sql": _sql,
}
_BEGIN = {
    "words": "Type words to search for, or choose another way.",
    "uid": "Type or paste what a sample is called.",
    "like": "Type or paste what a sample is called; the detail pane of each sample leads here too.",
    "picture": "Choose a picture; the samples most like it come first.",
    "sql": "Type a condition, such as one of the examples.",
}
_EMPTY = {
    "words": "No caption and no text in a picture has all these words.",
    "uid": "No sample is called so.",
    "sql": "No sample fits this condition; quarantined ones are never shown.",
    "cluster": "There are no near-duplicates of this name any more.",
}
