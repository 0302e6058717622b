"""Arithmetic exercises and set formulas."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from audit.demo.harmless.faces import READING, Colour, face
from audit.demo.harmless.sheet import PHOTOGRAPHED, blend, ground, ink, palette, paper, photographed

_UP = str.maketrans("0123456789n+-", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ⁺⁻")


def _board(rng: random.Random) -> tuple[Colour, Colour]:
    """Paper and ink, a blackboard and chalk, or a whiteboard and a pen."""
    if rng.random() < 0.65:
        return paper(rng), ink(rng)
    return rng.choice((((38, 70, 56), (240, 240, 230)), ((30, 34, 40), (235, 235, 235)),
                       ((246, 248, 248), (20, 50, 160))))  # fmt: skip


def _sum(rng: random.Random) -> str:
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    sign = rng.choice("+−×÷")
    if sign == "÷":
        a *= b
    if sign == "−":
        a, b = max(a, b), min(a, b)
    result = {"+": a + b, "−": a - b, "×": a * b, "÷": a // b}[sign]
    shown = rng.choice((str(result), "____", "?", ""))
    return f"{a} {sign} {b} = {shown}"


def arithmetic(rng: random.Random) -> Image.Image:
    """Rows of sums, sums written below each other, number lines, times tables."""
    back, front = _board(rng)
    image, pen = ground(rng, back)
    wide, high = image.size
    name = rng.choice(("sans", "serif", "mono", "times", "sans-bold"))
    accent = palette(rng, 1)[0]
    y = 26.0
    if rng.random() < 0.5:
        heading = rng.choice(("Sums", "Exercise 7", "Mental arithmetic", "Homework", "Test 3"))
        pen.text((30, y), heading, accent, face("sans-bold", 30))
        y += 54
    kind = rng.random()
    if kind < 0.5:
        columns, rows = rng.randint(1, 3), rng.randint(3, 9)
        step = (high - y - 20) / rows
        font = face(name, int(min(step * 0.62, (wide - 60) / columns / 8)))
        for row in range(rows):
            for column in range(columns):
                number = f"{row * columns + column + 1}) " if rows * columns < 13 else ""
                at = (30 + column * (wide - 60) / columns, y + row * step)
                pen.text(at, number + _sum(rng), front, font)
    elif kind < 0.75:  # one below the other
        columns, rows = rng.randint(2, 4), rng.randint(1, 3)
        wide_cell, step = wide / columns, (high - y) / rows
        font = face("mono", int(min(step * 0.22, wide_cell * 0.18)))
        for k in range(columns * rows):
            a, b = rng.randint(100, 9999), rng.randint(10, 999)
            x = (k % columns + 0.8) * wide_cell
            top = y + k // columns * step + 8
            for line, text in enumerate((str(a), f"{rng.choice('+−')} {b}")):
                pen.text((x, top + line * font.size * 1.15), text, front, font, "ra")
            bar = top + 2.4 * font.size
            pen.line((x - font.size * 3.4, bar, x, bar), front, 3)
            if rng.random() < 0.5:
                pen.text((x, bar + 6), str(a + b), accent, font, "ra")
    else:  # a times table
        n = rng.randint(5, 11)
        cell_x, cell_y = (wide - 40) / n, (high - y - 14) / n
        font = face(name, int(min(cell_x, cell_y) * 0.5))
        for i in range(n):
            for j in range(n):
                x, top = 20 + j * cell_x, y + i * cell_y
                head = i == 0 or j == 0
                fill = blend(back, accent, 0.35) if head else None
                pen.rectangle((x, top, x + cell_x, top + cell_y), fill, blend(back, front, 0.5))
                text = "×" if i == j == 0 else str((i or 1) * (j or 1))
                pen.text((x + cell_x / 2, top + cell_y / 2), text, front, font, "mm")
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image


class _Setter:
    """Sets formulas piece by piece on a line."""

    def __init__(
        self, pen: ImageDraw.ImageDraw, x: float, y: float, size: int, fill: Colour
    ) -> None:
        self.pen, self.x, self.y, self.size, self.fill = pen, x, y, size, fill

    def say(
        self, text: str, name: str = "serif-italic", scale: float = 1.0, rise: float = 0
    ) -> None:
        font = face(name, int(self.size * 0.9 * scale))
        at = (self.x, self.y - rise * self.size)
        self.pen.text(at, text, self.fill, font, "lm")
        self.x += font.getlength(text) + self.size * 0.08

    def fraction(self, above: str, below: str) -> None:
        font = face("serif-italic", int(self.size * 0.8))
        wide = max(font.getlength(above), font.getlength(below)) + self.size * 0.2
        middle = self.x + wide / 2
        self.pen.line((self.x, self.y, self.x + wide, self.y), self.fill, max(2, self.size // 14))
        self.pen.text((middle, self.y - self.size * 0.55), above, self.fill, font, "mm")
        self.pen.text((middle, self.y + self.size * 0.55), below, self.fill, font, "mm")
        self.x += wide + self.size * 0.15

    def limits(self, sign: str, below: str, above: str) -> None:
        start = self.x
        self.say(sign, "times", 1.7)
        middle, font = (start + self.x) / 2, face("serif-italic", int(self.size * 0.45))
        self.pen.text((middle, self.y - self.size * 1.1), above, self.fill, font, "mm")
        self.pen.text((middle, self.y + self.size * 1.15), below, self.fill, font, "mm")
        self.x += self.size * 0.1


def _formula(s: _Setter, rng: random.Random) -> None:
    a, b, n = rng.choice("abcpuvw"), rng.choice("xyzts"), rng.randint(2, 9)
    match rng.randrange(9):
        case 0:
            s.say(f"{b} = ")
            s.fraction(f"−{a} ± √({a}{str(2).translate(_UP)} − {n}c)", f"{n}{a}")
        case 1:
            s.limits("∫", "0", rng.choice(("∞", "1", "π", "t")))
            s.say(f"{b}{str(n).translate(_UP)} e")
            s.say(f"−{b}", scale=0.6, rise=0.35)
            s.say(f" d{b}")
        case 2:
            s.limits("∑", "k=1", "n")
            s.fraction("1", f"k{str(n).translate(_UP)}")
            s.say(rng.choice((" = ζ(n)", f" < {n}", " → ∞")))
        case 3:
            s.say(f"f({b}) = {n}{b}{str(rng.randint(2, 5)).translate(_UP)} − {n + 1}{b} + {n}")
        case 4:
            s.fraction(f"∂{a}", "∂t")
            s.say(" = α ")
            s.fraction(f"∂²{a}", f"∂{b}²")
        case 5:
            s.say("lim", "times")
            s.say(f"{b}→0", scale=0.55, rise=-0.3)
            s.fraction(f"sin {b}", b)
            s.say(" = 1")
        case 6:
            s.say(f"‖{a} + {b}‖ ≤ ‖{a}‖ + ‖{b}‖")
        case 7:
            s.say(f"{a}, {b} ≥ 0 ⇒ {a}² + {b}² ≥ 2{a}{b}")
        case _:
            s.say(f"P({a.upper()} | {b.upper()}) = ")
            s.fraction(f"P({b.upper()} | {a.upper()}) P({a.upper()})", f"P({b.upper()})")


def formulas(rng: random.Random) -> Image.Image:
    """Set formulas, alone or with a few words between, on paper, slides and boards."""
    back, front = _board(rng)
    image, pen = ground(rng, back)
    wide, high = image.size
    rows = rng.randint(1, 6)
    size = int(min(high / rows * 0.34, rng.uniform(24, 52)))
    step = high / (rows + 0.3)
    if rng.random() < 0.3:
        for x in range(0, wide, 24):
            pen.line((x, 0, x, high), blend(back, (90, 130, 200), 0.25))
        for y in range(0, high, 24):
            pen.line((0, y, wide, y), blend(back, (90, 130, 200), 0.25))
    left = rng.uniform(0.05, 0.2) * wide
    for row in range(rows):
        middle = step * (row + 0.65)
        if rows > 2 and rng.random() < 0.3:
            words = rng.choice(("Proof.", "It follows that", "Theorem 2.", "Hence, for all n,",
                                "where c is a constant.", "Let f be continuous."))  # fmt: skip
            pen.text((left, middle), words, front, face(rng.choice(READING), int(size * 0.7)), "lm")
            continue
        setter = _Setter(pen, left, middle, size, front)
        _formula(setter, rng)
        if rng.random() < 0.3:
            pen.text(
                (wide - 20, middle), f"({row + 1})", front, face("times", int(size * 0.7)), "rm"
            )
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image
