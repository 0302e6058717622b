"""Which rows look like a row, or like any picture: the catalog's vectors, loaded when asked for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit import vectors
from audit.clusters import Ids
from audit.errors import ShardwardenError, UsageError

Cosines = npt.NDArray[np.float32]


class Likeness:
    """Searches in the vectors of one catalog; may be shared by threads."""

    def __init__(self, directory: Path, count: int) -> None:
        """Load nothing yet.

        count    vectors that the index has when it is of the same moment as the catalog
        """
        self._directory = directory
        self._count = count
        self._lock = threading.Lock()
        self._index: Any = None

    def of_row(self, row_id: int, k: int, among: Ids | None = None) -> tuple[Ids, Cosines]:
        """(row_ids, cosines) of the k rows most like a row, nearest first, without itself.

        among    only these rows
        raises   UsageError where the row has no vector; ShardwardenError where there is no index
        """
        vector = vectors.vector(self._loaded(), row_id)
        if vector is None:
            raise UsageError(
                "like: that sample could not be scored, so it has no vector; choose another"
            )
        ids, cosines = self.of_vectors(vector[None], k + 1, among)
        stays = ids != row_id
        return ids[stays][:k], cosines[stays][:k]

    def of_rows(self, row_ids: Ids, k: int) -> tuple[Ids, Cosines]:
        """(row_ids, cosines) of the k rows most like any of these, without them.

        row_ids  [n]; those without a vector are passed over
        """
        index = self._loaded()
        held = [vectors.vector(index, int(row)) for row in row_ids]
        known = [vector for vector in held if vector is not None]
        if not known:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        ids, cosines = self.of_vectors(np.stack(known), k + len(known))
        stays = ~np.isin(ids, row_ids)
        return ids[stays][:k], cosines[stays][:k]

    def of_vectors(self, given: Cosines, k: int, among: Ids | None = None) -> tuple[Ids, Cosines]:
        """(row_ids, cosines) of the k rows most like any of the vectors [n, d], nearest first.

        raises   CatalogMismatch when the catalog's vectors have another width
        """
        found, near = vectors.neighbours(self._loaded(), given, k, among, fewer=True)
        ids, cosines = found.ravel(), near.ravel()
        order = np.argsort(-cosines, kind="stable")  # NaN, which is nothing, comes last
        order = order[ids[order] >= 0]
        _, first = np.unique(ids[order], return_index=True)
        order = order[np.sort(first)][:k]
        return ids[order], cosines[order]

    def _loaded(self) -> Any:
        with self._lock:
            if self._index is None:
                found = vectors.open(self._directory, mapped=True)
                if found.ntotal != self._count:
                    raise ShardwardenError(
                        "the vectors are of another moment than the catalog; try again, or run "
                        f"`audit index {self._directory}`"
                    )
                self._index = found
            return self._index
