"""Cards: papers that say who somebody is, and cards that do not."""

from __future__ import annotations

import random

from audit.demo import words
from audit.demo.grids import bars, matrix
from audit.demo.ink import (
    BLACK,
    WHITE,
    Box,
    Canvas,
    Colour,
    fitted,
    gradient,
    mix,
    text_width,
    tint,
    vivid,
)
from audit.demo.pages import Brief

ID_TRAIN = ("id-left", "passport", "licence", "id-right")
ID_HELDOUT = ("permit-tall", "id-banner")
CARD_TRAIN = ("business", "ticket", "member", "voucher")
CARD_HELDOUT = ("boarding", "badge-tall")


def _blank(brief: Brief, *, tall: bool) -> tuple[Canvas, Box, Colour, Colour]:
    """A card on a desk or filling the picture: canvas, card box, paper, brand colour."""
    rng = brief.rng
    size = (280, 400) if tall else rng.choice(((400, 252), (400, 300), (400, 400)))
    canvas = Canvas(size, tint(rng, 60, 235), rng)
    wide, high = size
    edge = rng.uniform(0.0, 0.07) * wide
    card_w = wide - 2 * edge
    card_h = card_w * (1.42 if tall else 0.63)
    card_h = min(card_h, high - 2 * edge)
    top = (high - card_h) / 2
    box = (edge, top, edge + card_w, top + card_h)
    paper, brand = tint(rng, 200, 250), vivid(rng)
    skin = gradient(
        (round(card_w), round(card_h)),
        paper,
        mix(paper, vivid(rng), 0.25),
        across=rng.random() < 0.5,
    )
    canvas.image.paste(skin, (round(edge), round(top)))
    if rng.random() < 0.6:  # the wavy print of cards, on both sorts
        for i in range(0, round(card_h), 9):
            canvas.pen.arc(
                (edge - 60, top + i - 40, edge + card_w + 60, top + i + 50),
                200,
                340,
                fill=mix(paper, brand, 0.22),
            )
    canvas.pen.rectangle(box, outline=mix(paper, BLACK, 0.4))
    return canvas, box, paper, brand


def id_card(brief: Brief) -> tuple[Canvas, str]:
    """An identity paper with invented data: portrait, fields, machine-readable lines."""
    rng = brief.rng
    tall = brief.layout == "permit-tall"
    canvas, (left, top, right, bottom), paper, brand = _blank(brief, tall=tall)
    wide, high = right - left, bottom - top
    unit = min(wide, high * (0.7 if tall else 1.6)) / 20
    face, mono = brief.face("sans", "condensed", "bold", "serif"), brief.face("mono", "pixel")
    band = unit * 2.0
    colour = mix(brand, BLACK, 0.2)
    if brief.layout == "passport":
        _cover(canvas, (left, top), brand, wide)
    if brief.layout == "id-banner":
        colour = mix(paper, BLACK, 0.75)
        canvas.pen.rectangle((left, top, left + unit * 0.6, bottom), fill=colour)
        band = unit * 2.6
    if brief.layout != "licence":
        canvas.pen.rectangle((left, top, right, top + band), fill=colour)
    heading = {"passport": "PASSPORT", "licence": "DRIVING LICENCE", "permit-tall": "PERMIT"}.get(
        brief.layout, rng.choice(("IDENTITY CARD", "NATIONAL ID", "RESIDENT CARD"))
    )
    heading = f"{heading}  {rng.choice(words.PLACES).upper()}"
    canvas.text(
        left + unit,
        top + unit * 0.4,
        heading,
        fitted(heading, wide - 2 * unit, unit * 1.3, face),
        face,
        WHITE if brief.layout != "licence" else colour,
    )
    photo_w, photo_h = (unit * 6.4, unit * 7) if not tall else (unit * 9, unit * 10)
    x = left + unit
    if brief.layout == "id-right":
        x = right - unit - photo_w
    elif tall:
        x = left + (wide - photo_w) / 2
    y = top + band + unit * 0.5
    _portrait(canvas, (x, y, x + photo_w, y + photo_h), rng)
    lines = 3 if tall or brief.layout == "permit-tall" else 2
    mrz = brief.layout != "licence" or rng.random() < 0.5
    mrz_size = unit * 1.15
    field_x = {"id-right": left + unit}.get(brief.layout, x + photo_w + unit)
    field_y = y
    if tall:
        field_x, field_y = left + unit, y + photo_h + unit * 0.5
    labels = ("Surname", "Given name", "Date of birth", "No.", "Expiry", "Nationality")
    values = (
        words.name(rng).upper(),
        words.name(rng).upper(),
        words.date(rng),
        words.code(rng, 9),
        words.date(rng),
        rng.choice(words.PLACES)[:3].upper(),
    )
    floor = bottom - (lines * mrz_size * 1.2 + unit * 0.6 if mrz else unit)
    step = max(unit * 1.75, (floor - field_y) / 6) if not tall else unit * 1.75
    for label, value in zip(labels, values, strict=True):
        if field_y + unit * 1.6 > floor:
            break
        canvas.text(field_x, field_y, label, unit * 0.65, face, mix(BLACK, paper, 0.3))
        canvas.text(field_x, field_y + unit * 0.6, value, unit * 1.1, face, BLACK)
        field_y += step
    if mrz:
        canvas.pen.rectangle((left, floor, right, bottom), fill=mix(paper, WHITE, 0.5))
        for i in range(lines):
            text = words.name(rng).upper() + "<<" + words.code(rng, 12)
            text += "<" * 60
            while text_width(text, mrz_size, mono) > wide - unit:
                text = text[:-1]
            canvas.text(
                left + unit * 0.5,
                floor + unit * 0.3 + i * mrz_size * 1.2,
                text,
                mrz_size,
                mono,
                BLACK,
            )
    if rng.random() < 0.6:
        _hologram(canvas, right - unit * 3.2, y + unit * 5, unit * 1.8)
    return canvas, rng.choice(("document scan", "my new card", heading.lower()))


def _cover(canvas: Canvas, corner: tuple[float, float], brand: Colour, wide: float) -> None:
    """The facing page of an opened passport, above the data page when there is room."""
    left, top = corner
    if top < 40:
        return
    canvas.pen.rectangle((left, 0, left + wide, top - 3), fill=mix(brand, BLACK, 0.45))
    gold: Colour = (222, 186, 90)
    middle, y, radius = left + wide / 2, top / 2, min(36.0, top * 0.32)
    canvas.disc(middle, y, radius, None, gold, 3)
    points = [(middle, y - radius * 0.7), (middle + radius * 0.6, y), (middle, y + radius * 0.7)]
    canvas.pen.polygon([*points, (middle - radius * 0.6, y)], fill=gold)


def _portrait(canvas: Canvas, box: Box, rng: random.Random) -> None:
    """Head and shoulders without a face."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    back, skin, coat = tint(rng, 170, 235), tint(rng, 60, 150), tint(rng, 30, 120)
    canvas.pen.rectangle(box, fill=back, outline=mix(back, BLACK, 0.5))
    middle = (left + right) / 2
    canvas.pen.pieslice(
        (left + wide * 0.1, bottom - high * 0.36, right - wide * 0.1, bottom + high * 0.34),
        180,
        360,
        fill=coat,
    )
    canvas.pen.ellipse(
        (middle - wide * 0.21, top + high * 0.13, middle + wide * 0.21, top + high * 0.66),
        fill=skin,
    )
    canvas.pen.pieslice(
        (middle - wide * 0.25, top + high * 0.09, middle + wide * 0.25, top + high * 0.55),
        180,
        360,
        fill=tint(rng, 15, 90),
    )


def _hologram(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A rosette of thin coloured rings."""
    for i in range(6):
        r = radius * (1 - i / 7)
        canvas.disc(x, y, r, None, tint(canvas.rng, 120, 255), 2)
    canvas.pen.line((x - radius, y, x + radius, y), fill=(220, 220, 255))


def card(brief: Brief) -> tuple[Canvas, str]:
    """Business card, ticket, membership card: no portrait, no machine-readable lines."""
    rng = brief.rng
    tall = brief.layout == "badge-tall"
    canvas, (left, top, right, bottom), _paper, brand = _blank(brief, tall=tall)
    wide, high = right - left, bottom - top
    unit = min(wide, high * (0.7 if tall else 1.6)) / 20
    face = brief.face("sans", "condensed", "bold", "serif", "italic")
    name = f"{words.name(rng)} {rng.choice(('Bakery', 'Studio', 'Cycles', 'Theatre', 'Library'))}"
    dark = mix(brand, BLACK, 0.2)
    if rng.random() < 0.6:
        canvas.pen.rectangle((left, top, right, top + unit * 2), fill=dark)
        canvas.text(
            left + unit,
            top + unit * 0.4,
            name,
            fitted(name, wide - 2 * unit, unit * 1.3, face),
            face,
            WHITE,
        )
    else:
        canvas.text(
            left + unit,
            top + unit * 0.6,
            name,
            fitted(name, wide - 2 * unit, unit * 1.6, face),
            face,
            dark,
        )
    y = top + unit * 3
    details = [
        words.offer(rng).title(),
        f"{rng.randint(1, 99)} {words.name(rng)} Street",
        f"{words.name(rng).lower()}@example.com",
        words.date(rng),
    ]
    if brief.layout in ("ticket", "boarding"):
        details = [
            words.offer(rng),
            f"Row {rng.randint(1, 30)}  Seat {rng.randint(1, 40)}",
            words.date(rng),
            f"Gate {words.code(rng, 2)}",
        ]
    x = left + unit
    if brief.layout in ("business", "member", "badge-tall"):  # a logo where IDs have the portrait
        side = unit * 5.5
        _emblem(canvas, (x, y, x + side, y + side * 1.1), rng)
        if tall:
            y += side * 1.1 + unit
        else:
            x += side + unit
    floor = bottom - unit * (3 if brief.layout in ("ticket", "member", "voucher") else 0.4)
    for detail in details:
        if y + unit * 1.5 > floor:
            break
        canvas.text(x, y, detail, fitted(detail, right - x - unit, unit * 1.3, face), face, BLACK)
        y += unit * 1.9
    if brief.layout in ("ticket", "boarding", "member"):
        stub = right - unit * 4.2
        if brief.layout == "boarding":
            matrix(canvas, (stub, bottom - unit * 4.6, stub + unit * 3.8, bottom - unit * 0.8))
        elif brief.layout == "ticket":
            bars(canvas, (left + unit, bottom - unit * 2.6, right - unit, bottom - unit * 0.6))
        else:
            bars(canvas, (left + wide / 2, bottom - unit * 2.6, right - unit, bottom - unit * 0.6))
    if brief.layout == "voucher":
        text = rng.choice(("-20%", "GIFT 25", "FREE CUP"))
        canvas.text(
            right - unit,
            bottom - unit * 3.4,
            text,
            unit * 2.6,
            brief.face("bold"),
            brand,
            anchor="r",
        )
    return canvas, name


def _emblem(canvas: Canvas, box: Box, rng: random.Random) -> None:
    """An abstract brand mark."""
    left, top, right, bottom = box
    shape = rng.randrange(4)
    a, b = vivid(rng), vivid(rng)
    if shape == 0:
        canvas.pen.rectangle(box, fill=a)
        canvas.pen.polygon([(left, bottom), (right, bottom), (right, top)], fill=b)
    elif shape == 1:
        canvas.pen.ellipse(box, fill=a)
        canvas.pen.ellipse((left + 8, top + 8, right - 20, bottom - 20), fill=b)
    elif shape == 2:
        for i in range(4):
            canvas.pen.arc(
                (left + i * 7, top + i * 7, right - i * 7, bottom - i * 7),
                30 * i,
                30 * i + 260,
                fill=a,
                width=5,
            )
    else:
        canvas.pen.polygon([((left + right) / 2, top), (right, bottom), (left, bottom)], fill=a)
