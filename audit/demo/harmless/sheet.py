"""What all harmless drawings share: a ground to draw on, palettes, and the way into a file."""

from __future__ import annotations

import colorsys
import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from audit.demo.harmless.faces import Colour

SHAPES = ((640, 640), (640, 480), (480, 640), (640, 400), (640, 520), (430, 640), (640, 360))
LONG_SIDES = (256, 288, 320, 384, 448, 512)
PHOTOGRAPHED = 0.25  # share of the pages that are seen on a table, through a camera


def ground(
    rng: random.Random, paper: Colour, shapes: tuple[tuple[int, int], ...] = SHAPES
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A fresh RGB picture of one of the shapes, longest side 640, and a pen on it."""
    image = Image.new("RGB", rng.choice(shapes), paper)
    return image, ImageDraw.Draw(image)


def hue(rng: random.Random, saturation: float, value: float) -> Colour:
    """A colour of any hue; saturation and value 0..1."""
    return hsv(rng.random(), saturation, value)


def hsv(h: float, s: float, v: float) -> Colour:
    """A colour from hue, saturation and value, each 0..1."""
    r, g, b = colorsys.hsv_to_rgb(h % 1, min(max(s, 0.0), 1.0), min(max(v, 0.0), 1.0))
    return round(r * 255), round(g * 255), round(b * 255)


def palette(rng: random.Random, count: int, saturation: float = 0.65) -> list[Colour]:
    """Colours that are told apart: hues spread evenly, values varied."""
    start, spread = rng.random(), rng.uniform(0.5, 1.0)
    return [
        hsv(start + spread * i / count, saturation * rng.uniform(0.6, 1.2), rng.uniform(0.5, 0.95))
        for i in range(count)
    ]


def paper(rng: random.Random) -> Colour:
    """White, cream, grey or a pale tint."""
    return rng.choice(
        ((255, 255, 255), (255, 255, 255), (250, 246, 235), (243, 240, 228), (238, 240, 243),
         hue(rng, 0.08, 0.97))
    )  # fmt: skip


def ink(rng: random.Random) -> Colour:
    """Black or nearly black."""
    return rng.choice(((0, 0, 0), (24, 24, 28), (40, 36, 34), hue(rng, 0.6, 0.3)))


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from a to b."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def ramp(size: tuple[int, int], a: Colour, b: Colour, angle: float = 90.0) -> Image.Image:
    """A linear blend from a to b along a direction in degrees, 90 is downwards."""
    wide, high = size
    turn = np.radians(angle)
    x = np.linspace(-0.5, 0.5, wide, dtype=np.float32)[None, :] * np.float32(np.cos(turn))
    y = np.linspace(-0.5, 0.5, high, dtype=np.float32)[:, None] * np.float32(np.sin(turn))
    t = x + y
    t = (t - t.min()) / max(float(t.max() - t.min()), 1e-6)
    share = Image.fromarray((t * 255).astype(np.uint8))
    return Image.composite(Image.new("RGB", size, b), Image.new("RGB", size, a), share)


def clouds(rng: random.Random, size: tuple[int, int], octaves: int = 5) -> np.ndarray:
    """[h, w] float32 smooth noise, 0..1."""
    dice = np.random.default_rng(rng.getrandbits(32))
    wide, high = size
    total = np.zeros((high, wide), np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 1)
        coarse = Image.fromarray(dice.random((cells + 1, cells + 1), np.float32))
        total += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) * np.float32(
            0.55**octave
        )
    total -= total.min()
    return np.asarray(total / max(float(total.max()), 1e-6), dtype=np.float32)


def photographed(image: Image.Image, rng: random.Random) -> Image.Image:
    """The page lying a little askew on a table, with its shadow and uneven light."""
    wide, high = image.size
    size = (round(wide * rng.uniform(1.08, 1.3)), round(high * rng.uniform(1.08, 1.3)))
    colour = rng.choice(((140, 100, 66), (205, 180, 140), (60, 62, 66), (225, 224, 220),
                         (88, 110, 96)))  # fmt: skip
    table = ramp(size, colour, blend(colour, (255, 250, 240), 0.3), rng.uniform(0, 360))
    turned = image.convert("RGBA").rotate(
        rng.uniform(-7, 7), Image.Resampling.BILINEAR, expand=True
    )
    corner = ((size[0] - turned.width) // 2, (size[1] - turned.height) // 2)
    shade = Image.new("L", size)
    shade.paste(turned.getchannel("A").point(lambda a: a * 0.5), (corner[0] + 6, corner[1] + 8))
    table.paste((20, 16, 12), mask=shade.filter(ImageFilter.GaussianBlur(7)))
    table.paste(turned, corner, turned)
    light = ramp(size, (255, 255, 255), (rng.randint(165, 240),) * 3, rng.uniform(0, 360))
    lit = np.asarray(table, np.uint16) * np.asarray(light, np.uint16) // 255
    return Image.fromarray(lit.astype(np.uint8))


def filed(image: Image.Image, rng: random.Random) -> bytes:
    """A file as it would be found: 256..512 pixels, now and then blurred, noisy or toned."""
    scale = rng.choice(LONG_SIDES) / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=None)
    if rng.random() < 0.3:
        image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.75, 1.15))
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.85, 1.1))
    if rng.random() < 0.12:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.1)))
    if rng.random() < 0.25:
        dice = np.random.default_rng(rng.getrandbits(32))
        noise = dice.normal(0, rng.uniform(3, 14), (size[1], size[0], 1)).astype(np.float32)
        grainy = np.clip(np.asarray(image, np.float32) + noise, 0, 255)
        image = Image.fromarray(grainy.astype(np.uint8))
    elif rng.random() < 0.08:
        image = image.convert("L").convert("RGB")
    file = io.BytesIO()
    form = rng.random()
    if form < 0.75:
        image.save(file, "JPEG", quality=rng.randint(40, 95))
    elif form < 0.9:
        image.save(file, "PNG", compress_level=1)
    else:
        image.save(file, "WEBP", quality=rng.randint(50, 90), method=1)
    return file.getvalue()
