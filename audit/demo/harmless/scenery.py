"""Drawn views: landscapes, night skies, portraits, and grounds without a subject."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from audit.demo.harmless.faces import Colour
from audit.demo.harmless.sheet import SHAPES, blend, clouds, hsv, hue, palette, ramp


def _ridge(rng: random.Random, wide: int, base: float, rough: float) -> list[tuple[float, float]]:
    """A line of hills from left to right about the height `base`."""
    waves = [(rng.uniform(0.5, 6), rng.uniform(0, 6.3), rng.uniform(0.2, 1)) for _ in range(5)]
    return [
        (x, base + rough * sum(a / f * math.sin(f * 6.28 * x / wide + p) for f, p, a in waves))
        for x in range(0, wide + 8, 8)
    ]


def _tree(pen: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float, size: float) -> None:
    green = hsv(rng.uniform(0.2, 0.42), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.6))
    if rng.random() < 0.15:
        green = hsv(rng.uniform(0.03, 0.12), 0.8, 0.7)
    pen.rectangle((x - size * 0.05, y - size * 0.4, x + size * 0.05, y), (92, 66, 44))
    if rng.random() < 0.5:
        for k in range(3):
            w = size * (0.32 - 0.07 * k)
            top = y - size * (0.55 + 0.22 * k)
            pen.polygon([(x - w, top + size * 0.33), (x + w, top + size * 0.33), (x, top)], green)
    else:
        for _ in range(7):
            a, b = x + rng.gauss(0, size * 0.13), y - size * 0.65 + rng.gauss(0, size * 0.12)
            r = size * rng.uniform(0.12, 0.2)
            pen.ellipse(
                (a - r, b - r, a + r, b + r), blend(green, (255, 255, 200), rng.random() / 4)
            )


def _house(pen: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float, size: float) -> None:
    wall, roof = hue(rng, 0.25, 0.9), hsv(rng.uniform(0, 0.08), 0.6, rng.uniform(0.4, 0.7))
    pen.rectangle((x, y - size * 0.6, x + size, y), wall)
    pen.polygon([(x - size * 0.1, y - size * 0.6), (x + size * 1.1, y - size * 0.6),
                 (x + size / 2, y - size * 1.05)], roof)  # fmt: skip
    for k in (0.15, 0.6):
        box = (x + size * k, y - size * 0.45, x + size * (k + 0.22), y - size * 0.22)
        pen.rectangle(box, (170, 205, 230), (255, 255, 255), 2)
    pen.rectangle((x + size * 0.42, y - size * 0.3, x + size * 0.56, y), (110, 70, 45))


def view(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A landscape of layered hills, fields, sea or desert under a sky with sun and clouds."""
    wide, high = size
    hour = rng.random()
    top, low = (
        (hsv(rng.uniform(0.55, 0.62), rng.uniform(0.3, 0.75), rng.uniform(0.7, 1)), (225, 238, 250))
        if hour < 0.65
        else (hsv(rng.uniform(0.62, 0.8), 0.5, 0.55), hsv(rng.uniform(0.0, 0.12), 0.5, 0.98))
    )
    image = ramp(size, top, low)
    horizon = high * rng.uniform(0.4, 0.68)
    puffs = clouds(rng, size)
    puffs = np.clip((puffs - rng.uniform(0.45, 0.75)) * 4, 0, 0.9)
    image.paste((255, 250, 246), mask=Image.fromarray((puffs * 255).astype(np.uint8)))
    pen = ImageDraw.Draw(image)
    if rng.random() < 0.6:
        x, y, r = rng.uniform(0, wide), rng.uniform(0.05, 0.9) * horizon, rng.uniform(14, 44)
        pen.ellipse((x - r, y - r, x + r, y + r), hsv(rng.uniform(0.08, 0.15), 0.35, 1))
    base = hsv(rng.uniform(0.08, 0.45), rng.uniform(0.25, 0.6), rng.uniform(0.35, 0.7))
    layers = rng.randint(2, 5)
    for k in range(layers):
        depth = (k + 1) / layers
        y = horizon + (high - horizon) * 0.55 * (depth - 1 / layers)
        line = _ridge(rng, wide, y, rng.uniform(6, 60) * (1.2 - depth * 0.7))
        colour = blend(low, base, 0.35 + 0.65 * depth)
        pen.polygon([*line, (wide + 8, high), (0, high)], blend(colour, (0, 0, 0), 0.12 * k))
    kind = rng.random()
    if kind < 0.3:  # a lake or the sea
        y = high * rng.uniform(0.62, 0.8)
        pen.rectangle((0, y, wide, high), blend(top, (20, 60, 90), 0.4))
        for _ in range(50):
            x, v = rng.uniform(0, wide), rng.uniform(y, high)
            pen.line((x, v, x + rng.uniform(10, 60), v), blend(top, (255, 255, 255), 0.4), 2)
    elif kind < 0.85:
        spots = sorted(
            rng.uniform(horizon + (high - horizon) * 0.3, high) for _ in range(rng.randint(3, 26))
        )
        for y in spots:
            scale = (y - horizon) / (high - horizon)
            draw = _house if rng.random() < 0.12 else _tree
            draw(pen, rng, rng.uniform(0, wide), y, scale * high * rng.uniform(0.15, 0.4))
    return image


def landscapes(rng: random.Random) -> Image.Image:
    """A view, as flat illustration, soft as paint, or with the grain of canvas."""
    image = view(rng, rng.choice(SHAPES))
    style = rng.random()
    if style < 0.3:
        image = image.quantize(rng.randint(6, 20)).convert("RGB")
    elif style < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(2.5))
    elif style < 0.7:
        weave = (clouds(rng, image.size, 7) * 50).astype(np.int16)[..., None] - 25
        image = Image.fromarray(
            np.clip(np.asarray(image, np.int16) + weave, 0, 255).astype(np.uint8)
        )
    return image


def night_skies(rng: random.Random) -> Image.Image:
    """Stars, perhaps a moon, a milky way, northern lights, a dark ridge or a lit town."""
    size = rng.choice(SHAPES)
    wide, high = size
    low = hsv(rng.uniform(0.55, 0.8), rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.4))
    image = ramp(size, hsv(rng.uniform(0.6, 0.75), 0.7, rng.uniform(0.02, 0.15)), low)
    light = np.asarray(image, np.float32)
    glow = clouds(rng, size, 6)
    kind = rng.random()
    if kind < 0.35:  # a band of stars across
        y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
        lean, at = rng.uniform(-0.9, 0.9), rng.uniform(0.3, 0.7)
        band = np.exp(-(((y / high - at) - lean * (x / wide - 0.5)) ** 2) / 0.02)
        light = (
            light + (band * glow * 130)[..., None] * np.array(hue(rng, 0.25, 1.0), np.float32) / 255
        )
    elif kind < 0.6:  # curtains of light
        y = np.linspace(0, 1, high, dtype=np.float32)[:, None]
        curtain = glow.mean(axis=0)[None, :] * np.exp(-(((y - 0.45) / 0.2) ** 2)) * (glow + 0.3)
        colour = np.array(hsv(rng.uniform(0.3, 0.5), 0.7, 1.0), np.float32) / 255
        light = light + (curtain * 260)[..., None] * colour
    image = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(60, 700)):
        x, y, r = rng.uniform(0, wide), rng.uniform(0, high), rng.choice((0.6, 0.8, 1, 1, 1.6, 2.2))
        pen.ellipse((x - r, y - r, x + r, y + r), blend(low, (255, 252, 240), rng.uniform(0.4, 1)))
    if rng.random() < 0.45:
        x, y, r = rng.uniform(40, wide - 40), rng.uniform(40, high * 0.5), rng.uniform(14, 50)
        pen.ellipse((x - r, y - r, x + r, y + r), (245, 240, 220))
        if rng.random() < 0.5:
            pen.ellipse(
                (x - r * 0.4, y - r * 1.1, x + r * 1.6, y + r * 0.9), blend(low, (0, 0, 0), 0.5)
            )
    if rng.random() < 0.7:
        line = _ridge(rng, wide, high * rng.uniform(0.75, 0.92), rng.uniform(10, 50))
        pen.polygon([*line, (wide + 8, high), (0, high)], (6, 8, 14))
        for _ in range(rng.choice((0, 0, 40, 90))):
            x, y = rng.uniform(0, wide), high * rng.uniform(0.9, 1)
            pen.rectangle((x, y, x + 3, y + 3), (255, 214, 130))
    return image


_SKIN = ((252, 220, 196), (240, 196, 160), (216, 162, 120), (176, 120, 82), (126, 82, 56),
         (88, 56, 40))  # fmt: skip


def portraits(rng: random.Random) -> Image.Image:
    """A drawn head and shoulders, flat or soft as a painting; hair, glasses, hats, smiles."""
    size = rng.choice(((480, 640), (560, 640), (640, 640)))
    wide, high = size
    image = Image.new("RGB", size)
    back = palette(rng, 2, 0.4)
    image.paste(ramp(size, back[0], back[1], rng.uniform(0, 180)))
    pen = ImageDraw.Draw(image)
    skin: Colour = rng.choice(_SKIN)
    shade, hair = blend(skin, (80, 20, 10), 0.2), hsv(rng.uniform(0.02, 0.13), rng.uniform(0, 0.8),
                                                     rng.uniform(0.06, 0.85))  # fmt: skip
    cloth = hue(rng, 0.6, rng.uniform(0.3, 0.9))
    cx, cy = wide / 2 + rng.uniform(-30, 30), high * rng.uniform(0.38, 0.46)
    rx, ry = wide * rng.uniform(0.17, 0.22), high * rng.uniform(0.19, 0.24)
    long = rng.random() < 0.5
    if long:
        pen.rounded_rectangle(
            (cx - rx * 1.3, cy - ry * 1.1, cx + rx * 1.3, cy + ry * 1.5), rx, hair
        )
    pen.rounded_rectangle((cx - wide * 0.36, high * 0.76, cx + wide * 0.36, high * 1.3), 90, cloth)
    pen.rectangle((cx - rx * 0.42, cy + ry * 0.6, cx + rx * 0.42, high * 0.8), shade)
    pen.chord((cx - rx * 0.7, high * 0.7, cx + rx * 0.7, high * 0.86), 0, 180, skin)
    for side in (-1, 1):
        x = cx + side * rx
        pen.ellipse((x - rx * 0.2, cy - ry * 0.1, x + rx * 0.2, cy + ry * 0.3), shade)
    pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), skin)
    fringe = rng.choice((0.25, 0.4, 0.55))
    pen.chord((cx - rx * 1.06, cy - ry * 1.12, cx + rx * 1.06, cy + ry * fringe), 180, 360, hair)
    eye = hsv(rng.uniform(0.05, 0.6), 0.6, 0.4)
    for side in (-1, 1):
        x, y = cx + side * rx * 0.42, cy + ry * 0.05
        w = rx * 0.2
        pen.ellipse((x - w, y - w * 0.65, x + w, y + w * 0.65), (250, 250, 250))
        pen.ellipse((x - w * 0.5, y - w * 0.5, x + w * 0.5, y + w * 0.5), eye)
        pen.ellipse((x - w * 0.2, y - w * 0.2, x + w * 0.2, y + w * 0.2), (10, 10, 10))
        pen.arc((x - w * 1.3, y - w * 2, x + w * 1.3, y), 200, 340, blend(hair, (0, 0, 0), 0.3), 6)
        cheek = blend(skin, (240, 120, 110), 0.3)
        pen.ellipse((x - w, y + ry * 0.28, x + w, y + ry * 0.28 + w), cheek)
    pen.line((cx, cy + ry * 0.1, cx - rx * 0.08, cy + ry * 0.38, cx + rx * 0.06, cy + ry * 0.4),
             shade, 5, "curve")  # fmt: skip
    lips = blend(skin, (190, 50, 60), 0.55)
    mouth = (cx - rx * 0.38, cy + ry * 0.35, cx + rx * 0.38, cy + ry * 0.72)
    if rng.random() < 0.4:
        pen.chord(mouth, 15, 165, (255, 255, 255), lips, 4)
    else:
        pen.arc(mouth, 25, 155, lips, 7)
    if rng.random() < 0.35:
        for side in (-1, 1):
            x, w = cx + side * rx * 0.44, rx * 0.34
            pen.ellipse((x - w, cy - w * 0.8, x + w, cy + w * 1.1), None, (30, 30, 34), 6)
        pen.line((cx - rx * 0.1, cy, cx + rx * 0.1, cy), (30, 30, 34), 6)
    if rng.random() < 0.25:
        hat = hue(rng, 0.6, 0.6)
        pen.chord((cx - rx * 1.1, cy - ry * 1.5, cx + rx * 1.1, cy), 180, 360, hat)
        pen.rounded_rectangle(
            (cx - rx * 1.4, cy - ry * 0.82, cx + rx * 1.4, cy - ry * 0.66), 8, hat
        )
    if rng.random() < 0.35:
        image = image.quantize(12).convert("RGB").filter(ImageFilter.GaussianBlur(2))
    return image


def plain_grounds(rng: random.Random) -> Image.Image:
    """Nothing to see: one colour, a blend, noise, stripes, dots, soft clouds, a vignette."""
    size = rng.choice(SHAPES)
    wide, high = size
    one, two = palette(rng, 2, rng.choice((0.0, 0.3, 0.8)))
    dice = np.random.default_rng(rng.getrandbits(32))
    match rng.randrange(8):
        case 0:
            return Image.new("RGB", size, rng.choice((one, (0, 0, 0), (255, 255, 255))))
        case 1 | 2:
            return ramp(size, one, two, rng.uniform(0, 360))
        case 3:
            cell = rng.choice((1, 2, 8))
            shape = (high // cell, wide // cell, rng.choice((1, 3)))
            noise = np.broadcast_to(dice.integers(0, 256, shape), (*shape[:2], 3)).astype(np.uint8)
            return Image.fromarray(noise).resize(size, Image.Resampling.NEAREST)
        case 4:
            image = Image.new("RGB", size, one)
            pen, step = ImageDraw.Draw(image), rng.randint(12, 90)
            lean = rng.choice((0, 0, high, -high))
            for x in range(-high, wide + high, 2 * step):
                pen.polygon([(x, 0), (x + step, 0), (x + step + lean, high), (x + lean, high)], two)
            return image
        case 5:
            image = Image.new("RGB", size, one)
            pen, step = ImageDraw.Draw(image), rng.randint(20, 80)
            r = step * rng.uniform(0.15, 0.45)
            for y in range(0, high + step, step):
                for x in range((y // step % 2) * step // 2, wide + step, step):
                    pen.ellipse((x - r, y - r, x + r, y + r), two)
            return image
        case 6:
            fog = Image.fromarray((clouds(rng, size) * 255).astype(np.uint8))
            return Image.composite(Image.new("RGB", size, one), Image.new("RGB", size, two), fog)
        case _:
            rings = Image.radial_gradient("L").resize(size)
            return Image.composite(Image.new("RGB", size, one), Image.new("RGB", size, two), rings)
