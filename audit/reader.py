"""What a review screen asks of a catalog, over and over, while others go on writing it.

Flagged rows are copied into memory, few columns of each; everything else is looked up by row_id.
Quarantined rows are in no answer at all. One Reader serves a whole process and any number of
threads: it changes over by itself when another file has taken the catalog's name.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import finding
from audit.catalog import NAME, Catalog
from audit.errors import ShardwardenError
from audit.specs import ORDERS, SCOPES, Spec

__all__ = ["ORDERS", "SCOPES", "Ids", "Reader", "Signature", "Snapshot", "Spec"]

Signature = tuple[int, int, int]
Ids = npt.NDArray[np.int64]

# A join with a list is ten times faster than `IN (...)`.
_BY_ID = (
    "SELECT {columns} FROM (SELECT unnest(?::BIGINT[]) AS row_id) "
    "JOIN catalog.samples USING (row_id) WHERE status <> 'quarantined'"
)
_CARD = (
    "row_id, uid, shard, key, caption, preview, status, error, risk_type, risk_level, risk, "
    "width, height, concepts"
)
_PICTURE = (
    'row_id, shard, image_member, "offset", size, sha256, status, preview, risk_type, risk_level'
)


class Snapshot(Catalog):
    """A catalog as it was published at one moment, with its queue in memory."""

    def __init__(self, directory: Path | str, signature: Signature) -> None:
        """Seconds for millions of flagged rows; raises as Catalog."""
        super().__init__(directory)
        self.signature = signature
        self._connection.execute(
            f"CREATE TABLE memory.queue AS {finding.QUEUE} WHERE {finding.FLAGGED} "
            "ORDER BY margin, row_id"
        )
        self._connection.execute(
            "CREATE TABLE memory.clusters (row_id BIGINT, cluster UBIGINT, members BIGINT)"
        )

    def ids(self, spec: Spec, limit: int = 2**62) -> Ids:
        """[N <= limit] row_ids that a specification names, in its order."""
        asked = finding.query(spec, limit)
        found = self._connection.cursor().execute(asked.text, asked.values).fetchnumpy()
        return np.asarray(found["row_id"], dtype=np.int64)

    def cards(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What a page shows of these rows, by row_id; those that are not to be shown are absent."""
        return self._by_id(_CARD, row_ids)

    def detail(self, row_id: int) -> dict[str, Any] | None:
        """Every column of one row; None when there is none to be shown."""
        return self._by_id("*", [row_id]).get(row_id)

    def pictures(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Where the pictures of these rows lie, and their previews."""
        return self._by_id(_PICTURE, row_ids)

    def some(
        self,
        row_ids: Ids,
        names: Sequence[str],
        *,
        concepts: Sequence[str] = (),
        extras: Sequence[str] = (),
    ) -> pa.Table:
        """Columns of some rows, in no order; as Catalog.columns gives them of all.

        row_ids   [N]; of those that are not to be shown there is no row
        """
        scores = ["map_extract_value(concepts, ?)"] * len(concepts)
        scores += ["map_extract_value(extras, ?)"] * len(extras)
        query = _BY_ID.format(columns=", ".join([*(f'"{name}"' for name in names), *scores]))
        values = [*concepts, *extras, row_ids]
        found: pa.Table = self._connection.cursor().sql(query, params=values).to_arrow_table()
        titles = [f"concept:{name}" for name in concepts] + [f"extra:{name}" for name in extras]
        return found.rename_columns([*names, *titles])

    def whole(self, row_ids: Ids) -> Ids:
        """These rows, and behind them their near-duplicates that are not among them.

        row_ids   [N]; returns [M >= N]
        """
        query = (
            "SELECT DISTINCT others.row_id FROM (SELECT unnest(?::BIGINT[]) AS row_id) "
            "JOIN memory.clusters mine USING (row_id) JOIN memory.clusters others USING (cluster)"
        )
        cursor = self._connection.cursor()
        found = cursor.execute(query, [row_ids]).fetchnumpy()["row_id"]
        more = np.setdiff1d(np.asarray(found, np.int64), row_ids)
        return np.concatenate([row_ids, more])

    def _by_id(self, columns: str, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        query = _BY_ID.format(columns=columns)
        cursor = self._connection.cursor().execute(query, [list(row_ids)])
        names = [column[0] for column in cursor.description or ()]
        rows = (dict(zip(names, values, strict=True)) for values in cursor.fetchall())
        return {row["row_id"]: row for row in rows}


class Reader:
    """The newest snapshot of a catalog that is being replaced by rename now and then."""

    def __init__(self, directory: Path | str) -> None:
        """Open the catalog; ShardwardenError when it has not been built or cannot be read."""
        self._directory = Path(directory)
        self._lock = threading.Lock()
        self._snapshot = Snapshot(self._directory, self._signature())

    def now(self) -> Snapshot:
        """The snapshot of the file that has the name now; the last good one where it is damaged.

        An older snapshot stays usable for whoever holds it.
        """
        with self._lock:
            try:
                signature = self._signature()
                if signature != self._snapshot.signature:
                    self._snapshot = Snapshot(self._directory, signature)
            except (OSError, ShardwardenError):
                pass  # replaced by something that cannot be read: what was read stays good
            return self._snapshot

    def _signature(self) -> Signature:
        """Asked of the name, never by opening the file: see audit.catalog."""
        path = self._directory / NAME
        try:
            found = path.stat()
        except FileNotFoundError:
            do = f"run `audit index {self._directory}`"
            raise ShardwardenError(f"{path}: no such file; {do}") from None
        return found.st_ino, found.st_mtime_ns, found.st_size
