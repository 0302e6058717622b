"""What a review screen asks of a catalog, over and over, while others go on writing it.

Flagged rows are copied into memory, few columns of each; everything else is looked up by row_id.
Quarantined rows are in no answer at all. One Reader serves a whole process and any number of
threads: it changes over by itself when another file has taken the catalog's name.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from audit import finding
from audit.catalog import NAME, Catalog
from audit.clusters import Clusters, Ids
from audit.conditions import Conditions
from audit.errors import ShardwardenError, UsageError
from audit.latest import Latest
from audit.likeness import Likeness
from audit.specs import ORDERS, RANKED, SCOPES, Spec
from audit.taxonomy import SAFE as SAFE_INDEX
from audit.taxonomy import TYPES

__all__ = ["ORDERS", "SCOPES", "Ids", "Reader", "Signature", "Snapshot", "Spec"]

Signature = tuple[int, int, int]
CARDS_KEPT = 4_096  # rows, some kilobytes each
NEAREST = 2_400  # rows that are looked at when the most similar ones are asked for

_SAFE = TYPES[SAFE_INDEX]

# A join with a list is ten times faster than `IN (...)`. Where the rows stand is looked for first:
# of ten million rows, 48 are then read in 20 ms instead of 370, all of it CPU.
_LISTED = "(SELECT unnest(?::BIGINT[]) AS row_id)"
_BY_ID = (
    "SELECT {columns} FROM catalog.samples WHERE status <> 'quarantined' AND rowid IN "
    f"(SELECT samples.rowid FROM catalog.samples JOIN {_LISTED} USING (row_id))"
)
_QUEUED = f"SELECT place FROM memory.queue JOIN {_LISTED} USING (row_id)"
_PLACES = f"SELECT samples.rowid FROM catalog.samples JOIN {_LISTED} USING (row_id)"
_BY_PLACE = (
    "SELECT {columns} FROM catalog.samples JOIN (SELECT unnest(?::BIGINT[]) AS place) "
    "ON samples.rowid = place WHERE status <> 'quarantined'"
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

    def __init__(
        self,
        directory: Path | str,
        signature: Signature,
        safe_every: int = finding.SAFE_EVERY,
    ) -> None:
        """Seconds for millions of flagged rows; raises as Catalog.

        safe_every   with the order "mixed" a safe one comes after so many flagged ones
        """
        super().__init__(directory)
        self.signature = signature
        self._safe_every = safe_every
        self._connection.execute(
            f"CREATE TABLE memory.queue AS {finding.QUEUE} WHERE {finding.FLAGGED} "
            "ORDER BY margin, row_id"
        )
        self.clusters = self._clusters()
        self.likeness = Likeness(self.directory, self.vectors)
        self._conditions = Conditions(self.directory)
        self._names: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self._cards: Latest[int, dict[str, Any]] = Latest(CARDS_KEPT)
        scorers = self.ask("SELECT scorer AS name FROM catalog.shards LIMIT 1")  # of all the same
        self.scorer_sha256 = "".join(_texts(scorers))

    def ids(
        self,
        spec: Spec,
        limit: int = 2**62,
        brought: Ids | None = None,
        only: Ids | None = None,
    ) -> Ids:
        """[N <= limit] row_ids that a specification names, in its order; clusters whole.

        brought  [n] row_ids in their order, for ways that a catalog alone knows nothing of:
                 picture, near, sample
        only     [n] row_ids beside which there are to be no others
        raises   UsageError, one line: a condition that fails or takes too long, or a way that needs
                 what this catalog has not
        """
        among = self._among(spec) if brought is None else brought
        if only is not None:
            among = only if among is None else among[np.isin(among, only)]
        if spec.order == "clusters" and spec.way not in RANKED:
            return self.clusters.largest_first(self._ids(spec, 2**62, among))[:limit]
        found = self._ids(spec, limit, among)
        if among is not None and spec.way in RANKED:
            _, first = np.unique(among, return_index=True)
            among = among[np.sort(first)]
            return among[np.isin(among, found)]
        if spec.order == "mixed" and spec.scope == "flagged":
            safe = replace(spec, scope="all", types=(_SAFE,), levels=(), low=0.0, high=1.0)
            wanted = math.ceil(len(found) / self._safe_every)
            calm = self._ids(replace(safe, order="random"), wanted, among)
            return finding.mixed(found, calm, self._safe_every)[:limit]
        return found

    def _ids(self, spec: Spec, limit: int, among: Ids | None) -> Ids:
        asked = finding.query(spec, limit, among is not None)
        with self._connection.cursor() as cursor:
            if among is not None:
                cursor.register("among", pa.table([pa.array(among)], ["row_id"]))
            found = cursor.execute(asked.text, asked.values).fetchnumpy()
        return np.asarray(found["row_id"], dtype=np.int64)

    def _among(self, spec: Spec) -> Ids | None:
        """The rows that a way names, before anything narrows them; None: all."""
        if spec.way == "rows":
            return np.array(spec.named, np.int64)
        if spec.way == "like":
            return self.likeness.of_row(spec.named[0], NEAREST)[0]
        if spec.way == "cluster":
            return self.clusters.members(spec.given)
        if spec.way == "sql":
            return self._conditions.rows(spec.given)
        if spec.way in ("", "box"):
            return None
        raise UsageError(f"{spec.way}: what it means is known to the review screen only")

    def score_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """As Catalog.score_names, looked for once, in one row of each shard: all its rows agree."""
        if self._names is None:
            concepts, extras = (
                self.ask(
                    "SELECT DISTINCT unnest(keys) AS name FROM (SELECT any_value(map_keys("
                    f"{column})) AS keys FROM catalog.samples GROUP BY shard) ORDER BY name"
                )
                for column in ("concepts", "extras")
            )
            self._names = _texts(concepts), _texts(extras)
        return self._names

    def cards(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What a page shows of these rows, by row_id; those that are not to be shown are absent.

        Kept for a while: a snapshot never changes, and each decision asks again. Not to be written.
        """
        kept = {row: self._cards.get(row) for row in row_ids}
        missing = [row for row, card in kept.items() if card is None]
        found = self._by_id(_CARD, missing) if missing else {}
        for row, card in found.items():
            self._cards.put(row, card)
        return found | {row: card for row, card in kept.items() if card is not None}

    def detail(self, row_id: int) -> dict[str, Any] | None:
        """Every column of one row; None when there is none to be shown."""
        return self._by_id("samples.*", [row_id]).get(row_id)

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

    def _clusters(self) -> Clusters:
        """Those of this catalog; none in a catalog that an older version has built."""
        if not self.has("clusters"):
            return Clusters.of_rows(np.empty(0, np.int64), np.empty(0, np.uint64))
        cursor = self._connection.cursor()
        found = cursor.execute("SELECT row_id, cluster FROM catalog.clusters").fetchnumpy()
        return Clusters.of_rows(np.asarray(found["row_id"]), np.asarray(found["cluster"]))

    def _by_id(self, columns: str, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        ids = list(set(row_ids))
        with self._connection.cursor() as cursor:
            places = cursor.execute(_QUEUED, [ids]).fetchall()
            if len(places) < len(ids):  # not all are flagged: the file is looked through
                places = cursor.execute(_PLACES, [ids]).fetchall()
            query = _BY_PLACE.format(columns=columns)
            cursor.execute(query, [[place for (place,) in places]])
            names = [column[0] for column in cursor.description or ()]
            rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
        return {row["row_id"]: row for row in rows}


def _texts(table: pa.Table) -> tuple[str, ...]:
    return tuple(map(str, table["name"].to_pylist()))


class Reader:
    """The newest snapshot of a catalog that is being replaced by rename now and then."""

    def __init__(self, directory: Path | str, safe_every: int = finding.SAFE_EVERY) -> None:
        """Open the catalog; ShardwardenError when it has not been built or cannot be read."""
        self._directory = Path(directory)
        self._safe_every = safe_every
        self._lock = threading.Lock()
        self._snapshot = self._opened(self._signature())

    def now(self) -> Snapshot:
        """The snapshot of the file that has the name now; the last good one where it is damaged.

        An older snapshot stays usable for whoever holds it.
        """
        with self._lock:
            try:
                signature = self._signature()
                if signature != self._snapshot.signature:
                    self._snapshot = self._opened(signature)
            except (OSError, ShardwardenError):
                pass  # replaced by something that cannot be read: what was read stays good
            return self._snapshot

    def _opened(self, signature: Signature) -> Snapshot:
        return Snapshot(self._directory, signature, self._safe_every)

    def _signature(self) -> Signature:
        """Asked of the name, never by opening the file: see audit.catalog."""
        path = self._directory / NAME
        try:
            found = path.stat()
        except FileNotFoundError:
            do = f"run `audit index {self._directory}`"
            raise ShardwardenError(f"{path}: no such file; {do}") from None
        return found.st_ino, found.st_mtime_ns, found.st_size
