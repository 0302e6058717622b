"""Safety modules: against released-model numbers, against a second road, and folded = unfolded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from audit.errors import ScorerError
from audit.safety import (
    HeadDims,
    ProjectorDims,
    SafetyDims,
    SafetyModule,
    load_reference,
    to_reference,
)


def small(seed: int = 0, *, grid: int | None = None, mlp_depth: int = 2) -> SafetyModule:
    torch.manual_seed(seed)
    dims = SafetyDims(
        ProjectorDims(24, 32, 48, grid, depth=2, mlp_depth=mlp_depth),
        HeadDims(48, tokens=5, heads=4, concepts=3),
    )
    module = SafetyModule(dims).eval()
    with torch.no_grad():  # biases and tokens large enough that a forgotten one shows
        for p in module.parameters():
            p.add_(torch.randn_like(p) * 0.2)
    return module


@pytest.fixture(scope="module")
def case_a(shared: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    folder = shared / "parity"
    return (
        load_file(folder / "case_a.weights.safetensors"),
        load_file(folder / "case_a.io.safetensors"),
    )


@pytest.mark.parametrize("folded", [False, True])
def test_released_weights_give_the_released_numbers(case_a, folded: bool) -> None:
    weights, io = case_a
    module = load_reference(weights, query=io["text_embeddings"])
    with torch.inference_mode():
        projected = module.project(io["vision_features"])
        out = (module.folded() if folded else module)(io["vision_features"])
    torch.testing.assert_close(projected, io["projected"], atol=1e-4, rtol=0)
    torch.testing.assert_close(out.type_logits, io["type_logits"], atol=1e-4, rtol=0)
    torch.testing.assert_close(out.level_logits, io["level_logits"], atol=1e-4, rtol=0)
    assert module.dims.query_mode == "parity"


def test_released_weights_survive_the_round_trip(case_a) -> None:
    weights, io = case_a
    prefixed = {f"model.{k}": v for k, v in weights.items()} | {"lm_head.weight": torch.ones(1)}
    back = to_reference(load_reference(prefixed, query=io["text_embeddings"][0, 0]))
    assert back.keys() == weights.keys()
    for key, value in weights.items():
        assert torch.equal(back[key], value), key


def test_a_checkpoint_without_safety_modules_is_refused() -> None:
    with pytest.raises(ScorerError, match="not a PSA-VLM checkpoint"):
        load_reference({"vision.weight": torch.ones(2)})


def test_a_query_that_differs_between_samples_is_refused(case_a) -> None:
    weights, io = case_a
    query = io["text_embeddings"].clone()
    query[1, 0] += 1
    with pytest.raises(ScorerError, match="differs between samples"):
        load_reference(weights, query=query)


def test_released_sizes_have_the_released_parameter_counts() -> None:
    with torch.device("meta"):
        module = SafetyModule(SafetyDims(ProjectorDims(), HeadDims()))

    def count(m: torch.nn.Module) -> int:
        return sum(p.numel() for p in m.parameters())

    assert count(module.projector) == 40_115_920
    assert count(module.head.attention) == 67_125_248
    assert count(module.head.level_head) == 16_388
    assert count(module.head.type_head) == 28_679
    assert module.head.tokens.numel() == 262_144


@pytest.mark.parametrize("mlp_depth", [1, 2, 3])
@pytest.mark.parametrize("grid", [None, 3])
def test_folded_equals_unfolded(grid: int | None, mlp_depth: int) -> None:
    module = small(grid=grid, mlp_depth=mlp_depth)
    features = torch.randn(3, 36, 24)
    with torch.inference_mode():
        plain, fast = module(features), module.folded()(features)
    for name, a, b in zip(plain._fields, plain, fast, strict=True):
        assert a.abs().max() > 1e-3, name
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4, msg=name)


def test_attention_equals_the_textbook_formula() -> None:
    module = small()
    features = torch.randn(2, 16, 24)
    with torch.inference_mode():
        projected = module.project(features)
        out = module(features)
    a = module.head.attention
    w, b = a.in_proj_weight.detach().numpy(), a.in_proj_bias.detach().numpy()
    q = (w[:48] @ module.head.query.detach().numpy() + b[:48]).reshape(4, 12)
    for i in range(2):
        memory = np.concatenate([module.head.tokens.detach().numpy(), projected[i].numpy()])
        k = (memory @ w[48:96].T + b[48:96]).reshape(-1, 4, 12)
        v = (memory @ w[96:].T + b[96:]).reshape(-1, 4, 12)
        pooled, evidence = [], 0
        for h in range(4):
            s = k[:, h] @ q[h] / np.sqrt(12)
            p = np.exp(s - s.max())
            p /= p.sum()
            pooled.append(p @ v[:, h])
            evidence = evidence + p[5:] / 4
        feature = a.out_proj.weight.detach().numpy() @ np.concatenate(pooled)
        feature = feature + a.out_proj.bias.detach().numpy()
        types = module.head.type_head.weight.detach().numpy() @ feature
        types = types + module.head.type_head.bias.detach().numpy()
        np.testing.assert_allclose(out.type_logits[i].numpy(), types, atol=1e-4)
        np.testing.assert_allclose(out.evidence[i].flatten().numpy(), evidence, atol=1e-5)


def test_every_trainable_tensor_gets_a_gradient() -> None:
    module = small().train()
    out = module(torch.randn(2, 16, 24))
    (out.type_logits.sum() + out.level_logits.sum() + out.concept_logits.sum()).backward()
    silent = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_features_of_the_wrong_shape_are_refused_with_the_right_one() -> None:
    with pytest.raises(ValueError, match="24 wide"):
        small()(torch.randn(1, 16, 25))
    with pytest.raises(ValueError, match="square number"):
        small()(torch.randn(1, 15, 24))


def test_dims_survive_json() -> None:
    dims = small().dims
    assert SafetyDims.from_json(dims.to_json()) == dims


def test_projector_and_head_must_agree() -> None:
    with pytest.raises(ValueError, match="make the two equal"):
        SafetyDims(ProjectorDims(output_width=64), HeadDims(width=48))


def test_contributions_of_tokens_and_patches_add_up_to_the_logit() -> None:
    module = small(grid=3)
    features, reader = torch.randn(3, 36, 24), torch.randn(48)
    folded = module.folded()
    with torch.inference_mode():
        values, weights = folded.contributions(features, reader)
        pooled = module(features).pooled
    assert values.shape == weights.shape == (3, 4, 5 + 9)
    expected = (pooled - module.head.attention.out_proj.bias) @ reader
    torch.testing.assert_close((values * weights).sum((1, 2)), expected, atol=1e-4, rtol=1e-4)
