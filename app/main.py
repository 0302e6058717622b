"""The script that Streamlit runs for every visitor: which pages there are, and nothing else."""

from __future__ import annotations

import streamlit as st

from app.notes import in_one_line
from app.views.decisions import decisions_page
from app.views.entrance import entrance
from app.views.estimate import estimate_page
from app.views.export import export_page
from app.views.overview import overview_page
from app.views.policy import policy_page
from app.views.queue import queue_page
from app.views.search import search_page
from app.views.settings import settings_page

PAGES = (
    st.Page(queue_page, title="Review", default=True),
    st.Page(search_page, title="Search", url_path="search"),
    st.Page(overview_page, title="Overview", url_path="overview"),
    st.Page(decisions_page, title="Decisions", url_path="decisions"),
    st.Page(policy_page, title="Policy", url_path="policy"),
    st.Page(estimate_page, title="Estimate", url_path="estimate"),
    st.Page(export_page, title="Export", url_path="export"),
    st.Page(settings_page, title="Settings", url_path="settings"),
)

st.set_page_config(layout="wide")
# Streamlit leaves a sixth of the width and of the height empty, moves things for everyone, and
# marks the focus faintly or not at all; its tags are white on whatever the accent is.
st.html(
    "<style>.stMainBlockContainer{padding:4rem 1.5rem 1rem}"
    ":focus-visible{outline:2px solid #3b82f6!important}"
    ".stMain:focus-visible{outline-offset:-2px}"
    ".stMultiSelect [data-tag]{background:#1f5fbf!important}"
    "@media (prefers-reduced-motion:reduce){*,::before,::after"
    "{animation-duration:0s!important;transition-duration:0s!important}}</style>"
)
if entrance():
    current = st.navigation(list(PAGES), position="top")
    st.set_page_config(page_title=f"{current.title} – Shardwarden")
    with in_one_line():
        current.run()
