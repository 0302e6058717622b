"""What people said about pictures like one, and how many near-duplicates it has."""

from __future__ import annotations

from typing import Any

from app.addresses import of_search
from app.desk import Desk
from app.faults import short
from audit.errors import ShardwardenError, UsageError
from audit.reader import Snapshot
from audit.specs import Spec

AMONG = 256  # the most alike, of which those that are decided are told
MOST_TOLD = 5


def near(desk: Desk, row_id: int, reviewer: str | None) -> dict[str, Any]:
    """What the pane says of others like a row that may be shown.

    returns  {"blind": nothing is told before the reviewer has decided, "decided": the nearest that
             people have decided, nearest first, "none": why there are none, as a sentence,
             "cluster": its near-duplicates or None, "like": what follows `?` in an address that
             finds others like it, None where nothing can}
    """
    snapshot = desk.now()
    like: str | None = of_search(Spec(scope="any", way="like", given=str(row_id)))
    cluster = _cluster(snapshot, row_id)
    if desk.assignments.blind(reviewer, row_id) or desk.assignments.is_second(reviewer, row_id):
        return {"blind": True, "decided": [], "none": None, "cluster": cluster, "like": like}
    none = None
    try:
        decided = _decided(desk, snapshot, row_id, reviewer)
        if not decided:
            none = "None of those most like it is decided."
    except UsageError:  # this row has no vector
        decided, like = [], None
        none = "It was not scored, so nothing like it can be looked for."
    except ShardwardenError as error:  # the index is missing, or another one
        decided, like = [], None
        none = f"Nothing like it can be looked for: {short(error)}."
    return {"blind": False, "decided": decided, "none": none, "cluster": cluster, "like": like}


def _decided(
    desk: Desk, snapshot: Snapshot, row_id: int, reviewer: str | None
) -> list[dict[str, Any]]:
    found = []
    for row, cosine in zip(*snapshot.likeness.of_row(row_id, AMONG), strict=True):
        if cosine <= 0:  # and of all behind it: not alike
            break
        outcome = desk.mirror.outcome(int(row))
        if outcome is None or desk.mirror.locked(int(row)):
            continue
        # Of what they are still to look at again the reviewer learns nothing here either.
        if reviewer is None or desk.assignments.purpose(reviewer, int(row)) is None:
            label = outcome.label
            found.append(
                {
                    "row_id": str(row),
                    "alike": round(float(cosine), 2),
                    "verdict": outcome.verdict,
                    "type": label.type if label else None,
                    "level": label.level if label else None,
                }
            )
    return found[:MOST_TOLD]


def _cluster(snapshot: Snapshot, row_id: int) -> dict[str, Any] | None:
    found = snapshot.clusters.of([row_id]).get(row_id)
    if found is None:
        return None
    name, size = found
    address = of_search(Spec(scope="any", way="cluster", given=name))
    return {"size": size, "address": address}
