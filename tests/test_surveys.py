"""Counts over a whole catalog, held against NumPy over its columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audit import mapping, surveys
from audit.building import index
from audit.catalog import Catalog
from audit.errors import UsageError
from audit.taxonomy import TYPES
from tests.catalogs import write_catalog


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    folder, _ = write_catalog(tmp_path_factory.mktemp("surveys"), shards=4, samples=30)
    mapping.make(folder)
    index(folder)
    with Catalog(folder) as opened:
        yield opened


@pytest.fixture
def rows(catalog: Catalog) -> list[dict[str, object]]:
    names = ["row_id", "shard", "status", "risk_type", "risk_level", "error", *surveys.SCORES]
    return catalog.columns(names).to_pylist()


def test_books_are_those_of_the_shards_and_balance(catalog: Catalog, rows: list[dict]) -> None:
    every = surveys.books(catalog)
    assert [b.shard for b in every] == sorted({row["shard"] for row in rows})
    for b in every:
        here = [row for row in rows if row["shard"] == b.shard]
        assert (b.images, b.scored, b.failed) == (30, 29, 1)
        risky = [r for r in here if r["risk_type"] not in (None, "safe")]
        assert b.flagged == len(risky)
        assert b.balanced
        assert b.lost == 1
    together = surveys.Books.total(every)
    assert (together.images, together.scored, together.failed) == (120, 116, 4)
    assert together.flagged == sum(b.flagged for b in every)
    assert together.balanced


def test_reasons_are_counted_by_their_code(catalog: Catalog, rows: list[dict]) -> None:
    codes = Counter(row["error"].split(":")[0] for row in rows if row["error"])
    assert surveys.failures(catalog) == dict(codes)
    assert surveys.upstream(catalog) == {}


def test_the_matrix_is_the_count_of_every_pair(catalog: Catalog, rows: list[dict]) -> None:
    expected = Counter((r["risk_type"], r["risk_level"]) for r in rows if r["risk_type"])
    assert surveys.matrix(catalog) == dict(expected)


def test_flagged_rows_among_others(catalog: Catalog, rows: list[dict]) -> None:
    some = rows[::3]
    expected = sum(r["risk_type"] not in (None, "safe") for r in some)
    assert surveys.flagged_among(catalog, [r["row_id"] for r in some] + [-5]) == expected
    assert surveys.flagged_among(catalog, []) == 0


def test_concepts_are_counted_from_one_half(catalog: Catalog) -> None:
    names, _ = catalog.score_names()
    table = catalog.columns(["status"], concepts=names)
    expected = {
        name: int((table[f"concept:{name}"].drop_null().to_numpy() >= 0.5).sum()) for name in names
    }
    found = surveys.concepts(catalog)
    assert found == expected
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize("score", ["risk", "p_illegal", "p_safe"])
def test_histograms_and_both_sides_hold(catalog: Catalog, rows: list[dict], score: str) -> None:
    values = np.array([row[score] for row in rows if row[score] is not None], np.float32)
    bins = np.minimum(np.floor(values.astype(float) * surveys.BINS), surveys.BINS - 1).astype(int)
    expected = np.bincount(bins, minlength=surveys.BINS)
    assert (surveys.histogram(catalog, score) == expected).all()
    for threshold in (0.0, 0.13, float(values[0]), 1.0):
        above = int((values >= np.float32(threshold)).sum())
        assert surveys.sides(catalog, score, threshold) == (len(values) - above, above)


def test_the_map_says_where_how_many_lie(catalog: Catalog, rows: list[dict]) -> None:
    made = surveys.map_made(catalog)
    assert made is not None
    assert (made.placed, made.sample) == (116, 116)
    places = catalog.ask("SELECT * FROM catalog.map").to_pylist()
    types = {row["row_id"]: row["risk_type"] for row in rows}
    for only, wanted in (("", TYPES), ("flagged", TYPES[:-1]), ("illegal", ("illegal",))):
        mine = [p for p in places if types[p["row_id"]] in wanted]
        side = surveys.side_for(made.placed)
        squares = Counter(
            (min(int(p["x"] * side), side - 1), min(int(p["y"] * side), side - 1)) for p in mine
        )
        found = surveys.density(catalog, side, only)
        assert dict(zip(zip(found.x, found.y, strict=True), found.count, strict=True)) == squares
        box = (0.25, 0.1, 0.75, 0.6)
        inside = [p for p in mine if 0.25 <= p["x"] <= 0.75 and 0.1 <= p["y"] <= 0.6]
        assert surveys.in_box(catalog, box, only) == len(inside)


def test_many_rows_lie_in_smaller_squares() -> None:
    assert [surveys.side_for(n) for n in (1, 2_000, 3_000, 50_000, 10**7)] == [24, 24, 60, 120, 120]


def test_without_a_map_nothing_is_placed(tmp_path: Path) -> None:
    folder, _ = write_catalog(tmp_path, shards=1, samples=5)
    index(folder)
    with Catalog(folder) as opened:
        assert surveys.map_made(opened) is None
        assert len(surveys.density(opened, 24).count) == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: surveys.histogram(c, "uid"),
        lambda c: surveys.sides(c, "risk; drop", 0.5),
        lambda c: surveys.density(c, 24, "' OR 1"),
    ],
)
def test_names_that_there_are_not_are_refused(catalog: Catalog, ask: object) -> None:
    with pytest.raises(UsageError, match="unknown"):
        ask(catalog)  # type: ignore[operator]
