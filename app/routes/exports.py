"""POST export: the log of decisions as a file."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from app.desk import Desk
from app.logs import Moment, exported
from app.routes.answering import NO_STORE, Problem, posted
from app.visit import Visit
from audit.errors import UsageError
from audit.verdicts import is_alias

_MEDIA = {
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
}


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [Route("/audit/export", posted(desk, _export), methods=["POST"])]


def _export(visit: Visit, body: Any) -> Response:
    if not isinstance(body, dict) or set(body) != {"format", "ends"}:
        raise Problem(400, 'send {"format": ..., "ends": {...}}')
    form, ends = body["format"], body["ends"]
    if not isinstance(ends, dict) or not all(map(_is_end, ends.items())):
        raise Problem(400, "ends: reviewer and bytes of the reviewer's file")
    at = Moment(ends)
    try:
        data = exported(visit.desk, visit.reviewer, at, form if isinstance(form, str) else "")
    except UsageError as error:
        raise Problem(400, str(error)) from None
    name = f"decisions-{at.name}.{form}"
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=_MEDIA[form], headers=headers)


def _is_end(pair: tuple[Any, Any]) -> bool:
    alias, end = pair
    return isinstance(alias, str) and is_alias(alias) and type(end) is int and end >= 0
