"""Screens: dialogs, settings, web pages, mail, players, spreadsheets, maps of a phone's home."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from audit.demo.harmless import texts
from audit.demo.harmless.faces import Colour, block, face, fitting
from audit.demo.harmless.scenery import view
from audit.demo.harmless.sheet import PHOTOGRAPHED, blend, hue, palette, photographed, ramp

_ASKS = (
    ("Save changes?", "Your notes have changed since they were last saved."),
    ("Update finished", "Restart now to use the new version."),
    ("Delete this playlist?", "The songs themselves stay in your library."),
    ("Connected", "The printer in the study is ready."),
    ("Low battery", "10 % left. Plug in the charger soon."),
    ("Welcome back", "You have three new messages and one reminder."),
    ("Export photos", "24 photos will be copied to the folder Holidays."),
    ("No network", "Check the cable or choose another network."),
)
_SETTINGS = ("Wi-Fi", "Bluetooth", "Sound", "Display", "Language", "Date and time", "Backups",
             "Accessibility", "Keyboard", "Wallpaper", "Storage", "About")  # fmt: skip
_MAIL = ("Minutes of the choir", "Your parcel is on its way", "Lunch on Thursday?",
         "Photos from the lake", "Recipe you asked for", "Library: book due", "Invoice 2231",
         "Weekend plans", "Re: garden fence", "New timetable")  # fmt: skip


def _tones(rng: random.Random) -> tuple[Colour, Colour, Colour]:
    """Ground, ink and accent of a user interface."""
    accent = palette(rng, 1, 0.8)[0]
    if rng.random() < 0.35:
        return rng.choice(((30, 31, 36), (18, 18, 20), (40, 42, 54))), (225, 226, 230), accent
    return rng.choice(((255, 255, 255), (246, 247, 249), (236, 236, 238))), (34, 36, 40), accent


def dialogs(rng: random.Random) -> Image.Image:
    """A box with a question and buttons over a desktop, a page or a phone."""
    phone = rng.random() < 0.35
    size = (360, 640) if phone else rng.choice(((640, 480), (640, 400), (640, 360)))
    wide, high = size
    back, front, accent = _tones(rng)
    image = (
        view(rng, size)
        if rng.random() < 0.4
        else ramp(size, hue(rng, 0.5, 0.5), hue(rng, 0.5, 0.8))
    )
    pen = ImageDraw.Draw(image)
    if not phone and rng.random() < 0.6:
        pen.rectangle((0, high - 34, wide, high), blend(back, (0, 0, 0), 0.2))
        for k, colour in enumerate(palette(rng, rng.randint(3, 8))):
            pen.rounded_rectangle((10 + 34 * k, high - 29, 34 + 34 * k, high - 5), 5, colour)
    w, h = wide * (0.86 if phone else rng.uniform(0.5, 0.75)), high * rng.uniform(0.3, 0.5)
    x, y = (wide - w) / 2 + (0 if phone else rng.uniform(-40, 40)), (high - h) / 2 - 10
    pen.rounded_rectangle((x + 5, y + 7, x + w + 5, y + h + 7), 10, (20, 20, 24))
    pen.rounded_rectangle(
        (x, y, x + w, y + h), rng.choice((0, 6, 14)), back, blend(back, front, 0.3)
    )
    title, said = rng.choice(_ASKS)
    if rng.random() < 0.5:
        pen.rectangle((x + 1, y + 1, x + w - 1, y + 30), accent)
        pen.text((x + 12, y + 15), title, (255, 255, 255), face("sans-bold", 16), "lm")
        pen.text((x + w - 16, y + 15), "×", (255, 255, 255), face("sans-bold", 20), "mm")
        top = y + 48
    else:
        pen.text((x + 20, y + 20), title, front, face("sans-bold", 20))
        top = y + 56
    left = x + 20
    if rng.random() < 0.5:
        pen.ellipse((left, top, left + 40, top + 40), accent)
        pen.text(
            (left + 20, top + 20), rng.choice("i?!"), (255, 255, 255), face("serif-bold", 26), "mm"
        )
        left += 56
    block(pen, (left, top, x + w - 16, y + h - 44), said, face("sans", rng.randint(14, 17)), front)
    at = x + w - 16
    for k, button in enumerate(
        rng.sample(("OK", "Cancel", "Later", "Yes", "No", "Save"), rng.randint(1, 3))
    ):
        font = face("sans-bold", 15)
        width = font.getlength(button) + 32
        pen.rounded_rectangle((at - width, y + h - 44, at, y + h - 14), 6,
                              accent if k == 0 else blend(back, front, 0.15))  # fmt: skip
        pen.text(
            (at - width / 2, y + h - 29), button, (255, 255, 255) if k == 0 else front, font, "mm"
        )
        at -= width + 10
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED / 2 else image


def screens(rng: random.Random) -> Image.Image:
    """An application in full: settings, mail, a web shop, a music player, a spreadsheet."""
    draw = rng.choice((_settings, _mail, _shop, _player, _sheet))
    image = draw(rng)
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED / 2 else image


def _settings(rng: random.Random) -> Image.Image:
    back, front, accent = _tones(rng)
    image = Image.new("RGB", (360, 640), back)
    pen = ImageDraw.Draw(image)
    pen.text((20, 14), f"{rng.randint(7, 22)}:{rng.randint(10, 59)}", front, face("sans-bold", 14))
    pen.text((20, 46), "Settings", front, face("sans-bold", 30))
    y, step = 100.0, rng.choice((44, 52, 60))
    for name in rng.sample(_SETTINGS, 12):
        if y > 630:
            break
        tone = palette(rng, 1)[0]
        pen.rounded_rectangle((20, y + 8, 48, y + 36), 7, tone)
        pen.text((64, y + 22), name, front, face("sans", 17), "lm")
        if rng.random() < 0.45:
            on = rng.random() < 0.5
            pen.rounded_rectangle((292, y + 10, 338, y + 34), 12, accent if on else (150, 150, 155))
            cx = 326 if on else 304
            pen.ellipse((cx - 10, y + 12, cx + 10, y + 32), (255, 255, 255))
        else:
            pen.text((336, y + 22), "›", blend(front, back, 0.4), face("sans", 24), "rm")
        pen.line((64, y + step - 2, 340, y + step - 2), blend(back, front, 0.15))
        y += step
    return image


def _mail(rng: random.Random) -> Image.Image:
    back, front, accent = _tones(rng)
    image = Image.new("RGB", rng.choice(((640, 480), (640, 400), (360, 640))), back)
    pen = ImageDraw.Draw(image)
    wide, high = image.size
    pen.rectangle((0, 0, wide, 44), accent)
    pen.rounded_rectangle((wide * 0.25, 9, wide * 0.9, 35), 13, blend(accent, (255, 255, 255), 0.8))
    pen.text((wide * 0.25 + 14, 22), "Search mail", (110, 110, 116), face("sans", 14), "lm")
    left = 0.0
    if wide > 400:
        left = 130.0
        pen.rectangle((0, 44, left, high), blend(back, front, 0.06))
        for k, name in enumerate(("Inbox", "Starred", "Sent", "Drafts", "Family", "Work")):
            pen.text((18, 70 + 30 * k), name, accent if k == 0 else front, face("sans", 15), "lm")
    y, step = 44.0, rng.choice((40, 52, 64))
    while y + step <= high:
        new = rng.random() < 0.4
        tone = palette(rng, 1)[0]
        pen.ellipse((left + 12, y + step / 2 - 13, left + 38, y + step / 2 + 13), tone)
        font = face("sans-bold" if new else "sans", 14)
        pen.text((left + 50, y + step * 0.32), texts.place(rng), front, font, "lm")
        pen.text((left + 50, y + step * 0.7), rng.choice(_MAIL), blend(front, back, 0.25),
                 face("sans", 13), "lm")  # fmt: skip
        pen.text((wide - 12, y + step * 0.32), f"{rng.randint(1, 28)} May", blend(front, back, 0.4),
                 face("sans", 12), "rm")  # fmt: skip
        pen.line((left, y + step, wide, y + step), blend(back, front, 0.12))
        y += step
    return image


def _shop(rng: random.Random) -> Image.Image:
    back, front, accent = _tones(rng)
    image = Image.new("RGB", (640, 520), back)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 640, 50), accent if rng.random() < 0.5 else blend(back, front, 0.08))
    pen.text((20, 25), rng.choice(texts.SHOPS), front if rng.random() < 0.5 else (255, 255, 255),
             face("serif-bold", 22), "lm")  # fmt: skip
    columns = rng.choice((2, 3, 4))
    w = (640 - 20 * (columns + 1)) / columns
    y = 70.0
    while y + w * 0.8 < 520:
        for k in range(columns):
            x = 20 + k * (w + 20)
            image.paste(view(rng, (int(w), int(w * 0.7))), (int(x), int(y)))
            title = rng.choice((*texts.DISHES, *texts.ITEMS))
            pen.text((x, y + w * 0.7 + 6), title, front, fitting(title, "sans", w, 15))
            price = f"{rng.uniform(2, 60):.2f}"
            pen.text((x, y + w * 0.7 + 26), price, accent, face("sans-bold", 16))
        y += w * 0.7 + 60
    return image


def _player(rng: random.Random) -> Image.Image:
    back, front, accent = _tones(rng)
    image = Image.new("RGB", (400, 640), back)
    image.paste(ramp((400, 640), back, blend(back, accent, 0.5)))
    pen = ImageDraw.Draw(image)
    cover = (
        ramp((300, 300), accent, hue(rng, 0.5, 0.8))
        if rng.random() < 0.5
        else view(rng, (300, 300))
    )
    image.paste(cover, (50, 60))
    title = f"{rng.choice(('Song', 'Waltz', 'Morning', 'Road'))} of {texts.place(rng)}"
    pen.text((200, 400), title, front, fitting(title, "sans-bold", 340, 26), "mm")
    pen.text(
        (200, 434),
        f"The {texts.place(rng)} Quartet",
        blend(front, back, 0.3),
        face("sans", 17),
        "mm",
    )
    at = rng.uniform(0.1, 0.9)
    pen.line((50, 480, 350, 480), blend(back, front, 0.3), 4)
    pen.line((50, 480, 50 + 300 * at, 480), accent, 4)
    pen.ellipse((42 + 300 * at, 472, 58 + 300 * at, 488), accent)
    pen.ellipse((165, 520, 235, 590), accent)
    pen.polygon([(190, 538), (190, 572), (220, 555)], (255, 255, 255))
    for x, lean in ((110, -1), (290, 1)):
        pen.polygon([(x - 12 * lean, 543), (x - 12 * lean, 567), (x + 12 * lean, 555)], front)
    return image


def _sheet(rng: random.Random) -> Image.Image:
    _, _, accent = _tones(rng)
    image = Image.new("RGB", rng.choice(((640, 400), (640, 480))), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    wide, high = image.size
    pen.rectangle((0, 0, wide, 30), accent)
    for k, name in enumerate(("File", "Edit", "View", "Insert", "Format", "Help")):
        pen.text((14 + 64 * k, 15), name, (255, 255, 255), face("sans", 14), "lm")
    pen.rectangle((0, 30, wide, 52), (240, 240, 242))
    cell_x, cell_y = rng.choice((64, 80, 107)), rng.choice((20, 24))
    font = face("sans", 12)
    for row, y in enumerate(range(52, high, cell_y)):
        pen.text((14, y + cell_y / 2), str(row) if row else "", (90, 90, 96), font, "mm")
        for column, x in enumerate(range(28, wide, cell_x)):
            pen.rectangle((x, y, x + cell_x, y + cell_y), None, (215, 215, 220))
            if row == 0:
                pen.text(
                    (x + cell_x / 2, y + cell_y / 2), chr(65 + column), (90, 90, 96), font, "mm"
                )
            elif column == 0 and row < 15:
                pen.text((x + 4, y + cell_y / 2), texts.place(rng)[:9], (20, 20, 24), font, "lm")
            elif column < 6 and row < 15:
                said = f"{rng.randint(0, 9999):,}"
                pen.text((x + cell_x - 4, y + cell_y / 2), said, (20, 20, 24), font, "rm")
    x, y = 28 + cell_x * rng.randint(1, 4), 52 + cell_y * rng.randint(1, 9)
    pen.rectangle((x, y, x + cell_x, y + cell_y), None, (30, 120, 70), 3)
    return image
