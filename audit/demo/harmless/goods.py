"""Objects as shops show them: rendered on a plain ground, with a shadow and sometimes a price."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from audit.demo.harmless.faces import face
from audit.demo.harmless.sheet import SHAPES, blend, hue, ramp
from audit.sprites import sprite
from audit.sprites.materials import DARK, Material, anything, pale, steel, vivid, wood
from audit.sprites.render import Scene, render
from audit.sprites.shapes import blob, box, curve, ellipse, line, placed, poly, tube


def _mug(s: Scene) -> None:
    china = vivid(s.rng) if s.chance(0.6) else pale(s.rng)
    w, h = s.u(60, 80), s.u(62, 86)
    s.add(ellipse(w * 0.5, h * 0.48, w * 0.36, h * 0.32), china, bevel=3,
          holes=(ellipse(w * 0.5, h * 0.48, w * 0.23, h * 0.2),))  # fmt: skip
    body = blob((-w / 2, 0), (0, w * 0.08), (w / 2, 0), (w / 2, h * 0.9), (0, h), (-w / 2, h * 0.9))
    s.add(body, china, bevel=2, barrel=((-w * 0.52, 0), (w * 0.52, 0)))
    if s.chance(0.6):
        mark = vivid(s.rng)
        s.mark(ellipse(-w * 0.05, h * 0.5, w * 0.2, w * 0.2), mark)
        s.mark(ellipse(-w * 0.05, h * 0.5, w * 0.1, w * 0.1), china)
    s.add(ellipse(0, 0, w / 2, w * 0.13), china.lit(0.7), bevel=1, shadow=0)


def _flask(s: Scene) -> None:
    w, h = s.u(34, 46), s.u(120, 150)
    skin, rims = vivid(s.rng), ((-w * 0.52, 0.0), (w * 0.52, 0.0))
    s.add(box(-w / 2, 0, w / 2, h, 8), skin, bevel=2, barrel=rims)
    s.add(box(-w * 0.3, -26, w * 0.3, 4, 4), steel(s.rng), bevel=1.5, barrel=rims)
    s.add(box(-w / 2, h * 0.3, w / 2, h * 0.34), steel(s.rng), bevel=0.3, barrel=rims, shadow=0)
    s.mark(box(-w * 0.14, h * 0.5, w * 0.02, h * 0.78, 2), pale(s.rng), 0.85)


def _jar(s: Scene) -> None:
    w, h = s.u(64, 80), s.u(70, 96)
    rims = ((-w * 0.52, 0.0), (w * 0.52, 0.0))
    s.add(box(-w / 2, 10, w / 2, h, 12), vivid(s.rng), bevel=2, barrel=rims)
    s.add(box(-w * 0.45, -10, w * 0.45, 14, 3), steel(s.rng) if s.chance(0.5) else vivid(s.rng),
          bevel=1, barrel=rims)  # fmt: skip
    s.add(box(-w / 2, h * 0.35, w / 2, h * 0.8), pale(s.rng), bevel=0.2, barrel=rims, shadow=0)
    for k in range(3):
        s.mark(
            box(-w * 0.25, h * (0.45 + 0.1 * k), w * s.u(0, 0.25), h * (0.48 + 0.1 * k)), DARK, 0.7
        )


def _carton(s: Scene) -> None:
    w, h, d = s.u(60, 100), s.u(50, 130), s.u(18, 50)
    side = vivid(s.rng) if s.chance(0.7) else pale(s.rng)
    up = d * s.u(0.3, 0.6)
    s.add(box(0, 0, w, h), side, bevel=0.8)
    s.add(poly((w, 0), (w + d, -up), (w + d, h - up), (w, h)), side.lit(0.7), bevel=0.8)
    s.add(poly((0, 0), (d, -up), (w + d, -up), (w, 0)), side.lit(1.2), bevel=0.8)
    s.mark(box(w * 0.12, h * 0.12, w * 0.88, h * 0.34, 2), pale(s.rng))
    s.mark(ellipse(w / 2, h * 0.64, w * 0.24, min(w, h) * 0.22), vivid(s.rng))
    for k in range(3):
        s.mark(
            box(w * 0.2, h * (0.16 + 0.06 * k), w * s.u(0.4, 0.8), h * (0.18 + 0.06 * k)), DARK, 0.6
        )


def _shoe(s: Scene) -> None:
    upper, sole = vivid(s.rng) if s.chance(0.6) else anything(s.rng), pale(s.rng)
    tall = s.u(0, 34)
    s.add(blob((-70, -30 - tall), (-40, -38 - tall), (-26, -26), (10, -4), (52, 8), (70, 26),
               (66, 40), (-70, 40), (-74, 8)), upper, bevel=5)  # fmt: skip
    s.add(blob((-76, 34), (0, 36), (70, 30), (78, 40), (70, 52), (-72, 52)), sole, bevel=2)
    s.add(
        blob((38, 12), (56, 12), (70, 28), (66, 38), (36, 38)), upper.lit(1.25), bevel=2, shadow=0.1
    )
    for k in range(4):
        x, y = -24 + k * 12, -22 + k * 8
        s.add(line(x - 8, y + 10, x + 10, y - 2, 4), sole, bevel=0.8, shadow=0.2)
    s.add(tube(curve((-50, 26), (-20, 12), (20, 22)), [6]), vivid(s.rng), bevel=0.5, shadow=0)


def _phone(s: Scene) -> None:
    w, h = s.u(56, 66), s.u(118, 134)
    s.add(box(0, 0, w, h, 9), steel(s.rng), bevel=1.5)
    s.add(box(2.5, 2.5, w - 2.5, h - 2.5, 7), vivid(s.rng), bevel=0.3, shadow=0)
    for row in range(int(s.u(2, 6))):
        for column in range(4):
            x, y = 8 + column * (w - 12) / 4, 14 + row * 16
            s.mark(box(x, y, x + 9, y + 9, 2.5), vivid(s.rng), 0.95)
    s.mark(box(w * 0.36, 5, w * 0.64, 9, 2), DARK)


def _book(s: Scene) -> None:
    w, h, d = s.u(70, 90), s.u(100, 124), s.u(6, 22)
    cover = vivid(s.rng)
    s.add(poly((w, 0), (w + d, -d * 0.6), (w + d, h - d * 0.6), (w, h)), pale(s.rng), bevel=0.5)
    s.add(poly((0, 0), (d, -d * 0.6), (w + d, -d * 0.6), (w, 0)), pale(s.rng).lit(1.1), bevel=0.5)
    s.add(box(0, 0, w, h), cover, bevel=0.8)
    s.mark(box(w * 0.14, h * 0.12, w * 0.86, h * 0.2), pale(s.rng))
    s.mark(box(w * 0.14, h * 0.24, w * 0.6, h * 0.28), pale(s.rng), 0.8)
    s.mark(ellipse(w / 2, h * 0.62, w * 0.28, w * 0.28), vivid(s.rng))


def _lamp(s: Scene) -> None:
    shade, w = (vivid(s.rng) if s.chance(0.6) else pale(s.rng)), s.u(40, 64)
    s.add(box(-3, 30, 3, 120), steel(s.rng), bevel=1, barrel=((-3, 0), (3, 0)))
    s.add(ellipse(0, 122, w * 0.7, 9), steel(s.rng), bevel=2)
    s.add(poly((-w * 0.55, -30), (w * 0.55, -30), (w, 40), (-w, 40)), shade, bevel=1.5,
          barrel=((-w, 0), (w, 0)))  # fmt: skip


def _chair(s: Scene) -> None:
    timber = wood(s.rng) if s.chance(0.6) else vivid(s.rng)
    seat = vivid(s.rng) if s.chance(0.5) else timber
    for x, y in ((-30, 60), (34, 52)):
        s.add(line(x * 0.9, 0, x * 1.1, y + 28, 6), timber.lit(0.8), bevel=1)
    s.add(box(-36, -80, -28, 10, 2), timber, bevel=1)
    s.add(box(28, -86, 36, 6, 2), timber, bevel=1)
    for k in range(int(s.u(2, 5))):
        slat = poly((-34, -74), (34, -80), (34, -70), (-34, -64))
        s.add(placed(slat, (0, 18 * k)), timber, bevel=1)
    s.add(poly((-40, 0), (36, -8), (50, 14), (-32, 24)), seat, bevel=2)
    for x, y in ((-30, 100), (46, 88)):
        s.add(line(x, 16, x * 1.05, y, 6), timber, bevel=1)


def _headphones(s: Scene) -> None:
    band, pad = anything(s.rng), anything(s.rng)
    s.add(tube(curve((-50, 20), (-48, -30), (0, -64), (48, -30), (50, 20)), [8]), band, bevel=2)
    for side in (-1, 1):
        s.add(ellipse(side * 50, 34, 17, 28), pad, bevel=5)
        s.add(ellipse(side * 44, 34, 10, 22), pad.lit(0.6), bevel=3)


def _watch(s: Scene) -> None:
    strap, case = anything(s.rng), steel(s.rng)
    for y0, y1 in ((-90, -24), (24, 90)):
        s.add(box(-15, y0, 15, y1, 5), strap, bevel=1.5)
    s.add(ellipse(0, 0, 34, 34, n=60), case, bevel=3)
    s.add(ellipse(0, 0, 27, 27, n=60), pale(s.rng) if s.chance(0.6) else DARK, bevel=0.5, shadow=0)
    hand = DARK if s.chance(0.6) else steel(s.rng)
    for k in range(12):
        s.mark(placed(box(-1, -25, 1, -21), (0, 0), 30 * k), hand)
    s.mark(placed(box(-1.5, -15, 1.5, 3), (0, 0), s.u(0, 360)), hand)
    s.mark(placed(box(-1, -21, 1, 3), (0, 0), s.u(0, 360)), hand)


def _fruit(s: Scene) -> None:
    tone = Material((s.u(0.6, 0.95), s.u(0.15, 0.8), s.u(0.03, 0.2)), s.u(0.2, 0.6), rough=0.06)
    wide = s.u(42, 54)
    s.add(blob((0, -34), (wide * 0.7, -40), (wide, 0), (wide * 0.6, 44), (0, 40), (-wide * 0.6, 44),
               (-wide, 0), (-wide * 0.7, -40)), tone, bevel=14)  # fmt: skip
    s.add(tube(curve((0, -32), (3, -46), (s.u(-6, 14), -58)), [5]), wood(s.rng), bevel=1)
    s.add(
        blob((4, -46), (22, -62), (42, -54), (22, -42)),
        Material((0.25, s.u(0.4, 0.6), 0.15)),
        bevel=1,
    )


def _teapot(s: Scene) -> None:
    china, h = (vivid(s.rng) if s.chance(0.6) else pale(s.rng)), s.u(40, 54)
    s.add(ellipse(58, 0, 26, 30), china, bevel=3, holes=(ellipse(58, 0, 15, 19),))
    s.add(
        blob((-40, 10), (-66, -8), (-86, -40), (-74, -44), (-52, -22), (-30, -18)), china, bevel=4
    )
    s.add(ellipse(0, 0, 56, h), china, bevel=12)
    s.add(ellipse(0, -h * 0.82, 26, 9), china.lit(1.1), bevel=2)
    s.add(ellipse(0, -h - 4, 7, 7), china, bevel=2)


def _bag(s: Scene) -> None:
    cloth = anything(s.rng)
    s.add(tube(curve((-26, -30), (-18, -78), (18, -78), (26, -30)), [6]), cloth.lit(0.7), bevel=1.5)
    s.add(blob((-48, -36), (48, -36), (58, 30), (52, 60), (-52, 60), (-58, 30)), cloth, bevel=6)
    s.add(box(-36, 4, 36, 46, 6), cloth.lit(0.85), bevel=2)
    s.add(box(-6, 0, 6, 14, 2), steel(s.rng), bevel=1)


_GOODS: tuple[Callable[[Scene], None], ...] = (
    _mug, _flask, _jar, _carton, _shoe, _phone, _book, _lamp, _chair, _headphones, _watch, _fruit,
    _teapot, _bag,
)  # fmt: skip
_TOOLS = (
    "drill", "hair_dryer", "hammer", "screwdriver", "wrench", "camera", "binoculars", "umbrella",
    "remote", "keys", "flashlight", "controller", "microphone", "pen", "toothbrush", "lipstick",
)  # fmt: skip


def _shown(rng: random.Random, things: list[Image.Image]) -> Image.Image:
    """The objects side by side on a plain ground, each with its shadow; a price now and then."""
    size = rng.choice(SHAPES)
    wide, high = size
    back = rng.choice(((255, 255, 255), (245, 245, 246), (232, 230, 226), hue(rng, 0.25, 0.92),
                       hue(rng, 0.5, 0.6)))  # fmt: skip
    image = ramp(size, back, blend(back, (90, 90, 96), rng.choice((0.0, 0.15, 0.35))),
                 rng.choice((90, 60, 120)))  # fmt: skip
    floor = high * rng.uniform(0.8, 0.9)
    room = wide / len(things)
    for k, thing in enumerate(things):
        scale = min(room * 0.86 / thing.width, high * rng.uniform(0.55, 0.72) / thing.height)
        thing = thing.resize((max(1, int(thing.width * scale)), max(1, int(thing.height * scale))),
                             Image.Resampling.BICUBIC)  # fmt: skip
        x, y = int(room * (k + 0.5) - thing.width / 2), int(floor - thing.height)
        shade = Image.new("L", size)
        foot = (x + thing.width * 0.05, floor - 14, x + thing.width, floor + 14)
        ImageDraw.Draw(shade).ellipse(foot, fill=rng.randint(70, 150))
        image.paste((30, 28, 30), mask=shade.filter(ImageFilter.GaussianBlur(9)))
        image.paste(thing, (x, y), thing)
    if rng.random() < 0.25:
        pen = ImageDraw.Draw(image)
        tone = hue(rng, 0.8, 0.7)
        pen.rounded_rectangle((wide - 150, 20, wide - 20, 66), 12, tone)
        pen.text((wide - 85, 43), f"{rng.randint(4, 99)}.{rng.choice(('90', '50', '99'))}",
                 (255, 255, 255), face("sans-bold", 26), "mm")  # fmt: skip
    return image


def products(rng: random.Random) -> Image.Image:
    """One to three everyday things: mugs, bottles, boxes, shoes, phones, books, lamps ..."""
    things = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        scene = Scene(
            np.random.default_rng(rng.getrandbits(32)), spin=rng.choice((0.0, 8.0)), tilt=0.6
        )
        rng.choice(_GOODS)(scene)
        things.append(Image.fromarray(render(scene, 240)))
    return _shown(rng, things)


def tools(rng: random.Random) -> Image.Image:
    """Tools and gadgets that share shapes with risky things; the objects are those of training."""
    kinds = rng.sample(_TOOLS, rng.choice((1, 1, 2)))
    return _shown(rng, [Image.fromarray(sprite(k, rng.getrandbits(30), 240)) for k in kinds])
