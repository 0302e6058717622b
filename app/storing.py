"""Storing one decision about many rows, and taking it back: in pieces, in a thread, as one batch.

Ids of the decisions are made of the batch and the row, so that storing again adds nothing.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.bulk import Offer, Said, decided, derived, sayable
from app.faults import of_disk, short
from audit.errors import ShardwardenError, UsageError
from audit.latest import Latest
from audit.outcomes import standing
from audit.verdicts import Decision
from curation.decisions import checked, now

if TYPE_CHECKING:
    from app.desk import Desk

PIECE = 250  # decisions brought to disk together; others store theirs in between
PAUSE = 0.002  # seconds after each piece, in which keys of others get through
KEPT = 64  # batches of which is known how they ended


@dataclass(slots=True)
class Storing:
    """A batch being stored or taken back; `problem` is one line where it was broken off."""

    number: int
    reviewer: str
    batch: str
    total: int
    done: int = 0
    problem: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


class Batches:
    """The batches that this process has stored or taken back; may be shared by threads."""

    def __init__(self) -> None:
        """None yet."""
        self._known: Latest[int, Storing] = Latest(KEPT)
        self._lock = threading.Lock()

    def of(self, number: int, reviewer: str | None) -> Storing | None:
        """The reviewer's batch of this number."""
        found = self._known.get(number)
        return found if found is not None and found.reviewer == reviewer else None

    def running(self, reviewer: str | None) -> list[Storing]:
        """Those of a reviewer that have not ended."""
        known = (one for _, one in self._known.items())
        return [one for one in known if one.reviewer == reviewer and not one.ended.is_set()]

    def start(self, desk: Desk, offer: Offer, said: Said, batch: str) -> Storing:
        """Begin to store a decision about every row of an offer; once, whatever is asked."""
        desk.mirror.catch_up()
        stored = desk.mirror.batch(batch)
        if stored and not standing(stored):  # its ids are known: nothing would be stored
            raise UsageError("this batch was stored and taken back; open the dialog again")
        rows = sayable(offer, said)
        pieces = _saying(desk, offer, said, batch, rows)
        return self._begin(desk, offer.reviewer, batch, len(rows), pieces)

    def undo(self, desk: Desk, reviewer: str, batch: str, mark: str) -> Storing:
        """Begin to take back what the reviewer decided in one go.

        mark     hex digits that name this undoing: sent again, it adds nothing
        raises   UsageError when nothing of it is left to take back
        """
        desk.mirror.catch_up()
        left = [d for d in standing(desk.mirror.batch(batch)) if d.reviewer == reviewer]
        if not left:
            raise UsageError("nothing of this batch is left that you could undo")

        return self._begin(desk, reviewer, batch, len(left), _undoing(left, mark))

    def _begin(
        self, desk: Desk, reviewer: str, batch: str, total: int, pieces: Iterator[list[Decision]]
    ) -> Storing:
        with self._lock:
            for one in self.running(reviewer):
                if one.batch == batch:
                    return one
                raise UsageError("another batch of yours is being stored; wait for its end")
            begun = Storing(secrets.randbelow(2**53), reviewer, batch, total)
            self._known.put(begun.number, begun)
        threading.Thread(target=_store, args=(desk, begun, pieces), daemon=True).start()
        return begun


def taken_back(taken: Decision, number: str, moment: str) -> Decision:
    """What undoes a decision, as part of the same batch or cluster."""
    return checked(
        {
            "id": number, "row_id": taken.row_id, "uid": taken.uid, "verdict": "undo",
            "reviewer": taken.reviewer, "time": moment, "undoes": taken.id,
            "batch": taken.batch, "cluster": taken.cluster, "scorer": taken.scorer,
        }
    )  # fmt: skip


def _saying(
    desk: Desk, offer: Offer, said: Said, batch: str, rows: Sequence[dict[str, Any]]
) -> Iterator[list[Decision]]:
    for at in range(0, len(rows), PIECE):
        desk.mirror.catch_up()  # somebody may have locked one away a moment ago
        free = [row for row in rows[at : at + PIECE] if not desk.mirror.locked(row["row_id"])]
        moment = now()
        yield [decided(offer, said, batch, moment, row) for row in free]


def _undoing(left: Sequence[Decision], mark: str) -> Iterator[list[Decision]]:
    for at in range(0, len(left), PIECE):
        moment = now()
        yield [taken_back(d, derived(mark, d.id), moment) for d in left[at : at + PIECE]]


def _store(desk: Desk, begun: Storing, pieces: Iterator[list[Decision]]) -> None:
    try:
        for piece in pieces:
            desk.decisions.append(piece)
            desk.mirror.catch_up()
            desk.assignments.recorded(d for d in piece if d.undoes is None)
            begun.done += len(piece)
            time.sleep(PAUSE)
    except (OSError, ShardwardenError) as error:
        reason = of_disk(error) if isinstance(error, OSError) else short(error)
        begun.problem = f"broken off: {reason}; what was stored can be undone"
    finally:
        begun.ended.set()
