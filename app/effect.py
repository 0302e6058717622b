"""What the policy in force does with some rows, as they are and as they would be.

Copies are left alone: whether a row is one depends on all others, and the plan says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from audit.outcomes import Outcome
from audit.reader import Ids, Snapshot
from curation import tombstones
from curation.arrays import pc
from curation.gathering import usable
from curation.rules import ACTIONS, INCLUDED, Duplicates, Policy
from curation.selection import columns_of, select


@dataclass(frozen=True, slots=True)
class Effect:
    """How many rows the policy keeps, has reviewed, drops and holds back (quarantine)."""

    kept: int
    review: int
    dropped: int
    held: int


class Ground:
    """Some rows of a catalog as the policy sees them, read once."""

    def __init__(self, snapshot: Snapshot, catalog_dir: Path, policy: Policy, row_ids: Ids) -> None:
        """Read them.

        row_ids   [N]
        raises    ShardwardenError for tombstones that cannot be read
        """
        self.policy = policy
        gone = tombstones.read(catalog_dir)
        wanted = dict.fromkeys((*columns_of(policy), *tombstones.COLUMNS))
        if not tombstones.needs_urls(gone):
            del wanted["metadata"]
        self.rows = snapshot.some(
            row_ids, tuple(wanted), concepts=policy.concepts, extras=policy.extras
        )
        books = snapshot.shards().to_pylist()
        self.scorer_sha256 = snapshot.scorer_sha256
        self._shards = {str(b["shard"]): (str(b["name"]), str(b["url"])) for b in books}
        self._gone = tombstones.mask([one.item for one in gone], self.rows)

    def narrow(self, row_ids: Sequence[int]) -> None:
        """Go on with these of the rows only."""
        left = pc.is_in(self.rows["row_id"], pa.array(row_ids, pa.int64())).to_numpy()
        self.rows, self._gone = self.rows.filter(pa.array(left)), self._gone[left]

    def effect(self, outcomes: Mapping[int, Outcome]) -> Effect:
        """What becomes of the rows.

        outcomes   what people came to, by row_id, of these rows or others
        """
        heard, _ = usable(dict(outcomes), self.rows, self.scorer_sha256)
        alone = replace(self.policy, duplicates=Duplicates("keep", "keep", 0))
        became = select(self.rows, alone, heard, shards=self._shards, tombstoned=self._gone)
        of = Counter(became["action"].to_pylist())
        *_, review, dropped, held = (of[name] for name in ACTIONS)
        return Effect(sum(of[name] for name in INCLUDED), review, dropped, held)
