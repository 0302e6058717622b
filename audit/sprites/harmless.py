"""Harmless things that share shape, hold or material with weapons and smoking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.sprites.bodies import (
    between_fingers,
    finger,
    fingers_round,
    forearm,
    grip_hand,
    lips,
    palm_behind,
    pinch,
    profile,
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
    Pair,
    Points,
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
from audit.sprites.smoke import rising

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


def _held(s: Scene, rod: Draw, mouth: float = 0.0) -> None:
    """Show a rod alone, in fingers, or (probability mouth) between lips."""
    mode = s.u(0, 1)
    if mode < mouth:
        s.spin = 16
        (lips if s.chance(0.5) else profile)(s, rod)
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
    _held(s, _rod(s, pieces, w), 0.12)


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
    _held(s, _rod(s, pieces, w), 0.2)


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
    _held(s, _rod(s, pieces, w), 0.1)


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
    _held(s, _rod(s, pieces, w), 0.25)


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
        s.add(ellipse(c[0] - r * 0.35, c[1] - r * 0.4, r * 0.2, r * 0.13, -40), pale(s.rng), bevel=0, alpha=0.7,
              feather=0.8, shadow=0)  # fmt: skip

    if mode < 0.6:
        s.spin = 60
        draw((0, 0), -90)
    else:
        s.spin = 40
        pinch(s, draw)


def _screen(s: Scene, x0: float, y0: float, x1: float, y1: float) -> None:
    dark = s.chance(0.35)
    s.add(box(x0, y0, x1, y1, 1.5), DARK if dark else vivid(s.rng), bevel=0.4, shadow=0)
    w, h = x1 - x0, y1 - y0
    if not dark:
        for _ in range(int(s.u(2, 8))):
            a, b = s.u(x0 + 1, x1 - w * 0.4), s.u(y0 + 1, y1 - h * 0.2)
            s.mark(
                box(a, b, a + w * s.u(0.1, 0.4), b + h * s.u(0.03, 0.2), 0.8), anything(s.rng), 0.85
            )
    s.mark(poly((x0, y0), (x0 + w * 0.6, y0), (x0, y0 + h * 0.5)), pale(s.rng), s.u(0.0, 0.2))


def _phone(s: Scene, x0: float, y0: float, x1: float, y1: float, back: bool) -> None:
    case = anything(s.rng)
    s.add(box(x0, y0, x1, y1, 5), case, bevel=1.4)
    if not back:
        _screen(s, x0 + 2, y0 + s.u(2.5, 8), x1 - 2, y1 - s.u(2.5, 8))
        s.mark(box((x0 + x1) / 2 - 4, y0 + 1.2, (x0 + x1) / 2 + 4, y0 + 2.2, 0.5), DARK)
        return
    s.add(box(x0 + 4, y0 + 4, x0 + 18, y0 + s.u(18, 30), 4), case.lit(0.75), bevel=0.8)
    for k in range(int(s.u(1, 4))):
        s.add(ellipse(x0 + 11, y0 + 10 + k * 7.5, 3.2, 3.2), DARK, bevel=0.8, shadow=0)
    if s.chance(0.5):
        s.mark(ellipse((x0 + x1) / 2, (y0 + y1) / 2, 4, 4.6), case.lit(1.6), 0.7)


def phone_fingers(s: Scene) -> None:
    """Draw a phone held by fingers."""
    s.spin = 30
    tone, w, h = skin(s.rng), s.u(46, 54), s.u(92, 106)
    palm_behind(s, 0, w, h * 0.45, h, tone)
    _phone(s, 0, 0, w, h, s.chance(0.4))
    fingers_round(s, 0, w, h * 0.38, h * 0.95, tone)


def phone_cheek(s: Scene) -> None:
    """Draw a phone held against a cheek."""
    s.spin = 22
    tone = skin(s.rng)
    s.add(blob((-40, -46), (8, -54), (34, -30), (38, 6), (26, 44), (-6, 62), (-40, 50)), tone, bevel=10,
          feather=6)  # fmt: skip
    s.add(blob((30, -22), (40, -26), (44, -12), (38, 4), (31, 6)), tone.lit(0.93), bevel=3)
    w = s.u(16, 34)
    forearm(s, tone, (36, 44), s.u(50, 100), 34)
    s.add(blob((20, 0), (44, -6), (54, 20), (46, 46), (26, 48), (14, 28)), tone, bevel=6)
    s.add(placed(box(-w / 2, -46, w / 2, 46, 5), (24, -6), s.u(8, 24)), anything(s.rng), bevel=2)
    for k in range(4):
        y = -14 + k * 11.5
        finger(s, tone, ((50, y + 6), (38, y), (22, y + 1), (13 + k, y + 2)), 11, nail=True)


def cup(s: Scene) -> None:
    """Draw a cup or a mug, perhaps steaming."""
    china = anything(s.rng) if s.chance(0.6) else pale(s.rng)
    w, h, low = s.u(56, 70), s.u(52, 74), s.u(0.7, 1.0)
    s.add(blob((w * 0.4, h * 0.18), (w * 0.85, h * 0.14), (w * 0.92, h * 0.5), (w * 0.66, h * 0.82), (w * 0.36, h * 0.8)),
          china, bevel=2,
          holes=(blob((w * 0.42, h * 0.3), (w * 0.72, h * 0.27), (w * 0.77, h * 0.48), (w * 0.6, h * 0.68), (w * 0.4, h * 0.66)),))  # fmt: skip
    s.add(blob((-w / 2, 0), (w / 2, 0), (w / 2 * (low + 1) / 2, h * 0.6), (w * low / 2 * 0.95, h * 0.93),
               (0, h), (-w * low / 2 * 0.95, h * 0.93), (-w / 2 * (low + 1) / 2, h * 0.6)), china, bevel=2,
          barrel=((-w * 0.53, 0), (w * 0.53, 0)))  # fmt: skip
    if s.chance(0.5):
        m = vivid(s.rng)
        s.add(box(-w * 0.3, h * 0.35, w * s.u(0.0, 0.3), h * 0.7, 4), m, bevel=0.3, shadow=0)
    s.add(ellipse(0, 0, w / 2, w * 0.12), china.lit(1.1), bevel=1, shadow=0)
    s.add(
        ellipse(0, 1, w * 0.45, w * 0.095),
        Material((s.u(0.1, 0.5), s.u(0.06, 0.3), 0.06), 0.4),
        bevel=0.5,
        shadow=0,
    )
    if s.chance(0.35):
        tone = skin(s.rng)
        forearm(s, tone, (w * 0.95, h * 0.7), s.u(20, 70), h * 0.5)
        for k in range(3):
            finger(s, tone, ((w * 0.95, h * (0.3 + 0.17 * k)), (w * 0.72, h * (0.25 + 0.17 * k)),
                             (w * 0.5, h * (0.3 + 0.17 * k))), h * 0.18, nail=s.chance(0.4))  # fmt: skip
    if s.chance(0.4):
        s.wisp(rising(s.rng), (s.u(-10, 10), 2), h * s.u(0.8, 1.4), s.u(0.8, 0.97))


def _glass(s: Scene, w: float, h: float, low: float) -> None:
    drink = Material((s.u(0.3, 0.95), s.u(0.15, 0.8), s.u(0.02, 0.5)), 0.4)
    clear = Material((0.8, 0.86, 0.88), 0.9)
    top = h * s.u(0.1, 0.45)

    def wall(y: float) -> float:
        return w / 2 * (1 - (1 - low) * y / h)

    s.add(poly((-w / 2, 0), (w / 2, 0), (wall(h), h), (-wall(h), h)), clear, bevel=1.5, alpha=0.3,
          barrel=((-w / 2, 0), (w / 2, 0)))  # fmt: skip
    s.add(poly((-wall(top) + 2, top), (wall(top) - 2, top), (wall(h) - 2.5, h - 4), (-wall(h) + 2.5, h - 4)), drink,
          bevel=1, alpha=0.85, barrel=((-w / 2, 0), (w / 2, 0)), shadow=0)  # fmt: skip
    s.add(ellipse(0, top, wall(top) - 2, w * 0.08), drink.lit(1.3), bevel=0.3, alpha=0.85, shadow=0)
    s.add(ellipse(0, 0, w / 2, w * 0.09), clear, bevel=0.4, alpha=0.7, shadow=0,
          holes=(ellipse(0, 0, w / 2 - 1.5, w * 0.07),))  # fmt: skip
    for x in (-0.36, 0.3):
        s.mark(line(w * x, h * 0.08, w * x * low, h * 0.9, w * 0.04), pale(s.rng), 0.55)


def glass_hand(s: Scene) -> None:
    """Draw a drinking glass held by a hand."""
    tone, w, h = skin(s.rng), s.u(44, 56), s.u(70, 96)
    palm_behind(s, -w / 2, w / 2, h * 0.35, h * 0.85, tone)
    _glass(s, w, h, s.u(0.65, 0.95))
    fingers_round(s, -w / 2, w / 2, h * 0.25, h * 0.9, tone)


def straw_cup(s: Scene) -> None:
    """Draw a cup with a straw."""
    w, h = s.u(46, 56), s.u(70, 90)
    straw = pale(s.rng) if s.chance(0.4) else vivid(s.rng)
    lean = s.u(-12, 12)
    way = curve(
        (lean * 0.2, h * 0.4), (lean, -24), (lean * 1.1, -30), (lean + s.u(-24, 24), s.u(-46, -38))
    )
    s.add(tube(way, [6], (False, False)), straw, bevel=1.4)
    if s.chance(0.4):
        _glass(s, w, h, s.u(0.65, 0.9))
        return
    body = anything(s.rng)
    low = s.u(0.66, 0.8)
    s.add(poly((-w / 2, 0), (w / 2, 0), (w * low / 2, h), (-w * low / 2, h)), body, bevel=1.5,
          barrel=((-w * 0.52, 0), (w * 0.52, 0)))  # fmt: skip
    s.add(rounded(poly((-w * 0.46, h * 0.3), (w * 0.46, h * 0.3), (w * 0.42, h * 0.62), (-w * 0.42, h * 0.62)), 1),
          vivid(s.rng), bevel=0.2, barrel=((-w * 0.52, 0), (w * 0.52, 0)), shadow=0)  # fmt: skip
    s.add(
        box(-w * 0.55, -4, w * 0.55, 4, 2),
        pale(s.rng),
        bevel=1,
        barrel=((-w * 0.56, 0), (w * 0.56, 0)),
    )


def bottle(s: Scene) -> None:
    """Draw a bottle, standing or lying."""
    s.spin = 90 if s.chance(0.4) else 15
    w, h = s.u(30, 40), s.u(100, 120)
    neck, shoulder = w * s.u(0.16, 0.22), h * s.u(0.3, 0.45)
    m = (
        anything(s.rng)
        if s.chance(0.5)
        else Material((s.u(0.1, 0.4), s.u(0.15, 0.4), s.u(0.05, 0.3)), 0.9)
    )
    rims = ((-w * 0.54, 0.0), (w * 0.54, 0.0))
    right = curve(
        (neck, 0),
        (neck, shoulder * 0.5),
        (neck * 1.3, shoulder * 0.75),
        (w / 2, shoulder),
        (w / 2, h - 4),
        (w * 0.44, h),
    )
    s.add(
        np.concatenate([right, right[::-1] * (-1, 1)]),
        m,
        bevel=1.5,
        barrel=rims,
        alpha=s.u(0.75, 1),
    )
    s.add(
        box(-neck * 1.25, -4, neck * 1.25, 9, 1.5),
        anything(s.rng),
        bevel=0.8,
        barrel=((-neck * 1.4, 0), (neck * 1.4, 0)),
    )
    if s.chance(0.85):
        y = shoulder + (h - shoulder) * 0.2
        s.add(
            box(-w / 2, y, w / 2, y + (h - shoulder) * s.u(0.3, 0.6)),
            vivid(s.rng),
            bevel=0.3,
            barrel=rims,
            shadow=0,
        )
        s.mark(box(-w * 0.3, y + 6, w * 0.3, y + 11, 1), pale(s.rng), 0.8)


def microphone(s: Scene) -> None:
    """Draw a microphone, perhaps held."""
    s.spin = 50
    body, head, r = anything(s.rng), steel(s.rng), s.u(15, 19)
    if hold := s.chance(0.6):
        behind, front = grip_hand(s, (-6, 50), (-6, 92), 18, (2, 46))
        behind()
    s.add(
        poly((-14, 32), (2, 32), (-1, 110), (-11, 110)), body, bevel=1.2, barrel=((-14, 0), (2, 0))
    )
    s.add(blob((-6 - r, 14), (-6 - r * 0.75, 0), (-6, -r * 0.4), (-6 + r * 0.75, 0), (-6 + r, 14), (-6 + r * 0.6, 32), (-6 - r * 0.6, 32)),
          Material(head.colour, head.gloss, "knurl", 0.4), bevel=r * 0.35)  # fmt: skip
    s.add(box(-6 - r, 12, -6 + r, 18, 2), head.lit(0.7), bevel=1, barrel=((-6 - r, 0), (-6 + r, 0)))
    if hold:
        front()


def hand_mouth(s: Scene) -> None:
    """Draw a fist held before a mouth, as in a cough."""
    s.spin = 25
    tone = skin(s.rng)
    if s.chance(0.6):
        s.add(
            blob((-44, -40), (0, -54), (44, -40), (40, 14), (0, 44), (-40, 14)),
            tone,
            bevel=9,
            feather=6,
        )
        s.add(blob((-9, -36), (0, -44), (9, -36), (10, -28), (-10, -28)), tone.lit(0.93), bevel=3)
    forearm(s, tone, (14, 44), s.u(40, 110), 38)
    s.add(
        blob((-24, -14), (10, -20), (32, -8), (36, 24), (18, 48), (-14, 42), (-28, 18)),
        tone,
        bevel=8,
    )
    for k in range(4):
        y = -12 + k * 12.5
        finger(s, tone, ((16, y), (-8, y - 2), (-24, y + 1), (-18, y + 4)), 12.5)
    finger(s, tone, ((22, -6), (6, -16), (-10, -12), (-16, -4)), 13, nail=True)


def hand_face(s: Scene) -> None:
    """Draw a bare hand with stretched fingers, perhaps at a chin or lips."""
    s.spin = 60
    tone = skin(s.rng)
    mode = s.u(0, 1)
    if mode < 0.35:
        between_fingers(s, lambda at, angle: None)
    elif mode < 0.55:
        pinch(s, lambda at, angle: None)
    elif mode < 0.7:
        s.spin = 16
        (lips if s.chance(0.5) else profile)(s, None)
    else:
        forearm(s, tone, (0, 56), s.u(70, 110), 36)
        s.add(
            blob((-24, 0), (0, -6), (24, 0), (26, 30), (16, 60), (-16, 60), (-28, 34)),
            tone,
            bevel=9,
        )
        for k, (x, tall) in enumerate(((-19, 40), (-6, 50), (7, 46), (20, 34))):
            lean = (k - 1.5) * s.u(1, 7)
            finger(
                s,
                tone,
                ((x, 12), (x + lean * 0.5, -tall * 0.5), (x + lean * 1.4, -tall)),
                12.5,
                nail=s.chance(0.5),
            )
        finger(s, tone, ((-18, 44), (-34, 26), (-44, s.u(2, 14))), 14, nail=s.chance(0.5))


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
    s.add(rounded(poly((76, 14), (90, 16), (98, 20), (98, 31), (90, 35), (76, 37)), 2), trim, bevel=1.5,
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
    s.add(blob((-10, -w / 2), (20, -w / 2), (40, -w * 0.32), (50, -w * 0.38), (50, w * 0.38), (40, w * 0.32), (20, w / 2), (-10, w / 2), (-14, 0)),
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
        s.add(rounded(poly((c - 10, 14), (c + 10, 14), (c + 17, 40), (c + 20, 84), (c - 20, 84), (c - 17, 40)), 4), m, bevel=2,
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
    s.add(poly((0, -1.5), (20, -w * 0.35), (110, -w / 2), (140, -w * 0.4), (140, w * 0.4), (110, w / 2), (20, w * 0.35), (0, 1.5)), m, bevel=2,
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


def flashlight(s: Scene) -> None:
    """Draw a flashlight, perhaps held."""
    s.spin = 60
    m, w = (steel(s.rng) if s.chance(0.6) else anything(s.rng)), s.u(15, 19)
    s.add(box(0, -w / 2, 76, w / 2, 2), m, bevel=1, barrel=((0, -w * 0.53), (0, w * 0.53)))
    s.add(poly((74, -w / 2), (88, -w * 0.85), (106, -w * 0.85), (106, w * 0.85), (88, w * 0.85), (74, w / 2)), m.lit(0.9), bevel=1,
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


def controller(s: Scene) -> None:
    """Draw a game controller."""
    s.spin = 20
    body, trim = polymer(s.rng) if s.chance(0.6) else anything(s.rng), DARK.lit(3)
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
    if s.chance(0.35):
        tone = skin(s.rng)
        finger(s, tone, ((-2, 60), (12, 52), (28, 38)), 15, nail=True)
        finger(s, tone, ((102, 60), (88, 52), (72, 38)), 15, nail=True)


def steam(s: Scene) -> None:
    """Draw plain steam, mist or a cloud: the same wisps as smoke, with nothing that burns."""
    for _ in range(int(s.u(1, 3.5))):
        s.wisp(rising(s.rng), (s.u(-20, 20), s.u(-6, 6)), s.u(70, 110), s.u(0.7, 0.98))


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
    s.add(rounded(poly((where, 0), (where + v, 0), (where + v + lean, foot), (where + lean, foot)), s.u(0, 4)),
          m if s.chance(0.6) else anything(s.rng), bevel=2, grain=(0, 1))  # fmt: skip
    s.add(box(0, -w / 2, 100, w / 2, s.u(0, 5)), m, bevel=2)
    for _ in range(int(s.u(0, 5))):
        r = s.u(1.2, 2.6)
        s.add(ellipse(s.u(5, 95), s.u(-w * 0.3, w * 0.3), r, r), steel(s.rng), bevel=0.5)
