"""Puts a component together: HTML, CSS and one ES module out of the files in static/."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

STATIC = Path(__file__).with_name("static")


@cache
def component(name: str, html: str, styles: tuple[str, ...], scripts: tuple[str, ...]) -> Any:
    """A function that draws it; see `st.components.v2.component`.

    Made once: Streamlit looks through all of it for what might be a path. Inline, because packaged
    assets need a normal installation.
    html   a file in static/; styles: files likewise; scripts: files, joined in this order
    """
    return st.components.v2.component(
        name, html=_joined((html,)), css=_joined(styles), js=_joined(scripts)
    )


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)
