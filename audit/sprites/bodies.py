"""Hands, fingers, lips: the same for weapons, cigarettes and harmless things."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.sprites.materials import Material, cloth, skin, vivid
from audit.sprites.render import Scene
from audit.sprites.shapes import Pair, blob, curve, ellipse, line, poly, tube


def finger(s: Scene, tone: Material, path: tuple[Pair, ...], width: float, *, nail: bool = False,
           painted: Material | None = None) -> None:  # fmt: skip
    """Draw a finger from root to tip along the path, with creases and perhaps a nail at the tip."""
    way = curve(*path, n=6)
    shade = tone.lit(s.u(0.94, 1.04))
    s.add(tube(way, [width * 1.08, width * 0.98, width * 1.0, width * 0.8]), shade,
          bevel=width * 0.24, shadow=0.4)  # fmt: skip
    for at in (0.36, 0.66):
        k = int(at * (len(way) - 1))
        d = way[min(k + 1, len(way) - 1)] - way[k]
        d = d / max(float(np.hypot(*d)), 1e-6)
        n = np.array([-d[1], d[0]]) * width * 0.3
        for step in (-0.05, 0.07):
            c = way[k] + d * width * step
            e = c + n * s.u(0.3, 1)
            s.mark(line(c[0] - n[0], c[1] - n[1], e[0], e[1], width * 0.055), tone.lit(0.62), 0.55)
    if nail:
        d = way[-1] - way[-3]
        angle = float(np.degrees(np.arctan2(d[1], d[0])))
        d = d / max(float(np.hypot(*d)), 1e-6)
        at = way[-1] + d * width * 0.06
        r, g, b = tone.colour
        plain = Material((min(1, r * 1.12 + 0.05), min(1, g * 1.08 + 0.04), min(1, b * 1.1 + 0.05)),
                         0.5, rough=0.0)  # fmt: skip
        s.add(ellipse(at[0], at[1], width * 0.36, width * 0.25, angle), painted or plain,
              bevel=width * 0.07, shadow=0.25)  # fmt: skip


def varnish(s: Scene) -> Material | None:
    """Nail varnish now and then."""
    return vivid(s.rng) if s.chance(0.15) else None


def forearm(s: Scene, tone: Material, wrist: Pair, angle: float, width: float) -> None:
    """Draw an arm leaving the wrist at an angle in degrees, sleeve or bare."""
    a = np.radians(angle)
    d, n = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    w, long = np.array(wrist), width * s.u(0.9, 2.2)
    tip = w - d * width * 0.4

    def at(along: float, across: float) -> Pair:
        p = w + d * along + n * across
        return float(p[0]), float(p[1])

    gone = (at(long * 1.1, 0), at(long * s.u(0.5, 0.9), 0)) if s.chance(0.5) else None
    s.add(tube(np.stack([tip, w + d * long]), [width * 0.82, width * 1.0], (True, False)), tone,
          bevel=width * 0.25, fade=gone)  # fmt: skip
    if s.chance(0.7):
        cuff = width * s.u(0.3, 0.9)
        fabric = cloth(s.rng)
        half = width * s.u(0.55, 0.7)
        s.add(poly(at(cuff, -half), at(long * 1.02, -half * 1.25), at(long * 1.02, half * 1.25),
                   at(cuff, half)), fabric, bevel=width * 0.22, fade=gone)  # fmt: skip
        s.mark(poly(at(cuff + width * 0.2, -half), at(cuff + width * 0.25, -half),
                    at(cuff + width * 0.25, half), at(cuff + width * 0.2, half)),
               fabric.lit(0.6), 0.6)  # fmt: skip


def grip_hand(s: Scene, top: Pair, bottom: Pair, width: float, trigger: Pair,
              ) -> tuple[Callable[[], None], Callable[[], None]]:  # fmt: skip
    """Prepare a hand round a handle whose forward side is to the right.

    top, bottom  ends of the handle's middle line
    width        of the handle
    trigger      where the index finger points
    returns      (behind, front): call the first before drawing the thing, the second after it
    """
    tone, nails = skin(s.rng), varnish(s)
    start, down = np.array(top), np.array(bottom) - np.array(top)
    long = float(np.hypot(*down))
    e = down / long
    forward = np.array([e[1], -e[0]])
    forward = forward if forward[0] > 0 else -forward
    tips = s.chance(0.5)
    thick = long * s.u(0.2, 0.235)

    def at(a: float, b: float) -> Pair:
        p = start + forward * a * width + e * b * long
        return float(p[0]), float(p[1])

    def behind() -> None:
        forearm(s, tone, at(-1.5, s.u(0.35, 0.6)), s.u(150, 185), long * s.u(0.62, 0.78))
        s.add(blob(at(0.2, -0.05), at(-0.8, -0.06), at(-1.5, 0.2), at(-1.6, 0.65), at(-0.9, 0.9),
                   at(0.3, 0.85)), tone, bevel=long * 0.13)  # fmt: skip

    def front() -> None:
        if tips:
            for k, b in enumerate((0.33, 0.53, 0.73)):
                inner = -0.15 + s.u(-0.12, 0.12) + 0.08 * k
                finger(s, tone, (at(0.62, b - 0.01), at(0.25, b), at(inner, b + 0.03)), thick,
                       nail=True, painted=nails)  # fmt: skip
            finger(s, tone, (at(-1.15, 0.22), at(-0.6, 0.1), at(0.0, 0.0), at(0.5, -0.03)),
                   thick * 1.12, nail=True, painted=nails)  # fmt: skip
            return
        s.add(blob(at(0.05, 0.1), at(-0.6, -0.04), at(-1.3, 0.12), at(-1.6, 0.5), at(-1.1, 0.85),
                   at(-0.2, 0.86), at(0.05, 0.5)), tone, bevel=long * 0.13)  # fmt: skip
        for k, b in enumerate((0.74, 0.53, 0.32)):
            finger(s, tone, (at(-0.5, b), at(0.1, b - 0.03), at(0.5 - 0.03 * k, b)), thick * 1.03)
        finger(s, tone, (at(-0.7, 0.12), at(0.1, 0.06), (trigger[0], trigger[1])), thick * 0.95)

    return behind, front


def between_fingers(s: Scene, stick: Callable[[Pair, float], None]) -> None:
    """Draw a hand that holds a stick between index and middle finger.

    stick  draws the thing, its held point at the given place, turned by the given degrees
    """
    tone, nails = skin(s.rng), varnish(s)
    w = s.u(11, 14)
    gap, back = s.u(-1.0, 1.5), s.chance(0.7)
    forearm(s, tone, (-42, 16), s.u(150, 200), w * 3.0)
    s.add(blob((6, -13), (-24, -15), (-46, -2), (-48, 26), (-28, 40), (2, 36), (10, 12)), tone,
          bevel=w * 0.7)  # fmt: skip
    bend = s.u(-9, 7)
    for k in (3, 2):  # little finger and ring finger, curled
        y = -2 + k * w * 0.92
        reach = s.u(14, 24) - 4 * (k - 2)
        finger(s, tone, ((-18, y), (2, y - 1), (reach, y + 2), (reach - 5, y + w * 0.5)), w * 0.92)
    root = w * 0.5 + gap
    lower = ((-12, root), (18, root + bend * 0.2), (44, root + bend * 0.6), (66, root + bend))
    upper = ((-12, -root), (16, -root - 1), (40, -root + bend * 0.4), (60, -root + bend * 0.8))
    finger(s, tone, lower, w, nail=back, painted=nails)
    stick((s.u(38, 54), bend * 0.6), s.u(-115, -60))
    finger(s, tone, upper, w, nail=back, painted=nails)
    if s.chance(0.6):
        finger(s, tone, ((-34, 26), (-12, 32), (8, 27), (24, s.u(18, 26))), w * 1.1, nail=True,
               painted=nails)  # fmt: skip


def pinch(s: Scene, stick: Callable[[Pair, float], None]) -> None:
    """Draw thumb and index finger that pinch a stick; it leaves towards the right."""
    tone, nails = skin(s.rng), varnish(s)
    w = s.u(12, 15)
    forearm(s, tone, (-62, 22), s.u(140, 185), w * 2.9)
    s.add(blob((-10, -16), (-38, -26), (-66, -4), (-64, 34), (-36, 42), (-12, 26)), tone,
          bevel=w * 0.7)  # fmt: skip
    for k in (2, 1, 0):
        y = 6 + k * w * 0.85
        finger(s, tone, ((-44, y), (-20, y + 6), (-6 - k * 4, y + 12), (-16 - 3 * k, y + 15)), w)
    finger(s, tone, ((-48, -10), (-26, -27), (-6, -22), (4, -7)), w, nail=s.chance(0.5),
           painted=nails)  # fmt: skip
    stick((0, 0), s.u(-28, 28))
    finger(s, tone, ((-46, 14), (-26, 16), (-8, 10), (3, 5)), w * 1.1, nail=True, painted=nails)


def lips(s: Scene, stick: Callable[[Pair, float], None] | None) -> None:
    """Draw a mouth from the front or in profile, with perhaps something between the lips."""
    tone = skin(s.rng)
    r, g, b = tone.colour
    rouge = s.u(0.75, 1.0)
    colour = (min(1.0, r * rouge + s.u(0, 0.08)), g * s.u(0.55, 0.75), b * s.u(0.6, 0.85))
    red = Material(vivid(s.rng).colour if s.chance(0.06) else colour, s.u(0.2, 0.6), rough=0.06)
    w, up, low = s.u(26, 32), s.u(7, 10), s.u(9, 13)
    opening = s.u(0.8, 4) if stick else s.u(0.4, 2)
    if s.chance(0.75):  # the face round the mouth fades out
        s.add(blob((-w * 1.6, -14), (-w * 0.9, -32), (0, -38), (w * 0.9, -32), (w * 1.6, -14),
                   (w * 1.45, 18), (w * 0.7, 38), (0, 44), (-w * 0.7, 38), (-w * 1.45, 18)), tone,
              bevel=8, feather=s.u(3, 7))  # fmt: skip
        s.add(blob((-4, -22), (0, -24), (4, -22), (3, -12), (-3, -12)), tone.lit(0.9),
              bevel=2, feather=2, shadow=0)  # fmt: skip
        s.add(ellipse(0, 22, w * 0.6, 3.5), tone.lit(0.8), bevel=0, feather=2.2, shadow=0,
              alpha=0.7)  # fmt: skip
        if s.chance(0.25):
            for _ in range(int(s.u(60, 160))):
                x, y = s.u(-w * 1.2, w * 1.2), s.u(-24, 36)
                if abs(y) > 12 or abs(x) > w:
                    s.mark(line(x, y, x + s.u(-1, 1), y + s.u(1, 3), 0.7), tone.lit(0.4), 0.6)
    s.add(blob((-w, 0), (-w * 0.5, -up * 0.75), (-w * 0.14, -up), (0, -up * 0.72), (w * 0.14, -up),
               (w * 0.5, -up * 0.75), (w, 0), (w * 0.4, opening), (-w * 0.4, opening)),
               red.lit(0.9),
          bevel=2.6)  # fmt: skip
    s.mark(blob((-w * 0.94, 0), (0, -opening * 0.7), (w * 0.94, 0), (0, opening + 1.2)),
           Material((0.16, 0.05, 0.05)))  # fmt: skip
    below = blob(
        (-w * 0.95, 0.4),
        (-w * 0.45, opening * 0.9),
        (0, opening),
        (w * 0.45, opening * 0.9),
        (w * 0.95, 0.4),
        (w * 0.5, low * 0.9),
        (0, low + opening),
        (-w * 0.5, low * 0.9),
    )
    held = (s.u(-w * 0.55, w * 0.55), opening * 0.6 - 0.5)
    if stick is not None and s.chance(0.5):
        stick(held, s.u(15, 75))
        s.add(below, red, bevel=3.2)
    else:
        s.add(below, red, bevel=3.2)
        if stick is not None:
            stick((held[0], held[1] + 1.0), s.u(15, 100))
            s.add(ellipse(held[0], held[1] - 3.4, 6.5, 3.2), red.lit(0.92), bevel=1.5, shadow=0.2)


def profile(s: Scene, stick: Callable[[Pair, float], None] | None) -> None:
    """Draw a face from brow to neck from the side, looking right."""
    tone = skin(s.rng)
    r, g, b = tone.colour
    red = Material((min(1.0, r * s.u(0.8, 1.0)), g * s.u(0.55, 0.75), b * s.u(0.6, 0.85)), 0.3)
    nose, chin = s.u(10, 17), s.u(-3, 4)
    face = curve((-34, -66), (-4, -66), (4, -54), (6, -47), (2, -40), (6, -30), (4 + nose, -18),
                 (2 + nose, -12), (5, -10), (6, -6), (10, -2.5), (6.5, 0), (9.5, 4), (5, 9),
                 (6 + chin, 15), (5 + chin, 22), (-4, 28), (-22, 33), (-34, 40), (-38, 54),
                 n=6)  # fmt: skip
    back = poly((-62, 54), (-64, 20), (-66, -30), (-52, -66))
    # Hair, ear and crown stay out: the side of the head dissolves into what is behind it.
    s.add(np.concatenate([face, back]), tone, bevel=5, feather=0.3, fade=((-56, -52), (-22, -34)))
    s.add(ellipse(-14, 14, 20, 11, -24), tone.lit(0.86), bevel=0, feather=5, shadow=0, alpha=0.6)
    s.add(ellipse(3 + nose * 0.4, -13.4, 2.4, 1.1), tone.lit(0.4), bevel=0, feather=0.4, shadow=0)
    s.add(blob((nose * 0.3 - 1, -18), (nose * 0.3 - 4, -13), (nose * 0.3, -10.5),
        (nose * 0.3 - 2, -13)),
          tone.lit(0.7), bevel=0, feather=0.5, shadow=0)  # fmt: skip
    s.add(
        blob((0, -40), (-5, -43.5), (-11, -40), (-5, -37)),
        Material((0.9, 0.88, 0.86), 0.4),
        bevel=1,
    )
    s.add(ellipse(-2.6, -40.2, 1.8, 2.8), Material((0.14, 0.09, 0.06), 0.6), bevel=0.4, shadow=0)
    hair = tone.lit(s.u(0.2, 0.6))
    s.mark(tube(curve((1, -41.5), (-5, -44.5), (-12, -40.5)), [0.8, 1.6, 0.8]), hair)
    s.mark(tube(curve((4, -49), (-5, -52), (-14, -48)), [2, 3, 1.2]), hair, 0.85)
    if s.chance(0.25):  # beard
        s.add(blob((6, 9), (8 + chin, 18), (2, 30), (-24, 35), (-44, 8), (-36, 6), (-18, 16),
            (-6, 8)),
              hair, bevel=2, feather=2.5, alpha=s.u(0.3, 0.9), shadow=0)  # fmt: skip
    if s.chance(0.6):
        s.add(poly((-70, 60), (-68, 38), (-50, 44), (-36, 50), (-28, 62)), cloth(s.rng), bevel=3)
    if stick is not None:
        stick((4.5, 0.4), s.u(-14, 30))
    s.add(blob((9.6, -2.4), (6, -5.6), (0, -2), (-4, 0.4), (6.5, 0.4)), red.lit(0.92), bevel=1.3,
          shadow=0.2)  # fmt: skip
    s.add(blob((9.2, 4), (6.5, 0.6), (-4, 0.6), (1, 5), (5, 7.4)), red, bevel=1.5, shadow=0.2)
    s.mark(line(-5, 0.6, 3.4, 0.5, 0.7), tone.lit(0.3), 0.8)


def fingers_round(
    s: Scene, left: float, right: float, y0: float, y1: float, tone: Material
) -> None:
    """Lay four fingertips over the right edge and a thumb over the left edge of an upright thing.

    left, right  x of the edges
    y0, y1       height range of the fingers
    """
    nails = varnish(s)
    step = (y1 - y0) / 4
    for k in range(4):
        y = y0 + (k + 0.5) * step + s.u(-0.1, 0.1) * step
        reach = (right - left) * s.u(0.1, 0.28)
        finger(s, tone, ((right + step * 0.7, y + step * 0.3), (right + step * 0.2, y),
                         (right - reach, y - step * 0.05)),
                         step * 0.92, nail=True, painted=nails)  # fmt: skip
    y = y0 + step * s.u(0.6, 2)
    finger(s, tone, ((left - step * 0.9, y + step * 2), (left - step * 0.5, y + step * 0.8),
                     (left + step * 0.3, y - step * 0.6)),
                     step * 1.1, nail=True, painted=nails)  # fmt: skip


def palm_behind(s: Scene, left: float, right: float, y0: float, y1: float, tone: Material) -> None:
    """Draw the hand behind an upright thing, and its arm going down."""
    w, h = right - left, y1 - y0
    forearm(s, tone, ((left + right) / 2, y1 + h * 0.5), s.u(60, 120), max(w, h) * s.u(0.5, 0.7))
    s.add(blob((left - w * 0.1, y0 + h * 0.3), (right + h * 0.18, y0), (right + h * 0.22, y1),
               (right - w * 0.1, y1 + h * 0.7), (left + w * 0.1, y1 + h * 0.75),
               (left - h * 0.22, y1)), tone, bevel=h * 0.16)  # fmt: skip
