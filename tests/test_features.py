"""Stored features: computed once, found again by the picture, whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from audit.compact import CompactDims
from audit.encoder import CompactEncoder
from audit.training import features
from audit.training.features import FeatureCache

DIMS = CompactDims(size=32, stem=4, widths=(8, 8, 16), depth=1)


class Counting(CompactEncoder):
    """The compact encoder, which counts the pictures it has seen."""

    seen = 0

    def forward(self, pixels: torch.Tensor):
        self.seen += len(pixels)
        return super().forward(pixels)


def encoder(seed: int = 0) -> Counting:
    torch.manual_seed(seed)
    return Counting(DIMS)


def pictures(count: int) -> list[tuple[str, str, np.ndarray]]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return [(f"{n:064x}", f"{n:016x}", p) for n, p in enumerate(pixels)]


def fill(cache: FeatureCache, some: list[tuple[str, str, np.ndarray]]) -> None:
    for sha256, phash, pixels in some:
        if cache.phash(sha256) is None:
            cache.add(sha256, phash, pixels)
    cache.flush()


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "BLOCK_BYTES", 1500)
    monkeypatch.setattr(features, "CHUNK", 8)


def test_features_are_those_of_the_encoder_and_are_computed_once(tmp_path: Path) -> None:
    some, net = pictures(50), encoder()
    fill(FeatureCache(tmp_path, net, "pad"), some)
    assert net.seen == 50
    again = FeatureCache(tmp_path, net, "pad")
    assert len(again) == 50
    fill(again, some)
    assert net.seen == 50
    assert again.phash(some[3][0]) == some[3][1]
    rows = np.array([40, 3, 3])
    view = again.view([s for s, _, _ in some])
    with torch.inference_mode():
        pixels = torch.from_numpy(np.stack([some[i][2] for i in rows])).permute(0, 3, 1, 2)
        expected = net(pixels).patches
    torch.testing.assert_close(view.patches(rows), expected, atol=2e-3, rtol=2e-3)
    assert torch.equal(view.take(rows).patches(np.array([0])), view.patches(rows[:1]))


def test_only_missing_pictures_are_computed_after_a_kill(tmp_path: Path) -> None:
    some, net = pictures(50), encoder()
    cache = FeatureCache(tmp_path, net, "pad")
    for entry in some[:45]:  # killed before the end: what waits is lost, whole blocks are not
        cache.add(*entry)
    stored = len(FeatureCache(tmp_path, net, "pad"))
    assert 0 < stored < 45
    # A block without its .json, and one that is cut short, count as missing.
    blocks = sorted(cache.folder.glob("*.npy"))
    assert len(blocks) >= 1
    blocks[0].write_bytes(blocks[0].read_bytes()[:100])
    (cache.folder / "00099.npy").write_bytes(b"half")
    net.seen = 0
    again = FeatureCache(tmp_path, net, "pad")
    missing = 50 - len(again)
    fill(again, some)
    assert net.seen == missing > 50 - stored
    assert len(FeatureCache(tmp_path, net, "pad")) == 50


def test_another_encoder_layer_or_crop_has_features_of_its_own(tmp_path: Path) -> None:
    keys = {
        FeatureCache(tmp_path, encoder(0), "pad").key,
        FeatureCache(tmp_path, encoder(1), "pad").key,
        FeatureCache(tmp_path, encoder(0), "center").key,
    }
    assert len(keys) == 3
    assert FeatureCache(tmp_path, encoder(0), "pad").key in keys


def test_the_cost_of_a_picture_is_known_beforehand(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, encoder(), "pad")
    assert cache.bytes_each == cache.encoder(torch.zeros(1, 3, 32, 32)).patches.nelement() * 2
