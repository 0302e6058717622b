"""Encoders: the hidden layer really is the one asked for, and every way to fail says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from audit.compact import CompactDims
from audit.encoder import CompactEncoder, OpenClipEncoder, build_encoder, embedding_width
from audit.errors import ScorerError, UsageError, WeightsUnavailable

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 4, "width": 24, "head_width": 12, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, open_clip.CLIP]:
    """A real open_clip model, randomly initialised, its weights on disk."""
    folder = tmp_path_factory.mktemp("clip")
    (folder / "tiny-test-vit.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    model = open_clip.create_model("tiny-test-vit").eval()
    weights = folder / "tiny.safetensors"
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights)
    return "tiny-test-vit", weights, model


@pytest.mark.parametrize(("layer", "blocks"), [(-2, 3), (-1, 4), (0, 1), (2, 3), (-4, 1)])
def test_a_hidden_layer_equals_running_the_blocks_by_hand(tiny, layer: int, blocks: int) -> None:
    name, weights, model = tiny
    encoder = OpenClipEncoder(name, str(weights), layer).eval()
    pixels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    visual = model.visual
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
    with torch.inference_mode():
        got = encoder(pixels)
        x = (pixels / 255 - mean) / std
        x = visual.conv1(x).flatten(2).transpose(1, 2)
        x = torch.cat([visual.class_embedding.expand(2, 1, -1), x], 1)
        x = visual.ln_pre(x + visual.positional_embedding)
        for block in visual.transformer.resblocks[:blocks]:
            x = block(x)
        image_features = model.encode_image((pixels / 255 - mean) / std, normalize=True)
    torch.testing.assert_close(got.patches, x[:, 1:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(got.embedding, image_features, atol=1e-5, rtol=1e-4)
    assert (encoder.size, encoder.patch_width, encoder.embedding_width) == (32, 24, 16)


def test_a_layer_that_is_not_there_is_refused(tiny) -> None:
    for layer in (4, -5):
        with pytest.raises(UsageError, match=r"layers 0\.\.3"):
            OpenClipEncoder(tiny[0], str(tiny[1]), layer)


def test_weights_of_another_model_are_refused(tiny, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.ones(2)}, path)
    with pytest.raises(ScorerError, match="does not fit tiny-test-vit"):
        OpenClipEncoder(tiny[0], str(path))


def test_pickled_weights_are_refused_unopened(tiny, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(UsageError, match="only .safetensors"):
        OpenClipEncoder(tiny[0], str(path))


def test_a_missing_local_file_is_named(tiny) -> None:
    with pytest.raises(WeightsUnavailable, match="nowhere.safetensors: no such file"):
        OpenClipEncoder(tiny[0], "/nowhere.safetensors")


def test_an_unknown_model_or_tag_shows_what_is_known() -> None:
    with pytest.raises(UsageError, match="no model 'ViT-Q'"):
        OpenClipEncoder("ViT-Q", None)
    with pytest.raises(UsageError, match="openai"):
        OpenClipEncoder("ViT-L-14-336", "opneai")


def test_an_unreachable_hub_says_which_weights_where_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(WeightsUnavailable) as caught:
        OpenClipEncoder("ViT-B-32", "laion2b_s34b_b79k")
    line = str(caught.value)
    assert "laion2b_s34b_b79k" in line
    assert "ViT-B-32" in line
    assert str(tmp_path) in line
    assert ".safetensors" in line
    assert "\n" not in line


def test_the_compact_encoder_gives_a_square_grid_and_a_unit_embedding() -> None:
    encoder = CompactEncoder(CompactDims(size=64, stem=8, widths=(8, 16, 32), depth=1)).eval()
    with torch.inference_mode():
        out = encoder(torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8))
    assert out.patches.shape == (3, 16, 32)
    torch.testing.assert_close(out.embedding.norm(dim=-1), torch.ones(3))


def test_a_spec_builds_the_same_encoder_again() -> None:
    spec = CompactEncoder(CompactDims(size=32, stem=4, widths=(4, 8, 16), depth=1)).spec
    assert build_encoder(json.loads(json.dumps(spec))).spec == spec


def test_an_unknown_spec_is_refused() -> None:
    with pytest.raises(ScorerError, match="kind 'jax'"):
        build_encoder({"kind": "jax"})
    with pytest.raises(ScorerError, match="incomplete"):
        build_encoder({"kind": "open_clip"})


def test_without_a_layer_any_tower_gives_its_embedding(tmp_path: Path) -> None:
    vision = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}  # a ResNet: no list of blocks
    (tmp_path / "tiny-test-rn.json").write_text(json.dumps({**TINY, "vision_cfg": vision}))
    open_clip.add_model_config(tmp_path)
    with pytest.raises(UsageError, match="no list of layers"):
        OpenClipEncoder("tiny-test-rn", None)
    encoder = OpenClipEncoder("tiny-test-rn", None, None).eval()
    pixels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        out = encoder(pixels)
        wanted = encoder.visual(encoder.normalised(pixels))
    torch.testing.assert_close(out.embedding, wanted / wanted.norm(dim=-1, keepdim=True))
    assert out.patches.shape == (2, 0, 0)
    assert build_encoder(json.loads(json.dumps(encoder.spec))).layer is None


def test_the_width_of_embeddings_is_known_without_loading() -> None:
    assert [embedding_width(m) for m in ("ViT-B-32", "ViT-L-14")] == [512, 768]
    assert embedding_width("ViT-Q") is None
