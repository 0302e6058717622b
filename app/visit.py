"""One reviewer at the desk: what a page or a route works with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.desk import Desk, desk


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking, and the desk.

    reviewer   alias; None may look, and decide nothing
    window     of the browser: hex digits, "" where none is known
    """

    desk: Desk
    reviewer: str | None
    window: str = ""

    @property
    def token(self) -> str:
        """The word that the page's own requests carry."""
        return self.desk.tokens.mint(self.reviewer, self.window)


def visit() -> Visit:
    """Whoever the script that calls this is running for."""
    at = desk()
    return Visit(at, at.reviewer, _window())


def _window() -> str:
    """Hex digits by which this window of a browser is known, as long as it is not reloaded."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else hashlib.sha256(context.session_id.encode()).hexdigest()[:16]
