"""POST leave: somebody closes a window, or has done enough; what they held goes to others."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.routes.answering import Problem, answer, posted
from app.visit import Visit


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [Route("/audit/leave", posted(desk, _leave), methods=["POST"])]


def _leave(visit: Visit, body: Any) -> Response:
    if not isinstance(body, dict) or not isinstance(body.get("done"), bool) or len(body) != 1:
        raise Problem(400, 'send {"done": false}, or true when all work is over')
    return answer({"freed": visit.desk.assignments.leave(visit, everywhere=body["done"])})
