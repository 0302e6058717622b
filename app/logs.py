"""The log of decisions as the page Decisions shows it, and as files."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.desk import Desk
from audit.errors import UsageError
from audit.outcomes import standing
from audit.verdicts import Decision, read_log
from curation.exchange import write

FORMATS = ("jsonl", "parquet", "csv")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines of the log; "" and 0 ask for all.

    day     2026-01-31, UTC; batch: its first digits
    row_id  a row's history
    """

    reviewer: str = ""
    verdict: str = ""
    day: str = ""
    batch: str = ""
    row_id: int | None = None

    def fits(self, decision: Decision) -> bool:
        """Whether a line is one of these."""
        return (
            (not self.reviewer or decision.reviewer == self.reviewer)
            and (not self.verdict or self.verdict in (decision.verdict, decision.ruling))
            and decision.time.startswith(self.day)
            and (not self.batch or (decision.batch or "").startswith(self.batch))
            and (self.row_id is None or decision.row_id == self.row_id)
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What was decided in one go.

    verdicts   verdict -> how many; left: of those that are not taken back
    cluster    whether it is about near-duplicates that were decided as one
    """

    name: str
    reviewer: str
    time: str
    verdicts: Mapping[str, int]
    left: int
    cluster: bool

    @property
    def count(self) -> int:
        """Decisions in it."""
        return sum(self.verdicts.values())


@dataclass(frozen=True, slots=True)
class Moment:
    """The log as it was at one moment: the same file whenever it is written.

    ends   reviewer -> bytes of the reviewer's file
    """

    ends: Mapping[str, int]

    @property
    def name(self) -> str:
        """Eight digits that stand for it."""
        text = json.dumps(dict(sorted(self.ends.items())))
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def lines(desk: Desk, wanted: Wanted) -> list[Decision]:
    """The log's lines that are wanted, the newest first."""
    desk.mirror.catch_up()
    if wanted.row_id is not None:
        found: Iterable[Decision] = desk.mirror.said(wanted.row_id)
    else:
        found = desk.mirror.log()
    return [decision for decision in reversed(list(found)) if wanted.fits(decision)]


def reviewers(desk: Desk) -> list[str]:
    """Everybody who has decided anything."""
    return list(desk.mirror.ends())


def is_undone(desk: Desk, decision: Decision) -> bool:
    """Whether a decision was taken back, and not brought back since."""
    return decision.undoes is None and decision not in standing(desk.mirror.said(decision.row_id))


def batches(desk: Desk, most: int) -> list[Batch]:
    """What was decided for many, the newest first."""
    desk.mirror.catch_up()
    return [_batch(name, desk.mirror.batch(name)) for name in desk.mirror.batches(most)]


def moment(desk: Desk) -> Moment:
    """The log as it is now."""
    desk.mirror.catch_up()
    return Moment(desk.mirror.ends())


def told_to(desk: Desk, reviewer: str | None, log: Sequence[Decision]) -> list[Decision]:
    """The lines without what others said about rows that the reviewer has yet to judge.

    Whom review.yaml names to settle is told everything.
    """
    if reviewer is None or reviewer in desk.team.adjudicators:
        return list(log)
    judged = {d.row_id for d in standing([d for d in log if d.reviewer == reviewer])}
    return [d for d in log if d.reviewer == reviewer or d.row_id in judged]


def exported(desk: Desk, reviewer: str | None, at: Moment, form: str) -> bytes:
    """The log at a moment as a file: all lines that `told_to` leaves, those undone too, by time.

    form     of FORMATS; in CSV, cells that a spreadsheet would run begin with an apostrophe
    raises   UsageError for an unknown form, or a moment that this log never was at
    """
    if form not in FORMATS:
        raise UsageError(f"format {form!r:.40}; give one of {', '.join(FORMATS)}")
    desk.mirror.catch_up()
    now = desk.mirror.ends()
    if any(now.get(alias, -1) < end for alias, end in at.ends.items()):
        raise UsageError("the log is shorter than that; reload the page")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"log.{form}"
        write(told_to(desk, reviewer, read_log(desk.catalog, at.ends).decisions), path)
        return path.read_bytes()


def _batch(name: str, said: list[Decision]) -> Batch:
    made = [d for d in said if d.undoes is None]
    first = made[0] if made else said[0]
    return Batch(
        name,
        first.reviewer,
        first.time,
        Counter(d.stance for d in made),
        len(standing(said)),
        first.cluster is not None,
    )
