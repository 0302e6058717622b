"""Every way to find rows in a catalog, against plain Python over the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from audit import clusters, vectors
from audit.books import PartBooks
from audit.building import index
from audit.catalog import NAME, Catalog
from audit.clusters import Clusters
from audit.columns import SCHEMA
from audit.conditions import Conditions
from audit.errors import ShardwardenError, UsageError
from audit.mapping import make
from audit.parts import Parts
from audit.reader import Reader, Snapshot, Spec
from audit.taxonomy import LEVELS, TYPES

Row = dict[str, Any]
COUNT = 240
WIDTH = 12


def made(n: int) -> Row:
    """Row n of the catalog: every fourth is safe, every twentieth failed, one is quarantined."""
    rng = np.random.default_rng(n)
    row: Row = dict.fromkeys(SCHEMA.names)
    shard = f"{n % 3:05d}-made"
    row |= {
        "row_id": int(rng.integers(2**62)), "uid": f"uid-{n}", "key": f"{n:05d}", "shard": shard,
        "caption": f"caption {n} of a RED_{n % 7} car; 100% new" if n % 5 else None,
        "status": "scored", "sha256": f"{n:064x}", "width": 100 + n, "height": 50,
    }  # fmt: skip
    if n == 9:
        return row | {"status": "quarantined", "error": "known: on a list"}
    if n % 20 == 7:
        return row | {"status": "failed", "error": "truncated"}
    types = rng.dirichlet(np.ones(7)).astype(np.float32)
    types[6] = 3 if n % 4 == 0 else types[6] / 20
    row |= {f"p_{name}": float(p) for name, p in zip(TYPES, types, strict=True)}
    row["risk_type"] = TYPES[int(types.argmax())]
    row["risk_level"] = "none" if row["risk_type"] == "safe" else LEVELS[1 + n % 3]
    row["risk"] = float(np.float32(n / COUNT))
    row["concepts"] = [("weapon", float(np.float32(rng.random()))), ("fire", None)]
    # Three pictures in ten look alike; a bit or three differ.
    kind = n // 10 if n % 10 < 3 else COUNT + n
    digest = int(np.random.default_rng(kind).integers(2**63)) ^ (0b111 >> (n % 10) & 0b11)
    row["phash"] = f"{digest:016x}"
    row["image_text"] = "STOP the Red car" if n % 30 == 1 else None
    return row


def embedding(n: int) -> np.ndarray:
    """[WIDTH] float16, unit length."""
    vector = np.random.default_rng(10_000 + n).standard_normal(WIDTH)
    return (vector / np.linalg.norm(vector)).astype(np.float16)


def publish(catalog: Path, rows: Sequence[Row], numbers: Sequence[int]) -> None:
    """The part of one shard."""
    counts = {s: sum(r["status"] == s for r in rows) for s in ("scored", "failed", "quarantined")}
    shard = rows[0]["shard"]
    books = PartBooks(
        shard=shard, url=f"/nowhere/{shard}.tar", name=f"{shard}.tar", compressed=False,
        members=len(rows), other=0, upstream_failed=0, upstream_errors={}, faults=(), seconds=1.0,
        scorer="made up", **counts,
    )  # fmt: skip
    scored = [n for n, row in zip(numbers, rows, strict=True) if row["status"] == "scored"]
    held = np.array([embedding(n) for n in scored], np.float16).reshape(len(scored), WIDTH)
    Parts(catalog).publish(books, pa.Table.from_pylist(list(rows), SCHEMA), {"embeddings": held})


def write(catalog: Path, rows: Sequence[Row]) -> Path:
    (catalog / "parts").mkdir(parents=True, exist_ok=True)
    for shard in sorted({row["shard"] for row in rows}):
        here = [(n, row) for n, row in enumerate(rows) if row["shard"] == shard]
        publish(catalog, [row for _, row in here], [n for n, _ in here])
    index(catalog)
    return catalog


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [made(n) for n in range(COUNT)]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    found = tmp_path_factory.mktemp("finding") / "made.audit"
    write(found, rows)
    make(found)
    index(found)
    return found


@pytest.fixture(scope="module")
def now(catalog: Path) -> Snapshot:
    return Reader(catalog).now()


def flagged(row: Row) -> bool:
    return row["status"] == "scored" and row["risk_type"] != "safe"


def margin(row: Row) -> np.float32:
    risky = max(np.float32(row[f"p_{name}"]) for name in TYPES if name != "safe")
    return abs(np.float32(row["p_safe"]) - risky)


Fits = Callable[[Row], bool]


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        (Spec(), flagged),
        (Spec("all"), lambda r: r["status"] == "scored"),
        (Spec("failed"), lambda r: r["status"] == "failed"),
        (Spec("any"), lambda r: r["status"] != "quarantined"),
        (Spec(types=("illegal",)), lambda r: flagged(r) and r["risk_type"] == "illegal"),
        (Spec("all", levels=("high", "none")), lambda r: r["risk_level"] in ("high", "none")),
        (Spec(low=0.25, high=0.5), lambda r: flagged(r) and 0.25 <= r["risk"] <= 0.5),
        (Spec("any", high=0.5), lambda r: r["risk"] is not None and r["risk"] <= 0.5),
        (
            Spec(concept="weapon", least=0.75),
            lambda r: flagged(r) and dict(r["concepts"])["weapon"] >= 0.75,
        ),
        (Spec("all", concept="fire", least=0.0), lambda r: False),
        (Spec(concept="no such"), lambda r: False),
        (Spec("any", shard="00001-made"), lambda r: r["shard"] == "00001-made"),
        (Spec("any", uid="uid-17"), lambda r: r["uid"] == "uid-17"),
        (Spec("any", uid="00017"), lambda r: r["uid"] == "uid-17"),
        (Spec("any", uid=f"{17:064x}"), lambda r: r["uid"] == "uid-17"),
        (Spec("any", uid="uid-9"), lambda r: False),  # quarantined
        (Spec("any", words="red_3"), lambda r: "RED_3" in (r["caption"] or "")),
        (Spec("any", words="100% caption"), lambda r: r["caption"] is not None),
        (Spec("any", words='"red car"'), lambda r: r["image_text"] is not None),
        (Spec("any", words="stop RED"), lambda r: r["image_text"] is not None),
        (Spec("any", words='"car red"'), lambda r: False),
        (Spec("any", words="r_d"), lambda r: False),  # _ is no pattern
        (Spec("any", words="\\"), lambda r: False),
        (
            Spec("all", words="caption", way="sql", given="width < 200"),
            lambda r: r["status"] == "scored" and r["width"] < 200 and bool(r["caption"]),
        ),
    ],
    ids=lambda value: value.address() if isinstance(value, Spec) else "",
)
def test_a_specification_finds_what_plain_python_finds(
    now: Snapshot, rows: list[Row], spec: Spec, fits: Fits
) -> None:
    expected = {row["row_id"] for row in rows if row["status"] != "quarantined" and fits(row)}
    found = now.ids(spec).tolist()
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_the_uncertain_and_the_risky_come_first(now: Snapshot, rows: list[Row]) -> None:
    risks = {row["row_id"]: row["risk"] for row in rows}
    order = [risks[row] for row in now.ids(Spec(order="risk")).tolist()]
    assert order == sorted(order, reverse=True)
    margins = {row["row_id"]: margin(row) for row in rows if row["risk_type"]}
    unsure = [margins[row] for row in now.ids(Spec()).tolist()]
    assert unsure == pytest.approx(sorted(unsure))


def test_what_could_not_be_scored_comes_last(now: Snapshot, rows: list[Row]) -> None:
    failed = {row["row_id"] for row in rows if row["status"] == "failed"}
    for order in ("uncertain", "risk", "random"):
        found = now.ids(Spec("any", order=order)).tolist()
        assert {*found[-len(failed) :]} == failed


def test_a_shuffle_is_the_same_every_time_and_a_limit_keeps_its_beginning(now: Snapshot) -> None:
    shuffled = now.ids(Spec(order="random"))
    assert shuffled.tolist() == now.ids(Spec(order="random")).tolist()
    assert shuffled.tolist() != sorted(shuffled.tolist())
    for order in ("random", "clusters", "mixed", "uncertain"):
        whole = now.ids(Spec(order=order)).tolist()
        assert now.ids(Spec(order=order), 10).tolist() == whole[:10]


def test_mixed_has_a_safe_one_after_every_six(now: Snapshot, rows: list[Row]) -> None:
    kinds = {row["row_id"]: row["risk_type"] for row in rows}
    spec = Spec(types=("illegal", "insults"), order="mixed")
    found = [kinds[row] for row in now.ids(spec).tolist()]
    assert [n for n, kind in enumerate(found) if kind == "safe"][:3] == [6, 13, 20]
    assert set(found) == {"illegal", "insults", "safe"}
    plain = now.ids(Spec(types=("illegal", "insults"))).tolist()
    assert [row for row in now.ids(spec).tolist() if kinds[row] != "safe"] == plain


def alike(row: Row, other: Row) -> bool:
    if row["phash"] is None or other["phash"] is None:
        return False
    return (int(row["phash"], 16) ^ int(other["phash"], 16)).bit_count() <= clusters.NEAR


def test_clusters_are_what_looks_the_same_and_reads_the_same(
    now: Snapshot, rows: list[Row]
) -> None:
    told = now.clusters.of([row["row_id"] for row in rows])
    lowest = sorted(rows, key=lambda row: row["row_id"])
    seen = set[str]()
    for row in rows:
        near = [other for other in lowest if alike(row, other)]
        same = [other for other in near if other["image_text"] == near[0]["image_text"]]
        if row not in same or len(same) < 2:
            assert row["row_id"] not in told
            continue
        name, members = told[row["row_id"]]
        assert now.clusters.members(name).tolist() == [other["row_id"] for other in same]
        assert (name, members) == (near[0]["phash"], len(same))
        seen.add(name)
    assert len(seen) > 15
    assert any(alike(row, other) and row["image_text"] for row in rows for other in rows[:9])


def test_clusters_keep_their_names_and_are_found_by_them(now: Snapshot) -> None:
    found = Clusters.of_rows(*(now.clusters.row_ids, now.clusters.names[now.clusters.code]))
    assert found.names.tolist() == now.clusters.names.tolist()
    assert now.clusters.members("0" * 16).tolist() == []
    with pytest.raises(UsageError, match="give 16 hex digits"):
        now.clusters.members("no name")
    name = f"{int(now.clusters.names[0]):016x}"
    members = now.clusters.members(name).tolist()
    assert set(now.ids(Spec("any", way="cluster", given=name)).tolist()) == set(members)
    assert now.clusters.whole(np.array(members[:1])).tolist() == members


def test_a_collapsed_set_has_the_first_of_each_cluster(now: Snapshot) -> None:
    ids = now.ids(Spec(order="risk"))
    told = now.clusters.of(ids.tolist())
    seen, expected = set[str](), []
    for row in ids.tolist():
        name = told.get(row, (str(row), 1))[0]
        if name not in seen:
            expected.append(row)
            seen.add(name)
    assert now.clusters.collapsed(ids).tolist() == expected
    assert len(expected) < len(ids)


def test_largest_clusters_come_first_and_stay_together(now: Snapshot) -> None:
    ids = now.ids(Spec(order="clusters")).tolist()
    told = now.clusters.of(ids)
    sizes = [told.get(row, ("", 1))[1] for row in ids]
    assert sizes == sorted(sizes, reverse=True)
    names = [told[row][0] for row in ids if row in told]
    assert len({*names}) == 1 + sum(a != b for a, b in pairwise(names))


def test_a_catalog_without_clusters_has_none(tmp_path: Path) -> None:
    lone = write(tmp_path / "lone.audit", [made(n) for n in (3, 4, 5, 9)])
    now = Reader(lone).now()
    ids = now.ids(Spec(order="clusters"))
    assert now.clusters.of(ids.tolist()) == {}
    assert now.clusters.collapsed(ids).tolist() == ids.tolist()
    none = write(tmp_path / "none.audit", [made(9)])
    assert Reader(none).now().ids(Spec("any", order="clusters")).tolist() == []


def test_a_catalog_of_an_older_version_can_still_be_looked_through(
    tmp_path: Path, rows: list[Row]
) -> None:
    import duckdb

    old = write(tmp_path / "old.audit", rows[:40])
    with duckdb.connect(str(old / NAME)) as connection:
        connection.execute("DROP TABLE clusters")
    now = Reader(old).now()
    ids = now.ids(Spec())
    assert now.clusters.collapsed(ids).tolist() == ids.tolist()


def test_crowds_of_equal_parts_come_out_as_clusters_of_near_ones() -> None:
    rng = np.random.default_rng(0)
    low = rng.permutation(1 << 14)[:6_000].astype(np.uint64)  # all alike but for 14 bits
    rows, like, names = clusters.find(np.arange(6_000), low)
    assert (np.bitwise_count(low[rows] ^ low[like]) <= clusters.NEAR).all()
    assert (low[like] == names).all()
    assert len(rows) > 3_000


@pytest.mark.parametrize("flat_below", [10**9, 0])
def test_neighbours_are_those_of_brute_force(
    catalog: Path, rows: list[Row], flat_below: int
) -> None:
    index(catalog, flat_below=flat_below)
    now = Reader(catalog).now()
    scored = [n for n, row in enumerate(rows) if row["status"] == "scored"]
    held = np.array([embedding(n) for n in scored], np.float32)
    ids = np.array([rows[n]["row_id"] for n in scored])
    cosines = held @ held[0]
    order = np.argsort(-cosines)[1:6]
    found, near = now.likeness.of_row(int(ids[0]), 5)
    assert found.tolist() == ids[order].tolist()
    assert near == pytest.approx(cosines[order], abs=1e-3)
    some = ids[20:60]
    within = 20 + np.argsort(-cosines[20:60])[:5]
    assert now.likeness.of_row(int(ids[0]), 5, some)[0].tolist() == ids[within].tolist()
    both = np.maximum(held @ held[0], held @ held[1])
    both[:2] = -2
    expected = ids[np.argsort(-both)[:8]].tolist()
    assert now.likeness.of_rows(ids[:2], 8)[0].tolist() == expected


def test_like_a_row_comes_nearest_first_and_narrows(now: Snapshot, rows: list[Row]) -> None:
    row = rows[2]["row_id"]
    found = now.ids(Spec("any", way="like", given=str(row)))
    assert found.tolist() == now.likeness.of_row(row, COUNT)[0].tolist()
    assert row not in found
    illegal = now.ids(Spec(types=("illegal",), way="like", given=str(row))).tolist()
    kinds = {row["row_id"]: row["risk_type"] for row in rows}
    assert illegal == [n for n in found.tolist() if kinds[n] == "illegal"]


def test_a_row_without_a_vector_has_no_neighbours(now: Snapshot, rows: list[Row]) -> None:
    for n in (7, 9):  # failed, quarantined
        with pytest.raises(UsageError, match="no vector"):
            now.ids(Spec(way="like", given=str(rows[n]["row_id"])))


def test_vectors_of_another_moment_are_not_searched(tmp_path: Path, rows: list[Row]) -> None:
    catalog = write(tmp_path / "torn.audit", rows[:30])
    held = Reader(catalog).now()
    (catalog / vectors.NAME).unlink()
    with pytest.raises(ShardwardenError, match="audit index"):
        held.likeness.of_row(rows[0]["row_id"], 3)
    shorter = write(tmp_path / "shorter.audit", rows[:20])
    (catalog / vectors.NAME).write_bytes((shorter / vectors.NAME).read_bytes())
    with pytest.raises(ShardwardenError, match="another moment"):
        held.likeness.of_row(rows[0]["row_id"], 3)


def test_given_rows_keep_their_order_and_lose_what_is_not_to_be_seen(
    now: Snapshot, rows: list[Row]
) -> None:
    given = [rows[n]["row_id"] for n in (30, 9, 10, 31, 10)] + [5]
    spec = Spec("any", way="rows", given=",".join(map(str, given)))
    assert now.ids(spec).tolist() == [given[0], given[2], given[3]]


def test_a_box_has_the_rows_whose_place_is_in_it(now: Snapshot, catalog: Path) -> None:
    places = now.sql("SELECT map.* FROM map").to_pylist()
    assert len(places) > 200
    inside = [p["row_id"] for p in places if 0.2 <= p["x"] <= 0.6 and 0.1 <= p["y"] <= 0.7]
    found = now.ids(Spec("any", way="box", given="0.2,0.1,0.6,0.7")).tolist()
    assert sorted(found) == sorted(inside)
    assert 0 < len(found) < len(places)


def test_names_of_scores_are_those_of_the_catalog(now: Snapshot, catalog: Path) -> None:
    with Catalog(catalog) as opened:
        assert now.score_names() == opened.score_names() == (("fire", "weapon"), ())


ATTEMPTS = (
    "exists(FROM read_text('/etc/passwd'))",
    "exists(SELECT * FROM '/etc/passwd')",
    "exists(FROM read_csv('/etc/passwd'))",
    "exists(FROM read_blob('/etc/passwd'))",
    "exists(FROM glob('/etc/*'))",
    "exists(FROM sniff_csv('/etc/passwd'))",
    "exists(FROM rows)",  # a variable of Python's
    "true; ATTACH '/tmp/x.duckdb'",
    "true; COPY samples TO '/tmp/x.csv'",
    "true; INSTALL httpfs",
    "true; LOAD httpfs",
    "true; SET lock_configuration = false",
    "true; EXPORT DATABASE '/tmp/x'",
    "true; DELETE FROM samples",
    "true) UNION (SELECT 1",
    "true) OR (true",
    "true LIMIT 1",
    "width, height",
    "SELECT row_id FROM samples",
    "ATTACH '/tmp/x.duckdb'",
    "no_such_column > 1",
    "no_such_function(width)",
    "width >",
    "?",
    "nul\x00byte",
    "\ud800",
)


@pytest.mark.parametrize("condition", ATTEMPTS, ids=lambda text: ascii(text)[:30])
def test_a_condition_can_do_nothing_but_choose_rows(now: Snapshot, condition: str) -> None:
    with pytest.raises(UsageError) as refused:
        now.ids(Spec("any", way="sql", given=condition))
    said = str(refused.value)
    assert "\n" not in said
    assert "root:" not in said


def test_a_condition_sees_that_rows_are_quarantined_and_never_brings_them(
    now: Snapshot, rows: list[Row]
) -> None:
    assert now.ids(Spec("any", way="sql", given="status = 'quarantined'")).tolist() == []
    assert rows[9]["row_id"] not in now.ids(Spec("any", way="sql", given="true"))


QUOTING = (
    "CASE WHEN row_id = {row} THEN error(uid)::BOOL ELSE false END",
    "CASE WHEN row_id = {row} THEN ('x' || uid)::INT > 0 ELSE false END",
    "(SELECT error(key) FROM samples WHERE row_id = {row})::BOOL",
    "(SELECT error(string_agg(path, ' ')) FROM duckdb_databases())::BOOL",
)


@pytest.mark.parametrize("condition", QUOTING)
def test_a_condition_that_fails_quotes_no_row(
    now: Snapshot, rows: list[Row], catalog: Path, condition: str
) -> None:
    row = rows[3]
    with pytest.raises(UsageError) as refused:
        now.ids(Spec("any", way="sql", given=condition.format(row=row["row_id"])))
    said = str(refused.value)
    assert "fails at some row" in said
    for kept in (row["key"], row["uid"], str(catalog)):
        assert kept not in said


def test_an_endless_condition_is_stopped_and_the_next_one_answers(catalog: Path) -> None:
    conditions = Conditions(catalog)
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"stopped after 0\.3 s; ask for less"):
        conditions.rows("(SELECT count(*) FROM range(100000000000000)) > 1", seconds=0.3)
    assert time.monotonic() - began < 3
    assert len(conditions.rows("width < 110")) == 10


def test_a_condition_that_cannot_be_stopped_holds_nobody_up(catalog: Path) -> None:
    conditions = Conditions(catalog)
    far = "levenshtein(repeat('a', 2000), repeat('b', 2000 + width % 2)) > 1"
    with pytest.raises(UsageError, match="stopped after"):
        conditions.rows(far, seconds=0.1)
    assert len(conditions.rows("width < 110", seconds=60)) == 10  # waits for the other's end
