"""Tools of the shape and the materials of a gun, and plain bars and brackets."""

from __future__ import annotations

import numpy as np

from audit.sprites.bodies import (
    finger,
    forearm,
    grip_hand,
)
from audit.sprites.materials import (
    DARK,
    Material,
    anything,
    polymer,
    skin,
    steel,
    wood,
)
from audit.sprites.render import Scene
from audit.sprites.shapes import (
    blob,
    box,
    curve,
    ellipse,
    line,
    poly,
    rounded,
    tube,
)


def drill(s: Scene) -> None:
    """Draw a power drill."""
    body = anything(s.rng)
    trim = polymer(s.rng)
    behind, front = grip_hand(s, (28, 42), (20, 76), 22, (44, 44))
    held = s.chance(0.4)
    if held:
        behind()
    bit = s.u(12, 38)
    s.add(
        poly((96, 22), (96 + bit, 24), (100 + bit, 25.5), (96 + bit, 27), (96, 29)),
        steel(s.rng),
        bevel=0.8,
    )
    s.add(rounded(poly((76, 14), (90, 16), (98, 20), (98, 31), (90, 35), (76, 37)), 2),
        trim, bevel=1.5,
          barrel=((0, 12), (0, 39)))  # fmt: skip
    for x in (80, 85, 90):
        s.mark(line(x, 15, x, 36, 0.9), DARK, 0.6)
    s.add(blob((16, 34), (40, 36), (37, 52), (33, 78), (10, 78), (13, 56)), body, bevel=3)
    s.add(rounded(poly((0, 76), (44, 76), (46, 92), (-2, 92)), 3), trim, bevel=2)
    s.add(
        rounded(poly((4, 12), (60, 8), (78, 11), (78, 39), (60, 43), (8, 42), (0, 34), (0, 18)), 6),
        body,
        bevel=3.5,
    )
    s.add(rounded(poly((60, 9), (66, 10), (66, 42), (60, 42)), 1), trim, bevel=1)
    for k in range(4):
        s.mark(line(12 + k * 5, 18, 10 + k * 5, 30, 1.8), DARK, 0.7)
    s.add(rounded(poly((37, 43), (46, 43), (43, 54), (37, 54)), 2), DARK.lit(3), bevel=1)
    if held:
        front()


def hair_dryer(s: Scene) -> None:
    """Draw a hair dryer."""
    body = anything(s.rng)
    behind, front = grip_hand(s, (26, 48), (18, 88), 18, (42, 52))
    held = s.chance(0.4)
    if held:
        behind()
    s.add(
        tube(curve((18, 92), (12, 108), (24, 120), (s.u(-10, 40), 130)), [3.5]),
        DARK.lit(2),
        bevel=0.9,
    )
    s.add(blob((16, 38), (38, 40), (33, 62), (28, 94), (11, 93), (14, 62)), body.lit(0.92), bevel=3)
    s.add(
        blob((0, 24), (12, 4), (36, 2), (74, 8), (78, 12), (78, 36), (74, 40), (36, 46), (12, 44)),
        body,
        bevel=6,
    )
    if s.chance(0.7):
        s.add(
            rounded(poly((76, 10), (100, s.u(4, 16)), (102, s.u(32, 42)), (76, 38)), 2),
            DARK.lit(3),
            bevel=2,
        )
    s.add(ellipse(8, 24, 6.5, 18), DARK.lit(3), bevel=1.5)
    for k in range(4):
        s.mark(line(5, 14 + k * 6.5, 12, 14 + k * 6.5, 1.2), body, 0.7)
    s.add(box(22, 56, 27, 66, 2), DARK.lit(4), bevel=0.6)
    if held:
        front()


def hammer(s: Scene) -> None:
    """Draw a hammer."""
    s.spin = 90
    handle, head = wood(s.rng) if s.chance(0.6) else anything(s.rng), steel(s.rng)
    s.add(
        tube(curve((0, 6), (1, 60), (0, 118)), [7, 8, 10]),
        handle,
        bevel=1.6,
        grain=(0, 1),
        barrel=((-5, 0), (6, 0)),
    )
    s.add(
        rounded(
            poly(
                (-6, -6),
                (6, -6),
                (14, -3),
                (24, -7),
                (30, -7),
                (30, 13),
                (24, 13),
                (14, 9),
                (6, 12),
                (-6, 12),
            ),
            2,
        ),
        head,
        bevel=1.8,
    )
    s.add(blob((-4, -5), (-18, -5), (-34, 8), (-36, 13), (-20, 7), (-4, 10)), head, bevel=1.6)


def screwdriver(s: Scene) -> None:
    """Draw a screwdriver."""
    s.spin = 180
    w = s.u(14, 19)
    s.add(
        poly((48, -2.6), (100, -2.6), (108, -3.6), (108, 3.6), (100, 2.6), (48, 2.6)),
        steel(s.rng),
        barrel=((0, -3.4), (0, 3.4)),
        bevel=0.5,
    )
    body = anything(s.rng)
    s.add(blob((-10, -w / 2), (20, -w / 2), (40, -w * 0.32), (50, -w * 0.38), (50, w * 0.38),
        (40, w * 0.32), (20, w / 2), (-10, w / 2), (-14, 0)),
          body, bevel=1.5, barrel=((0, -w * 0.55), (0, w * 0.55)))  # fmt: skip
    for y in (-0.28, 0, 0.28):
        s.mark(line(-8, w * y, 32, w * y, 1.3), anything(s.rng), 0.7)


def wrench(s: Scene) -> None:
    """Draw a spanner."""
    s.spin = 180
    m = steel(s.rng)
    r = s.u(12, 15)
    t = np.radians(np.linspace(40, 320, 24))
    jaw = np.stack([r * np.cos(t), r * np.sin(t)], axis=1)
    mouth = poly((r * 0.1, -r * 0.45), (-r * 0.3, 0), (r * 0.1, r * 0.45))
    s.add(line(-8, 0, -96, 0, s.u(8, 11)), m, bevel=1.5)
    s.add(np.concatenate([jaw, mouth[::-1]]), m, bevel=1.6)
    s.add(
        ellipse(-100, 0, r * 0.9, r * 0.9),
        m,
        bevel=1.6,
        holes=(ellipse(-100, 0, r * 0.5, r * 0.5, n=12),),
    )
    s.mark(line(-30, 0, -70, 0, 3), m.lit(0.7), 0.7)


def flashlight(s: Scene) -> None:
    """Draw a flashlight, perhaps held."""
    s.spin = 60
    m, w = (steel(s.rng) if s.chance(0.6) else anything(s.rng)), s.u(15, 19)
    s.add(box(0, -w / 2, 76, w / 2, 2), m, bevel=1, barrel=((0, -w * 0.53), (0, w * 0.53)))
    s.add(poly((74, -w / 2), (88, -w * 0.85), (106, -w * 0.85), (106, w * 0.85), (88, w * 0.85),
        (74, w / 2)), m.lit(0.9), bevel=1,
          barrel=((0, -w * 0.88), (0, w * 0.88)))  # fmt: skip
    s.add(ellipse(106, 0, w * 0.22, w * 0.85), Material((0.95, 0.93, s.u(0.6, 0.95)), 0.8), bevel=1)
    for x in np.arange(10, 58, 4):
        s.mark(line(float(x), -w / 2, float(x), w / 2, 1.3), m.lit(0.45), 0.6)
    s.add(ellipse(66, -w * 0.2, 4, 2.6), DARK.lit(4), bevel=0.8)
    if s.chance(0.45):
        tone = skin(s.rng)
        forearm(s, tone, (12, w * 1.5), s.u(100, 160), 32)
        for k in range(4):
            finger(
                s,
                tone,
                ((14 + k * 11, w * 1.1), (15 + k * 11, w * 0.2), (17 + k * 11, -w * 0.45)),
                11,
                nail=s.chance(0.3),
            )


def plank(s: Scene) -> None:
    """Draw a stick, a bar or a box of any material."""
    s.spin, w = 180, s.u(5, 30)
    m = anything(s.rng)
    s.add(
        box(0, -w / 2, 100, w / 2, s.u(0, 4)),
        m,
        bevel=s.u(0.5, 3),
        barrel=((0, -w * 0.55), (0, w * 0.55)) if s.chance(0.5) else None,
    )
    for _ in range(int(s.u(0, 4))):
        x = s.u(4, 90)
        s.add(box(x, -w / 2, x + s.u(1, 9), w / 2), anything(s.rng), bevel=0.4, shadow=0)


def bracket(s: Scene) -> None:
    """Draw an L or a T that is no gun: an angle iron, a pipe elbow, a piece of furniture."""
    s.spin, s.tilt = 180, 1.3
    m, w, v = anything(s.rng), s.u(8, 24), s.u(8, 26)
    foot, lean, where = s.u(35, 75), s.u(-14, 14), s.u(0, 0.35) * 100
    if s.chance(0.35):
        way = curve((0, foot), (0, w), (w * 0.4, w * 0.3), (w, 0), (100, 0))
        s.add(tube(way, [w], (False, False)), m, bevel=w * 0.3)
        s.add(box(94, -w * 0.6, 101, w * 0.6, 1), anything(s.rng), bevel=1)
        return
    s.add(rounded(poly((where, 0), (where + v, 0), (where + v + lean, foot),
        (where + lean, foot)), s.u(0, 4)),
          m if s.chance(0.6) else anything(s.rng), bevel=2, grain=(0, 1))  # fmt: skip
    s.add(box(0, -w / 2, 100, w / 2, s.u(0, 5)), m, bevel=2)
    for _ in range(int(s.u(0, 5))):
        r = s.u(1.2, 2.6)
        s.add(ellipse(s.u(5, 95), s.u(-w * 0.3, w * 0.3), r, r), steel(s.rng), bevel=0.5)
