"""GET module: the scripts of our components, which are no secret."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.component import AT, MODULES
from app.desk import Desk
from app.routes.answering import answer

_FOR_GOOD = {"cache-control": "private, max-age=31536000, immutable"}


def routes(_: Desk) -> list[Route]:
    """The addresses of this group."""
    return [Route(f"{AT}/{{number:int}}", _module, methods=["GET"])]


async def _module(request: Request) -> Response:
    module = MODULES.get(request.path_params["number"])
    if module is None:  # of a server that was replaced by a newer one
        return answer({"error": "no such module; reload the page"}, 404)
    return Response(module, media_type="text/javascript", headers=_FOR_GOOD)
