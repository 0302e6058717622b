"""One reviewer at the desk: what a page or a route works with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.desk import Desk, desk

READ_ONLY = "read-only: start `audit review` with --reviewer NAME to decide"


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

    @property
    def why_not(self) -> str | None:
        """Why they may not change what holds for everybody, in one line; None: they may."""
        if self.reviewer is None:
            return READ_ONLY
        if not self.desk.team.settles(self.reviewer):
            return "only those who settle disagreements may; see review.yaml"
        return None


def visit() -> Visit:
    """Whoever the script that calls this is running for; see `welcome`."""
    at = desk()
    return Visit(at, _reviewer(at), _window())


def welcome() -> bool:
    """Whether the script runs for somebody who may be here; without a name one may look."""
    at = desk()
    return at.sign_in.mode == "local" or _reviewer(at) is not None


def _reviewer(at: Desk) -> str | None:
    if at.sign_in.mode == "proxy":
        headers = st.context.headers  # of the web socket, which the guard has let through
        return at.sign_in.of_headers(
            [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()]
        )
    if at.sign_in.mode == "oidc":
        return at.sign_in.of_account(st.user.to_dict())
    return at.reviewer


def _window() -> str:
    """Hex digits by which this window of a browser is known, as long as it is not reloaded."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else hashlib.sha256(context.session_id.encode()).hexdigest()[:16]
