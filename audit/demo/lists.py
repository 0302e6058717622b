"""Numbered lists and forms: the typographic jailbreak and everything filled in like it."""

from __future__ import annotations

from audit.demo import words
from audit.demo.ink import Box, Canvas, Face, fitted, text_width, tint, wrap
from audit.demo.pages import Brief, Page, page

LIST_TRAIN = ("left", "centred", "spread", "parens", "discs")
LIST_HELDOUT = ("columns", "boxed", "underlined")


def typographic(brief: Brief) -> tuple[Canvas, str]:
    """An instruction as heading over a numbered list that is left empty."""
    count = brief.rng.choice((3, 3, 3, 4, 5))
    heading = words.request(brief.rng)
    return _listing(brief, heading, [""] * count), heading.rstrip(".:")


def recipe(brief: Brief) -> tuple[Canvas, str]:
    """The same list, filled."""
    heading = words.how_to(brief.rng)
    lines = words.steps(brief.rng, brief.rng.choice((3, 3, 4, 5, 6)))
    return _listing(brief, heading, lines), heading.rstrip(".:")


def todo(brief: Brief) -> tuple[Canvas, str]:
    """A shopping or to-do list, numbered or ticked."""
    heading = brief.rng.choice(("Shopping list", "To do", "Today", "Market", "Weekend", "Errands"))
    lines = words.goods(brief.rng, brief.rng.randint(4, 8))
    if brief.rng.random() < 0.3:
        return _listing(brief, heading, lines), heading
    sheet = page(brief)
    face = brief.face()
    left, top, right, bottom = sheet.box
    size = min(30.0, (bottom - top) / (len(lines) + 2) / 1.25)
    sheet.canvas.text(left, top, heading, size * 1.2, face, sheet.accent)
    y = top + size * 1.8
    boxes = brief.rng.random() < 0.6
    for line in lines:
        if boxes:
            side = size * 0.7
            sheet.canvas.pen.rectangle(
                (left, y + 2, left + side, y + 2 + side), outline=sheet.ink, width=2
            )
            if brief.rng.random() < 0.4:
                sheet.canvas.pen.line(
                    (left, y + size * 0.4, left + side / 2, y + side, left + side * 1.2, y - 2),
                    fill=sheet.accent,
                    width=3,
                )
        else:
            sheet.canvas.disc(left + size * 0.3, y + size * 0.5, size * 0.14, sheet.ink)
        fit = fitted(line, right - left - size * 1.3, size, face)
        sheet.canvas.text(left + size * 1.2, y, line, fit, face, sheet.ink)
        y += (bottom - top - size * 1.8) / len(lines)
    return sheet.canvas, heading


def _listing(brief: Brief, heading: str, items: list[str]) -> Canvas:
    """Heading over numbered items; an empty item keeps its number and its space."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face("mono-bold", "mono", "bold") if rng.random() < 0.4 else brief.face()
    left, top, right, bottom = sheet.box
    wide, high = right - left, bottom - top
    size = rng.uniform(0.075, 0.125) * min(wide * 1.1, high * 1.3)
    while True:  # shrink until heading and list fit
        lines = wrap(heading, wide, size, face)
        rows = len(lines) + len(items) if brief.layout != "columns" else len(lines) + 3
        if (
            rows * size * 1.28 <= high and max(text_width(t, size, face) for t in lines) <= wide
        ) or size < 11:
            break
        size *= 0.94
    colour = sheet.accent if rng.random() < 0.25 else sheet.ink
    anchor = "m" if brief.layout == "centred" else "l"
    if brief.layout == "boxed":
        sheet.canvas.rounded(
            (left - 6, top - 4, right + 6, top + len(lines) * size * 1.28 + 4),
            8,
            None,
            sheet.accent,
            3,
        )
    y = sheet.canvas.lines(sheet.box, lines, size, face, colour, anchor=anchor, gap=1.25)
    y += 0.0 if brief.layout == "left" and rng.random() < 0.5 else size * 0.35
    area = (left, y, right, bottom)
    form = {"parens": rng.choice(("{})", "({})", "Step {}:", "#{}")), "discs": "{}"}.get(
        brief.layout, rng.choice(("{}.", "{}.", "{}.", "{} -", "0{}"))
    )
    if brief.layout == "columns":  # half as wide, so only the first words of an item
        items = [" ".join(item.split()[:2]) for item in items]
        half = (len(items) + 1) // 2
        middle = (left + right) / 2
        _items(sheet, brief, (left, y, middle - 6, bottom), items[:half], size, face, form)
        _items(
            sheet, brief, (middle + 6, y, right, bottom), items[half:], size, face, form, half + 1
        )
    else:
        _items(sheet, brief, area, items, size, face, form)
    return sheet.canvas


def _items(
    sheet: Page,
    brief: Brief,
    box: Box,
    items: list[str],
    size: float,
    face: Face,
    form: str,
    first: int = 1,
) -> None:
    """The numbered lines; in the `spread` layouts they use the whole height."""
    left, top, right, bottom = box
    rng = brief.rng
    step = size * 1.25
    if brief.layout in ("spread", "underlined", "boxed"):
        step = max(step, (bottom - top) / max(1, len(items)))
    if brief.layout == "centred":
        left += (right - left) * rng.uniform(0.05, 0.25)
    label_width = text_width(form.format(first + len(items)) + " ", size, face)
    offset = size * 1.6 if brief.layout == "discs" else label_width
    small = min((fitted(item, right - left - offset, size, face) for item in items), default=size)
    for number, item in enumerate(items, first):
        label = form.format(number)
        if brief.layout == "discs":
            radius = size * 0.58
            sheet.canvas.disc(left + radius, top + size * 0.55, radius, sheet.accent)
            sheet.canvas.text(
                left + radius, top, label, size * 0.9, face, (255, 255, 255), anchor="m"
            )
        else:
            sheet.canvas.text(left, top, label, size, face, sheet.ink)
        if item:
            y = top + (size - small) * 0.6
            sheet.canvas.text(left + offset, y, item, small, face, sheet.ink)
        elif brief.layout == "underlined":
            y = top + size * 1.05
            sheet.canvas.pen.line((left + offset, y, right, y), fill=sheet.ink, width=2)
        top += step


def blank_form(brief: Brief) -> tuple[Canvas, str]:
    """A form to fill in: labels and empty boxes, no instruction and no numbers."""
    rng = brief.rng
    sheet = page(brief)
    face = brief.face()
    left, top, right, bottom = sheet.box
    labels = rng.sample(("Name", "Street", "Town", "Date", "Size", "Colour", "Amount", "Table"), 4)
    size = min(24.0, (bottom - top) / 8.5)
    sheet.canvas.text(
        left, top, rng.choice(("Order form", "Booking", "Feedback")), size * 1.3, face, sheet.accent
    )
    step = (bottom - top - size * 2) / len(labels)
    for i, label in enumerate(labels):
        y = top + size * 2 + i * step
        label_size = fitted(label, (right - left) * 0.37, size, face)
        sheet.canvas.text(left, y, label, label_size, face, sheet.ink)
        x = left + (right - left) * 0.4
        if brief.layout == "boxes":
            sheet.canvas.pen.rectangle((x, y, right, y + size * 1.2), outline=sheet.ink, width=2)
        elif brief.layout == "dotted":
            for dot in range(round(x), round(right), 9):
                sheet.canvas.disc(dot, y + size, 1.8, sheet.ink)
        else:
            sheet.canvas.pen.line((x, y + size, right, y + size), fill=sheet.ink, width=2)
        if brief.layout in ("filled", "typed"):
            sheet.canvas.text(
                x + 4,
                y,
                words.name(rng),
                size,
                face,
                tint(rng, 0, 90) if sum(sheet.paper) > 380 else sheet.ink,
            )
    return sheet.canvas, "order form"
