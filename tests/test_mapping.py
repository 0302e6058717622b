"""The map: against the eigenvectors themselves, what of it survives an index, and the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from audit import mapping, vectors
from audit.building import index
from audit.catalog import Catalog
from audit.cli import main
from audit.errors import ShardwardenError
from audit.parts import Parts
from tests.test_vectors import everything, store


def places(catalog: Path) -> dict[int, tuple[float, float]]:
    """row_id -> (x, y), as the catalog has them."""
    with Catalog(catalog) as opened:
        rows = opened.sql("SELECT row_id, x, y FROM map").to_pylist()
    return {row["row_id"]: (row["x"], row["y"]) for row in rows}


@pytest.fixture
def without_pacmap(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    monkeypatch.setitem(sys.modules, "pacmap", None)


def two_groups(folder: Path, rows: int = 600) -> tuple[Parts, npt.NDArray[np.bool_]]:
    """Parts whose embeddings lie around two places, and which rows are around the first."""
    parts = store(folder, shards=1, rows=rows, width=32)
    (shard,) = parts.shard_ids()
    path = parts.paths(shard)[1]
    rng = np.random.default_rng(3)
    n = len(parts.embeddings(shard))
    first = np.arange(n) % 2 == 0
    centre = np.where(first[:, None], np.eye(32)[0], np.eye(32)[1])
    embeddings = centre + rng.normal(scale=0.05, size=(n, 32))
    np.save(path, (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype("f2"))
    return parts, first


def test_pca_is_the_two_directions_of_most_variance(tmp_path: Path, without_pacmap: None) -> None:
    parts = store(tmp_path, shards=3, rows=100)
    report = mapping.make(tmp_path)
    index(tmp_path)
    assert (report.method, report.rows) == ("PCA", 240)
    ids, embeddings = everything(parts)
    centred = embeddings - embeddings.mean(axis=0)
    expected = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    got = np.array([places(tmp_path)[row] for row in ids.tolist()])
    assert got.min() == 0
    assert got.max() == 1
    for axis in (0, 1):  # the same but for scale and sign
        assert abs(np.corrcoef(got[:, axis], expected[:, axis])[0, 1]) > 0.9999


def test_the_same_parts_give_the_same_map(tmp_path: Path) -> None:
    store(tmp_path, shards=2, rows=300)
    maps = []
    for _ in range(2):
        mapping.make(tmp_path)
        maps.append((tmp_path / mapping.NAME).read_bytes())
    assert maps[0] == maps[1]


def test_groups_stand_apart(tmp_path: Path) -> None:
    """By whichever method is installed: nearest to one's own middle, not to the other."""
    parts, first = two_groups(tmp_path)
    mapping.make(tmp_path, sample=300)
    table, made = mapping.read(parts, parts.shard_ids())
    assert made is not None
    assert made.sample == 300
    at = np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])
    middles = np.stack([at[first].mean(axis=0), at[~first].mean(axis=0)])
    nearest = np.linalg.norm(at[:, None] - middles, axis=2).argmin(axis=1)
    assert ((nearest == 0) == first).all()


def test_pacmap_lays_out_what_it_can(tmp_path: Path) -> None:
    pytest.importorskip("pacmap")
    two_groups(tmp_path)
    assert mapping.make(tmp_path).method == "PaCMAP"
    few = tmp_path / "few"
    store(few, shards=1, rows=20)
    assert mapping.make(few).method == "PCA"


@pytest.mark.parametrize("count", [50, 5_000])
def test_nearest_places_hold_against_brute_force(count: int) -> None:
    rng = np.random.default_rng(count)
    spots = rng.normal(size=(count, 3)).astype(np.float32)
    asked = rng.normal(size=(400, 3)).astype(np.float32)
    exact = ((asked[:, None] - spots) ** 2).sum(axis=2).argmin(axis=1)
    assert (vectors.nearest(spots)(asked) == exact).mean() > 0.97


def test_a_map_survives_an_index_and_forgets_shards_that_changed(tmp_path: Path) -> None:
    parts = store(tmp_path, shards=3, rows=100)
    mapping.make(tmp_path)
    index(tmp_path)
    before = places(tmp_path)
    assert len(before) == 240
    index(tmp_path)
    assert places(tmp_path) == before

    first, second, third = parts.shard_ids()
    for path in parts.paths(second):
        path.unlink()  # gone
    anew = store(tmp_path / "again", shards=3, rows=110)
    for mine, theirs in zip(parts.paths(third), anew.paths(third), strict=True):
        mine.write_bytes(theirs.read_bytes())
    index(tmp_path)
    kept = places(tmp_path)
    assert kept.keys() == set(vectors.scored_ids(parts, first).tolist())
    assert all(before[row] == place for row, place in kept.items())


def test_rows_of_one_kind_only_lie_in_the_middle(tmp_path: Path, without_pacmap: None) -> None:
    parts = store(tmp_path, shards=1, rows=3, width=1)
    mapping.make(tmp_path)
    table, _ = mapping.read(parts, parts.shard_ids())
    assert set(table["y"].to_pylist()) == {0.5}


def test_without_a_scored_row_there_is_no_map(tmp_path: Path) -> None:
    store(tmp_path, shards=1, rows=1)  # every fifth has failed, the first among them
    with pytest.raises(ShardwardenError, match="nothing is scored"):
        mapping.make(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet PAR1", b"{}"])
def test_a_damaged_map_is_told_and_left_out(tmp_path: Path, content: bytes) -> None:
    store(tmp_path, shards=1, rows=10)
    (tmp_path / mapping.NAME).write_bytes(content)
    (told,) = index(tmp_path).skipped
    assert told.startswith("map.parquet: cannot be read")
    assert "\n" not in told
    assert places(tmp_path) == {}


def test_the_command_says_how_it_was_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], without_pacmap: None
) -> None:
    store(tmp_path, shards=1, rows=10)
    assert main(["index", str(tmp_path), "--map"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1].startswith("map of 8 rows by PCA in ")
    assert "shardwarden[map]" in out[-1]
    assert main(["index", str(tmp_path), "--map", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["map"]["rows"] == 8
    assert main(["index", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["map"] is None
