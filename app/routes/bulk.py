"""POST bulk, effect, batch and undo: one decision about many rows; GET batch: how far it is."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import numpy as np
from starlette.responses import Response
from starlette.routing import Route

from app.bulk import Said, after, sample
from app.cards import cards
from app.desk import Desk
from app.routes.answering import Problem, about_row, answer, posted, reviewer_of
from app.storing import Storing
from app.visit import Visit
from audit.errors import UsageError
from audit.reader import Ids

MOST_ROWS = 500  # named one by one
_HEX = re.compile(r"[0-9a-f]{32}")
_WAYS = 'send {"rows": [row_id ...]}, {"stacks": [row_id ...]} or {"set": name}'
_DIGITS = re.compile(r"[0-9]{1,19}")


def routes(desk: Desk) -> list[Route]:
    """The addresses of this group."""
    return [
        Route("/audit/bulk", posted(desk, _offer), methods=["POST"]),
        Route("/audit/effect", posted(desk, _effect), methods=["POST"]),
        Route("/audit/batch", posted(desk, _start), methods=["POST"]),
        Route("/audit/batch/{row_id:int}", about_row(desk, _state), methods=["GET"]),
        Route("/audit/undo", posted(desk, _undo), methods=["POST"]),
    ]


def _offer(visit: Visit, body: Any) -> Response:
    """Which rows: those named, those with all near-duplicates, or what a page shows as `set`."""
    reviewer_of(visit)
    if not isinstance(body, dict) or len(body) != 1:
        raise Problem(400, _WAYS)
    (what, given), *_ = body.items()
    ids, found = _asked(visit, what, given)
    try:
        offer = visit.desk.offers.offer(visit, ids)
    except UsageError as error:
        raise Problem(400, f"the policy cannot be read: {error}") from None
    return answer(
        {
            "offer": str(offer.number),
            "count": len(offer.rows),
            "found": found,
            "near": len(ids) - found,
            "left_out": list(offer.left_out.items()),
            "again": offer.again,
            "policy": offer.ground.policy.name,
            "before": asdict(offer.before),
            "sample": cards(visit, sample(offer)),
        }
    )


def _effect(visit: Visit, body: Any) -> Response:
    number, said, _ = _wanted(body, {"offer", "say"})
    offer = visit.desk.offers.offered(number, visit.reviewer)
    count, effect = after(visit.desk, offer, said)
    return answer({"count": count, "after": asdict(effect)})


def _start(visit: Visit, body: Any) -> Response:
    number, said, batch = _wanted(body, {"offer", "say", "batch"})
    offer = visit.desk.offers.offered(number, visit.reviewer)
    return answer(_told(visit.desk.batches.start(visit.desk, offer, said, batch)))


def _state(visit: Visit, number: int) -> Response:
    begun = visit.desk.batches.of(number, visit.reviewer)
    if begun is None:
        raise Problem(404, "the server was restarted; the page Decisions says what was stored")
    return answer(_told(begun))


def _undo(visit: Visit, body: Any) -> Response:
    reviewer = reviewer_of(visit)
    if not isinstance(body, dict) or set(body) != {"batch", "mark"}:
        raise Problem(400, 'send {"batch": ..., "mark": ...}')
    batch, mark = body["batch"], body["mark"]
    if not (_is_hex(batch) and _is_hex(mark)):
        raise Problem(400, "batch and mark are 32 hex digits each")
    return answer(_told(visit.desk.batches.undo(visit.desk, reviewer, batch, mark)))


def _asked(visit: Visit, what: str, given: Any) -> tuple[Ids, int]:
    """(row_ids, how many of them were asked for themselves and not as near-duplicates)."""
    if what == "set":
        named = visit.desk.results.named(given) if isinstance(given, str) else None
        if named is None:
            raise Problem(409, "this queue was found anew meanwhile; reload the page")
        spec, results = named
        ids = results.row_ids
        return (visit.desk.now().clusters.whole(ids) if spec.collapse else ids), len(ids)
    if what not in ("rows", "stacks"):
        raise Problem(400, _WAYS)
    if not isinstance(given, list) or not 0 < len(given) <= MOST_ROWS:
        raise Problem(400, f"{what}: name 1 to {MOST_ROWS}")
    ids = np.unique(np.array([_row_id(one) for one in given], np.int64))
    return (visit.desk.now().clusters.whole(ids) if what == "stacks" else ids), len(ids)


def _wanted(body: Any, fields: set[str]) -> tuple[int, Said, str]:
    """(number of the offer, what is said, id of the batch) of a post."""
    if not isinstance(body, dict) or set(body) != fields:
        raise Problem(400, f"send {', '.join(sorted(fields))}")
    said = body["say"]
    if not isinstance(said, dict) or not {"verdict"} <= set(said) <= {"verdict", "type", "level"}:
        raise Problem(400, "say: verdict, and with relabel type and level")
    texts = [said.get(name) for name in ("verdict", "type", "level")]
    if not all(text is None or isinstance(text, str) for text in texts):
        raise Problem(400, "say: verdict, type and level are words")
    batch = body.get("batch", "0" * 32)
    if not _is_hex(batch):
        raise Problem(400, "batch: 32 hex digits")
    return _row_id(body["offer"]), Said(str(texts[0]), *texts[1:]), batch


def _row_id(given: Any) -> int:
    """A number that came as text: scripts of a page cannot count to 2**63."""
    if not isinstance(given, str) or not _DIGITS.fullmatch(given) or int(given) >= 2**63:
        raise Problem(400, "a number is text of digits")
    return int(given)


def _is_hex(given: Any) -> bool:
    return isinstance(given, str) and _HEX.fullmatch(given) is not None


def _told(begun: Storing) -> dict[str, Any]:
    ended = begun.ended.is_set()
    return {
        "job": str(begun.number), "batch": begun.batch, "done": begun.done, "total": begun.total,
        "ended": ended, "problem": begun.problem,
    }  # fmt: skip
