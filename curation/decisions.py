"""Adds decisions to a catalog's log: one file a reviewer, safe with many writers at once.

What a line says and how all of them are read is in audit.verdicts. Lines are only ever added. A
decision is stored when `append` returns: under a lock it has been written behind the line that it
names, and brought to disk.
"""

from __future__ import annotations

import fcntl
import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.outcomes import Outcome
from audit.verdicts import (
    FOLDER,
    Decision,
    as_line,
    as_record,
    digest,
    from_record,
    is_alias,
    parse,
)

TORN = ".torn"
"""Suffix of the file in which half-written lines are set apart."""


def decide(row_id: int, uid: str, verdict: str, reviewer: str, **rest: Any) -> Decision:
    """A new decision, made now; `rest` are further fields of Decision.

    raises   UsageError naming the field that is wrong
    """
    record = {
        "id": uuid.uuid4().hex,
        "row_id": row_id,
        "uid": uid,
        "verdict": verdict,
        "reviewer": reviewer,
        "time": now(),
        **rest,
    }
    return checked(record)


def undo(decision: Decision, **rest: Any) -> Decision:
    """What takes one's own decision back; undoing the undo brings it back."""
    return decide(
        decision.row_id, decision.uid, "undo", decision.reviewer, undoes=decision.id, **rest
    )


def adjudicate(outcome: Outcome, ruling: str, reviewer: str, **rest: Any) -> Decision:
    """What settles all that was said about a row; `ruling` is the verdict that stands."""
    return decide(outcome.row_id, outcome.uid, "adjudicate", reviewer, ruling=ruling, **rest)


def checked(record: dict[str, Any]) -> Decision:
    """The decision of a mapping of its fields; UsageError naming the field that is wrong."""
    alias = record.get("reviewer")
    if not isinstance(alias, str) or not is_alias(alias):
        raise UsageError(
            f"reviewer {alias!r}: an alias is a-z, 0-9, _ and -, begins with a letter or figure "
            "and has 64 characters at most; choose another"
        )
    found = from_record(record)
    if isinstance(found, str):
        raise UsageError(f"decision about row {record.get('row_id')}: {found}")
    return found


def now() -> str:
    """This moment as decisions write it."""
    moment = datetime.now(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Decisions:
    """The log of one catalog, for writing. May be shared by threads, and by any number of
    processes that each have their own.
    """

    def __init__(self, catalog_dir: Path | str) -> None:
        """Nothing is made yet; UsageError when the folder is no catalog."""
        catalog = Path(catalog_dir)
        if not (catalog / "parts").is_dir():
            raise UsageError(f"{catalog}: not a catalog, it has no parts; give one of `audit scan`")
        self.folder = catalog / FOLDER
        self._known: dict[str, _Known] = {}
        self._one_at_a_time = threading.Lock()

    def append(self, decisions: Sequence[Decision]) -> int:
        """Store decisions; returns how many of them were not stored already.

        When it returns, all are on disk. When it raises, those of some reviewers may be: calling
        it again with the same decisions is safe, an id is stored once.
        raises   UsageError before anything is written when one of them is no valid decision,
                 OSError when the disk is full or cannot be written
        """
        by_reviewer: dict[str, list[Decision]] = {}
        for decision in decisions:
            by_reviewer.setdefault(checked(as_record(decision)).reviewer, []).append(decision)
        with self._one_at_a_time:
            return sum(self._append(alias, said) for alias, said in by_reviewer.items())

    def _append(self, reviewer: str, decisions: Sequence[Decision]) -> int:
        known = self._known.setdefault(reviewer, _Known())
        with self._locked(reviewer) as handle:
            known.catch_up(handle)
            if known.torn:
                self._mend(reviewer, handle, known)
            head, lines, ids = known.head, list[bytes](), set[str]()
            for decision in decisions:
                if decision.id not in known.ids and decision.id not in ids:
                    line = as_line(decision, head)
                    head = digest(line)
                    lines += line, b"\n"
                    ids.add(decision.id)
            if lines:
                added = b"".join(lines)
                _write(handle, added, known.end)
                # As `catch_up` would find it, but nobody has to read it again.
                known.end, known.head = known.end + len(added), head
                known.ids |= ids
            else:
                os.fsync(handle)  # whoever wrote them may have been killed before this
            return len(ids)

    @contextmanager
    def _locked(self, reviewer: str) -> Iterator[int]:
        """The reviewer's file, open and nobody else's until the block ends."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{reviewer}.jsonl"
        is_new = not path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(path, flags, 0o644)
        try:
            # flock, not lockf: it excludes threads too, and closing another handle keeps it.
            fcntl.flock(handle, fcntl.LOCK_EX)
            if is_new:
                _sync_names(self.folder)
                _sync_names(self.folder.parent)
            yield handle
        except OSError as error:
            error.filename = error.filename or str(path)  # that of a handle names none
            raise
        finally:
            os.close(handle)

    def _mend(self, reviewer: str, handle: int, known: _Known) -> None:
        """Deal with a last line without an end: somebody was killed while writing it."""
        if isinstance(parse(known.torn)[0], Decision):
            _write(handle, b"\n", known.end + len(known.torn))  # it lacks nothing else
        else:
            with (self.folder / f"{reviewer}{TORN}").open("ab") as apart:
                apart.write(known.torn + b"\n")
                apart.flush()
                os.fsync(apart.fileno())
            _sync_names(self.folder)
            os.ftruncate(handle, known.end)
            os.fsync(handle)
        known.catch_up(handle)


@dataclass(slots=True)
class _Known:
    """What has been read of a file: how far, the last line's digest, the ids, the torn rest."""

    end: int = 0
    head: str = ""
    ids: set[str] = field(default_factory=set)
    torn: bytes = b""
    inode: int = 0

    def catch_up(self, handle: int) -> None:
        """Read what was added since."""
        found = os.fstat(handle)
        if found.st_ino != self.inode or found.st_size < self.end:  # another file by now
            self.end, self.head, self.ids, self.inode = 0, "", set(), found.st_ino
        added = b""
        while chunk := os.pread(handle, 1 << 20, self.end + len(added)):
            added += chunk
        *lines, self.torn = added.split(b"\n")
        for line in lines:
            decision, _ = parse(line)
            if isinstance(decision, Decision):
                self.ids.add(decision.id)
            self.head = digest(line)
            self.end += len(line) + 1


def _write(handle: int, lines: bytes, end: int) -> None:
    """Add to a file that is `end` bytes long, and bring it to disk; whole or not at all."""
    left = memoryview(lines)
    try:
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise


def _sync_names(folder: Path) -> None:
    """Bring the names in a folder to disk. (That of audit.parts would load all of webdataset.)"""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
