"""Addresses of our pages with a filter in them, and going there without loading everything anew."""

from __future__ import annotations

from urllib.parse import parse_qs

import streamlit as st

from app.addresses import of_review, of_search
from app.views.queue import queue_page
from app.views.search import search_page
from app.views.settings import settings_page
from audit.reader import Spec

_SEARCH = "/search"
SETTINGS = "/settings"


def address(spec: Spec) -> str:
    """Where the grid shows what a specification names: Search for another way in, else Review."""
    return f"{_SEARCH}?{of_search(spec)}" if spec.way else f"/?{of_review(spec)}"


def follow(link: str) -> None:
    """Go where a link of a table leads; nothing for ""."""
    if link:
        page, _, query = link.partition("?")
        st.switch_page(_page(page), query_params=parse_qs(query))


def show_link(label: str, link: str) -> None:
    """A link to one of our pages, drawn by itself; the label is our own."""
    page, _, query = link.partition("?")
    st.page_link(_page(page), label=label, query_params=parse_qs(query))


def _page(path: str) -> st.Page:
    for known, page in ((_SEARCH, search_page), (SETTINGS, settings_page)):
        if path == known:
            return st.Page(page, url_path=known[1:])
    return st.Page(queue_page, default=True)
