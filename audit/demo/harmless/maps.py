"""Street maps, plans of metro lines, weather maps."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import Colour, face
from audit.demo.harmless.sheet import (
    PHOTOGRAPHED,
    SHAPES,
    blend,
    clouds,
    ground,
    hsv,
    palette,
    photographed,
)

Point = tuple[float, float]


def _bend(rng: random.Random, a: Point, b: Point, slack: float) -> list[Point]:
    """A smooth way from a to b that sways sideways by up to `slack` pixels."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy) or 1
    one, two = rng.uniform(-slack, slack), rng.uniform(-slack, slack) / 2
    way = []
    for i in range(25):
        t = i / 24
        off = one * math.sin(math.pi * t) + two * math.sin(2 * math.pi * t)
        way.append((a[0] + dx * t - dy / length * off, a[1] + dy * t + dx / length * off))
    return way


def _across(rng: random.Random, wide: int, high: int) -> tuple[Point, Point]:
    if rng.random() < 0.5:
        return (-30, rng.uniform(0, high)), (wide + 30, rng.uniform(0, high))
    return (rng.uniform(0, wide), -30), (rng.uniform(0, wide), high + 30)


def street_maps(rng: random.Random) -> Image.Image:
    """Blocks of houses, streets of three ranks with casings, water, parks, names, pins, a route."""
    night = rng.random() < 0.2
    land = (
        (36, 40, 50) if night else rng.choice(((240, 237, 229), (247, 245, 240), (233, 230, 222)))
    )
    image, pen = ground(rng, land)
    wide, high = image.size
    water: Colour = (30, 50, 80) if night else (170, 211, 223)
    green: Colour = (40, 62, 52) if night else (200, 230, 190)
    front: Colour = (200, 205, 215) if night else (80, 80, 84)
    for _ in range(rng.randint(1, 4)):
        x, y, r = rng.uniform(0, wide), rng.uniform(0, high), rng.uniform(30, 110)
        pen.polygon(
            [
                (
                    x + r * rng.uniform(0.6, 1.2) * math.cos(k * 0.7),
                    y + r * rng.uniform(0.5, 1) * math.sin(k * 0.7),
                )
                for k in range(9)
            ],
            green,
        )
    angle, step = rng.uniform(-0.6, 0.6), rng.uniform(48, 90)
    c, s = math.cos(angle), math.sin(angle)

    def turned(x: float, y: float) -> Point:
        return wide / 2 + x * c - y * s, high / 2 + x * s + y * c

    if rng.random() < 0.75:  # houses along a turned grid
        house = blend(land, front, 0.18)
        reach = int(700 / step)
        for i in range(-reach, reach):
            for j in range(-reach, reach):
                x, y = (i + 0.12) * step, (j + 0.12) * step
                if not (-60 < turned(x, y)[0] < wide + 60 and -60 < turned(x, y)[1] < high + 60):
                    continue
                for _ in range(rng.randint(0, 4)):
                    a, b = x + rng.uniform(0, step * 0.5), y + rng.uniform(0, step * 0.5)
                    w, h = rng.uniform(8, step * 0.3), rng.uniform(8, step * 0.3)
                    box = ((a, b), (a + w, b), (a + w, b + h), (a, b + h))
                    pen.polygon([turned(*p) for p in box], house)
        minor = [[turned(-700, k * step), turned(700, k * step)] for k in range(-9, 10)]
        minor += [[turned(k * step, -700), turned(k * step, 700)] for k in range(-9, 10)]
        minor = [way for way in minor if rng.random() < 0.85]
    else:
        minor = [_bend(rng, *_across(rng, wide, high), 90) for _ in range(16)]
    if rng.random() < 0.6:
        river = _bend(rng, *_across(rng, wide, high), 120)
        pen.line(river, water, rng.randint(18, 60), "curve")
    lane: Colour = (70, 76, 90) if night else (255, 255, 255)
    main: Colour = (110, 100, 70) if night else rng.choice(((252, 214, 164), (255, 235, 140)))
    case = blend(land, front, 0.35)
    large = [_bend(rng, *_across(rng, wide, high), 60) for _ in range(rng.randint(1, 4))]
    for ways, colour, thick in ((minor, lane, 6), (large, main, 12)):
        for way in ways:
            pen.line(way, case, thick + 2, "curve")
        for way in ways:
            pen.line(way, colour, thick, "curve")
    if rng.random() < 0.35:
        route = _bend(rng, *_across(rng, wide, high), 140)[4:20]
        pen.line(route, (60, 110, 240), 8, "curve")
    for _ in range(rng.randint(4, 14)):
        name = rng.choice((texts.road(rng), texts.road(rng), rng.choice(texts.SHOPS)))
        at = (rng.uniform(0, wide * 0.8), rng.uniform(0, high - 20))
        pen.text(at, name, front, face("sans", rng.choice((11, 12, 14))),
                 stroke_width=2, stroke_fill=land)  # fmt: skip
    if rng.random() < 0.5:
        at = (wide * rng.uniform(0.2, 0.6), high * rng.uniform(0.2, 0.7))
        pen.text(at, texts.place(rng), front, face("sans-bold", 26), stroke_width=3,
                 stroke_fill=land)  # fmt: skip
    for _ in range(rng.randint(0, 5)):
        x, y = rng.uniform(20, wide - 20), rng.uniform(40, high - 10)
        pin = palette(rng, 1, 0.8)[0]
        pen.polygon([(x, y), (x - 11, y - 22), (x + 11, y - 22)], pin)
        pen.ellipse((x - 13, y - 38, x + 13, y - 12), pin)
        pen.ellipse((x - 5, y - 30, x + 5, y - 20), (255, 255, 255))
    if rng.random() < 0.4:
        pen.line((20, high - 18, 110, high - 18), front, 3)
        pen.text(
            (116, high - 18), f"{rng.choice((100, 200, 500))} m", front, face("sans", 12), "lm"
        )
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image


def metro_plans(rng: random.Random) -> Image.Image:
    """Coloured lines at multiples of 45 degrees with stations, interchanges and a legend."""
    dark = rng.random() < 0.15
    back: Colour = (24, 26, 34) if dark else rng.choice(((255, 255, 255), (248, 246, 240)))
    front: Colour = (230, 230, 235) if dark else (30, 30, 40)
    image, pen = ground(rng, back)
    wide, high = image.size
    if rng.random() < 0.4:
        y = high * rng.uniform(0.3, 0.7)
        river = [(0, y), (wide * 0.3, y), (wide * 0.45, y + 50), (wide, y + 50)]
        pen.line(river, blend(back, (110, 170, 230), 0.5), 28, "curve")
    colours = palette(rng, rng.randint(3, 7), 0.85)
    thick = rng.choice((7, 10, 13))
    font = face(rng.choice(("sans", "sans-bold", "modern")), rng.choice((11, 13)))
    ring = rng.random() < 0.3
    for number, colour in enumerate(colours):
        if ring and number == 0:
            box = (wide * 0.25, high * 0.25, wide * 0.75, high * 0.75)
            pen.rounded_rectangle(box, 50, None, colour, thick)
            continue
        x, y = rng.choice(
            ((20.0, rng.uniform(0.1, 0.9) * high), (rng.uniform(0.1, 0.8) * wide, 20.0))
        )
        direction = 0 if x == 20.0 else 2
        way = [(x, y)]
        stops: list[Point] = []
        for _ in range(rng.randint(3, 6)):
            turn = math.radians(45 * direction)
            length = rng.uniform(60, 190)
            for k in range(1, int(length / 44) + 1):
                stops.append((x + 44 * k * math.cos(turn), y + 44 * k * math.sin(turn)))
            x, y = x + length * math.cos(turn), y + length * math.sin(turn)
            way.append((x, y))
            direction = rng.choice({0: (0, 1, -1), 1: (0, 1, 2), 2: (1, 2, 3), 3: (2, 3)}.get(
                direction, (0,)))  # fmt: skip
        pen.line(way, colour, thick, "curve")
        named = rng.random() < 0.8
        for x, y in stops:
            r = thick * (0.95 if rng.random() < 0.2 else 0.5)
            pen.ellipse((x - r, y - r, x + r, y + r), back, front if r > 6 else colour, 2)
            if named and rng.random() < 0.7:
                pen.text((x + thick, y - thick - 8), texts.place(rng), front, font)
    if rng.random() < 0.5:
        for k, colour in enumerate(colours):
            y = high - 18 - 18 * k
            pen.line((12, y, 34, y), colour, 8)
            pen.text((42, y), f"Line {k + 1}", front, font, "lm")
    if rng.random() < 0.4:
        title = f"{texts.place(rng)} {rng.choice(('Metro', 'Underground', 'Tram', 'Light Rail'))}"
        pen.text((wide - 14, 12), title, front, face("sans-bold", 22), "ra")
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image


def _symbol(pen: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float, r: float) -> None:
    """Sun, cloud, rain or snow."""
    kind = rng.choice(("sun", "sun", "mixed", "cloud", "rain", "snow"))
    if kind in ("sun", "mixed"):
        for k in range(8):
            a = k * math.pi / 4
            ends = (x + r * 0.7 * math.cos(a), y + r * 0.7 * math.sin(a),
                    x + r * 1.1 * math.cos(a), y + r * 1.1 * math.sin(a))  # fmt: skip
            pen.line(ends, (255, 190, 20), 3)
        pen.ellipse((x - r * 0.55, y - r * 0.55, x + r * 0.55, y + r * 0.55), (255, 205, 40))
    if kind != "sun":
        tone = (245, 246, 250) if kind != "rain" else (150, 158, 172)
        for off, sink, part in ((-0.5, 0.35, 0.4), (0, 0.1, 0.55), (0.5, 0.35, 0.4), (0, 0.4, 0.4)):
            a, b = x + off * r, y + sink * r
            pen.ellipse((a - part * r, b - part * r, a + part * r, b + part * r), tone)
    if kind in ("rain", "snow"):
        for off in (-0.5, 0.0, 0.5):
            a, b = x + off * r, y + r
            if kind == "rain":
                pen.line((a, b, a - 4, b + r * 0.4), (60, 130, 230), 3)
            else:
                pen.text((a, b + 4), "*", (255, 255, 255), face("sans-bold", 18), "mm")


def _tone(colour: Colour) -> np.ndarray:
    """[3] float32."""
    return np.array(colour, np.float32)


def weather_maps(rng: random.Random) -> Image.Image:
    """An invented country with signs and degrees, isobars and fronts, or a radar of showers."""
    size = rng.choice(SHAPES)
    wide, high = size
    height = clouds(rng, size, 6)
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    height = height + 0.35 - 0.9 * np.hypot(x / wide - 0.5, y / high - 0.5)
    sea, low, top = (hsv(rng.uniform(0.52, 0.62), rng.uniform(0.3, 0.7), rng.uniform(0.5, 0.9)),
                     hsv(rng.uniform(0.15, 0.35), 0.4, 0.8), hsv(0.1, 0.4, 0.6))  # fmt: skip
    shore = rng.uniform(0.4, 0.55)
    land = np.clip((height - shore) / 0.4, 0, 1)[..., None]
    picture = np.where(height[..., None] > shore,
                       _tone(low) * (1 - land) + _tone(top) * land,
                       _tone(sea))  # fmt: skip
    kind = rng.random()
    if kind < 0.3:  # radar
        rain = clouds(rng, size, 5)
        for level, colour in ((0.62, (120, 200, 255)), (0.7, (40, 110, 240)), (0.78, (60, 200, 80)),
                              (0.86, (250, 220, 40)), (0.93, (240, 80, 40))):  # fmt: skip
            picture = np.where(rain[..., None] > level, _tone(colour), picture)
    elif kind < 0.55:  # isobars
        pressure = clouds(rng, size, 2)
        lines = np.abs((pressure * 9) % 1 - 0.5) > 0.47
        picture = np.where(lines[..., None], _tone((250, 250, 250)), picture)
    elif kind < 0.75:  # bands of temperature
        bands = np.floor((y * 0.7 / high + 0.3 * clouds(rng, size, 3)) * 8) / 8
        shades = np.stack([255 * bands, 150 - 60 * np.abs(bands - 0.5), 255 * (1 - bands)], -1)
        picture = picture * 0.35 + shades * 0.65
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(4, 12)):
        a, b = rng.uniform(40, wide - 40), rng.uniform(50, high - 50)
        if rng.random() < 0.6:
            _symbol(pen, rng, a, b, rng.uniform(18, 28))
        degrees = f"{rng.randint(-8, 34)}°"
        pen.text((a + 30, b), degrees, (255, 255, 255), face("sans-bold", 22), "lm",
                 stroke_width=2, stroke_fill=(30, 40, 60))  # fmt: skip
        if rng.random() < 0.6:
            pen.text((a, b + 40), texts.place(rng), (255, 255, 255), face("sans", 14), "mm",
                     stroke_width=2, stroke_fill=(30, 40, 60))  # fmt: skip
    if 0.3 <= kind < 0.55:
        for letter, colour in (("H", (30, 60, 200)), ("L", (200, 30, 40))):
            at = (rng.uniform(60, wide - 60), rng.uniform(60, high - 60))
            pen.text(at, letter, colour, face("sans-bold", 46), "mm", stroke_width=2,
                     stroke_fill=(255, 255, 255))  # fmt: skip
    if rng.random() < 0.5:
        pen.rectangle((0, 0, wide, 40), (20, 40, 90))
        title = f"{rng.choice(('Monday', 'Friday', 'Tonight', 'Weekend', 'Tomorrow'))}"
        pen.text((16, 20), title, (255, 255, 255), face("sans-bold", 22), "lm")
    return image
