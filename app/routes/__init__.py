"""The addresses under /audit/ that the page's own script asks: pictures, details, decisions.

Every answer that is no picture or script is JSON. A row that is unknown, quarantined or locked away
is the same 404 everywhere.
"""

from __future__ import annotations

from starlette.routing import Route

from app.desk import Desk
from app.routes import (
    bulk,
    deciding,
    editions,
    exports,
    items,
    leaving,
    modules,
    pictures,
    settings,
)
from app.routes.answering import nothing

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def routes(desk: Desk) -> list[Route]:
    """All our addresses; the last two catch whatever else is asked for under /audit."""
    return [
        *pictures.routes(desk),
        *items.routes(desk),
        *deciding.routes(desk),
        *bulk.routes(desk),
        *exports.routes(desk),
        *settings.routes(desk),
        *leaving.routes(desk),
        *editions.routes(desk),
        *modules.routes(desk),
        Route("/audit", nothing(), methods=METHODS),
        Route("/audit/{rest:path}", nothing(), methods=METHODS),
    ]
