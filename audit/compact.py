"""The bundled small vision encoder: a plain residual convolutional network.

Small enough to be trained from scratch on two CPU cores and to ship with the package. Letters in
shapes: B batch, S input side in pixels, G = S / 16 side of the feature grid, D feature width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class CompactDims:
    """Sizes of the compact encoder.

    size    S, input side in pixels, a multiple of 16
    stem    channels after the first, stride-2 convolution
    widths  channels of the stages at strides 4, 8 and 16; the last is D
    depth   residual blocks in each stage
    """

    size: int = 160
    stem: int = 24
    widths: tuple[int, int, int] = (48, 96, 192)
    depth: int = 2


def _conv(ins: int, outs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(ins, outs, 3, stride, 1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)
    )


class _Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(x + self.second(self.first(x)))
        return out


class CompactNet(nn.Module):
    """Normalised pixels [B, 3, S, S] -> feature grid [B, D, G, G]."""

    def __init__(self, dims: CompactDims) -> None:
        super().__init__()
        self.dims = dims
        layers: list[nn.Module] = [_conv(3, dims.stem, 2)]
        for ins, outs in pairwise((dims.stem, *dims.widths)):
            layers.append(_conv(ins, outs, 2))
            layers += [_Block(outs) for _ in range(dims.depth)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The feature grid [B, D, G, G], >= 0."""
        out: Tensor = self.layers(x)
        return out
