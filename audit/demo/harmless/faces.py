"""The faces of the harmless drawings: what matplotlib and Pillow carry, none of the machine's.

DejaVu, STIX and Computer Modern lie inside matplotlib, one sans inside Pillow. The drawings that
training sees use Pillow's only. No file of these holds Chinese, Japanese, Korean, Indic, Thai or
Ethiopic letters: those cannot be drawn here.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import matplotlib
from PIL import ImageDraw, ImageFont

from audit.errors import ShardwardenError

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont

_FILES = {
    "sans": "DejaVuSans.ttf",
    "sans-bold": "DejaVuSans-Bold.ttf",
    "sans-italic": "DejaVuSans-Oblique.ttf",
    "serif": "DejaVuSerif.ttf",
    "serif-bold": "DejaVuSerif-Bold.ttf",
    "serif-italic": "DejaVuSerif-Italic.ttf",
    "mono": "DejaVuSansMono.ttf",
    "mono-bold": "DejaVuSansMono-Bold.ttf",
    "times": "STIXGeneral.ttf",
    "times-bold": "STIXGeneralBol.ttf",
    "times-italic": "STIXGeneralItalic.ttf",
    "roman": "cmr10.ttf",
    "modern": "cmss10.ttf",
    "typewriter": "cmtt10.ttf",
}
READING = ("serif", "times", "times", "roman", "sans", "modern", "light")
HEADING = ("sans-bold", "serif-bold", "times-bold", "sans", "light", "modern", "times-italic")
CODE = ("mono", "mono", "typewriter", "mono-bold")


@cache
def _folder() -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@lru_cache(maxsize=512)
def face(name: str, size: int) -> Font:
    """A face by one of our names ('light' is Pillow's own) at a size in pixels, >= 4."""
    size = max(4, size)
    if name == "light":
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise ShardwardenError("this Pillow has no FreeType and cannot draw; install its wheel")
        return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    # The basic layout is the same on every machine; the other one needs libraries of the system.
    return ImageFont.truetype(_folder() / _FILES[name], size, layout_engine=ImageFont.Layout.BASIC)


def wrap(text: str, font: Font, width: float) -> list[str]:
    """Break text into lines of at most `width` pixels; a longer word keeps its own line."""
    lines: list[str] = []
    line: list[str] = []
    space, used = font.getlength(" "), 0.0
    for word in text.split():
        wide = font.getlength(word)
        if line and used + space + wide > width:
            lines.append(" ".join(line))
            line, used = [word], wide
        else:
            used += wide + space * bool(line)
            line.append(word)
    return [*lines, " ".join(line)] if line else lines


def fitting(text: str, name: str, width: float, size: float) -> Font:
    """The face at the largest size not above `size` at which the line fits `width` pixels."""
    font = face(name, round(size))
    wide = font.getlength(text)
    return font if wide <= width else face(name, int(size * width / wide))


def block(
    pen: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    text: str,
    font: Font,
    fill: Colour,
    *,
    gap: float = 1.35,
    align: str = "l",
) -> float:
    """Set a paragraph into a box, aligned 'l', 'm', 'r' or 'j' (both edges); returns its end."""
    left, top, right, bottom = box
    lines = wrap(text, font, right - left)
    for number, line in enumerate(lines):
        if top + font.size > bottom:
            break
        words = line.split()
        if align == "j" and number < len(lines) - 1 and len(words) > 1:
            free = right - left - sum(font.getlength(word) for word in words)
            x = left
            for word in words:
                pen.text((x, top), word, fill, font)
                x += font.getlength(word) + free / (len(words) - 1)
        else:
            x = {"m": (left + right) / 2, "r": right}.get(align, left)
            pen.text((x, top), line, fill, font, anchor={"m": "ma", "r": "ra"}.get(align, "la"))
        top += font.size * gap
    return top
