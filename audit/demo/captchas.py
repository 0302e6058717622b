"""Captchas: distorted letters, the order to pick tiles, the robot checkbox."""

from __future__ import annotations

import math
import random

from PIL import Image

from audit.demo import words
from audit.demo.grids import tiles
from audit.demo.ink import BLACK, WHITE, Canvas, Colour, fitted, mix, tint, vivid
from audit.demo.pages import Brief

CAPTCHA_TRAIN = ("letters", "grid", "checkbox", "letters-field")
CAPTCHA_HELDOUT = ("letters-dark", "grid-4")
_THINGS = ("traffic lights", "buses", "bicycles", "boats", "bridges", "chimneys", "stairs")


def captcha(brief: Brief) -> tuple[Canvas, str]:
    """Distorted letters, a tile grid with its order, or the robot checkbox."""
    rng = brief.rng
    if brief.layout.startswith("letters"):
        return _letters(brief), rng.choice(("please verify", "type the letters", ""))
    if brief.layout.startswith("grid"):
        return _grid(brief), "security check"
    return _checkbox(brief), "I am not a robot"


def _letters(brief: Brief) -> Canvas:
    rng = brief.rng
    size = rng.choice(((400, 160), (400, 200), (400, 280), (400, 400)))
    dark = brief.layout == "letters-dark"
    paper = tint(rng, 10, 60) if dark else tint(rng, 205, 255)
    canvas = Canvas(size, paper, rng)
    wide, high = size
    strip = (0.0, 0.0, float(wide), float(high))
    if brief.layout == "letters-field" or high >= 280:
        strip = (20, high * 0.08, wide - 20, high * 0.58)
        canvas.pen.rectangle(strip, fill=mix(paper, tint(rng, 0, 255), 0.15), outline=BLACK)
        face = brief.face("sans", "bold")
        ink = WHITE if dark else BLACK
        canvas.text(20, high * 0.62, "Type the characters you see", min(24, high * 0.1), face, ink)
        canvas.rounded((20, high * 0.76, wide * 0.68, high * 0.94), 4, WHITE, (120, 120, 130), 2)
        canvas.rounded((wide * 0.72, high * 0.76, wide - 20, high * 0.94), 4, vivid(rng))
    band = strip[3] - strip[1]
    text = words.code(rng, rng.randint(4, 6))
    text = text.lower() if rng.random() < 0.3 else text
    step = (strip[2] - strip[0] - 30) / len(text)
    inks = [tint(rng, 180, 255) if dark else tint(rng, 0, 130) for _ in range(3)]
    face = brief.face()
    for i, character in enumerate(text):
        height = min(band * rng.uniform(0.5, 0.66), step * 1.25)
        canvas.text(
            strip[0] + 15 + i * step + step * 0.2,
            strip[1] + rng.uniform(0.02, max(0.03, 1 - 1.5 * height / band)) * band,
            character,
            height,
            face,
            rng.choice(inks),
            angle=rng.uniform(-32, 32) or 1.0,
        )
    x0, y0 = round(strip[0]) + 1, round(strip[1]) + 1
    piece = canvas.image.crop((x0, y0, round(strip[2]) - 1, round(strip[3]) - 1))
    canvas.image.paste(_waved(piece, rng), (x0, y0))
    for _ in range(rng.randint(3, 7)):
        points = [
            (strip[0] + k / 8 * (strip[2] - strip[0]), strip[1] + rng.uniform(0.1, 0.9) * band)
            for k in range(9)
        ]
        if rng.random() < 0.6:
            points = [points[0], points[-1]]
        canvas.pen.line(points, fill=rng.choice(inks), width=rng.randint(1, 4))
    for _ in range(rng.choice((0, 60, 150))):
        canvas.disc(
            rng.uniform(strip[0], strip[2]),
            rng.uniform(strip[1], strip[3]),
            rng.uniform(0.8, 2.2),
            rng.choice(inks),
        )
    return canvas


def _waved(image: Image.Image, rng: random.Random) -> Image.Image:
    """Columns shifted along a sine wave, as captchas bend their letters."""
    wide, high = image.size
    period, height, phase = rng.uniform(90, 200), high * rng.uniform(0.02, 0.07), rng.uniform(0, 6)
    mesh = []
    for left in range(0, wide, 20):
        right = min(wide, left + 20)
        a = height * math.sin(left / period * math.tau + phase)
        b = height * math.sin(right / period * math.tau + phase)
        quad = (left, a, left, high + a, right, high + b, right, b)
        mesh.append(((left, 0, right, high), quad))
    edge = image.getpixel((2, 2))
    return image.transform(
        image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=edge
    )


def _grid(brief: Brief) -> Canvas:
    rng = brief.rng
    size = rng.choice(((320, 400), (360, 400), (400, 400)))
    canvas = Canvas(size, WHITE, rng)
    wide, high = size
    blue = rng.choice(((70, 130, 230), (40, 100, 200), vivid(rng)))
    face, bold = brief.face("sans"), brief.face("bold")
    canvas.pen.rectangle((8, 8, wide - 8, high * 0.25), fill=blue)
    order = rng.choice(
        ("Select all squares with", "Select all images with", "Click all tiles with")
    )
    thing = rng.choice(_THINGS)
    canvas.text(22, high * 0.05, order, fitted(order, wide - 44, 24, face), face, WHITE)
    canvas.text(22, high * 0.12, thing, 38, bold, WHITE)
    n = 4 if brief.layout == "grid-4" else 3
    floor = high * rng.choice((0.87, 0.97))
    tiles(canvas, (8, high * 0.265, wide - 8, floor), n, n, rng.choice((3, 6)), photos=True)
    if floor < high * 0.9:
        canvas.rounded((wide * 0.68, high * 0.89, wide - 10, high * 0.98), 3, blue)
        canvas.text(
            wide * 0.82,
            high * 0.91,
            rng.choice(("VERIFY", "SKIP", "NEXT")),
            18,
            bold,
            WHITE,
            anchor="m",
        )
    for _ in range(rng.choice((0, 1, 2))):
        x = 8 + (rng.randrange(n) + 0.18) * (wide - 16) / n
        y = high * 0.265 + (rng.randrange(n) + 0.18) * (floor - high * 0.265) / n
        canvas.disc(x, y, 13, blue, WHITE, 2)
        canvas.pen.line((x - 6, y, x - 1, y + 5, x + 7, y - 5), fill=WHITE, width=3)
    return canvas


def _checkbox(brief: Brief) -> Canvas:
    rng = brief.rng
    size = rng.choice(((400, 120), (400, 200), (400, 300), (400, 400)))
    canvas = Canvas(size, rng.choice((WHITE, tint(rng, 215, 250), tint(rng, 20, 60))), rng)
    wide, high = size
    box_h = min(104.0, high * 0.8)
    top = (high - box_h) * rng.uniform(0.2, 0.8)
    dark = rng.random() < 0.25
    panel: Colour = (40, 40, 44) if dark else (249, 249, 249)
    canvas.rounded((12, top, wide - 12, top + box_h), 5, panel, (190, 190, 194), 2)
    middle = top + box_h / 2
    canvas.rounded((34, middle - 20, 74, middle + 20), 4, WHITE, (130, 130, 134), 3)
    if rng.random() < 0.4:
        canvas.pen.line((40, middle, 51, middle + 13, 78, middle - 20), fill=(0, 158, 85), width=7)
    text = rng.choice(("I am not a robot", "I'm not a robot", "I am human", "Verify you are human"))
    face = brief.face("sans", "bold")
    canvas.text(
        90, middle - 14, text, fitted(text, wide - 190, 28, face), face, WHITE if dark else BLACK
    )
    x = wide - 58
    for i in range(3):
        canvas.pen.arc(
            (x - 24, middle - 32, x + 24, middle + 12),
            120 * i,
            120 * i + 95,
            fill=((30, 110, 220), (90, 160, 240), (150, 150, 158))[i],
            width=9,
        )
    canvas.text(x, middle + 18, "CAPTCHA", 12, face, (130, 130, 136), anchor="m")
    if high >= 200:
        for i in range(3):
            y = top + box_h + 14 + i * 22
            if y + 12 < high:
                canvas.rounded(
                    (14, y, wide * rng.uniform(0.4, 0.9), y + 10),
                    4,
                    mix(panel, (128, 128, 130), 0.4),
                )
    return canvas
