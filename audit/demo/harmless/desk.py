"""What lies on desks: tables, forms, receipts, crosswords, sheet music."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import CODE, HEADING, Colour, face, fitting
from audit.demo.harmless.sheet import (
    PHOTOGRAPHED,
    blend,
    ground,
    ink,
    palette,
    paper,
    photographed,
)

_GRID_WORDS = ("GARDEN", "PIANO", "RIVER", "LEMON", "TRAIN", "OCEAN", "CANDLE", "MAPLE", "SPOON",
               "WINDOW", "ROBIN", "CHALK", "ISLAND", "TEA", "KITE", "OWL", "NEST", "SNOW", "BREAD",
               "HARP", "MOON", "LILAC", "ECHO", "ATLAS", "PEAR")  # fmt: skip


def _seen(image: Image.Image, rng: random.Random, share: float = PHOTOGRAPHED) -> Image.Image:
    return photographed(image, rng) if rng.random() < share else image


def tables(rng: random.Random) -> Image.Image:
    """Timetables, results, price lists, calendars; ruled, striped or plain."""
    back, front = paper(rng), ink(rng)
    image, pen = ground(rng, back)
    wide, high = image.size
    accent = palette(rng, 1)[0]
    name = rng.choice(("sans", "serif", "times", "modern", "mono"))
    y = high * 0.05
    if rng.random() < 0.7:
        title = rng.choice((*texts.TOPICS, f"Buses to {texts.place(rng)}", "Results", "Price list"))
        font = fitting(title, rng.choice(HEADING), wide * 0.9, high * 0.07)
        pen.text((wide * 0.05, y), title, front, font)
        y += font.size * 1.8
    rows, columns = rng.randint(5, 16), rng.randint(3, 7)
    kind = rng.choice(("times", "numbers", "prices", "calendar"))
    if kind == "calendar":
        rows, columns = 6, 7
    left, right, step = wide * 0.05, wide * 0.95, (high * 0.95 - y) / rows
    first = 0.32 if kind != "calendar" else 1 / columns
    edges = [left, *(left + (right - left) * (first + (1 - first) * i / (columns - 1))
                     for i in range(columns))]  # fmt: skip
    font = face(name, int(min(step * 0.55, (right - left) / columns * 0.24, 22)))
    head = rng.random() < 0.75
    striped, ruled = rng.random() < 0.5, rng.choice(("all", "rows", "none"))
    shift = rng.randint(0, 5)
    for row in range(rows):
        top = y + row * step
        fill = accent if head and row == 0 else blend(back, accent, 0.12)
        if (head and row == 0) or (striped and row % 2):
            pen.rectangle((left, top, right, top + step), fill)
        for column in range(columns):
            x0, x1 = edges[column], edges[column + 1]
            text = _cell(rng, kind, row, column, shift)
            tone = (255, 255, 255) if head and row == 0 and sum(accent) < 500 else front
            at, anchor = (x0 + 5, "lm") if column == 0 and kind != "calendar" else (x1 - 6, "rm")
            pen.text((at, top + step / 2), text, tone, font, anchor)
            if ruled == "all":
                pen.rectangle((x0, top, x1, top + step), None, blend(back, front, 0.5))
        if ruled == "rows":
            pen.line((left, top + step, right, top + step), blend(back, front, 0.4))
    return _seen(image, rng)


def _cell(rng: random.Random, kind: str, row: int, column: int, shift: int) -> str:
    if kind == "calendar":
        day = (row - 1) * 7 + column - shift + 1
        return "MTWTFSS"[column] if row == 0 else str(day) if 1 <= day <= 31 else ""
    if row == 0:
        return "" if column == 0 else rng.choice(("Mon", "Total", "2023", "North", "A", "kg"))
    if column == 0:
        return rng.choice((texts.place(rng), rng.choice(texts.ITEMS).split()[0]))
    if kind == "times":
        return f"{rng.randint(5, 23):02}:{rng.randint(0, 59):02}"
    return f"{rng.uniform(0.5, 40):.2f}" if kind == "prices" else f"{rng.randint(0, 9999):,}"


def forms(rng: random.Random) -> Image.Image:
    """Orders, bookings and surveys to fill in: lines, boxes, ticks, sometimes filled by hand."""
    back, front = paper(rng), ink(rng)
    image, pen = ground(rng, back, ((480, 640), (640, 640), (640, 520), (500, 640)))
    wide, high = image.size
    accent = palette(rng, 1)[0]
    title = rng.choice(("Order form", "Booking request", "Library card renewal", "Survey",
                        "Workshop registration", "Delivery note", "Suggestions"))  # fmt: skip
    left, right = wide * 0.07, wide * 0.93
    if rng.random() < 0.5:
        pen.rectangle((0, 0, wide, high * 0.12), accent)
        pen.text((left, high * 0.06), title, (255, 255, 255), face("sans-bold", 26), "lm")
    else:
        pen.text((left, high * 0.06), title, front, face(rng.choice(HEADING), 28), "lm")
    y, name, size = (
        high * 0.17,
        rng.choice(("sans", "serif", "modern", "times")),
        rng.randint(13, 18),
    )
    font, style = face(name, size), rng.choice(("line", "box", "comb", "fill"))
    filled = rng.random() < 0.4
    rows = rng.randint(6, 11)
    step = (high * 0.94 - y) / rows
    for label in rng.sample(texts.LABELS, rows):
        if rng.random() < 0.22:  # a choice
            pen.text((left, y + step * 0.4), label, front, font, "lm")
            for k, option in enumerate(("Yes", "No", "Maybe")):
                x = left + (right - left) * (0.42 + 0.2 * k)
                b = size * 0.45
                box = (x - b, y + step * 0.4 - b, x + b, y + step * 0.4 + b)
                pen.rectangle(box, (255, 255, 255), front)
                if rng.random() < 0.3:
                    pen.line((x - b, y + step * 0.4, x, box[3], x + b * 1.6, box[1] - 4), accent, 3)
                pen.text((x + b * 2, y + step * 0.4), option, front, font, "lm")
        else:
            x = left + (right - left) * 0.42
            pen.text((left, y + step * 0.4), label, front, font, "lm")
            box = (x, y + step * 0.1, right, y + step * 0.72)
            if style == "line":
                pen.line((x, box[3], right, box[3]), front, 1)
            elif style == "comb":
                cells = 12
                for k in range(cells):
                    w = (right - x) / cells
                    pen.rectangle((x + k * w, box[1], x + (k + 1) * w, box[3]), None, front)
            else:
                shade = blend(back, accent, 0.12) if style == "fill" else (255, 255, 255)
                pen.rectangle(box, shade, blend(back, front, 0.6))
            if filled and style != "comb":
                said = rng.choice(
                    (texts.place(rng), str(rng.randint(1, 40)), rng.choice(texts.SHOPS))
                )
                hand = face("times-italic", size + 4)
                pen.text((x + 8, box[3] - 2), said, (30, 50, 150), hand, "lb")
        y += step
    return _seen(image, rng)


def receipts(rng: random.Random) -> Image.Image:
    """A till receipt: shop, items, sum, tax, thanks, perhaps bars; on a counter or scanned."""
    rows = rng.randint(3, 14)
    wide, size = 300, 15
    high = 210 + rows * 21 + rng.randint(0, 60)
    tone = rng.choice(((255, 255, 255), (250, 249, 244), (242, 240, 236)))
    image = Image.new("RGB", (wide, high), tone)
    pen = ImageDraw.Draw(image)
    grey = rng.randint(20, 110)
    front: Colour = (grey, grey, grey + 8)
    name = rng.choice(CODE)
    font = face(name, size)
    pen.text((wide / 2, 20), rng.choice(texts.SHOPS).upper(), front, face("mono-bold", 20), "mm")
    pen.text((wide / 2, 44), f"{rng.randint(1, 99)} {texts.road(rng)}", front, face(name, 13), "mm")
    day = f"{rng.randint(1, 28)}.{rng.randint(1, 12)}.2024"
    when = f"{day}  {rng.randint(8, 20)}:{rng.randint(10, 59)}"
    pen.text((wide / 2, 62), when, front, face(name, 13), "mm")
    y, total = 88.0, 0.0
    for item in (rng.choice(texts.ITEMS) for _ in range(rows)):
        price = rng.randint(49, 1899) / 100
        total += price
        pen.text((16, y), item, front, font)
        pen.text((wide - 16, y), f"{price:.2f}", front, font, "ra")
        y += 21
    pen.line((16, y + 4, wide - 16, y + 4), front, 1)
    pen.text((16, y + 10), "TOTAL", front, face("mono-bold", 19))
    pen.text((wide - 16, y + 10), f"{total:.2f}", front, face("mono-bold", 19), "ra")
    pen.text((16, y + 38), "incl. tax", front, face(name, 13))
    pen.text((wide - 16, y + 38), f"{total * 0.07:.2f}", front, face(name, 13), "ra")
    pen.text((wide / 2, y + 70), rng.choice(("Thank you!", "See you soon", "Have a nice day")),
             front, font, "mm")  # fmt: skip
    if rng.random() < 0.4:
        x = 60
        while x < wide - 60:
            w = rng.choice((1, 2, 2, 3))
            pen.rectangle((x, y + 86, x + w - 1, y + 116), front)
            x += w + rng.choice((1, 2, 3))
    image = image.resize((round(wide * 640 / max(wide, high)), round(high * 640 / max(wide, high))),
                         Image.Resampling.BICUBIC)  # fmt: skip
    return _seen(image, rng, 0.65)


def crosswords(rng: random.Random) -> Image.Image:
    """Crosswords empty or part filled, sudokus, word searches."""
    back, front = paper(rng), ink(rng)
    image, pen = ground(rng, back, ((640, 640), (560, 640), (640, 480), (480, 640)))
    wide, high = image.size
    kind = rng.choice(("cross", "cross", "sudoku", "search"))
    n = {"cross": rng.choice((9, 11, 13, 15)), "sudoku": 9, "search": rng.randint(9, 14)}[kind]
    side = min(wide, high) * rng.uniform(0.72, 0.94)
    if wide != high:
        side = min(side, min(wide, high) * 0.9)
    x0, y0, cell = (wide - side) / 2, min((high - side) / 2, high * 0.05 + 20), side / n
    font = face(rng.choice(("sans", "serif", "times", "light")), int(cell * 0.62))
    black = rng.choice((front, front, palette(rng, 1)[0]))
    filled, number = rng.random(), 1
    cells = [(i, j) for i in range(n) for j in range(n)]
    shut = {(i, j) for i, j in cells if rng.random() < (0.85 if i % 2 and j % 2 else 0.16)}
    shut |= {(n - 1 - i, n - 1 - j) for i, j in shut}
    for i in range(n):
        for j in range(n):
            box = (x0 + j * cell, y0 + i * cell, x0 + (j + 1) * cell, y0 + (i + 1) * cell)
            middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
            if kind == "search":
                word = _GRID_WORDS[i % len(_GRID_WORDS)]
                letter = (
                    word[j] if j < len(word) and i % 3 == 0 else rng.choice("ABCDEFGHIKLMNOPRSTUW")
                )
                pen.text(middle, letter, front, font, "mm")
                continue
            dark = kind == "cross" and (i, j) in shut
            pen.rectangle(box, black if dark else (255, 255, 255), front)
            if kind == "sudoku":
                if rng.random() < 0.4:
                    pen.text(middle, str(rng.randint(1, 9)), front, font, "mm")
            elif not dark:
                if (i, j - 1) in shut or (i - 1, j) in shut or 0 in (i, j):
                    pen.text(
                        (box[0] + 2, box[1] + 1), str(number), front, face("sans", int(cell * 0.27))
                    )
                    number += 1
                if rng.random() < filled - 0.4:
                    pen.text(middle, rng.choice("AEIRSTLNOPD"), (40, 60, 150), font, "mm")
    if kind == "sudoku":
        for k in range(0, 10, 3):
            pen.line((x0 + k * cell, y0, x0 + k * cell, y0 + side), front, 4)
            pen.line((x0, y0 + k * cell, x0 + side, y0 + k * cell), front, 4)
    y = y0 + side + 10
    while kind != "sudoku" and y < high - 18:
        clue = f"{rng.randint(1, 30)}. {texts.sentence(rng)[:34]} ({rng.randint(3, 9)})"
        pen.text((x0, y), clue, front, face("serif", 12))
        y += 17
    return _seen(image, rng)


def _clef(pen: ImageDraw.ImageDraw, x: float, y: float, gap: float, front: Colour) -> None:
    """A treble clef on the staff that starts at y."""
    angles = [k * 0.55 for k in range(22)]
    turns = [(x + gap * 0.13 * a * math.cos(a), y + gap * (3 - 0.12 * a * math.sin(a)))
             for a in angles]  # fmt: skip
    loop = [(-0.2, 4), (-1.3, 3.2), (-1.2, 2), (0.2, 0.6), (0.6, -0.6), (0.2, -1.3), (-0.2, -0.4),
            (0.3, 4.8), (0, 5.4), (-0.6, 5.2)]  # fmt: skip
    pen.line(turns, front, 2, "curve")
    pen.line([(x + a * gap, y + b * gap) for a, b in loop], front, 2, "curve")


def sheet_music(rng: random.Random) -> Image.Image:
    """Staves with clefs, notes, rests, beams and bars; with or without words below."""
    back = paper(rng)
    front: Colour = (20, 18, 16)
    image, pen = ground(rng, back, ((480, 640), (640, 480), (640, 400), (500, 640)))
    wide, high = image.size
    y = high * 0.05
    if rng.random() < 0.6:
        title = (
            f"{rng.choice(('Waltz', 'Song', 'Minuet', 'Lullaby', 'March'))} of {texts.place(rng)}"
        )
        pen.text(
            (wide / 2, y), title, front, face(rng.choice(("serif-bold", "times-bold")), 26), "ma"
        )
        y += 56
    gap = rng.uniform(6.5, 11)
    words = rng.random() < 0.4
    while y + gap * 8 < high * 0.97:
        left, right = wide * 0.05, wide * 0.95
        for k in range(5):
            pen.line((left, y + k * gap, right, y + k * gap), front, 1)
        pen.line((left, y, left, y + 4 * gap), front, 2)
        _clef(pen, left + gap * 2.2, y, gap, front)
        x, count, pitch = left + gap * 6, 0, rng.randint(0, 8)
        previous: tuple[float, float] | None = None
        while x < right - gap * 2:
            pitch = min(max(pitch + rng.choice((-2, -1, -1, 0, 1, 1, 2)), -2), 10)
            at = y + 4 * gap - pitch * gap / 2
            hollow = rng.random() < 0.2
            pen.ellipse((x - gap * 0.62, at - gap * 0.45, x + gap * 0.62, at + gap * 0.45),
                        back if hollow else front, front, 2)  # fmt: skip
            down = pitch > 4
            sx = x - gap * 0.58 if down else x + gap * 0.58
            end = at + gap * 3.3 if down else at - gap * 3.3
            pen.line((sx, at, sx, end), front, 2)
            if (
                previous
                and rng.random() < 0.6
                and (previous[1] > y + 4 * gap) == (end > y + 4 * gap)
            ):
                pen.line((*previous, sx, end), front, max(3, int(gap * 0.5)))
                previous = None
            else:
                previous = (sx, end)
            if words:
                said = rng.choice(("la", "spring", "and", "o", "light", "the"))
                pen.text((x, y + gap * 6.6), said, front, face("times", int(gap * 1.6)), "mm")
            count += 1
            x += gap * rng.uniform(2.6, 4)
            if count % 4 == 0:
                pen.line((x, y, x, y + 4 * gap), front, 1)
                x, previous = x + gap * 2, None
        y += gap * rng.uniform(9, 11)
    return _seen(image, rng)
