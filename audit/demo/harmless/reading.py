"""Things to read: paragraphs, book pages, subtitles, foreign scripts, recipes."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import CODE, HEADING, READING, block, face, fitting, wrap
from audit.demo.harmless.scenery import view
from audit.demo.harmless.sheet import (
    PHOTOGRAPHED,
    blend,
    ground,
    hue,
    ink,
    palette,
    paper,
    photographed,
    ramp,
)


def _seen(image: Image.Image, rng: random.Random) -> Image.Image:
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED else image


def paragraphs(rng: random.Random) -> Image.Image:
    """Plain text of any size, face and alignment on paper or a plain colour."""
    back, front = paper(rng), ink(rng)
    if rng.random() < 0.3:
        back, front = hue(rng, 0.5, rng.uniform(0.1, 0.3)), hue(rng, 0.1, 0.97)
    image, pen = ground(rng, back)
    wide, high = image.size
    edge = wide * rng.uniform(0.04, 0.14)
    font = face(rng.choice((*READING, "mono", "typewriter")), rng.choice((16, 20, 24, 30, 40, 52)))
    y, align = edge, rng.choice("llljmr")
    for _ in range(rng.randint(1, 5)):
        box = (edge, y, wide - edge, high - edge)
        text = texts.paragraph(rng, rng.randint(1, 5))
        y = block(pen, box, text, font, front, align=align, gap=rng.choice((1.25, 1.4, 1.7)))
        y += font.size * 0.8
    return _seen(image, rng)


def book_pages(rng: random.Random) -> Image.Image:
    """A page or a spread: running head, chapter, justified text, page number."""
    spread = rng.random() < 0.35
    tone = rng.choice(((250, 247, 238), (240, 231, 210), (255, 255, 255), (228, 214, 184)))
    image, pen = ground(rng, tone, ((640, 460),) if spread else ((440, 640), (480, 640)))
    wide, high = image.size
    name, size, front = rng.choice(READING), rng.randint(11, 20), ink(rng)
    number = rng.randint(4, 480)
    pages = ((0, wide // 2), (wide // 2, wide)) if spread else ((0, wide),)
    for side, (left, right) in enumerate(pages):
        edge = (right - left) * rng.uniform(0.09, 0.14)
        x0, x1, y = left + edge, right - edge, high * 0.08
        font = face(name, size)
        if rng.random() < 0.7:
            head = texts.place(rng).upper()
            pen.text(((x0 + x1) / 2, y - size * 1.2), head, front, face(name, size - 3), "mm")
        if rng.random() < 0.35:
            title = f"Chapter {rng.randint(2, 31)}"
            pen.text(((x0 + x1) / 2, y + size * 3), title, front, face(name, size * 2), "mm")
            y += size * 6
        while y < high * 0.9 - size:
            box = (x0, y, x1, high * 0.92)
            y = block(pen, box, "   " + texts.paragraph(rng, rng.randint(2, 6)), font, front,
                      align="j")  # fmt: skip
            if rng.random() < 0.12:
                pen.text(((x0 + x1) / 2, y + size / 2), "* * *", front, font, "mm")
                y += size * 1.6
        pen.text(((x0 + x1) / 2, high * 0.955), str(number + side), front, font, "mm")
    if spread:
        gutter = ramp((40, high), tone, blend(tone, (60, 50, 40), 0.4), 0)
        image.paste(
            gutter.crop((0, 0, 40, high)), (wide // 2 - 40, 0), Image.new("L", (40, high), 90)
        )
    return _seen(image, rng)


def subtitles(rng: random.Random) -> Image.Image:
    """A frame of a film with one or two lines at its foot, or the lines of end titles."""
    size = rng.choice(((640, 360), (640, 270), (640, 480)))
    if rng.random() < 0.2:
        image = Image.new("RGB", size, (8, 8, 10))
        pen = ImageDraw.Draw(image)
        y = 24.0
        while y < size[1] - 20:
            pen.text((312, y), rng.choice(texts.CREDITS), (200, 200, 200), face("sans", 15), "ra")
            pen.text((328, y), texts.place(rng), (255, 255, 255), face("sans-bold", 15))
            y += 26
        return image
    image = view(rng, size)
    pen = ImageDraw.Draw(image)
    bars = round(size[1] * rng.choice((0, 0, 0.12)))
    pen.rectangle((0, 0, size[0], bars), (0, 0, 0))
    pen.rectangle((0, size[1] - bars, size[0], size[1]), (0, 0, 0))
    font = face(rng.choice(("sans", "sans-bold", "light")), rng.randint(20, 30))
    text = rng.choice((texts.sentence(rng), rng.choice(texts.BUBBLES), texts.sentence(rng)))
    lines = wrap(text, font, 560)[:2]
    colour = rng.choice(((255, 255, 255), (255, 240, 120)))
    y = size[1] - max(bars, 14) - font.size * 1.25 * len(lines)
    for line in lines:
        if rng.random() < 0.3:
            half = font.getlength(line) / 2 + 6
            pen.rectangle((320 - half, y - 2, 320 + half, y + font.size * 1.2), (0, 0, 0))
        pen.text((320, y), line, colour, font, "ma", stroke_width=2, stroke_fill=(0, 0, 0))
        y += font.size * 1.25
    return image


def faces_of(language: str) -> tuple[str, ...]:
    """The faces that hold every letter of a language of texts.SCRIPTS."""
    if language in texts.RIGHT_TO_LEFT:
        return ("sans", "sans-bold")
    faces = ("sans", "sans-bold", "serif", "serif-bold")
    return faces if language in ("Vietnamese", "Georgian") else (*faces, "mono")


def foreign_scripts(rng: random.Random) -> Image.Image:
    """A page, a sign or a caption in one of texts.SCRIPTS."""
    language = rng.choice(list(texts.SCRIPTS))
    backward = language in texts.RIGHT_TO_LEFT
    name = rng.choice(faces_of(language))
    back, front = paper(rng), ink(rng)
    if rng.random() < 0.35:
        back, front = hue(rng, 0.7, rng.uniform(0.25, 0.5)), (255, 255, 255)
    image, pen = ground(rng, back)
    wide, high = image.size
    edge = wide * 0.08
    size = rng.choice((18, 22, 28, 36, 48, 64))
    font, y = face(name, size), edge
    middle = rng.random() < 0.3
    while y < high - edge - size:
        for line in wrap(texts.foreign(rng, language, rng.randint(1, 3)), font, wide - 2 * edge):
            if y > high - edge - size:
                break
            shown = line[::-1] if backward else line
            x, anchor = (wide - edge, "ra") if backward else (edge, "la")
            x, anchor = (wide / 2, "ma") if middle else (x, anchor)
            pen.text((x, y), shown, front, font, anchor)
            y += size * 1.5
        y += size * 0.7
        if size >= 48 and rng.random() < 0.7:
            break
    return _seen(image, rng)


def recipes(rng: random.Random) -> Image.Image:
    """Title, what is needed, what to do; on a card, in a magazine or beside a plate."""
    back = rng.choice((paper(rng), paper(rng), hue(rng, 0.15, 0.97)))
    image, pen = ground(rng, back)
    wide, high = image.size
    accent, plate = palette(rng, 2)
    accent = blend(accent, (0, 0, 0), 0.25)
    edge = wide * 0.06
    title = rng.choice(texts.DISHES)
    font = fitting(title, rng.choice(HEADING), wide - 2 * edge, high * 0.11)
    if band := rng.random() < 0.35:
        pen.rectangle((0, 0, wide, edge + font.size * 1.6), accent)
    pen.text((edge, edge), title, (255, 255, 255) if band else accent, font)
    y = edge + font.size * 1.9
    name, size = rng.choice((*READING, *CODE)), rng.randint(15, 22)
    body, front = face(name, size), ink(rng)
    mark = rng.choice(("•", "-", "–", "·"))
    mark = "-" if name in ("light", "roman", "modern", "typewriter") else mark
    amounts = [f"{mark} {amount}" for amount in rng.sample(texts.AMOUNTS, rng.randint(4, 9))]
    split = edge + max(body.getlength(amount) for amount in amounts) + size
    beside = split < wide * 0.55 and rng.random() < 0.7
    if rng.random() < 0.5:
        r = high * rng.uniform(0.1, 0.16)
        cx, cy = wide - edge - r, high - edge - r
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), (248, 248, 248), (180, 180, 180), 2)
        pen.ellipse((cx - r * 0.7, cy - r * 0.7, cx + r * 0.7, cy + r * 0.7), plate)
        for _ in range(14):
            x, v = cx + rng.gauss(0, r * 0.25), cy + rng.gauss(0, r * 0.25)
            pen.ellipse((x - 6, v - 6, x + 6, v + 6), rng.choice(palette(rng, 4)))
        high -= round(2 * r)
    at = y
    for amount in amounts:
        if at + size < high - edge:
            pen.text((edge, at), amount, front, body)
            at += size * 1.45
    left = split if beside else edge
    at = y if beside else at + size
    numbered = rng.random() < 0.6
    for number, step in enumerate(rng.sample(texts.COOKING, rng.randint(3, 7)), 1):
        text = f"{number}. {step}" if numbered else step
        at = block(pen, (left, at, wide - edge, high - edge), text, body, front) + size * 0.3
    return _seen(image, rng)
