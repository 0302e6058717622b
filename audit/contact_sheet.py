"""A picture of pictures: some of every group, the flagged ones framed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from audit.demo.harmless import draw_harmless
from audit.demo.harmless.faces import face
from audit.false_positives import Group
from audit.images import load

CELL, LABEL, GAP = 112, 190, 4  # pixels
FLAGGED_TONE, GROUND = (230, 40, 40), (58, 60, 64)


def write_contact_sheet(found: Sequence[Group], path: Path, columns: int = 12) -> None:
    """Write a PNG with a row for every group: its name and rate, flagged pictures first.

    raises  OSError when the file cannot be written
    """
    step = CELL + 2 * GAP
    sheet = Image.new("RGB", (LABEL + columns * step, len(found) * step), GROUND)
    pen = ImageDraw.Draw(sheet)
    for row, group in enumerate(found):
        top = row * step
        low, high = group.interval
        pen.text((10, top + 30), group.name, (255, 255, 255), face("sans-bold", 15))
        said = f"{group.rate:.1%}  ({low:.1%} to {high:.1%})"
        pen.text((10, top + 54), said, (210, 212, 216), face("sans", 13))
        pen.text((10, top + 74), group.wrong_type or "", FLAGGED_TONE, face("sans", 13))
        others = [number for number in range(group.images) if number not in group.flagged]
        for column, number in enumerate([*group.flagged, *others][:columns]):
            left = LABEL + column * step
            picture = load(draw_harmless(group.name, number), size=CELL, crop_mode="pad")
            if number in group.flagged:
                pen.rectangle((left, top, left + step - 1, top + step - 1), FLAGGED_TONE)
            sheet.paste(Image.fromarray(picture.pixels), (left + GAP, top + GAP))
    sheet.save(path, "PNG")
