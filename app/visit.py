"""One reviewer at the desk: what a page or a route works with."""

from __future__ import annotations

from dataclasses import dataclass

from app.desk import Desk, desk


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking, and the desk.

    reviewer   alias; None may look, and decide nothing
    """

    desk: Desk
    reviewer: str | None


def visit() -> Visit:
    """Whoever the script that calls this is running for."""
    at = desk()
    return Visit(at, at.reviewer)
