"""One shard's rows, collected as columns: samples, pictures and scores in, one Arrow table out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.errors import ShardwardenError
from audit.taxonomy import LEVELS, SAFE, TYPES

if TYPE_CHECKING:
    from audit.images import Picture
    from audit.scorer import Scores
    from audit.shards import Sample

    Column = pa.Array[Any] | pa.ChunkedArray[Any]

# float16 keeps 11 bits: the length of a unit vector moves by less than 5e-4.
UNIT_TOLERANCE = 2e-3

STATUSES = ("scored", "failed", "quarantined")

_COLUMNS: dict[str, pa.DataType] = {
    "row_id": pa.int64(),
    "uid": pa.string(),
    "shard": pa.string(),
    "key": pa.string(),
    "image_member": pa.string(),
    "offset": pa.int64(),
    "size": pa.int64(),
    "width": pa.int32(),
    "height": pa.int32(),
    "format": pa.string(),
    "sha256": pa.string(),
    "phash": pa.string(),
    "caption": pa.string(),
    "metadata": pa.string(),
    "preview": pa.binary(),
    "status": pa.string(),
    "error": pa.string(),
    "risk_type": pa.string(),
    "risk_level": pa.string(),
    "risk": pa.float32(),
    **{f"p_{name}": pa.float32() for name in TYPES},
    **{f"p_level_{level}": pa.float32() for level in range(len(LEVELS))},
    "punsafe": pa.float32(),
    "concepts": pa.map_(pa.string(), pa.float32()),
    "caption_risk": pa.float32(),
    "pair": pa.string(),
}
SCHEMA = pa.schema(_COLUMNS)


def row_id(shard_id: str, ordinal: int) -> int:
    """Stable id of the image at `ordinal` (0-based, images only) of a shard; 0..2**63-1."""
    digest = hashlib.sha256(f"{shard_id}:{ordinal}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & (2**63 - 1)


def decide(
    types: npt.NDArray[np.float32], levels: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The joint decision on type and level: the level is `none` exactly when the type is `safe`.

    types    [B, 7] float32, order of taxonomy.TYPES, NaN for types not covered
    levels   [B, 4] float32, order of taxonomy.LEVELS, a row all NaN when not covered
    returns  ([B], [B]) int64 indices; -1 where nothing is covered
    source   papers.md O11: two independent argmaxes can contradict each other, so the level of
             a risky sample is the likeliest above `none`
    """
    type_index = _argmax(types)
    level_index = _argmax(levels[:, 1:])
    level_index[level_index >= 0] += 1
    level_index[type_index == SAFE] = 0
    level_index[type_index < 0] = -1
    return type_index, level_index


def _argmax(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    known = ~np.isnan(values)
    best: npt.NDArray[np.int64] = np.where(known, values, -np.inf).argmax(axis=1)
    best[~known.any(axis=1)] = -1
    return best


class Rows:
    """The rows of one shard, in any order until `table` puts them back into the shard's."""

    def __init__(self, shard_id: str, concept_names: Sequence[str]) -> None:
        """concept_names: names of the columns of Scores.concepts, in order."""
        self._shard_id = shard_id
        self._concept_names = tuple(concept_names)
        self._ordinals: list[int] = []
        self._slots: list[int] = []  # position among the scored rows, -1 for the others
        self._every: dict[str, list[Any]] = {
            name: []
            for name in (
                "uid", "key", "image_member", "offset", "size", "sha256", "caption", "metadata",
                "status", "error",
            )
        }  # fmt: skip
        self._scored: dict[str, list[Any]] = {
            name: [] for name in ("width", "height", "format", "phash", "preview")
        }
        self._scores: dict[str, list[npt.NDArray[Any]]] = {
            name: [] for name in ("types", "levels", "concepts", "embeddings")
        }

    def __len__(self) -> int:
        """Rows added so far, those without scores included."""
        return len(self._ordinals)

    def count(self, status: str) -> int:
        """Rows of one status: scored, failed, quarantined."""
        return self._every["status"].count(status)

    def add_scored(
        self,
        samples: Sequence[Sample],
        pictures: Sequence[Picture],
        scores: Scores,
        *,
        digests: Sequence[str] | None = None,
    ) -> None:
        """Add a batch of B scored samples.

        scores    types [B, 7], levels [B, 4], concepts [B, K], embeddings [B, d] unit length
        digests   sha256 hex of each image's bytes, when known already; else from sample.data
        raises    ShardwardenError when shapes disagree or an embedding is not of unit length
        """
        self._check(samples, pictures, scores)
        for position, (sample, picture) in enumerate(zip(samples, pictures, strict=True)):
            self._slots.append(len(self._scored["width"]))
            self._add(sample, "scored", None, digests[position] if digests else None)
            self._scored["width"].append(picture.width)
            self._scored["height"].append(picture.height)
            self._scored["format"].append(picture.format)
            self._scored["phash"].append(picture.phash)
            self._scored["preview"].append(picture.preview)
        for name, batches in self._scores.items():
            batches.append(getattr(scores, name))

    def add_failed(
        self,
        sample: Sample,
        error: str,
        *,
        quarantined: bool = False,
        digest: str | None = None,
    ) -> None:
        """Add a sample without scores.

        error         "code: detail"; `audit status` counts by the code
        quarantined   True: held back on purpose (known-bad hash), never shown to anyone
        digest        sha256 hex of the image's bytes, when known already
        """
        self._slots.append(-1)
        self._add(sample, "quarantined" if quarantined else "failed", error, digest)

    def _add(self, sample: Sample, status: str, error: str | None, digest: str | None) -> None:
        if digest is None and sample.data is not None:
            digest = hashlib.sha256(sample.data).hexdigest()
        self._ordinals.append(sample.ordinal)
        row = self._every
        row["uid"].append(sample.uid or digest)
        row["key"].append(sample.key)
        row["image_member"].append(sample.image_member)
        row["offset"].append(sample.offset)
        row["size"].append(sample.size)
        row["sha256"].append(digest)
        row["caption"].append(sample.caption)
        row["metadata"].append(sample.metadata)
        row["status"].append(status)
        row["error"].append(error)

    def _check(
        self, samples: Sequence[Sample], pictures: Sequence[Picture], scores: Scores
    ) -> None:
        batch, names = len(samples), len(self._concept_names)
        width = (self._scores["embeddings"] or [scores.embeddings])[0].shape[1]
        for what, array, columns in (
            ("types", scores.types, len(TYPES)),
            ("levels", scores.levels, len(LEVELS)),
            ("concepts", scores.concepts, names),
            ("embeddings", scores.embeddings, width),
        ):
            if array.shape != (batch, columns):
                raise ShardwardenError(
                    f"{self._shard_id}: {what} of shape {list(array.shape)} for {batch} samples, "
                    f"expected [{batch}, {columns}]; the scorer does not fit this catalog"
                )
        if len(pictures) != batch:
            raise ShardwardenError(
                f"{self._shard_id}: {len(pictures)} pictures for {batch} samples; "
                "pass one picture a sample"
            )
        lengths = np.linalg.norm(scores.embeddings.astype(np.float32), axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT_TOLERANCE))
        if len(wrong):
            raise ShardwardenError(
                f"{self._shard_id}: embedding of {samples[wrong[0]].key!r} has length "
                f"{lengths[wrong[0]]:.4g}, not 1; the scorer is damaged"
            )

    def in_order(self) -> tuple[pa.Table, npt.NDArray[np.float16]]:
        """All rows in the order of the shard: a table of SCHEMA, and embeddings [scored, d].

        raises   ShardwardenError when the images are not numbered 0, 1, 2 ... each once
        """
        rows = len(self)
        ordinals = np.asarray(self._ordinals, dtype=np.int64)
        # Failed samples are added as they fail, scored ones by the batch: back to shard order.
        order = np.argsort(ordinals)
        if not np.array_equal(ordinals[order], np.arange(rows)):
            raise ShardwardenError(
                f"{self._shard_id}: images are not numbered 0 to {rows - 1}, each once; "
                "one was added twice or left out"
            )
        slots = np.asarray(self._slots, dtype=np.int64)[order]
        columns: dict[str, Column] = {
            "row_id": pa.array([row_id(self._shard_id, n) for n in range(rows)], pa.int64()),
            "shard": pa.repeat(self._shard_id, rows),
            "caption_risk": pa.nulls(rows, pa.float32()),
            "pair": pa.nulls(rows, pa.string()),
        }
        positions = pa.array(order)
        for name, values in self._every.items():
            columns[name] = pa.array(values, SCHEMA.field(name).type).take(positions)
        scored = pa.array(
            slots, pa.int64(), mask=slots < 0
        )  # NULL in, NULL out: rows without scores
        for name, values in self._scored.items():
            columns[name] = pa.array(values, SCHEMA.field(name).type).take(scored)
        for name, array in self._score_columns().items():
            columns[name] = array.take(scored)
        table = pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
        return table, self._stack("embeddings", np.float16)[slots[slots >= 0]]

    def _score_columns(self) -> dict[str, Column]:
        types = self._stack("types", np.float32)
        levels = self._stack("levels", np.float32)
        concepts = self._stack("concepts", np.float32)
        type_index, level_index = decide(types, levels)
        columns: dict[str, Column] = {
            f"p_{name}": _known(types[:, i]) for i, name in enumerate(TYPES)
        }
        columns |= {f"p_level_{i}": _known(levels[:, i]) for i in range(len(LEVELS))}
        columns["punsafe"] = columns["risk"] = _known(1 - types[:, SAFE])
        columns["risk_type"] = _named(TYPES, type_index)
        columns["risk_level"] = _named(LEVELS, level_index)
        rows, names = concepts.shape
        columns["concepts"] = pa.MapArray.from_arrays(
            pa.array(np.arange(rows + 1, dtype=np.int32) * names),
            pa.array(self._concept_names, pa.string()).take(np.tile(np.arange(names), rows)),
            _known(concepts.reshape(-1)),
        )
        return columns

    def _stack(self, name: str, dtype: type[np.floating[Any]]) -> npt.NDArray[Any]:
        """One field of all batches, [scored, columns], in the order they were added."""
        batches = self._scores[name]
        if not batches:
            widths = {"types": len(TYPES), "levels": len(LEVELS), "concepts": 0, "embeddings": 0}
            return np.zeros((0, widths[name]), dtype)
        return np.concatenate(batches).astype(dtype, copy=False)


def _known(values: npt.NDArray[np.float32]) -> pa.Array[Any]:
    """A float32 column in which NaN (not covered) is NULL."""
    return pa.array(values, pa.float32(), from_pandas=True)


def _named(names: Sequence[str], index: npt.NDArray[np.int64]) -> Column:
    return pa.array(names, pa.string()).take(pa.array(index, pa.int64(), mask=index < 0))
