"""Safety tokens and safety head (PSA-VLM, papers.md 1.2 steps 6 to 9).

Letters in shapes: B batch, Q projected patches, N safety tokens, E width, C concepts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class HeadDims:
    """Sizes of tokens and head; the defaults are those of the released 7B model.

    width     E, width of tokens, attention and classifiers; divisible by heads
    tokens    N, learned vectors put before the projected patches
    heads     attention heads
    types     classes of the type classifier
    levels    classes of the level classifier
    concepts  outputs of the multi-label concept classifier; 0 leaves it out (the released model)
    """

    width: int = 4096
    tokens: int = 64
    heads: int = 8
    types: int = 7
    levels: int = 4
    concepts: int = 0


class SafetyHead(nn.Module):
    """One query attends to safety tokens and projected patches; linear classifiers read the result.

    The query is an explicit row of its own: the released model took text position 0, which is the
    same `<pad>` row for every sample (papers.md O1), so nothing here depends on text or padding.
    """

    def __init__(self, dims: HeadDims) -> None:
        super().__init__()
        self.dims = dims
        self.tokens = nn.Parameter(torch.empty(dims.tokens, dims.width).normal_(0, 0.02))
        self.query = nn.Parameter(torch.empty(dims.width).normal_(0, 0.02))
        self.attention = nn.MultiheadAttention(dims.width, dims.heads, batch_first=True)
        self.type_head = nn.Linear(dims.width, dims.types)
        self.level_head = nn.Linear(dims.width, dims.levels)
        self.concept_head = nn.Linear(dims.width, dims.concepts) if dims.concepts else None

    def attend(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """Pool the projected patches.

        projected  [B, Q, E]
        returns    pooled [B, E], and attention weights [B, heads, N + Q] that sum to 1
        """
        batch = projected.shape[0]
        tokens = self.tokens.to(projected.dtype).expand(batch, -1, -1)
        memory = torch.cat([tokens, projected], dim=1)
        query = self.query.to(projected.dtype).expand(batch, 1, -1)
        pooled, weights = self.attention(query, memory, memory, average_attn_weights=False)
        return pooled[:, 0], weights[:, :, 0]

    def classify(self, pooled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pooled features [B, E] -> logits of types [B, 7], levels [B, 4], concepts [B, C]."""
        concepts = (
            pooled.new_zeros(pooled.shape[0], 0)
            if self.concept_head is None
            else self.concept_head(pooled)
        )
        return self.type_head(pooled), self.level_head(pooled), concepts
