"""Things as long and thin as a cigarette, in the same fingers and lips."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.sprites.bodies import (
    between_fingers,
    lips,
    pinch,
    profile,
)
from audit.sprites.materials import (
    DARK,
    Material,
    anything,
    pale,
    steel,
    vivid,
    wood,
)
from audit.sprites.render import Scene
from audit.sprites.shapes import (
    Pair,
    Points,
    box,
    curve,
    ellipse,
    placed,
    poly,
    rounded,
    tube,
)

Draw = Callable[[Pair, float], None]
Piece = tuple[Points, Material, bool]


def _rod(s: Scene, pieces: list[Piece], width: float) -> Draw:
    """Prepare a thing drawn along +x: (outline, material, round or flat), back to front."""

    def draw(at: Pair, angle: float) -> None:
        a, b = placed(poly((0, -width * 0.55), (0, width * 0.55)), at, angle)
        rims = ((float(a[0]), float(a[1])), (float(b[0]), float(b[1])))
        c, d = float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle)))
        for outline, material, turned in pieces:
            s.add(placed(outline, at, angle), material, bevel=width * 0.1, grain=(c, d),
                  barrel=rims if turned else None, shadow=0.3)  # fmt: skip

    return draw


def _held(s: Scene, rod: Draw, mouth: float, start: float, turn: float = 0.0) -> None:
    """Show a rod alone, in fingers, or (probability mouth) between lips.

    start, turn  the place on the rod that the lips hold, and how it is turned there
    """

    def bitten(at: Pair, angle: float) -> None:
        back = placed(poly((-start, 0)), at, angle + turn)[0]
        rod((float(back[0]), float(back[1])), angle + turn)

    mode = s.u(0, 1)
    if mode < mouth:
        s.spin = 16
        (lips if s.chance(0.5) else profile)(s, bitten)
    elif mode < mouth + (1 - mouth) * 0.4:
        s.spin, s.tilt = 180, 0.6
        rod((0, 0), 0)
    else:
        s.spin = 50
        (between_fingers if s.chance(0.5) else pinch)(s, rod)


def pen(s: Scene) -> None:
    """Draw a pen or a pencil."""
    w, long = s.u(6, 9), s.u(95, 130)
    x = -long * s.u(0.2, 0.45)
    end = x + long
    body = anything(s.rng)
    if s.chance(0.5):
        tip = end - w * 2
        pieces: list[Piece] = [
            (
                poly((tip, -w / 2), (end, -0.4), (end, 0.4), (tip, w / 2)),
                wood(s.rng).lit(1.3),
                True,
            ),
            (poly((end - 4, -w * 0.2), (end, -0.4), (end, 0.4), (end - 4, w * 0.2)), DARK, True),
            (box(x, -w / 2, tip, w / 2), body, True),
            (box(x + 6, -w / 2, x + 10, w / 2), steel(s.rng), True),
            (box(x, -w / 2, x + 6, w / 2, 1), vivid(s.rng), True),
        ]
    else:
        pieces = [
            (
                poly((end - 10, -w * 0.4), (end, -0.8), (end, 0.8), (end - 10, w * 0.4)),
                steel(s.rng),
                True,
            ),
            (box(x, -w / 2, end - 10, w / 2, 1), body, True),
            (box(x, -w * 0.55, x + long * 0.4, w * 0.55, 1), anything(s.rng), True),
            (box(x + 4, -w * 0.7, x + long * 0.33, -w * 0.45, 0.6), steel(s.rng), False),
        ]
    _held(s, _rod(s, pieces, w), 0.12, x + 3)


def straw_stick(s: Scene) -> None:
    """Draw a plain white or coloured stick of cigarette size: chalk, paper straw, rolled paper."""
    long = 100.0
    w = long / s.u(8, 16)
    x = -long * s.u(0.05, 0.4)
    body = pale(s.rng) if s.chance(0.7) else vivid(s.rng)
    pieces: list[Piece] = [(box(x, -w / 2, x + long, w / 2, s.u(0, 2)), body, True)]
    if s.chance(0.4):
        stripe = vivid(s.rng)
        for k in np.arange(x + 3, x + long - 8, 9):
            k = float(k)
            pieces.append(
                (
                    poly((k, -w / 2), (k + 3.5, -w / 2), (k + 7, w / 2), (k + 3.5, w / 2)),
                    stripe,
                    True,
                )
            )
    _held(s, _rod(s, pieces, w), 0.2, x + 3)


def lipstick(s: Scene) -> None:
    """Draw a lipstick."""
    w = s.u(17, 22)
    red = Material((s.u(0.5, 0.9), s.u(0.05, 0.4), s.u(0.1, 0.45)), 0.5)
    pieces: list[Piece] = [
        (
            rounded(
                poly(
                    (30, -w * 0.32), (52, -w * 0.32), (66, w * 0.1), (64, w * 0.32), (30, w * 0.32)
                ),
                3,
            ),
            red,
            True,
        ),
        (box(8, -w * 0.4, 36, w * 0.4, 1), steel(s.rng).lit(1.4), True),
        (box(-30, -w / 2, 14, w / 2, 2), anything(s.rng), True),
    ]
    _held(s, _rod(s, pieces, w), 0.1, 64, 180)


def toothbrush(s: Scene) -> None:
    """Draw a toothbrush."""
    body, w = vivid(s.rng) if s.chance(0.7) else pale(s.rng), s.u(6, 8)
    x = -s.u(50, 80)
    way = curve((x, 0), (x + 40, -1.5), (x + 75, 0.5), (x + 100, 0), (x + 130, 0))
    pieces: list[Piece] = [(tube(way, [w, w * 1.1, w, w * 0.5, w * 0.9]), body, True)]
    for k in range(8):
        k0 = x + 106 + k * 3
        pieces.append(
            (
                box(k0, -w * 1.9, k0 + 2.7, -w * 0.3, 0.6),
                vivid(s.rng) if k % 3 == 1 else pale(s.rng),
                False,
            )
        )
    _held(s, _rod(s, pieces, w), 0.25, x + 112, 180)


def lollipop(s: Scene) -> None:
    """Draw a lollipop."""
    r, stem = s.u(14, 22), s.u(45, 75)
    sweet, w = vivid(s.rng), s.u(3.5, 5)
    mode = s.u(0, 1)
    stem_piece: list[Piece] = [(box(0, -w / 2, stem, w / 2, 1), pale(s.rng), True)]
    if mode < 0.35:  # only the stick shows, the sweet is in the mouth
        s.spin = 16
        (lips if s.chance(0.5) else profile)(s, _rod(s, stem_piece, w))
        return

    def draw(at: Pair, angle: float) -> None:
        _rod(s, stem_piece, w)(at, angle)
        c = placed(poly((stem + r * 0.8, 0)), at, angle)[0]
        s.add(ellipse(c[0], c[1], r, r), sweet, bevel=r * 0.4)
        if s.chance(0.6):
            t = np.linspace(0.5, 12, 60)
            spiral = np.stack(
                [c[0] + r / 13 * t * np.cos(t), c[1] + r / 13 * t * np.sin(t)], axis=1
            )
            s.mark(tube(spiral, [r * 0.13]), pale(s.rng), 0.85)
        s.add(ellipse(c[0] - r * 0.35, c[1] - r * 0.4, r * 0.2, r * 0.13, -40), pale(s.rng),
            bevel=0, alpha=0.7,
              feather=0.8, shadow=0)  # fmt: skip

    if mode < 0.6:
        s.spin = 60
        draw((0, 0), -90)
    else:
        s.spin = 40
        pinch(s, draw)
