"""Composed batches: labels follow what was done to the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audit.augment import inset, margin, paste_sprite, views
from audit.composing import Composer
from audit.labelled import LabelledSet
from audit.taxonomy import SAFE, Taxonomy

TAXONOMY = Taxonomy.load()
NAMES = ("weapon", "smoking", "fire")


def examples() -> LabelledSet:
    rng = np.random.default_rng(0)
    names = np.array(["neutral"] * 12 + ["smoking"] * 6 + ["fire"] * 6 + ["neutral"] * 4)
    sources = np.array(["a"] * 12 + ["b"] * 6 + ["c"] * 6 + ["drawn:recipe"] * 4)
    types = np.where(names == "neutral", SAFE, 1)
    return LabelledSet(
        pictures=rng.integers(0, 256, (28, 48, 48, 3), dtype=np.uint8),
        aspects=np.ones(28, np.float32),
        types=types,
        levels=np.where(types == SAFE, 0, 1),
        concepts=np.stack([(names == n).astype(np.float32) for n in NAMES], 1),
        names=names,
        sources=sources,
        groups=sources,
        digests=np.arange(28).astype(str),
    )


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer(examples(), NAMES, TAXONOMY, seed=3, sprites=8)


def test_the_same_seed_gives_the_same_batches() -> None:
    a, b = (Composer(examples(), NAMES, TAXONOMY, seed=5, sprites=6).batch(16) for _ in range(2))
    assert torch.equal(a.images, b.images)
    assert torch.equal(a.concepts, b.concepts)


def test_type_level_and_concepts_never_contradict_each_other(composer: Composer) -> None:
    batch = composer.batch(400)
    risky = batch.types != SAFE
    assert (batch.levels[~risky] == 0).all()
    assert (batch.levels[risky] > 0).all()
    assert (batch.concepts[~risky] < 0.1).all()
    assert (batch.concepts[risky].max(1).values == 1).all()
    assert (batch.concepts[:, 0] == 1).any(), "weapons come only from drawn objects here"
    doubtful = batch.weights < 1
    assert doubtful.any()
    assert (batch.types[doubtful] == SAFE).all()


def test_both_halves_are_drawn_about_equally(composer: Composer) -> None:
    rows = examples()
    assert composer.odds[rows.types == SAFE].sum() == pytest.approx(0.5)
    drawn = composer.odds[rows.sources == "drawn:recipe"].sum()
    assert drawn == pytest.approx(0.5 * 2 * 0.25 / (12**0.5 + 2 * 0.25))


def test_drawn_documents_stay_as_they_are(composer: Composer) -> None:
    for row in range(24, 28):
        picture, kind, *_ = composer._compose(row)
        assert picture is composer.examples.pictures[row] or np.array_equal(
            picture, composer.examples.pictures[row]
        )
        assert kind == SAFE


def test_no_strength_leaves_pictures_and_labels_as_they_are() -> None:
    rows = examples()
    composer = Composer(rows, NAMES, TAXONOMY, seed=3, sprites=2, strength=0.0)
    for row in range(len(rows)):
        picture, kind, *_ = composer._compose(row)
        assert np.array_equal(picture, rows.pictures[row])
        assert kind == rows.types[row]


def test_views_keep_shape_and_range_and_change_the_look() -> None:
    images = torch.from_numpy(examples().pictures).permute(0, 3, 1, 2)
    out = views(images, torch.ones(28), 32, torch.Generator().manual_seed(1))
    assert out.shape == (28, 3, 32, 32)
    assert out.min() >= 0
    assert out.max() <= 255
    again = views(images, torch.ones(28), 32, torch.Generator().manual_seed(1))
    other = views(images, torch.ones(28), 32, torch.Generator().manual_seed(2))
    assert torch.equal(out, again)
    assert not torch.equal(out, other)


def test_a_transparent_object_changes_nothing_and_the_input_is_left_alone() -> None:
    picture = examples().pictures[0]
    before = picture.copy()
    rng = np.random.default_rng(0)
    clear = np.zeros((20, 40, 4), np.uint8)
    assert np.array_equal(paste_sprite(picture, clear, (0.3, 0.6), rng), before)
    solid = np.full((20, 40, 4), 255, np.uint8)
    changed = (paste_sprite(picture, solid, (0.5, 0.6), rng) != before).any(2).mean()
    assert 0.02 < changed < 0.6
    assert np.array_equal(picture, before)


def test_an_inset_keeps_the_background_around_it() -> None:
    background, picture = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    out = inset(background, picture, np.random.default_rng(1))
    assert 0.1 < (out > 128).any(2).mean() < 0.75
    assert (out[0] == 0).all() or (out[-1] == 0).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_margin_comes_from_the_edge(seed: int) -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[20:40, 20:40] = 255  # the thing in the middle
    assert margin(picture, np.random.default_rng(seed), top_only=False).max() == 0
    below = np.zeros((60, 60, 3), np.uint8)
    below[25:] = 255
    assert margin(below, np.random.default_rng(seed), top_only=True).max() == 0
