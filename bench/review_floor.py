"""A page with a pager and nothing else: what turning a page costs before there is anything on it.

Streamlit runs this file; bench.review starts it and compares.
"""

from __future__ import annotations

import streamlit as st

page = st.pagination(1000, key="page", bind="query-params")
st.text(f"page {page}")
