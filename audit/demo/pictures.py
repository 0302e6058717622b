"""Pictures without words, or nearly: maps and abstract art."""

from __future__ import annotations

import math

from audit.demo import words
from audit.demo.grids import scene
from audit.demo.ink import WHITE, Canvas, gradient, mix, tint, vivid
from audit.demo.pages import SIZES, Brief


def street_map(brief: Brief) -> tuple[Canvas, str]:
    """Blocks, roads, a river, names and pins."""
    rng = brief.rng
    size = rng.choice(SIZES)
    wide, high = size
    night = brief.layout == "night"
    paper = tint(rng, 20, 60) if night else tint(rng, 220, 245)
    canvas = Canvas(size, paper, rng)
    for _ in range(rng.randint(1, 4)):
        x, y, r = rng.uniform(0, wide), rng.uniform(0, high), rng.uniform(30, 90)
        park = mix(paper, (90, 180, 90), 0.5)
        canvas.rounded((x, y, x + r * 2, y + r), 12, park)
    if brief.layout != "metro":
        points = [
            (x, high * (0.5 + 0.3 * math.sin(x / wide * 4 + rng.random())))
            for x in range(-20, wide + 60, 40)
        ]
        canvas.pen.line(
            points, fill=mix(paper, (80, 150, 230), 0.7), width=rng.randint(12, 36), joint="curve"
        )
    road = tint(rng, 80, 120) if night else WHITE
    for _ in range(rng.randint(8, 16)):
        thick = rng.choice((3, 4, 7, 11))
        colour = (250, 214, 110) if thick == 11 else road
        if brief.layout == "metro":
            colour, thick = vivid(rng), 8
        a, b = rng.uniform(-0.2, 1.2), rng.uniform(-0.2, 1.2)
        if brief.layout in ("grid", "metro", "night") or rng.random() < 0.4:
            b = a + rng.uniform(-0.05, 0.05)
        ends = (
            (0, a * high, wide, b * high) if rng.random() < 0.5 else (a * wide, 0, b * wide, high)
        )
        canvas.pen.line(ends, fill=colour, width=thick)
    face = brief.face("sans", "condensed", "italic", "serif")
    for _ in range(rng.randint(3, 7)):
        canvas.text(
            rng.uniform(0, wide * 0.8),
            rng.uniform(0, high - 20),
            words.name(rng),
            rng.uniform(12, 22),
            face,
            tint(rng, 180, 240) if night else tint(rng, 40, 110),
        )
    for _ in range(rng.randint(0, 3) if brief.layout != "relief" else 6):
        x, y = rng.uniform(20, wide - 20), rng.uniform(40, high - 20)
        pin = vivid(rng)
        canvas.pen.polygon([(x, y), (x - 9, y - 18), (x + 9, y - 18)], fill=pin)
        canvas.disc(x, y - 22, 11, pin, WHITE, 3)
    return canvas, rng.choice(("map of the town", "how to find us", "route"))


def abstract(brief: Brief) -> tuple[Canvas, str]:
    """Gradients, shapes, stripes, waves, a toy landscape."""
    rng = brief.rng
    size = rng.choice(SIZES)
    wide, high = size
    canvas = Canvas(size, WHITE, rng)
    canvas.replace(gradient(size, tint(rng, 0, 255), tint(rng, 0, 255), across=rng.random() < 0.5))
    match brief.layout:
        case "shapes":
            for _ in range(rng.randint(4, 14)):
                x, y, r = rng.uniform(0, wide), rng.uniform(0, high), rng.uniform(12, 90)
                if rng.random() < 0.5:
                    canvas.disc(x, y, r, tint(rng, 0, 255))
                else:
                    canvas.pen.rectangle((x - r, y - r / 2, x + r, y + r / 2), fill=vivid(rng))
        case "stripes":
            step = rng.randint(12, 50)
            lean = rng.uniform(-200, 200)
            colour = tint(rng, 0, 255)
            for x in range(-200, wide + 200, step * 2):
                canvas.pen.polygon(
                    [(x, 0), (x + step, 0), (x + step + lean, high), (x + lean, high)], fill=colour
                )
        case "waves":
            for i in range(8):
                points = [
                    (x, high * (0.15 + 0.1 * i) + 20 * math.sin(x / 40 + i))
                    for x in range(0, wide + 10, 10)
                ]
                canvas.pen.line(points, fill=vivid(rng), width=rng.randint(3, 16), joint="curve")
        case "landscape":
            canvas.replace(scene(size, rng))
        case "rings":
            x, y = rng.uniform(0, wide), rng.uniform(0, high)
            for r in range(300, 10, -rng.randint(18, 40)):
                canvas.disc(x, y, r, tint(rng, 0, 255))
        case _:
            pass
    return canvas, rng.choice(("untitled", "wallpaper", "background", ""))
