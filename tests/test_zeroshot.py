"""Zero-shot scoring: the same numbers as by hand, and no text tower once the text is written."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from audit import registry, zeroshot
from audit.errors import ScorerError, UsageError, WeightsUnavailable
from audit.identity import encoder_identity, file_sha256
from audit.taxonomy import LEVELS, TYPES, Taxonomy
from audit.zeroshot import Prompts, make
from tests.clips import NAME, WIDTH, write_clip

OWN = """
concepts:
  lonely: {type: privacy, level: low, description: A concept without twins., prompts: [a thing]}
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, open_clip.CLIP]:
    weights, model = write_clip(tmp_path_factory.mktemp("clip"))
    return f"{NAME}:{weights}", model


@pytest.fixture(scope="module")
def taxonomy(tmp_path_factory: pytest.TempPathFactory) -> Taxonomy:
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(OWN)
    return Taxonomy.load(path)


@pytest.fixture(scope="module")
def scorer(clip, taxonomy: Taxonomy):
    return make(clip[0], taxonomy, name="zero")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "shardwarden" / "zeroshot"


def by_hand(
    model: open_clip.CLIP, taxonomy: Taxonomy, prompts: Prompts, embedding: np.ndarray
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Concepts, types and levels of one image embedding: loops, float64, nothing of ours."""
    tokenizer = open_clip.get_tokenizer(NAME)
    scale = model.logit_scale.exp().item()

    def text(prompt: str) -> np.ndarray:
        rows = []
        for template in prompts.templates:
            with torch.inference_mode():
                row = model.encode_text(tokenizer([template.replace("{}", prompt)]))[0].double()
            rows.append((row / row.norm()).numpy())
        mean = np.mean(rows, axis=0)
        return mean / np.sqrt(sum(mean**2))

    def group(captions: tuple[str, ...]) -> float:
        return math.log(
            sum(math.exp(scale * (text(c) @ embedding)) for c in captions) / len(captions)
        )

    neutral = group(prompts.neutral)
    odds, concepts = {}, {}
    for c in taxonomy.concepts:
        against = math.exp(neutral) + (math.exp(group(c.twins)) if c.twins else 0)
        concepts[c.name] = math.exp(group(c.prompts)) / (math.exp(group(c.prompts)) + against)
        odds[c.name] = math.exp(group(c.prompts)) / against
    largest = {t: max([odds[c.name] for c in taxonomy.concepts if c.type == t]) for t in TYPES[:6]}
    total = 1 + sum(largest.values())
    types = {t: largest[t] / total for t in TYPES[:6]} | {"safe": 1 / total}
    levels = dict.fromkeys(LEVELS, 0.0) | {"none": types["safe"]}
    for c in taxonomy.concepts:
        siblings = sum(odds[d.name] for d in taxonomy.concepts if d.type == c.type)
        levels[c.level] += types[c.type] * odds[c.name] / siblings
    return concepts, types, levels


def test_numbers_are_those_computed_by_hand(clip, taxonomy: Taxonomy, scorer) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
    with torch.inference_mode():
        x = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / std
        images = clip[1].encode_image(x, normalize=True).double().numpy()
    got = scorer.score(pixels)
    assert scorer.concepts[-1] == "lonely"
    for i, image in enumerate(images):
        concepts, types, levels = by_hand(clip[1], taxonomy, Prompts.load(), image)
        np.testing.assert_allclose(got.concepts[i], list(concepts.values()), atol=1e-4)
        np.testing.assert_allclose(got.types[i], list(types.values()), atol=1e-4)
        np.testing.assert_allclose(got.levels[i], list(levels.values()), atol=1e-4)
        np.testing.assert_allclose(got.embeddings[i], image, atol=1e-3)
    assert got.concepts.std(0).max() > 0.01  # the pictures do differ
    assert got.features.shape == (3, 0)
    assert got.evidence.shape == (3, 0, 0)


def test_the_number_of_prompts_does_not_count(scorer) -> None:
    judge = scorer.judge
    counts = np.array([[1], [1]])
    twice = np.concatenate([judge.text[:1], judge.text[:1], judge.text[1:]])
    x = judge.text[-4:]
    once = zeroshot.TextJudge(judge.text, counts, judge.scale).logits(x)
    again = zeroshot.TextJudge(twice, np.array([[2], [1]]), judge.scale).logits(x)
    np.testing.assert_allclose(once, again, atol=1e-4)


def test_the_largest_scale_neither_overflows_nor_underflows() -> None:
    text = np.eye(3, 4, dtype=np.float32)
    judge = zeroshot.TextJudge(text, np.array([[1], [1]]), 1000.0)
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(judge.logits(text)[:, 0], [1000 - np.log(2), -1000, -1000])


def test_a_saved_scorer_scores_the_same_without_a_text_tower(
    scorer, clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = scorer.save(tmp_path / "zero")
    monkeypatch.setattr(zeroshot, "TextTower", None)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    again = registry.load_scorer(folder, device="cpu")
    assert again.fingerprint == scorer.fingerprint
    assert (again.size, again.embedding_dim, again.crop_mode) == (32, WIDTH, "pad")
    before, after = scorer.score(pixels), again.score(pixels)
    np.testing.assert_allclose(before.types, after.types, atol=1e-6)
    without = registry.load_embedding_scorer(folder)
    from_stored = without.score_embeddings(before.embeddings * 3)
    np.testing.assert_allclose(before.types, from_stored.types, atol=2e-2)
    with pytest.raises(UsageError, match="for embeddings, not for pictures"):
        without.score(pixels)


def test_a_calibration_on_the_card_applies(scorer) -> None:
    x = np.random.default_rng(2).normal(size=(4, WIDTH)).astype(np.float32)
    fitted = {"types": 2.0, "levels": 0.5, "concepts": {"weapon": [3.0, -1.0]}}
    raw = scorer.score_embeddings(x)
    got = type(scorer)(replace(scorer.card, calibration=fitted), scorer.judge)
    new = got.score_embeddings(x)
    roots = np.sqrt(raw.types)
    np.testing.assert_allclose(new.types, roots / roots.sum(1, keepdims=True), rtol=1e-4)
    squares = raw.levels**2
    np.testing.assert_allclose(new.levels, squares / squares.sum(1, keepdims=True), rtol=1e-4)
    odds = np.log(raw.concepts[:, 0] / (1 - raw.concepts[:, 0]))
    np.testing.assert_allclose(new.concepts[:, 0], 1 / (1 + np.exp(1 - 3 * odds)), rtol=1e-3)
    np.testing.assert_array_equal(new.concepts[:, 1:], raw.concepts[:, 1:])
    assert got.fingerprint != scorer.fingerprint


def test_text_is_encoded_once_and_then_read_from_the_cache(
    clip, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = f"zeroshot:{clip[0]}"
    first = registry.load_scorer(spec, device="cpu")
    (kept,) = cache.iterdir()
    moved = tmp_path / "moved.safetensors"
    shutil.copy(clip[0].partition(":")[2], moved)
    monkeypatch.setattr(zeroshot, "TextTower", None)
    assert registry.load_scorer(spec, device="cpu").fingerprint == first.fingerprint
    again = registry.load_scorer(f"zeroshot:{NAME}:{moved}", device="cpu")
    assert again.fingerprint == first.fingerprint
    assert again.card.encoder["pretrained"] == str(moved)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (kept / "text.safetensors").write_bytes(b"damaged")
    assert registry.load_embedding_scorer(spec).fingerprint == first.fingerprint
    assert [p.name for p in cache.iterdir()] == [kept.name]


def test_a_cache_that_cannot_be_written_is_done_without(
    clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert registry.load_embedding_scorer(f"zeroshot:{clip[0]}").embedding_dim == WIDTH


def test_an_encoder_is_told_by_its_weights_not_by_where_they_lie(clip, tmp_path: Path) -> None:
    path = Path(clip[0].partition(":")[2])
    spec = {"kind": "open_clip", "model": NAME, "pretrained": str(path)}
    assert encoder_identity(spec) == f"{NAME}:sha256-{file_sha256(path)}"
    write_clip(tmp_path, seed=1)
    other = {**spec, "pretrained": str(tmp_path / "tiny.safetensors")}
    assert encoder_identity(other) != encoder_identity(spec)


def test_an_encoder_file_that_has_changed_is_refused(clip, tmp_path: Path) -> None:
    write_clip(tmp_path)
    folder = make(f"{NAME}:{tmp_path / 'tiny.safetensors'}").save(tmp_path / "zero")
    write_clip(tmp_path, seed=1)
    with pytest.raises(ScorerError, match="is not the file the scorer was made with"):
        registry.load_scorer(folder)


def test_an_unreachable_hub_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsUnavailable, match=r"laion2b_s34b_b79k.*pass its path"):
        registry.load_scorer("zeroshot:ViT-B-32:laion2b_s34b_b79k")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("zeroshot:ViT-B-32", "name model and weights"),
        ("zeroshot:ViT-Q-1:openai", "no model 'ViT-Q-1'"),
        ("zeroshot:ViT-B-32:nobody", "no weights 'nobody'"),
        ("zeroshot:ViT-B-32:/nowhere.safetensors", "nowhere.safetensors: cannot be read"),
        ("nowhere", "neither a bundled scorer"),
    ],
)
def test_a_spec_that_names_nothing_says_why(spec: str, said: str, cache: Path) -> None:
    for load in (registry.load_scorer, registry.load_embedding_scorer):
        with pytest.raises((UsageError, ScorerError), match=said):
            load(spec)


def test_a_scorer_of_pictures_is_no_scorer_of_embeddings(small_scorer: Path) -> None:
    assert registry.load_scorer(small_scorer, device="cpu").size == 64
    with pytest.raises(UsageError, match="judges pictures"):
        registry.load_embedding_scorer(small_scorer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("templates: [a photo]\nneutral: [x]", "must have one {}"),
        ("templates: ['{} {}']\nneutral: [x]", "must have one {}"),
        ("templates: ['{}']\nneutral: []", "neutral: is empty"),
        ("templates: ['{}']", "'neutral' is missing"),
        ("templates: ['{}']\nneutral: [x]\npooling: max", "unknown key 'pooling'"),
    ],
)
def test_a_prompt_file_is_checked(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prompts.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        Prompts.load(path)


def test_damaged_folders_are_refused(scorer, tmp_path: Path) -> None:
    folder = scorer.save(tmp_path / "zero")
    card = json.loads((folder / "scorer.json").read_text())
    (folder / "scorer.json").write_text(json.dumps({**card, "concepts": card["concepts"][:-1]}))
    with pytest.raises(ScorerError, match="zero"):
        registry.load_embedding_scorer(folder)
    (folder / "scorer.json").write_text(json.dumps(card))
    (folder / "text.safetensors").write_bytes(b"")
    with pytest.raises(ScorerError, match="does not match its card"):
        registry.load_embedding_scorer(folder)


def test_the_command_writes_a_folder_that_loads(
    clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from audit.cli import main

    assert main(["zeroshot", clip[0], "--out", str(tmp_path / "z"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["encoder"].startswith(f"{NAME}:sha256-")
    assert told["types_covered"] == list(TYPES)
    assert registry.load_embedding_scorer(tmp_path / "z").card.name == "z"
    assert main(["zeroshot", "ViT-B-32", "--out", str(tmp_path / "z")]) == 2


def test_a_scan_with_the_zero_shot_scorer_fills_the_same_columns(
    clip, cache: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from audit.cli import main

    demo, out = str(root / "data" / "demo-shards"), str(tmp_path / "z.audit")
    line = ["scan", demo, "--scorer", f"zeroshot:{clip[0]}", "--out", out, "--limit", "6"]
    line += ["--captions", "off", "--json"]
    assert main(line) == 3  # one of the six is damaged
    assert json.loads(capsys.readouterr().out)["scored"] == 5
    query = "SELECT p_illegal + p_safe AS p, p_level_3, cardinality(concepts) AS k FROM samples"
    assert main(["sql", out, f"{query} WHERE status = 'scored'", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["k"] for row in rows} == {len(Taxonomy.load().concepts)}
    assert all(0 < row["p"] < 1 and 0 < row["p_level_3"] < 1 for row in rows)
    assert main(line) == 3
    assert json.loads(capsys.readouterr().out)["shards_scanned"] == 0
