"""The exact fast form of the safety module.

The query is the same for every image, so an attention head's scores are the product of the keys
with one vector. The keys are a linear map of the features before the last readout layer, so that
vector can be pulled back through the key projection and the last readout layer; and since the
weighted sum is linear too, value projection and last readout layer act on one pooled vector a head
instead of on every patch. Nothing is approximated.

Letters: B batch, Q patches, N tokens, A heads, d head width, E width, S width before the last
readout layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audit.safety.module import SafetyModule, SafetyOutput


class FoldedSafetyModule(nn.Module):
    """Inference form of a `SafetyModule`: equal outputs, a fraction of the arithmetic.

    A snapshot: later changes of the module it was made from do not reach it.
    """

    # Buffers, named here for the type checker.
    key_map: Tensor
    patch_score: Tensor
    token_score: Tensor
    value_map: Tensor
    patch_value: Tensor
    token_value: Tensor
    value_bias: Tensor

    @torch.no_grad()
    def __init__(self, module: SafetyModule) -> None:
        super().__init__()
        head, attention = module.head, module.head.attention
        heads, width = head.dims.heads, head.dims.width
        per_head = width // heads
        self.dims = module.dims
        self.abstract = module.projector.abstract
        self.net = module.projector.net
        *inner, last = module.projector.readout
        self.readout = nn.Sequential(*inner)
        self.out_proj = attention.out_proj
        self.classify = head.classify
        self.heads = nn.ModuleList(
            m for m in (head.type_head, head.level_head, head.concept_head) if m is not None
        )
        self.evidence = module.evidence

        # Folded in float64: products of big matrices, kept exact to float32.
        in_weight = attention.in_proj_weight.double()
        in_bias = attention.in_proj_bias.double()
        weights = [w.unflatten(0, (heads, per_head)) for w in in_weight.chunk(3)]  # each [A, d, E]
        biases = [b.unflatten(0, (heads, per_head)) for b in in_bias.chunk(3)]  # each [A, d]
        query = weights[0] @ head.query.double() + biases[0]
        # [A, E]; the key bias shifts all scores of a head alike, which softmax does not see.
        pulled = torch.einsum("ad,ade->ae", query, weights[1]) * per_head**-0.5
        last_weight, last_bias = last.weight.double(), last.bias.double()  # [E, S], [E]
        tokens = head.tokens.double()
        folds = {
            "key_map": pulled @ last_weight,  # [A, S]
            "patch_score": pulled @ last_bias,  # [A]
            "token_score": pulled @ tokens.T,  # [A, N]
            "value_map": weights[2] @ last_weight,  # [A, d, S]
            "patch_value": weights[2] @ last_bias,  # [A, d]
            "token_value": tokens @ weights[2].transpose(1, 2),  # [A, N, d]
            "value_bias": biases[2],  # [A, d]
        }
        for name, value in folds.items():
            self.register_buffer(name, value.to(head.query.dtype), persistent=False)

    def attend(self, patch_features: Tensor) -> tuple[Tensor, Tensor]:
        """Patch features [B, T, D] -> readout features [B, Q, S], attention [B, A, N + Q]."""
        features = self.readout(self.abstract(patch_features))
        scores = (features @ self.key_map.T).transpose(1, 2) + self.patch_score[:, None]
        tokens = self.token_score.expand(scores.shape[0], -1, -1)
        return features, torch.cat([tokens, scores], dim=2).softmax(-1)

    def pool(self, patch_features: Tensor) -> tuple[Tensor, Tensor]:
        """Patch features [B, T, D] -> pooled [B, E] and attention weights [B, A, N + Q]."""
        features, weights = self.attend(patch_features)
        on_tokens, on_patches = self._split(weights)
        summed = on_patches @ features  # [B, A, S]
        values = (
            torch.einsum("bas,ads->bad", summed, self.value_map)
            + on_patches.sum(-1, keepdim=True) * self.patch_value
            + torch.einsum("ban,and->bad", on_tokens, self.token_value)
            + self.value_bias
        )
        pooled: Tensor = self.out_proj(values.flatten(1))
        return pooled, weights

    def _split(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        count = self.dims.head.tokens
        return weights[:, :, :count], weights[:, :, count:]

    def contributions(self, patch_features: Tensor, reader: Tensor) -> tuple[Tensor, Tensor]:
        """What every token and patch adds to a linear reading of the pooled features.

        patch_features  [B, T, D]
        reader          [E], a row of a head, or a difference of two
        returns         values [B, A, N + Q], what a token or patch says, and the attention weights
                        [B, A, N + Q]; the sum of their product is `reader @ pooled`, less the
                        reader's product with the output projection's bias
        """
        features, weights = self.attend(patch_features)
        by_head = (reader @ self.out_proj.weight).unflatten(0, self.value_bias.shape)  # [A, d]
        maps = torch.einsum("ad,ads->as", by_head, self.value_map)
        patches = (features @ maps.T).transpose(1, 2) + (by_head * self.patch_value).sum(1)[:, None]
        tokens = torch.einsum("ad,and->an", by_head, self.token_value).expand(len(patches), -1, -1)
        bias = (by_head * self.value_bias).sum(1)[:, None]
        return torch.cat([tokens, patches], dim=2) + bias, weights

    def forward(self, patch_features: Tensor) -> SafetyOutput:
        """Judge a batch of patch features [B, T, D]; the same outputs as `SafetyModule`."""
        pooled, weights = self.pool(patch_features)
        return SafetyOutput(*self.classify(pooled), self.evidence(weights), pooled)
