"""A specification as SQL over the tables of a snapshot: which rows, in which order.

Whatever a visitor typed is a value of the query, never a part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.clusters import Ids
from audit.specs import Spec
from audit.taxonomy import TYPES

_RISKY = ", ".join(f"p_{name}" for name in TYPES if name != "safe")
MARGIN = f"abs(coalesce(p_safe, 0) - coalesce(greatest({_RISKY}), 0))"
"""How close the two likeliest answers are: 0 is the most uncertain."""

FLAGGED = "status = 'scored' AND risk_type IS NOT NULL AND risk_type <> 'safe'"
QUEUE = (
    f"SELECT row_id, rowid AS place, risk_type, risk_level, risk, {MARGIN} AS margin "
    "FROM catalog.samples"
)
"""What the flagged rows have in memory; place: where in the file they stand."""

_STATUS = {
    "flagged": FLAGGED,
    "all": "status = 'scored'",
    "failed": "status = 'failed'",
    "any": "status <> 'quarantined'",
}
_ORDERS = {
    "uncertain": "margin, row_id",
    "risk": "risk DESC NULLS LAST, row_id",
    "random": "hash(row_id), row_id",  # the same shuffle every time: pages stay where they are
    "clusters": "margin, row_id",
    "mixed": "margin, row_id",
}
SAFE_EVERY = 6
"""With the order `mixed`, after so many flagged ones comes one that is scored safe."""

_PHRASES = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT of row_ids and the values of its question marks."""

    text: str
    values: list[Any]


def query(spec: Spec, limit: int, among: bool) -> Query:
    """The row_ids of a specification in its order; of orders below SQL the one they begin with.

    among    whether the rows are only some: those of the table `among` (row_id)
    """
    where, values = _conditions(spec)
    # Few columns of the flagged rows are in memory; a filter on any other reads the file.
    if spec.scope == "flagged" and not (spec.concept or spec.shard or spec.words or spec.uid):
        source = "memory.queue"
    else:
        source = f"(SELECT *, {MARGIN} AS margin FROM catalog.samples)"
        where.append(_STATUS[spec.scope])
    if spec.way == "box":
        where.append(
            "row_id IN (SELECT row_id FROM catalog.map "
            "WHERE x BETWEEN ? AND ? AND y BETWEEN ? AND ?)"
        )
        x0, y0, x1, y1 = spec.box
        values += [x0, x1, y0, y1]
    if among:
        source += " SEMI JOIN among USING (row_id)"
    last = "status = 'failed', " if spec.scope == "any" else ""  # there is nothing to judge of them
    text = (
        f"SELECT row_id FROM {source} WHERE {' AND '.join(where or ['true'])} "
        f"ORDER BY {last}{_ORDERS[spec.order]} LIMIT ?"
    )
    return Query(text, [*values, limit])


def _conditions(spec: Spec) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        where.append(condition)
        values.extend(given)

    if spec.types:
        add("list_contains(?, risk_type)", list(spec.types))
    if spec.levels:
        add("list_contains(?, risk_level)", list(spec.levels))
    if spec.low > 0:
        add("risk >= ?::FLOAT", spec.low)
    if spec.high < 1:
        add("risk <= ?::FLOAT", spec.high)
    if spec.concept:
        add("map_extract_value(concepts, ?) >= ?::FLOAT", spec.concept, spec.least)
    if spec.shard:
        add("shard = ?", spec.shard)
    if spec.uid:
        add("(uid = ? OR key = ? OR sha256 = ?)", *[spec.uid] * 3)
    for phrase in phrases(spec.words):
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", phrase) + "%"
        add(r"(caption ILIKE ? ESCAPE '\' OR image_text ILIKE ? ESCAPE '\')", pattern, pattern)
    return where, values


def mixed(flagged: Ids, safe: Ids, every: int = SAFE_EVERY) -> Ids:
    """One of `safe` after so many of `flagged`, as long as there are any."""
    at = np.minimum(np.arange(1, len(safe) + 1) * every, len(flagged))
    return np.insert(flagged, at, safe)


def phrases(words: str) -> list[str]:
    """The words of a search, those in double quotes together."""
    return [found for pair in _PHRASES.findall(words) if (found := pair[0] or pair[1])]
