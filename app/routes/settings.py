"""GET and POST settings: what a reviewer has chosen, and what they have seen; theirs alone."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.people import as_json
from app.routes.answering import Problem, answer, got, posted
from app.visit import Visit
from audit.errors import UsageError


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [
        Route("/audit/settings", got(desk, _settings), methods=["GET"]),
        Route("/audit/settings", posted(desk, _change), methods=["POST"]),
    ]


def _settings(visit: Visit) -> Response:
    """{"settings": all of them, "exposure": counts} of whoever asks."""
    return answer(_told(visit, as_json(visit.desk.people.of(visit.reviewer))))


def _change(visit: Visit, body: Any) -> Response:
    """Take {name: value} of the settings to change; answer as GET does."""
    if visit.reviewer is None:
        raise Problem(403, "read-only: settings are kept for reviewers who have a name")
    if not isinstance(body, dict):
        raise Problem(400, "send an object of settings")
    try:
        personal = visit.desk.people.change(visit.reviewer, body)
    except UsageError as error:
        raise Problem(400, str(error)) from None
    return answer(_told(visit, as_json(personal)))


def _told(visit: Visit, settings: dict[str, Any]) -> dict[str, Any]:
    return {"settings": settings, "exposure": visit.desk.exposure.of(visit.reviewer)}
