"""Logos, icons, square codes and bar codes."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import HEADING, Colour, face, fitting
from audit.demo.harmless.sheet import (
    PHOTOGRAPHED,
    blend,
    ground,
    hue,
    palette,
    paper,
    photographed,
)


def _mark(pen: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float, r: float,
          colours: list[Colour], back: Colour) -> None:  # fmt: skip
    """An abstract mark of simple shapes inside a circle of radius r."""
    one, two = colours[0], colours[1]
    match rng.randrange(9):
        case 0:
            pen.ellipse((x - r, y - r, x + r, y + r), one)
            pen.ellipse((x - r * 0.3, y - r * 0.9, x + r * 1.1, y + r * 0.5), back)
        case 1:
            n = rng.randint(3, 8)
            turn = rng.uniform(0, 6.3)
            points = [(x + r * math.cos(turn + k * 2 * math.pi / n),
                       y + r * math.sin(turn + k * 2 * math.pi / n)) for k in range(n)]  # fmt: skip
            pen.polygon(points, one)
            pen.ellipse((x - r * 0.4, y - r * 0.4, x + r * 0.4, y + r * 0.4), two)
        case 2:
            for k in range(6):
                a = k * math.pi / 3
                px, py = x + r * 0.5 * math.cos(a), y + r * 0.5 * math.sin(a)
                q = r * 0.42
                pen.ellipse((px - q, py - q, px + q, py + q), blend(one, two, k / 5))
        case 3:
            pen.polygon(
                [(x - r, y + r * 0.7), (x - r * 0.2, y - r * 0.6), (x + r * 0.5, y + r * 0.7)], one
            )
            pen.polygon(
                [(x - r * 0.1, y + r * 0.7), (x + r * 0.5, y - r * 0.2), (x + r, y + r * 0.7)], two
            )
        case 4:
            for k in range(3):
                h = r * (0.7 + 0.5 * k)
                left, tone = x - r + k * r * 0.7, blend(one, two, k / 2)
                pen.rounded_rectangle((left, y + r - h, left + r * 0.5, y + r), r * 0.15, tone)
        case 5:
            pen.arc((x - r, y - r, x + r, y + r), 30, 330, one, int(r * 0.35))
            pen.rectangle((x, y - r * 0.17, x + r, y + r * 0.17), two)
        case 6:
            leaf = [(x + r * math.sin(t) ** 3, y - r * (math.cos(t) * 0.8 - math.cos(2 * t) * 0.3))
                    for t in [k * 0.1 for k in range(63)]]  # fmt: skip
            pen.polygon(leaf, one)
        case 7:
            star = [
                (
                    x + (r if k % 2 else r * 0.45) * math.sin(k * math.pi / 5),
                    y - (r if k % 2 else r * 0.45) * math.cos(k * math.pi / 5),
                )
                for k in range(10)
            ]
            pen.polygon(star, one)
        case _:
            pen.rounded_rectangle((x - r, y - r, x + r, y + r), r * 0.35, one)
            letter = rng.choice("ABDEGKMNPQRS")
            font = face(rng.choice(HEADING), int(r * 1.4))
            pen.text((x, y), letter, (255, 255, 255), font, "mm")


def logos(rng: random.Random) -> Image.Image:
    """An invented name with or without a mark, on a light, dark or coloured ground."""
    back = rng.choice((paper(rng), paper(rng), (20, 22, 28), hue(rng, 0.7, 0.5)))
    image, pen = ground(rng, back)
    wide, high = image.size
    colours = palette(rng, 2, 0.8)
    light = sum(back) > 450
    front = blend(colours[0], (0, 0, 0), 0.3) if light else (245, 245, 245)
    name = rng.choice((texts.place(rng), rng.choice(texts.SHOPS), texts.place(rng).upper()))
    r = min(wide, high) * rng.uniform(0.12, 0.2)
    font_name = rng.choice((*HEADING, "serif-italic", "typewriter"))
    if rng.random() < 0.5:  # mark above
        _mark(pen, rng, wide / 2, high * 0.36, r, colours, back)
        font = fitting(name, font_name, wide * 0.8, high * 0.14)
        pen.text((wide / 2, high * 0.68), name, front, font, "mm")
    elif rng.random() < 0.7:  # mark beside
        font = fitting(name, font_name, wide * 0.58, high * 0.16)
        _mark(pen, rng, wide * 0.2, high / 2, min(r, wide * 0.13), colours, back)
        pen.text((wide * 0.36, high / 2), name, front, font, "lm")
    else:
        font = fitting(name, font_name, wide * 0.85, high * 0.3)
        pen.text((wide / 2, high * 0.46), name, front, font, "mm")
    if rng.random() < 0.4:
        line = rng.choice(("since 1987", "good things daily", "made with care", "tea and books"))
        pen.text((wide / 2, high * 0.86), line, blend(front, back, 0.3), face("sans", 20), "mm")
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED / 2 else image


_SIGNS = "★☀☁☂☎☕☘♠♥♦♣♪♫⚑⚓⚙✈✉✎✓✿❄❤➜⌂⏏☺☼♨✂❀⚡⌘"


def icons(rng: random.Random) -> Image.Image:
    """A set of app icons or pictograms in a grid, or a single large one."""
    back = rng.choice((paper(rng), (28, 30, 36), hue(rng, 0.4, 0.85)))
    image, pen = ground(rng, back)
    wide, high = image.size
    columns = rng.choice((1, 2, 3, 4, 5))
    cell = wide / columns
    rows = max(1, int(high / cell))
    y0 = (high - rows * cell) / 2 if rows * cell <= high else 0
    cell = min(cell, high / rows)
    style = rng.choice(("tile", "disc", "bare", "mark"))
    one = palette(rng, 1, 0.8)[0]
    for row in range(rows):
        for column in range(columns):
            x, y, r = (column + 0.5) * wide / columns, y0 + (row + 0.5) * cell, cell * 0.36
            tone = one if style == "bare" else palette(rng, 1, 0.75)[0]
            if style == "mark":
                _mark(pen, rng, x, y, r * 0.8, palette(rng, 2, 0.8), back)
                continue
            if style == "tile":
                pen.rounded_rectangle((x - r, y - r, x + r, y + r), r * 0.4, tone)
            elif style == "disc":
                pen.ellipse((x - r, y - r, x + r, y + r), tone)
            fill = tone if style == "bare" else (255, 255, 255)
            pen.text((x, y), rng.choice(_SIGNS), fill, face("sans", int(r * 1.2)), "mm")
            if columns < 5 and rng.random() < 0.3:
                said = rng.choice(("Mail", "Maps", "Music", "Notes", "Photos", "Clock"))
                front = (40, 40, 44) if sum(back) > 380 else (230, 230, 230)
                pen.text((x, y + r * 1.2), said, front, face("sans", 14), "mm")
    return image


def qr_codes(rng: random.Random) -> Image.Image:
    """A square code with finder, timing and alignment marks (its data are dice)."""
    back = rng.choice(((255, 255, 255), (255, 255, 255), hue(rng, 0.3, 0.95), hue(rng, 0.6, 0.4)))
    image, pen = ground(rng, back)
    wide, high = image.size
    n = rng.choice((21, 25, 29, 33, 41))
    side = min(wide, high) * rng.uniform(0.45, 0.85)
    dark = rng.choice(((0, 0, 0), (0, 0, 0), hue(rng, 0.8, 0.4)))
    titled = rng.random() < 0.55
    x0, y0 = (wide - side) / 2, (high - side) / 2 - (high * 0.04 if titled else 0)
    cell = side / n
    edge = 3 * cell
    pen.rectangle((x0 - edge, y0 - edge, x0 + side + edge, y0 + side + edge), (255, 255, 255))
    round_cells = rng.random() < 0.2

    def dot(i: int, j: int) -> None:
        a = (x0 + j * cell, y0 + i * cell, x0 + (j + 1) * cell, y0 + (i + 1) * cell)
        if round_cells:
            pen.ellipse(a, dark)
        else:
            pen.rectangle(a, dark)

    def ring(i: int, j: int, width: int) -> None:
        for k, colour in enumerate((dark, (255, 255, 255), dark)):
            a = (x0 + (j + k) * cell, y0 + (i + k) * cell,
                 x0 + (j + width - k) * cell - 1, y0 + (i + width - k) * cell - 1)  # fmt: skip
            pen.rectangle(a, colour)

    for i in range(n):
        for j in range(n):
            corner = (i < 8 and (j < 8 or j >= n - 8)) or (i >= n - 8 and j < 8)
            timing = (i == 6 or j == 6) and not corner
            if (timing and (i + j) % 2 == 0) or (not corner and not timing and rng.random() < 0.5):
                dot(i, j)
    for i, j in ((0, 0), (0, n - 7), (n - 7, 0)):
        ring(i, j, 7)
    if n > 21:
        pen.rectangle((x0 + (n - 9) * cell, y0 + (n - 9) * cell, x0 + (n - 4) * cell - 1,
                       y0 + (n - 4) * cell - 1), (255, 255, 255))  # fmt: skip
        ring(n - 9, n - 9, 5)
    if titled:
        front = (30, 30, 34) if sum(back) > 380 else (255, 255, 255)
        said = rng.choice(
            ("Scan for the menu", "Free Wi-Fi", "Tickets", texts.place(rng), "Timetable")
        )
        font = fitting(said, "sans-bold", wide * 0.8, 34)
        pen.text((wide / 2, min(high - 24, y0 + side + edge + 26)), said, front, font, "mm")
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image


_LEFT = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011",
         "0110111", "0001011")  # fmt: skip
_PARITY = ("LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG",
           "LGLGGL", "LGGLGL")  # fmt: skip


def _ean13(digits: str) -> str:
    """The 95 modules of 13 digits, '1' is dark. Source: GS1 General Specifications, EAN-13."""
    right = [code.translate(str.maketrans("01", "10")) for code in _LEFT]
    left = ""
    for kind, digit in zip(_PARITY[int(digits[0])], digits[1:7], strict=True):
        code = _LEFT[int(digit)]
        left += code if kind == "L" else right[int(digit)][::-1]
    return "101" + left + "01010" + "".join(right[int(d)] for d in digits[7:]) + "101"


def barcodes(rng: random.Random) -> Image.Image:
    """An EAN-13 code of random digits: alone, on a price label, on a parcel or a shelf."""
    back = rng.choice(((255, 255, 255), (255, 255, 255), (252, 240, 160), hue(rng, 0.3, 0.9)))
    image, pen = ground(rng, back)
    wide, high = image.size
    front = (10, 10, 12)
    count = rng.choice((1, 1, 1, 2, 6))
    columns = 1 if count < 6 else 2
    rows = count // columns
    for k in range(count):
        x0, x1 = wide * (k % columns) / columns, wide * (k % columns + 1) / columns
        y0, y1 = high * (k // columns) / rows, high * (k // columns + 1) / rows
        body = [rng.randint(0, 9) for _ in range(12)]
        check = -sum(d * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10
        digits = "".join(map(str, [*body, check]))
        unit = max(1, int((x1 - x0) * rng.uniform(0.6, 0.92) / 105))
        left = (x0 + x1 - 95 * unit) / 2
        top = y0 + (y1 - y0) * rng.uniform(0.1, 0.4)
        base = top + (y1 - top) * rng.uniform(0.4, 0.7)
        if rng.random() < 0.5 and top - y0 > 26:
            said = rng.choice(texts.ITEMS)
            font = fitting(said, "sans-bold", (x1 - x0) * 0.8, (top - y0) * 0.5)
            pen.text((left, (y0 + top) / 2), said, front, font, "lm")
        pen.rectangle((left - 6 * unit, top - 6, left + 101 * unit, base + 30), (255, 255, 255))
        for i, module in enumerate(_ean13(digits)):
            if module == "1":
                guard = i < 3 or i > 91 or 45 <= i < 50
                end = base + (8 if guard else 0)
                pen.rectangle((left + i * unit, top, left + (i + 1) * unit - 1, end), front)
        font = face(rng.choice(("mono", "sans")), max(9, 8 * unit))
        spaced = f"{digits[0]} {digits[1:7]} {digits[7:]}"
        pen.text(((x0 + x1) / 2, base + 4), spaced, front, font, "ma")
        if rng.random() < 0.3:
            pen.text((left, min(base + 44, y1 - 30)), f"{rng.uniform(1, 50):.2f}", front,
                     face("sans-bold", 30))  # fmt: skip
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image
