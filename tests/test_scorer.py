"""A scorer folder: what is saved is what is loaded, and nothing else is let in."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from audit.card import find_scorer
from audit.compact import CompactDims
from audit.encoder import CompactEncoder
from audit.errors import ScorerError, UsageError
from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyModule
from audit.scorer import Scorer, untrained
from audit.taxonomy import TYPES

COVERED = ("illegal", "privacy", "safe")


@pytest.fixture
def scorer() -> Scorer:
    torch.manual_seed(1)
    encoder = CompactEncoder(CompactDims(size=64, stem=8, widths=(8, 16, 32), depth=1))
    dims = SafetyDims(
        ProjectorDims(32, 24, 32, depth=1), HeadDims(32, tokens=4, heads=4, concepts=2)
    )
    return untrained(
        encoder, concepts=("weapon", "fire"), types_covered=COVERED, dims=dims, taxonomy_hash="t"
    )


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)


def test_scores_are_probabilities_over_the_covered_types_only(scorer, pixels) -> None:
    scores = scorer.score(pixels)
    covered = np.array([t in COVERED for t in TYPES])
    assert np.isnan(scores.types[:, ~covered]).all()
    np.testing.assert_allclose(scores.types[:, covered].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(scores.levels.sum(1), 1, atol=1e-5)
    assert ((scores.concepts > 0) & (scores.concepts < 1)).all()
    assert scores.embeddings.dtype == np.float16
    lengths = np.linalg.norm(scores.embeddings.astype(float), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=2e-3)
    assert scores.evidence.shape == (5, 4, 4)


def test_scores_equal_the_unfolded_modules_run_by_hand(scorer, pixels) -> None:
    scores = scorer.score(pixels)
    with torch.inference_mode():
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        out = scorer.safety(scorer.encoder(batch).patches)
    logits = out.type_logits.numpy()[:, [TYPES.index(t) for t in COVERED]]
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    got = scores.types[:, [TYPES.index(t) for t in COVERED]]
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_saved_scorer_scores_the_same_and_keeps_its_fingerprint(
    scorer, pixels, tmp_path: Path
) -> None:
    loaded = Scorer.load(scorer.save(tmp_path / "s"), device="cpu")
    assert loaded.fingerprint == scorer.fingerprint
    assert loaded.card.concepts == ("weapon", "fire")
    a, b = scorer.score(pixels), loaded.score(pixels)
    np.testing.assert_allclose(a.levels, b.levels, atol=5e-3)  # matrices travel in half precision
    again = Scorer.load(loaded.save(tmp_path / "again"), device="cpu")
    np.testing.assert_array_equal(again.score(pixels).types, b.types)


def test_other_weights_have_another_fingerprint(scorer) -> None:
    before = scorer.fingerprint
    with torch.no_grad():
        scorer.safety.head.query += 0.1
    assert scorer.fingerprint != before


@pytest.mark.parametrize("name", ["safety.safetensors", "encoder.safetensors"])
def test_a_changed_weight_file_is_refused(scorer, tmp_path: Path, name: str) -> None:
    folder = scorer.save(tmp_path / "s")
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ScorerError, match="does not match its card"):
        Scorer.load(folder, device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"types_covered": ["illgal"]}, "illgal"),
        ({"crop_mode": "stretch"}, "stretch"),
        ({"colour": "red"}, "damaged"),
        ({"encoder": {"kind": "jax"}}, "kind 'jax'"),
        ({"files": {}}, "does not match its card"),
        ({"safety": {"projector": {}}}, "weights do not fit the card"),
        ({"kind": "oracle"}, "kind 'oracle'"),
        ({"kind": "head"}, "gives no types of its"),
        (
            {"kind": "head", "concepts": ["fire"], "safety": {"types": [None], "levels": [None]}},
            "has no safety module",
        ),
        ({"calibration": {"types": 0}}, "temperature of types is 0"),
        ({"calibration": {"concepts": {"fire": [1]}}}, r"not \[slope, intercept\]"),
        ({"calibration": {"concepts": {"ice": [1, 0]}}}, "'ice' is none of its outputs"),
        ({"added": {"fire": {"type": "illgal", "level": "low"}}}, "'illgal'"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(scorer, tmp_path, change, message) -> None:
    path = scorer.save(tmp_path / "s") / "scorer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ScorerError, match=message):
        Scorer.load(path.parent, device="cpu")


def test_an_unknown_scorer_shows_where_was_looked() -> None:
    with pytest.raises(UsageError, match="neither a bundled scorer"):
        find_scorer("no-such-scorer")


def test_an_encoder_of_another_width_is_refused(scorer) -> None:
    other = SafetyModule(SafetyDims(ProjectorDims(48, 24, 32, depth=1), HeadDims(32, 4, 4)))
    with pytest.raises(ScorerError, match="wants 48-wide features, encoder gives 32"):
        Scorer(scorer.card, scorer.encoder, other)


def test_stored_features_give_the_scores_without_a_picture(scorer, pixels, tmp_path) -> None:
    scorer.card.calibration.update({"types": 2.0, "concepts": {"fire": [1.5, -1.0]}})
    scores = scorer.score(pixels)
    again = scorer.from_features(scores.features, scores.embeddings)
    for name in ("types", "levels", "concepts", "embeddings"):
        np.testing.assert_array_equal(getattr(scores, name), getattr(again, name))
    with torch.inference_mode():
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        unfolded = scorer.safety(scorer.encoder(batch).patches).pooled
    np.testing.assert_allclose(scores.features, unfolded.numpy(), atol=1e-4)
    with pytest.raises(ScorerError, match="reads 32-wide safety features"):
        scorer.from_features(scores.features[:, :8], scores.embeddings)


def test_calibration_acts_on_the_logits_and_is_part_of_the_fingerprint(scorer, pixels) -> None:
    plain, before = scorer.score(pixels), scorer.fingerprint
    scorer.card.calibration.update(
        {"types": 2.0, "levels": 4.0, "concepts": {"fire": [1.5, -1.0]}, "set": "x", "images": 9}
    )
    fitted = scorer.score(pixels)
    logits = np.log(plain.types)
    expected = np.exp(logits / 2) / np.nansum(np.exp(logits / 2), 1, keepdims=True)
    np.testing.assert_allclose(fitted.types, expected, atol=1e-5)
    logits = np.log(plain.levels)
    expected = np.exp(logits / 4) / np.exp(logits / 4).sum(1, keepdims=True)
    np.testing.assert_allclose(fitted.levels, expected, atol=1e-5)
    logits = np.log(plain.concepts) - np.log1p(-plain.concepts)
    logits[:, 1] = 1.5 * logits[:, 1] - 1
    np.testing.assert_allclose(fitted.concepts, 1 / (1 + np.exp(-logits)), atol=1e-5)
    assert scorer.fingerprint != before


def test_heads_and_calibration_leave_the_body_alone_and_attention_does_not(scorer) -> None:
    body, before = scorer.body, scorer.fingerprint
    scorer.card.calibration.update({"types": 2.0})
    with torch.no_grad():
        scorer.safety.head.concept_head.weight += 0.1
    assert (scorer.body, scorer.fingerprint == before) == (body, False)
    with torch.no_grad():
        scorer.safety.head.attention.out_proj.bias += 0.1
    assert scorer.body != body


def test_without_calibration_the_fingerprint_is_the_one_of_the_first_release(scorer) -> None:
    # Catalogs name it: another formula would make all of them unreadable.
    card = scorer.card
    identity = (card.encoder, card.safety, card.concepts, card.types_covered, card.crop_mode, "t")
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
    weights = {f"encoder.{k}": v for k, v in scorer.encoder.state_dict().items()}
    weights |= {f"safety.{k}": v for k, v in scorer.safety.state_dict().items()}
    for name in sorted(weights):
        stored = weights[name].half() if weights[name].ndim > 1 else weights[name]
        digest.update(name.encode() + stored.contiguous().numpy().tobytes())
    assert scorer.fingerprint == digest.hexdigest()
