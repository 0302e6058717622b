"""One shard's rows, collected as columns: samples, pictures and scores in, one Arrow table out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.columns import SCHEMA, STATUSES, WORDS, decide, score_columns
from audit.errors import ShardwardenError
from audit.taxonomy import LEVELS, TYPES

if TYPE_CHECKING:
    from audit.columns import Column
    from audit.images import Picture
    from audit.scorer import Scores
    from audit.shards import Sample

__all__ = ["SCHEMA", "STATUSES", "UNIT_TOLERANCE", "Rows", "decide", "row_id"]

# float16 keeps 11 bits: the length of a unit vector moves by less than 5e-4.
UNIT_TOLERANCE = 2e-3


def row_id(shard_id: str, ordinal: int) -> int:
    """Stable id of the image at `ordinal` (0-based, images only) of a shard; 0..2**63-1."""
    digest = hashlib.sha256(f"{shard_id}:{ordinal}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & (2**63 - 1)


class Rows:
    """The rows of one shard, in any order until `table` puts them back into the shard's."""

    def __init__(
        self, shard_id: str, concept_names: Sequence[str], *, features: bool = False
    ) -> None:
        """Begin with no row.

        concept_names   names of the columns of Scores.concepts, in order
        features        keep Scores.features too
        """
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
        self._vectors = ("embeddings", "features") if features else ("embeddings",)
        self._scores: dict[str, list[npt.NDArray[Any]]] = {
            name: [] for name in ("types", "levels", "concepts", *self._vectors)
        }
        self._words: list[pa.Table] = []

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
        words: pa.Table | None = None,
    ) -> None:
        """Add a batch of B scored samples.

        scores    types [B, 7], levels [B, 4], concepts [B, K], embeddings [B, d] unit length,
                  features [B, E]
        digests   sha256 hex of each image's bytes, when known already; else from sample.data
        words     B rows of columns.WORDS; None: the texts were not scored
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
        self._words.append(_no_words(len(samples)) if words is None else words)

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
        widths = {"types": len(TYPES), "levels": len(LEVELS), "concepts": names}
        for what, batches in self._scores.items():
            array: npt.NDArray[Any] = getattr(scores, what)
            columns = widths[what] if what in widths else (batches or [array])[0].shape[1]
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

    def in_order(self) -> tuple[pa.Table, dict[str, npt.NDArray[np.float16]]]:
        """All rows in the order of the shard.

        returns  a table of SCHEMA; "embeddings" [scored, d] and, where they are kept, "features"
                 [scored, E]
        raises   ShardwardenError when the images are not numbered 0, 1, 2 ... each once, or when
                 a feature is too large for float16
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
            "extras": pa.nulls(rows, SCHEMA.field("extras").type),
        }
        positions = pa.array(order)
        for name, values in self._every.items():
            columns[name] = pa.array(values, SCHEMA.field(name).type).take(positions)
        scored = pa.array(
            slots, pa.int64(), mask=slots < 0
        )  # NULL in, NULL out: rows without scores
        for name, values in self._scored.items():
            columns[name] = pa.array(values, SCHEMA.field(name).type).take(scored)
        words = pa.concat_tables([WORDS.empty_table(), *self._words])
        scores = score_columns(
            self._stack("types"), self._stack("levels"), self._stack("concepts"),
            self._concept_names,
        )  # fmt: skip
        for name, column in [*scores.items(), *zip(words.column_names, words.columns, strict=True)]:
            columns[name] = column.take(scored)
        table = pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
        return table, {name: self._halves(name)[slots[slots >= 0]] for name in self._vectors}

    def _stack(self, name: str) -> npt.NDArray[np.float32]:
        """One field of all batches, [scored, columns], in the order they were added."""
        batches = self._scores[name]
        if not batches:
            widths = {
                "types": len(TYPES),
                "levels": len(LEVELS),
                "concepts": len(self._concept_names),
            }
            return np.zeros((0, widths.get(name, 0)), np.float32)
        return np.concatenate(batches).astype(np.float32, copy=False)

    def _halves(self, name: str) -> npt.NDArray[np.float16]:
        """As `_stack`, in float16."""
        batches = self._scores[name]
        with np.errstate(over="ignore"):
            halves = [batch.astype(np.float16, copy=False) for batch in batches]
        if not all(np.isfinite(half).all() for half in halves):
            raise ShardwardenError(
                f"{self._shard_id}: {name} beyond {np.finfo(np.float16).max:,.0f} do not fit "
                "float16; scan without --store-features"
            )
        return np.concatenate(halves) if halves else np.zeros((0, 0), np.float16)


def _no_words(rows: int) -> pa.Table:
    return pa.table([pa.nulls(rows, field.type) for field in WORDS], schema=WORDS)
