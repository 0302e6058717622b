"""What reviewers decided: the form of one decision, and reading all of them.

`CATALOG/decisions/<reviewer>.jsonl` holds one JSON object a line, in the order they were made,
each with the sha256 of the line before it (`prev`). Lines are only ever added; curation.decisions
adds them. A line that cannot be used, or a chain that does not hold, is a `Fault` and never stops
the reading: the lines around it count.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.taxonomy import LEVELS, TYPES

FOLDER = "decisions"
VERDICTS = (
    "agree",  # the type, level and concepts shown are right
    "relabel",  # they are not; the decision says what is
    "keep", "drop", "quarantine",
    "escalate",  # somebody else has to decide
    "undo",  # an earlier decision of the same reviewer never was; `undoes` names it
    "adjudicate",  # settles all that was said before about a row; `ruling` is the verdict
)  # fmt: skip
RULINGS = VERDICTS[:6]
PURPOSES = (
    "second",  # a look that does not know the first verdict
    "known",  # an item whose answer is settled, to see how far the reviewer agrees with it
    "repeat",  # an item of the reviewer's own again, to see how far they agree with themselves
)

_ALIAS = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_HEX = re.compile(r"[0-9a-f]{8,64}")
_LONE = re.compile("[\ud800-\udfff]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of a reviewer's file.

    id        8 to 64 hex digits; the same id is the same decision, however often it arrives
    type      name of TYPES; with `agree` what was agreed to, None: not said
    level     name of LEVELS, likewise; concepts: those seen, () for none of them
    reviewer  alias, which is also the name of the file; see `is_alias`
    time      ISO-8601, UTC, milliseconds: 2026-01-31T23:59:59.000Z
    scorer    fingerprint of the scorer whose scores were shown; policy: hash of the one in force
    revealed  whether the picture was seen unblurred; blind: whether the scores were hidden
    purpose   of PURPOSES: why the row was given out again; None: it was open
    seconds   spent on it; batch: what decisions made in one go have in common
    cluster   hex name of the near-duplicates decided as one; None: the row was decided alone
    undoes    id of the decision undone, only with `undo`; ruling: only with `adjudicate`
    note      a line of the reviewer's own words
    """

    id: str
    row_id: int
    uid: str
    verdict: str
    reviewer: str
    time: str
    type: str | None = None
    level: str | None = None
    concepts: tuple[str, ...] | None = None
    scorer: str = ""
    policy: str | None = None
    revealed: bool = False
    blind: bool = False
    purpose: str | None = None
    seconds: float = 0.0
    batch: str | None = None
    cluster: str | None = None
    undoes: str | None = None
    ruling: str | None = None
    note: str = ""

    @property
    def stance(self) -> str:
        """The verdict, or what an adjudication ruled: a name of RULINGS, or `undo`."""
        return self.ruling or self.verdict

    @property
    def of_many(self) -> bool:
        """Whether it was made for many at once, and not about this picture of them.

        The batch of a card that stands for near-duplicates is called after the decision about the
        picture that was shown.
        """
        return self.batch is not None and self.batch != self.id


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that does not count, or a chain that does not hold; `line` is 1-based."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        """The one line to show."""
        return f"{FOLDER}/{self.file}, line {self.line}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Log:
    """All decisions of a catalog, by time; those of one reviewer in the order of the file.

    heads   reviewer -> sha256 hex of the last line: what the next line's `prev` will be
    """

    decisions: tuple[Decision, ...]
    faults: tuple[Fault, ...]
    heads: dict[str, str]


def is_alias(name: str) -> bool:
    """Whether a reviewer may be called so: a-z, 0-9, _ and -, 64 at most; safe as a file name."""
    return _ALIAS.fullmatch(name) is not None


def read_decisions(catalog_dir: Path | str) -> list[Decision]:
    """The decisions of a catalog by time; none where nobody has decided. See `read_log`."""
    return list(read_log(catalog_dir).decisions)


def read_log(catalog_dir: Path | str, until: Mapping[str, int] | None = None) -> Log:
    """Read every reviewer's file; what cannot be used is among the faults.

    Waits for a line that is being written at this moment, never longer.
    until    reviewer -> bytes of the file to read, whole lines; others are not read. None: all
    raises   OSError when a file cannot be opened
    """
    decisions: list[tuple[str, str, int, Decision]] = []
    faults: list[Fault] = []
    heads: dict[str, str] = {}
    for path in sorted((Path(catalog_dir) / FOLDER).glob("*.jsonl")):
        if path.exists() and not path.is_file():
            faults.append(Fault(path.name, 1, "is no regular file; it does not count"))
            continue
        if until is not None and path.stem not in until:
            continue
        reviewer, latest, head, seen = path.stem, "", "", set[str]()
        for number, line in enumerate(_lines(path, None if until is None else until[path.stem]), 1):
            found, prev = parse(line)
            if isinstance(found, str):
                faults.append(Fault(path.name, number, f"{found}; the line does not count"))
            elif found.reviewer != reviewer:
                problem = f"is signed {found.reviewer!r}; the line does not count"
                faults.append(Fault(path.name, number, problem))
            elif found.id in seen:
                problem = f"id {found.id} again; the first line with it counts"
                faults.append(Fault(path.name, number, problem))
            else:
                seen.add(found.id)
                # A clock that went back must not change the order one person decided in.
                latest = max(latest, found.time)
                decisions.append((latest, reviewer, number, found))
            if prev is not None and prev != head:
                problem = "does not follow the line before it: one was changed or taken out"
                faults.append(Fault(path.name, number, problem))
            head = digest(line)
        heads[reviewer] = head
    ordered = sorted(decisions, key=lambda entry: entry[:3])
    return Log(tuple(entry[3] for entry in ordered), tuple(faults), heads)


def as_line(decision: Decision, prev: str) -> bytes:
    """The line of a decision, ASCII JSON without its line end.

    prev   sha256 hex of the line before it, "" for the first
    """
    return json.dumps({**as_record(decision), "prev": prev}, separators=(",", ":")).encode("ascii")


def as_record(decision: Decision) -> dict[str, Any]:
    """The fields of a decision by name, in their order; what `from_record` takes."""
    return {name: getattr(decision, name) for name in _FIELDS}  # asdict takes ten times as long


def digest(line: bytes) -> str:
    """What the next line carries as `prev`: sha256 hex of a line without its line end."""
    return hashlib.sha256(line).hexdigest()


def parse(line: bytes) -> tuple[Decision | str, str | None]:
    """(the decision of a line, or what is wrong with it; its `prev`, None when unreadable)."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return "is not whole JSON", None
    if not isinstance(record, dict):
        return "is no JSON object", None
    prev = record.pop("prev", None)
    return from_record(record), prev if isinstance(prev, str) else None


def from_record(record: dict[str, Any]) -> Decision | str:
    """The decision of a mapping of its fields, or what is wrong with it, as a phrase."""
    if strange := record.keys() - _FIELDS:
        return f"unknown field {min(map(str, strange))!r}"
    for name in ("id", "row_id", "uid", "verdict", "reviewer", "time"):
        if name not in record:
            return f"field {name!r} is missing"
    for name, value in record.items():
        if not _FIELDS[name](value):
            shown = repr(value)
            return f"{name} cannot be {shown if len(shown) <= 60 else shown[:57] + '...'}"
    if (record["verdict"] == "undo") != (record.get("undoes") is not None):
        return "undo names what it undoes, and no other verdict does"
    if (record["verdict"] == "adjudicate") != (record.get("ruling") is not None):
        return "adjudicate has a ruling, and no other verdict does"
    concepts = record.get("concepts")
    decision = Decision(**{**record, "concepts": None if concepts is None else tuple(concepts)})
    labels = (decision.type, decision.level, decision.concepts)
    if decision.stance == "relabel" and labels == (None, None, None):
        return "relabel says neither type nor level nor concepts"
    if decision.type == "safe" and decision.level not in (None, "none"):
        return f"type safe with level {decision.level}; safe is of level none"
    return decision


def _lines(path: Path, until: int | None) -> Iterator[bytes]:
    """The lines of a file as it is now, or of its first bytes.

    The last may lack its end when a writer was killed.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        left = os.fstat(file.fileno()).st_size
        fcntl.flock(file, fcntl.LOCK_UN)
        left = left if until is None else min(left, until)
        for line in file:
            if left <= 0:
                return
            yield line[:left].rstrip(b"\n")
            left -= len(line)


def _text(value: object) -> bool:
    """Text that can be written anywhere: no lone surrogates."""
    return isinstance(value, str) and (value.isascii() or not _LONE.search(value))


def _hex_or_none(value: object) -> bool:
    return value is None or (isinstance(value, str) and _HEX.fullmatch(value) is not None)


def _moment(value: object) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _number(value: object) -> bool:
    """Seconds: no bool, no NaN, nothing endless."""
    return isinstance(value, int | float) and type(value) is not bool and 0 <= value <= 1e9


# What each field of a line may be.
_FIELDS: dict[str, Any] = {
    "id": lambda v: v is not None and _hex_or_none(v),
    "row_id": lambda v: type(v) is int and 0 <= v < 2**63,
    "uid": _text,
    "verdict": lambda v: v in VERDICTS,
    "reviewer": lambda v: isinstance(v, str) and is_alias(v),
    "time": _moment,
    "type": lambda v: v is None or v in TYPES,
    "level": lambda v: v is None or v in LEVELS,
    "concepts": lambda v: v is None or (isinstance(v, list | tuple) and all(map(_text, v))),
    "scorer": _text,
    "policy": lambda v: v is None or _text(v),
    "revealed": lambda v: type(v) is bool,
    "blind": lambda v: type(v) is bool,
    "purpose": lambda v: v is None or v in PURPOSES,
    "seconds": _number,
    "batch": _hex_or_none,
    "cluster": _hex_or_none,
    "undoes": _hex_or_none,
    "ruling": lambda v: v is None or v in RULINGS,
    "note": _text,
}
