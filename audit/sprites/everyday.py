"""Phones, drinks and hands: what is held near a face and is not a cigarette."""

from __future__ import annotations

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
    skin,
    steel,
    vivid,
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
from audit.sprites.smoke import rising


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
    s.add(blob((-40, -46), (8, -54), (34, -30), (38, 6), (26, 44), (-6, 62), (-40, 50)),
        tone, bevel=10,
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
    s.add(blob((w * 0.4, h * 0.18), (w * 0.85, h * 0.14), (w * 0.92, h * 0.5),
        (w * 0.66, h * 0.82), (w * 0.36, h * 0.8)),
          china, bevel=2,
          holes=(blob((w * 0.42, h * 0.3), (w * 0.72, h * 0.27), (w * 0.77, h * 0.48),
          (w * 0.6, h * 0.68), (w * 0.4, h * 0.66)),))  # fmt: skip
    s.add(blob((-w / 2, 0), (w / 2, 0), (w / 2 * (low + 1) / 2, h * 0.6),
        (w * low / 2 * 0.95, h * 0.93),
               (0, h), (-w * low / 2 * 0.95, h * 0.93), (-w / 2 * (low + 1) / 2, h * 0.6)),
               china, bevel=2,
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
                             (w * 0.5, h * (0.3 + 0.17 * k))),
                             h * 0.18, nail=s.chance(0.4))  # fmt: skip
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
    s.add(poly((-wall(top) + 2, top), (wall(top) - 2, top), (wall(h) - 2.5, h - 4),
        (-wall(h) + 2.5, h - 4)), drink,
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
    s.add(rounded(poly((-w * 0.46, h * 0.3), (w * 0.46, h * 0.3), (w * 0.42, h * 0.62),
        (-w * 0.42, h * 0.62)), 1),
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
    s.add(blob((-6 - r, 14), (-6 - r * 0.75, 0), (-6, -r * 0.4), (-6 + r * 0.75, 0),
        (-6 + r, 14), (-6 + r * 0.6, 32), (-6 - r * 0.6, 32)),
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


def steam(s: Scene) -> None:
    """Draw plain steam, mist or a cloud: the same wisps as smoke, with nothing that burns."""
    for _ in range(int(s.u(1, 3.5))):
        s.wisp(rising(s.rng), (s.u(-20, 20), s.u(-6, 6)), s.u(70, 110), s.u(0.7, 0.98))
