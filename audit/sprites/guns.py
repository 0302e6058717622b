"""Firearms: side views that face right, and the view down the muzzle."""

from __future__ import annotations

import numpy as np

from audit.sprites.bodies import finger, forearm, grip_hand
from audit.sprites.materials import DARK, Material, polymer, skin, steel, wood
from audit.sprites.render import Scene
from audit.sprites.shapes import blob, box, curve, ellipse, line, poly, rounded, tube


def _furniture(s: Scene) -> Material:
    return wood(s.rng) if s.chance(0.4) else polymer(s.rng)


def _trigger(s: Scene, x: float, y: float, length: float, metal: Material) -> None:
    path = curve((x, y), (x + 1.2, y + length * 0.5), (x + 3.2, y + length))
    s.add(tube(path, [3.4, 2.6, 1.8]), metal, bevel=0.6)


def _pistol(s: Scene, held: bool) -> None:
    slide = steel(s.rng)
    frame = slide if s.chance(0.55) else (polymer(s.rng) if s.chance(0.6) else steel(s.rng))
    panel = _furniture(s)
    long, tall = s.u(86, 112), s.u(15, 19)
    deck = 10 + tall
    rake, depth, wide = s.u(8, 17), s.u(42, 54), s.u(25, 30)
    front_x, y1 = 38.0, deck + 10 + depth
    guard = s.u(24, 30)
    grip_top, grip_bottom = (24.0, deck + 8), (24 - rake * 1.05, y1 - 2)
    behind, front = grip_hand(s, grip_top, grip_bottom, wide * 0.95, (front_x + 11, deck + 13))
    if held:
        behind()
    if s.chance(0.7):  # barrel end
        s.add(box(long - 6, 13.5, long + s.u(0.8, 3.5), 13.5 + tall * 0.45, 0.6), slide.lit(0.8),
              bevel=0.8, barrel=((0, 13.5), (0, 13.5 + tall * 0.45)))  # fmt: skip
    if s.chance(0.12):  # suppressor
        s.add(box(long, 11, long + s.u(40, 60), 11 + tall * 0.8, 1.5), steel(s.rng),
              barrel=((0, 11), (0, 11 + tall * 0.8)))  # fmt: skip
    nose = s.u(0, 10)
    s.add(
        rounded(poly((5, deck - 3), (15, deck - 1.5), (long - 4, deck - 1.5),
        (long - 4 - nose * 0.3, deck + 8),
                     (front_x + guard + 4, deck + 9.5), (front_x, deck + 11),
                     (front_x - 6, deck + 17),
                     (front_x - 6 - rake, y1), (front_x - 6 - rake - wide, y1 + s.u(-3, 2)),
                     (12 - rake * 0.25, deck + 18), (11, deck + 9), (-1, deck + 3)), 3),
        frame, bevel=2.0,
    )  # fmt: skip
    outer = blob(
        (front_x - 5, deck + 6),
        (front_x + guard, deck + 6),
        (front_x + guard + 2, deck + 14),
        (front_x + guard - 5, deck + 24),
        (front_x + 3, deck + 25),
        (front_x - 6, deck + 19),
    )
    inner = blob((front_x - 1, deck + 10.5), (front_x + guard - 4, deck + 10.5),
                 (front_x + guard - 2.5, deck + 14), (front_x + guard - 7, deck + 20.5),
                 (front_x + 3, deck + 21.5), (front_x - 2.5, deck + 17))  # fmt: skip
    s.add(outer, frame, holes=(inner,), bevel=0.9)
    _trigger(s, front_x + guard * 0.28, deck + 9, 10, steel(s.rng).lit(0.8))
    s.add(
        rounded(poly((front_x - 9, deck + 15), (front_x - 10 - rake * 0.9, y1 - 5),
                     (front_x - rake - wide, y1 - 5), (15 - rake * 0.2, deck + 16)), 3),
        panel if panel.texture == "wood" else Material(panel.colour, 0.08, "knurl", 0.3),
        bevel=1.4, grain=(-0.3, 1.0), shadow=0.25,
    )  # fmt: skip
    if s.chance(0.5):
        s.add(ellipse(19 - rake * 0.25, deck + 21, 1.6, 1.6), steel(s.rng), bevel=0.5)
        s.add(ellipse(21 - rake * 0.9, y1 - 10, 1.6, 1.6), steel(s.rng), bevel=0.5)
    s.add(rounded(poly((front_x - 4 - rake, y1 - 2), (front_x - 4.5 - rake, y1 + 3),
                       (front_x - 7 - rake - wide, y1 + 2),
                       (front_x - 6 - rake - wide, y1 - 2.5)), 1),
          frame.lit(0.75), bevel=0.8)  # fmt: skip
    rear = s.u(0, 4)
    s.add(rounded(poly((4 + rear, 10), (long - nose * 0.3, 10), (long, 12 + nose * 0.3),
        (long, deck),
                       (4, deck), (2, deck - tall * 0.5)), 1.6), slide, bevel=1.8,
          barrel=((0, 8.5), (0, deck + 3)))  # fmt: skip
    lean = s.u(-2.5, 1)
    for k in range(int(s.u(5, 9))):
        x = 8 + rear + k * 2.7
        s.mark(line(x + lean, 12, x, deck - 1.5, 1.1), slide.lit(0.35), 0.8)
        s.mark(line(x + 1 + lean, 12, x + 1, deck - 1.5, 0.5), slide.lit(1.7), 0.6)
    if s.chance(0.35):
        for k in range(4):
            s.mark(
                line(long - 20 + k * 2.7, 12, long - 20 + k * 2.7, deck - 2, 1.1),
                slide.lit(0.4),
                0.8,
            )
    port = s.u(40, 48)
    s.add(rounded(poly((port, 10), (port + 17, 10), (port + 17, 10 + tall * 0.5),
        (port, 10 + tall * 0.5)),
                  0.8), slide.lit(s.u(0.4, 0.8) if slide.colour[0] > 0.3 else s.u(1.2, 2.4)),
                  bevel=0.6,
          shadow=0.5)  # fmt: skip
    s.add(
        poly((6 + rear, 10.3), (7 + rear, 6), (13 + rear, 6.5), (14 + rear, 10.3)), DARK, bevel=0.6
    )
    s.add(
        poly((long - 11, 10.3), (long - 8, 6.8), (long - 5, 6.8), (long - 5, 10.3)), DARK, bevel=0.6
    )
    if s.chance(0.45):
        s.add(
            tube(curve((4, deck - 5), (0, deck - 9), (-4, deck - 10)), [4, 3.2, 2.4]),
            slide.lit(0.8),
        )
    s.add(tube(curve((24, deck + 2.5), (34, deck + 2)), [2.6, 3.4]), slide.lit(0.8), bevel=0.7)
    s.add(ellipse(front_x + 2, deck + 4.5, 1.3, 1.3), slide.lit(1.3), bevel=0.4)
    s.mark(line(3, deck + 0.2, long - 1, deck + 0.2, 0.7), DARK, 0.8)
    if s.chance(0.4):
        for k in range(3):
            x = front_x + guard + 8 + k * 5.5
            if x < long - 9:
                s.mark(box(x, deck + 5.5, x + 2.4, deck + 8.4), DARK, 0.8)
    if held:
        front()


def pistol(s: Scene) -> None:
    """Draw a semi-automatic pistol."""
    _pistol(s, held=False)


def pistol_hand(s: Scene) -> None:
    """Draw a handgun held by a hand."""
    s.spin = 22
    if s.chance(0.25):
        _revolver(s, held=True)
    else:
        _pistol(s, held=True)


def _revolver(s: Scene, held: bool) -> None:
    metal = steel(s.rng)
    grip = wood(s.rng) if s.chance(0.65) else polymer(s.rng)
    barrel, r = s.u(30, 66), s.u(11, 13.5)
    tip = 56 + barrel
    behind, front = grip_hand(s, (12, 38), (-4, 74), 23, (44, 42))
    if held:
        behind()
    s.add(blob((6, 30), (22, 34), (24, 44), (17, 56), (12, 70), (6, 84), (-14, 82), (-17, 74),
               (-6, 58), (-1, 46), (-2, 36)), grip, bevel=3, grain=(-0.4, 1))  # fmt: skip
    if s.chance(0.6):
        s.add(ellipse(7, 54, 2.2, 2.2), steel(s.rng), bevel=0.6)
    deep = s.u(9, 12)
    s.add(box(52, 14, tip, 14 + deep, 1.2), metal, barrel=((0, 13), (0, 15 + deep)), bevel=1)
    if s.chance(0.6):
        s.add(rounded(poly((52, 23), (tip - s.u(0, 14), 23), (tip - 3, 28), (tip - 8, 30),
            (52, 31)), 1.5),
              metal.lit(0.92), barrel=((0, 22), (0, 32)))  # fmt: skip
    else:
        s.add(tube(curve((54, 27), (tip - 10, 27)), [3.2]), metal.lit(0.9), bevel=0.8)
    s.add(poly((50, 11), (tip - 1, 11), (tip - 1, 14.4), (50, 14.4)), metal.lit(0.85), bevel=0.6)
    if s.chance(0.4):
        for x in np.arange(58, tip - 8, 9):
            s.mark(box(float(x), 12.4, float(x) + 5, 13.8), DARK)
    s.add(
        poly((tip - 13, 11.3), (tip - 5, 5.5), (tip - 3, 5.5), (tip - 2, 11.3)),
        DARK.lit(2),
        bevel=0.6,
    )
    s.mark(ellipse(tip - 0.5, 14 + deep / 2, 1.2, deep * 0.3), DARK)
    frame = rounded(poly((3, 18), (14, 10), (55, 10), (55, 34), (48, 37), (30, 40), (20, 47),
    (8, 40),
                         (0, 32)), 3)  # fmt: skip
    s.add(frame, metal, bevel=2)
    s.add(blob((24, 36), (48, 34), (55, 38), (50, 50), (38, 53), (27, 49), (22, 42)), metal,
          holes=(blob((29, 40), (47, 38), (51, 41), (47, 47), (38, 49.5), (30, 46)),),
          bevel=0.9)  # fmt: skip
    _trigger(s, 36, 37, 10, metal.lit(0.8))
    s.mark(box(25.5, 13, 51.5, 15 + 2 * r, 2), DARK, 0.8)
    cy = 13.5 + r
    s.add(rounded(poly((26, 14), (49, 13.5), (51, 15.5), (51, cy + r - 2), (49, cy + r),
        (26, cy + r - 0.5)),
                  2.5), metal.lit(s.u(0.9, 1.2)), barrel=((0, 12), (0, cy + r + 2)),
                  bevel=1.2)  # fmt: skip
    for y in (cy - r * 0.62, cy - 0.02 * r, cy + r * 0.6):
        s.add(blob((34, y - 1.6), (50, y - 2.4), (51.5, y), (50, y + 2.4), (34, y + 1.6), (32, y)),
              metal.lit(0.5), bevel=1.0, shadow=0)  # fmt: skip
    s.mark(line(28, 14.5, 28, cy + r - 1, 1), DARK, 0.6)
    s.add(
        rounded(poly((4, 22), (-1, 14), (-7, 11), (-6, 8), (3, 9), (10, 18)), 1),
        metal.lit(0.9),
        bevel=0.9,
    )
    s.add(ellipse(17, 30, 1.4, 1.4), metal.lit(1.3), bevel=0.4)
    if held:
        front()


def revolver(s: Scene) -> None:
    """Draw a revolver."""
    _revolver(s, held=False)


def _scope(s: Scene, x: float, y: float, long: float, r: float) -> None:
    body = steel(s.rng).lit(0.6)
    for at in (x + long * 0.3, x + long * 0.65):
        s.add(box(at, y, at + 5, y + r * 2.2), body.lit(0.8), bevel=0.6)
    s.add(box(x + 4, y - r * 0.6, x + long - 4, y + r * 0.6), body, barrel=((0, y - r), (0, y + r)))
    s.add(poly((x, y - r), (x + 13, y - r), (x + 18, y - r * 0.6), (x + 18, y + r * 0.6),
        (x + 13, y + r),
               (x, y + r)), body, barrel=((0, y - r), (0, y + r)))  # fmt: skip
    s.add(poly((x + long - 26, y - r * 0.6), (x + long - 16, y - r * 1.25),
        (x + long, y - r * 1.25),
               (x + long, y + r * 1.25), (x + long - 16, y + r * 1.25),
               (x + long - 26, y + r * 0.6)),
          body, barrel=((0, y - r * 1.3), (0, y + r * 1.3)))  # fmt: skip
    s.add(box(x + long * 0.44, y - r * 1.35, x + long * 0.54, y, 1), body.lit(0.9), bevel=0.8)


def rifle(s: Scene) -> None:
    """Draw an assault-style rifle."""
    s.spin = 25
    metal = steel(s.rng)
    metal = metal.lit(0.55) if metal.colour[0] > 0.3 else metal
    trim = wood(s.rng) if s.chance(0.35) else (metal if s.chance(0.5) else polymer(s.rng))
    grip = trim if s.chance(0.5) else polymer(s.rng)
    fore, tip = s.u(130, 150), s.u(176, 205)
    held = s.chance(0.25)
    behind, front = grip_hand(s, (64, 34), (56, 62), 12, (80, 36))
    if held:
        behind()
    if s.chance(0.7):  # solid stock
        drop = s.u(4, 14)
        s.add(rounded(poly((52, 16), (52, 29), (34, 34), (4, 36 + drop), (1, 34 + drop),
            (0, 15 + drop * 0.3),
                           (4, 14 + drop * 0.3), (36, 16)), 2.5), trim, bevel=2.2)  # fmt: skip
        s.add(rounded(poly((0, 15 + drop * 0.3), (-4, 16 + drop * 0.3), (-3, 36 + drop),
            (2, 36 + drop)), 1),
              DARK.lit(2), bevel=0.8)  # fmt: skip
    else:
        s.add(box(14, 18, 54, 24, 2), metal, barrel=((0, 17), (0, 25)))
        s.add(rounded(poly((4, 16), (36, 16), (36, 25), (18, 28), (8, 44), (2, 44)), 2),
            trim, bevel=2,
              holes=(rounded(poly((10, 28), (15, 27), (8, 38)), 1),))  # fmt: skip
    s.add(box(fore - 6, 19, tip, 22.8), metal.lit(0.85), barrel=((0, 18.5), (0, 23.3)), bevel=0.6)
    s.add(box(tip - 9, 17.8, tip + 3, 24, 1), metal.lit(0.7), barrel=((0, 17), (0, 25)), bevel=0.6)
    if s.chance(0.7):
        x = fore + s.u(8, 24)
        s.add(poly((x, 20), (x + 2, s.u(5, 9)), (x + 5, 6), (x + 8, 20)), metal.lit(0.8), bevel=0.6)
    s.add(rounded(poly((96, 14), (fore, 15), (fore, 27), (96, 29)), 2), trim, bevel=1.8,
          barrel=((0, 12), (0, 30)))  # fmt: skip
    for k in range(int(s.u(3, 6))):
        x = 102 + k * 6.5
        if x < fore - 6:
            s.mark(box(x, 18.5, x + 3.6, 21.5, 0.8), DARK, 0.85)
    bow, deep = s.u(0, 15), s.u(32, 46)
    way = curve((88, 28), (89 + bow * 0.2, 28 + deep * 0.4), (90 + bow * 0.9, 28 + deep))
    mag = steel(s.rng).lit(0.7) if s.chance(0.6) else polymer(s.rng)
    s.add(tube(way, [14.5, 14, 14.5], (False, False)), mag, bevel=1.8)
    for side in (-3.0, 2.5):
        s.mark(tube(way[3:-2] + np.array([side, 0.0]), [0.9], (False, False)), mag.lit(0.5), 0.7)
    s.add(
        rounded(poly((60, 32), (71, 32), (66, 48), (62, 62), (51, 60), (56, 46)), 2.5),
        grip,
        bevel=1.8,
    )
    s.add(blob((68, 32), (84, 32), (84, 40), (78, 43), (68, 42)), metal,
          holes=(blob((70, 34), (81.5, 34), (81.5, 39), (77, 41), (70, 40)),),
          bevel=0.6)  # fmt: skip
    _trigger(s, 74, 32, 7, metal)
    s.add(rounded(poly((48, 13), (100, 13), (100, 31), (82, 32), (80, 35), (58, 35), (48, 29)),
        2), metal,
          bevel=1.8)  # fmt: skip
    s.mark(line(50, 22, 99, 22, 0.8), DARK, 0.7)
    s.add(box(78, 15.5, 92, 20, 1), metal.lit(0.55), bevel=0.6)
    s.add(ellipse(62, 29, 1.4, 1.4), metal.lit(1.5), bevel=0.3)
    kind = s.u(0, 1)
    if kind < 0.4:
        _scope(s, 58, 4.5, s.u(42, 54), s.u(3.4, 4.6))
    elif kind < 0.65:  # carrying handle
        s.add(rounded(poly((56, 13.5), (60, 4), (90, 4), (96, 13.5)), 2), metal,
              holes=(rounded(poly((63, 12.5), (66, 7.5), (86, 7.5), (89, 12.5)), 1.5),),
              bevel=0.9)  # fmt: skip
    else:
        s.add(box(60, 10.5, 97, 13.4), metal.lit(0.7), bevel=0.4)
        s.add(box(72, 3, 84, 11, 2), polymer(s.rng), bevel=1.2)
    if held:
        front()
        tone = skin(s.rng)
        for k in range(4):
            x = 104 + k * 6
            finger(s, tone, ((x, 32), (x - 0.5, 28), (x - 1, 22)), 6.2, nail=True)


def long_gun(s: Scene) -> None:
    """Draw a hunting rifle or a shotgun."""
    s.spin = 30
    metal, timber = steel(s.rng), wood(s.rng) if s.chance(0.75) else polymer(s.rng)
    metal = metal.lit(0.6) if metal.colour[0] > 0.5 and s.chance(0.6) else metal
    tip, wide = s.u(215, 260), s.u(4.2, 6.2)
    drop = s.u(6, 13)
    shotgun = s.chance(0.5)
    y = 20.0
    s.add(box(104, y - wide / 2, tip, y + wide / 2, 0.5), metal, bevel=0.6,
          barrel=((0, y - wide * 0.6), (0, y + wide * 0.6)))  # fmt: skip
    if shotgun:
        end = tip - s.u(0, 26)
        s.add(box(104, y + wide * 0.45, end, y + wide * 1.4, 0.5), metal.lit(0.85), bevel=0.6,
              barrel=((0, y + wide * 0.4), (0, y + wide * 1.5)))  # fmt: skip
        s.add(ellipse(tip - 3, y - wide * 0.65, 1.2, 1.2), metal, bevel=0.3)
    else:
        s.add(
            poly((tip - 8, y - wide / 2), (tip - 4, y - wide - 2), (tip - 3, y - wide / 2)),
            metal,
            bevel=0.4,
        )
    low = y + wide * (1.4 if shotgun else 0.5)
    stock = curve((0, 20 + drop), (30, 18.5 + drop * 0.5), (60, 19), (74, 18), (110, 19), n=6)
    belly = curve(
        (104, 29),
        (86, 30),
        (74, 30),
        (64, 33),
        (58, 38),
        (50, 38),
        (30, 43),
        (3, 50 + drop * 0.4),
        n=6,
    )
    s.add(np.concatenate([stock, belly]), timber, bevel=3)
    s.add(rounded(poly((0, 20 + drop), (-5, 21 + drop), (-2, 50 + drop * 0.4),
        (4, 50 + drop * 0.4)), 1.5),
          DARK.lit(2.5), bevel=1)  # fmt: skip
    far = s.u(150, 180)
    s.add(rounded(poly((112 if shotgun else 100, low - 3), (far, low - 3), (far - 3, low + 4),
        (116, low + 7),
                       (102, low + 7)), 2.5), timber, bevel=2.2)  # fmt: skip
    if s.chance(0.5):
        for x in np.arange(124, far - 8, 4):
            s.mark(line(float(x), low, float(x), low + 4, 1), timber.lit(0.5), 0.7)
    s.add(rounded(poly((72, 16), (114, 15.5), (114, 27), (100, 30), (76, 29)), 2), metal, bevel=1.6,
          barrel=((0, 13), (0, 32)))  # fmt: skip
    s.mark(box(92, 18, 106, 22, 1), DARK, 0.6)
    s.add(blob((72, 29), (94, 28), (96, 34), (88, 38.5), (76, 38), (70, 33)), metal,
          holes=(blob((75, 31), (92, 30.5), (93, 34), (87, 36.6), (77, 36.2)),),
          bevel=0.5)  # fmt: skip
    _trigger(s, 82, 29, 6, metal)
    if not shotgun:
        s.add(tube(curve((80, 20), (78, 26), (76, 30)), [2.6, 2.6]), metal, bevel=0.7)
        s.add(ellipse(76, 31, 2.6, 2.6), metal.lit(1.2), bevel=0.8)
        if s.chance(0.75):
            _scope(s, 68, 9, s.u(50, 66), s.u(4, 5))


def pointed(s: Scene) -> None:
    """Draw a gun that points at the viewer."""
    s.spin = 14
    slide, r = steel(s.rng), s.u(4.2, 6.0)
    frame = slide if s.chance(0.5) else polymer(s.rng)
    tone = skin(s.rng)
    two = s.chance(0.6)
    for side in (-1, 1) if two else (1,):
        forearm(s, tone, (side * 12, 44), 90 - side * s.u(14, 40), s.u(24, 30))
    s.add(
        blob((-18, 18), (0, 12), (18, 18), (22, 36), (14, 54), (-14, 54), (-22, 36)), tone, bevel=5
    )
    w, tall = s.u(10.5, 13), s.u(21, 26)
    s.add(box(-w * 0.8, 4, w * 0.8, 34, 3), frame, bevel=2)
    if s.chance(0.3):  # revolver: cylinder behind the barrel
        s.add(ellipse(0, 2, 19, 17), slide.lit(0.9), bevel=3)
        for k in range(6):
            a = k * np.pi / 3 + 0.5
            s.add(ellipse(12 * np.cos(a), 2 + 11 * np.sin(a), 3.6, 3.4), DARK, bevel=0.8, shadow=0)
        s.add(rounded(poly((-8, -16), (8, -16), (9, 8), (0, 18), (-9, 8)), 4), slide, bevel=1.8)
    else:
        s.add(rounded(poly((-w, -13), (-w * 0.8, -16), (w * 0.8, -16), (w, -13), (w, tall - 14),
            (-w, tall - 14)),
                      2.5), slide, bevel=2.0)  # fmt: skip
        s.add(ellipse(0, tall - 17, 2.6, 2.6), slide.lit(0.6), bevel=0.8)
        s.mark(ellipse(0, tall - 17, 1.2, 1.2), DARK)
    s.add(ellipse(0, -5, r + 2.6, r + 2.6), slide.lit(1.35), bevel=1.3)
    s.add(ellipse(0, -5, r, r), DARK, bevel=0, shadow=0)
    s.add(ellipse(0.4, -4.4, r * 0.6, r * 0.6), DARK.lit(0.3), bevel=0, shadow=0)
    s.add(box(-1.7, -20, 1.7, -15, 0.6), DARK.lit(3), bevel=0.5)
    guard = box(-4.2, 14, 4.2, 40, 3)
    s.add(guard, frame, bevel=1)
    for k, y in enumerate((25, 34, 43)):
        reach = s.u(5, 8)
        finger(s, tone, ((19 - k, y - 2), (10, y + 1), (-reach, y + 1)), 9.5, nail=s.chance(0.5))
        if two:
            finger(
                s,
                tone,
                ((-21 + k, y + 1), (-12, y + 3), (s.u(-4, 2), y + 3)),
                9.5,
                nail=s.chance(0.5),
            )
    if s.chance(0.6):
        finger(s, tone, ((16, 12), (13, 4), (12, -4)), 8.5, nail=True)
