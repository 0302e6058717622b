"""Training: it learns, it repeats, and it says what it was trained on."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from audit.compact import CompactDims
from audit.errors import UsageError
from audit.evaluation import auroc
from audit.labelled import LabelledSet
from audit.scorer import Scorer, Scores
from audit.taxonomy import SAFE, TYPES, Taxonomy
from audit.training import Recipe, Task, assume, drawn_documents, train_compact
from audit.training.checkpoint import Checkpoint, clear

TAXONOMY = Taxonomy.load()
NAMES = ("fire", "id_card")  # neither can be drawn as an object
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
        digests=np.arange(count).astype(str),
    )


RECIPE = Recipe(steps=120, batch=24, rate=4e-3, documents=0, width=16, strength=0.0, averaging=0.95)


def task(count: int = 60, names: tuple[str, ...] = NAMES) -> Task:
    return Task(examples(count), names, TAXONOMY, "t")


@pytest.fixture(scope="module")
def from_scratch() -> Scorer:
    return train_compact(task(), RECIPE, dims=TINY)


def scored(scorer: Scorer, rows: LabelledSet) -> Scores:
    """All pictures are square, so scaling them is preparing them."""
    pixels = [np.asarray(Image.fromarray(p).resize((32, 32))) for p in rows.pictures]
    return scorer.score(np.stack(pixels))


def test_training_learns_what_the_pictures_show(from_scratch: Scorer) -> None:
    fresh = examples(90, seed=1)
    scores = scored(from_scratch, fresh)
    assert auroc(1 - scores.types[:, SAFE], fresh.types != SAFE) > 0.85
    assert auroc(scores.concepts[:, 0], fresh.names == "fire") > 0.85
    assert from_scratch.card.types_covered == ("illegal", "privacy", "safe")
    assert from_scratch.card.training["pictures"]["distinct"] == 60
    assert np.isnan(scores.types[:, TYPES.index("politics")]).all()


def test_a_second_run_goes_on_from_the_first(from_scratch: Scorer) -> None:
    recipe = Recipe(steps=2, batch=8, documents=0, width=16, strength=0.0, rate=1e-6)
    before = from_scratch.safety.head.query.clone()
    scorer = train_compact(task(), recipe, start=copy.deepcopy(from_scratch))
    torch.testing.assert_close(scorer.safety.head.query, before, atol=1e-3, rtol=0)
    assert scorer.card.training["before"]["recipe"]["steps"] == RECIPE.steps
    with pytest.raises(UsageError, match="concepts weapon"):
        train_compact(task(names=("weapon", "fire")), recipe, start=from_scratch)


def test_a_scorer_whose_card_tells_no_share_can_be_gone_on_from(from_scratch: Scorer) -> None:
    start = copy.deepcopy(from_scratch)
    del start.card.training["recipe"]["risky_share"]
    recipe = Recipe(steps=1, batch=8, documents=0, width=16, strength=0.0, rate=0.0)
    moved = train_compact(task(), recipe, start=start)
    # Taken as the share of the batches, so only the move to the recipe's share is left.
    expected = copy.deepcopy(from_scratch.safety)
    assume(expected, 0.5, recipe.risky_share)
    torch.testing.assert_close(
        moved.safety.head.type_head.bias, expected.head.type_head.bias, atol=1e-3, rtol=0
    )


def test_labels_without_a_single_concept_train_types_and_levels() -> None:
    rows = replace(examples(), concepts=np.zeros((60, 0), np.float32))
    recipe = Recipe(steps=2, batch=8, documents=0, width=16)  # objects may be pasted: none is known
    scorer = train_compact(Task(rows, (), TAXONOMY, "t"), recipe, dims=TINY)
    assert scorer.concepts == ()
    assert scorer.card.types_covered == ("illegal", "privacy", "safe")


def test_the_same_seed_gives_the_same_scorer(tmp_path: Path) -> None:
    def run(seed: int) -> Scorer:
        recipe = Recipe(steps=4, batch=8, documents=0, width=16, strength=0.0, seed=seed)
        return train_compact(task(), recipe, dims=TINY)

    first, second, other = run(1), run(1), run(2)
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != other.fingerprint
    loaded = Scorer.load(first.save(tmp_path / "s"), device="cpu")
    assert loaded.card.training["recipe"]["seed"] == 1
    assert loaded.card.training["mix"]["by_label"] == {"fire": 20, "id_card": 20, "neutral": 20}


def test_a_killed_run_goes_on_and_ends_with_the_same_scorer(tmp_path: Path) -> None:
    recipe = Recipe(steps=8, batch=8, documents=0, width=16, strength=0.0)
    whole = train_compact(task(), recipe, dims=TINY)

    killed = tmp_path / "killed"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        calls = []
        save = Checkpoint.save

        def dying(self: Checkpoint, tensors: dict, state: dict) -> None:
            save(self, tensors, state)
            calls.append(1)
            if len(calls) == 5:
                raise KeyboardInterrupt

        patch.setattr(Checkpoint, "save", dying)
        train_compact(task(), recipe, dims=TINY, out=killed, checkpoint_seconds=0)
    assert (killed / "unfinished.json").exists()
    resumed = train_compact(task(), recipe, dims=TINY, out=killed, checkpoint_seconds=1e9)
    assert resumed.fingerprint == whole.fingerprint
    with pytest.raises(UsageError, match="another recipe"):
        train_compact(task(), replace(recipe, seed=9), dims=TINY, out=killed)
    clear(killed)
    assert list(killed.iterdir()) == []


def test_another_assumed_share_moves_the_odds_by_just_that(from_scratch: Scorer) -> None:
    safety = copy.deepcopy(from_scratch.safety)
    features = torch.randn(3, 16, 16)
    before = safety(features).type_logits[:, [SAFE, 1]].softmax(-1)
    assume(safety, 0.5, 0.2)
    after = safety(features).type_logits[:, [SAFE, 1]].softmax(-1)
    torch.testing.assert_close(
        after[:, 0] / after[:, 1], before[:, 0] / before[:, 1] * 4, rtol=1e-4, atol=0
    )


def test_drawn_documents_are_half_risky_and_labelled_by_the_taxonomy() -> None:
    names = tuple(c.name for c in TAXONOMY.concepts)
    drawn = drawn_documents(24, 7, names, TAXONOMY, side=32)
    assert (drawn.types == SAFE).sum() == 12
    risky = drawn.types != SAFE
    assert (drawn.concepts[risky].sum(1) == 1).all()
    assert all(s.startswith("drawn:") for s in drawn.sources)
