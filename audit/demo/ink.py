"""Text and shapes: the faces, the canvas, and the palettes that every drawer shares.

The faces come from the one scalable font inside Pillow, its old bitmap font, and `strokes`:
nothing is read from the machine, so a seed gives the same picture everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from audit.demo.strokes import advance, strokes
from audit.errors import ShardwardenError

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (12, 12, 14)


@dataclass(frozen=True, slots=True)
class Face:
    """A way of setting text: `base` is sans, pixel or stroke; the rest bends it."""

    base: str
    bold: float = 0.0  # stroke width as a fraction of the size
    width: float = 1.0
    shear: float = 0.0
    mono: bool = False
    wobble: float = 0.0  # of a hand, in grid units of the stroke alphabet
    serif: bool = False


FACES: dict[str, Face] = {
    "sans": Face("sans"),
    "bold": Face("sans", bold=0.045),
    "italic": Face("sans", shear=0.22),
    "condensed": Face("sans", width=0.74, bold=0.03),
    "mono": Face("sans", mono=True),
    "mono-bold": Face("sans", mono=True, bold=0.04),
    "hand": Face("stroke", bold=0.075, wobble=0.22, width=0.86),
    "wide": Face("sans", width=1.25),
    "pixel": Face("pixel"),
    "marker": Face("stroke", bold=0.13, wobble=0.1),
    "serif": Face("stroke", bold=0.085, serif=True, width=0.9),
}
HELDOUT_FACES = ("wide", "marker", "serif")
TRAIN_FACES = tuple(name for name in FACES if name not in HELDOUT_FACES)


@lru_cache(maxsize=256)
def _sans(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ShardwardenError("this Pillow has no FreeType and cannot draw; install its wheel")
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _pixel() -> ImageFont.ImageFont:
    return ImageFont.load_default_imagefont()


def text_width(text: str, size: float, face: Face) -> float:
    """The width of one line in pixels at `size` (cap height is about 0.7 of it)."""
    if face.base == "stroke":
        return sum(advance(c) for c in text) * size * 0.115 * face.width
    if face.base == "pixel":
        return len(text) * size * 0.55 * face.width
    if face.mono:
        return len(text) * size * 0.62 * face.width
    return float(_sans(max(4, round(size))).getlength(text)) * face.width


def _mask(text: str, size: float, face: Face, rng: random.Random) -> Image.Image:
    """One line as an L mask of height about 1.5 x size, the pen starting at x = size / 2."""
    pad = round(size * 0.5)
    whole = round(size)
    stroke = face.bold * size
    if face.base == "stroke":
        return _stroke_mask(text, size, face, rng)
    if face.base == "pixel":
        small = Image.new("L", (max(1, len(text) * 6), 11))
        ImageDraw.Draw(small).text((0, 0), text, fill=255, font=_pixel())
        wide = max(1, round(len(text) * size * 0.55 * face.width))
        image = Image.new("L", (wide + 2 * pad, round(size * 1.6)))
        image.paste(small.resize((wide, max(1, round(size))), Image.Resampling.BOX), (pad, 2))
        return image
    natural = text_width(text, size, Face("sans", mono=face.mono))
    image = Image.new("L", (round(natural) + 2 * pad, round(size * 1.6)))
    pen = ImageDraw.Draw(image)
    font = _sans(max(4, whole))
    if face.mono:
        step = size * 0.62
        for i, character in enumerate(text):
            if character != " ":
                left = pad + i * step + (step - font.getlength(character)) / 2
                pen.text((left, 0), character, fill=255, font=font, stroke_width=stroke)
    else:
        pen.text((pad, 0), text, fill=255, font=font, stroke_width=stroke)
    if face.shear:
        image = image.transform(
            image.size,
            Image.Transform.AFFINE,
            (1, face.shear, -face.shear * size, 0, 1, 0),
            Image.Resampling.BILINEAR,
        )
    if face.width != 1.0:
        squeezed = image.resize(
            (max(1, round(image.width * face.width)), image.height), Image.Resampling.BILINEAR
        )
        image = Image.new("L", (squeezed.width + pad, squeezed.height))
        image.paste(squeezed, (round(pad * (1 - face.width)), 0))
    return image


def _stroke_mask(text: str, size: float, face: Face, rng: random.Random) -> Image.Image:
    """The same for the stroke alphabet, drawn twice as large and halved for smooth edges."""
    unit = size * 0.115 * 2
    thick = max(2, round(face.bold * size * 2))
    wide = text_width(text, size, face)
    image = Image.new("L", (2 * (round(wide + size) + 1), 2 * round(size * 1.6)))
    pen = ImageDraw.Draw(image)
    left, top = size, size * 0.5
    for character in text:
        rise = rng.gauss(0, face.wobble) * unit * 0.8
        for stroke in strokes(character):
            points = [
                (
                    left + (x + rng.gauss(0, face.wobble)) * unit * face.width,
                    top + rise + (y + rng.gauss(0, face.wobble)) * unit,
                )
                for x, y in stroke
            ]
            pen.line(points, fill=255, width=thick, joint="curve")
            radius = thick / 2 * (1.25 if len(points) == 1 else 0.95)
            for x, y in (points[0], points[-1]):
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
                if face.serif and len(points) > 1:
                    bar = unit * 0.75 * face.width
                    pen.line((x - bar, y, x + bar, y), fill=255, width=max(2, thick // 2))
        left += advance(character) * unit * face.width
    return image.reduce(2)


class Canvas:
    """A picture being drawn: lengths are pixels, y grows downwards."""

    def __init__(self, size: tuple[int, int], paper: Colour, rng: random.Random) -> None:
        """A canvas of `size` filled with `paper`; `rng` moves the hand of the stroke faces."""
        self.image = Image.new("RGB", size, paper)
        self.rng = rng
        self.pen = ImageDraw.Draw(self.image)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.image.height

    def replace(self, image: Image.Image) -> None:
        """Go on with another picture."""
        self.image = image
        self.pen = ImageDraw.Draw(image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        face: Face,
        fill: Colour,
        *,
        anchor: str = "l",
        angle: float = 0.0,
    ) -> float:
        """Draw one line with its top at y; anchor l, m or r; returns its width."""
        if not text:
            return 0.0
        wide = text_width(text, size, face)
        x -= {"l": 0.0, "m": wide / 2, "r": wide}[anchor]
        plain = face.base == "sans" and not (face.mono or face.shear) and face.width == 1.0
        if plain and not angle:
            self.pen.text(
                (x, y),
                text,
                fill=fill,
                font=_sans(max(4, round(size))),
                stroke_width=face.bold * size,
            )
            return wide
        mask = _mask(text, size, face, self.rng)
        if angle:
            mask = mask.rotate(angle, Image.Resampling.BILINEAR, expand=True)
        self.image.paste(fill, (round(x - size * 0.5), round(y)), mask)
        return wide

    def lines(
        self,
        box: Box,
        lines: Sequence[str],
        size: float,
        face: Face,
        fill: Colour,
        *,
        anchor: str = "l",
        gap: float = 1.3,
    ) -> float:
        """Draw lines from the top of box until it is full; returns the y below the last."""
        left, top, right, bottom = box
        x = {"l": left, "m": (left + right) / 2, "r": right}[anchor]
        for line in lines:
            if top + size * 0.9 > bottom:
                break
            self.text(x, top, line, size, face, fill, anchor=anchor)
            top += size * gap
        return top

    def rounded(
        self,
        box: Box,
        radius: float,
        fill: Colour | None,
        outline: Colour | None = None,
        width: int = 1,
    ) -> None:
        """A rectangle with round corners."""
        self.pen.rounded_rectangle(box, radius, fill=fill, outline=outline, width=width)

    def disc(
        self,
        x: float,
        y: float,
        radius: float,
        fill: Colour | None,
        outline: Colour | None = None,
        width: int = 1,
    ) -> None:
        """A filled circle."""
        self.pen.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            fill=fill,
            outline=outline,
            width=width,
        )


def wrap(text: str, width: float, size: float, face: Face) -> list[str]:
    """Break text into lines of at most `width` pixels; a longer word keeps its own line."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size, face) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def fitted(text: str, width: float, size: float, face: Face) -> float:
    """The largest size not above `size` at which one line of text fits `width`."""
    wide = text_width(text, size, face)
    return size if wide <= width else max(5.0, size * width / wide)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from a to b."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def tint(rng: random.Random, low: int, high: int) -> Colour:
    """A random colour with every channel in low..high."""
    return (rng.randint(low, high), rng.randint(low, high), rng.randint(low, high))


def vivid(rng: random.Random) -> Colour:
    """A saturated colour, as brands and signs use."""
    channels = [rng.randint(170, 245), rng.randint(20, 130), rng.randint(10, 90)]
    rng.shuffle(channels)
    return (channels[0], channels[1], channels[2])


def gradient(size: tuple[int, int], a: Colour, b: Colour, *, across: bool = False) -> Image.Image:
    """A linear blend from a (top or left) to b."""
    ramp = Image.linear_gradient("L")
    if across:
        ramp = ramp.transpose(Image.Transpose.ROTATE_90)
    return Image.composite(Image.new("RGB", size, b), Image.new("RGB", size, a), ramp.resize(size))
