"""Harmless pictures in many groups, for the standing measure of false positives.

Nothing here is drawn for training: layouts, faces and ways of drawing are other ones than those of
`audit.demo`'s kinds, so that a scorer meets a style it has not learned. One group, 'tools', shows
objects of `audit.sprites`, which training lays on photographs.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import Image

from audit.demo.harmless import (
    coding,
    desk,
    fun,
    goods,
    maps,
    plots,
    reading,
    scenery,
    screens,
    signs,
    sums,
)
from audit.demo.harmless.sheet import filed

_GROUPS: dict[str, Callable[[random.Random], Image.Image]] = {
    "paragraphs": reading.paragraphs,
    "book pages": reading.book_pages,
    "subtitles": reading.subtitles,
    "foreign scripts": reading.foreign_scripts,
    "recipes": reading.recipes,
    "code, light": coding.code_light,
    "code, dark": coding.code_dark,
    "terminals": coding.terminals,
    "arithmetic": sums.arithmetic,
    "formulas": sums.formulas,
    "bar charts": plots.bar_charts,
    "line charts": plots.line_charts,
    "pie charts": plots.pie_charts,
    "scatter plots": plots.scatter_plots,
    "street maps": maps.street_maps,
    "metro plans": maps.metro_plans,
    "weather maps": maps.weather_maps,
    "tables": desk.tables,
    "forms": desk.forms,
    "receipts": desk.receipts,
    "crosswords": desk.crosswords,
    "sheet music": desk.sheet_music,
    "products": goods.products,
    "tools": goods.tools,
    "logos": signs.logos,
    "icons": signs.icons,
    "square codes": signs.qr_codes,
    "bar codes": signs.barcodes,
    "dialogs": screens.dialogs,
    "screens": screens.screens,
    "memes": fun.memes,
    "comics": fun.comics,
    "posters": fun.posters,
    "portraits": scenery.portraits,
    "landscapes": scenery.landscapes,
    "night skies": scenery.night_skies,
    "plain grounds": scenery.plain_grounds,
}

GROUPS: tuple[str, ...] = tuple(_GROUPS)
"""Names of the groups, in the order of every report."""


def draw_harmless(group: str, number: int) -> bytes:
    """The picture with this number in a group: a JPEG, PNG or WebP file of 256..512 pixels.

    group    one of GROUPS
    number   any int; the same number gives the same bytes on the same Pillow and matplotlib
    raises   ValueError for an unknown group
    """
    if group not in _GROUPS:
        raise ValueError(f"unknown group {group!r}; known: {', '.join(GROUPS)}")
    rng = random.Random(f"harmless/{group}/{number}")
    return filed(_GROUPS[group](rng), rng)
