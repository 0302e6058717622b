"""How every address of ours answers: JSON or a picture, never HTML, never a trace.

Work is done in a thread. Who asks is known from a header; see app.tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.desk import Desk
from app.faults import FULL, of_disk, short
from app.headers import REVIEWER
from app.pictures import Unshowable
from app.tokens import HEADER
from app.visit import READ_ONLY, Visit
from audit.errors import UsageError
from audit.text import visible

MOST_BYTES = 1 << 20  # of a posted body
NO_STORE = {"cache-control": "no-store"}

Endpoint = Callable[[Request], Any]


class Problem(Exception):
    """Ends a request with a status and one line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def about_row(desk: Desk, work: Callable[[Visit, int], Response]) -> Endpoint:
    """An endpoint about the row that its path names as `row_id`."""

    def read(request: Request, _: bytes) -> Response:
        visit = _who(desk, request)
        row_id = request.path_params["row_id"]
        if row_id >= 2**63:
            raise Problem(404, "no such row")
        return work(visit, row_id)

    return _answered(read)


def got(desk: Desk, work: Callable[[Visit], Response]) -> Endpoint:
    """An endpoint that is asked without a row and without a body."""

    def read(request: Request, _: bytes) -> Response:
        return work(_who(desk, request))

    return _answered(read)


def posted(desk: Desk, work: Callable[[Visit, Any], Response]) -> Endpoint:
    """An endpoint that takes JSON."""

    def read(request: Request, body: bytes) -> Response:
        visit = _who(desk, request)
        return work(visit, _parsed(request, body))

    return _answered(read)


def nothing() -> Endpoint:
    """An endpoint of whatever there is not."""

    def unknown(request: Request, body: bytes) -> Response:
        raise Problem(404, "no such address")

    return _answered(unknown)


def reviewer_of(visit: Visit) -> str:
    """Who decides; Problem 403 for somebody who may only look."""
    if visit.reviewer is None:
        raise Problem(403, READ_ONLY)
    return visit.reviewer


def answer(value: Any, status: int = 200) -> JSONResponse:
    """JSON that nobody keeps."""
    return JSONResponse(value, status, headers=NO_STORE)


def _answered(work: Callable[[Request, bytes], Response]) -> Endpoint:
    """An endpoint that works in a thread and turns what is raised into one line of JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request) if request.method == "POST" else b""
            return await run_in_threadpool(work, request, body)
        except Problem as problem:
            return answer({"error": short(problem.why)}, problem.status)
        except UsageError as error:
            return answer({"error": visible(short(error))}, 409)
        except Unshowable as why:
            return answer({"error": visible(short(why))}, 422)
        except OSError as error:
            status = 507 if error.errno in FULL else 500
            return answer({"error": visible(of_disk(error))}, status)
        except Exception as error:  # nothing of a trace or a row leaves the server
            return answer({"error": f"failed: {type(error).__name__}"}, 500)

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


def _who(desk: Desk, request: Request) -> Visit:
    """Whoever the header names; Problem 403 without a good one."""
    claim = desk.tokens.check(request.headers.get(HEADER, ""))
    if claim is None:
        raise Problem(403, "the page is out of date; reload it")
    # A word of somebody else's is of no use to whoever the proxy has let in.
    if request.scope.get(REVIEWER, claim.reviewer) != claim.reviewer:
        raise Problem(403, "the page is somebody else's; reload it")
    visit = Visit(desk, claim.reviewer, claim.window)
    desk.assignments.touch(visit)
    return visit
