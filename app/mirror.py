"""The decisions of a catalog in memory: read once, then only what was added."""

from __future__ import annotations

import heapq
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from audit.outcomes import Outcome, settle, standing
from audit.verdicts import FOLDER, Decision, parse

_Entry = tuple[str, str, int, Decision]
"""Time, reviewer, place in the reviewer's file, decision: in the order of `audit.verdicts.Log`."""


@dataclass(slots=True)
class _File:
    end: int = 0
    inode: int = 0
    latest: str = ""
    ids: set[str] = field(default_factory=set)


class Mirror:
    """What reviewers have decided so far; may be shared by threads.

    Files that were added to are read from where the last reading ended, so it costs what is new.
    """

    def __init__(self, catalog_dir: Path) -> None:
        """Read what there is."""
        self._folder = catalog_dir / FOLDER
        self._lock = threading.Lock()
        self._changed: list[int] = []
        self._forget()
        self.catch_up()

    def catch_up(self) -> None:
        """Read what was added since, by anyone."""
        with self._lock:
            # What is no regular file counts for nothing, as in audit.verdicts, and may never end.
            paths = sorted(filter(Path.is_file, self._folder.glob("*.jsonl")))
            if any(map(self._was_replaced, paths)):
                self._changed += self._outcomes  # some may be decided no longer
                self._forget()
            changed = set[int]()
            for path in paths:
                changed |= self._read(path, self._files.setdefault(path.stem, _File()))
            for row_id in changed:
                self._settle(row_id)
            self._changed += changed

    def outcome(self, row_id: int) -> Outcome | None:
        """What the decisions about a row come to; None where it is undecided."""
        return self._outcomes.get(row_id)

    def decided(self) -> list[int]:
        """Rows that somebody has decided."""
        with self._lock:
            return list(self._outcomes)

    def changes(self, since: int) -> tuple[list[int], int]:
        """(rows about which something was said since a mark, some of them twice; the next mark).

        since   0, or a mark that this gave
        """
        with self._lock:
            return self._changed[since:], len(self._changed)

    def rows_of(self, reviewer: str) -> list[int]:
        """Rows that one reviewer has decided, those first that came first; some may be undone."""
        with self._lock:
            return list(self._rows_of.get(reviewer, ()))

    def locked(self, row_id: int) -> bool:
        """Whether a person has had this row locked away; its picture is shown to nobody."""
        outcome = self.outcome(row_id)
        return outcome is not None and outcome.locked

    def locked_rows(self) -> list[int]:
        """All such rows."""
        return [row_id for row_id in self.decided() if self.locked(row_id)]

    def mine(self, row_id: int, reviewer: str | None) -> Decision | None:
        """The standing decision of one reviewer about a row."""
        left = standing([d for d in self.said(row_id) if d.reviewer == reviewer])
        return left[-1] if left else None

    def said(self, row_id: int) -> list[Decision]:
        """Everything that was ever decided about a row, by time; also what was undone."""
        return [entry[3] for entry in sorted(self._by_row.get(row_id, ()), key=_order)]

    def log(self) -> list[Decision]:
        """Everything that was ever decided, by time."""
        with self._lock:
            self._log.sort(key=_order)  # in order but for what is new: cheap
            return [entry[3] for entry in self._log]

    def batch(self, batch: str) -> list[Decision]:
        """What was decided in one go, in the order it was stored; [] for an unknown one."""
        with self._lock:
            return list(self._batches.get(batch, ()))

    def batches(self, most: int) -> list[str]:
        """Names of what was decided in one go, the newest first."""
        with self._lock:
            begun = [(said[0].time, name) for name, said in self._batches.items()]
        return [name for _, name in heapq.nlargest(most, begun)]

    def ends(self) -> dict[str, int]:
        """Reviewer -> bytes of the file that have been read: what the log is at this moment."""
        with self._lock:
            return {alias: known.end for alias, known in sorted(self._files.items())}

    def _forget(self) -> None:
        self._files: dict[str, _File] = {}
        self._log: list[_Entry] = []
        self._by_row: dict[int, list[_Entry]] = {}
        self._batches: dict[str, list[Decision]] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._rows_of: dict[str, dict[int, None]] = {}

    def _was_replaced(self, path: Path) -> bool:
        known, found = self._files.get(path.stem), path.stat()
        return known is not None and (found.st_ino != known.inode or found.st_size < known.end)

    def _read(self, path: Path, known: _File) -> set[int]:
        """Take in whole lines behind `known.end`; returns the rows they are about."""
        rows = set[int]()
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            known.inode = os.fstat(handle).st_ino
            added = b""
            while chunk := os.pread(handle, 1 << 20, known.end + len(added)):
                added += chunk
        finally:
            os.close(handle)
        *lines, _ = added.split(b"\n")  # the last has no end yet
        for line in lines:
            known.end += len(line) + 1
            decision, _ = parse(line)
            if not isinstance(decision, Decision) or decision.reviewer != path.stem:
                continue
            if decision.id not in known.ids:
                known.ids.add(decision.id)
                # A clock that went back does not change the order one person decided in.
                known.latest = max(known.latest, decision.time)
                entry = known.latest, path.stem, len(known.ids), decision
                self._log.append(entry)
                self._by_row.setdefault(decision.row_id, []).append(entry)
                if decision.batch is not None:
                    self._batches.setdefault(decision.batch, []).append(decision)
                self._rows_of.setdefault(decision.reviewer, {})[decision.row_id] = None
                rows.add(decision.row_id)
        return rows

    def _settle(self, row_id: int) -> None:
        outcome = settle(self.said(row_id)).get(row_id)
        if outcome is None:
            self._outcomes.pop(row_id, None)
        else:
            self._outcomes[row_id] = outcome


def _order(entry: _Entry) -> tuple[str, str, int]:
    return entry[:3]
