"""What things are made of. Weapons and harmless things draw from the same colours on purpose."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Rng = np.random.Generator
Colour = tuple[float, float, float]
"""sRGB, each 0..1."""


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface answers light.

    gloss    0..1, strength of the highlight
    texture  pattern laid over the colour, `rough` is its strength 0..1
    """

    colour: Colour
    gloss: float = 0.2
    texture: Literal["plain", "wood", "knurl", "skin"] = "plain"
    rough: float = 0.05

    def lit(self, factor: float) -> Material:
        """Return the same material, lighter (> 1) or darker (< 1)."""
        r, g, b = (float(min(1.0, c * factor)) for c in self.colour)
        return replace(self, colour=(r, g, b))


def varied(rng: Rng, colour: Colour, amount: float = 0.03) -> Colour:
    """Return the colour moved a little."""
    base = np.array(colour) * (1 + rng.normal(0, amount * 2.5)) * (1 + rng.normal(0, amount, 3))
    r, g, b = np.clip(base, 0.01, 0.99)
    return float(r), float(g), float(b)


def _pick(rng: Rng, colours: tuple[Colour, ...]) -> Colour:
    return varied(rng, colours[int(rng.integers(len(colours)))])


def steel(rng: Rng) -> Material:
    """Black, blued, grey or bright metal."""
    shades: tuple[Colour, ...] = (
        (0.09, 0.09, 0.10), (0.13, 0.13, 0.14), (0.13, 0.14, 0.19), (0.22, 0.22, 0.23),
        (0.36, 0.36, 0.37), (0.58, 0.58, 0.57), (0.72, 0.72, 0.72),
    )  # fmt: skip
    return Material(_pick(rng, shades), float(rng.uniform(0.25, 0.8)), rough=0.05)


def polymer(rng: Rng) -> Material:
    """Matt plastic in the sober colours of tools and guns."""
    shades: tuple[Colour, ...] = (
        (0.08, 0.08, 0.08), (0.11, 0.11, 0.12), (0.17, 0.17, 0.18), (0.30, 0.31, 0.33),
        (0.56, 0.48, 0.36), (0.29, 0.31, 0.21),
    )  # fmt: skip
    return Material(_pick(rng, shades), float(rng.uniform(0.05, 0.3)), rough=0.08)


def wood(rng: Rng) -> Material:
    """Walnut to beech."""
    shades: tuple[Colour, ...] = (
        (0.42, 0.25, 0.13), (0.55, 0.34, 0.18), (0.28, 0.16, 0.09), (0.68, 0.49, 0.30),
        (0.48, 0.22, 0.12),
    )  # fmt: skip
    return Material(_pick(rng, shades), float(rng.uniform(0.1, 0.4)), "wood", 0.35)


def vivid(rng: Rng) -> Material:
    """Plastic or paint of any hue."""
    hue, sat, value = rng.uniform(), rng.uniform(0.2, 0.9), rng.uniform(0.25, 0.95)
    return Material(colorsys.hsv_to_rgb(hue, sat, value), float(rng.uniform(0.1, 0.6)))


def pale(rng: Rng) -> Material:
    """White, cream, light grey: paper, china, enamel."""
    shades: tuple[Colour, ...] = ((0.93, 0.93, 0.92), (0.90, 0.87, 0.80), (0.82, 0.83, 0.85))
    return Material(_pick(rng, shades), float(rng.uniform(0.05, 0.4)), rough=0.03)


def anything(rng: Rng) -> Material:
    """Draw from all of the above."""
    makers = (steel, steel, polymer, polymer, wood, vivid, vivid, vivid, pale)
    return makers[int(rng.integers(len(makers)))](rng)


def cloth(rng: Rng) -> Material:
    """Sleeves: dark, camouflage greens, blues, white shirts, any hue."""
    shades: tuple[Colour, ...] = (
        (0.10, 0.10, 0.12), (0.15, 0.18, 0.30), (0.30, 0.32, 0.22), (0.50, 0.45, 0.35),
        (0.85, 0.85, 0.86), (0.40, 0.12, 0.12), (0.35, 0.35, 0.37), (0.25, 0.35, 0.55),
    )  # fmt: skip
    return Material(_pick(rng, shades), 0.0, rough=0.3)


_TONES: tuple[Colour, ...] = (
    (0.97, 0.84, 0.76), (0.93, 0.75, 0.63), (0.86, 0.66, 0.51), (0.76, 0.53, 0.38),
    (0.58, 0.38, 0.26), (0.41, 0.26, 0.18), (0.27, 0.17, 0.13),
)  # fmt: skip


def skin(rng: Rng) -> Material:
    """Any human tone, evenly over the range."""
    at = rng.uniform(0, len(_TONES) - 1)
    low = min(int(at), len(_TONES) - 2)
    mix = np.array(_TONES[low]) * (1 - at + low) + np.array(_TONES[low + 1]) * (at - low)
    tone = (float(mix[0]), float(mix[1]), float(mix[2]))
    return Material(varied(rng, tone, 0.012), 0.12, "skin", 0.07)


DARK = Material((0.03, 0.03, 0.035), 0.05)
