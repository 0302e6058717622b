"""Memes with friendly words, comic panels, posters."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import HEADING, Colour, block, face, fitting
from audit.demo.harmless.scenery import portraits, view
from audit.demo.harmless.sheet import PHOTOGRAPHED, blend, ground, hue, palette, photographed, ramp


def _animal(pen: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float, r: float) -> None:
    """The head of a cat, a bear, a rabbit or a dog."""
    fur = rng.choice(((200, 150, 96), (90, 88, 92), (236, 230, 220), (150, 96, 60), (240, 170, 90)))
    dark, kind = blend(fur, (40, 20, 10), 0.35), rng.randrange(4)
    for side in (-1, 1):
        if kind == 0:
            pen.polygon([(x + side * r * 0.95, y - r * 1.15), (x + side * r * 0.2, y - r * 0.8),
                         (x + side * r * 0.95, y - r * 0.2)], fur)  # fmt: skip
        elif kind == 1:
            a = x + side * r * 0.75
            pen.ellipse((a - r * 0.35, y - r * 1.1, a + r * 0.35, y - r * 0.4), dark)
        elif kind == 2:
            a = x + side * r * 0.4
            pen.ellipse((a - r * 0.2, y - r * 1.9, a + r * 0.2, y - r * 0.5), fur)
        else:
            a = x + side * r * 0.95
            pen.ellipse((a - r * 0.3, y - r * 0.7, a + r * 0.3, y + r * 0.5), dark)
    pen.ellipse((x - r, y - r * 0.95, x + r, y + r * 0.95), fur)
    muzzle = blend(fur, (255, 255, 255), 0.45)
    pen.ellipse((x - r * 0.45, y, x + r * 0.45, y + r * 0.75), muzzle)
    for side in (-1, 1):
        a, e = x + side * r * 0.4, r * 0.14
        pen.ellipse((a - e, y - r * 0.25 - e, a + e, y - r * 0.25 + e), (15, 12, 12))
        pen.ellipse(
            (a - e * 0.1, y - r * 0.25 - e * 0.7, a + e * 0.6, y - r * 0.25), (255, 255, 255)
        )
        if kind in (0, 2):
            for k in (-1, 0, 1):
                near, tip = x + side * r * 0.3, x + side * r * 1.15
                pen.line((near, y + r * 0.35, tip, y + r * (0.3 + 0.14 * k)), dark, 2)
    pen.polygon(
        [(x - r * 0.12, y + r * 0.15), (x + r * 0.12, y + r * 0.15), (x, y + r * 0.3)], dark
    )
    pen.arc((x - r * 0.3, y + r * 0.1, x, y + r * 0.5), 10, 130, dark, 3)
    pen.arc((x, y + r * 0.1, x + r * 0.3, y + r * 0.5), 50, 170, dark, 3)


def memes(rng: random.Random) -> Image.Image:
    """Large friendly words over and under, or beside, a drawn picture."""
    size = rng.choice(((640, 640), (640, 480), (560, 640)))
    wide, high = size
    kind = rng.random()
    if kind < 0.35:
        image = view(rng, size)
    elif kind < 0.5:
        image = portraits(rng).resize(size)
    else:
        image = ramp(size, hue(rng, 0.5, 0.8), hue(rng, 0.5, 0.6), rng.uniform(0, 180))
        if rng.random() < 0.5:  # rays behind the animal
            pen, a, b = ImageDraw.Draw(image), *palette(rng, 2, 0.6)
            for k in range(16):
                box = (wide / 2 - 600, high / 2 - 600, wide / 2 + 600, high / 2 + 600)
                pen.pieslice(box, k * 22.5, (k + 1) * 22.5, a if k % 2 else b)
    pen = ImageDraw.Draw(image)
    if kind >= 0.5 or (kind < 0.35 and rng.random() < 0.6):
        r = min(size) * rng.uniform(0.2, 0.28)
        _animal(pen, rng, wide * rng.uniform(0.4, 0.6), high * rng.uniform(0.5, 0.56), r)
    above, below = rng.choice(texts.JOKES)
    style = rng.random()
    if style < 0.65:
        name = rng.choice(("sans-bold", "sans-bold", "serif-bold"))
        for said, y in ((above, high * 0.1), (below, high * 0.9)):
            font = fitting(said, name, wide * 0.92, high * 0.12)
            pen.text((wide / 2, y), said, (255, 255, 255), font, "mm", stroke_width=3,
                     stroke_fill=(0, 0, 0))  # fmt: skip
        return image
    tall = int(high * 0.2)  # words on a white band above
    framed = Image.new("RGB", (wide, high + tall), (255, 255, 255))
    framed.paste(image, (0, tall))
    said = f"{above} {below}".capitalize()
    block(ImageDraw.Draw(framed), (16, 14, wide - 16, tall), said, face("sans", 32), (10, 10, 12))
    return framed


def _figure(pen: ImageDraw.ImageDraw, rng: random.Random, x: float, base: float, tall: float,
            line: Colour) -> None:  # fmt: skip
    """A simple standing person: round head, coat, legs."""
    skin = rng.choice(((250, 220, 190), (190, 130, 90), (110, 72, 50), (255, 255, 255)))
    coat, head = hue(rng, 0.6, 0.8), tall * 0.16
    y = base - tall
    for side in (-1, 1):
        pen.line(
            (x + side * tall * 0.06, base - tall * 0.35, x + side * tall * 0.09, base), line, 6
        )
        hand = (x + side * tall * rng.uniform(0.18, 0.32), base - tall * rng.uniform(0.35, 0.75))
        pen.line((x, base - tall * 0.62, *hand), line, 5)
    pen.rounded_rectangle((x - tall * 0.13, y + tall * 0.3, x + tall * 0.13, base - tall * 0.3), 12,
                          coat, line, 3)  # fmt: skip
    pen.ellipse((x - head, y, x + head, y + 2 * head), skin, line, 3)
    pen.chord((x - head, y, x + head, y + head * 1.6), 180, 360, hue(rng, 0.5, 0.4), line, 2)
    for side in (-1, 1):
        pen.ellipse(
            (x + side * head * 0.4 - 3, y + head - 3, x + side * head * 0.4 + 3, y + head + 3), line
        )
    pen.arc((x - head * 0.4, y + head, x + head * 0.4, y + head * 1.6), 20, 160, line, 3)


def comics(rng: random.Random) -> Image.Image:
    """One to six panels with people, scenery and speech balloons."""
    image, pen = ground(rng, (255, 255, 255), ((640, 480), (640, 260), (480, 640), (640, 640)))
    wide, high = image.size
    columns = rng.choice((2, 3)) if wide > 500 else rng.choice((1, 2))
    rows = 1 if high < 300 else rng.choice((1, 2, 3) if high > 500 else (1, 2))
    grey = rng.random() < 0.25
    line = (15, 15, 18)
    for row in range(rows):
        for column in range(columns):
            x0, y0 = 8 + column * (wide - 8) / columns, 8 + row * (high - 8) / rows
            w, h = (wide - 8) / columns - 8, (high - 8) / rows - 8
            box = (x0, y0, x0 + w, y0 + h)
            if rng.random() < 0.3:
                image.paste(view(rng, (int(w), int(h))), (int(x0), int(y0)))
                pen.rectangle(box, None, line, 3)
            else:
                pen.rectangle(box, hue(rng, 0.3, 0.95), line, 3)
                pen.rectangle((x0 + 2, y0 + h * 0.8, x0 + w - 2, y0 + h - 2), hue(rng, 0.4, 0.7))
            people = rng.randint(1, 2)
            for k in range(people):
                at = x0 + w * (0.5 if people == 1 else (0.28, 0.72)[k])
                _figure(pen, rng, at, y0 + h * 0.96, h * 0.55, line)
                if rng.random() < 0.75:
                    said = rng.choice(texts.BUBBLES)
                    font = fitting(said, rng.choice(("sans", "sans-bold")), w * 0.46, 18)
                    half, y = font.getlength(said) / 2 + 10, y0 + h * (0.12 + 0.16 * k)
                    cx = min(max(at, x0 + half + 4), x0 + w - half - 4)
                    pen.polygon(
                        [(cx - 6, y), (cx + 8, y), (at, y + h * 0.22)], (255, 255, 255), line
                    )
                    pen.ellipse((cx - half, y - 18, cx + half, y + 18), (255, 255, 255), line, 2)
                    pen.text((cx, y), said, line, font, "mm")
    if grey:
        image = image.convert("L").convert("RGB")
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED / 2 else image


def posters(rng: random.Random) -> Image.Image:
    """An announcement of an event: title, date, place, and shapes, a view or an animal."""
    back = rng.choice((hue(rng, 0.75, 0.85), hue(rng, 0.5, 0.35), (250, 244, 228), (18, 20, 30)))
    image, pen = ground(rng, back, ((450, 640), (480, 640), (430, 640), (640, 480)))
    wide, high = image.size
    tones = palette(rng, 4, 0.8)
    match rng.randrange(6):
        case 0:
            for k in range(18):
                reach = max(wide, high)
                box = (wide / 2 - reach, high / 2 - reach, wide / 2 + reach, high / 2 + reach)
                pen.pieslice(box, k * 20, k * 20 + 10, blend(back, tones[0], 0.6))
        case 1:
            image.paste(view(rng, (wide, int(high * 0.6))), (0, int(high * 0.2)))
        case 2:
            for _ in range(30):
                x, y, r = rng.uniform(0, wide), rng.uniform(0, high), rng.uniform(8, 80)
                pen.ellipse((x - r, y - r, x + r, y + r), blend(back, rng.choice(tones), 0.7))
        case 3:
            _animal(pen, rng, wide / 2, high * 0.52, min(wide, high) * 0.22)
        case 4:
            for k in range(12):
                wave = [(x, high * (0.35 + 0.03 * k) + 22 * math.sin(x / 60 + k / 2))
                        for x in range(0, wide + 10, 10)]  # fmt: skip
                pen.line(wave, blend(tones[0], tones[1], k / 11), 9, "curve")
        case _:
            step = wide / rng.randint(3, 7)
            for i in range(int(high / step) + 1):
                for j in range(int(wide / step) + 1):
                    a = (
                        j * step,
                        high * 0.3 + i * step,
                        (j + 1) * step,
                        high * 0.3 + (i + 1) * step,
                    )
                    if a[3] < high * 0.78:
                        pen.pieslice(
                            a, 90 * rng.randrange(4), 180 + 90 * rng.randrange(2), rng.choice(tones)
                        )
    front = (250, 250, 245) if sum(back) < 400 else (24, 24, 34)
    title = rng.choice(texts.EVENTS)
    name = rng.choice(HEADING)
    lines = title.split(" in ") if rng.random() < 0.3 else [title]
    if rng.random() < 0.5 and len(title.split()) > 1:
        first, _, rest = title.partition(" ")
        lines = [first, rest]
    y = high * 0.05
    for text in lines:
        shown = text.upper() if rng.random() < 0.4 else text
        font = fitting(shown, name, wide * 0.9, high * 0.13)
        pen.text((wide / 2, y), shown, front, font, "ma", stroke_width=2, stroke_fill=back)
        y += font.size * 1.2
    month = rng.choice(("March", "May", "July", "October"))
    day = f"{rng.randint(1, 28)} {month}, {rng.randint(9, 20)}:00"
    where = f"{rng.choice(('Town Hall', 'Old Mill', 'City Park', 'Library'))}, {texts.place(rng)}"
    pen.rectangle((0, high * 0.83, wide, high), blend(back, tones[2], 0.5))
    for k, text in enumerate(
        (day, where, "Free entry" if rng.random() < 0.5 else "Everybody welcome")
    ):
        font = fitting(text, rng.choice(("sans", "sans-bold", "modern")), wide * 0.85, high * 0.042)
        pen.text((wide / 2, high * (0.845 + 0.05 * k)), text, front, font, "ma")
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image
