"""A decision about a card that stands for near-duplicates is one about each of them.

One row of the log for every member, with the cluster's id and one batch; taking the card's decision
back takes back the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app.bulk import derived
from app.desk import Desk
from app.storing import taken_back
from audit.errors import UsageError
from audit.outcomes import MEASURES, standing
from audit.verdicts import Decision


def for_all(desk: Desk, decision: Decision, cluster: str) -> list[Decision]:
    """The decision about the row that was shown, and one about each other member.

    Their ids are made of the first one's id and the row: storing all again adds nothing. Rows that
    are locked away are left as they are.
    cluster   that the card named, 16 hex digits
    raises    UsageError when the row is not in it any more
    """
    snapshot = desk.now()
    named = snapshot.clusters.of([decision.row_id]).get(decision.row_id)
    if named is None or named[0] != cluster:
        raise UsageError("its near-duplicates are others by now; renew the queue")
    if decision.purpose in MEASURES:
        return [decision]
    first = replace(decision, cluster=cluster, batch=decision.id)
    ids = np.setdiff1d(snapshot.clusters.members(cluster), [decision.row_id])
    columns = ("row_id", "uid", "risk_type", "risk_level")
    rows = snapshot.some(ids, columns).to_pylist()
    return [first, *(_same(first, row) for row in rows if not desk.mirror.locked(row["row_id"]))]


def undone(desk: Desk, undo: Decision, new: Sequence[Decision]) -> list[Decision]:
    """The undo, as part of the batch it takes something from; of a whole cluster all that it needs.

    new   decisions that arrived together with the undo, and are not in the mirror yet
    """
    said = (*desk.mirror.said(undo.row_id), *new)
    taken = next((d for d in said if (d.id, d.reviewer) == (undo.undoes, undo.reviewer)), None)
    if taken is None or taken.batch is None:
        return [undo]
    first = replace(undo, batch=taken.batch, cluster=taken.cluster)
    if taken.of_many:  # one row of them, by itself
        return [first]
    mine = [
        d
        for d in (*desk.mirror.batch(taken.batch), *new)
        if d.batch == taken.batch and d.reviewer == undo.reviewer and d.id != taken.id
    ]
    left = {d.id: d for d in standing(mine)}.values()
    return [first, *(taken_back(d, derived(undo.id, d.row_id), undo.time) for d in left)]


def _same(first: Decision, row: dict[str, Any]) -> Decision:
    """What was said of the row shown, said of another; a label that it was not scored as is new."""
    about: dict[str, Any] = {
        "id": derived(first.id, row["row_id"]), "row_id": row["row_id"], "uid": row["uid"] or "",
        "purpose": None, "seconds": 0.0, "revealed": False,
    }  # fmt: skip
    if first.verdict == "agree" and (row["risk_type"], row["risk_level"]) != (
        first.type, first.level,
    ):  # fmt: skip
        about["verdict"] = "relabel"
    return replace(first, **about)
