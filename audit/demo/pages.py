"""Backgrounds that text lies on: the same ones for the risky and the harmless."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from audit.demo.ink import (
    BLACK,
    FACES,
    HELDOUT_FACES,
    TRAIN_FACES,
    WHITE,
    Box,
    Canvas,
    Colour,
    Face,
    gradient,
    mix,
    tint,
    vivid,
)

TRAIN_SURFACES = ("plain", "tinted", "dark", "ruled", "slide", "window", "rounded")
HELDOUT_SURFACES = ("sticky", "phone", "board")
SIZES = ((400, 400), (400, 400), (400, 400), (400, 300), (300, 400), (400, 240), (400, 340))


@dataclass(frozen=True, slots=True)
class Brief:
    """What a drawer is asked for: everything not said here it takes from `rng`."""

    rng: random.Random
    layout: str
    surface: str
    heldout: bool

    def face(self, *names: str) -> Face:
        """A face the split allows, out of `names` when any of those is allowed."""
        allowed = TRAIN_FACES if not self.heldout else (*HELDOUT_FACES, "sans", "bold")
        wanted = [name for name in names if name in allowed]
        return FACES[self.rng.choice(wanted or allowed)]


@dataclass(frozen=True, slots=True)
class Page:
    """A canvas with the box that is free for content, and the colours that suit it."""

    canvas: Canvas
    box: Box
    ink: Colour
    accent: Colour
    paper: Colour


def page(brief: Brief) -> Page:
    """A fresh page on the surface of the brief; the accent stands out from the paper."""
    fresh = _page(brief)
    gap = abs(sum(fresh.accent) - sum(fresh.paper))
    if gap >= 200:
        return fresh
    return replace(fresh, accent=mix(fresh.accent, fresh.ink, 0.6 if gap < 100 else 0.35))


def _page(brief: Brief) -> Page:
    rng = brief.rng
    size = rng.choice(SIZES)
    wide, high = size
    ink = rng.choice((BLACK, BLACK, tint(rng, 0, 70)))
    accent = vivid(rng)
    margin = rng.uniform(0.03, 0.09) * min(size)
    inner = (margin, margin, wide - margin, high - margin)
    match brief.surface:
        case "plain":
            return Page(Canvas(size, WHITE, rng), inner, ink, accent, WHITE)
        case "tinted":
            paper = tint(rng, 205, 252)
            canvas = Canvas(size, paper, rng)
            if rng.random() < 0.5:
                canvas.replace(gradient(size, paper, tint(rng, 200, 255)))
            if rng.random() < 0.5:
                edge = margin * 0.5
                canvas.pen.rectangle(
                    (edge, edge, wide - edge, high - edge), outline=accent, width=rng.randint(2, 5)
                )
                inner = (margin * 1.6, margin * 1.6, wide - margin * 1.6, high - margin * 1.6)
            return Page(canvas, inner, ink, accent, paper)
        case "dark":
            paper = tint(rng, 8, 60)
            return Page(Canvas(size, paper, rng), inner, tint(rng, 200, 255), accent, paper)
        case "ruled":
            return _ruled(size, rng, ink, accent)
        case "slide":
            return _slide(size, rng, ink, accent)
        case "window":
            return _window(size, rng, accent)
        case "rounded":
            back = tint(rng, 60, 230)
            canvas = Canvas(size, back, rng)
            canvas.replace(gradient(size, back, vivid(rng)))
            paper = rng.choice((WHITE, tint(rng, 225, 255), tint(rng, 10, 50)))
            edge = rng.uniform(0.05, 0.1) * min(size)
            canvas.rounded((edge, edge, wide - edge, high - edge), 18, paper)
            pad = edge + 14
            ink = BLACK if sum(paper) > 380 else WHITE
            return Page(canvas, (pad, pad, wide - pad, high - pad), ink, accent, paper)
        case "sticky":
            canvas = Canvas(size, tint(rng, 90, 190), rng)
            paper = rng.choice(((250, 236, 120), (255, 190, 205), (185, 235, 160), (160, 215, 250)))
            edge = 0.08 * min(size)
            canvas.pen.rectangle(
                (edge + 8, edge + 10, wide - edge + 8, high - edge + 10), fill=tint(rng, 50, 80)
            )
            canvas.pen.rectangle((edge, edge, wide - edge, high - edge), fill=paper)
            canvas.pen.rectangle((edge, edge, wide - edge, edge + 12), fill=mix(paper, BLACK, 0.1))
            pad = edge + 18
            return Page(canvas, (pad, pad, wide - pad, high - pad), ink, accent, paper)
        case "phone":
            return _phone(rng, accent)
        case "board":
            chalk = rng.random() < 0.5
            paper = (40, 78, 60) if chalk else (244, 246, 246)
            canvas = Canvas(size, (150, 105, 60) if chalk else (170, 174, 178), rng)
            canvas.pen.rectangle((12, 12, wide - 12, high - 20), fill=paper)
            canvas.pen.rectangle((wide * 0.6, high - 18, wide * 0.75, high - 12), fill=WHITE)
            ink = (238, 240, 232) if chalk else (20, 40, 120)
            return Page(canvas, (28, 26, wide - 28, high - 32), ink, accent, paper)
    raise ValueError(f"unknown surface {brief.surface!r}")


def _ruled(size: tuple[int, int], rng: random.Random, ink: Colour, accent: Colour) -> Page:
    """Notebook paper: lines or squares, sometimes a margin line."""
    wide, high = size
    paper = rng.choice((WHITE, (250, 248, 236), (238, 240, 246)))
    canvas = Canvas(size, paper, rng)
    line = mix(paper, (70, 110, 190), rng.uniform(0.15, 0.35))
    step = rng.randint(16, 30)
    for y in range(step, high, step):
        canvas.pen.line((0, y, wide, y), fill=line)
    if rng.random() < 0.4:
        for x in range(step, wide, step):
            canvas.pen.line((x, 0, x, high), fill=line)
    left = 18.0
    if rng.random() < 0.5:
        left = 0.13 * wide
        canvas.pen.line((left, 0, left, high), fill=mix(paper, (220, 60, 60), 0.5), width=2)
    return Page(canvas, (left + 8, 16, wide - 16, high - 14), ink, accent, paper)


def _slide(size: tuple[int, int], rng: random.Random, ink: Colour, accent: Colour) -> Page:
    """A presentation slide with a coloured band on one side."""
    wide, high = size
    paper = rng.choice((WHITE, tint(rng, 225, 250), tint(rng, 20, 60)))
    canvas = Canvas(size, paper, rng)
    band = rng.uniform(0.04, 0.1)
    side = rng.choice(("top", "left", "bottom"))
    box = (22.0, 20.0, wide - 20.0, high - 18.0)
    if side == "top":
        canvas.pen.rectangle((0, 0, wide, band * high), fill=accent)
        box = (box[0], band * high + 12, box[2], box[3])
    elif side == "left":
        canvas.pen.rectangle((0, 0, band * wide, high), fill=accent)
        box = (band * wide + 16, box[1], box[2], box[3])
    else:
        canvas.pen.rectangle((0, high - band * high, wide, high), fill=accent)
        box = (box[0], box[1], box[2], high - band * high - 8)
    ink = ink if sum(paper) > 380 else (235, 235, 240)
    return Page(canvas, box, ink, accent, paper)


def _window(size: tuple[int, int], rng: random.Random, accent: Colour) -> Page:
    """A desktop window with a title bar."""
    wide, high = size
    dark = rng.random() < 0.4
    paper = tint(rng, 20, 48) if dark else tint(rng, 242, 255)
    canvas = Canvas(size, tint(rng, 60, 200), rng)
    edge = rng.choice((0, 0, 10, 18))
    bar = rng.randint(20, 30)
    canvas.rounded((edge, edge, wide - edge, high - edge), 8, paper)
    canvas.pen.rectangle(
        (edge, edge + 4, wide - edge, edge + bar), fill=mix(paper, (128, 128, 136), 0.35)
    )
    for i, dot in enumerate(((237, 106, 94), (245, 191, 79), (98, 197, 84))):
        canvas.disc(edge + 14 + 15 * i, edge + bar / 2 + 2, 4.5, dot)
    box = (edge + 14.0, edge + bar + 10.0, wide - edge - 14.0, high - edge - 12.0)
    return Page(canvas, box, (230, 232, 238) if dark else BLACK, accent, paper)


def _phone(rng: random.Random, accent: Colour) -> Page:
    """A phone screen with its status bar."""
    size = (rng.choice((260, 300)), 400)
    wide, high = size
    dark = rng.random() < 0.5
    paper = tint(rng, 8, 36) if dark else tint(rng, 240, 255)
    ink = (238, 238, 240) if dark else BLACK
    canvas = Canvas(size, tint(rng, 0, 70), rng)
    canvas.rounded((6, 6, wide - 6, high - 6), 26, paper)
    canvas.rounded((wide * 0.36, 10, wide * 0.64, 20), 5, (0, 0, 0))
    canvas.text(24, 10, f"{rng.randint(7, 22)}:{rng.randint(10, 59)}", 11, FACES["sans"], ink)
    canvas.rounded((wide - 44, 13, wide - 24, 20), 3, ink)
    return Page(canvas, (22, 38, wide - 22, high - 26), ink, accent, paper)
