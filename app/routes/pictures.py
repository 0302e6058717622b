"""GET preview and clear, the only addresses that give pictures; GET evidence; POST exposure.

What is handed out by `clear` has been counted before.
"""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.exposure import Capped
from app.routes.answering import NO_STORE, Problem, about_row, answer, posted
from app.visit import Visit

_PRIVATE = {"cache-control": "private, max-age=3600"}


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [
        Route("/audit/preview/{row_id:int}", about_row(desk, _preview), methods=["GET"]),
        Route("/audit/clear/{row_id:int}", about_row(desk, _clear), methods=["GET"]),
        Route("/audit/evidence/{row_id:int}", about_row(desk, _evidence), methods=["GET"]),
        Route("/audit/exposure", posted(desk, _exposed), methods=["POST"]),
    ]


def _preview(visit: Visit, row_id: int) -> Response:
    data = visit.desk.pictures.preview(_row(visit, row_id))
    return Response(data, media_type="image/webp", headers=_PRIVATE)


def _clear(visit: Visit, row_id: int) -> Response:
    row = _row(visit, row_id)
    data = visit.desk.pictures.clear(row)
    try:
        visit.desk.exposure.shown(visit.reviewer, row["risk_type"], row["risk_level"])
    except Capped as capped:
        raise Problem(429, str(capped)) from None
    return Response(data, media_type="image/jpeg", headers=NO_STORE)


def _evidence(visit: Visit, row_id: int) -> Response:
    """A map of 24 pixels; 202 while the scorer is being loaded: ask again."""
    row = _row(visit, row_id)
    if visit.desk.assignments.blind(visit.reviewer, row_id):
        raise Problem(403, "shown once you have decided")
    found = visit.desk.evidence.of(row)
    if found is None:
        return answer({"loading": True}, 202)
    heat = base64.b64encode(found.heat).decode()
    return answer({"what": found.what, "width": found.width, "height": found.height, "heat": heat})


def _exposed(visit: Visit, body: Any) -> Response:
    """Take {"seconds": n} of a picture that was hidden again, or {"paused": true}."""
    exposure = visit.desk.exposure
    if body == {"paused": True}:
        exposure.paused(visit.reviewer)
        return answer(exposure.of(visit.reviewer))
    seconds: Any = body.get("seconds") if isinstance(body, dict) and len(body) == 1 else None
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 <= seconds <= 3600:  # NaN is neither
        raise Problem(400, 'send {"seconds": 0 to 3600} or {"paused": true}')
    exposure.looked(visit.reviewer, float(seconds))
    return answer(exposure.of(visit.reviewer))


def _row(visit: Visit, row_id: int) -> dict[str, Any]:
    row = visit.desk.picture_row(row_id)
    if row is None:
        raise Problem(404, "no such row")
    if row["risk_type"] in visit.desk.people.of(visit.reviewer).opt_out:
        raise Problem(403, f"of a type that you do not want: {row['risk_type']}; see Settings")
    return row
