"""Training: it learns, it repeats, and it says what it was trained on."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from audit.compact import CompactDims
from audit.composing import Batch
from audit.errors import UsageError
from audit.evaluation import auroc
from audit.labelled import LabelledSet
from audit.safety import SafetyOutput
from audit.scorer import Scorer
from audit.taxonomy import SAFE, TYPES, Taxonomy
from audit.training import (
    Recipe,
    assume,
    drawn_documents,
    loss,
    padded,
    train_compact,
    train_on_frozen,
)

TAXONOMY = Taxonomy.load()
NAMES = ("fire", "id_card")  # neither can be drawn as an object
NOTHING = (torch.zeros(1, 1, 1), torch.zeros(1, 1))  # evidence and features
TINY = CompactDims(size=32, stem=4, widths=(8, 8, 16), depth=1)


def examples(count: int = 60, seed: int = 0) -> LabelledSet:
    """Bright squares on noise are fire, dark ones an identity card, noise alone is neutral."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(60, 190, (count, 40, 40, 3), dtype=np.uint8)
    kinds = np.arange(count) % 3
    for picture, kind in zip(pictures, kinds, strict=True):
        top, left = rng.integers(0, 24, 2)
        if kind:
            picture[top : top + 16, left : left + 16] = 255 if kind == 1 else 0
    names = np.array(["neutral", "fire", "id_card"])[kinds]
    return LabelledSet(
        pictures=pictures,
        aspects=np.ones(count, np.float32),
        types=np.array([SAFE, TYPES.index("illegal"), TYPES.index("privacy")])[kinds],
        levels=np.array([0, 2, 2])[kinds],
        concepts=np.stack([(names == n).astype(np.float32) for n in NAMES], 1),
        names=names,
        sources=names,
        groups=names,
    )


RECIPE = Recipe(steps=200, batch=24, rate=4e-3, documents=0, width=16, averaging=0.95)


@pytest.fixture(scope="module")
def from_scratch() -> Scorer:
    return train_compact(examples(), NAMES, TAXONOMY, RECIPE, name="t", dims=TINY)


@pytest.mark.parametrize("frozen", [False, True])
def test_training_learns_what_the_pictures_show(from_scratch: Scorer, frozen: bool) -> None:
    scorer = from_scratch
    if frozen:
        before = {k: v.clone() for k, v in scorer.encoder.state_dict().items()}
        recipe = replace(RECIPE, steps=400)  # a step is cheap here
        scorer = train_on_frozen(
            from_scratch.encoder, examples(300), NAMES, TAXONOMY, recipe, name="t"
        )
        assert all(torch.equal(v, before[k]) for k, v in scorer.encoder.state_dict().items())
    fresh = examples(90, seed=1)
    pixels = padded(torch.from_numpy(fresh.pictures), torch.from_numpy(fresh.aspects), 32)
    scores = scorer.score(pixels.permute(0, 2, 3, 1).byte().numpy())
    assert auroc(1 - scores.types[:, SAFE], fresh.types != SAFE) > 0.85
    assert auroc(scores.concepts[:, 0], fresh.names == "fire") > 0.85
    assert scorer.card.types_covered == ("illegal", "privacy", "safe")
    assert np.isnan(scores.types[:, TYPES.index("politics")]).all()


def test_a_second_run_goes_on_from_the_first(from_scratch: Scorer) -> None:
    recipe = Recipe(steps=2, batch=8, documents=0, width=16, rate=1e-6)
    before = from_scratch.safety.head.query.clone()
    scorer = train_compact(
        examples(), NAMES, TAXONOMY, recipe, name="t", start=copy.deepcopy(from_scratch)
    )
    torch.testing.assert_close(scorer.safety.head.query, before, atol=1e-3, rtol=0)
    assert scorer.card.training["before"]["recipe"]["steps"] == RECIPE.steps
    with pytest.raises(UsageError, match="concepts weapon"):
        train_compact(
            examples(), ("weapon", "fire"), TAXONOMY, recipe, name="t", start=from_scratch
        )


def test_the_same_seed_gives_the_same_scorer(tmp_path) -> None:
    def run(seed: int) -> Scorer:
        recipe = Recipe(steps=4, batch=8, documents=0, width=16, seed=seed)
        return train_compact(examples(), NAMES, TAXONOMY, recipe, name="t", dims=TINY)

    first, second, other = run(1), run(1), run(2)
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != other.fingerprint
    loaded = Scorer.load(first.save(tmp_path / "s"), device="cpu")
    assert loaded.card.training["recipe"]["seed"] == 1
    assert loaded.card.training["mix"]["by_label"] == {"fire": 20, "id_card": 20, "neutral": 20}


def test_another_assumed_share_moves_the_odds_by_just_that(from_scratch: Scorer) -> None:
    safety = copy.deepcopy(from_scratch.safety)
    features = torch.randn(3, 16, 16)
    before = safety(features).type_logits[:, [SAFE, 1]].softmax(-1)
    assume(safety, 0.5, 0.2)
    after = safety(features).type_logits[:, [SAFE, 1]].softmax(-1)
    torch.testing.assert_close(
        after[:, 0] / after[:, 1], before[:, 0] / before[:, 1] * 4, rtol=1e-4, atol=0
    )


def test_types_without_training_support_take_no_part_in_the_loss() -> None:
    covered = torch.tensor([t in ("illegal", "safe") for t in TYPES])
    logits = torch.zeros(2, 7, requires_grad=True)
    output = SafetyOutput(logits, torch.zeros(2, 4), torch.zeros(2, 0), *NOTHING)
    batch = Batch(
        torch.empty(0),
        torch.ones(2),
        torch.tensor([1, SAFE]),
        torch.tensor([2, 0]),
        torch.zeros(2, 0),
        torch.ones(2),
    )
    # One concept column less: the mean over no column must not poison the sum.
    value = loss(output, batch, covered)
    value.backward()
    assert torch.isfinite(value)
    assert logits.grad is not None
    assert (logits.grad[:, ~covered] == 0).all()
    assert (logits.grad[:, covered] != 0).all()


def test_unknown_concepts_take_no_part_in_the_loss() -> None:
    covered = torch.ones(7, dtype=torch.bool)
    concept_logits = torch.zeros(1, 2, requires_grad=True)
    output = SafetyOutput(torch.zeros(1, 7), torch.zeros(1, 4), concept_logits, *NOTHING)
    batch = Batch(
        torch.empty(0),
        torch.ones(1),
        torch.tensor([4]),
        torch.tensor([2]),
        torch.tensor([[1.0, float("nan")]]),
        torch.ones(1),
    )
    loss(output, batch, covered).backward()
    assert concept_logits.grad is not None
    assert concept_logits.grad[0, 0] != 0
    assert concept_logits.grad[0, 1] == 0


def test_drawn_documents_are_half_risky_and_labelled_by_the_taxonomy() -> None:
    names = tuple(c.name for c in TAXONOMY.concepts)
    drawn = drawn_documents(24, 7, names, TAXONOMY, side=32)
    assert (drawn.types == SAFE).sum() == 12
    risky = drawn.types != SAFE
    assert (drawn.concepts[risky].sum(1) == 1).all()
    assert all(s.startswith("drawn:") for s in drawn.sources)


def test_padding_keeps_the_shape_on_mid_grey() -> None:
    pictures = torch.zeros(1, 40, 40, 3, dtype=torch.uint8)
    out = padded(pictures, torch.tensor([2.0]), 32)[0]
    assert (out[:, :8] == 128).all()
    assert (out[:, 8:24] == 0).all()
    assert (out[:, 24:] == 128).all()
