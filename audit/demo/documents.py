"""Honest pages: titles, code, sums, books, notes and tables."""

from __future__ import annotations

import random

from audit.demo import words
from audit.demo.ink import Box, Canvas, Colour, fitted, mix, text_width, vivid, wrap
from audit.demo.pages import Brief, page


def title(brief: Brief) -> tuple[Canvas, str]:
    """A heading alone, or with a paragraph: space below it, but no list."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face()
    text = rng.choice((words.how_to(rng), words.prose(rng, rng.randint(5, 10))))
    left, top, right, bottom = sheet.box
    size = rng.uniform(0.08, 0.15) * (right - left)
    lines = wrap(text, right - left, size, face)
    anchor = rng.choice(("l", "m"))
    if brief.layout == "middle":
        top += max(0.0, (bottom - top - len(lines) * size * 1.3) / 2)
    y = sheet.canvas.lines((left, top, right, bottom), lines, size, face, sheet.ink, anchor=anchor)
    if brief.layout in ("paragraph", "signed"):
        small = size * (0.5 if brief.layout == "paragraph" else 0.6)
        body = words.prose(rng, 40) if brief.layout == "paragraph" else f"- {words.name(rng)}"
        sheet.canvas.lines(
            (left, y + small, right, bottom),
            wrap(body, right - left, small, face),
            small,
            face,
            sheet.ink,
        )
    elif brief.layout == "lined":
        sheet.canvas.pen.line((left, y + 6, right, y + 6), fill=sheet.accent, width=4)
    return sheet.canvas, text


_KEYWORDS = ("def", "return", "for", "if", "else", "import", "let", "while", "class", "in")
_NAMES = ("total", "items", "row", "count", "index", "value", "result", "path", "n", "key", "x")


def code(brief: Brief) -> tuple[Canvas, str]:
    """Source code with indentation and highlighted words."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face("mono", "mono-bold", "pixel", "wide")
    left, top, right, bottom = sheet.box
    size = rng.uniform(13, 22)
    colours = [vivid(rng) for _ in range(3)]
    colours = [mix(c, sheet.ink, 0.25) for c in colours]
    if brief.layout == "panel":
        panel = mix(sheet.paper, sheet.ink, 0.12)
        sheet.canvas.pen.rectangle((left - 8, top - 6, right + 8, bottom), fill=panel)
        sheet.canvas.pen.rectangle((left - 8, top - 6, left - 3, bottom), fill=sheet.accent)
        left += 6
    depth = 0
    numbered = brief.layout in ("numbered", "diff")
    for number in range(1, 60):
        if top + size > bottom:
            break
        x = left
        if brief.layout == "diff" and rng.random() < 0.35:
            sheet.canvas.pen.rectangle(
                (left, top, right, top + size * 1.25),
                fill=mix(sheet.paper, rng.choice(((0, 170, 60), (210, 40, 40))), 0.3),
            )
        if numbered:
            sheet.canvas.text(
                x, top, f"{number:2}", size * 0.85, face, mix(sheet.ink, sheet.paper, 0.5)
            )
            x += size * 2
        x += depth * size * 1.3
        for token in _statement(rng, brief.layout):
            shade = colours[0] if token in _KEYWORDS else sheet.ink
            if token[0] in "'#":
                shade = colours[1] if token[0] == "'" else colours[2]
            width = text_width(token + " ", size, face)
            if x + width > right:
                break
            sheet.canvas.text(x, top, token, size, face, shade)
            x += width
        depth = max(0, min(3, depth + rng.choice((-1, 0, 0, 1))))
        top += size * 1.3
    return sheet.canvas, rng.choice(("source code", "a script", "how to write a loop"))


def _statement(rng: random.Random, layout: str) -> list[str]:
    """The tokens of one line of no particular language."""
    a, b, n = rng.choice(_NAMES), rng.choice(_NAMES), rng.randint(0, 99)
    if layout == "terminal":
        return ["$", rng.choice(("ls", "cat", "grep", "git", "make")), f"{a}.txt", f"-{b[0]}"]
    return rng.choice(
        (
            ["def", f"{a}_{b}({b}):"],
            ["return", f"{a}", "+", str(n)],
            ["for", a, "in", f"{b}:"],
            ["if", f"{a}", ">", f"{n}:"],
            [f"{a}", "=", f"{b}[{n}]"],
            ["#", f"{a} {b}"],
            [f"print({a},", f"'{b}')"],
            ["import", a],
            [f"{a}({b},", f"{n});"],
            ["}"],
            ["else:"],
        )
    )


def worksheet(brief: Brief) -> tuple[Canvas, str]:
    """Arithmetic: sums to do, sums done, or equations."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face()
    left, top, right, bottom = sheet.box
    columns = {"sums": 2, "single": 1, "equations": 1, "grid": 3}.get(brief.layout, 2)
    rows = rng.randint(4, 7)
    size = min((bottom - top) / (rows + 1) * 0.65, (right - left) / columns / 8.5)
    size = max(size, 11.0)
    if rng.random() < 0.5:
        sheet.canvas.text(
            left,
            top,
            rng.choice(("Mathematics", "Exercise 4", "Sums", "Quiz")),
            size,
            face,
            sheet.accent,
        )
    step = (bottom - top) / (rows + 1)
    for row in range(rows):
        for column in range(columns):
            a, b = rng.randint(2, 99), rng.randint(2, 99)
            if brief.layout in ("equations", "proof"):
                text = rng.choice(
                    (
                        f"{a % 9 + 2}x + {b} = {a + b}",
                        f"x = ({a} - {b}) / {b % 7 + 2}",
                        f"f(x) = {a % 5}x*x - {b}",
                        f"a/b = {a}/{b}",
                        f"y < {a}x + {b}",
                    )
                )
            else:
                sign = rng.choice("+-x")
                value = {"+": a + b, "-": a - b, "x": a * b}[sign]
                text = f"{a} {sign} {b} = {value if rng.random() < 0.7 else ''}"
            if columns == 1 and rng.random() < 0.5:
                text = f"{row + 1}) {text}"
            x = left + column * (right - left) / columns
            if brief.layout == "proof":
                y = top + (row + 1) * step - step * 0.12
                edge = mix(sheet.paper, sheet.accent, 0.6)
                frame = (x - 5, y, x + (right - left) / columns * 0.93, y + step * 0.88)
                sheet.canvas.pen.rectangle(frame, outline=edge, width=2)
            sheet.canvas.text(
                x,
                top + (row + 1) * step,
                text,
                fitted(text, (right - left) / columns * 0.88, size * 1.3, face),
                face,
                sheet.ink,
            )
    return sheet.canvas, "maths worksheet"


def book_page(brief: Brief) -> tuple[Canvas, str]:
    """A page of text, in one or two columns, or in an invented script."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face()
    left, top, right, bottom = sheet.box
    size = rng.uniform(12, 22)
    if rng.random() < 0.6:
        heading = words.prose(rng, 3).rstrip(".").title()
        sheet.canvas.text(
            (left + right) / 2,
            top,
            heading,
            fitted(heading, right - left, size * 1.5, face),
            face,
            sheet.ink,
            anchor="m",
        )
        top += size * 2.4
    columns = 2 if brief.layout in ("newspaper", "two-scripts") else 1
    width = (right - left - (columns - 1) * 14) / columns
    for column in range(columns):
        x = left + column * (width + 14)
        box = (x, top, x + width, bottom)
        if brief.layout == "script" or (brief.layout == "two-scripts" and column):
            _script(sheet.canvas, box, size * rng.uniform(0.9, 1.6), sheet.ink, rng)
        else:
            text = " ".join(words.prose(rng, rng.randint(8, 20)) for _ in range(7))
            if brief.layout == "poem":
                verses = [words.prose(rng, 4) if i % 5 else "" for i in range(1, 20)]
                sheet.canvas.lines(box, verses, size, face, sheet.ink, anchor="m")
                continue
            sheet.canvas.lines(box, wrap(text, width, size, face), size, face, sheet.ink)
    return sheet.canvas, rng.choice(("a page from a book", "an old text", "chapter two"))


def _script(canvas: Canvas, box: Box, size: float, ink: Colour, rng: random.Random) -> None:
    """Rows of an invented script: a small alphabet of random strokes and arcs."""
    alphabet = [
        [
            (rng.random(), rng.random(), rng.random(), rng.random(), rng.random() < 0.4)
            for _ in range(rng.randint(2, 4))
        ]
        for _ in range(14)
    ]
    left, top, right, bottom = box
    connected = rng.random() < 0.4
    while top + size < bottom:
        x = left
        while x + size * 0.8 < right:
            if rng.random() < 0.15:
                x += size * 0.5
                continue
            for a, b, c, d, arc in rng.choice(alphabet):
                x0, x1 = sorted((x + a * size * 0.7, x + c * size * 0.7))
                y0, y1 = sorted((top + b * size * 0.9, top + d * size * 0.9))
                if arc:
                    canvas.pen.arc((x0, y0, x1 + 3, y1 + 3), 0, 250, fill=ink, width=2)
                else:
                    canvas.pen.line((x0, y0, x1, y1), fill=ink, width=2)
            if connected:
                canvas.pen.line(
                    (x, top + size * 0.9, x + size, top + size * 0.9), fill=ink, width=2
                )
            x += size * 0.9
        top += size * 1.5


def note(brief: Brief) -> tuple[Canvas, str]:
    """A handwritten-looking note."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face("hand", "marker")
    left, _, right, bottom = sheet.box
    size = rng.uniform(18, 30)
    ink = rng.choice(((20, 30, 120), (30, 30, 34), (120, 20, 30)))
    ink = ink if sum(sheet.paper) > 380 else sheet.ink
    greeting = f"Dear {words.name(rng)}," if brief.layout == "letter" else words.kindness(rng)
    text = [
        *wrap(greeting, right - left, size, face),
        *wrap(words.prose(rng, rng.randint(6, 22)), right - left, size, face),
    ]
    if brief.layout in ("letter", "signed"):
        text += ["", f"Yours, {words.name(rng)}"]
    y = sheet.canvas.lines(sheet.box, text, size, face, ink, gap=1.4)
    if brief.layout == "postcard":
        corner = (right - size * 2.4, bottom - size * 3)
        sheet.canvas.pen.rectangle((*corner, right, bottom), fill=vivid(rng), outline=ink, width=3)
        sheet.canvas.disc(corner[0], corner[1] + size, size * 1.3, None, ink, 2)
    if brief.layout == "doodle":
        for _ in range(4):
            x, r = rng.uniform(left, right - 30), rng.uniform(8, 22)
            sheet.canvas.disc(x + r, min(bottom - r, y + r), r, None, vivid(rng), 3)
    return sheet.canvas, greeting


def table(brief: Brief) -> tuple[Canvas, str]:
    """A calendar, a timetable or a table of figures."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face()
    left, top, right, bottom = sheet.box
    calendar = brief.layout in ("calendar", "week")
    columns = 7 if calendar else rng.randint(3, 5)
    rows = 6 if calendar else rng.randint(5, 9)
    size = min((right - left) / columns * 0.34, 22.0)
    heading = rng.choice(("March", "June", "October")) if calendar else words.name(rng)
    sheet.canvas.text(left, top, heading, size * 1.4, face, sheet.accent)
    top += size * 2.2
    cell_w, cell_h = (right - left) / columns, (bottom - top) / rows
    size = min(size, cell_h * 0.8)
    shaded = mix(sheet.paper, sheet.accent, 0.25)
    sheet.canvas.pen.rectangle((left, top, right, top + cell_h), fill=shaded)
    shift = rng.randint(0, 4)
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * cell_w, top + row * cell_h
            if brief.layout in ("calendar", "grid"):
                sheet.canvas.pen.rectangle((x, y, x + cell_w, y + cell_h), outline=sheet.ink)
            day = (row - 1) * 7 + column + 1 - shift
            if calendar:
                text = "MTWTFSS"[column] if row == 0 else str(day) if 1 <= day <= 31 else ""
            else:
                text = words.name(rng) if row == 0 or column == 0 else words.digits(rng, 3)
            sheet.canvas.text(
                x + cell_w / 2,
                y + (cell_h - size) / 2,
                text,
                fitted(text or ".", cell_w * 0.9, size, face),
                face,
                sheet.ink,
                anchor="m",
            )
        if brief.layout in ("striped", "timetable"):
            y = top + (row + 1) * cell_h
            sheet.canvas.pen.line((left, y, right, y), fill=mix(sheet.ink, sheet.paper, 0.5))
    return sheet.canvas, rng.choice(("timetable", "calendar", "a table of results"))
