"""Gadgets of black plastic and metal."""

from __future__ import annotations

import numpy as np

from audit.sprites.bodies import (
    finger,
    fingers_round,
    forearm,
    palm_behind,
)
from audit.sprites.materials import (
    DARK,
    Material,
    anything,
    pale,
    polymer,
    skin,
    steel,
    vivid,
    wood,
)
from audit.sprites.render import Scene
from audit.sprites.shapes import (
    blob,
    box,
    curve,
    ellipse,
    line,
    placed,
    poly,
    rounded,
    tube,
)


def camera(s: Scene) -> None:
    """Draw a camera from the front, perhaps held."""
    s.spin = 12
    body, tone = (polymer(s.rng) if s.chance(0.7) else anything(s.rng)), skin(s.rng)
    r = s.u(21, 26)
    hold = s.chance(0.4)
    s.add(rounded(poly((30, 4), (36, -9), (64, -9), (70, 4)), 3), body, bevel=2)
    s.add(box(8, -2, 22, 5, 1.5), steel(s.rng), bevel=1)
    s.add(box(0, 2, 100, 66, 7), body, bevel=3)
    s.add(
        box(2, 22, 98, 52, 1), Material(DARK.colour, 0.1, "knurl", 0.3).lit(3), bevel=0.6, shadow=0
    )
    for scale, m in ((1.0, DARK.lit(3)), (0.85, steel(s.rng)), (0.74, DARK), (0.5, DARK.lit(2))):
        s.add(ellipse(52, 36, r * scale, r * scale), m, bevel=2)
    s.add(
        ellipse(47, 30, r * 0.2, r * 0.13, -40),
        Material((0.6, 0.65, 0.9), 0.5),
        bevel=0,
        feather=0.8,
        alpha=0.8,
        shadow=0,
    )
    s.mark(box(42, -5, 58, 0, 0.5), pale(s.rng), 0.9)
    if hold:
        for k in range(4):
            finger(s, tone, ((-12, 22 + k * 11), (-2, 16 + k * 11), (12, 16 + k * 11)), 11)
            finger(s, tone, ((112, 24 + k * 11), (104, 18 + k * 11), (91, 18 + k * 11)), 11)


def binoculars(s: Scene) -> None:
    """Draw binoculars."""
    s.spin = 30
    m, trim = polymer(s.rng) if s.chance(0.7) else anything(s.rng), DARK.lit(3)
    s.add(box(36, 28, 64, 52, 3), m.lit(0.8), bevel=2)
    for side in (-1, 1):
        c = 50 + side * 25
        s.add(box(c - 11, 0, c + 11, 16, 3), trim, bevel=1.5, barrel=((c - 12, 0), (c + 12, 0)))
        s.add(rounded(poly((c - 10, 14), (c + 10, 14), (c + 17, 40), (c + 20, 84), (c - 20, 84),
            (c - 17, 40)), 4), m, bevel=2,
              barrel=((c - 21, 0), (c + 21, 0)))  # fmt: skip
        s.add(box(c - 21, 80, c + 21, 92, 2), trim, bevel=1.2, barrel=((c - 22, 0), (c + 22, 0)))
        if s.chance(0.6):
            s.add(ellipse(c, 92, 19, 5), Material((0.2, 0.15, 0.35), 0.9), bevel=1)
    s.add(box(45, 20, 55, 46, 2), trim, bevel=1.2, barrel=((44, 0), (56, 0)))


def umbrella(s: Scene) -> None:
    """Draw a closed umbrella."""
    s.spin = 120
    m, w = anything(s.rng), s.u(11, 17)
    s.add(line(-12, 0, 210, 0, 2.6), steel(s.rng), barrel=((0, -1.6), (0, 1.6)), bevel=0.4)
    s.add(poly((0, -1.5), (20, -w * 0.35), (110, -w / 2), (140, -w * 0.4), (140, w * 0.4),
        (110, w / 2), (20, w * 0.35), (0, 1.5)), m, bevel=2,
          barrel=((0, -w * 0.55), (0, w * 0.55)))  # fmt: skip
    for y in (-0.25, 0.1, 0.3):
        s.mark(line(10, w * y * 0.3, 138, w * y, 0.9), m.lit(0.5), 0.7)
    s.add(box(118, -w * 0.52, 124, w * 0.52, 1), m.lit(0.7), bevel=0.8)
    if s.chance(0.6):
        s.add(
            tube(curve((176, 0), (206, 0), (218, 9), (210, 20), (200, 16)), [5.5]),
            wood(s.rng),
            bevel=1.4,
        )
    else:
        s.add(box(180, -4, 214, 4, 2), anything(s.rng), barrel=((0, -4.5), (0, 4.5)))


def remote(s: Scene) -> None:
    """Draw a remote control, perhaps in a hand."""
    s.spin = 50
    w, h, tone = s.u(26, 32), s.u(98, 116), skin(s.rng)
    held = s.chance(0.5)
    if held:
        palm_behind(s, 0, w, h * 0.45, h * 0.9, tone)
    body = polymer(s.rng) if s.chance(0.6) else anything(s.rng)
    s.add(box(0, 0, w, h, 4), body, bevel=2)
    s.add(ellipse(w * 0.2, 7, 2.4, 2.4), Material((0.8, 0.1, 0.1)), bevel=0.5)
    s.add(
        ellipse(w / 2, h * 0.27, w * 0.3, w * 0.3),
        body.lit(1.7),
        bevel=1,
        holes=(ellipse(w / 2, h * 0.27, w * 0.14, w * 0.14),),
    )
    for row in range(int(s.u(4, 7))):
        for col in range(3):
            x, y = w * (0.22 + 0.28 * col), h * 0.45 + row * 8
            if y < h - 8:
                s.add(
                    box(x - 2.6, y - 1.8, x + 2.6, y + 1.8, 1),
                    vivid(s.rng) if s.chance(0.1) else pale(s.rng).lit(0.8),
                    bevel=0.4,
                )
    if held:
        fingers_round(s, 0, w, h * 0.4, h * 0.85, tone)


def keys(s: Scene) -> None:
    """Draw keys on a ring."""
    s.spin = 60
    for angle in s.rng.choice(np.arange(40, 150, 22), int(s.u(2, 4)), replace=False):
        m, long, turn = steel(s.rng).lit(1.4), s.u(46, 58), float(angle)
        at = (16 * float(np.cos(np.radians(turn))), 16 * float(np.sin(np.radians(turn))))
        s.add(
            placed(
                poly(
                    (20, -3.5),
                    (long, -3.5),
                    (long + 4, 0),
                    (long, 3),
                    (long - 5, 1),
                    (long - 9, 4),
                    (long - 13, 1.5),
                    (long - 18, 4),
                    (20, 3.5),
                ),
                at,
                turn,
            ),
            m,
            bevel=0.7,
        )
        bow = anything(s.rng) if s.chance(0.5) else m
        s.add(
            placed(blob((-2, -8), (14, -11), (24, -5), (24, 5), (14, 11), (-2, 8)), at, turn),
            bow,
            bevel=1.4,
            holes=(placed(ellipse(3, 0, 3, 3), at, turn),),
        )
    s.add(
        ellipse(0, 0, 19, 17), steel(s.rng).lit(1.3), bevel=0.7, holes=(ellipse(0, 0, 16.5, 14.5),)
    )
    if s.chance(0.6):
        s.add(box(-34, -26, -12, 8, 5), anything(s.rng), bevel=2)


def controller(s: Scene) -> None:
    """Draw a game controller."""
    s.spin = 20
    body, trim = polymer(s.rng) if s.chance(0.6) else anything(s.rng), DARK.lit(3)
    tone, held = skin(s.rng), s.chance(0.4)
    for side in (-1, 1) if held else ():
        c = 50 + side * 50.0
        forearm(s, tone, (c, 78), 90 - side * 20, 30)
        s.add(ellipse(c, 62, 17, 26, -side * 12), tone, bevel=6)
    s.add(
        blob(
            (8, 14),
            (28, 4),
            (50, 8),
            (72, 4),
            (92, 14),
            (102, 54),
            (94, 74),
            (80, 64),
            (66, 50),
            (34, 50),
            (20, 64),
            (6, 74),
            (-2, 54),
        ),
        body,
        bevel=4.5,
    )
    for x, y in ((34, 38), (66, 38)):
        s.add(ellipse(x, y, 8, 7.5), trim, bevel=1)
        s.add(ellipse(x, y - 0.5, 5.6, 5.2), trim.lit(1.8), bevel=1.2)
    s.add(box(17, 17.5, 31, 22.5, 1), trim, bevel=0.8)
    s.add(box(21.5, 13, 26.5, 27, 1), trim, bevel=0.8, shadow=0)
    for dx, dy in ((0, -6), (6, 0), (0, 6), (-6, 0)):
        s.add(ellipse(78 + dx, 20 + dy, 3, 3), vivid(s.rng), bevel=0.7)
    if held:
        finger(s, tone, ((2, 62), (12, 50), (30, 40)), 17, nail=True)
        finger(s, tone, ((98, 62), (88, 50), (70, 40)), 17, nail=True)
