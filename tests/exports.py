"""Records made by hand from the rows of a small catalog, for tests of exporting and checking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit.parts import Parts
from audit.taxonomy import LEVELS, TYPES
from curation.export import Exported, Options, export
from curation.guard import Forbidden
from curation.manifest import Origin
from curation.records import Record, SourceRow, Turn

ORIGIN = Origin(
    name="tars-stage-1",
    stage=1,
    seed=0,
    catalog={"name": "tars", "sha256": "c" * 64, "images": 20, "shards": 2},
    scorer={"name": "made up", "fingerprint": "f" * 64},
    taxonomy="t" * 64,
    policy={"name": "balanced", "hash": "a" * 64},
    decisions={},
    options={},
    selection={},
    composition={},
    residual=None,
)
COLUMNS = (
    "row_id", "uid", "shard", "key", "image_member", "offset", "size", "sha256", "format",
    "width", "height", "caption", "metadata", "status",
)  # fmt: skip


def source_rows(catalog: Path) -> list[SourceRow]:
    """Every scored row of a catalog, in the order of its parts."""
    parts = Parts(catalog)
    rows: list[dict[str, Any]] = []
    for shard_id in parts.shard_ids():
        url = parts.books(shard_id).url
        found: Any = parts.rows(shard_id, COLUMNS).to_pylist()
        rows += [{**row, "url": url} for row in found if row["status"] == "scored"]
    return [SourceRow(**row) for row in rows]


def record(row: SourceRow, number: int = 0, **said: Any) -> Record:
    """A record about a row: each third is risky, each fifth for validation."""
    risky = number % 3 == 0
    fields: dict[str, Any] = {
        "uid": f"{row.uid}-{number}",
        "row": row,
        "split": "val" if number % 5 == 4 else "train",
        "type": TYPES[number % 6] if risky else "safe",
        "level": LEVELS[1 + number % 3] if risky else "none",
        "concepts": ("weapon",) if risky else (),
        "risk": 0.9 if risky else 0.1,
        "p_types": {name: None if name == "politics" else 0.1 for name in TYPES},
        "p_levels": dict.fromkeys(LEVELS, 0.25),
        "decided_by": "human" if number % 4 == 0 else "scorer",
        "action": "keep-with-hint" if risky else "keep",
        "reason": "illegal>=0.5" if risky else "clean",
        "decision_ids": ("00000001",) if number % 4 == 0 else (),
        "pair": None,
        "turns": (Turn("user", f"<image>\nWhat is it? {number}"), Turn("assistant", "A picture.")),
        "source": "template",
        "template": "t1",
    }
    return Record(**{**fields, **said})


def records(rows: Sequence[SourceRow]) -> list[Record]:
    """One for each row, in another order than they lie in."""
    made = [record(row, number) for number, row in enumerate(rows)]
    return made[::2] + made[1::2][::-1]


def exported(out: Path, made: Sequence[Record], **options: Any) -> Exported:
    """An export of records, with nothing held back unless said."""
    forbidden = options.pop("forbidden", Forbidden(frozenset(), frozenset()))
    origin = options.pop("origin", ORIGIN)
    return export(made, out, origin, forbidden, Options(**options), lambda *_: None)
