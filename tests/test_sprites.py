"""Drawn objects: every kind draws, the same seed draws the same, the outline is tight."""

from __future__ import annotations

import numpy as np
import pytest

from audit.sprites import KINDS, pool, sprite


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_tight_visible_object(kind: str) -> None:
    for seed in range(2):
        rgba = sprite(kind, seed, 64)
        assert rgba.dtype == np.uint8
        assert rgba.ndim == 3
        assert rgba.shape[2] == 4
        assert max(rgba.shape[:2]) == 64
        alpha = rgba[..., 3]
        assert (alpha > 0).mean() > 0.03
        assert alpha.mean() / 255 > 0.01
        for border in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
            assert border.max() > 0


@pytest.mark.parametrize("kind", ["pistol_hand", "cigarette_smoke", "keys", "steam"])
def test_a_seed_decides_every_pixel(kind: str) -> None:
    first = sprite(kind, 5, 96)
    assert np.array_equal(first, sprite(kind, 5, 96))
    other = sprite(kind, 6, 96)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_colour_under_the_soft_edge_is_the_objects_own() -> None:
    rgba = sprite("white_stick", 3, 128)
    rim = (rgba[..., 3] > 40) & (rgba[..., 3] < 200)
    core = rgba[..., 3] == 255
    assert rgba[rim, :3].mean() > 0.6 * rgba[core, :3].mean()


def test_a_pool_holds_as_many_objects_as_asked_for() -> None:
    for concept in ("weapon", "smoking", None):
        drawn = pool(concept, 5, seed=1, size=48)
        assert len(drawn) == 5
        again = pool(concept, 5, seed=1, size=48)
        assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))


def test_an_unknown_concept_or_size_is_refused() -> None:
    with pytest.raises(ValueError, match="no sprite shows 'fire'"):
        pool("fire", 1, seed=0)
    with pytest.raises(ValueError, match="below 8"):
        sprite("cup", 0, 4)
