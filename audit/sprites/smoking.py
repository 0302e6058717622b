"""Cigarettes, cigars and pipes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.sprites.bodies import between_fingers, lips, pinch, profile
from audit.sprites.materials import DARK, Material, anything, steel, varied, wood
from audit.sprites.render import Scene
from audit.sprites.shapes import Pair, blob, box, curve, ellipse, line, placed, tube
from audit.sprites.smoke import cloud, rising


def stick(
    s: Scene, long: float, *, smoke: float = 0.35, held: float = 0.12
) -> Callable[[Pair, float], None]:
    """Prepare a cigarette of some length.

    smoke    probability of a plume
    held     where along it the hand or the mouth holds it, 0..1
    returns  draws it: held point at the place, filter behind, tip ahead at the angle
    """
    width = long / s.u(8, 13.5)
    bow = s.u(-0.025, 0.025) * long
    paper = Material(varied(s.rng, (0.93, 0.92, 0.89), 0.02), 0.1, rough=0.04)
    tan = varied(s.rng, (0.83, 0.58, 0.32), 0.03) if s.chance(0.75) else paper.colour
    filter_end, ash_start = s.u(0.24, 0.34), s.u(0.86, 0.95)
    burning = smoke >= 1 or s.chance(0.85)

    def draw(at: Pair, angle: float) -> None:
        def part(
            a: float, b: float, material: Material, swell: float = 1.0, soft: float = 0.0
        ) -> None:
            t = np.linspace(a, b, 9)
            path = np.stack(
                [(t - held) * long, bow * (4 * t * (1 - t) - 4 * held * (1 - held))], axis=1
            )
            outline = placed(tube(path, [width * swell], (False, False)), at, angle)
            rim = placed(np.array([(0.0, -width * 0.62), (0.0, width * 0.62)]), at, angle)
            middle = placed(path[4:5], at, angle)[0] - np.array(at)
            ends = rim + (
                middle - (placed(np.array([(path[4, 0], 0.0)]), at, angle)[0] - np.array(at))
            )
            s.add(outline, material, bevel=width * 0.14, feather=soft,
                  barrel=((float(ends[0, 0]), float(ends[0, 1])), (float(ends[1, 0]),
                  float(ends[1, 1]))),
                  shadow=0.3)  # fmt: skip

        part(0, filter_end, Material(tan, 0.1, rough=0.14))
        end = ash_start if burning else 1.0
        part(filter_end, end, paper)
        band = filter_end + 0.012
        part(band, band + 0.015, Material(varied(s.rng, (0.7, 0.55, 0.25), 0.05)), 1.01)
        tip = end
        if burning:
            glow = Material((1.0, s.u(0.3, 0.55), s.u(0.05, 0.15)), 0.2, rough=0.5)
            hot = s.u(0.01, 0.035) if s.chance(0.8) else 0.0
            if hot:
                part(end, end + hot, glow, 1.02)
            part(end - 0.012, end, Material((0.22, 0.17, 0.14), rough=0.4), 1.01)
            tip = end + hot + s.u(0.02, 0.12)
            part(
                end + hot,
                tip,
                Material(varied(s.rng, (0.48, 0.46, 0.45), 0.03), 0, rough=0.7),
                s.u(0.85, 0.98),
            )
        point = placed(np.array([((tip - held) * long,
            bow * (4 * tip * (1 - tip) - 4 * held * (1 - held)))]),
                       at, angle)[0]  # fmt: skip
        if burning and s.chance(smoke):
            s.wisp(
                rising(s.rng),
                (float(point[0]), float(point[1])),
                long * s.u(0.8, 1.8),
                s.u(0.72, 0.95),
            )

    return draw


def cigarette(s: Scene) -> None:
    """Draw a cigarette on its own."""
    s.spin, s.tilt = 180, 0.6
    stick(s, 100, smoke=0.1)((0, 0), 0)


def cigarette_smoke(s: Scene) -> None:
    """Draw a cigarette with a plume of smoke."""
    s.spin, s.tilt = 25, 0.6
    long = stick(s, 100, smoke=1.0)
    long((0, 0), s.u(-80, 20))


def cigarette_fingers(s: Scene) -> None:
    """Draw a cigarette held by fingers."""
    s.spin = 50
    if s.chance(0.7):
        between_fingers(s, stick(s, s.u(85, 115), held=s.u(0.2, 0.36)))
    else:
        pinch(s, stick(s, s.u(80, 110), held=s.u(0.06, 0.2)))


def cigarette_lips(s: Scene) -> None:
    """Draw a cigarette in a mouth."""
    s.spin = 16
    (lips if s.chance(0.55) else profile)(s, stick(s, s.u(52, 80), held=s.u(0.02, 0.08)))
    if s.chance(0.15):
        s.wisp(cloud(s.rng), (s.u(-5, 20), s.u(0, 20)), s.u(50, 90), s.u(0.75, 0.95))


def cigar(s: Scene) -> None:
    """Draw a cigar, alone or in a hand."""
    s.spin, s.tilt = 60, 0.8
    leaf = Material(varied(s.rng, (0.36, 0.21, 0.12), 0.04), 0.15, "wood", 0.3)
    band = anything(s.rng)
    long, w = 100.0, s.u(13, 19)

    def draw(at: Pair, angle: float, x: float = -22.0) -> None:
        def put(points: list[Pair], m: Material, bevel: float = 1.0) -> None:
            rim = placed(np.array([(0.0, -w * 0.58), (0.0, w * 0.58)]), at, angle)
            c, d = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            s.add(placed(np.array(points), at, angle), m, bevel=bevel, grain=(float(c), float(d)),
                  barrel=((float(rim[0, 0]), float(rim[0, 1])), (float(rim[1, 0]),
                  float(rim[1, 1]))))  # fmt: skip

        body = curve((x, -w * 0.22), (x + 9, -w * 0.47), (x + 40, -w * 0.5), (x + long, -w * 0.46))
        put([*map(tuple, body), *map(tuple, body[::-1] * (1, -1))], leaf, 1.4)
        for _ in range(4):
            k = s.u(x + 10, x + 85)
            s.mark(
                placed(line(k, -w * 0.48, k + s.u(6, 14), w * 0.48, 0.7), at, angle),
                leaf.lit(0.6),
                0.6,
            )
        ring = s.u(x + 24, x + 32)
        put(
            [(ring, -w * 0.51), (ring + 9, -w * 0.51), (ring + 9, w * 0.51), (ring, w * 0.51)],
            band,
            0.5,
        )
        s.add(
            placed(ellipse(ring + 4.5, 0, 3, w * 0.25), at, angle),
            Material((0.8, 0.65, 0.25), 0.6),
            bevel=0.6,
        )
        tip = x + long
        if s.chance(0.8):
            put([(tip, -w * 0.47), (tip + 3, -w * 0.47), (tip + 3, w * 0.47), (tip, w * 0.47)],
                Material((0.95, 0.4, 0.1), rough=0.6), 0.5)  # fmt: skip
        ash = s.u(4, 15)
        put([(tip + 2, -w * 0.45), (tip + ash, -w * 0.4), (tip + ash + 2, 0), (tip + ash, w * 0.41),
             (tip + 2, w * 0.45)], Material((0.55, 0.54, 0.53), 0, rough=0.7))  # fmt: skip
        if s.chance(0.4):
            p = placed(np.array([(tip + ash, 0.0)]), at, angle)[0]
            s.wisp(rising(s.rng), (float(p[0]), float(p[1])), s.u(60, 120), s.u(0.72, 0.92))

    mode = s.u(0, 1)
    if mode < 0.45:
        draw((0, 0), s.u(-20, 20))
    elif mode < 0.8:
        (pinch if s.chance(0.5) else between_fingers)(s, draw)
    else:
        s.spin = 16
        profile(s, lambda at, angle: draw(at, angle, -4.0))


def pipe(s: Scene) -> None:
    """Draw a tobacco pipe, perhaps smoking."""
    timber = wood(s.rng) if s.chance(0.8) else anything(s.rng)
    drop = s.u(-6, 18)
    s.add(
        tube(curve((0, 0), (26, 2), (52, 10 + drop * 0.6), (72, 26 + drop)), [5, 5, 6, 11]),
        DARK.lit(2.2),
        bevel=1.4,
    )
    s.add(
        tube(curve((44, 7 + drop * 0.4), (60, 16 + drop * 0.8), (78, 26 + drop)), [8, 9, 15]),
        timber,
        bevel=2,
    )
    top, h = drop - 6, 42.0
    s.add(blob((66, top), (96, top), (98, top + h * 0.5), (92, top + h * 0.9), (80, top + h),
        (70, top + h * 0.85),
               (64, top + h * 0.4)), timber, bevel=4, grain=(0.2, 1))  # fmt: skip
    s.add(ellipse(81, top + 1, 15.5, 3.8), timber.lit(1.15), bevel=0.8)
    s.add(ellipse(81, top + 1.3, 11, 2.5), DARK, bevel=0.3)
    s.add(box(43, 4 + drop * 0.35, 47, 13 + drop * 0.45, 1), steel(s.rng), bevel=0.8)
    if s.chance(0.5):
        s.wisp(rising(s.rng), (81, top + 1), s.u(50, 110), s.u(0.72, 0.95))


def vape(s: Scene) -> None:
    """Draw an electronic cigarette blowing a cloud, perhaps held."""
    s.spin, s.tilt = 60, 0.6
    body, w = anything(s.rng), s.u(10, 15)

    def draw(at: Pair, angle: float) -> None:
        a, b = placed(np.array([(0.0, -w * 0.56), (0.0, w * 0.56)]), at, angle)
        rims = ((float(a[0]), float(a[1])), (float(b[0]), float(b[1])))
        s.add(placed(box(-30, -w * 0.3, -12, w * 0.3, 2), at, angle), DARK.lit(3), barrel=rims)
        s.add(placed(box(-16, -w / 2, 70, w / 2, 2), at, angle), body, barrel=rims)
        s.add(placed(box(-2, -w / 2, 1, w / 2), at, angle), steel(s.rng), barrel=rims, bevel=0.3)
        s.add(placed(ellipse(20, 0, 3.4, 3.4), at, angle), steel(s.rng), bevel=0.8)

    if s.chance(0.6):
        pinch(s, draw)
    else:
        draw((0, 0), 0)
    s.wisp(cloud(s.rng), (s.u(-30, 0), s.u(-20, 5)), s.u(60, 110), s.u(0.82, 0.97))
