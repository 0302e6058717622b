"""The rows of a catalog with the highest score: what `audit top` lists."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from audit.catalog import Catalog
from audit.errors import UsageError
from audit.taxonomy import LEVELS, TYPES

CAPTION_SHOWN = 80  # characters
CONCEPTS_SHOWN = 3


def top(
    catalog: Catalog,
    *,
    by: str = "risk",
    type: str | None = None,
    level: str | None = None,
    limit: int = 20,
) -> pa.Table:
    """Rows with the highest `by` first: shard, key, type, level, risk, concepts, caption.

    by       "risk", or "p_<type>", which is then a column too
    type     only rows decided to be of this type; level: only of this level
    raises   UsageError for a name that is not in the taxonomy
    """
    _known("column", by, ("risk", *(f"p_{name}" for name in TYPES)))
    wanted = {}
    if type is not None:
        wanted["risk_type"] = _known("type", type, TYPES)
    if level is not None:
        wanted["risk_level"] = _known("level", level, LEVELS)
    if limit < 0:
        raise UsageError(f"top: cannot show {limit} rows; give 0 or more")
    conditions = "".join(f" AND {column} = ?" for column in wanted)
    column = "" if by == "risk" else f"{by},"
    shown = f"[1:{CONCEPTS_SHOWN}]"
    query = f"""
        SELECT shard, key, risk_type, risk_level, risk, {column}
            array_to_string(list_transform(
                list_reverse_sort(list_filter(
                    list_zip(map_values(concepts), map_keys(concepts)),
                    lambda pair: pair[1] IS NOT NULL)){shown},
                lambda pair: format('{{}} {{:.2f}}', pair[2], pair[1])), ', ') AS concepts,
            CASE WHEN length(caption) > {CAPTION_SHOWN}
                THEN caption[1:{CAPTION_SHOWN - 1}] || '…' ELSE caption END AS caption
        FROM (
            SELECT * FROM catalog.samples
            WHERE status = 'scored' AND {by} IS NOT NULL{conditions}
            ORDER BY {by} DESC, row_id LIMIT ?
        )
        ORDER BY {by} DESC, row_id
    """
    return catalog.ask(query, [*wanted.values(), limit])


def _known(what: str, name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise UsageError(f"top: unknown {what} {name!r}; known: {', '.join(names)}")
    return name
