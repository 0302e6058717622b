"""Columns of other tools' metadata tables brought to our names, and every row as JSON.

Whole columns at a time: a million rows take seconds, not minutes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

Column = Any  # an Arrow array, chunked or not
pc: Any = pyarrow.compute  # its stubs know neither scalars among columns nor mixed chunks

# Ours -> what img2dataset, clip-retrieval, LAION and DataComp call it; the first that is there.
NAMES = {
    "uid": ("uid",),
    "key": ("key", "__key__", "image_path", "SAMPLE_ID"),
    "caption": ("caption", "TEXT", "text"),
    "url": ("url", "URL"),
    "width": ("original_width", "width", "WIDTH"),
    "height": ("original_height", "height", "HEIGHT"),
    "sha256": ("sha256",),
    "nsfw": ("NSFW", "nsfw", "punsafe"),
}
ROWS = pa.schema(
    [(n, pa.int32() if n in ("width", "height") else pa.string()) for n in NAMES]
    + [("metadata", pa.string())]
)

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


def rows_of(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """A metadata table as ROWS; what it lacks is NULL.

    keys    for tables that name no image
    raises  pa.ArrowInvalid when a text is not UTF-8
    """
    table = pa.table([_plain(column) for column in table.columns], names=table.column_names)
    table.validate(full=True)
    columns: dict[str, Column] = {}
    for ours, theirs in NAMES.items():
        # By place: a table may have two columns of one name.
        there = [table.column_names.index(name) for name in theirs if name in table.column_names]
        kind = ROWS.field(ours).type
        columns[ours] = _as(table.column(there[0]), kind) if there else pa.nulls(len(table), kind)
    columns["key"] = pc.coalesce(columns["key"], pa.array(keys, pa.string()))
    columns["metadata"] = _json(table)
    return pa.table([columns[name] for name in ROWS.names], schema=ROWS)


def _plain(column: Column) -> Column:
    """One array; categories as what they stand for."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _as(column: Column, kind: Any) -> Column:
    """The column as text or whole numbers; NULL where that makes no sense."""
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if pa.types.is_string(kind):
        simple = is_number or pa.types.is_string(column.type)
        return column.cast(kind) if simple else pa.nulls(len(column), kind)
    if not is_number:
        return pa.nulls(len(column), kind)
    numbers = column.cast(pa.float64(), safe=False)
    sensible = pc.and_(pc.greater_equal(numbers, 1), pc.less(numbers, 2.0**31))
    return pc.if_else(sensible, numbers, None).cast(kind, safe=False)


def _json(table: pa.Table) -> Column:
    """Each row as a JSON object, columns in order."""
    if not table.column_names:
        return pa.repeat("{}", len(table))
    parts: list[Column] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        parts += [f"{', ' if parts else '{'}{json.dumps(name)}: ", _values(column)]
    return pc.binary_join_element_wise(*parts, "}", "")


def _values(column: Column) -> Column:
    """Each value as JSON text; NULL and what is not a number as null."""
    kind = column.type
    if pa.types.is_string(kind):
        if pc.any(pc.match_substring_regex(column, _CONTROL)).as_py():
            return _slowly(column)
        for what, instead in _ESCAPES:
            column = pc.replace_substring(column, what, instead)
        column = pc.binary_join_element_wise('"', column, '"', "")
    elif pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, None).cast(pa.string())
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        column = column.cast(pa.string())
    else:
        return _slowly(column)
    return pc.fill_null(column, "null")


def _slowly(column: Column) -> Column:
    return pa.array([json.dumps(v, default=str) for v in column.to_pylist()], pa.string())
