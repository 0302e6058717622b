"""People in the street with placards, people without, and posters without people."""

from __future__ import annotations

import math

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
    wrap,
)
from audit.demo.pages import Brief
from audit.demo.streets import SIZES, outdoors

PLACARD_TRAIN = ("sticks", "banner", "single", "round")
PLACARD_HELDOUT = ("wall-of-signs", "march")


def _people(canvas: Canvas, floor: float, count: int, size: float, *, arms: float) -> None:
    """A row of dark heads and shoulders with the given share of raised arms."""
    rng = canvas.rng
    for _ in range(count):
        x, y = rng.uniform(0, canvas.width), floor + rng.uniform(-0.2, 0.3) * size
        body = tint(rng, 10, 80)
        canvas.rounded(
            (x - size * 0.55, y + size * 0.35, x + size * 0.55, y + size * 4), size * 0.4, body
        )
        canvas.disc(x, y, size * 0.36, mix(body, (150, 110, 80), rng.uniform(0, 0.5)))
        if rng.random() < arms:
            hand = (x + rng.choice((-1, 1)) * size * 0.6, y - size * rng.uniform(0.6, 1.2))
            canvas.pen.line((x, y + size * 0.7, *hand), fill=body, width=max(3, round(size * 0.2)))


def placard(brief: Brief) -> tuple[Canvas, str]:
    """Signs on sticks and banners above a crowd, with slogans of no party."""
    rng = brief.rng
    canvas = outdoors(rng, 0.7)
    wide, high = canvas.width, canvas.height
    face = brief.face("bold", "hand", "condensed", "marker", "wide")
    size = min(wide, high) * rng.uniform(0.07, 0.11)
    crowd = high * rng.uniform(0.68, 0.78)
    _people(canvas, crowd - size * 0.6, 12, size * 0.8, arms=0.2)
    if brief.layout in ("banner", "march"):
        tall = high * 0.24
        y = crowd - tall * rng.uniform(0.7, 1.3)
        x0, x1 = wide * 0.05, wide * 0.95
        for x in (x0, x1):
            canvas.pen.line((x, y, x, high), fill=(120, 90, 50), width=7)
        paper = rng.choice((WHITE, vivid(rng), (250, 220, 60)))
        canvas.pen.polygon(
            [(x0, y), (x1, y + rng.uniform(-8, 8)), (x1, y + tall), (x0, y + tall)], fill=paper
        )
        ink = rng.choice((BLACK, (190, 20, 30))) if sum(paper) > 450 else WHITE
        _slogan(canvas, (x0, y, x1, y + tall), words.demand(rng), face, ink)
        count = 3 if brief.layout == "march" else 0
    else:
        count = {"single": 1, "wall-of-signs": 8}.get(brief.layout, rng.randint(3, 5))
    for i in range(count):
        x = wide * (i + 0.5) / count + rng.uniform(-0.04, 0.04) * wide
        half = min(wide / count * (0.7 if count > 5 else 0.48), wide * 0.26)
        half *= rng.uniform(0.8, 1.1)
        tall = half * rng.uniform(1.0, 1.5)
        limit = crowd - size - tall if brief.layout != "march" else high * 0.2
        y = max(4.0, limit * rng.uniform(0.3, 1.0))
        _sign(
            canvas,
            (x - half, y, x + half, y + tall),
            crowd + size,
            face,
            round_=brief.layout == "round",
        )
    _people(canvas, crowd + size * 0.8, 9, size * 1.1, arms=0.25)
    return canvas, rng.choice(
        ("the march today", "people in the square", "demonstration", "protest in the city")
    )


def _sign(canvas: Canvas, box: Box, stick: float, face: Face, *, round_: bool) -> None:
    """One placard on its stick, leaning a little."""
    left, top, right, bottom = box
    rng = canvas.rng
    lean = rng.uniform(-0.14, 0.14)
    cx, cy = (left + right) / 2, (top + bottom) / 2
    canvas.pen.line((cx, cy, cx - lean * 90, stick), fill=(140, 105, 60), width=6)
    paper = rng.choice((WHITE, WHITE, (250, 222, 70), vivid(rng), (205, 165, 110)))
    ink = rng.choice((BLACK, (190, 20, 30), (20, 40, 140))) if sum(paper) > 420 else WHITE
    if round_:
        canvas.disc(cx, cy, (right - left) / 2, paper, ink, 4)
        inner = (right - left) * 0.17
        _slogan(
            canvas,
            (left + inner, top + inner, right - inner, bottom - inner),
            words.demand(rng),
            face,
            ink,
        )
        return
    turn = lean * 0.8
    corners = []
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        dx, dy = x - cx, y - cy
        corners.append(
            (
                cx + dx * math.cos(turn) - dy * math.sin(turn),
                cy + dx * math.sin(turn) + dy * math.cos(turn),
            )
        )
    canvas.pen.polygon(corners, fill=paper, outline=mix(paper, BLACK, 0.4))
    _slogan(canvas, box, words.demand(rng), face, ink)


def _slogan(canvas: Canvas, box: Box, text: str, face: Face, ink: Colour) -> None:
    """Words as large as the box lets them be."""
    left, top, right, bottom = box
    wide, high = (right - left) * 0.88, (bottom - top) * 0.92
    size = high
    lines = wrap(text, wide, size, face)  # as good as any on a sign too small to read
    while size > 8:
        lines = wrap(text, wide, size, face)
        if len(lines) * size * 1.15 <= high and all(
            fitted(line, wide, size, face) >= size * 0.999 for line in lines
        ):
            break
        size *= 0.9
    y = top + (bottom - top - len(lines) * size * 1.15) / 2
    canvas.lines((left, y, right, bottom + size), lines, size, face, ink, anchor="m", gap=1.15)


def crowd(brief: Brief) -> tuple[Canvas, str]:
    """People together without slogans: concert, market, audience, queue."""
    rng = brief.rng
    canvas = outdoors(rng, 0.7)
    wide, high = canvas.width, canvas.height
    size = min(wide, high) * rng.uniform(0.07, 0.12)
    line = high * rng.uniform(0.62, 0.78)
    if brief.layout in ("concert", "festival"):
        canvas.pen.rectangle((wide * 0.1, high * 0.1, wide * 0.9, line), fill=tint(rng, 5, 50))
        for _ in range(5):
            x = rng.uniform(0.15, 0.85) * wide
            canvas.pen.polygon([(x, high * 0.1), (x - 40, line), (x + 20, line)], fill=vivid(rng))
    elif brief.layout == "market":
        face = brief.face("bold", "hand", "condensed", "sans")
        for i in range(3):
            x, w = wide * (0.04 + 0.33 * i), wide * 0.27
            stripe = vivid(rng)
            canvas.pen.rectangle((x, high * 0.42, x + w, line + 30), fill=tint(rng, 90, 160))
            for k in range(6):
                canvas.pen.rectangle(
                    (x + k * w / 6, high * 0.3, x + (k + 1) * w / 6, high * 0.42),
                    fill=stripe if k % 2 else WHITE,
                )
            _slogan(canvas, (x, high * 0.44, x + w, high * 0.54), words.offer(rng), face, WHITE)
    elif brief.layout == "flags":
        for i in range(12):
            x, y = wide * i / 11, high * (0.1 + 0.12 * math.sin(i / 11 * math.pi))
            canvas.pen.polygon([(x, y), (x + 24, y), (x + 12, y + 26)], fill=vivid(rng))
    else:
        for _ in range(4):
            canvas.disc(
                rng.uniform(0, wide), rng.uniform(0, line * 0.7), rng.uniform(14, 26), vivid(rng)
            )
    _people(canvas, line, 12, size * 0.8, arms=0.3)
    _people(canvas, line + size * 1.3, 9, size * 1.1, arms=0.3)
    return canvas, rng.choice(("concert night", "at the market", "what a lovely day"))


def poster(brief: Brief) -> tuple[Canvas, str]:
    """An advert: loud letters and shapes, but nobody marches with it."""
    rng = brief.rng
    size = rng.choice(SIZES)
    wide, high = size
    a, b = vivid(rng), rng.choice((vivid(rng), WHITE, BLACK))
    canvas = Canvas(size, a, rng)
    canvas.replace(gradient(size, a, b))
    face = brief.face("bold", "condensed", "sans", "wide", "italic")
    if brief.layout in ("rays", "burst"):
        for i in range(12):
            t = i * math.tau / 12
            far = wide + high
            canvas.pen.polygon(
                [
                    (wide / 2, high / 2),
                    (wide / 2 + far * math.cos(t), high / 2 + far * math.sin(t)),
                    (wide / 2 + far * math.cos(t + 0.26), high / 2 + far * math.sin(t + 0.26)),
                ],
                fill=mix(a, WHITE, 0.2),
            )
    elif brief.layout == "product":
        canvas.rounded((wide * 0.34, high * 0.4, wide * 0.66, high * 0.9), 24, vivid(rng), WHITE, 4)
        canvas.pen.rectangle((wide * 0.43, high * 0.32, wide * 0.57, high * 0.42), fill=BLACK)
    else:
        for _ in range(6):
            canvas.disc(rng.uniform(0, wide), rng.uniform(0, high), rng.uniform(20, 80), vivid(rng))
    ink = WHITE if sum(a) < 420 else BLACK
    if brief.layout in ("panel", "burst"):
        canvas.rounded((wide * 0.08, high * 0.08, wide * 0.92, high * 0.46), 10, WHITE)
        ink = BLACK
    _slogan(
        canvas, (wide * 0.08, high * 0.06, wide * 0.92, high * 0.36), words.offer(rng), face, ink
    )
    small = words.prose(rng, 4)
    canvas.text(
        wide / 2, high * 0.9, small, fitted(small, wide * 0.9, 24, face), face, WHITE, anchor="m"
    )
    if rng.random() < 0.5:
        canvas.disc(wide * 0.82, high * 0.62, wide * 0.13, (250, 220, 40))
        canvas.text(
            wide * 0.82, high * 0.62 - 14, f"{rng.randint(2, 19)}.99", 26, face, BLACK, anchor="m"
        )
    return canvas, rng.choice(("now in shops", "poster", "weekend offer"))
