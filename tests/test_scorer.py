"""A scorer folder: what is saved is what is loaded, and nothing else is let in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from audit.compact import CompactDims
from audit.encoder import CompactEncoder
from audit.errors import ScorerError, UsageError
from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyModule
from audit.scorer import Scorer, find_scorer, untrained
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
