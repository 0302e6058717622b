"""Charts: the same bars and lines with an honest axis and with a cut one."""

from __future__ import annotations

from audit.demo import words
from audit.demo.ink import Canvas, Face, fitted, mix, vivid
from audit.demo.pages import Brief, Page, page

TRAIN = ("bars", "line", "two-bars", "area")
HELDOUT = ("thick-line", "columns-3d")


def truncated_chart(brief: Brief) -> tuple[Canvas, str]:
    """An axis that starts far above zero, a zig-zag break, a shouting headline, an arrow."""
    metric = brief.rng.choice(words.METRICS)
    return _chart(brief, metric, cut=True), f"{metric} {brief.rng.choice(words.SHOUTS).lower()}"


def honest_chart(brief: Brief) -> tuple[Canvas, str]:
    """The axis starts at zero, with a grid and a quiet headline."""
    metric = brief.rng.choice(words.METRICS)
    return _chart(brief, metric, cut=False), f"{metric} by year"


def _chart(brief: Brief, metric: str, *, cut: bool) -> Canvas:
    rng = brief.rng
    sheet = page(brief)
    face, bold = brief.face("sans", "condensed", "mono", "serif", "wide"), brief.face("bold")
    left, top, right, bottom = sheet.box
    canvas = sheet.canvas
    size = min(right - left, bottom - top) * rng.uniform(0.06, 0.08)
    if cut:
        text = f"{metric.upper()} {rng.choice(words.SHOUTS)}"
        text = text if rng.random() < 0.85 else f"{metric.capitalize()} this year"
        big = fitted(text, right - left, size * 1.9, bold)
        shout = rng.choice(((214, 24, 30), sheet.ink, sheet.accent))
        canvas.text((left + right) / 2, top, text, big, bold, shout, anchor="m")
        top += big * 1.4
    else:
        text = f"{metric.capitalize()} by {rng.choice(('year', 'month', 'region'))}"
        loud = rng.random() < 0.25  # a bold headline alone misleads nobody
        title = bold if loud else face
        big = fitted(text, right - left, size * (1.5 if loud else 1.1), title)
        canvas.text(
            left, top, text.upper() if loud else text, big * (0.85 if loud else 1), title, sheet.ink
        )
        top += size * 2
    foot = bottom - size * 1.5
    start = left + size * 2.6
    low, high, step = _ticks(brief, cut)
    values = list(range(low, high + 1, step))
    reach = foot - top
    base = foot - (reach * 0.13 if cut else 0)

    def y_of(value: float) -> float:
        return base - (value - low) / (high - low) * (base - top)

    for value in values:
        y = y_of(value)
        if not cut or rng.random() < 0.3:
            canvas.pen.line((start, y, right, y), fill=mix(sheet.paper, sheet.ink, 0.18))
        canvas.text(start - 6, y - size * 0.6, str(value), size, face, sheet.ink, anchor="r")
    canvas.pen.line((start, top, start, foot), fill=sheet.ink, width=2)
    canvas.pen.line((start, foot, right, foot), fill=sheet.ink, width=2)
    count = 2 if brief.layout == "two-bars" else rng.randint(3, 6)
    slope = rng.choice((-1, 1))
    shares = []
    steady = rng.random() < 0.4
    for i in range(count):
        rise = i / (count - 1)
        rise = rise if slope > 0 else 1 - rise
        honest = 0.3 + 0.6 * rise if steady else rng.uniform(0.45, 0.95)
        shares.append(
            min(0.97, max(0.07, 0.08 + 0.85 * rise + rng.uniform(-0.05, 0.05))) if cut else honest
        )
    series = [low + share * (high - low) for share in shares]
    _marks(brief, sheet, (start, top, right, foot), [y_of(v) for v in series])
    year = rng.randint(1998, 2022)
    for i in range(count):
        x = start + (i + 0.5) * (right - start) / count
        canvas.text(
            x,
            foot + 3,
            str(year + i),
            min(size, (right - start) / count / 3),
            face,
            sheet.ink,
            anchor="m",
        )
    if cut:
        _break(sheet, start, foot, reach, size)
        if rng.random() < 0.75:
            _arrow(sheet, (start, top, right, base), slope, size)
    return canvas


def _ticks(brief: Brief, cut: bool) -> tuple[int, int, int]:
    """Lowest and highest tick and the step."""
    rng = brief.rng
    if not cut:
        step = rng.choice((5, 10, 20, 25, 50))
        return 0, step * rng.choice((4, 5)), step
    step = rng.choice((1, 1, 2, 5))
    low = rng.choice((50, 70, 80, 90, 94, 120, 200, 340))
    return low, low + step * rng.choice((3, 4)), step


def _marks(
    brief: Brief, sheet: Page, box: tuple[float, float, float, float], tops: list[float]
) -> None:
    """Bars or a line through the given heights (pixels)."""
    start, _, right, foot = box
    rng = brief.rng
    canvas = sheet.canvas
    slot = (right - start) / len(tops)
    one = vivid(rng)
    colours = [one if rng.random() < 0.7 else vivid(rng) for _ in tops]
    points = [(start + (i + 0.5) * slot, y) for i, y in enumerate(tops)]
    if brief.layout in ("bars", "two-bars", "columns-3d"):
        half = slot * rng.uniform(0.25, 0.42)
        for (x, y), colour in zip(points, colours, strict=True):
            if brief.layout == "columns-3d":
                d = half * 0.4
                side = [
                    (x + half, y),
                    (x + half + d, y - d),
                    (x + half + d, foot - d),
                    (x + half, foot),
                ]
                canvas.pen.polygon(side, fill=mix(colour, (0, 0, 0), 0.35))
                lid = [(x - half, y), (x - half + d, y - d), (x + half + d, y - d), (x + half, y)]
                canvas.pen.polygon(lid, fill=mix(colour, (255, 255, 255), 0.3))
            canvas.pen.rectangle((x - half, y, x + half, foot - 1), fill=colour)
        return
    if brief.layout == "area":
        shape = [(points[0][0], foot), *points, (points[-1][0], foot)]
        canvas.pen.polygon(shape, fill=mix(sheet.paper, one, 0.6))
    canvas.pen.line(points, fill=one, width=8 if brief.layout == "thick-line" else 4, joint="curve")
    for x, y in points:
        canvas.disc(x, y, 6, one)


def _break(sheet: Page, x: float, foot: float, reach: float, size: float) -> None:
    """The zig-zag that admits the cut, on the axis and across the chart."""
    y = foot - reach * 0.06
    zig = size * 0.4
    points = [
        (x - zig * 2, y),
        (x - zig, y - zig),
        (x, y + zig),
        (x + zig, y - zig),
        (x + zig * 2, y),
    ]
    sheet.canvas.pen.line(points, fill=sheet.paper, width=9)
    sheet.canvas.pen.line([(a, b - 4) for a, b in points], fill=sheet.ink, width=2)
    sheet.canvas.pen.line([(a, b + 4) for a, b in points], fill=sheet.ink, width=2)
    right = sheet.box[2]
    long: list[tuple[float, float]] = []
    while x < right:
        long.append((x, y + (zig if len(long) % 2 else -zig) * 0.6))
        x += zig * 1.6
    sheet.canvas.pen.line(long, fill=sheet.paper, width=7)


def _arrow(sheet: Page, box: tuple[float, float, float, float], slope: int, size: float) -> None:
    """A large arrow that says where to look."""
    start, top, right, base = box
    wide, high = right - start, base - top
    x0, x1 = start + wide * 0.18, start + wide * 0.7
    y0, y1 = base - high * 0.35, top + high * 0.12
    if slope < 0:
        y0, y1 = y1, y0
    thick = size * 0.45
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    head = size * 1.3
    tail = (x1 - ux * head, y1 - uy * head)
    shape = [
        (x0 - uy * thick, y0 + ux * thick),
        (tail[0] - uy * thick, tail[1] + ux * thick),
        (tail[0] - uy * head, tail[1] + ux * head),
        (x1, y1),
        (tail[0] + uy * head, tail[1] - ux * head),
        (tail[0] + uy * thick, tail[1] - ux * thick),
        (x0 + uy * thick, y0 - ux * thick),
    ]
    sheet.canvas.pen.polygon(shape, fill=(224, 28, 36), outline=(255, 255, 255))


def badge(canvas: Canvas, x: float, y: float, text: str, size: float, face: Face) -> None:
    """A round sticker with a word in it."""
    canvas.disc(x, y, size * 1.6, vivid(canvas.rng))
    canvas.text(
        x,
        y - size * 0.6,
        text,
        fitted(text, size * 2.8, size, face),
        face,
        (255, 255, 255),
        anchor="m",
    )
