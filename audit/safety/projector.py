"""The safety projector: Honeybee's C-Abstractor over patch features (PSA-VLM, papers.md 1.3).

Letters in shapes: B batch, T patches in (a square grid), Q patches out (a square grid),
D encoder width, H hidden width, E output width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import isqrt

from timm.layers import LayerNorm2d
from timm.models.regnet import RegStage
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class ProjectorDims:
    """Sizes of the projector; the defaults are those of the released 7B model.

    encoder_width  D, width of the patch features
    hidden_width   H, width of the convolutional stages
    output_width   E, width of the projected features
    output_grid    side of the square grid that leaves the pooling, Q = output_grid ** 2;
                   None keeps the input grid (the released sizes pool 24 x 24 to 24 x 24)
    depth          bottleneck blocks in each of the two stages
    mlp_depth      linear layers in the readout, >= 1
    """

    encoder_width: int = 1024
    hidden_width: int = 1088
    output_width: int = 4096
    output_grid: int | None = None
    depth: int = 3
    mlp_depth: int = 2


class SafetyProjector(nn.Module):
    """RegStage, average pooling to the output grid, RegStage, then an MLP readout with SiLU.

    Attribute names follow the released checkpoints, so that their keys differ by a prefix only.
    """

    def __init__(self, dims: ProjectorDims) -> None:
        super().__init__()
        stage = partial(RegStage, stride=1, dilation=1, act_layer=nn.SiLU, norm_layer=LayerNorm2d)
        self.dims = dims
        self.net = nn.Sequential(
            stage(dims.depth, dims.encoder_width, dims.hidden_width),
            nn.AdaptiveAvgPool2d((dims.output_grid, dims.output_grid)),
            stage(dims.depth, dims.hidden_width, dims.hidden_width),
        )
        layers: list[nn.Module] = [nn.Linear(dims.hidden_width, dims.output_width)]
        for _ in range(1, dims.mlp_depth):
            layers += [nn.SiLU(), nn.Linear(dims.output_width, dims.output_width)]
        self.readout = nn.Sequential(*layers)

    def abstract(self, patch_features: Tensor) -> Tensor:
        """The convolutional part: [B, T, D] -> [B, Q, H].

        raises  ValueError when T is not a square or D is not the encoder width
        """
        batch, patches, width = patch_features.shape
        side = isqrt(patches)
        if side * side != patches or width != self.dims.encoder_width:
            raise ValueError(
                f"safety projector got patch features [{batch}, {patches}, {width}]; it wants a "
                f"square number of patches, each {self.dims.encoder_width} wide"
            )
        grid = patch_features.transpose(1, 2).reshape(batch, width, side, side)
        out: Tensor = self.net(grid)
        return out.flatten(2).transpose(1, 2)

    def forward(self, patch_features: Tensor) -> Tensor:
        """Patch features [B, T, D] -> projected features [B, Q, E]."""
        projected: Tensor = self.readout(self.abstract(patch_features))
        return projected
