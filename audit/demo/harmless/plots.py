"""Honest charts: bars that start at zero, lines, pies and scattered points."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import Colour, Font, face, fitting
from audit.demo.harmless.sheet import (
    PHOTOGRAPHED,
    blend,
    ground,
    hue,
    palette,
    paper,
    photographed,
)

_SHAPES = ((640, 480), (640, 400), (640, 360), (560, 560), (640, 520))
_TIMES = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("2015", "2016", "2017", "2018", "2019", "2020", "2021", "2022", "2023", "2024"),
    ("Q1", "Q2", "Q3", "Q4"),
)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The plane of a chart: where it lies on the picture, and how it is inked."""

    image: Image.Image
    pen: ImageDraw.ImageDraw
    box: tuple[float, float, float, float]
    back: Colour
    front: Colour
    font: Font
    name: str

    def label(self, x: float, y: float, text: str, anchor: str = "mm") -> None:
        self.pen.text((x, y), text, self.front, self.font, anchor)


def _frame(rng: random.Random) -> _Frame:
    back, front = paper(rng), (50, 50, 54)
    if rng.random() < 0.25:
        back, front = hue(rng, 0.4, rng.uniform(0.1, 0.22)), (215, 218, 224)
    image, pen = ground(rng, back, _SHAPES)
    wide, high = image.size
    name = rng.choice(("sans", "sans", "serif", "times", "modern", "light"))
    top = high * 0.06
    if rng.random() < 0.8:
        title = rng.choice(texts.TOPICS)
        font = fitting(
            title, rng.choice((name, "sans-bold", "serif-bold")), wide * 0.8, high * 0.065
        )
        at = (wide / 2, top) if rng.random() < 0.6 else (wide * 0.05, top)
        pen.text(at, title, front, font, "ma" if at[0] > wide / 3 else "la")
        top += font.size * 1.8
    box = (wide * 0.11, top, wide * rng.uniform(0.8, 0.96), high * 0.86)
    if rng.random() < 0.2:
        pen.rectangle(box, blend(back, (120, 130, 150), 0.15))
    size = round(high * rng.uniform(0.028, 0.04))
    return _Frame(image, pen, box, back, front, face(name, size), name)


def _axis(rng: random.Random, f: _Frame, top: float, low: float = 0.0) -> None:
    """Rules and figures of the upright axis from `low` to `top`, and the two axes."""
    left, upper, right, base = f.box
    ticks = rng.randint(3, 6)
    grid = rng.random() < 0.7
    for k in range(ticks + 1):
        y = base - (base - upper) * k / ticks
        value = low + (top - low) * k / ticks
        f.label(left - 8, y, f"{value:,.0f}" if top >= 10 else f"{value:.1f}", "rm")
        if grid and k:
            f.pen.line((left, y, right, y), blend(f.back, f.front, 0.18), 1)
    f.pen.line((left, base, right, base), f.front, 2)
    if rng.random() < 0.6:
        f.pen.line((left, upper, left, base), f.front, 2)


def _legend(rng: random.Random, f: _Frame, colours: list[Colour]) -> None:
    names = rng.sample(("North", "South", "East", "West", "Town", "Coast", "Valley", "Island"),
                       len(colours))  # fmt: skip
    x, y = f.box[0] + 14, f.image.height * 0.955
    for name, colour in zip(names, colours, strict=True):
        f.pen.rectangle((x, y - 7, x + 14, y + 7), colour)
        f.label(x + 20, y, name, "lm")
        x += 46 + f.font.getlength(name)


def _nice(value: float) -> float:
    """A round number not below the value."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * k for k in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if unit * k >= value)


def _done(f: _Frame, rng: random.Random) -> Image.Image:
    return photographed(f.image, rng) if rng.random() < PHOTOGRAPHED / 2 else f.image


def bar_charts(rng: random.Random) -> Image.Image:
    """Upright, lying, grouped or stacked bars, all from zero; histograms."""
    f = _frame(rng)
    left, upper, right, base = f.box
    times = list(rng.choice(_TIMES))
    count = rng.randint(3, len(times))
    series = rng.choice((1, 1, 1, 2, 3))
    colours = palette(rng, series)
    scale = 10 ** rng.uniform(0.7, 4)
    values = [[scale * rng.uniform(0.12, 1) for _ in range(count)] for _ in range(series)]
    if rng.random() < 0.25:  # a histogram
        count, series, colours = 22, 1, colours[:1]
        times = [""] * count
        values = [
            [scale * (math.exp(-((i - 10) ** 2) / 40) + rng.random() * 0.1) for i in range(count)]
        ]
    stacked = series > 1 and rng.random() < 0.5
    sums = [sum(v[i] for v in values) for i in range(count)]
    top = _nice(max(sums) if stacked else max(max(v) for v in values))
    if count < 22 and rng.random() < 0.25:  # lying bars
        step = (base - upper) / count
        shift = max(f.font.getlength(t) for t in times[:count])
        start = max(left, shift + 14.0)
        for i in range(count):
            y, end = upper + i * step, start + (right - start) * values[0][i] / top
            f.pen.rectangle((start, y + step * 0.15, end, y + step * 0.85), colours[0])
            f.label(start - 6, y + step / 2, times[i], "rm")
            f.label(end + 4, y + step / 2, f"{values[0][i]:,.0f}", "lm")
        f.pen.line((start, upper, start, base), f.front, 2)
        return _done(f, rng)
    _axis(rng, f, top)
    step = (right - left) / count
    gap = step * (0.02 if count == 22 else rng.uniform(0.1, 0.25))
    own = palette(rng, count) if series == 1 and rng.random() < 0.2 else None
    numbers = series == 1 and count < 9 and rng.random() < 0.4
    for i in range(count):
        floor, x = base, left + i * step
        for k in range(series):
            tall = (base - upper) * values[k][i] / top
            wide = (step - 2 * gap) / (1 if stacked else series)
            x0 = x + gap + (0 if stacked else k * wide)
            colour = own[i] if own else colours[k]
            f.pen.rectangle((x0, floor - tall, x0 + wide - 1, floor), colour)
            if numbers:
                f.label(x0 + wide / 2, floor - tall - f.font.size * 0.7, f"{values[k][i]:,.0f}")
            floor -= tall if stacked else 0
        f.label(x + step / 2, base + f.font.size, times[i])
    if series > 1:
        _legend(rng, f, colours)
    return _done(f, rng)


def line_charts(rng: random.Random) -> Image.Image:
    """One to four lines over time from a zero axis, perhaps with marks, areas or a band."""
    f = _frame(rng)
    left, upper, right, base = f.box
    times = rng.choice(_TIMES[:3])
    points = rng.choice((len(times), 40, 120))
    series = rng.randint(1, 4)
    colours = palette(rng, series)
    top = _nice(10 ** rng.uniform(0.7, 4))
    _axis(rng, f, top)
    marks = points < 20 and rng.random() < 0.6
    for colour in colours:
        level, drift, lines = rng.uniform(0.25, 0.7), rng.uniform(-0.3, 0.3), []
        wave, phase = rng.uniform(0, 0.15), rng.uniform(0, 6.3)
        noise = rng.uniform(0.003, 0.05)
        for i in range(points):
            t = i / (points - 1)
            y = level + drift * t + wave * math.sin(phase + 9 * t) + rng.gauss(0, noise)
            y = min(max(y, 0.02), 0.98)
            lines.append((left + (right - left) * t, base - (base - upper) * y))
        if series == 1 and rng.random() < 0.4:
            area = [*lines, (right, base), (left, base)]
            f.pen.polygon(area, blend(f.back, colour, 0.35))
        f.pen.line(lines, colour, rng.choice((2, 3, 4)), "curve")
        for x, y in lines if marks else ():
            f.pen.ellipse((x - 5, y - 5, x + 5, y + 5), colour, f.back)
    for i, name in enumerate(times):
        if len(times) < 11 or i % 2 == 0:
            x = left + (right - left) * i / (len(times) - 1)
            f.label(x, base + f.font.size, name)
    if series > 1:
        _legend(rng, f, colours)
    return _done(f, rng)


def pie_charts(rng: random.Random) -> Image.Image:
    """Pies and rings with shares beside or in them."""
    f = _frame(rng)
    wide, high = f.image.size
    count = rng.randint(2, 8)
    weights = [rng.uniform(0.3, 2) for _ in range(count)]
    colours = palette(rng, count)
    r = min(wide, high - f.box[1]) * rng.uniform(0.34, 0.42)
    cx = wide * rng.choice((0.36, 0.5))
    cy = (f.box[1] + high) / 2
    f.pen.rectangle((0, f.box[1], wide, high), f.back)
    start, beside = rng.uniform(0, 360), rng.random() < 0.5
    names = rng.sample(texts.ITEMS, count)
    for k, weight in enumerate(weights):
        end = start + 360 * weight / sum(weights)
        middle = math.radians((start + end) / 2)
        out = 10 if rng.random() < 0.12 else 0
        x, y = cx + out * math.cos(middle), cy + out * math.sin(middle)
        f.pen.pieslice((x - r, y - r, x + r, y + r), start, end, colours[k], f.back, 2)
        share = f"{100 * weight / sum(weights):.0f} %"
        if weight / sum(weights) > 0.06:
            where = (cx + r * 0.68 * math.cos(middle), cy + r * 0.68 * math.sin(middle))
            f.pen.text(where, share, (255, 255, 255), f.font, "mm")
        if beside and cx < wide / 2:
            at = f.box[1] + (k + 1) * (high - f.box[1]) / (count + 2)
            f.pen.rectangle((wide * 0.72, at - 7, wide * 0.72 + 14, at + 7), colours[k])
            f.label(wide * 0.72 + 20, at, names[k].split()[0], "lm")
        start = end
    if rng.random() < 0.4:
        hole = r * rng.uniform(0.35, 0.6)
        f.pen.ellipse((cx - hole, cy - hole, cx + hole, cy + hole), f.back)
        f.label(cx, cy, f"{rng.randint(20, 9999):,}")
    return _done(f, rng)


def scatter_plots(rng: random.Random) -> Image.Image:
    """Clouds of points, with a fitted line or bubbles."""
    f = _frame(rng)
    left, upper, right, base = f.box
    groups = rng.randint(1, 4)
    colours = palette(rng, groups)
    _axis(rng, f, _nice(10 ** rng.uniform(0.5, 3)))
    bubbles = rng.random() < 0.25
    for colour in colours:
        mx, my = rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.75)
        sx, sy, lean = rng.uniform(0.05, 0.2), rng.uniform(0.04, 0.12), rng.uniform(-0.8, 0.8)
        r = rng.choice((3, 4, 5, 7))
        for _ in range(rng.choice((12, 40, 110)) if not bubbles else 9):
            dx = rng.gauss(0, sx)
            x = left + (right - left) * min(max(mx + dx, 0.01), 0.99)
            y = base - (base - upper) * min(max(my + lean * dx + rng.gauss(0, sy), 0.02), 0.98)
            size = rng.uniform(5, 30) if bubbles else r
            f.pen.ellipse((x - size, y - size, x + size, y + size), colour,
                          blend(colour, f.back, 0.5))  # fmt: skip
        if rng.random() < 0.5:
            ends = []
            for t in (0.05, 0.95):
                y = min(max(my + lean * (t - mx), 0), 1)
                ends.append((left + (right - left) * t, base - (base - upper) * y))
            f.pen.line(ends, colour, 3)
    unit = 10 ** rng.randint(0, 2)
    for k in range(6):
        f.label(left + (right - left) * k / 5, base + f.font.size, str(k * unit))
    if groups > 1:
        _legend(rng, f, colours)
    return _done(f, rng)
