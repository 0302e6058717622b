"""What an export is made of: its manifest, and where every record of it comes from.

Nothing in them tells the time: the same catalog, policy and seed give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from audit import __version__
from audit.taxonomy import LEVELS, TYPES
from curation.records import Record
from curation.shards_out import Files

NAME = "manifest.json"
FORMAT = "shardwarden export"
VERSION = 1

_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
_COLUMNS: dict[str, pa.DataType] = {
    "uid": _TEXT,
    "split": _TEXT,
    "line": pa.int64(),
    "key": _TEXT,
    "output_shard": _TEXT,
    "output_image": _TEXT,
    "row_id": pa.int64(),
    "source_shard": _TEXT,
    "source_key": _TEXT,
    "source_member": _TEXT,
    "offset": pa.int64(),
    "size": pa.int64(),
    "sha256": _TEXT,
    "format": _TEXT,
    "type": _TEXT,
    "level": _TEXT,
    "concepts": _TEXTS,
    "risk": pa.float32(),
    **{f"p_{name}": pa.float32() for name in TYPES},
    **{f"p_level_{level}": pa.float32() for level in range(len(LEVELS))},
    "decided_by": _TEXT,
    "action": _TEXT,
    "reason": _TEXT,
    "decision_ids": _TEXTS,
    "pair": _TEXT,
    "turns_from": _TEXT,
    "template": _TEXT,
    "hint": pa.bool_(),
}
LINEAGE = pa.schema(_COLUMNS)
"""One row a record, in the order written."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the records were made from.

    name          of the export: the catalog's with the stage
    catalog       name and hash of the catalog, images in it, how many shards
    scorer        name and fingerprint; taxonomy: its hash
    policy        name and hash
    decisions     reviewer -> sha256 of the last line of the log
    options       what composing was told
    selection     action -> reason -> images of the whole catalog
    composition   what composing reports: wanted, taken, short, left out and why
    residual      what `curate estimate` says of what is left, None: nobody has measured it
    """

    name: str
    stage: int
    seed: int
    catalog: Mapping[str, Any]
    scorer: Mapping[str, Any]
    taxonomy: str
    policy: Mapping[str, Any]
    decisions: Mapping[str, str]
    options: Mapping[str, Any]
    selection: Mapping[str, Mapping[str, int]]
    composition: Mapping[str, Any]
    residual: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A record that is missing because its image could not be had."""

    uid: str
    shard: str
    member: str
    why: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is in an export.

    line    0-based, in each jsonl of its split
    key     of the sample in the tar `shard`; both None where no tars are written
    image   the extracted image; None where no jsonl is written
    """

    line: int
    key: str | None
    shard: str | None
    image: str | None


class Tally:
    """Counts of the records written."""

    def __init__(self) -> None:
        self.records = 0
        self.bytes = 0
        self.images: set[str] = set()
        self._by: dict[str, Counter[str]] = {}
        self._actions: dict[str, Counter[str]] = {}
        self._grid: dict[str, Counter[str]] = {}

    def add(self, record: Record) -> None:
        """Count one."""
        self.records += 1
        if record.row.sha256 not in self.images:
            self.images.add(record.row.sha256)
            self.bytes += record.row.size
        for name, value in (
            ("split", record.split),
            ("decided_by", record.decided_by),
            ("turns_from", record.source),
            ("pair", record.pair or "unknown"),
            ("format", record.row.format),
        ):
            self._by.setdefault(name, Counter())[value] += 1
        self._actions.setdefault(record.action, Counter())[record.reason] += 1
        self._grid.setdefault(record.type, Counter())[record.level] += 1

    def as_json(self) -> dict[str, Any]:
        """The counts; every type and level is there, with 0 where there is none."""
        none: Counter[str] = Counter()
        grid = {kind: {n: self._grid.get(kind, none)[n] for n in LEVELS} for kind in TYPES}
        clean = sum(grid["safe"].values())
        return {
            "records": self.records,
            "images": len(self.images),
            "image_bytes": self.bytes,
            "risky": self.records - clean,
            "clean": clean,
            "by_type_and_level": grid,
            "by_action_and_reason": {a: dict(found) for a, found in self._actions.items()},
            **{f"by_{name}": dict(found) for name, found in self._by.items()},
        }


def manifest(
    origin: Origin, tally: Tally, lost: Sequence[Lost], options: Mapping[str, Any]
) -> dict[str, Any]:
    """All of the manifest but the files.

    options   how it was written: formats, shard size, hints
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "shardwarden": __version__,
        **asdict(origin),
        "written": dict(options),
        "counts": tally.as_json(),
        "lost": [asdict(one) for one in lost],
    }


def with_files(content: Mapping[str, Any], files: Files) -> dict[str, Any]:
    """The manifest with the size and sha256 of every other file of the export."""
    listed = {
        path: {"size": one.size, "sha256": one.sha256}
        for path, one in sorted(files.written.items())
    }
    return {**content, "files": listed}


def lineage_row(record: Record, place: Place, *, hinted: bool) -> dict[str, Any]:
    """Where one record comes from and where it is; columns of LINEAGE."""
    row = record.row
    return {
        "uid": record.uid,
        "split": record.split,
        "line": place.line,
        "key": place.key,
        "output_shard": place.shard,
        "output_image": place.image,
        "row_id": row.row_id,
        "source_shard": row.shard,
        "source_key": row.key,
        "source_member": row.image_member,
        "offset": row.offset,
        "size": row.size,
        "sha256": row.sha256,
        "format": row.format,
        "type": record.type,
        "level": record.level,
        "concepts": list(record.concepts),
        "risk": record.risk,
        **{f"p_{name}": record.p_types.get(name) for name in TYPES},
        **{f"p_level_{n}": record.p_levels.get(name) for n, name in enumerate(LEVELS)},
        "decided_by": record.decided_by,
        "action": record.action,
        "reason": record.reason,
        "decision_ids": list(record.decision_ids),
        "pair": record.pair,
        "turns_from": record.source,
        "template": record.template,
        "hint": hinted,
    }


def lineage_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows of `lineage_row` as a table of LINEAGE."""
    return pa.Table.from_pylist([dict(row) for row in rows], LINEAGE)
