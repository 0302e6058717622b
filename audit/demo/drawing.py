"""Which kinds there are, in which templates, and how one of them is drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from audit.demo import (
    captchas,
    cards,
    charts,
    chats,
    crowds,
    documents,
    grids,
    lists,
    pictures,
    streets,
)
from audit.demo.capture import capture
from audit.demo.ink import Canvas
from audit.demo.pages import HELDOUT_SURFACES, TRAIN_SURFACES, Brief

Templates = Literal["train", "heldout", "all"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawn picture and what is known about it."""

    image: Image.Image  # RGB, longest side 224..320
    kind: str
    concept: str  # 'neutral' for a harmless kind
    group: str  # same group = same picture, up to copies
    template: str  # layout, or layout/surface
    caption: str


@dataclass(frozen=True, slots=True)
class _Kind:
    concept: str
    drawer: Callable[[Brief], tuple[Canvas, str]]
    train: tuple[str, ...]
    heldout: tuple[str, ...]
    surfaces: bool = False  # whether a page surface is part of the template


_LISTS = (lists.LIST_TRAIN, lists.LIST_HELDOUT)
_N = "neutral"
_KINDS: dict[str, _Kind] = {
    "typographic": _Kind("typographic", lists.typographic, *_LISTS, True),
    "captcha": _Kind("captcha", captchas.captcha, captchas.CAPTCHA_TRAIN, captchas.CAPTCHA_HELDOUT),
    "id_card": _Kind("id_card", cards.id_card, cards.ID_TRAIN, cards.ID_HELDOUT),
    "licence_plate": _Kind(
        "licence_plate", streets.licence_plate, streets.PLATE_TRAIN, streets.PLATE_HELDOUT
    ),
    "truncated_chart": _Kind(
        "truncated_chart", charts.truncated_chart, charts.TRAIN, charts.HELDOUT, True
    ),
    "placard": _Kind("placard", crowds.placard, crowds.PLACARD_TRAIN, crowds.PLACARD_HELDOUT),
    "hostile_chat": _Kind("hostile_chat", chats.hostile_chat, chats.TRAIN, chats.HELDOUT),
    "recipe": _Kind(_N, lists.recipe, *_LISTS, True),
    "todo": _Kind(_N, lists.todo, *_LISTS, True),
    "title": _Kind(_N, documents.title, ("top", "middle", "paragraph"), ("signed", "lined"), True),
    "code": _Kind(_N, documents.code, ("plain", "numbered", "terminal"), ("diff", "panel"), True),
    "worksheet": _Kind(
        _N, documents.worksheet, ("sums", "single", "equations"), ("grid", "proof"), True
    ),
    "book_page": _Kind(
        _N, documents.book_page, ("prose", "newspaper", "script"), ("two-scripts", "poem"), True
    ),
    "note": _Kind(_N, documents.note, ("short", "letter", "doodle"), ("signed", "postcard"), True),
    "table": _Kind(
        _N, documents.table, ("calendar", "grid", "striped"), ("week", "timetable"), True
    ),
    "form": _Kind(_N, lists.blank_form, ("lines", "boxes", "filled"), ("typed", "dotted"), True),
    "honest_chart": _Kind(_N, charts.honest_chart, charts.TRAIN, charts.HELDOUT, True),
    "card": _Kind(_N, cards.card, cards.CARD_TRAIN, cards.CARD_HELDOUT),
    "friendly_chat": _Kind(_N, chats.friendly_chat, chats.TRAIN, chats.HELDOUT),
    "mosaic": _Kind(
        _N, grids.mosaic, ("photos", "swatches", "album", "paint"), ("album-4", "samples")
    ),
    "barcode": _Kind(
        _N, grids.barcode, ("bars", "matrix", "label"), ("poster-matrix", "ticket-bars"), True
    ),
    "logo": _Kind(_N, grids.logo, ("plain", "disc", "bar"), ("underlined", "tagline"), True),
    "street": _Kind(
        _N, streets.street, ("bare", "side", "empty", "bumper"), ("bare-van", "junction", "grille")
    ),
    "road_sign": _Kind(
        _N,
        streets.road_sign,
        ("direction", "limit", "shop", "billboard"),
        ("warning", "street-name"),
    ),
    "crowd": _Kind(_N, crowds.crowd, ("concert", "market", "balloons"), ("festival", "flags")),
    "poster": _Kind(_N, crowds.poster, ("rays", "product", "bubbles"), ("panel", "burst")),
    "map": _Kind(_N, pictures.street_map, ("city", "grid", "night"), ("metro", "relief")),
    "abstract": _Kind(
        _N, pictures.abstract, ("shapes", "stripes", "waves", "plain"), ("landscape", "rings")
    ),
}

KINDS: dict[str, str] = {name: kind.concept for name, kind in _KINDS.items()}


def templates_of(kind: str, templates: Literal["train", "heldout"]) -> set[str]:
    """The names of all templates of a kind in one half of the split."""
    entry = _KINDS[kind]
    layouts = entry.heldout if templates == "heldout" else entry.train
    if not entry.surfaces:
        return set(layouts)
    surfaces = HELDOUT_SURFACES if templates == "heldout" else TRAIN_SURFACES
    return {f"{layout}/{surface}" for layout in layouts for surface in surfaces}


def draw(kind: str, seed: int, templates: Templates = "train") -> Drawing:
    """Draw one picture.

    kind       a key of KINDS
    seed       any int; the same seed gives the same bytes on the same Pillow
    templates  "train" and "heldout" share no layout and no surface; "all" takes from both
    raises     ValueError for an unknown kind or an unknown `templates`
    """
    if kind not in _KINDS:
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    if templates not in ("train", "heldout", "all"):
        raise ValueError(f"unknown templates {templates!r}; known: train, heldout, all")
    entry = _KINDS[kind]
    rng = random.Random(f"{kind}/{templates}/{seed}")
    heldout = templates == "heldout" or (templates == "all" and rng.random() < 0.35)
    layout = rng.choice(entry.heldout if heldout else entry.train)
    surface = rng.choice(HELDOUT_SURFACES if heldout else TRAIN_SURFACES)
    canvas, caption = entry.drawer(Brief(rng, layout, surface, heldout))
    return Drawing(
        image=capture(canvas.image, rng),
        kind=kind,
        concept=entry.concept,
        group=f"drawn-{kind}-{templates}-{seed}",
        template=f"{layout}/{surface}" if entry.surfaces else layout,
        caption=caption,
    )
