"""Near-duplicates: rows whose pictures look the same, so that one look can stand for all.

`audit index` finds them by perceptual hash and stores (row_id, cluster) of every row that has one
like it. A cluster is called after the hash of its lowest row_id, 16 hex digits: the name stays when
rows are added, unless one of them ranks lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit import duplicates
from audit.errors import UsageError

NEAR = 3
"""Bits out of 64 that may differ: stricter than for splits, since one decision is made for all."""
COMPARED = 256
"""Where very many hashes are alike in parts, each is compared with so many: at ten million rows,
a crowd of nearly equal pictures may come out as several clusters, never as a wrong one."""

Ids = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def find(row_ids: Ids, hashes: Hashes) -> tuple[Ids, Ids, Hashes]:
    """(row_ids [M] ascending, of each the row it is like, its cluster) of rows that are not alone.

    row_ids   [N], no two alike; hashes: [N] 64-bit perceptual hashes
    """
    order = np.argsort(row_ids)
    row_ids, hashes = row_ids[order], hashes[order]
    stays = duplicates.near(hashes, np.arange(len(hashes)), NEAR, COMPARED)
    copies = np.flatnonzero(stays >= 0)
    together = np.union1d(copies, stays[copies])
    leader = np.where(stays[together] < 0, together, stays[together])
    return row_ids[together], row_ids[leader], hashes[leader]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The clusters of a catalog, to be looked up.

    row_ids   [M] int64, ascending; code: [M] position in `names`
    names     [C] uint64; sizes: [C] rows in each, 2 and more
    together  [M] places in row_ids, by cluster, ascending in each; ends: [C] where each ends there
    """

    row_ids: Ids
    code: npt.NDArray[np.int64]
    names: Hashes
    sizes: npt.NDArray[np.int64]
    together: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of_rows(cls, row_ids: Ids, clusters: Hashes) -> Clusters:
        """From what `find` gave and the catalog stores; whoever is alone in it has no cluster."""
        order = np.argsort(row_ids)
        names, code, sizes = np.unique(clusters[order], return_inverse=True, return_counts=True)
        sizes = sizes.astype(np.int64)
        together = np.argsort(code, kind="stable")
        return cls(row_ids[order], code.astype(np.int64), names, sizes, together, np.cumsum(sizes))

    def of(self, row_ids: Sequence[int]) -> dict[int, tuple[str, int]]:
        """row_id -> (cluster, rows in it) of those that have one."""
        ids = np.asarray(row_ids, np.int64)
        codes = self.codes(ids)
        return {
            int(row): (f"{int(self.names[code]):016x}", int(self.sizes[code]))
            for row, code in zip(ids.tolist(), codes.tolist(), strict=True)
            if code >= 0
        }

    def codes(self, row_ids: Ids) -> npt.NDArray[np.int64]:
        """[n] for each row_id the position of its cluster in `names`, -1 without one."""
        if not len(self.row_ids):
            return np.full(len(row_ids), -1, np.int64)
        at = np.searchsorted(self.row_ids, row_ids)
        at[at == len(self.row_ids)] = 0
        return np.where(self.row_ids[at] == row_ids, self.code[at], -1)

    def members(self, cluster: str) -> Ids:
        """row_ids of a cluster, ascending; none where there is no such cluster.

        raises   UsageError for what is no name of one
        """
        try:
            name = np.uint64(int(cluster, 16))
        except (ValueError, OverflowError):
            raise UsageError(f"cluster {cluster[:40]!r}: give 16 hex digits") from None
        at = int(np.searchsorted(self.names, name))
        if at == len(self.names) or self.names[at] != name:
            return np.empty(0, np.int64)
        return self._rows(at)

    def whole(self, row_ids: Ids) -> Ids:
        """These rows, and behind them their near-duplicates that are not among them: [M >= N]."""
        wanted = np.unique(self.codes(row_ids))
        more = [self._rows(code) for code in wanted[wanted >= 0].tolist()]
        return np.concatenate(
            [row_ids, np.setdiff1d(np.concatenate([row_ids[:0], *more]), row_ids)]
        )

    def _rows(self, code: int) -> Ids:
        end = int(self.ends[code])
        found: Ids = self.row_ids[self.together[end - int(self.sizes[code]) : end]]
        return found

    def collapsed(self, row_ids: Ids) -> Ids:
        """The first row of each cluster, and all rows without one, in the order given."""
        codes = self.codes(row_ids)
        together = np.flatnonzero(codes >= 0)
        _, first = np.unique(codes[together], return_index=True)
        stays = codes < 0
        stays[together[first]] = True
        return row_ids[stays]

    def largest_first(self, row_ids: Ids) -> Ids:
        """By the size of the cluster; rows of one together, in the order given."""
        codes = self.codes(row_ids)
        sizes = np.where(codes < 0, 1, self.sizes[codes]) if len(self.sizes) else codes * 0
        return row_ids[np.lexsort((np.where(codes < 0, 0, codes), -sizes))]
