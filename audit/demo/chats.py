"""Chats and comments: a pile-on against one person, and people being kind to each other."""

from __future__ import annotations

from audit.demo import words
from audit.demo.ink import BLACK, WHITE, Canvas, Colour, Face, fitted, mix, tint, vivid, wrap
from audit.demo.pages import SIZES, Brief

TRAIN = ("bubbles", "comments", "group", "thread")
HELDOUT = ("phone", "stream")
_RED: Colour = (222, 30, 38)


def hostile_chat(brief: Brief) -> tuple[Canvas, str]:
    """Everybody on one side, in capitals, with red angry icons."""
    return _chat(brief, hostile=True), brief.rng.choice(("the comments", "group chat", "wow"))


def friendly_chat(brief: Brief) -> tuple[Canvas, str]:
    """Both sides speak, in mixed case, with smiles."""
    return _chat(brief, hostile=False), brief.rng.choice(("the comments", "group chat", "family"))


def _face(canvas: Canvas, x: float, y: float, r: float, *, angry: bool) -> None:
    """A round icon with a mood."""
    canvas.disc(x, y, r, _RED if angry else (252, 206, 52))
    eye = max(1.0, r * 0.14)
    for side in (-1, 1):
        canvas.disc(x + side * r * 0.38, y - r * 0.15, eye, BLACK)
        if angry:
            canvas.pen.line(
                (x + side * r * 0.7, y - r * 0.6, x + side * r * 0.15, y - r * 0.3),
                fill=BLACK,
                width=max(2, round(r * 0.18)),
            )
    thick = max(2, round(r * 0.16))
    if angry:
        canvas.pen.arc(
            (x - r * 0.5, y + r * 0.2, x + r * 0.5, y + r * 0.95), 190, 350, fill=BLACK, width=thick
        )
    else:
        canvas.pen.arc(
            (x - r * 0.55, y - r * 0.4, x + r * 0.55, y + r * 0.6), 20, 160, fill=BLACK, width=thick
        )


def _heart(canvas: Canvas, x: float, y: float, r: float, colour: Colour) -> None:
    canvas.disc(x - r * 0.48, y - r * 0.2, r * 0.52, colour)
    canvas.disc(x + r * 0.48, y - r * 0.2, r * 0.52, colour)
    canvas.pen.polygon([(x - r * 0.95, y), (x + r * 0.95, y), (x, y + r)], fill=colour)


def _chat(brief: Brief, *, hostile: bool) -> Canvas:
    rng = brief.rng
    size = (rng.choice((260, 300)), 400) if brief.layout == "phone" else rng.choice(SIZES)
    wide, high = size
    dark = rng.random() < 0.4
    paper = tint(rng, 12, 48) if dark else tint(rng, 225, 255)
    ink: Colour = (236, 236, 240) if dark else BLACK
    canvas = Canvas(size, paper, rng)
    face = brief.face("sans", "bold", "condensed", "serif", "wide")
    accent = vivid(rng)
    top = 10.0
    if brief.layout in ("phone", "group", "bubbles"):
        canvas.pen.rectangle((0, 0, wide, 40), fill=mix(paper, accent, rng.choice((0.2, 1.0))))
        canvas.disc(24, 20, 13, tint(rng, 90, 200))
        title = words.name(rng) + rng.choice(("", " group", " and friends"))
        canvas.text(46, 11, title, 17, face, ink)
        top = 52
    mine: Colour = rng.choice(((36, 120, 240), (40, 180, 90), accent))
    theirs = mix(paper, ink, 0.14)
    turn = rng.randrange(2)
    text_size = rng.uniform(17, 23) * wide / 400 + 1
    limit = rng.choice((high - 14, high - 46))
    while True:
        message = words.insult(rng) if hostile else words.kindness(rng)
        if hostile and rng.random() < 0.6:
            message = message.upper().rstrip("!") + "!!!"
        if brief.layout in ("comments", "thread", "stream"):
            below = _comment(brief, canvas, top, message, text_size, face, ink, hostile=hostile)
        else:
            # the one attacked gets a word in at most once; friends take turns
            own = turn % 2 == 0 if not hostile else rng.random() < 0.06
            below = _bubble(
                brief,
                canvas,
                top,
                message,
                text_size,
                face,
                mine if own else theirs,
                WHITE if own else ink,
                own=own,
                hostile=hostile,
            )
        turn += 1 if rng.random() < 0.8 else 2
        if below > limit - text_size * 1.5:
            break
        top = below
    if limit < high - 20:
        canvas.pen.rectangle((0, limit + 2, wide, high), fill=mix(paper, ink, 0.08))
        canvas.rounded(
            (12, limit + 10, wide - 50, high - 8), 13, mix(paper, ink, 0.02), mix(paper, ink, 0.3)
        )
        canvas.disc(wide - 26, (limit + high) / 2, 13, mine)
    return canvas


def _bubble(
    brief: Brief,
    canvas: Canvas,
    top: float,
    message: str,
    size: float,
    face: Face,
    fill: Colour,
    ink: Colour,
    *,
    own: bool,
    hostile: bool,
) -> float:
    """One message bubble; returns the y below it."""
    rng = brief.rng
    wide = canvas.width
    lines = wrap(message, wide * 0.58, size, face)
    width = max(min(wide * 0.62, len(max(lines, key=len)) * size * 0.62), size * 3) + 20
    height = len(lines) * size * 1.25 + 14
    left = wide - width - 12 if own else (46 if brief.layout != "bubbles" else 12)
    canvas.rounded((left, top, left + width, top + height), 13, fill)
    for i, line in enumerate(lines):
        canvas.text(
            left + 10,
            top + 6 + i * size * 1.25,
            line,
            fitted(line, width - 18, size, face),
            face,
            ink,
        )
    if not own and brief.layout != "bubbles":
        canvas.disc(26, top + 16, 13, tint(rng, 70, 210))
    if rng.random() < 0.65:
        x = left - 20 if own else left + width + 22
        if 12 < x < wide - 12:
            if not hostile and rng.random() < 0.3:
                _heart(canvas, x, top + height / 2, size * 0.6, (232, 70, 110))
            else:
                _face(canvas, x, top + height / 2, size * 0.75, angry=hostile)
    return top + height + rng.uniform(7, 12)


def _comment(
    brief: Brief,
    canvas: Canvas,
    top: float,
    message: str,
    size: float,
    face: Face,
    ink: Colour,
    *,
    hostile: bool,
) -> float:
    """One comment with avatar, name, text and reactions; returns the y below it."""
    rng = brief.rng
    left = 14.0
    if brief.layout == "thread":
        left += rng.choice((0, 26)) if not hostile else 26 * (rng.random() < 0.8)
    dim = mix(ink, canvas.image.getpixel((2, canvas.height - 2)), 0.45)  # type: ignore[arg-type]
    canvas.disc(left + 15, top + 17, 15, tint(rng, 70, 210))
    x = left + 40
    if brief.layout != "stream":
        canvas.text(x, top, f"{words.name(rng).lower()}{rng.randint(1, 99)}", size * 0.7, face, dim)
        top += size
    room = canvas.width - x - 54
    lines = wrap(message, room, size, face)
    for line in lines:
        canvas.text(x, top, line, fitted(line, room, size, face), face, ink)
        top += size * 1.25
    y = top - size * 0.7
    if hostile:
        _face(canvas, canvas.width - 30, y, size * 0.75, angry=True)
    elif rng.random() < 0.5:
        _face(canvas, canvas.width - 30, y, size * 0.75, angry=False)
    else:
        _heart(canvas, canvas.width - 30, y, size * 0.6, (232, 70, 110))
    if brief.layout == "comments":
        canvas.text(x, top, f"{rng.randint(2, 99)} likes   Reply", size * 0.6, face, dim)
        top += size * 0.8
    return top + rng.uniform(8, 14)
