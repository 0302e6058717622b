"""The catalog against plain Python over the same parts; readers and writers at once."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit import tally, vectors
from audit.building import index, refresh
from audit.catalog import NAME, Catalog
from audit.errors import CatalogMismatch, ShardwardenError, UsageError
from audit.parts import Parts
from audit.rows import SCHEMA
from audit.shards import Books, Fault, Sample, Shard
from audit.status import Status
from audit.taxonomy import LEVELS, TYPES
from audit.top import top
from tests.catalogs import CONCEPTS, write_catalog, write_part, write_tar


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Brackets and quotes: read_parquet takes patterns, ATTACH takes a quoted name.
    folder = tmp_path_factory.mktemp("catalog") / "it's [a] *"
    directory, _ = write_catalog(folder, shards=3, samples=12)
    parts = Parts(directory)
    shard = Shard("odd-00000000", "/nowhere/\udcff.tar", "\udcff.tar", False)
    sample = Sample("\x1b[2Jk", 0, "k.png", None, 5, b"bytes", None, "x" * 200, None, None)
    with parts.writing(shard, concept_names=CONCEPTS, scorer="made up") as part:
        part.add_failed(sample, "known_hash: on list a", quarantined=True)
        fault = Fault("truncated", "cut short \udcff", "k", 512)
        part.finish(
            Books(members=2, images=1, other=1, upstream_failed=7,
                  upstream_errors={"HTTP Error 404": 4, "timed out": 3}, faults=[fault])
        )  # fmt: skip
    report = index(directory)
    assert (report.shards, report.rows, report.vectors, report.skipped) == (4, 37, 33, ())
    return directory


@pytest.fixture(scope="module")
def rows(catalog: Path) -> list[dict[str, Any]]:
    parts = Parts(catalog)
    return [row for shard in parts.shard_ids() for row in parts.rows(shard).to_pylist()]


@pytest.fixture(scope="module")
def status(catalog: Path) -> Status:
    with Catalog(catalog) as opened:
        return tally.status(opened)


def test_samples_are_exactly_the_rows_of_the_parts(
    catalog: Path, rows: list[dict[str, Any]]
) -> None:
    with Catalog(catalog) as opened:
        table = opened.sql("SELECT * FROM samples")
    assert table.schema.names == SCHEMA.names
    assert table.to_pylist() == rows


def test_counts_by_type_and_level(status: Status, rows: list[dict[str, Any]]) -> None:
    expected = Counter((r["risk_type"], r["risk_level"]) for r in rows if r["status"] == "scored")
    assert status.risks == expected


def test_counts_by_concept_above_one_half(status: Status, rows: list[dict[str, Any]]) -> None:
    expected = Counter(name for r in rows for name, p in r["concepts"] or () if p > 0.5)
    assert status.concepts == expected
    assert list(status.concepts.values()) == sorted(expected.values(), reverse=True)


def test_failures_are_counted_by_their_code(status: Status) -> None:
    assert status.failures == {"not_an_image": 3, "known_hash": 1}


def test_books_a_shard_and_in_total(status: Status) -> None:
    assert [s.shard for s in status.shards] == sorted(s.shard for s in status.shards)
    assert len(status.shards) == 4
    total = status.total
    assert (total.members, total.images, total.other) == (110, 37, 73)
    assert (total.scored, total.failed, total.quarantined) == (33, 3, 1)
    assert total.balanced
    assert all(shard.balanced for shard in status.shards)


def test_upstream_failures_stand_apart_and_faults_are_listed(status: Status) -> None:
    assert status.total.upstream_failed == 7
    assert status.upstream == {"HTTP Error 404": 4, "timed out": 3}
    (fault,) = status.faults
    assert (fault.shard, fault.kind, fault.key, fault.offset) == (
        "odd-00000000", "truncated", "k", 512,
    )  # fmt: skip
    assert fault.detail == "cut short \\udcff"


def test_a_type_without_any_probability_is_told_as_not_covered(
    tmp_path: Path, small_scorer: Path, root: Path
) -> None:
    from audit.scan import scan
    from audit.scorer import Scorer

    scorer = Scorer.load(small_scorer, device="cpu")  # covers illegal, privacy and safe
    scan([str(root / "data" / "demo-shards")], tmp_path / "c", scorer)
    with Catalog(tmp_path / "c") as catalog:
        assert tally.status(catalog).not_covered == (
            "politics",
            "insults",
            "fairness",
            "misleading",
        )


def test_conflicts_of_type_and_level_as_counted_by_numpy(
    status: Status, rows: list[dict[str, Any]]
) -> None:
    scored = [r for r in rows if r["status"] == "scored"]
    types = np.array([[r[f"p_{name}"] for name in TYPES] for r in scored])
    levels = np.array([[r[f"p_level_{n}"] for n in range(4)] for r in scored])
    conflicts = (types.argmax(axis=1) == 6) != (levels.argmax(axis=1) == 0)
    assert status.conflicts == conflicts.sum() > 0
    assert status.conflict_rate == pytest.approx(conflicts.mean())


@pytest.mark.parametrize("by", ["risk", "p_illegal", "p_safe"])
@pytest.mark.parametrize("filters", [{}, {"type": "privacy"}, {"type": "illegal", "level": "high"}])
def test_top_shows_the_riskiest_first(
    catalog: Path, rows: list[dict[str, Any]], by: str, filters: dict[str, str]
) -> None:
    with Catalog(catalog) as opened:
        shown = top(opened, by=by, limit=5, **filters).to_pylist()
    wanted = [
        r for r in rows
        if r["status"] == "scored"
        and all(r[f"risk_{name}"] == value for name, value in filters.items())
    ]  # fmt: skip
    wanted.sort(key=lambda r: -r[by])
    assert [(s["shard"], s["key"], s[by]) for s in shown] == [
        (r["shard"], r["key"], r[by]) for r in wanted[:5]
    ]
    for s, r in zip(shown, wanted, strict=False):
        strongest = sorted(r["concepts"], key=lambda pair: -pair[1])[:3]
        assert s["concepts"] == ", ".join(f"{name} {p:.2f}" for name, p in strongest)
        assert s["caption"] == r["caption"]


def test_top_shortens_captions(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "0.tar", 1, caption="é" * 200)
    write_part(tmp_path, Shard("s-00000000", str(tar), tar.name, False))
    index(tmp_path)
    with Catalog(tmp_path) as opened:
        (row,) = top(opened).to_pylist()
    assert row["caption"] == "é" * 79 + "…"


@pytest.mark.parametrize(
    ("wrong", "known"),
    [
        ({"by": "caption"}, "p_illegal"),
        ({"by": "p_illegal; DROP TABLE samples"}, "p_illegal"),
        ({"type": "illgal"}, "politics, illegal"),
        ({"level": "severe"}, "none, low, medium, high"),
        ({"limit": -1}, "0 or more"),
    ],
)
def test_a_name_that_is_unknown_is_told_with_the_known_ones(
    catalog: Path, wrong: dict[str, Any], known: str
) -> None:
    with Catalog(catalog) as opened, pytest.raises(UsageError, match=known):
        top(opened, **wrong)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) AS n FROM samples",
        "select count(*) n from samples; -- and a comment",
        "FROM samples SELECT count(*) AS n",
        "WITH x AS (SELECT * FROM samples) SELECT count(*) AS n FROM x",
    ],
)
def test_sql_answers_one_select(catalog: Path, query: str) -> None:
    with Catalog(catalog) as opened:
        assert opened.sql(query).to_pylist() == [{"n": 37}]
        assert opened.sql(query, limit=5).to_pylist() == [{"n": 37}]


def test_sql_gives_no_more_rows_than_asked(catalog: Path) -> None:
    with Catalog(catalog) as opened:
        assert len(opened.sql("SELECT * FROM range(1000000000)", limit=5)) == 5
        assert len(opened.sql("DESCRIBE samples")) == len(SCHEMA.names)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT nothing FROM samples",
        "SELECT 1; SELECT 2",
        "INSERT INTO samples SELECT * FROM samples",
        "DELETE FROM samples",
        "DROP TABLE samples",
        "CREATE TABLE memory.main.x (a INTEGER)",
        "UPDATE samples SET risk = 0",
        "COPY samples TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "PRAGMA database_list",
        "CALL duckdb_tables()",
        "EXPLAIN ANALYZE SELECT 1",
        "CHECKPOINT",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_parquet('{folder}/parts/*.parquet')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT * FROM sqlite_scan('a', 'b')",
        "SELECT * FROM secret_frame",
        "PIVOT (SELECT 1 a, 2 b) ON a USING sum(b)",
        "SELECT CAST(key AS INTEGER) FROM samples WHERE status = 'quarantined'",
        "SELECT error('one' || chr(10) || 'two' || chr(27) || '[31m')",
    ],
)
def test_sql_refuses_everything_else_in_one_printable_line(catalog: Path, query: str) -> None:
    import pandas

    secret_frame = pandas.DataFrame({"a": [1]})  # DuckDB would find it by name in our frames
    before = sorted(path.name for path in catalog.iterdir())
    with Catalog(catalog) as opened:
        with pytest.raises(ShardwardenError) as caught:
            opened.sql(query.format(folder=str(catalog).replace("'", "''")))
        assert opened.sql("SELECT count(*) AS n FROM samples").to_pylist() == [{"n": 37}]
    assert str(caught.value).startswith("sql: ")
    assert str(caught.value).isprintable()
    assert len(secret_frame) == 1
    assert sorted(path.name for path in catalog.iterdir()) == before


def test_a_part_that_is_not_whole_is_left_out_and_named(tmp_path: Path) -> None:
    directory, shards = write_catalog(tmp_path, shards=3, samples=4)
    Parts(directory).paths(shards[1].id)[1].unlink()
    report = index(directory)
    assert (report.shards, report.rows, report.vectors) == (2, 8, 6)
    (line,) = report.skipped
    assert line.startswith(f"{shards[1].id}.npy: ")
    with Catalog(directory) as opened:
        assert {shard.shard for shard in tally.status(opened).shards} == {
            shards[0].id,
            shards[2].id,
        }


def test_a_catalog_without_a_part_can_be_asked(tmp_path: Path) -> None:
    Parts(tmp_path).directory.mkdir()
    assert index(tmp_path).rows == 0
    with Catalog(tmp_path) as opened:
        status = tally.status(opened)
        assert len(top(opened)) == 0
    assert status.total.members == 0
    assert status.total.balanced


def test_indexing_twice_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    directory, _ = write_catalog(tmp_path, shards=2, samples=4)
    for stale in (f"{NAME}.tmp-1", f"{NAME}.tmp-1.wal", f"{vectors.NAME}.tmp-99999"):
        (directory / stale).write_bytes(b"left by a dead process")
    tables = []
    for _ in range(2):
        index(directory)
        with Catalog(directory) as opened:
            tables.append(opened.sql("SELECT * FROM samples"))
    assert tables[0].equals(tables[1])
    assert sorted(path.name for path in directory.iterdir()) == [
        ".index.lock", "audit.json", NAME, "parts", vectors.NAME,
    ]  # fmt: skip


def test_a_folder_that_is_no_catalog_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ShardwardenError, match="run `audit scan`"):
        index(tmp_path)
    with pytest.raises(ShardwardenError, match="is no catalog; `audit scan` makes one"):
        Catalog(tmp_path)
    (tmp_path / "parts").mkdir()
    with pytest.raises(ShardwardenError, match="run `audit index"):
        Catalog(tmp_path)
    (tmp_path / NAME).write_bytes(b"this is no database" * 1000)
    with pytest.raises(ShardwardenError, match="run `audit index") as caught:
        Catalog(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_catalog_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, _ = write_catalog(tmp_path, shards=1, samples=2)
    index(directory)
    monkeypatch.setattr("audit.books.FORMAT", 99)
    with pytest.raises(CatalogMismatch, match="not of format 99; run `audit index"):
        Catalog(directory)


def read_on(directory: str, ready: Event, stop: Event, told: Any) -> None:
    """Open, ask, close, as fast as it goes; tell how often, which totals, which errors."""
    seen: Counter[int] = Counter()
    errors = []
    while not stop.is_set():
        try:
            with Catalog(directory) as opened:
                total = tally.status(opened).total.scored
                (count,) = (
                    opened.sql("SELECT count(*) AS n FROM samples WHERE status = 'scored'")
                    .column("n")
                    .to_pylist()
                )
            assert count == total, f"{count} rows, books say {total}"
            seen[total] += 1
        except Exception as error:
            errors.append(repr(error))
        ready.set()
    told.put((seen, errors))


def test_readers_never_see_anything_but_the_old_or_the_new_catalog(tmp_path: Path) -> None:
    directory, _ = write_catalog(tmp_path, shards=1, samples=5)
    index(directory)
    held = Catalog(directory)
    context = multiprocessing.get_context("spawn")
    ready, stop, told = context.Event(), context.Event(), context.Queue()
    reader = context.Process(target=read_on, args=(str(directory), ready, stop, told))
    reader.start()
    assert ready.wait(timeout=240)
    totals = {4}
    try:
        for n in range(1, 9):
            tar = write_tar(tmp_path / "tars" / f"{n:05d}.tar", 5, seed=n)
            write_part(directory, Shard(f"more-{n:08d}", str(tar), tar.name, False))
            totals.add(4 + 5 * n)
            index(directory)
            with Catalog(directory) as opened:  # in the process that writes, too
                assert tally.status(opened).total.scored == 4 + 5 * n
            assert tally.status(held).total.scored == 4  # what was opened stays as it was
            time.sleep(0.1)
    finally:
        stop.set()
        seen, errors = told.get(timeout=240)
        reader.join(timeout=240)
        held.close()
    assert errors == []
    assert set(seen) <= totals
    assert len(seen) > 1
    assert sum(seen.values()) > 8


INDEXING = """
import sys, time
from audit import building
def slow(*arguments):
    print("building", flush=True)
    time.sleep(60)
building._insert = slow
building.index(sys.argv[1])
"""


def test_an_index_killed_while_building_leaves_the_old_one_and_no_lock(tmp_path: Path) -> None:
    directory, _ = write_catalog(tmp_path, shards=1, samples=5)
    index(directory)
    before = (directory / vectors.NAME).read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", INDEXING, str(directory)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "building\n"
        process.kill()
        process.wait()
    assert list(directory.glob("*.tmp-*"))
    assert (directory / vectors.NAME).read_bytes() == before
    assert index(directory).rows == 5
    assert not list(directory.glob("*.tmp-*"))


def test_levels_and_types_in_the_catalog_are_those_of_the_taxonomy(
    rows: list[dict[str, Any]],
) -> None:
    scored = [row for row in rows if row["status"] == "scored"]
    assert {row["risk_type"] for row in scored} <= set(TYPES)
    assert {row["risk_level"] for row in scored} <= set(LEVELS)
    assert all((r["risk_type"] == "safe") == (r["risk_level"] == "none") for r in scored)


def damage_page(path: Path) -> None:
    """Change one bit in every compressed page: the footer stays as it was."""
    data = bytearray(path.read_bytes())
    for frame in [n for n in range(len(data)) if data[n : n + 4] == b"\x28\xb5\x2f\xfd"]:
        data[frame + 6] ^= 1
    path.write_bytes(data)


def test_a_part_with_a_damaged_page_is_named_and_left_out(tmp_path: Path) -> None:
    directory, shards = write_catalog(tmp_path, shards=3, samples=6)
    damage_page(Parts(directory).paths(shards[1].id)[0])
    report = index(directory)
    assert (report.shards, report.rows, report.vectors) == (2, 12, 10)
    (line,) = report.skipped
    assert line.startswith(f"{shards[1].id}.parquet: cannot be read")
    assert line.isprintable()
    with Catalog(directory) as catalog:
        assert [shard.shard for shard in tally.status(catalog).shards] == [
            shards[0].id,
            shards[2].id,
        ]


def test_nothing_is_built_again_while_the_parts_are_the_same(tmp_path: Path) -> None:
    directory, shards = write_catalog(tmp_path, shards=2, samples=4)
    refresh(directory)
    before = (directory / NAME).stat().st_ino, (directory / vectors.NAME).stat().st_ino
    refresh(directory)
    assert before == ((directory / NAME).stat().st_ino, (directory / vectors.NAME).stat().st_ino)
    write_part(directory, shards[0], seed=7)
    refresh(directory)
    again = (directory / NAME).stat().st_ino
    assert again != before[0]
    (directory / vectors.NAME).unlink()
    refresh(directory)
    assert (directory / vectors.NAME).exists()


def test_parts_of_two_scorers_are_not_put_into_one_catalog(tmp_path: Path) -> None:
    directory, shards = write_catalog(tmp_path, shards=2, samples=4)
    index(directory)
    before = (directory / NAME).stat().st_ino
    write_part(directory, shards[0], scorer="another")
    with pytest.raises(CatalogMismatch, match="parts of 2 scorers"):
        index(directory)
    assert (directory / NAME).stat().st_ino == before


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_answered(tmp_path: Path) -> None:
    directory, _ = write_catalog(tmp_path, shards=1, samples=4)
    index(directory)
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range < b.range"
    with Catalog(directory) as catalog:
        began = time.monotonic()
        with pytest.raises(UsageError, match=r"stopped after 0.2 s; .* --timeout"):
            catalog.sql(endless, timeout=0.2)
        assert time.monotonic() - began < 30
        assert catalog.sql("SELECT 1 AS x", timeout=60).to_pylist() == [{"x": 1}]


def test_columns_are_those_of_the_parts_with_one_column_a_score(
    catalog: Path, rows: list[dict[str, Any]]
) -> None:
    with Catalog(catalog) as opened:
        table = opened.columns(("row_id", "key"), concepts=("fire", "it's new"), extras=("x",))
        assert opened.score_names() == (tuple(sorted(CONCEPTS)), ())
        with pytest.raises(UsageError, match="nowhere"):
            opened.columns(("nowhere",))
    assert table["row_id"].to_pylist() == [row["row_id"] for row in rows]
    fire = [dict(row["concepts"])["fire"] if row["concepts"] else None for row in rows]
    assert table["concept:fire"].to_pylist() == fire
    assert table["concept:it's new"].null_count == table["extra:x"].null_count == len(rows)


def test_threads_ask_one_catalog_side_by_side(catalog: Path) -> None:
    with Catalog(catalog) as opened, ThreadPoolExecutor(4) as threads:
        ways = (
            opened.shards,
            lambda: tally.status(opened),
            lambda: opened.columns(["row_id", "shard"]),
        )
        expected = [ask() for ask in ways]
        asked = [[threads.submit(ask) for ask in ways] for _ in range(50)]
        for turn in asked:
            assert [each.result() for each in turn] == expected
