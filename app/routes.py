"""The addresses under /audit/ that the page's own script asks: pictures, details, decisions.

Every answer that is no picture is JSON. A row that is unknown, quarantined or locked away is the
same 404 everywhere. Who asks is known from a header; see app.tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.desk import Desk
from app.details import detail
from app.pictures import Unshowable
from app.recording import Refused, record
from app.tokens import HEADER
from audit.text import visible

MOST_BYTES = 1 << 20  # of a posted body
MOST_DECISIONS = 500  # in one post
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Problem(Exception):
    """Ends a request with a status and one line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def routes(desk: Desk) -> list[Route]:
    """All our addresses; the last catches whatever else is asked for under /audit."""

    def to_show(request: Request, work: Callable[[int, str | None], Response]) -> Response:
        reviewer = _who(desk, request)
        row_id = request.path_params["row_id"]
        if row_id >= 2**63:
            raise Problem(404, "no such row")
        return work(row_id, reviewer)

    def preview(row_id: int, reviewer: str | None) -> Response:
        data = desk.pictures.preview(_picture_row(desk, row_id))
        return Response(data, media_type="image/webp", headers=_PRIVATE)

    def clear(row_id: int, reviewer: str | None) -> Response:
        row = _picture_row(desk, row_id)
        data = desk.pictures.clear(row)
        desk.exposure.shown(reviewer, row["risk_type"], row["risk_level"])
        return Response(data, media_type="image/jpeg", headers=_NO_STORE)

    def item(row_id: int, reviewer: str | None) -> Response:
        found = detail(desk, row_id, reviewer)
        if found is None:
            raise Problem(404, "no such row")
        return _json(found)

    def decide(body: Any, reviewer: str | None) -> Response:
        if reviewer is None:
            raise Problem(403, "read-only: start `audit review` with --reviewer NAME to decide")
        if not isinstance(body, dict) or set(body) != {"decisions"}:
            raise Problem(400, 'send {"decisions": [...]}')
        entries = body["decisions"]
        if not isinstance(entries, list) or not 0 < len(entries) <= MOST_DECISIONS:
            raise Problem(400, f"send 1 to {MOST_DECISIONS} decisions")
        try:
            return _json(record(desk, entries, reviewer))
        except Refused as refused:
            raise Problem(400, str(refused)) from None

    def exposed(body: Any, reviewer: str | None) -> Response:
        seconds: Any = body.get("seconds") if isinstance(body, dict) else None
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not number or not 0 <= seconds <= 3600:  # NaN is neither
            raise Problem(400, 'send {"seconds": 0 to 3600}')
        desk.exposure.looked(reviewer, float(seconds))
        return _json(desk.exposure.of(reviewer))

    def got(work: Callable[[int, str | None], Response]) -> Callable[..., Any]:
        return _answered(lambda request, _: to_show(request, work))

    def posted(work: Callable[[Any, str | None], Response]) -> Callable[..., Any]:
        def read(request: Request, body: bytes) -> Response:
            reviewer = _who(desk, request)
            return work(_parsed(request, body), reviewer)

        return _answered(read)

    def unknown(request: Request, body: bytes) -> Response:
        raise Problem(404, "no such address")

    return [
        Route("/audit/preview/{row_id:int}", got(preview), methods=["GET"]),
        Route("/audit/clear/{row_id:int}", got(clear), methods=["GET"]),
        Route("/audit/item/{row_id:int}", got(item), methods=["GET"]),
        Route("/audit/decisions", posted(decide), methods=["POST"]),
        Route("/audit/exposure", posted(exposed), methods=["POST"]),
        Route("/audit", _answered(unknown), methods=METHODS),
        Route("/audit/{rest:path}", _answered(unknown), methods=METHODS),
    ]


_NO_STORE = {"cache-control": "no-store"}
_PRIVATE = {"cache-control": "private, max-age=3600"}


def _answered(work: Callable[[Request, bytes], Response]) -> Callable[..., Any]:
    """An endpoint that works in a thread and turns what is raised into one line of JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request) if request.method == "POST" else b""
            return await run_in_threadpool(work, request, body)
        except Problem as problem:
            return _json({"error": problem.why}, problem.status)
        except Unshowable as why:
            return _json({"error": visible(str(why))}, 422)
        except Exception as error:  # nothing of a trace or a row leaves the server
            return _json({"error": f"failed: {type(error).__name__}"}, 500)

    return endpoint


async def _body(request: Request) -> bytes:
    """The posted bytes, no more than MOST_BYTES of them."""
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > MOST_BYTES:
            raise Problem(413, f"more than {MOST_BYTES:,} bytes")
    return found


def _parsed(request: Request, body: bytes) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Problem(400, "send application/json")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "not JSON") from None


def _who(desk: Desk, request: Request) -> str | None:
    """The reviewer that the header names; Problem 403 without a good one."""
    good, reviewer = desk.tokens.check(request.headers.get(HEADER, ""))
    if not good:
        raise Problem(403, "the page is out of date; reload it")
    return reviewer


def _picture_row(desk: Desk, row_id: int) -> dict[str, Any]:
    row = desk.picture_row(row_id)
    if row is None:
        raise Problem(404, "no such row")
    return row


def _json(value: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(value, status, headers=_NO_STORE)
