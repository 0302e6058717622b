"""Buttons that fetch the log as a file: by our own address and its token, never a public one."""

from __future__ import annotations

import streamlit as st

from app.component import component
from app.logs import FORMATS, moment, told_to
from app.notes import many
from app.visit import Visit

SCRIPTS = ("dom.js", "asking.js", "downloads.js")
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
    log = here.desk.mirror.log()
    count = len(told_to(here.desk, here.reviewer, log))
    left_out = (
        f" Left out: {many(len(log) - count, 'line')} of others about samples that you have not "
        "decided; curate decisions CATALOG export FILE writes all."
        if count < len(log)
        else ""
    )
    data = {
        "token": here.token,
        "ends": at.ends,
        "name": at.name,
        "about": f"The log at {at.name}: {many(count, 'line')} of "
        f"{many(len(at.ends), 'reviewer')}, undone ones too, by time. "
        f"The same moment always gives you the same bytes.{left_out}",
        "formats": [{"format": form, "about": ABOUT[form]} for form in FORMATS],
    }
    draw = component("audit_downloads", "downloads.html", ("downloads.css",), SCRIPTS)
    draw(key="downloads", data=data)
