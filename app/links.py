"""Addresses of our pages with a filter in them, and going there without loading everything anew."""

from __future__ import annotations

from urllib.parse import parse_qs

import streamlit as st

from app.views.queue import queue_page
from audit.reader import Spec


def to_review(spec: Spec) -> str:
    """The address at which the grid shows what a specification names."""
    return f"/?{spec.address()}"


def follow(link: str) -> None:
    """Go where a link of a table leads; nothing for ""."""
    if link:
        st.switch_page(st.Page(queue_page, default=True), query_params=parse_qs(_query(link)))


def show_link(label: str, link: str) -> None:
    """A link to one of our pages, drawn by itself; the label is our own."""
    st.page_link(
        st.Page(queue_page, default=True), label=label, query_params=parse_qs(_query(link))
    )


def _query(link: str) -> str:
    return link.partition("?")[2]
