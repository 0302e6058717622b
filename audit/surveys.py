"""Counts over a whole catalog, for somebody who wants to know what is in there before looking.

Every function takes an open catalog and answers in one pass over few columns; at ten million rows
the slowest, `density` of some rows, takes about two seconds. Quarantined rows are counted in the
books and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.catalog import Catalog
from audit.errors import UsageError
from audit.finding import FLAGGED
from audit.status import ShardCounts
from audit.taxonomy import TYPES

SCORES = ("risk", *(f"p_{name}" for name in TYPES))
BINS = 50  # of a histogram
SIDES = (24, 60, 120)  # squares of the map each way: for few rows, more, and many
COUNTED = 0.5  # probability from which a concept counts as seen

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Books(ShardCounts):
    """The books of a shard, or of all; of the scored, `flagged` are those whose type is not safe.

    upstream_failed  samples that the downloader never delivered; they are not members
    """

    flagged: int

    @property
    def lost(self) -> int:
        """Pictures that have no scores, and those that never came."""
        return self.failed + self.quarantined + self.upstream_failed


@dataclass(frozen=True, slots=True)
class MapMade:
    """How a catalog's map was made; see audit.mapping.

    placed   rows that have a place; sample: those that the layout was learnt from
    """

    method: str
    placed: int
    sample: int


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """How many rows lie in each square of the map that is not empty.

    side     squares each way
    x, y     [n] int, 0..side - 1, square (x, y) covers x/side..(x + 1)/side
    count    [n] int, above 0
    """

    side: int
    x: Counts
    y: Counts
    count: Counts


def books(catalog: Catalog) -> tuple[Books, ...]:
    """The books of every shard, by id."""
    counts = ", ".join(f"s.{each.name}" for each in fields(ShardCounts))
    found = catalog.ask(
        f"SELECT {counts}, coalesce(f.flagged, 0) AS flagged FROM catalog.shards s "
        "LEFT JOIN (SELECT shard, count(*) AS flagged FROM catalog.samples "
        f"WHERE {FLAGGED} GROUP BY shard) f USING (shard) ORDER BY s.shard"
    )
    return tuple(Books(**row) for row in found.to_pylist())


def failures(catalog: Catalog) -> dict[str, int]:
    """Why pictures have no scores -> how many, most first."""
    found = catalog.ask(
        "SELECT split_part(coalesce(error, 'unknown'), ':', 1) AS name, count(*) AS n "
        "FROM catalog.samples WHERE status <> 'scored' GROUP BY ALL ORDER BY n DESC, name"
    )
    return _by_name(found)


def upstream(catalog: Catalog) -> dict[str, int]:
    """Why samples were never delivered -> how many, most first."""
    found = catalog.ask(
        'SELECT error AS name, sum("count")::BIGINT AS n FROM catalog.upstream '
        "GROUP BY ALL ORDER BY n DESC, name"
    )
    return _by_name(found)


def matrix(catalog: Catalog) -> dict[tuple[str, str | None], int]:
    """(type, level) -> scored rows; the level is None where the scorer says none."""
    found = catalog.ask(
        "SELECT risk_type, risk_level, count(*) AS n FROM catalog.samples "
        "WHERE status = 'scored' AND risk_type IS NOT NULL GROUP BY ALL"
    )
    return {(row["risk_type"], row["risk_level"]): row["n"] for row in found.to_pylist()}


def covered(catalog: Catalog) -> frozenset[str]:
    """Types of which any row has a probability; none where nothing is scored."""
    found = catalog.ask(
        "SELECT "
        + ", ".join(
            f"EXISTS (FROM catalog.samples WHERE p_{name} IS NOT NULL) AS {name}" for name in TYPES
        )
    ).to_pylist()[0]
    return frozenset(name for name in TYPES if found[name])


def flagged_among(catalog: Catalog, row_ids: Sequence[int]) -> int:
    """How many of these rows are flagged."""
    found = catalog.ask(
        "SELECT count(*) AS n FROM (SELECT unnest(?::BIGINT[]) AS row_id) "
        f"JOIN catalog.samples USING (row_id) WHERE {FLAGGED}",
        [list(row_ids)],
    )
    return int(found["n"][0].as_py())


def concepts(catalog: Catalog) -> dict[str, int]:
    """Concept -> scored rows with a probability of COUNTED or more, most first; those with any."""
    found = catalog.ask(
        "SELECT name, count(*) AS n FROM (SELECT unnest(map_keys(concepts)) AS name, "
        "unnest(map_values(concepts)) AS p FROM catalog.samples WHERE status = 'scored') "
        "WHERE p >= ?::FLOAT GROUP BY name ORDER BY n DESC, name",
        [COUNTED],
    )
    return _by_name(found)


def histogram(catalog: Catalog, score: str) -> Counts:
    """[BINS] scored rows by a score: bin b holds b/BINS <= score < (b + 1)/BINS, the last 1 too.

    score    of SCORES; rows without it are in no bin
    raises   UsageError for another name
    """
    found = catalog.ask(
        f"SELECT greatest(0, least(floor({_known(score)}::DOUBLE * ?), ?))::INTEGER AS bin, "
        f"count(*) AS n FROM catalog.samples WHERE status = 'scored' AND {score} IS NOT NULL "
        "GROUP BY bin",
        [BINS, BINS - 1],
    )
    counts = np.zeros(BINS, np.int64)
    counts[found["bin"].to_numpy()] = found["n"].to_numpy()
    return counts


def sides(catalog: Catalog, score: str, threshold: float) -> tuple[int, int]:
    """(scored rows below a threshold, those at it or above), exactly as a policy compares them.

    score    of SCORES; rows without it are on neither side
    raises   UsageError for another name
    """
    found = catalog.ask(
        f"SELECT count(*) FILTER ({_known(score)} < ?::FLOAT) AS below, count({score}) AS known "
        "FROM catalog.samples WHERE status = 'scored'",
        [threshold],
    ).to_pylist()[0]
    return found["below"], found["known"] - found["below"]


def map_made(catalog: Catalog) -> MapMade | None:
    """How the map was made; None where there is none, or no row has a place on it any more."""
    if not catalog.has("map", "mapped"):
        return None
    found = catalog.ask(
        "SELECT method, sample, (SELECT count(*) FROM catalog.map) AS placed FROM catalog.mapped"
    ).to_pylist()
    return MapMade(**found[0]) if found and found[0]["placed"] else None


def side_for(placed: int) -> int:
    """Squares each way for so many rows: one of SIDES, so that few rows are not lost in them."""
    return next((side for side in SIDES if placed < 4 * side**2), SIDES[-1])


def density(catalog: Catalog, side: int, only: str = "") -> Density:
    """How many rows lie where on the map.

    side     squares each way; see `side_for`
    only     "" for all, "flagged", or a name of TYPES
    raises   UsageError for another name
    """
    square = ", ".join(
        f"greatest(0, least(floor({axis}::DOUBLE * {side:d}), {side - 1:d}))::BIGINT AS {axis}"
        for axis in ("x", "y")
    )
    found = catalog.ask(
        f"SELECT {square}, count(*) AS n FROM {_placed(only)} GROUP BY ALL ORDER BY ALL"
    )
    x, y, count = (found[name].to_numpy() for name in ("x", "y", "n"))
    return Density(side, x, y, count)


def in_box(catalog: Catalog, box: tuple[float, float, float, float], only: str = "") -> int:
    """Rows on the map within (x0, y0, x1, y1), the edges too; `only` as for `density`."""
    x0, y0, x1, y1 = box
    found = catalog.ask(
        f"SELECT count(*) AS n FROM {_placed(only)} WHERE x BETWEEN ? AND ? AND y BETWEEN ? AND ?",
        [x0, x1, y0, y1],
    )
    return int(found["n"][0].as_py())


def _by_name(found: pa.Table) -> dict[str, int]:
    return {row["name"]: row["n"] for row in found.to_pylist()}


def _placed(only: str) -> str:
    """Where to select x and y from."""
    if not only:
        return "catalog.map"
    if only not in ("flagged", *TYPES):
        raise UsageError(f"map: unknown kind {only[:40]!r}; known: flagged, {', '.join(TYPES)}")
    rows = FLAGGED if only == "flagged" else f"risk_type = '{only}'"
    return f"catalog.map JOIN (SELECT row_id FROM catalog.samples WHERE {rows}) USING (row_id)"


def _known(score: str) -> str:
    if score not in SCORES:
        raise UsageError(f"unknown score {score[:40]!r}; known: {', '.join(SCORES)}")
    return score
