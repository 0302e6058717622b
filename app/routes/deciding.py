"""POST decisions: what the page's outbox sends."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.recording import Refused, record
from app.routes.answering import Problem, answer, posted, reviewer_of
from app.visit import Visit

MOST_DECISIONS = 500  # in one post


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [Route("/audit/decisions", posted(desk, _decide), methods=["POST"])]


def _decide(visit: Visit, body: Any) -> Response:
    reviewer = reviewer_of(visit)
    if not isinstance(body, dict) or set(body) != {"decisions"}:
        raise Problem(400, 'send {"decisions": [...]}')
    entries = body["decisions"]
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_DECISIONS:
        raise Problem(400, f"send 1 to {MOST_DECISIONS} decisions")
    try:
        return answer(record(visit.desk, entries, reviewer))
    except Refused as refused:
        raise Problem(400, str(refused)) from None
