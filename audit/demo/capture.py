"""What happens to every drawing on its way to a file: screen, scanner, camera, network.

Risky and harmless drawings go through the same stage with the same odds, so that nothing but
their content tells them apart.
"""

from __future__ import annotations

import io
import random

from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from audit.demo.ink import Colour, gradient, mix, tint

LONG_SIDES = (224, 256, 288, 320)


def capture(image: Image.Image, rng: random.Random) -> Image.Image:
    """The RGB drawing as it would be found: longest side 224..320 pixels."""
    image = _place(image, rng)
    image = _resized(image, rng.choice(LONG_SIDES))
    if rng.random() < 0.25:
        image = _shade(image, rng)
    if rng.random() < 0.4:
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.75, 1.12))
        image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.75, 1.15))
    if rng.random() < 0.2:
        image = ImageEnhance.Color(image).enhance(rng.choice((0.0, 0.4, 1.4)))
    if rng.random() < 0.2:
        image = ImageChops.multiply(image, Image.new("RGB", image.size, tint(rng, 215, 255)))
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
    if rng.random() < 0.15:
        image = _resized(_resized(image, rng.randint(150, 200)), max(image.size))
    if rng.random() < 0.3:
        image = _grain(image, rng)
    if rng.random() < 0.5:
        image = _recompressed(image, rng.randint(35, 90))
    return image


def _resized(image: Image.Image, long_side: int) -> Image.Image:
    scale = long_side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=None)


def _place(image: Image.Image, rng: random.Random) -> Image.Image:
    """As it is, inside a border, turned a little, or seen aslant on a table."""
    draw = rng.random()
    if draw < 0.5:
        return image
    if draw < 0.65:
        sides = [round(rng.uniform(0, 0.12) * max(image.size)) for _ in range(4)]
        size = (image.width + sides[0] + sides[1], image.height + sides[2] + sides[3])
        framed = Image.new("RGB", size, _backing(rng))
        framed.paste(image, (sides[0], sides[2]))
        return framed
    size = (round(image.width * 1.08), round(image.height * 1.08))
    ground = _table(size, rng)
    corners = _quad(image.size, size, rng, 0.02 if draw < 0.85 else 0.06)
    coefficients = _perspective(corners, image.size)
    method = Image.Transform.PERSPECTIVE
    seen = image.transform(size, method, coefficients, Image.Resampling.BILINEAR)
    mask = Image.new("L", image.size, 255).transform(size, method, coefficients)
    ground.paste(seen, (0, 0), mask)
    return ground


def _backing(rng: random.Random) -> Colour:
    return rng.choice(((255, 255, 255), (0, 0, 0), tint(rng, 190, 250), tint(rng, 20, 90)))


def _table(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Wood, cloth or a wall: a gradient with a few streaks."""
    a = rng.choice(((120, 82, 50), (190, 160, 120), (90, 90, 95), (225, 225, 222), (60, 70, 60)))
    b = mix(a, tint(rng, 0, 255), 0.3)
    ground = gradient(size, a, b, across=rng.random() < 0.5)
    streak = Image.frombytes("L", (1, 64), rng.randbytes(64)).resize(size)
    return Image.blend(ground, Image.merge("RGB", (streak,) * 3), rng.uniform(0.0, 0.12))


def _quad(
    inner: tuple[int, int], outer: tuple[int, int], rng: random.Random, slack: float
) -> list[tuple[float, float]]:
    """Where the four corners of the drawing land: a turn plus a shift of each corner."""
    turn = rng.uniform(-1.6, 1.6) * slack
    left, top = (outer[0] - inner[0]) / 2, (outer[1] - inner[1]) / 2
    cx, cy = outer[0] / 2, outer[1] / 2
    corners = []
    for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)):
        px = left + x * inner[0] - cx + rng.uniform(-slack, slack) * inner[0] * 0.5
        py = top + y * inner[1] - cy + rng.uniform(-slack, slack) * inner[1] * 0.5
        corners.append((cx + px - turn * py, cy + py + turn * px))
    return corners


def _perspective(corners: list[tuple[float, float]], size: tuple[int, int]) -> tuple[float, ...]:
    """The eight numbers that send the corners (as seen) back onto the drawing."""
    targets = ((0, 0), (size[0], 0), size, (0, size[1]))
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, targets, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for i in range(8):  # Gauss-Jordan: eight unknowns do not need a library
        pivot = max(range(i, 8), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for r in range(8):
            if r != i and rows[r][i]:
                factor = rows[r][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return tuple(row[8] for row in rows)


def _shade(image: Image.Image, rng: random.Random) -> Image.Image:
    """Light from one side."""
    dark = tint(rng, 120, 200)
    light = (255, 255, 255)
    ends = (dark, light) if rng.random() < 0.5 else (light, dark)
    return ImageChops.multiply(
        image, gradient(image.size, ends[0], ends[1], across=rng.random() < 0.5)
    )


def _grain(image: Image.Image, rng: random.Random) -> Image.Image:
    """Sensor noise; from `rng`, because Pillow's own noise has no seed."""
    wide, high = image.size
    if rng.random() < 0.5:
        noise = Image.frombytes("RGB", image.size, rng.randbytes(wide * high * 3))
    else:
        noise = Image.frombytes("L", image.size, rng.randbytes(wide * high)).convert("RGB")
    return Image.blend(image, noise, rng.uniform(0.03, 0.13))


def _recompressed(image: Image.Image, quality: int) -> Image.Image:
    """Through JPEG and back."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
