"""What reviewers' decisions come to, row by row: pure, whatever order people worked in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from audit.verdicts import Decision


@dataclass(frozen=True, slots=True)
class Label:
    """What a row is, according to people; a part that is None was left as it is scored."""

    type: str | None
    level: str | None
    concepts: tuple[str, ...] | None


_AS_SCORED = Label(None, None, None)
MEASURES = ("known", "repeat")  # purposes of looks that measure the reviewer, not the row


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the decisions about one row come to.

    verdict    a name of RULINGS, or "disagreement"
    label      where the verdicts say one; `agree` that names no type is Label(None, None, None):
               the row's own scores, of the scorer named in the decision
    decisions  those that count: the latest of each reviewer, or an adjudication and later ones
    """

    row_id: int
    uid: str
    verdict: str
    label: Label | None
    decisions: tuple[Decision, ...]

    @property
    def settled(self) -> bool:
        """False while reviewers disagree."""
        return self.verdict != "disagreement"

    @property
    def ruled(self) -> bool:
        """Whether somebody has ruled."""
        return any(decision.ruling for decision in self.decisions)

    @property
    def firm(self) -> bool:
        """Whether two people agree or somebody has ruled: it can serve to measure others by."""
        return self.settled and (self.ruled or len(self.decisions) > 1)

    @property
    def locked(self) -> bool:
        """Whether somebody has had the row locked away."""
        return any(decision.stance == "quarantine" for decision in self.decisions)

    def stranger(self, uid: str | None) -> str | None:
        """What is wrong when the row of this id holds another picture by now, else None.

        A row id says where a picture stands in its shard; a shard that was made anew may hold
        another one there.
        """
        if all(decision.uid == uid for decision in self.decisions):
            return None
        return "decided about another picture, its shard has changed since; judge it again"


def settle(decisions: Iterable[Decision]) -> dict[int, Outcome]:
    """What the decisions come to, by row_id; rows whose every decision was undone are left out.

    An undo counts only for an earlier decision of the same reviewer, and what that decision
    replaced counts again. An adjudication stands for all that was decided before it; verdicts
    given after it count beside it, and may disagree with it. A look at a known item or a repeat
    says how steady its reviewer is and changes nothing, unless it locks the row away.
    decisions   by time, as `read_decisions` gives them
    """
    rows: dict[int, list[Decision]] = {}
    for decision in standing(decisions):
        if decision.purpose in MEASURES and decision.stance != "quarantine":
            continue
        said = rows.setdefault(decision.row_id, [])
        if decision.verdict == "adjudicate":
            said.clear()
        else:
            said[:] = [d for d in said if d.reviewer != decision.reviewer or d.ruling]
        said.append(decision)
    return {row: _outcome(row, tuple(said)) for row, said in rows.items()}


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """Those that are not undone, without the undos; an undo can be undone.

    decisions   by time, as `read_decisions` gives them; likewise returned
    """
    undone: set[tuple[str, str]] = set()
    left = []
    for decision in reversed(list(decisions)):  # what undoes comes after what it undoes
        if (decision.reviewer, decision.id) in undone:
            continue
        if decision.undoes is not None:
            undone.add((decision.reviewer, decision.undoes))
        else:
            left.append(decision)
    return left[::-1]


def _outcome(row: int, said: tuple[Decision, ...]) -> Outcome:
    """What verdicts come to of which none replaces another."""
    labels = [label for label in map(_label, said) if label is not None]
    # "As it is scored" and a label that says something differ until somebody has compared them.
    given = [label for label in labels if label != _AS_SCORED]
    stances = {"label" if d.stance in ("agree", "relabel") else d.stance for d in said}
    merged = _merged(given)
    if len(stances) > 1 or merged is None or 0 < len(given) < len(labels):
        return Outcome(row, said[-1].uid, "disagreement", None, said)
    (stance,) = stances
    if stance == "label":
        stance = "relabel" if any(d.stance == "relabel" for d in said) else "agree"
    return Outcome(row, said[-1].uid, stance, merged if labels else None, said)


def _label(decision: Decision) -> Label | None:
    label = Label(decision.type, decision.level, decision.concepts)
    return label if label != _AS_SCORED or decision.stance == "agree" else None


def _merged(labels: list[Label]) -> Label | None:
    """One label that says all that these say; None when two contradict each other."""
    parts: list[Any] = []
    for name in ("type", "level", "concepts"):
        values = {getattr(label, name) for label in labels} - {None}
        if name == "concepts":
            values = {tuple(sorted(value)) for value in values}
        if len(values) > 1:
            return None
        parts.append(values.pop() if values else None)
    return Label(*parts)
