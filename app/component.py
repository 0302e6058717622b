"""Puts a component together: HTML, CSS and one ES module out of the files in static/.

Streamlit sends all of a component with every run of the script, so its module is a line that
fetches the real one from an address of ours, once.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

AT = "/audit/module"
MODULES: dict[int, bytes] = {}
"""What is served under AT, by a number that changes with it."""

STATIC = Path(__file__).with_name("static")


@cache
def component(name: str, html: str, styles: tuple[str, ...], scripts: tuple[str, ...]) -> Any:
    """A function that draws it; see `st.components.v2.component`.

    Made once: Streamlit looks through all of it for what might be a path. Assets that Streamlit
    would serve itself need a normal installation.
    html   a file in static/; styles: files likewise; scripts: files, joined in this order
    """
    module = _joined(scripts).encode()
    number = zlib.crc32(module)
    MODULES[number] = module
    fetch = f'const {{ default: main }} = await import(location.origin + "{AT}/{number}");'
    return st.components.v2.component(
        name, html=_joined((html,)), css=_joined(styles), js=f"{fetch}\nexport default main;"
    )


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)
