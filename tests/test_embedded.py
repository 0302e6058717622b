"""A catalog from embeddings that clip-retrieval wrote: every row once, no image asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit import embeddings as reading
from audit import tally
from audit.card import Card
from audit.catalog import Catalog
from audit.cli import main
from audit.embedded import scan_embeddings
from audit.embedding_scorer import EmbeddingScorer
from audit.errors import CatalogMismatch, ShardwardenError
from audit.heads import DenseJudge
from audit.identity import encoder_identity
from audit.plan import ScanOptions, ScanReport
from audit.rescore import rescore
from audit.taxonomy import Taxonomy
from audit.verify import verify
from tests.test_scan import rows_of

WIDTH = 16
SPEC = {"kind": "open_clip", "model": "ViT-L-14", "pretrained": "openai"}
ENCODER = encoder_identity(SPEC)


def write_folder(folder: Path, *counts: int, seed: int = 0) -> Path:
    """img_emb and metadata of so many rows each; vectors of any length."""
    rng = np.random.default_rng(seed)
    for name in ("img_emb", "metadata"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for n, count in enumerate(counts):
        vectors = 7 * rng.normal(size=(count, WIDTH))
        np.save(folder / "img_emb" / f"img_emb_{n}.npy", vectors.astype(np.float16))
        rows = {
            "image_path": [f"{n}{i:04d}" for i in range(count)],
            "caption": [f"picture {i}" for i in range(count)],
            "url": [f"http://127.0.0.1/{n}/{i}.jpg" for i in range(count)],
        }
        pq.write_table(pa.table(rows), folder / "metadata" / f"metadata_{n}.parquet")
    return folder


def judge(seed: int = 0) -> EmbeddingScorer:
    weight = np.random.default_rng(seed).normal(size=(2, WIDTH)).astype(np.float32)
    card = Card(
        name=f"judge{seed}", kind="head", encoder=SPEC, crop_mode="center",
        safety={"types": ["illegal", "privacy"], "levels": ["high", "low"]},
        concepts=("weapon", "face"), types_covered=("illegal", "privacy", "safe"),
        taxonomy_hash=Taxonomy.load().hash,
    )  # fmt: skip
    return EmbeddingScorer(card, DenseJudge(None, None, ((weight, np.zeros(2, np.float32)),)))


def scanned(folder: Path, out: Path, options: ScanOptions | None = None) -> ScanReport:
    return scan_embeddings([str(folder)], out, judge(), ENCODER, options)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE_ROWS", 10)


def test_every_row_is_scored_once_and_the_books_balance(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", 25, 4)
    report = scanned(folder, tmp_path / "a")
    assert (report.shards, report.members, report.scored, report.failed) == (4, 29, 29, 0)
    assert report.balanced
    assert report.exit_code == 0
    rows = rows_of(tmp_path / "a")
    assert rows["key"].to_pylist() == [f"0{i:04d}" for i in range(25)] + [
        f"1{i:04d}" for i in range(4)
    ]
    assert rows["caption"].to_pylist()[:2] == ["picture 0", "picture 1"]
    assert '"url": "http://127.0.0.1/0/3.jpg"' in rows["metadata"].to_pylist()[3]
    assert len(set(rows["uid"].to_pylist())) == len(set(rows["row_id"].to_pylist())) == 29
    for name in ("image_member", "offset", "size", "preview"):
        assert rows[name].null_count == 29
    vectors = np.concatenate([np.load(p) for p in sorted((folder / "img_emb").glob("*"))])
    expected = judge().score_embeddings(vectors)
    np.testing.assert_allclose(rows["p_illegal"].to_numpy(), expected.types[:, 1], atol=1e-6)
    assert verify(tmp_path / "a") == []
    with Catalog(tmp_path / "a") as catalog:
        assert tally.status(catalog).total.scored == 29
    assert scanned(folder, tmp_path / "a").shards_scanned == 0


def test_rows_and_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", 12, 5, 3)
    first = np.load(folder / "img_emb" / "img_emb_0.npy")
    first[4], first[11, 2] = 0, np.nan
    np.save(folder / "img_emb" / "img_emb_0.npy", first)
    sound = np.load(folder / "img_emb" / "img_emb_1.npy")
    np.save(folder / "img_emb" / "img_emb_1.npy", sound[:4])
    report = scanned(folder, tmp_path / "a")
    assert (report.scored, report.failed, report.balanced) == (13, 2, True)
    assert report.failures == {"bad_embedding": 2}
    (fault,) = report.faults
    assert fault[1] == "bad_embeddings"
    assert "4 rows, metadata_1.parquet has 5" in fault[2]
    assert report.exit_code == 3
    rows = rows_of(tmp_path / "a").to_pylist()
    failed = [row for row in rows if row["status"] == "failed"]
    assert [row["key"] for row in failed] == ["00004", "00011"]
    assert failed[0]["error"].startswith("bad_embedding: all zeros")
    assert failed[0]["risk"] is None
    assert verify(tmp_path / "a") == []
    np.save(folder / "img_emb" / "img_emb_1.npy", sound)
    again = scanned(folder, tmp_path / "a")
    assert (again.shards_scanned, again.scored, again.faults) == (1, 18, ())
    assert verify(tmp_path / "a") == []


def test_embeddings_of_another_encoder_are_refused_and_the_expected_one_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "clip", 3)
    with pytest.raises(CatalogMismatch, match=r"ViT-B-32:openai.*ViT-L-14:openai"):
        scan_embeddings([str(folder)], tmp_path / "a", judge(), "ViT-B-32:openai")
    assert not (tmp_path / "a").exists()
    assert main(["scan", str(folder), "--out", str(tmp_path / "a")]) == 2
    assert "name it with --encoder" in capsys.readouterr().err


def test_strict_stops_at_a_bad_row(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", 3)
    np.save(folder / "img_emb" / "img_emb_0.npy", np.zeros((3, WIDTH), np.float16))
    with pytest.raises(ShardwardenError, match=r"bad_embedding.*--strict"):
        scanned(folder, tmp_path / "a", ScanOptions(strict=True))


def test_verify_finds_what_is_not_as_the_folder_says(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", 12, 3)
    scanned(folder, tmp_path / "a")
    vectors = np.load(folder / "img_emb" / "img_emb_0.npy")
    vectors[11] *= -1
    np.save(folder / "img_emb" / "img_emb_0.npy", vectors)
    table = pq.read_table(folder / "metadata" / "metadata_1.parquet")
    table = table.set_column(1, "caption", pa.array(["x", "y", "z"]))
    pq.write_table(table, folder / "metadata" / "metadata_1.parquet")
    problems = verify(tmp_path / "a")
    assert len(problems) == 3
    assert "img_emb_0-00001: embeddings are others" in problems[0]
    assert "img_emb_1-00000: caption is another" in problems[1]
    assert "img_emb_1-00000: metadata is another" in problems[2]
    (folder / "img_emb").rename(folder / "gone")
    assert any("is not there" in line for line in verify(tmp_path / "a"))


def test_embeddings_are_rescored_as_those_of_images_are(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", 12)
    scanned(folder, tmp_path / "a")
    rescore(tmp_path / "a", judge(1))
    scan_embeddings([str(folder)], tmp_path / "b", judge(1), ENCODER)
    ours, theirs = rows_of(tmp_path / "a"), rows_of(tmp_path / "b")
    np.testing.assert_allclose(ours["risk"].to_numpy(), theirs["risk"].to_numpy(), atol=2e-3)
    assert verify(tmp_path / "a") == []


def test_what_clip_retrieval_wrote_is_read(tmp_path: Path, shared: Path) -> None:
    folder = shared / "fixtures" / "clip-retrieval-output" / "embeddings"
    heads = shared / "fixtures" / "heads"
    from audit.heads import import_head

    concept = next(c for c in Taxonomy.load().concepts if c.type == "illegal")
    head = heads / "violence_detection_vit_b_32.npy"
    scorer = import_head(head, "ViT-B-32:openai", "violence", concept=concept)
    report = scan_embeddings([str(folder)], tmp_path / "a", scorer, "ViT-B-32:openai")
    assert (report.scored, report.failed, report.exit_code) == (9, 0, 0)
    assert verify(tmp_path / "a") == []
