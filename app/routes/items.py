"""GET item and near: what the detail pane says of one row, and of others like it."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.details import detail
from app.near import near
from app.routes.answering import Problem, about_row, answer
from app.visit import Visit


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [
        Route("/audit/item/{row_id:int}", about_row(desk, _item), methods=["GET"]),
        Route("/audit/near/{row_id:int}", about_row(desk, _near), methods=["GET"]),
    ]


def _item(visit: Visit, row_id: int) -> Response:
    found = detail(visit.desk, row_id, visit.reviewer)
    if found is None:
        raise Problem(404, "no such row")
    exposure = visit.desk.exposure
    exposure.working(visit.reviewer)
    return answer({**found, "seen": exposure.of(visit.reviewer)})


def _near(visit: Visit, row_id: int) -> Response:
    """Asked for apart: searching among millions of vectors takes longer than all the rest."""
    if visit.desk.picture_row(row_id) is None:
        raise Problem(404, "no such row")
    return answer(near(visit.desk, row_id, visit.reviewer))
