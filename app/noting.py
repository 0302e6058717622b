"""A note with a decision that was made already: the same decision again, with a line of text.

Lines of the log are only ever added. So what was decided is written once more, with the note, and
the line without it is undone; an undo of the new one takes the decision back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.bulk import derived
from app.desk import Desk
from app.storing import taken_back
from audit.errors import UsageError
from audit.outcomes import standing
from audit.verdicts import Decision, as_record
from curation.decisions import checked

MOST_CHARACTERS = 500


def with_note(
    desk: Desk, entry: Mapping[str, Any], reviewer: str, moment: str, new: Sequence[Decision]
) -> list[Decision]:
    """The decision with its note, for each near-duplicate it was about; then undos of what it was.

    In this order in the log there is no moment at which the row is undecided.
    entry    id: the same again stores nothing new; row_id; noted: id of the decision as it is;
             note: one line, "" for none any more
    new      decisions that arrived together with this, and are not in the mirror yet
    raises   UsageError when there is no such decision, or something was said since that a new
             line would speak over
    """
    number = entry["id"]
    row_id = entry["row_id"]
    said = [*desk.mirror.said(row_id), *(d for d in new if d.row_id == row_id)]
    own = {d.id: d for d in said if d.reviewer == reviewer and d.undoes is None}
    if number in own:
        return [own[number]]
    first = own.get(entry["noted"])
    if first is None or not _is_latest(desk, first, new):
        raise UsageError("it was undone, decided again or settled meanwhile; nothing was noted")
    group = [first]
    stands_for_all = first.batch == first.id
    if stands_for_all:
        batch = standing([*desk.mirror.batch(first.id), *new])
        group += [
            d
            for d in batch
            if d.reviewer == reviewer and d.batch == first.id != d.id and _is_latest(desk, d, new)
        ]
    again = [
        checked(
            as_record(d)
            | {
                "id": number if d is first else derived(number, d.row_id),
                "batch": number if stands_for_all else d.batch,
                "time": moment,
                "note": " ".join(entry["note"].split()),
                "seconds": 0.0,  # the line that is undone says them
            }
        )
        for d in group
    ]
    without = (taken_back(d, derived(number, "without", d.row_id), moment) for d in group)
    return [*again, *without]


def _is_latest(desk: Desk, decision: Decision, new: Sequence[Decision]) -> bool:
    """Whether it stands, and nothing came after it that it would replace or quarrel with."""
    row_id = decision.row_id
    left = standing([*desk.mirror.said(row_id), *(d for d in new if d.row_id == row_id)])
    names = [(d.reviewer, d.id) for d in left]
    name = (decision.reviewer, decision.id)
    if name not in names:
        return False
    later = left[names.index(name) + 1 :]
    return not any(d.reviewer == decision.reviewer or d.ruling or decision.ruling for d in later)
