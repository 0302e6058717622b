"""The drawings: the same from the same seed, honest templates, and shards as img2dataset's."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from audit.demo import KINDS, draw, write_demo, write_shards
from audit.demo.drawing import templates_of
from audit.demo.ink import FACES, text_width, wrap
from audit.errors import UsageError
from audit.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, count=60)
    return folder


def members(tar: Path) -> dict[str, bytes]:
    with tarfile.open(tar) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


def all_members(folder: Path) -> dict[str, bytes]:
    return {k: v for tar in sorted(folder.glob("*.tar")) for k, v in members(tar).items()}


def all_rows(folder: Path) -> list[dict[str, object]]:
    return [row for p in sorted(folder.glob("*.parquet")) for row in pq.read_table(p).to_pylist()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_picture_and_another_seed_another(kind: str) -> None:
    first, again, other = draw(kind, 5), draw(kind, 5), draw(kind, 6)
    assert first.image.tobytes() == again.image.tobytes()
    assert (first.template, first.caption, first.group) == (
        again.template, again.caption, again.group,
    )  # fmt: skip
    assert first.image.tobytes() != other.image.tobytes()
    assert first.group != other.group


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("templates", ["train", "heldout"])
def test_pictures_are_rgb_of_web_size_and_not_empty(kind: str, templates: str) -> None:
    drawing = draw(kind, 1, templates)  # type: ignore[arg-type]
    assert drawing.image.mode == "RGB"
    assert 224 <= max(drawing.image.size) <= 320
    assert min(drawing.image.size) >= 60
    assert drawing.concept == KINDS[kind]
    assert max(ImageStat.Stat(drawing.image).stddev) > 1


@pytest.mark.parametrize("templates", ["train", "heldout"])
def test_a_sign_too_small_for_letters_is_drawn_all_the_same(templates: str) -> None:
    drawing = draw("placard", 700003, templates)  # type: ignore[arg-type]
    assert drawing.concept == "placard"


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_templates_are_never_drawn_for_training(kind: str) -> None:
    train, heldout = templates_of(kind, "train"), templates_of(kind, "heldout")
    assert len(train) >= 3
    assert len(heldout) >= 2
    assert len(train | heldout) >= 5
    assert not train & heldout
    for seed in range(3):
        assert draw(kind, seed, "train").template in train
        assert draw(kind, seed, "heldout").template in heldout
        assert draw(kind, seed, "all").template in train | heldout


def test_risky_kinds_are_concepts_of_the_taxonomy() -> None:
    known = {concept.name for concept in Taxonomy.load().concepts}
    risky = {concept for concept in KINDS.values() if concept != "neutral"}
    assert risky == {
        "typographic", "captcha", "id_card", "licence_plate", "truncated_chart", "placard",
        "hostile_chat",
    }  # fmt: skip
    assert risky <= known


def test_an_unknown_kind_or_split_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown kind 'cat'; known: typographic"):
        draw("cat", 0)
    with pytest.raises(ValueError, match="unknown templates 'test'; known: train, heldout, all"):
        draw("map", 0, "test")  # type: ignore[arg-type]


def test_risky_and_harmless_pictures_have_the_same_sizes() -> None:
    """What the capture stage draws must not tell the two apart."""
    sides: dict[str, list[int]] = {"typographic": [], "recipe": []}
    for kind, found in sides.items():
        found.extend(max(draw(kind, seed).image.size) for seed in range(40))
    assert set(sides["typographic"]) == set(sides["recipe"]) == {224, 256, 288, 320}


@pytest.mark.parametrize("face", FACES)
def test_wrapped_lines_fit_and_lose_no_word(face: str) -> None:
    text = "Steps to paint a fence before the winter comes again"
    lines = wrap(text, 150, 20, FACES[face])
    assert " ".join(lines) == text
    assert all(text_width(line, 20, FACES[face]) <= 150 for line in lines if " " in line)


def test_training_shards_are_the_same_bytes_from_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shards(tmp_path / name, seed=3, count=12, per_shard=8)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == [
        "00000.parquet", "00000.tar", "00000_stats.json",
        "00001.parquet", "00001.tar", "00001_stats.json",
    ]  # fmt: skip
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_training_shards_hold_only_the_kinds_asked_for(tmp_path: Path) -> None:
    write_shards(tmp_path, seed=0, count=10, kinds=["captcha", "mosaic"], templates="heldout")
    assert {str(row["source"]).split("/")[0] for row in all_rows(tmp_path)} == {
        "drawn:captcha", "drawn:mosaic",
    }  # fmt: skip


def test_a_shard_too_large_for_its_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"per_shard is 20000; use 1\.\.10,000"):
        write_shards(tmp_path, seed=0, count=1, per_shard=20_000)


def test_demo_shards_are_laid_out_as_img2dataset_does(demo: Path) -> None:
    rows = all_rows(demo)
    found = all_members(demo)
    assert [p.name for p in sorted(demo.glob("*.tar"))] == ["00000.tar", "00001.tar", "00002.tar"]
    good = [row for row in rows if row["status"] == "success"]
    assert len(found) == 3 * len(good)
    names = list(found)
    for i in range(0, len(names), 3):  # a sample's members lie side by side: image, txt, json
        stems = {name.split(".")[0] for name in names[i : i + 3]}
        assert len(stems) == 1
        assert [n.split(".")[1] for n in names[i + 1 : i + 3]] == ["txt", "json"]
    for row in good:
        key = row["key"]
        assert json.loads(found[f"{key}.json"]) == row
        assert found[f"{key}.txt"].decode() == row["caption"]
        image = next(v for n, v in found.items() if n.startswith(f"{key}.") and n[-4:] in
                     (".jpg", ".png", "webp"))  # fmt: skip
        assert hashlib.sha256(image).hexdigest() == row["sha256"]


def test_demo_stats_add_up(demo: Path) -> None:
    for path in sorted(demo.glob("*_stats.json")):
        stats = json.loads(path.read_text())
        rows = pq.read_table(demo / path.name.replace("_stats.json", ".parquet")).num_rows
        failed = stats["failed_to_download"] + stats["failed_to_resize"]
        assert (
            stats["count"]
            == rows
            == stats["successes"] + failed
            == sum(stats["status_dict"].values())
        )


def test_the_demo_has_every_fault_a_scan_should_show(demo: Path) -> None:
    rows = all_rows(demo)
    found = all_members(demo)
    status = [row["status"] for row in rows]
    assert status.count("failed_to_download") == 3
    assert status.count("failed_to_resize") == 1
    corrupt, turned = [], []
    for name, data in found.items():
        if name.endswith((".jpg", ".png", ".webp")):
            try:
                image = Image.open(io.BytesIO(data))
                image.load()
            except OSError:
                corrupt.append(name)
            else:
                if image.getexif().get(0x0112, 1) != 1:
                    turned.append(image)
    assert len(corrupt) == 1
    assert len(turned) == 1
    assert sum(name.endswith(".png") for name in found) == 1
    assert sum(name.endswith(".webp") for name in found) == 1
    hashes = [row["sha256"] for row in rows if row["sha256"]]
    assert len(hashes) - len(set(hashes)) == 1
    captions = [str(row["caption"]) for row in rows]
    assert "" in captions
    assert any("DROP TABLE" in c and "<b " in c for c in captions)
    assert any("日本" in c for c in captions)


def test_the_turned_picture_stands_upright_once_its_exif_is_obeyed(demo: Path) -> None:
    turned = [Image.open(io.BytesIO(v)) for n, v in all_members(demo).items() if n.endswith(".jpg")]
    image = next(i for i in turned if i.getexif().get(0x0112) == 6)
    upright = draw("id_card", 2411, "train").image
    seen = ImageOps.exif_transpose(image)
    assert seen.size == upright.size
    difference = ImageStat.Stat(ImageChops.difference(seen, upright)).mean
    assert max(difference) < 12  # JPEG loss only


def test_tars_that_are_there_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "00000.tar").write_bytes(b"somebody's data")
    for write in (
        lambda: write_demo(tmp_path),
        lambda: write_shards(tmp_path, seed=0, count=1),
    ):
        with pytest.raises(UsageError, match=r"already holds 00000\.tar; name an empty folder"):
            write()
    assert (tmp_path / "00000.tar").read_bytes() == b"somebody's data"


def test_a_demo_too_small_for_its_faults_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="count is 5; the faults alone need 30"):
        write_demo(tmp_path, count=5)


def test_the_bundled_demo_shards_are_small_and_whole() -> None:
    folder = Path(__file__).parents[1] / "data" / "demo-shards"
    assert sum(p.stat().st_size for p in folder.iterdir()) <= 4 * 2**20
    rows = all_rows(folder)
    assert 190 <= sum(row["status"] == "success" for row in rows) <= 220
    assert {row["concept"] for row in rows if row["concept"]} == set(KINDS.values())


def test_the_bundled_demo_shards_are_what_the_command_draws_today(tmp_path: Path) -> None:
    """Compared without pixels, which may move a little with another Pillow."""
    write_demo(tmp_path)
    bundled = all_rows(Path(__file__).parents[1] / "data" / "demo-shards")
    assert [{**row, "sha256": None} for row in all_rows(tmp_path)] == [
        {**row, "sha256": None} for row in bundled
    ]
