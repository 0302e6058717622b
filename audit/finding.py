"""A specification as SQL over the tables of a snapshot: which rows, in which order.

Whatever a visitor typed is a value of the query, never a part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from audit.specs import Spec
from audit.taxonomy import TYPES

_RISKY = ", ".join(f"p_{name}" for name in TYPES if name != "safe")
MARGIN = f"abs(coalesce(p_safe, 0) - coalesce(greatest({_RISKY}), 0))"
"""How close the two likeliest answers are: 0 is the most uncertain."""

FLAGGED = "status = 'scored' AND risk_type IS NOT NULL AND risk_type <> 'safe'"
QUEUE = f"SELECT row_id, risk_type, risk_level, risk, {MARGIN} AS margin FROM catalog.samples"
"""What the flagged rows have in memory."""

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
    "clusters": "coalesce(members, 1) DESC, cluster, margin, row_id",
    "mixed": "margin, row_id",
}
_PHRASES = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT of row_ids and the values of its question marks."""

    text: str
    values: list[Any]


def query(spec: Spec, limit: int) -> Query:
    """The row_ids of a specification in its order, whatever its way."""
    where, values = _conditions(spec)
    # Few columns of the flagged rows are in memory; a filter on any other reads the file.
    if spec.scope == "flagged" and not (spec.concept or spec.shard or spec.words or spec.uid):
        source = "memory.queue"
    else:
        source = f"(SELECT *, {MARGIN} AS margin FROM catalog.samples)"
        where.append(_STATUS[spec.scope])
    if spec.order == "clusters":
        source += " LEFT JOIN memory.clusters USING (row_id)"
    text = (
        f"SELECT row_id FROM {source} WHERE {' AND '.join(where or ['true'])} "
        f"ORDER BY {_ORDERS[spec.order]} LIMIT ?"
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


def phrases(words: str) -> list[str]:
    """The words of a search, those in double quotes together."""
    return [found for pair in _PHRASES.findall(words) if (found := pair[0] or pair[1])]
