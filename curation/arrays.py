"""Columns of a table as NumPy arrays and back. Letters in shapes: N rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

pc: Any = pyarrow.compute  # its types know no plain numbers and texts


def floats(table: pa.Table, column: str) -> Floats:
    """A column of numbers [N] in which NULL is NaN."""
    values = table[column].cast(pa.float32()).to_numpy(zero_copy_only=False)
    return values.astype(np.float32, copy=False)


def integers(table: pa.Table, column: str) -> Ints:
    """A column of whole numbers [N] in which NULL is 0."""
    found: Ints = pc.fill_null(table[column], 0).to_numpy().astype(np.int64)
    return found


def equal(table: pa.Table, column: str, value: str) -> Mask:
    """[N] where a column of texts has this value."""
    found: Mask = pc.fill_null(pc.equal(table[column], value), False).to_numpy()
    return found


def has_text(table: pa.Table, column: str) -> Mask:
    """[N] where a column of texts has more than blanks."""
    length = pc.utf8_length(pc.utf8_trim_whitespace(table[column]))
    found: Mask = pc.fill_null(pc.greater(length, 0), False).to_numpy()
    return found


def indices(column: Any, names: Sequence[str]) -> Ints:
    """[N] position of each text in `names`, -1 for another or none."""
    found: Ints = (
        pc.fill_null(pc.index_in(column, pa.array(names, pa.string())), -1)
        .to_numpy()
        .astype(np.int64)
    )
    return found


def codes(column: Any) -> Ints:
    """[N] equal for equal texts, -1 for NULL."""
    encoded = column.combine_chunks().dictionary_encode()
    found: Ints = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    return found


def hashes(column: Any) -> tuple[npt.NDArray[np.uint64], Mask]:
    """([N] of 16 hex digits each, [N] where there are such)."""
    column = column.combine_chunks()
    known: Mask = pc.fill_null(pc.match_substring_regex(column, "^[0-9a-f]{16}$"), False).to_numpy(
        zero_copy_only=False
    )
    texts = pc.if_else(pa.array(known), column, "0" * 16)
    joined = "".join(texts.to_pylist())
    return np.frombuffer(bytes.fromhex(joined), ">u8").astype(np.uint64), known


def named(index: Ints, names: Sequence[str]) -> Any:
    """An index [N] as a dictionary of names; below 0 is NULL."""
    array: Any = pa.array(index.astype(np.int32), mask=index < 0)
    return pa.DictionaryArray.from_arrays(array, pa.array(names, pa.string()))


def coded(column: Any) -> tuple[list[str], Ints]:
    """(names, [N] which of them, -1 for NULL) of a dictionary column."""
    column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # none of its rows
        return [], np.empty(0, np.int64)
    found: Ints = pc.fill_null(column.indices, -1).to_numpy().astype(np.int64)
    return column.dictionary.to_pylist(), found


def pairs(first: Any, second: Any) -> dict[tuple[str, str], int]:
    """How often each two texts stand in the same row of two columns [N]."""
    columns = [column.cast(pa.string()) for column in (first, second)]
    table = pa.table(columns, names=["first", "second"]).group_by(["first", "second"])
    counted: Any = table.aggregate([([], "count_all")]).to_pylist()
    return {(row["first"], row["second"]): row["count_all"] for row in counted}
