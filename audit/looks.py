"""Does a picture look like text? A cheap test that decides where reading words is worth its cost.

Pages of text are mostly paper and strokes: flat blocks, blocks with two tones and little between
them, edges that come in pairs. Eight such measures, weighed by a logistic regression that
`python -m bench.looks` fits and measures.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

SIDE: Final = 128
MEASURES: Final = (
    "edges differ between rows",
    "strokes",
    "strokes among edges",
    "vertical against horizontal edges",
    "flat blocks of 8",
    "paper differs between blocks of 8",
    "flat blocks of 16",
    "two tones in blocks of 16",
)
_MEAN: Final = np.array([0.04632, 0.03064, 0.3142, 0.9631, 0.1757, 1.011, 0.06515, 0.6153])
_SPREAD: Final = np.array([0.03211, 0.03308, 0.1772, 0.343, 0.1716, 0.3264, 0.1153, 0.1408])
_WEIGHT: Final = np.array([1.346, -0.7202, 1.31, -1.586, -0.5748, -0.9576, 0.2077, 2.46])
_BIAS: Final = -2.409


def looks_like_text(image: np.ndarray) -> bool:
    """Whether the words of a prepared picture [S, S, 3] uint8 should be read; grey bars ignored."""
    return text_likeness(image) > 0


def text_likeness(image: np.ndarray) -> float:
    """Above 0 for a picture [H, W, 3] uint8 that looks like text; log odds of the fit."""
    found = measures(image)
    if found is None:
        return float("-inf")
    return float((found - _MEAN) / _SPREAD @ _WEIGHT + _BIAS)


def measures(image: np.ndarray) -> np.ndarray | None:
    """[8] float64, order of MEASURES; None for a picture with nothing in it but bars."""
    small = Image.fromarray(image).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    grey = np.asarray(small).astype(np.int16)
    bars = np.abs(grey - 128) <= 1
    grey = grey[~bars.all(1)][:, ~bars.all(0)]
    if min(grey.shape) < 32:
        return None
    step = np.diff(grey, axis=1)
    across, down = np.abs(step), np.abs(np.diff(grey, axis=0))
    edges = across > 30
    rising, falling = step > 25, step < -25
    strokes = np.zeros_like(rising)
    for width in (1, 2, 3):
        strokes[:, width:] |= rising[:, width:] & falling[:, :-width]
        strokes[:, width:] |= falling[:, width:] & rising[:, :-width]
    flat_8, _, paper_8 = _blocks(grey, 8)
    flat_16, tones_16, _ = _blocks(grey, 16)
    return np.array([
        edges.mean(1).std(),
        strokes.mean(),
        strokes.mean() / (edges.mean() + 0.01),
        across.mean() / (down.mean() + 1),
        flat_8,
        paper_8,
        flat_16,
        tones_16,
    ])  # fmt: skip


def _blocks(grey: np.ndarray, side: int) -> tuple[float, float, float]:
    """Share of flat blocks; of pixels near the ends of a contrasty block; spread of its paper."""
    high, wide = grey.shape[0] // side * side, grey.shape[1] // side * side
    cut = grey[:high, :wide].reshape(high // side, side, wide // side, side)
    blocks = cut.swapaxes(1, 2).reshape(-1, side * side)
    low, top = blocks.min(1), blocks.max(1)
    contrasty = top - low > 45
    flat = float((top - low < 12).mean())
    if not contrasty.any():
        return flat, 0.5, 1.0
    place = (blocks - low[:, None]) / (top - low + 1)[:, None]
    ends = ((place < 0.25) | (place > 0.75)).mean(1)
    paper = np.where((place > 0.5).mean(1) > 0.5, top, low)
    return flat, float(ends[contrasty].mean()), float(paper[contrasty].std() / 64)
