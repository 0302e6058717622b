"""What must never be written, asked of the catalog itself and not of whoever composed the records.

Held back are rows that a list of hashes quarantined, rows that people quarantined or cannot agree
about where one of them wants that, and what a tombstone names; and every copy of the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from audit.errors import ShardwardenError
from audit.outcomes import Outcome
from curation import arrays
from curation.arrays import Mask, pc
from curation.records import Record


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Rows by id, and bytes by sha256 hex, that are held back."""

    rows: frozenset[int]
    bytes: frozenset[str]

    def refuse(self, records: Iterable[Record]) -> None:
        """Raise ShardwardenError for the first record that is of something held back."""
        for record in records:
            if record.row.row_id in self.rows or record.row.sha256 in self.bytes:
                raise ShardwardenError(
                    f"{record.row.shard}/{record.row.key}: is held back (quarantine or takedown) "
                    "and was about to be exported; nothing was written"
                )


def forbidden(
    rows: pa.Table, outcomes: Mapping[int, Outcome], tombstoned: Mask | None = None
) -> Forbidden:
    """What a catalog holds back.

    rows        columns row_id, status and sha256 of every row
    outcomes    what people came to, by row_id
    tombstoned  [N] rows that a takedown names
    """
    said = [
        row_id
        for row_id, outcome in outcomes.items()
        if "quarantine" in {outcome.verdict, *(d.stance for d in outcome.decisions)}
        and (not outcome.settled or outcome.verdict == "quarantine")
    ]
    mask = arrays.equal(rows, "status", "quarantined")
    mask |= pc.is_in(rows["row_id"], pa.array(said, pa.int64())).to_numpy()
    if tombstoned is not None:
        mask = mask | tombstoned
    held = rows.select(["row_id", "sha256"]).filter(pa.array(mask))
    return Forbidden(
        frozenset(row_id for row_id in held["row_id"].to_pylist() if row_id is not None),
        frozenset(digest for digest in held["sha256"].to_pylist() if digest),
    )
