"""Buttons that fetch the log as a file: by our own address and its token, never a public one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from app.logs import FORMATS, moment
from app.visit import Visit

STATIC = Path(__file__).with_name("static")
ABOUT = {
    "jsonl": "JSON Lines: one decision a line",
    "parquet": "Parquet: for DuckDB, pandas and the like",
    "csv": "CSV: for spreadsheets; a cell that looks like a formula begins with an apostrophe",
}


def show_downloads(here: Visit) -> None:
    """Draw the buttons; what they fetch is the log as it is now, however often they are pressed."""
    at = moment(here.desk)
    if not at.ends:
        st.text("Nothing is decided yet.")
        return
    html, css, js = _parts()
    component = st.components.v2.component("audit_downloads", html=html, css=css, js=js)
    count = len(here.desk.mirror.log())
    data = {
        "token": here.token,
        "ends": at.ends,
        "name": at.name,
        "about": f"The log at {at.name}: {count:,} lines of {len(at.ends):,} reviewers, undone "
        "ones too, by time. The same moment always gives the same bytes.",
        "formats": [{"format": form, "about": ABOUT[form]} for form in FORMATS],
    }
    component(key="downloads", data=data)


@cache
def _parts() -> tuple[str, str, str]:
    html, css, js = (
        (STATIC / f"downloads.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    return html, css, js
