"""GET edition: which catalog is published now, by a word that changes with it."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.results import edition
from app.routes.answering import answer, got
from app.visit import Visit


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [Route("/audit/edition", got(desk, _edition), methods=["GET"])]


def _edition(visit: Visit) -> Response:
    return answer({"latest": edition(visit.desk.now().signature)})
