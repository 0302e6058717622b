"""Evidence: it lies on the picture as it is seen, on the thing, and on nobody's quarantined row."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.building import index
from audit.cli import main
from audit.concepts import NewConcept, add_concept, fit
from audit.errors import UsageError
from audit.explaining import Explanation, draw, explain
from audit.parts import Parts
from audit.pixels import fit as fitted_size
from audit.plan import ScanOptions
from audit.scan import scan
from audit.scorer import Scorer
from audit.shards import ShardReader, expand
from tests.discs import pixels, png_of, scene, shard


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """The bundled scorer with a concept `disc`, so that there is a thing it surely finds."""
    base = Scorer.load("compact", device="cpu")
    seeds = range(50)
    seen = [pixels(base, seeds, disc=True), pixels(base, range(1000, 1050), disc=False)]
    features = np.concatenate([base.score(x).features for x in seen])
    row = fit(features, np.arange(100) < 50, np.arange(100))
    return add_concept(base, NewConcept("disc", "privacy", "low"), row, "discs")


def test_evidence_lies_on_the_pasted_thing(scorer: Scorer) -> None:
    mass, area = [], []
    for seed in range(5000, 5030):
        image, (left, top, right, bottom) = scene(seed, disc=True)
        found = explain(scorer, np.asarray(image), "disc")
        high, wide = found.evidence.shape
        scale = wide / image.width
        box = np.zeros((high, wide), bool)
        box[
            round(top * scale) : round(bottom * scale), round(left * scale) : round(right * scale)
        ] = 1
        mass.append(found.evidence[box].sum())
        area.append(box.mean())
    share = np.mean(np.array(mass) > np.array(area))
    assert share >= 0.9
    assert np.mean(mass) > 2 * np.mean(area)


@pytest.mark.parametrize("size", [(120, 40), (40, 120), (64, 64), (300, 1)])
@pytest.mark.parametrize("crop_mode", ["pad", "center"])
def test_the_map_covers_the_upright_picture(
    small_scorer: Path, size: tuple[int, int], crop_mode: str
) -> None:
    small = Scorer.load(small_scorer, device="cpu")
    small.card = replace(small.card, crop_mode=crop_mode)
    image = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    )
    found = small.explain(np.asarray(image))
    across, down = fitted_size(*size, small.size)
    assert (found.shape, found.dtype) == ((down, across), np.float32)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1, abs=1e-4)
    if crop_mode == "center" and size == (120, 40):  # the outer thirds are not seen
        assert found[:, : across // 3 - 1].sum() == 0
        assert found[:, across // 3 + 2 : -across // 3 - 2].min() > 0
    np.testing.assert_allclose(small.explain(png_of(image)), found, atol=2e-3)


def test_a_turned_photograph_gets_a_map_as_it_is_seen(small_scorer: Path) -> None:
    small = Scorer.load(small_scorer, device="cpu")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    file = io.BytesIO()
    scene(3, disc=True)[0].save(file, "JPEG", exif=exif)
    assert small.explain(file.getvalue()).shape == (64, 48)


def test_what_the_scorer_does_not_give_is_refused_with_what_it_gives(small_scorer: Path) -> None:
    small = Scorer.load(small_scorer, device="cpu")
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UsageError, match="does not give 'politics'; it gives illegal, privacy"):
        small.explain(picture, "politics")
    with pytest.raises(ValueError, match=r"must be \[H, W, 3\] uint8"):
        small.explain(picture[..., 0])
    assert explain(small, picture).what in ("illegal", "privacy")
    assert explain(small, picture, "fire").what == "fire"


def explained(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["explain", *map(str, arguments), "--device", "cpu"])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


@pytest.fixture
def catalog(tmp_path: Path, small_scorer: Path) -> Path:
    """Two shards with the same keys, by the small scorer; row 00002 of the first is quarantined."""
    small = Scorer.load(small_scorer, device="cpu")
    for name in ("a", "b"):
        shard(tmp_path / "tars" / f"{name}.tar", range(4))
    scan([str(tmp_path / "tars")], tmp_path / "c", small, ScanOptions())
    first = expand([str(tmp_path / "tars")])[0]
    reader = ShardReader(first)
    parts = Parts(tmp_path / "c")
    with parts.writing(first, concept_names=small.concepts, scorer=small.fingerprint) as part:
        for sample in reader:
            part.add_failed(sample, "known_hash: list a", quarantined=sample.key == "00002")
        part.finish(reader.books)
    index(tmp_path / "c")
    return tmp_path / "c"


def test_a_row_of_a_catalog_is_read_from_its_shard_and_drawn(
    catalog: Path, small_scorer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    given: Sequence[object] = ("-o", out, "--scorer", small_scorer)
    code, said = explained(catalog, "b.tar/00001.png", *given, "--what", "fire", capsys=capsys)
    assert (code, "b.tar/00001.png: fire 0." in said) == (0, True)
    with Image.open(out) as drawing:
        assert drawing.width >= 640
        assert drawing.height > 480  # the picture, a scale and a line of text
    code, said = explained(catalog, "b.tar/00001.png", *given, "--json", capsys=capsys)
    found = json.loads(said)
    assert (code, found["width"], found["height"]) == (0, 64, 48)
    assert found["what"] in ("illegal", "privacy")


@pytest.mark.parametrize(
    ("key", "code", "message"),
    [
        ("00002", 2, "2 rows have the key '00002'; say "),
        ("nobody", 2, "no row has the key or uid 'nobody'"),
        ("o'brien", 2, "no row has the key"),
        ("caf\udce9", 2, "not Unicode text"),
        ("a.tar/00002.png", 1, "quarantined: its picture is shown to nobody"),
    ],
)
def test_rows_that_may_not_or_cannot_be_shown_are_refused(
    catalog: Path, small_scorer: Path, tmp_path: Path, capsys, key: str, code: int, message: str
) -> None:
    out = tmp_path / "out.png"
    got, said = explained(catalog, key, "-o", out, "--scorer", small_scorer, capsys=capsys)
    assert (got, message in said) == (code, True), said
    assert not out.exists()


def test_a_scorer_that_is_no_longer_the_catalogs_is_told(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = catalog / "audit.json"
    text = json.loads(header.read_text())
    text["scorer"]["name"] = "compact"
    header.write_text(json.dumps(text))
    code, said = explained(catalog, "b.tar/00001.png", "-o", tmp_path / "out.png", capsys=capsys)
    assert (code, "not by the compact there is now" in said) == (1, True)
    header.unlink()
    code, said = explained(catalog, "b.tar/00001.png", "-o", tmp_path / "out.png", capsys=capsys)
    assert (code, "no audit.json, which names its scorer" in said) == (2, True)


def test_an_image_file_is_explained_by_itself(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "a.png", tmp_path / "out.png"
    scene(1, disc=True)[0].save(file)
    code, said = explained(file, "-o", out, "--scorer", small_scorer, capsys=capsys)
    assert (code, out.exists(), "a.png: " in said) == (0, True, True)
    code, said = explained(file, "-o", tmp_path / "." / "a.png", capsys=capsys)
    assert (code, "is the picture itself" in said) == (2, True)
    file.write_bytes(b"no picture")
    code, said = explained(file, "-o", out, "--scorer", small_scorer, capsys=capsys)
    assert (code, "a.png: not_an_image" in said) == (1, True)
    code, said = explained(tmp_path / "none.png", "-o", out, capsys=capsys)
    assert (code, "no such image file; for a catalog give a KEY too" in said) == (2, True)
    nowhere = tmp_path / "nodir" / "e.png"
    code, said = explained(file, "-o", nowhere, capsys=capsys)
    assert (code, f"{nowhere}: no folder {nowhere.parent}; make it" in said) == (2, True)
    tar = tmp_path / "a.tar"
    tar.write_bytes(bytes(1024))
    code, said = explained(tar, "-o", out, capsys=capsys)
    assert (code, "a.tar: is a shard; scan it, then give the catalog" in said) == (2, True)


def test_where_no_evidence_lies_the_drawing_is_the_picture() -> None:
    grey = Image.new("RGB", (640, 320), (90, 90, 90))
    map_ = np.zeros((16, 32), np.float32)
    map_[:, 16:] = 1 / 256
    drawing = draw(png_of(grey), Explanation("fire", 0.9, map_), "x")
    assert drawing.getpixel((100, 100)) == (90, 90, 90)
    red, green, blue = drawing.getpixel((600, 100))
    assert min(red, green) > 150 > blue
    assert drawing.getpixel((0, 325)) == (255, 255, 255)  # the scale begins with nothing
