"""Streets: cars with a readable plate, and cars and signs without one."""

from __future__ import annotations

import random

from audit.demo import words
from audit.demo.ink import (
    BLACK,
    WHITE,
    Box,
    Canvas,
    Colour,
    Face,
    fitted,
    gradient,
    mix,
    tint,
    vivid,
)
from audit.demo.pages import Brief

PLATE_TRAIN = ("rear", "front", "bumper", "two-rows")
PLATE_HELDOUT = ("close", "van")
SIZES = ((400, 400), (400, 300), (400, 260), (300, 400))


def outdoors(rng: random.Random, horizon: float) -> Canvas:
    """Sky, ground, and perhaps houses or trees; horizon 0..1 from the top."""
    size = rng.choice(SIZES)
    wide, high = size
    canvas = Canvas(size, WHITE, rng)
    day = rng.random() < 0.8
    sky = tint(rng, 150, 250) if day else tint(rng, 10, 70)
    canvas.replace(gradient(size, sky, mix(sky, WHITE, 0.4 if day else 0.1)))
    floor = horizon * high
    if rng.random() < 0.7:
        x = -20.0
        while x < wide:
            w, h = rng.uniform(30, 90), rng.uniform(0.2, 0.8) * floor
            house = tint(rng, 60, 200) if day else tint(rng, 20, 90)
            canvas.pen.rectangle((x, floor - h, x + w, floor), fill=house)
            pane = mix(house, WHITE if rng.random() < 0.5 else BLACK, 0.4)
            for wx in range(int(x) + 8, int(x + w) - 10, 18):
                for wy in range(int(floor - h) + 8, int(floor) - 12, 22):
                    canvas.pen.rectangle((wx, wy, wx + 8, wy + 11), fill=pane)
            x += w + rng.choice((0, 0, 12))
    else:
        for _ in range(7):
            x, r = rng.uniform(0, wide), rng.uniform(18, 50)
            canvas.disc(x, floor - r * 0.6, r, (40, rng.randint(80, 140), 50))
    canvas.pen.rectangle((0, floor, wide, high), fill=tint(rng, 70, 150))
    return canvas


def _plate(canvas: Canvas, box: Box, text: str, face: Face, *, rows: int = 1) -> None:
    """A plate with frame, bolts and perhaps a coloured end."""
    left, top, right, bottom = box
    rng = canvas.rng
    paper = rng.choice((WHITE, WHITE, (250, 206, 60), (235, 238, 245), (20, 20, 24)))
    ink = (
        WHITE if paper == (20, 20, 24) else rng.choice((BLACK, BLACK, (20, 40, 130), (140, 20, 20)))
    )
    canvas.rounded(box, 5, paper, ink if rng.random() < 0.7 else BLACK, 3)
    wide, high = right - left, bottom - top
    if rng.random() < 0.45:
        canvas.pen.rectangle((left + 2, top + 2, left + wide * 0.1, bottom - 2), fill=(20, 60, 170))
        left += wide * 0.1
        wide *= 0.9
    lines = (
        [text]
        if rows == 1
        else [text[: len(text) // 2].strip(" -"), text[len(text) // 2 :].strip(" -")]
    )
    for i, line in enumerate(lines):
        size = fitted(line, wide * 0.88, high / len(lines) * 0.86, face)
        y = top + (i + 0.5) * high / len(lines) - size * 0.6
        canvas.text(left + wide / 2, y, line, size, face, ink, anchor="m")


def _car(canvas: Canvas, box: Box, *, van: bool = False) -> Box:
    """A car from behind or in front; returns the box where its plate goes."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    rng = canvas.rng
    paint = rng.choice((vivid(rng), tint(rng, 20, 80), tint(rng, 200, 245), tint(rng, 90, 160)))
    dark = mix(paint, BLACK, 0.5)
    for x in (left + wide * 0.06, right - wide * 0.24):
        canvas.rounded((x, bottom - high * 0.2, x + wide * 0.18, bottom), 8, (18, 18, 20))
    roof = 0.04 if van else 0.2
    shape = [
        (left + wide * roof, top),
        (right - wide * roof, top),
        (right - wide * 0.05, top + high * 0.42),
        (left + wide * 0.05, top + high * 0.42),
    ]
    canvas.pen.polygon(shape, fill=mix(paint, BLACK, 0.1))
    glass = [
        (left + wide * (roof + 0.04), top + high * 0.06),
        (right - wide * (roof + 0.04), top + high * 0.06),
        (right - wide * 0.12, top + high * 0.38),
        (left + wide * 0.12, top + high * 0.38),
    ]
    canvas.pen.polygon(glass, fill=tint(rng, 30, 120))
    canvas.rounded((left, top + high * 0.38, right, bottom - high * 0.1), 18, paint)
    lamp = rng.choice(((210, 30, 30), (250, 250, 225)))
    for x in (left + wide * 0.04, right - wide * 0.22):
        canvas.rounded((x, top + high * 0.46, x + wide * 0.18, top + high * 0.6), 8, lamp, dark, 2)
    canvas.rounded(
        (left + wide * 0.02, bottom - high * 0.24, right - wide * 0.02, bottom - high * 0.1),
        8,
        dark,
    )
    half = wide * rng.uniform(0.2, 0.26)
    middle, y = (left + right) / 2, top + high * 0.58
    return (middle - half, y, middle + half, y + half * 0.52)


def licence_plate(brief: Brief) -> tuple[Canvas, str]:
    """A car with a readable, invented plate."""
    rng = brief.rng
    text, face = words.plate(rng), brief.face("bold", "condensed", "mono-bold", "wide", "marker")
    caption = rng.choice(("my new car", "for sale, one owner", "parked outside", ""))
    if brief.layout in ("bumper", "close"):
        canvas, y = _bumper(rng, grille=brief.layout == "close")
        middle, half = canvas.width / 2, canvas.width * rng.uniform(0.3, 0.44)
        _plate(canvas, (middle - half, y, middle + half, y + half * 0.5), text, face)
        return canvas, caption
    canvas = outdoors(rng, rng.uniform(0.5, 0.6))
    wide, high = canvas.width, canvas.height
    side = min(wide * 0.9, high * 0.95) * rng.uniform(0.8, 1.0)
    x, y = (wide - side) * rng.random(), high * 0.95 - side * 0.8
    left, top, right, bottom = _car(
        canvas, (x, y, x + side, y + side * 0.8), van=brief.layout == "van"
    )
    rows = 2 if brief.layout == "two-rows" else 1
    if rows == 2:
        shrink = (right - left) * 0.14
        left, right, bottom = left + shrink, right - shrink, bottom + shrink * 0.8
    _plate(canvas, (left, top, right, bottom), text, face, rows=rows)
    return canvas, caption


def _bumper(rng: random.Random, *, grille: bool) -> tuple[Canvas, float]:
    """The painted end of a car from near by, and the y where something may be fixed to it."""
    paint = rng.choice((vivid(rng), tint(rng, 20, 80), tint(rng, 180, 240)))
    size = rng.choice(SIZES)
    canvas = Canvas(size, paint, rng)
    canvas.replace(gradient(size, mix(paint, WHITE, 0.3), mix(paint, BLACK, 0.4)))
    wide, high = size
    y = high * rng.uniform(0.25, 0.4)
    canvas.pen.rectangle((0, high * 0.78, wide, high), fill=(28, 28, 32))
    canvas.pen.line((0, y - 24, wide, y - 18), fill=mix(paint, BLACK, 0.6), width=4)
    if grille:
        for i in range(5):
            canvas.pen.rectangle((0, i * 13, wide, i * 13 + 6), fill=(30, 30, 34))
    return canvas, y


def street(brief: Brief) -> tuple[Canvas, str]:
    """Cars without a plate: from the side, or with a bare or badged bumper; houses."""
    rng = brief.rng
    if brief.layout in ("bumper", "grille"):
        canvas, y = _bumper(rng, grille=brief.layout == "grille")
        if rng.random() < 0.7:
            face, name = brief.face("bold", "condensed", "italic", "wide"), words.name(rng)
            size = fitted(name, canvas.width * 0.6, canvas.width * rng.uniform(0.1, 0.2), face)
            canvas.text(canvas.width / 2, y, name, size, face, tint(rng, 190, 240), anchor="m")
        return canvas, "new paint"
    canvas = outdoors(rng, rng.uniform(0.5, 0.6))
    wide, high = canvas.width, canvas.height
    if brief.layout in ("bare", "bare-van"):
        side = min(wide * 0.9, high * 0.95) * rng.uniform(0.8, 1.0)
        x, y = (wide - side) * rng.random(), high * 0.95 - side * 0.8
        box = _car(canvas, (x, y, x + side, y + side * 0.8), van=brief.layout == "bare-van")
        if rng.random() < 0.5:
            canvas.disc((box[0] + box[2]) / 2, box[1], 9, (200, 200, 205), BLACK, 2)
        return canvas, "a parked car"
    for _ in range(rng.randint(1, 3) if brief.layout != "empty" else 0):
        _side_view(
            canvas,
            rng.uniform(-0.1, 0.5) * wide,
            high * rng.uniform(0.7, 0.95),
            wide * rng.uniform(0.35, 0.7),
        )
    if brief.layout in ("empty", "junction"):
        for i in range(5):
            x = wide * (0.1 + 0.2 * i)
            canvas.pen.polygon(
                [
                    (x, high * 0.8),
                    (x + 30, high * 0.8),
                    (x + 22, high * 0.84),
                    (x - 6, high * 0.84),
                ],
                fill=WHITE,
            )
    return canvas, rng.choice(("the street at noon", "our road", "traffic"))


def _side_view(canvas: Canvas, x: float, floor: float, wide: float) -> None:
    """A car from the side standing on `floor`."""
    paint = vivid(canvas.rng)
    high = wide * 0.3
    canvas.pen.polygon(
        [
            (x + wide * 0.2, floor - high * 0.5),
            (x + wide * 0.32, floor - high),
            (x + wide * 0.68, floor - high),
            (x + wide * 0.85, floor - high * 0.5),
        ],
        fill=mix(paint, (160, 200, 220), 0.6),
    )
    canvas.rounded((x, floor - high * 0.6, x + wide, floor - high * 0.1), 9, paint)
    for share in (0.22, 0.78):
        canvas.disc(x + wide * share, floor - high * 0.1, high * 0.2, (20, 20, 22), WHITE, 2)


def road_sign(brief: Brief) -> tuple[Canvas, str]:
    """Road signs, a shop sign, a house number: short text on a plate that is not a car's."""
    rng = brief.rng
    canvas = outdoors(rng, rng.uniform(0.6, 0.8))
    wide, high = canvas.width, canvas.height
    face = brief.face("bold", "condensed", "sans", "wide", "marker")
    colour = rng.choice(((20, 90, 160), (0, 110, 70), (200, 30, 30), vivid(rng)))
    middle = wide * rng.uniform(0.35, 0.65)
    half = wide * rng.uniform(0.26, 0.34)
    top = high * rng.uniform(0.06, 0.2)
    post: Colour = (120, 122, 126)
    if brief.layout in ("direction", "billboard"):
        for x in (middle - half * 0.6, middle + half * 0.6):
            canvas.pen.line((x, top + 20, x, high * 0.92), fill=post, width=8)
        box = (middle - half, top, middle + half, top + half)
        billboard = brief.layout == "billboard"
        canvas.rounded(box, 8, tint(rng, 200, 255) if billboard else colour, WHITE, 4)
        text = words.offer(rng) if billboard else words.name(rng)
        ink = vivid(rng) if billboard else WHITE
        for i in range(2):
            size = fitted(text, half * 1.75, half * 0.38, face)
            canvas.text(middle, top + half * (0.08 + 0.45 * i), text, size, face, ink, anchor="m")
            text = f"{rng.randint(2, 99)} km" if not billboard else words.offer(rng)
        return canvas, "on the way" if not billboard else "billboard"
    if brief.layout in ("shop", "street-name"):
        canvas.pen.rectangle(
            (middle - half * 1.1, top, middle + half * 1.1, high * 0.95), fill=tint(rng, 90, 220)
        )
        box = (middle - half, top + 14, middle + half, top + 14 + half * 0.45)
        canvas.rounded(box, 4, colour, WHITE, 3)
        text = f"{words.name(rng)} {'Street' if brief.layout == 'street-name' else 'Bakery'}"
        size = fitted(text, half * 1.8, half * 0.3, face)
        canvas.text(middle, top + 14 + half * 0.2 - size * 0.5, text, size, face, WHITE, anchor="m")
        canvas.pen.rectangle(
            (middle - half * 0.4, top + half * 0.8, middle + half * 0.4, high * 0.95),
            fill=tint(rng, 30, 110),
        )
        return canvas, "shop front"
    canvas.pen.line((middle, top + half, middle, high * 0.95), fill=post, width=9)
    radius = half * 0.8
    if brief.layout == "warning":
        canvas.pen.polygon(
            [
                (middle, top),
                (middle + radius, top + radius * 1.7),
                (middle - radius, top + radius * 1.7),
            ],
            fill=WHITE,
            outline=(200, 20, 20),
            width=12,
        )
        canvas.text(
            middle,
            top + radius * 0.6,
            rng.choice(("!", "!", "X", "7%")),
            radius * 0.8,
            face,
            BLACK,
            anchor="m",
        )
    else:
        canvas.disc(middle, top + radius, radius, WHITE, (205, 20, 28), round(radius * 0.2))
        canvas.text(
            middle,
            top + radius * 0.6,
            rng.choice(("30", "50", "80", "P", "100")),
            radius * 0.7,
            face,
            BLACK,
            anchor="m",
        )
    return canvas, "speed limit"
