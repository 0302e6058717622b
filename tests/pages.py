"""Pages of the review screen as Streamlit's own test harness draws them, and what is on them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

from tests.reviews import ROOT


def drawn(name: str, **address: str | list[str]) -> AppTest:
    """A page at an address, drawn; "main" is the whole screen, which begins with Review."""
    if name == "main":
        at = AppTest.from_file(ROOT / "app" / "main.py", default_timeout=60)
    else:
        script = f"from app.views.{name} import {name}_page\n{name}_page()\n"
        at = AppTest.from_string(script, default_timeout=60)
    at._bidi_component_manager = _components()
    for key, value in address.items():
        at.query_params[key] = value
    return run(at)


def run(at: AppTest) -> AppTest:
    """Draw it again, with what was set since."""
    at.run()
    assert not at.exception, at.exception
    return at


def texts(at: AppTest) -> str:
    """Every line of plain text."""
    return "\n".join(text.value for text in at.text)


def given(at: AppTest) -> list[dict[str, Any]]:
    """What each component was given."""
    return [json.loads(each.proto.json) for each in at.get("bidi_component")]


def grid(at: AppTest) -> dict[str, Any]:
    """What the grid was given."""
    (found,) = (data for data in given(at) if "cards" in data)
    return found


def tables(at: AppTest) -> dict[str, list[list[str]]]:
    """Caption -> cells of the tables."""
    return {
        data["caption"]: [[cell["text"] for cell in row] for row in data["rows"]]
        for data in given(at)
        if "rows" in data
    }


@cache
def _components() -> BidiComponentManager:
    """One for all: each looks through every package that is installed, a fifth of a second."""
    made = BidiComponentManager()
    made.discover_and_register_components(start_file_watching=False)
    return made
