"""Grids, codes and word marks: what looks like a captcha and is none."""

from __future__ import annotations

import random

from PIL import Image

from audit.demo import words
from audit.demo.ink import (
    BLACK,
    FACES,
    WHITE,
    Box,
    Canvas,
    fitted,
    gradient,
    text_width,
    tint,
    vivid,
)
from audit.demo.pages import Brief, page


def scene(box: tuple[int, int], rng: random.Random) -> Image.Image:
    """A tiny landscape of simple shapes, `box` = (width, height) pixels."""
    wide, high = box
    canvas = Canvas(box, WHITE, rng)
    canvas.replace(gradient(box, tint(rng, 120, 230), tint(rng, 70, 180)))
    horizon = high * rng.uniform(0.45, 0.75)
    canvas.pen.rectangle((0, horizon, wide, high), fill=tint(rng, 50, 140))
    for _ in range(rng.randint(2, 5)):
        x, w, h = rng.uniform(-0.1, 0.9) * wide, rng.uniform(0.1, 0.5) * wide, high * rng.random()
        shape = rng.randrange(3)
        colour = tint(rng, 30, 220)
        if shape == 0:
            canvas.pen.rectangle((x, horizon - h * 0.6, x + w, horizon + h * 0.3), fill=colour)
        elif shape == 1:
            canvas.pen.ellipse((x, horizon - h * 0.5, x + w, horizon + 4), fill=colour)
        else:
            canvas.pen.polygon(
                [(x, horizon + 3), (x + w / 2, horizon - h * 0.6), (x + w, horizon + 3)],
                fill=colour,
            )
    return canvas.image


def tiles(
    canvas: Canvas,
    box: Box,
    columns: int,
    rows: int,
    gap: float,
    *,
    photos: bool,
    discs: bool = False,
) -> None:
    """A grid of little scenes or of plain colours."""
    left, top, right, bottom = box
    cell_w = (right - left - gap * (columns - 1)) / columns
    cell_h = (bottom - top - gap * (rows - 1)) / rows
    rng = canvas.rng
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * (cell_w + gap), top + row * (cell_h + gap)
            size = (max(1, round(cell_w)), max(1, round(cell_h)))
            if photos:
                canvas.image.paste(scene(size, rng), (round(x), round(y)))
            elif discs:
                radius = min(cell_w, cell_h) * 0.46
                canvas.disc(x + cell_w / 2, y + cell_h / 2, radius, tint(rng, 20, 250))
            else:
                canvas.pen.rectangle((x, y, x + cell_w, y + cell_h), fill=tint(rng, 20, 250))


def mosaic(brief: Brief) -> tuple[Canvas, str]:
    """Photo grids and colour swatches, without an order above them."""
    rng = brief.rng
    size = rng.choice(((320, 400), (360, 400), (400, 400), (400, 300)))
    canvas = Canvas(size, rng.choice((WHITE, tint(rng, 0, 60), tint(rng, 180, 250))), rng)
    wide, high = size
    top = 8.0
    photos = brief.layout in ("photos", "album", "album-4")
    if brief.layout in ("album", "paint", "album-4"):
        face = brief.face()
        name = rng.choice(("Holiday", "Garden 2019", "Colours", "Our walks", "Spring palette"))
        if rng.random() < 0.5:
            canvas.pen.rectangle((8, 8, wide - 8, high * 0.2), fill=vivid(rng))
        canvas.text(
            20, high * 0.06, name, high * 0.09, face, WHITE if rng.random() < 0.5 else BLACK
        )
        top = high * 0.22
    n = rng.choice((2, 3, 3, 4))
    tiles(
        canvas,
        (8, top, wide - 8, high - 8),
        n,
        rng.choice((n, n, 2)),
        rng.choice((0, 3, 8)),
        photos=photos,
        discs=brief.layout == "samples",
    )
    return canvas, rng.choice(("photo collage", "colour swatches", "our holiday"))


def bars(canvas: Canvas, box: Box) -> None:
    """A barcode-like row of bars on white."""
    left, top, right, bottom = box
    canvas.pen.rectangle(box, fill=WHITE)
    x = left + 4
    while x < right - 6:
        w = canvas.rng.choice((2, 2, 3, 5))
        canvas.pen.rectangle((x, top + 3, x + w - 1, bottom - 3), fill=BLACK)
        x += w + canvas.rng.choice((2, 2, 3, 5))


def matrix(canvas: Canvas, box: Box) -> None:
    """A square of modules with three finder marks, like a matrix code (it encodes nothing)."""
    left, top, right, _ = box
    n = 21
    rng = canvas.rng
    code = Image.new("L", (n, n), 255)
    code.putdata([rng.choice((0, 255)) for _ in range(n * n)])
    for x, y in ((0, 0), (n - 7, 0), (0, n - 7)):
        code.paste(255, (max(0, x - 1), max(0, y - 1), min(n, x + 8), min(n, y + 8)))
        code.paste(0, (x, y, x + 7, y + 7))
        code.paste(255, (x + 1, y + 1, x + 6, y + 6))
        code.paste(0, (x + 2, y + 2, x + 5, y + 5))
    side = max(n, round(right - left))
    canvas.image.paste(
        code.resize((side, side), Image.Resampling.NEAREST).convert("RGB"),
        (round(left), round(top)),
    )


def barcode(brief: Brief) -> tuple[Canvas, str]:
    """A label with bars or a matrix."""
    sheet = page(brief)
    left, top, right, bottom = sheet.box
    face = brief.face()
    text = words.digits(brief.rng, 12)
    if brief.layout in ("matrix", "poster-matrix"):
        side = min(right - left, bottom - top) * brief.rng.uniform(0.5, 0.8)
        x = left + (right - left - side) / 2
        matrix(sheet.canvas, (x, top, x + side, top + side))
        sheet.canvas.text(
            (left + right) / 2, top + side + 8, "Menu", 24, face, sheet.ink, anchor="m"
        )
    else:
        split = top + (bottom - top) * brief.rng.uniform(0.4, 0.75)
        if brief.layout == "label":
            name = words.offer(brief.rng).title()
            size = fitted(name, right - left, (split - top) * 0.25, face)
            sheet.canvas.text(left, top, name, size, face, sheet.ink)
            top += size * 1.4
        elif brief.layout == "ticket-bars":
            half = top + (split - top) * 0.45
            bars(sheet.canvas, (left, top, (left + right) / 2, half))
            top = half + 6
        bars(sheet.canvas, (left, top, right, split))
        sheet.canvas.text(
            (left + right) / 2,
            split + 6,
            text,
            fitted(text, right - left, 30, face),
            face,
            sheet.ink,
            anchor="m",
        )
    return sheet.canvas, "label"


def logo(brief: Brief) -> tuple[Canvas, str]:
    """One invented word set large: letters, but undistorted and unlined."""
    rng = brief.rng
    sheet = page(brief)
    left, top, right, bottom = sheet.box
    face = brief.face()
    name = words.name(rng)
    name = name.upper() if rng.random() < 0.5 else name
    size = fitted(name, right - left, (bottom - top) * 0.45, face)
    y = top + (bottom - top - size * 1.3) / 2
    middle = (left + right) / 2
    if brief.layout == "disc":
        sheet.canvas.disc(middle, y + size * 0.6, min(right - left, bottom - top) / 2, sheet.accent)
        size *= 0.7
        y += size * 0.2
    elif brief.layout == "bar":
        sheet.canvas.pen.rectangle((left, y - 6, right, y + size * 1.4), fill=sheet.accent)
    elif brief.layout == "underlined":
        wide = text_width(name, size, face)
        sheet.canvas.pen.line(
            (middle - wide / 2, y + size * 1.3, middle + wide / 2, y + size * 1.3),
            fill=sheet.accent,
            width=8,
        )
    ink = sheet.ink if brief.layout not in ("disc", "bar") else WHITE
    sheet.canvas.text(middle, y, name, size, face, ink, anchor="m")
    if brief.layout == "tagline":
        line = words.prose(rng, 4)
        sheet.canvas.text(
            middle,
            y + size * 1.4,
            line,
            fitted(line, right - left, 22, FACES["sans"]),
            FACES["sans"],
            sheet.accent,
            anchor="m",
        )
    return sheet.canvas, f"{name} logo"
