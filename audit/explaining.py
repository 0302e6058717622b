"""Where in a picture the evidence for a decision lies, and a drawing of it.

A patch's evidence for a logit is

    sum over heads of   attention weight x (what the patch says to the logit - the head's mean),

positive part only: the derivative of the logit by the attention that the patch gets, which the
folded module gives exactly. Attention alone says where the module looks, not what it found
there: on pictures in which the scorer found the object, more of this evidence lies on the object
than of attention, of attention x value without the mean, or of Grad-CAM (`python -m
bench.explain` measures all that the folded module gives).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from audit import images, pixels
from audit.errors import UsageError
from audit.taxonomy import SAFE, TYPES

if TYPE_CHECKING:
    from torch import Tensor

    from audit.scorer import Scorer

Floats = npt.NDArray[np.float32]
SHOWN_SIDE = 640
"""Longest side of the drawing in pixels."""
_LOW, _MIDDLE, _HIGH = (0.0, "#20306a"), (0.5, "#e0482e"), (1.0, "#ffe45c")


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What speaks for one output, and where.

    what         name of a type or concept
    probability  0..1, the scorer's
    evidence     [h, w] float32, >= 0, sum 1: the upright picture, its longest side the scorer's
                 input side; outside of what a 'center' crop shows it is 0
    """

    what: str
    probability: float
    evidence: Floats


def explain(scorer: Scorer, image: bytes | np.ndarray, what: str | None = None) -> Explanation:
    """The evidence in an image file, or in RGB [H, W, 3] uint8; `what` as in `Scorer.explain`."""
    square, width, height = prepared(image, scorer)
    scores = scorer.score(square[None])
    types = dict(zip(TYPES, scores.types[0].tolist(), strict=True))
    found = dict(zip(scorer.concepts, scores.concepts[0].tolist(), strict=True))
    if what is None:
        risky = [t for t in scorer.card.types_covered if t != TYPES[SAFE]]
        if not risky:
            raise UsageError(f"scorer {scorer.card.name} covers no risk type; name a concept")
        what = max(risky, key=types.__getitem__)
    values, weights = scorer.contributions(square, reader_of(scorer, what))
    grid = evidence(values, weights, scorer.safety.dims.head.tokens)
    upright = on_upright(grid, scorer.size, width, height, scorer.crop_mode)
    return Explanation(what, {**types, **found}[what], upright / upright.sum())


def evidence(values: Floats, weights: Floats, tokens: int) -> Floats:
    """[h, w] float32 >= 0 from what [A, N + Q] tokens and patches say and their attention.

    Where no patch says more than the mean, the attention itself.
    """
    centred = values - (weights * values).sum(1, keepdims=True)
    on_patches = (weights * centred)[:, tokens:].sum(0).clip(0)
    if not on_patches.any():
        on_patches = weights[:, tokens:].mean(0)
    side = isqrt(len(on_patches))
    grid: Floats = on_patches.reshape(side, side).astype(np.float32)
    return grid


def reader_of(scorer: Scorer, what: str) -> Tensor:
    """The direction [E] in the safety features that an output reads; a type against safe."""
    head, card = scorer.safety.head, scorer.card
    if what in scorer.concepts and head.concept_head is not None:
        return head.concept_head.weight[scorer.concepts.index(what)].detach()
    if what in card.types_covered:
        rows = head.type_head.weight.detach()
        towards = rows[TYPES.index(what)]
        return towards if what == TYPES[SAFE] else towards - rows[SAFE]
    known = ", ".join((*card.types_covered, *scorer.concepts))
    raise UsageError(f"scorer {card.name} does not give {what!r}; it gives {known}")


def prepared(image: bytes | np.ndarray, scorer: Scorer) -> tuple[np.ndarray, int, int]:
    """[S, S, 3] uint8 for the encoder, and width and height of the upright picture."""
    if isinstance(image, bytes):
        picture = images.load(image, size=scorer.size, crop_mode=scorer.crop_mode, preview=False)
        return picture.pixels, picture.width, picture.height
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image must be [H, W, 3] uint8, not {list(image.shape)} {image.dtype}")
    height, width = image.shape[:2]
    whole = Image.fromarray(image)
    if scorer.crop_mode == "pad":
        small = pixels.shrunk(whole, width, height, scorer.size)
        return pixels.on_grey(small, scorer.size), width, height
    return pixels.centre(whole, width, height, scorer.size), width, height


def on_upright(grid: Floats, side: int, width: int, height: int, crop_mode: str) -> Floats:
    """A map [h, w] of the prepared square, side S, brought back onto the upright picture."""
    square = np.asarray(Image.fromarray(grid).resize((side, side), Image.Resampling.BILINEAR))
    across, down = pixels.fit(width, height, side)
    left, top = (side - across) // 2, (side - down) // 2
    if crop_mode == "pad":
        inside = square[top : top + down, left : left + across]
        return inside + np.float32(not inside.any())  # all of it in the margin: nowhere in here
    shorter = min(across, down)
    small = Image.fromarray(square).resize((shorter, shorter), Image.Resampling.BILINEAR)
    out = np.zeros((down, across), np.float32)
    left, top = (across - shorter) // 2, (down - shorter) // 2
    out[top : top + shorter, left : left + shorter] = np.asarray(small).clip(1e-12)
    return out


def draw(data: bytes, found: Explanation, legend: str) -> Image.Image:
    """The picture with its evidence as heat on it, a scale and one line of text below."""
    shown = images.load(data, size=SHOWN_SIDE, crop_mode="pad", preview=False)
    across, down = pixels.fit(shown.width, shown.height, SHOWN_SIDE)
    left, top = (SHOWN_SIDE - across) // 2, (SHOWN_SIDE - down) // 2
    picture = shown.pixels[top : top + down, left : left + across].astype(np.float32)
    share = Image.fromarray(found.evidence / found.evidence.max())
    heat = np.asarray(share.resize((across, down), Image.Resampling.BICUBIC)).clip(0, 1)
    blended = Image.fromarray(_heated(picture, heat))

    font = ImageFont.load_default(15)
    bar, line = 12, 26
    wide = max(across, int(font.getlength(legend)) + 16)
    sheet = Image.new("RGB", (wide, down + bar + line), "white")
    sheet.paste(blended, ((wide - across) // 2, 0))
    scale = np.tile(np.linspace(0, 1, wide, dtype=np.float32), (bar, 1))
    white = np.full((bar, wide, 3), 255, np.float32)
    sheet.paste(Image.fromarray(_heated(white, scale)), (0, down))
    ImageDraw.Draw(sheet).text((8, down + bar + 3), legend, "black", font)
    return sheet


def _heated(under: Floats, heat: Floats) -> npt.NDArray[np.uint8]:
    """[h, w, 3] 0..255 with heat [h, w] 0..1 on it: where it is 0, nothing is changed."""
    alpha = 0.7 * heat[..., None]
    return (under * (1 - alpha) + _colours(heat) * alpha).astype(np.uint8)


def _colours(heat: Floats) -> Floats:
    """0..1 -> RGB [..., 3] in 0..255: blue, red, yellow."""
    from PIL import ImageColor

    stops = (_LOW, _MIDDLE, _HIGH)
    places = [place for place, _ in stops]
    colours = np.array([ImageColor.getrgb(colour) for _, colour in stops], np.float32)
    channels = [np.interp(heat, places, colours[:, c]) for c in range(3)]
    return np.stack(channels, -1).astype(np.float32)
