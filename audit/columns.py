"""The columns of a row: the schema of parts, and scores turned into their columns.

Letters in shapes: B rows, K concepts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.taxonomy import LEVELS, SAFE, TYPES

if TYPE_CHECKING:
    Column = pa.Array[Any] | pa.ChunkedArray[Any]

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
    "caption_type": pa.string(),
    "image_text": pa.string(),
    "image_text_risk": pa.float32(),
    "pair": pa.string(),
    "extras": pa.map_(pa.string(), pa.float32()),
}
SCHEMA = pa.schema(_COLUMNS)

STATUSES = ("scored", "failed", "quarantined")

WORDS = pa.schema(
    [
        SCHEMA.field(name)
        for name in ("caption_risk", "caption_type", "image_text", "image_text_risk", "pair")
    ]
)
"""Columns that the text stage fills."""


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


def score_columns(
    types: npt.NDArray[np.float32],
    levels: npt.NDArray[np.float32],
    concepts: npt.NDArray[np.float32],
    concept_names: Sequence[str],
) -> dict[str, Column]:
    """Every column that a scorer of images fills, of B rows; what is not covered is NULL.

    types, levels   [B, 7] and [B, 4], as `decide` takes them
    concepts        [B, K], order of concept_names, NaN where not covered
    """
    type_index, level_index = decide(types, levels)
    columns: dict[str, Column] = {f"p_{name}": known(types[:, i]) for i, name in enumerate(TYPES)}
    columns |= {f"p_level_{i}": known(levels[:, i]) for i in range(len(LEVELS))}
    columns["punsafe"] = columns["risk"] = known(1 - types[:, SAFE])
    columns["risk_type"] = _named(TYPES, type_index)
    columns["risk_level"] = _named(LEVELS, level_index)
    columns["concepts"] = named_map(concept_names, concepts)
    return columns


def named_map(names: Sequence[str], values: npt.NDArray[np.float32]) -> pa.Array[Any]:
    """A column of maps name -> value; values [B, len(names)], NaN becomes NULL."""
    rows, count = values.shape
    return pa.MapArray.from_arrays(
        pa.array(np.arange(rows + 1, dtype=np.int32) * count),
        pa.array(names, pa.string()).take(np.tile(np.arange(count), rows)),
        known(values.reshape(-1)),
    )


def known(values: npt.NDArray[np.float32]) -> pa.Array[Any]:
    """A float32 column in which NaN (not covered) is NULL."""
    return pa.array(values, pa.float32(), from_pandas=True)


def _named(names: Sequence[str], index: npt.NDArray[np.int64]) -> Column:
    return pa.array(names, pa.string()).take(pa.array(index, pa.int64(), mask=index < 0))


def words(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A table of WORDS; None and NaN are NULL, and so is a column that is not given."""
    rows = len(next(iter(columns.values()), ()))
    return pa.table(
        {
            field.name: pa.array(columns[field.name], field.type, from_pandas=True)
            if field.name in columns
            else pa.nulls(rows, field.type)
            for field in WORDS
        }
    )
