"""An export opened for checking, and what is found about it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import ImageError, UsageError
from audit.images import load
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation.manifest import FORMAT, LINEAGE, NAME, VERSION

CHECKS = (
    "files", "lineage", "webdataset", "datasets", "images", "labels", "conversations", "uids",
    "splits", "sampler",
)  # fmt: skip
_SIDE = 160  # pixels to which images are decoded


@dataclass(frozen=True, slots=True)
class Found:
    """Something about an export: `check` of CHECKS, where it is, what it is."""

    check: str
    where: str
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.check}: {self.where}: {self.what}"


@dataclass(slots=True)
class Report:
    """All that a check found.

    faults    what has to be put right; notes: what is allowed and worth knowing
    skipped   check -> why it was not made
    counted   check -> how many things were looked at
    """

    faults: list[Found] = field(default_factory=list)
    notes: list[Found] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)

    def fault(self, check: str, where: str, what: str) -> None:
        """Add a fault."""
        self.faults.append(Found(check, where, what))

    def note(self, check: str, where: str, what: str) -> None:
        """Add a note."""
        self.notes.append(Found(check, where, what))


class Export:
    """An export opened for checking: its manifest, its lineage, and the images seen so far."""

    def __init__(self, folder: Path, report: Report) -> None:
        """Raise UsageError when the folder is no export."""
        self.folder, self.report = folder, report
        self.manifest = _manifest(folder)
        self.lineage = self._lineage()
        self.by_line = {(row["split"], row["line"]): row for row in self.lineage}
        self.by_key = {(row["output_shard"], row["key"]): row for row in self.lineage if row["key"]}
        self.members: frozenset[str] = frozenset()  # extensions that the first sample has
        self._opened: dict[str, str | ImageError] = {}  # sha256 -> phash, or why it does not open

    def _lineage(self) -> list[dict[str, Any]]:
        try:
            table = pq.read_table(self.folder / "lineage.parquet")
        except (OSError, pa.ArrowException) as error:
            self.report.fault("lineage", "lineage.parquet", f"cannot be read ({_short(error)})")
            return []
        missing = [name for name in LINEAGE.names if name not in table.column_names]
        if missing:
            self.report.fault("lineage", "lineage.parquet", f"lacks columns {', '.join(missing)}")
            return []
        rows: Any = table.select(LINEAGE.names).to_pylist()
        return list(rows)

    def open(self, data: bytes, digest: str, where: str) -> None:
        """Decode an image, each one once."""
        if digest not in self._opened:
            try:
                picture = load(data, size=_SIDE, crop_mode="pad", preview=False)
                self._opened[digest] = picture.phash
            except ImageError as error:
                self._opened[digest] = error
            self.report.counted["images"] += 1
        found = self._opened[digest]
        if isinstance(found, ImageError):
            self.report.fault("images", where, f"does not open: {found}")

    def phash(self, digest: str) -> str | None:
        """Of an image that was opened and could be."""
        found = self._opened.get(digest)
        return found if isinstance(found, str) else None


def rows_of(export: Export, split: str) -> int:
    """Records of a split."""
    return sum(row["split"] == split for row in export.lineage)


def label(export: Export, where: str, kind: object, level: object, row: dict[str, Any]) -> None:
    """A record's whole numbers: in range, without a conflict, and what its lineage says."""
    report = export.report
    report.counted["labels"] += 1
    for name, value, names in (("safe_type", kind, TYPES), ("safe_level", level, LEVELS)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(names):
            report.fault("labels", where, f"{name} {value!r:.60} is none of 0..{len(names) - 1}")
            return
    assert isinstance(kind, int)
    assert isinstance(level, int)
    if kind == SAFE and level > 0:
        report.fault("labels", where, f"type {SAFE} (safe) with level {level}; safe is level 0")
        return
    if kind != SAFE and level == 0:
        report.note("labels", where, f"type {kind} ({TYPES[kind]}) with level 0, which is allowed")
    if row and (TYPES[kind], LEVELS[level]) != (row["type"], row["level"]):
        report.fault(
            "labels",
            where,
            f"{TYPES[kind]}/{LEVELS[level]}, the lineage says {row['type']}/{row['level']}",
        )


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give one that `curate export` made")
    if not (folder / NAME).exists():
        raise UsageError(
            f"{folder}: is no export (no {NAME}); `curate check` is for what `curate export` made"
        )
    try:
        found = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{folder / NAME}: cannot be read ({_short(error)}); give a folder that "
            "`curate export` made"
        ) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(f"{folder / NAME}: not the manifest of an export of ours")
    if found.get("version") != VERSION:
        raise UsageError(
            f"{folder / NAME}: version {found.get('version')!r}, this one reads {VERSION}; "
            "export again"
        )
    return found


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]
