"""Turns what the page posts into decisions, and stores them.

The page says what was decided about which row. Who decided, when it arrived, which scorer's scores
were shown or hidden, why the row was given out and what it is called, the server says.
"""

from __future__ import annotations

import re
from typing import Any

from app.desk import Desk
from app.noting import MOST_CHARACTERS, with_note
from app.together import for_all, undone
from audit.errors import UsageError
from audit.header import read as read_header
from audit.verdicts import Decision
from curation.decisions import checked, now

FROM_PAGE = frozenset(
    ("id", "row_id", "verdict", "type", "level", "concepts", "revealed", "seconds", "batch",
     "cluster", "undoes", "note", "noted", "given", "rules", "scorer")
)  # fmt: skip
VERDICTS = ("agree", "relabel", "keep", "drop", "escalate", "quarantine", "undo")
_DIGITS = re.compile(r"[0-9]{1,19}")


class Refused(Exception):
    """The whole post is malformed: not something that our page sends."""


def record(desk: Desk, entries: list[Any], reviewer: str) -> dict[str, Any]:
    """Store decisions; those that cannot be are named, so that the page can say so.

    returns  {"stored": [id ...], "refused": [{"id", "why"} ...], "taken": [row_id ...]}; stored is
             on disk, and storing an id again changes nothing; taken: rows that somebody else was
             given meanwhile, or has decided
    raises   Refused when an entry has no id or row_id, or fields that the page may not set
    """
    cleaned = [_clean(entry) for entry in entries]
    desk.mirror.catch_up()
    snapshot = desk.now()
    rows = snapshot.cards([entry["row_id"] for entry in cleaned])
    good: list[Decision] = []
    refused: list[dict[str, str]] = []
    answers: list[Decision] = []  # of the good ones; a note answers nothing that was asked
    moment = now()
    for entry in cleaned:
        row = rows.get(entry["row_id"])
        try:
            if row is None:
                raise UsageError("no such row")
            if "noted" in entry:
                good += with_note(desk, entry, reviewer, moment, good)
                continue
            cluster = entry.pop("cluster", None)
            entry["scorer"] = _shown(desk, entry, snapshot.scorer_sha256)
            decision = _decision(desk, entry, reviewer, row, moment)
            if decision.undoes is not None:
                made = undone(desk, decision, good)
            else:
                made = for_all(desk, decision, cluster) if cluster is not None else [decision]
            good += made
            answers += made
        except UsageError as error:
            refused.append({"id": entry["id"], "why": str(error)})
    taken = desk.assignments.taken(reviewer, (decision.row_id for decision in answers))
    desk.decisions.append(good)
    desk.mirror.catch_up()
    desk.assignments.recorded(answers)
    return {
        "stored": [decision.id for decision in good],
        "refused": refused,
        "taken": [str(row_id) for row_id in sorted(taken)],
    }


def _decision(
    desk: Desk, entry: dict[str, Any], reviewer: str, row: dict[str, Any], moment: str
) -> Decision:
    """The decision of an entry about a row that can be shown; UsageError when it is none."""
    said = dict(entry)
    word = said.pop("given", None)
    blind = desk.assignments.blind(reviewer, row["row_id"])
    if said["verdict"] == "agree":
        if row["risk_type"] is None:
            raise UsageError("it has no score to agree with")
        if blind:
            raise UsageError("its score is hidden: say what you see")
        # What was agreed to stays known when another scorer scores the row anew.
        said |= {"type": row["risk_type"], "level": row["risk_level"]}
        if said["type"] == "safe":
            said["level"] = "none"
    if said.pop("rules", False) and said["verdict"] != "undo":
        if not desk.team.settles(reviewer):
            raise UsageError("review.yaml names others to settle disagreements")
        if said["verdict"] != "quarantine" and _locked_by_others(desk, reviewer, row["row_id"]):
            raise UsageError("somebody has locked it away meanwhile; only they take that back")
        said |= {"ruling": said["verdict"], "verdict": "adjudicate"}
    elif said["verdict"] != "undo":
        said["blind"] = blind
        said["purpose"] = desk.purpose(reviewer, row["row_id"], word)
    about = {
        "uid": row["uid"] or "", "reviewer": reviewer, "time": moment,
        "policy": desk.policies.hash(),
    }  # fmt: skip
    return checked({**said, **about})


def _shown(desk: Desk, entry: dict[str, Any], now: str) -> str:
    """Which scorer's scores were shown; UsageError where others took their place meanwhile."""
    shown = entry.get("scorer", now)
    if shown == now or any(d.id == entry["id"] for d in desk.mirror.said(entry["row_id"])):
        return now  # what is stored already stays as it is
    if entry["verdict"] == "agree":
        raise UsageError("it was scored anew meanwhile; renew the queue and look again")
    events = read_header(desk.catalog).get("history", [])
    return shown if shown in {event["scorer_sha256"] for event in events} else now


def _locked_by_others(desk: Desk, reviewer: str, row_id: int) -> bool:
    """Whether a ruling would show again what another person has hidden from everybody."""
    outcome = desk.mirror.outcome(row_id)
    said = outcome.decisions if outcome else ()
    return any(d.stance == "quarantine" and d.reviewer != reviewer for d in said)


def _clean(entry: Any) -> dict[str, Any]:
    """One entry with its row_id as a number: scripts of a page cannot count to 2**63."""
    if not isinstance(entry, dict) or not {"id", "row_id", "verdict"} <= entry.keys():
        raise Refused("a decision has id, row_id and verdict")
    if strange := entry.keys() - FROM_PAGE:
        raise Refused(f"a page may not set {min(strange)!r:.40}")
    if not isinstance(entry.get("given", ""), str):
        raise Refused("given is the card's own word")
    if not isinstance(entry.get("cluster", ""), str | None):
        raise Refused("cluster is the card's own word")
    note = entry.get("note", "")
    if not isinstance(note, str) or len(note) > MOST_CHARACTERS:
        raise Refused(f"a note is text of {MOST_CHARACTERS} characters at most")
    if "noted" in entry and not ("note" in entry and isinstance(entry["noted"], str)):
        raise Refused("noted is the id of a decision, and goes with a note")
    if not isinstance(entry.get("scorer", ""), str):
        raise Refused("scorer is text")
    if type(entry.get("rules", False)) is not bool:
        raise Refused("rules is true or false")
    if not isinstance(entry["id"], str) or not re.fullmatch(r"[0-9a-f]{8,64}", entry["id"]):
        raise Refused("an id is 8 to 64 hex digits")
    if entry["verdict"] not in VERDICTS:
        raise Refused("unknown verdict")
    row_id = entry["row_id"]
    if isinstance(row_id, str) and _DIGITS.fullmatch(row_id):
        row_id = int(row_id)
    if type(row_id) is not int or not 0 <= row_id < 2**63:
        raise Refused("row_id is a whole number")
    return {**entry, "row_id": row_id}
