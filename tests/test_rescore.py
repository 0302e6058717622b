"""Rescoring: the scores of a new scorer without an image, whole parts only, whatever happens."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from audit import header
from audit.card import Card
from audit.catalog import Catalog
from audit.cli import main
from audit.embedding_scorer import EmbeddingScorer
from audit.errors import CatalogMismatch, ShardwardenError, UsageError
from audit.heads import DenseJudge
from audit.parts import Parts
from audit.plan import ScanOptions
from audit.rescore import Work, rescore
from audit.scan import scan
from audit.scorer import Scorer
from audit.verify import verify
from tests.test_scan import rows_of, tars

# float16 keeps 11 bits of a feature; what that does to a probability stays below this.
TOLERANCE = 2e-3
SCORES = ("risk", "p_illegal", "p_safe", "p_level_0", "p_level_3")


@pytest.fixture(scope="module")
def scorer(small_scorer: Path) -> Scorer:
    return Scorer.load(small_scorer, device="cpu")


@pytest.fixture(scope="module")
def other(small_scorer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scorer of the same body with other heads."""
    made = Scorer.load(small_scorer, device="cpu")
    with torch.no_grad():
        for head in (made.safety.head.type_head, made.safety.head.level_head):
            head.weight.normal_(generator=torch.Generator().manual_seed(1))
    return made.save(tmp_path_factory.mktemp("scorers") / "other")


@pytest.fixture
def catalog(tmp_path: Path, scorer: Scorer) -> Path:
    source = tars(tmp_path / "tars", 5, 7, 1, broken=(2,))
    scan([str(source)], tmp_path / "a", scorer, ScanOptions(features=True))
    return tmp_path / "a"


def inodes(catalog: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in (catalog / "parts").iterdir()}


def assert_close(left: Path, right: Path) -> None:
    ours, theirs = rows_of(left), rows_of(right)
    assert ours["key"].equals(theirs["key"])
    for name in SCORES:
        a, b = ours[name], theirs[name]
        assert a.is_null().equals(b.is_null())
        np.testing.assert_allclose(
            a.drop_null().to_numpy(), b.drop_null().to_numpy(), atol=TOLERANCE, err_msg=name
        )
    items = [
        pa.concat_arrays([chunk.items for chunk in table["concepts"].chunks])
        for table in (ours, theirs)
    ]
    np.testing.assert_allclose(items[0].to_numpy(), items[1].to_numpy(), atol=TOLERANCE)


def test_rescored_features_are_as_good_as_scanning_with_the_new_scorer(
    tmp_path: Path, catalog: Path, other: Path
) -> None:
    decision = catalog / "decisions" / "ada.jsonl"
    decision.parent.mkdir()
    decision.write_text("{}\n")
    before = rows_of(catalog)
    told: list[Work] = []
    new = Scorer.load(other, device="cpu")
    report = rescore(catalog, new, announce=told.append)
    assert (report.shards, report.shards_rescored, report.rows) == (3, 3, 12)
    assert (told[0].rows, told[0].done) == (12, 0)
    assert told[0].bytes > 0
    scan([str(tmp_path / "tars")], tmp_path / "b", new)
    assert_close(catalog, tmp_path / "b")
    assert not rows_of(catalog)["risk"].equals(before["risk"])
    for name in ("key", "uid", "caption", "phash", "error", "status", "preview", "row_id"):
        assert rows_of(catalog)[name].equals(before[name]), name
    assert decision.read_text() == "{}\n"
    assert verify(catalog) == []
    said = json.loads((catalog / "audit.json").read_text())
    assert said["scorer_sha256"] == new.fingerprint
    assert [(e["what"], e["scorer_sha256"]) for e in said["history"]] == [
        ("scan", before_fingerprint(catalog)), ("rescore", new.fingerprint),
    ]  # fmt: skip
    with Catalog(catalog) as opened:
        risks = opened.sql("SELECT risk FROM samples WHERE risk IS NOT NULL ORDER BY row_id")
    assert len(risks) == 12
    again = rescore(catalog, new)
    assert (again.shards_rescored, again.rows) == (0, 0)


def before_fingerprint(catalog: Path) -> str:
    history = json.loads((catalog / "audit.json").read_text())["history"]
    return str(history[0]["scorer_sha256"])


def test_a_scan_goes_on_with_the_new_scorer_only(
    tmp_path: Path, catalog: Path, scorer: Scorer, other: Path
) -> None:
    new = Scorer.load(other, device="cpu")
    rescore(catalog, new)
    source = str(tmp_path / "tars")
    with pytest.raises(CatalogMismatch, match="made with scorer"):
        scan([source], catalog, scorer)
    assert scan([source], catalog, new, ScanOptions(features=True)).shards_scanned == 0


def test_a_catalog_without_features_says_what_to_do(
    tmp_path: Path, scorer: Scorer, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(tars(tmp_path / "tars", 3))
    scan([source], tmp_path / "a", scorer)
    before = inodes(tmp_path / "a")
    assert main(["rescore", str(tmp_path / "a"), "--scorer", str(other)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "have no stored features" in line
    assert "--store-features, or give a scorer that judges embeddings" in line
    assert inodes(tmp_path / "a") == before
    report = scan([source], tmp_path / "a", scorer, ScanOptions(features=True))
    assert report.shards_scanned == 1
    assert rescore(tmp_path / "a", Scorer.load(other, device="cpu")).rows == 3


def test_a_scorer_of_another_body_is_refused(catalog: Path, small_scorer: Path) -> None:
    foreign = Scorer.load(small_scorer, device="cpu")
    with torch.no_grad():
        foreign.safety.head.query += 1
    before = inodes(catalog)
    with pytest.raises(CatalogMismatch, match=r"differ in more than heads"):
        rescore(catalog, foreign.to("cpu"))
    assert inodes(catalog) == before
    with pytest.raises(UsageError, match="name a scorer"):
        rescore(catalog, None)


class Stop:
    """Raises after so many parts."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, done: int, total: int | None, word: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_rescore_that_was_stopped_must_be_finished_before_anything_else(
    tmp_path: Path, catalog: Path, scorer: Scorer, other: Path
) -> None:
    new = Scorer.load(other, device="cpu")
    database = (catalog / "catalog.duckdb").stat().st_ino
    with pytest.raises(KeyboardInterrupt):
        rescore(catalog, new, progress=Stop(2))
    assert (catalog / "catalog.duckdb").stat().st_ino == database
    for someone in (scorer, new):
        with pytest.raises(CatalogMismatch, match="rescoring with small was broken off"):
            scan([str(tmp_path / "tars")], catalog, someone)
    assert main(["index", str(catalog)]) == 1
    assert (catalog / "catalog.duckdb").stat().st_ino == database
    path = Parts(catalog).features_path(Parts(catalog).shard_ids()[0])
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(ShardwardenError, match=r"delete parts/.*, rescore and then scan"):
        rescore(catalog, new)
    path.write_bytes(whole)
    assert rescore(catalog, new).shards_rescored == 1
    assert verify(catalog) == []


def test_a_part_that_is_not_whole_stops_the_rescore_before_it_begins(
    catalog: Path, other: Path
) -> None:
    parts = Parts(catalog)
    path = parts.features_path(parts.shard_ids()[0])
    path.write_bytes(path.read_bytes()[:-4])
    before = inodes(catalog)
    with pytest.raises(ShardwardenError, match=r"features\.npy: cannot be read"):
        rescore(catalog, Scorer.load(other, device="cpu"))
    assert inodes(catalog) == before


def head(
    scorer: Scorer, name: str, concepts: tuple[str, ...] = ("weapon", "fire")
) -> EmbeddingScorer:
    """Dense heads, drawn from a seed, over the embeddings of the small scorer."""
    rng = np.random.default_rng(len(name))
    shape = (len(concepts), scorer.embedding_dim)
    judge = DenseJudge(
        None, None, ((rng.normal(size=shape).astype(np.float32), np.zeros(len(concepts), "f")),)
    )
    card = Card(
        name=name, kind="head", encoder=scorer.card.encoder, crop_mode="pad",
        safety={"types": ["illegal"] * len(concepts), "levels": ["high"] * len(concepts)},
        concepts=concepts, types_covered=("illegal", "safe"),
        taxonomy_hash=scorer.taxonomy_hash, files=scorer.card.files,
    )  # fmt: skip
    return EmbeddingScorer(card, judge)


def test_where_a_calibration_comes_from_is_no_part_of_the_fingerprint(scorer: Scorer) -> None:
    plain = head(scorer, "judge")
    fit = {"types": 2.0, "levels": None, "concepts": {}}

    def calibrated(**said: object) -> str:
        card = replace(plain.card, calibration={**fit, **said})
        return EmbeddingScorer(card, plain.judge).fingerprint

    assert calibrated(set="val", pictures=684) == calibrated(set="other", pictures=3)
    assert calibrated(types=3.0) != calibrated() != plain.fingerprint


def test_embeddings_alone_are_enough_for_a_scorer_of_embeddings(
    tmp_path: Path, scorer: Scorer
) -> None:
    source = tars(tmp_path / "tars", 5, 4, broken=(2,))
    catalog = tmp_path / "a"
    scan([str(source)], catalog, scorer)
    judge = head(scorer, "judge")
    assert rescore(catalog, judge).rows == 8
    parts = Parts(catalog)
    embeddings = np.concatenate([parts.embeddings(i) for i in parts.shard_ids()])
    rows = rows_of(catalog)
    expected = judge.score_embeddings(embeddings)
    np.testing.assert_allclose(
        rows["p_illegal"].drop_null().to_numpy(), expected.types[:, 1], atol=1e-6
    )
    assert rows["risk"].null_count == 1
    assert verify(catalog) == []


def test_extra_scorers_fill_their_column_and_nothing_else(catalog: Path, scorer: Scorer) -> None:
    before = rows_of(catalog)
    one, two = head(scorer, "one"), head(scorer, "three", ("smoking",))
    rescore(catalog, None, [one])
    report = rescore(catalog, None, [two])
    assert report.extras == ("three",)
    rows = rows_of(catalog)
    for name in set(rows.schema.names) - {"extras"}:
        assert rows[name].equals(before[name]), name
    parts = Parts(catalog)
    embeddings = np.concatenate([parts.embeddings(i) for i in parts.shard_ids()])
    expected = one.extras(embeddings) | two.extras(embeddings)
    found = [dict(extras) for extras in rows["extras"].to_pylist() if extras is not None]
    assert len(found) == len(embeddings)
    for name, column in expected.items():
        np.testing.assert_allclose([row[name] for row in found], column, atol=1e-6)
    assert set(found[0]) == {"one.weapon", "one.fire", "three"}
    assert rescore(catalog, None, [one, two]).shards_rescored == 0
    assert verify(catalog) == []


def test_a_head_of_another_encoder_is_refused_by_name(catalog: Path, scorer: Scorer) -> None:
    foreign = head(scorer, "foreign")
    spec = {"kind": "open_clip", "model": "ViT-L-14", "pretrained": "openai", "layer": None}
    foreign.card = replace(foreign.card, encoder=spec)
    before = inodes(catalog)
    for wanted, extras in ((foreign, []), (None, [foreign])):
        with pytest.raises(CatalogMismatch, match=r"ViT-L-14:openai"):
            rescore(catalog, wanted, extras)
    assert inodes(catalog) == before


KILLS = 6


@pytest.mark.timeout(900)
def test_a_rescore_killed_at_any_moment_goes_on_and_mixes_nothing(
    tmp_path: Path, scorer: Scorer, other: Path, root: Path
) -> None:
    source = tars(tmp_path / "tars", *[3] * 30)
    catalog = tmp_path / "a"
    scan([str(source)], catalog, scorer, ScanOptions(features=True))
    old = before_fingerprint(catalog)
    new = Scorer.load(other, device="cpu").fingerprint
    parts, rng, done = Parts(catalog), random.Random(3), 0
    code = (
        "import sys, time; from pathlib import Path\n"
        "from audit.scorer import Scorer; from audit.rescore import rescore\n"
        "scorer = Scorer.load(sys.argv[2], device='cpu'); print('ready', flush=True)\n"
        "rescore(Path(sys.argv[1]), scorer, progress=lambda *a: time.sleep(0.005))\n"
    )

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, str(catalog), str(other)], text=True,
            stdout=subprocess.PIPE, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    for n in range(KILLS):
        process = start()
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + rng.uniform(0, 0.12)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert [f for shard in parts.shard_ids() if (f := parts.fault(shard))] == []
        scorers = [parts.books(shard).scorer for shard in parts.shard_ids()]
        assert set(scorers) <= {old, new}
        assert scorers.count(new) >= done, f"kill {n} lost a finished part"
        done = scorers.count(new)
        with Catalog(catalog) as opened:  # of one scorer at any moment
            assert len(opened.sql("SELECT DISTINCT scorer FROM shards")) == 1
    process = start()
    process.communicate()
    assert process.returncode == 0
    assert {parts.books(shard).scorer for shard in parts.shard_ids()} == {new}
    assert header.read(catalog)["scorer_sha256"] == new
    assert verify(catalog) == []
    assert list(catalog.rglob("*.tmp-*")) == []
    scan([str(source)], tmp_path / "b", Scorer.load(other, device="cpu"))
    assert_close(catalog, tmp_path / "b")
