"""Everything that `audit status` tells of a catalog, counted."""

from __future__ import annotations

from dataclasses import fields

from audit import surveys
from audit.catalog import Catalog
from audit.status import ShardCounts, ShardFault, Status
from audit.taxonomy import TYPES

# Type and level, each taken for itself, contradict each other (papers.md O11). Where a type or all
# levels are not covered, greatest() passes over NULL.
_CONFLICT = """
    (coalesce(p_safe, 0) > coalesce(greatest({risky}), -1))
    <> (p_level_0 >= greatest(p_level_1, p_level_2, p_level_3))
""".format(risky=", ".join(f"p_{name}" for name in TYPES if name != "safe"))


def status(catalog: Catalog) -> Status:
    """Count everything; seconds for millions of rows."""
    books = catalog.shards().select([each.name for each in fields(ShardCounts)])
    shards = tuple(ShardCounts(**row) for row in books.to_pylist())
    total = ShardCounts.total(shards)
    faults = catalog.ask(
        'SELECT shard, kind, detail, key, "offset" FROM catalog.faults ORDER BY ALL'
    )
    numbers = catalog.ask(
        f"SELECT count(*) FILTER ({_CONFLICT}) AS conflicts, count(image_text) AS read "
        "FROM catalog.samples"
    ).to_pylist()[0]
    covered = surveys.covered(catalog)
    return Status(
        shards=shards,
        total=total,
        risks={
            (kind, level): count
            for (kind, level), count in surveys.matrix(catalog).items()
            if level is not None
        },
        concepts=_counts(
            catalog,
            "(SELECT unnest(map_keys(concepts)) AS name, unnest(map_values(concepts)) AS p "
            "FROM catalog.samples) WHERE p > 0.5",
        ),
        failures=surveys.failures(catalog),
        upstream=surveys.upstream(catalog),
        faults=tuple(ShardFault(**row) for row in faults.to_pylist()),
        not_covered=tuple(name for name in TYPES if total.scored and name not in covered),
        conflicts=numbers["conflicts"],
        pairs=_counts(catalog, "(SELECT pair AS name FROM catalog.samples) WHERE name IS NOT NULL"),
        pictures_read=numbers["read"],
    )


def _counts(catalog: Catalog, source: str) -> dict[str, int]:
    """Name -> how many rows of a source have it, most first."""
    found = catalog.ask(
        f"SELECT name, count(*) AS n FROM {source} GROUP BY name ORDER BY n DESC, name"
    )
    return {row["name"]: row["n"] for row in found.to_pylist()}
