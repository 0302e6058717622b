"""Tombstones: what a takedown named stays out, whatever anybody decides later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from audit.building import index
from audit.catalog import Catalog
from audit.columns import SCHEMA
from audit.errors import ShardwardenError, UsageError
from curation.decisions import Decisions, decide
from curation.gathering import gather
from curation.plan import plan
from curation.selection import select
from curation.tombstones import (
    COLUMNS,
    NAME,
    Item,
    Tombstone,
    append,
    item,
    mask,
    matches,
    read,
    same_url,
)
from tests.catalogs import write_catalog


def rows(*said: dict[str, Any]) -> pa.Table:
    made = [
        {"uid": f"u{n}", "sha256": f"{n:064x}", "phash": f"{n * 0x1111:016x}", "metadata": None}
        | row
        for n, row in enumerate(said)
    ]
    return pa.Table.from_pylist(made, pa.schema([SCHEMA.field(name) for name in COLUMNS]))


def named(items: list[Item], table: pa.Table) -> list[int]:
    return np.flatnonzero(mask(items, table)).tolist()


@pytest.mark.parametrize(
    ("kind", "value", "distance", "expected"),
    [
        ("uid", "u1", 0, [1]),
        ("sha256", f"{2:064X}", 0, [2]),
        ("phash", "0000000000001111", 0, [1]),
        ("phash", "0000000000001110", 0, []),
        ("phash", "0000000000001110", 1, [1]),
        ("phash", "0000000000001111", 4, [0, 1]),
        ("url", "https://EXAMPLE.org/a.jpg#top", 0, [3]),
        ("url", "http://example.org/A.jpg", 0, []),
        ("uid", "nobody", 0, []),
    ],
)
def test_an_item_names_rows(kind: str, value: str, distance: int, expected: list[int]) -> None:
    url = json.dumps({"url": "http://example.org/a.jpg"})
    table = rows({}, {}, {"phash": None}, {"metadata": url, "phash": "f" * 16}, {"phash": None})
    assert named([item(kind, value, distance)], table) == expected


def test_copies_of_the_same_bytes_go_too_and_rows_without_bytes_do_not() -> None:
    same = {"sha256": "a" * 64}
    table = rows(same, {}, same, {"sha256": None}, {"sha256": None, "uid": "lost"})
    assert named([Item("uid", "u0"), Item("uid", "lost")], table) == [0, 2, 4]
    assert matches([Item("uid", "u0"), Item("uid", "no")], table).keys() == {Item("uid", "u0")}


@pytest.mark.parametrize("metadata", ["{", "[1]", '{"url": 5}', '{"x": {"url": "http://a/"}}', ""])
def test_strange_json_names_no_address(metadata: str) -> None:
    assert named([item("url", "http://a/")], rows({"metadata": metadata})) == []


def test_addresses_of_the_same_file() -> None:
    assert same_url("HTTPS://A.b/C?d#e") == same_url(" http://a.B/C?d") == "http://a.b/C?d"
    assert same_url("http://[") == "http://["
    assert same_url("s3://Bucket/Key#1") == "s3://Bucket/Key#1"


@pytest.mark.parametrize(
    ("kind", "value", "distance"),
    [("sha256", "abc", 0), ("phash", "0" * 15, 0), ("phash", "0" * 16, 17), ("uid", " ", 0),
     ("md5", "0" * 32, 0), ("uid", "a\nb", 0)],
)  # fmt: skip
def test_a_wrong_item_is_refused(kind: str, value: str, distance: int) -> None:
    with pytest.raises(UsageError):
        item(kind, value, distance)


def test_what_is_written_is_read_and_written_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no parts"):
        append(tmp_path, [])
    (tmp_path / "parts").mkdir()
    assert read(tmp_path) == ()
    first = Tombstone(item("phash", "0" * 16, 3), "asked to", "2026-01-02T03:04:05.000Z", "ana")
    second = Tombstone(item("uid", "ü"))
    assert append(tmp_path, [first]) == 1
    assert append(tmp_path, [first, second, second]) == 1
    assert read(tmp_path) == (first, second)


def test_a_half_written_line_stops_readers_until_the_next_writer_mends_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    append(tmp_path, [Tombstone(item("uid", "a"))])
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"kind": "uid", "val')
    with pytest.raises(ShardwardenError, match=r"tombstones\.jsonl, line 2: no tombstone"):
        read(tmp_path)
    assert append(tmp_path, [Tombstone(item("uid", "b"))]) == 1
    assert [one.item.value for one in read(tmp_path)] == ["a", "b"]


def test_a_tombstone_outlasts_a_persons_keep_in_every_selection(tmp_path: Path) -> None:
    catalog, _ = write_catalog(tmp_path, shards=1, samples=6)
    index(catalog)
    with Catalog(catalog) as opened:
        first = opened.columns(("row_id", "uid", "shard")).to_pylist()[0]
    Decisions(catalog).append([decide(first["row_id"], first["uid"], "keep", "ana")])
    append(catalog, [Tombstone(item("uid", first["uid"]))])
    policy = tmp_path / "p.yaml"
    policy.write_text("size: {min_side: 1, action: drop}\nduplicates: {near: null}\n")
    gathered = gather(catalog, policy)
    assert np.flatnonzero(gathered.tombstoned).tolist() == [0]
    found = select(
        gathered.rows, gathered.policy, gathered.outcomes, tombstoned=gathered.tombstoned
    )
    assert found["reason"].to_pylist()[0] == "tombstone"
    assert plan(gathered, "c").reasons["quarantine"]["tombstone"] == 1
