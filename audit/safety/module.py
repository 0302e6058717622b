"""Projector, tokens and head as one module: patch features in, judgement out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from torch import Tensor, nn

from audit.safety.head import HeadDims, SafetyHead
from audit.safety.projector import ProjectorDims, SafetyProjector

if TYPE_CHECKING:
    from audit.safety.folded import FoldedSafetyModule

QueryMode = Literal["learned", "parity"]


class SafetyOutput(NamedTuple):
    """What the safety module says of a batch. B images, C concepts, E width, h x w output grid.

    type_logits     [B, 7], order of taxonomy.TYPES
    level_logits    [B, 4], order of taxonomy.LEVELS
    concept_logits  [B, C], multi-label (one sigmoid each)
    evidence        [B, h, w], >= 0: attention on each patch, mean over heads; what is missing
                    to 1 lies on the safety tokens
    pooled          [B, E], the safety features: what the three heads read
    """

    type_logits: Tensor
    level_logits: Tensor
    concept_logits: Tensor
    evidence: Tensor
    pooled: Tensor


@dataclass(frozen=True, slots=True)
class SafetyDims:
    """All sizes of a safety module, and where its query comes from.

    query_mode  'learned': the query is a trained parameter; 'parity': it is the constant row that
                the released model was trained with. Both are constant over images.
    """

    projector: ProjectorDims
    head: HeadDims
    query_mode: QueryMode = "learned"

    def __post_init__(self) -> None:
        if self.projector.output_width != self.head.width:
            raise ValueError(
                f"projector gives {self.projector.output_width}-wide features, head wants "
                f"{self.head.width}; make the two equal"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain data for a scorer card; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SafetyDims:
        """The inverse of `to_json`. raises TypeError on unknown or missing keys"""
        return cls(ProjectorDims(**data["projector"]), HeadDims(**data["head"]), data["query_mode"])


class SafetyModule(nn.Module):
    """The PSA-VLM safety modules on the audit path: no language model is involved."""

    def __init__(self, dims: SafetyDims) -> None:
        super().__init__()
        self.dims = dims
        self.projector = SafetyProjector(dims.projector)
        self.head = SafetyHead(dims.head)

    def project(self, patch_features: Tensor) -> Tensor:
        """Patch features [B, T, D] -> projected features [B, Q, E]."""
        projected: Tensor = self.projector(patch_features)
        return projected

    def forward(self, patch_features: Tensor) -> SafetyOutput:
        """Judge a batch of patch features [B, T, D], T a square number."""
        pooled, weights = self.head.attend(self.project(patch_features))
        return SafetyOutput(*self.head.classify(pooled), self.evidence(weights), pooled)

    def evidence(self, weights: Tensor) -> Tensor:
        """Attention weights [B, heads, N + Q] -> evidence map [B, h, w]."""
        on_patches = weights[:, :, self.dims.head.tokens :].mean(1)
        side = isqrt(on_patches.shape[1])
        grid: Tensor = on_patches.unflatten(1, (side, side))
        return grid

    def folded(self) -> FoldedSafetyModule:
        """The exact fast form for inference (see `audit.safety.folded`)."""
        from audit.safety.folded import FoldedSafetyModule

        return FoldedSafetyModule(self)
