"""A scene of flat parts, painted back to front with relief light, gloss, texture and shadow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from audit.sprites.materials import Material
from audit.sprites.shapes import Pair, Points

Image32 = NDArray[np.float32]
SUPERSAMPLING = 2  # of shading and colour; outlines are sampled twice as finely again


@dataclass(frozen=True, slots=True)
class Part:
    """One painted shape. Lengths in model units.

    bevel    how far the rounding reaches in from the edge
    barrel   (from, to) across a cylinder, which is then shaded as one; None for a flat part
    grain    direction of the wood grain
    feather  softness of the outline
    shadow   0..1, how dark the contact shadow on what lies below is
    fade     (nothing, all): the part grows from transparent to opaque between these points
    """

    outline: Points
    material: Material
    bevel: float
    holes: tuple[Points, ...]
    barrel: tuple[Pair, Pair] | None
    grain: Pair
    alpha: float
    feather: float
    shadow: float
    fade: tuple[Pair, Pair] | None


@dataclass(frozen=True, slots=True)
class Wisp:
    """Smoke or steam that rises on the screen whatever the view.

    density  [h, w] float32 0..1; its source is the middle of the bottom edge
    at       source in model units
    height   in model units
    """

    density: Image32
    at: Pair
    height: float
    colour: tuple[float, float, float]


@dataclass(slots=True)
class Scene:
    """Parts in painting order, with the dice that shaped them.

    spin     greatest turn in degrees, either way
    tilt     strength of shear and perspective, about 0..1
    """

    rng: np.random.Generator
    spin: float = 18.0
    tilt: float = 1.0
    parts: list[Part | Wisp] = field(default_factory=list)

    def u(self, low: float, high: float) -> float:
        """Draw a uniform number."""
        return float(self.rng.uniform(low, high))

    def chance(self, p: float) -> bool:
        """Be true with probability p."""
        return bool(self.rng.uniform() < p)

    def add(
        self,
        outline: Points,
        material: Material,
        *,
        bevel: float = 1.0,
        holes: tuple[Points, ...] = (),
        barrel: tuple[Pair, Pair] | None = None,
        grain: Pair = (1.0, 0.0),
        alpha: float = 1.0,
        feather: float = 0.0,
        shadow: float = 0.35,
        fade: tuple[Pair, Pair] | None = None,
    ) -> None:
        """Put a part on top of the others."""
        self.parts.append(
            Part(outline, material, bevel, holes, barrel, grain, alpha, feather, shadow, fade)
        )

    def mark(self, outline: Points, material: Material, alpha: float = 1.0) -> None:
        """Put a flat marking on top: a line, a groove, a label."""
        self.add(outline, material, bevel=0.0, alpha=alpha, shadow=0.0)

    def wisp(self, density: Image32, at: Pair, height: float, grey: float) -> None:
        """Let smoke or steam rise from a point."""
        tint = self.rng.normal(0, 0.008, 3) + grey
        self.parts.append(
            Wisp(density, at, height, (float(tint[0]), float(tint[1]), float(tint[2])))
        )


@cache
def noise_tile() -> Image32:
    """[512, 512] fractal noise that tiles, about -1..1."""
    rng = np.random.default_rng(7)
    fy, fx = np.fft.fftfreq(512)[:, None], np.fft.fftfreq(512)[None, :]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1
    spectrum = np.fft.fft2(rng.normal(size=(512, 512))) / radius**1.15
    spectrum[0, 0] = 0
    tile = np.fft.ifft2(spectrum).real
    return np.asarray(np.clip(tile / (2 * tile.std()), -1.5, 1.5), dtype=np.float32)


def _homography(scene: Scene) -> NDArray[np.float64]:
    """Random view [3, 3]: mirror, turn, shear, stretch and perspective about the model's middle."""
    rng, k = scene.rng, scene.tilt

    def some(sigma: float) -> float:
        return float(np.clip(rng.normal(), -1.6, 1.6)) * sigma * k

    angle = np.radians(rng.uniform(-scene.spin, scene.spin))
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([(c, -s, 0), (s, c, 0), (0, 0, 1)])
    mirror = np.diag([rng.choice([-1.0, 1.0]), 1, 1])
    shear = np.array([(1, some(0.07), 0), (some(0.05), 1, 0), (0, 0, 1)])
    stretch = np.diag([1 - abs(some(0.1)), 1 - abs(some(0.06)), 1])
    bend = np.array([(1, 0, 0), (0, 1, 0), (some(0.13), some(0.13), 1)])
    return np.asarray(turn @ bend @ shear @ stretch @ mirror)


def _viewer(scene: Scene, points: Points) -> tuple[NDArray[np.float64], Pair, float]:
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    half = max(float((high - low).max()) / 2, 1e-6)
    return _homography(scene), (float(middle[0]), float(middle[1])), half


def _seen(points: Points, h: NDArray[np.float64], middle: Pair, half: float) -> Points:
    p = (points - np.array(middle)) / half
    q = np.concatenate([p, np.ones((len(p), 1))], axis=1) @ h.T
    return np.asarray(q[:, :2] / np.maximum(q[:, 2:], 0.3))


def _texture(part: Part, along: NDArray[np.float64], shape: tuple[int, int], seed: int) -> Image32:
    """[h, w] pattern about -1..1 for the part's material."""
    h, w = shape
    oy, ox = seed % 487, seed // 487 % 491
    tile = noise_tile()
    if part.material.texture == "wood":
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        a = x * along[0] + y * along[1]
        b = y * along[0] - x * along[1]
        warp = tile[(oy + (a * 0.4).astype(int)) % 512, (ox + (b * 0.4).astype(int)) % 512]
        rings = np.sin((b * 0.42 + warp * 5 + ox).astype(np.float32))
        fine = tile[(oy + (a * 0.12).astype(int)) % 512, (ox + (b * 2.5).astype(int)) % 512]
        return np.asarray(0.45 * rings + 0.8 * fine, dtype=np.float32)
    if part.material.texture == "knurl":
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        return np.asarray(np.sin((x + y) * 0.75) * np.sin((x - y) * 0.75), dtype=np.float32)
    rows = np.arange(oy, oy + h) % 512
    return tile[rows][:, np.arange(ox, ox + w) % 512]


def _barrel_profile(rng: np.random.Generator, gloss: float) -> Image32:
    """[64] light across a cylinder: dark rims, a band of light, a bright line, a faint return."""
    t = np.linspace(0, 1, 64)
    peak = rng.uniform(0.2, 0.42)
    body = 0.38 + 0.72 * np.sqrt(np.clip(1 - (2 * np.abs(t - 0.1 - 0.7 * peak)) ** 2, 0, 1))
    line = gloss * 0.9 * np.exp(-(((t - peak) / 0.07) ** 2))
    back = gloss * 0.35 * np.exp(-(((t - 0.88) / 0.06) ** 2))
    return np.asarray(body + line + back, dtype=np.float32)


@dataclass(slots=True)
class _Canvas:
    """Premultiplied colour [3, h, w] and alpha [h, w], float32 0..1."""

    colour: Image32
    alpha: Image32
    unit: float  # pixels in one model unit
    light: Pair  # unit vector to the light


def _window(canvas: _Canvas, points: Points, pad: int) -> tuple[int, int, int, int]:
    h, w = canvas.alpha.shape
    low, high = points.min(axis=0), points.max(axis=0)
    x0, y0 = max(int(low[0]) - pad, 0), max(int(low[1]) - pad, 0)
    x1, y1 = min(int(high[0]) + pad + 1, w), min(int(high[1]) + pad + 1, h)
    return x0, y0, x1, y1


Ramp = tuple[float, float, float]
"""(a, b, c): the value a * x + b * y + c at a pixel."""


def _ramp(ramp: Ramp, x0: int, y0: int, shape: tuple[int, ...]) -> Image32:
    a, b, c = ramp
    y = np.arange(y0, y0 + shape[0], dtype=np.float32) * np.float32(b) + np.float32(c)
    x = np.arange(x0, x0 + shape[1], dtype=np.float32) * np.float32(a)
    return np.asarray(y[:, None] + x[None, :], dtype=np.float32)


def _ramp_between(
    ends: tuple[Pair, Pair], near: Points, pixels: Callable[[Points], Points]
) -> Ramp:
    """Ramp from 0 at one end to 1 at the other, level across them.

    A sheared view does not keep right angles, so the level direction is projected too,
    close to the part, as perspective changes it from place to place.
    """
    p, q = np.array(ends[0]), np.array(ends[1])
    level = np.array([p[1] - q[1], q[0] - p[0]]) / max(float(np.hypot(*(q - p))), 1e-9)
    shift = level * float((near.mean(axis=0) - p) @ level)
    a, b, c = pixels(np.stack([p + shift, q + shift, p + shift + level]))
    normal = np.array([a[1] - c[1], c[0] - a[0]])
    normal = normal / (float((b - a) @ normal) or 1e-9)
    return float(normal[0]), float(normal[1]), -float(a @ normal)


def _paint(canvas: _Canvas, part: Part, outline: Points, holes: list[Points],
barrel: Ramp, fade: Ramp,
           grain: Pair, rng: np.random.Generator) -> None:  # fmt: skip
    """Paint one part; outline, holes and ramps are in pixels."""
    r = float(np.clip(part.bevel * canvas.unit, 0, 15))
    soft = part.feather * canvas.unit
    reach = max(r, soft)
    x0, y0, x1, y1 = _window(canvas, outline, int(1.6 * reach) + 2)
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    stencil = Image.new("L", (2 * (x1 - x0), 2 * (y1 - y0)))
    pen = ImageDraw.Draw(stencil)
    pen.polygon(((outline - (x0, y0)) * 2).ravel().tolist(), fill=255)
    for hole in holes:
        pen.polygon(((hole - (x0, y0)) * 2).ravel().tolist(), fill=0)
    stencil = stencil.reduce(2)
    mask = np.asarray(stencil, dtype=np.float32) / 255
    if soft > 0:
        blurred = stencil.filter(ImageFilter.GaussianBlur(soft))
        mask = np.asarray(blurred, dtype=np.float32) / 255
        mask = np.clip(mask * 2 - 1, 0, 1)
    m = part.material
    shade = np.ones_like(mask)
    shine = None
    if r > 0.4:
        height = np.asarray(stencil.filter(ImageFilter.GaussianBlur(r)), dtype=np.float32) / 255
        if part.shadow > 0:
            dark = 1 - part.shadow * height
            canvas.colour[:, y0:y1, x0:x1] *= dark
        facing = np.zeros_like(mask)
        facing[:, 1:-1] = (height[:, :-2] - height[:, 2:]) * np.float32(canvas.light[0] * 1.25 * r)
        facing[1:-1] += (height[:-2] - height[2:]) * np.float32(canvas.light[1] * 1.25 * r)
        shade = 0.72 + 0.28 * np.clip(height * 2 - 1, 0, 1) + 0.38 * facing
        shine = m.gloss * 0.9 * np.clip(facing - 0.3, 0, 1)
    if part.barrel is not None:
        t = _ramp(barrel, x0, y0, mask.shape) * np.float32(63)
        shade = shade * _barrel_profile(rng, m.gloss)[np.clip(t, 0, 63).astype(np.intp)]
    if part.fade is not None:
        mask = mask * np.clip(_ramp(fade, x0, y0, mask.shape), 0, 1)
    if m.rough > 0 and r > 0.4:
        direction = np.array(grain)
        pattern = _texture(part, direction, mask.shape, int(rng.integers(1 << 20)))
        shade = shade * (1 + m.rough * pattern)
    a = mask * np.float32(part.alpha)
    colour = np.array(m.colour, dtype=np.float32)[:, None, None] * np.clip(shade, 0.08, 2.2)
    if m.texture == "skin":  # light that went through the skin comes back red in the shade
        glow = np.clip(1 - shade, 0, 1)
        colour[0] += glow * np.float32(0.10 * m.colour[0])
        colour[1] += glow * np.float32(0.015 * m.colour[0])
    if shine is not None:
        colour += shine
    np.minimum(colour, 1, out=colour)
    here = canvas.colour[:, y0:y1, x0:x1]
    colour -= here
    colour *= a
    here += colour
    there = canvas.alpha[y0:y1, x0:x1]
    there += (1 - there) * a


def _paint_wisp(canvas: _Canvas, wisp: Wisp, at: Points, tall: float) -> None:
    h = max(int(tall), 2)
    w = max(int(tall * wisp.density.shape[1] / wisp.density.shape[0]), 2)
    picture = Image.fromarray((np.clip(wisp.density, 0, 1) * 255).astype(np.uint8))
    full = np.asarray(picture.resize((w, h), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    x, y = int(at[0]) - w // 2, int(at[1]) - h
    ch, cw = canvas.alpha.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, cw), min(y + h, ch)
    if x1 <= x0 or y1 <= y0:
        return
    a = full[y0 - y : y1 - y, x0 - x : x1 - x]
    here = canvas.colour[:, y0:y1, x0:x1]
    here += (np.array(wisp.colour, dtype=np.float32)[:, None, None] - here) * a
    there = canvas.alpha[y0:y1, x0:x1]
    there += (1 - there) * a


def _light_up(pixels: Image32, rng: np.random.Generator) -> Image32:
    """Give straight colour [h, w, 3] 0..1 the lamp's colour, a fall-off, exposure and contrast."""
    h, w = pixels.shape[:2]
    warm = rng.normal(0, 0.035)
    tint = np.array([1 + warm, 1 + rng.normal(0, 0.01), 1 - warm], dtype=np.float32)
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.22)
    ramp = (
        np.cos(angle) * np.linspace(-1, 1, w)[None, :]
        + np.sin(angle) * np.linspace(-1, 1, h)[:, None]
    )
    gamma = np.exp(rng.normal(0, 0.13))
    out = np.clip(pixels, 0, 1) ** np.float32(gamma) * tint
    return np.asarray(out * (1 + fall * ramp[..., None]), dtype=np.float32)


def render(scene: Scene, size: int) -> NDArray[np.uint8]:
    """Paint the scene, seen from a random viewpoint.

    size     longest side of the result in pixels
    returns  [h, w, 4] uint8 RGBA, straight alpha, cropped to what is visible
    """
    rng = scene.rng
    model = np.concatenate(
        [p.outline for p in scene.parts if isinstance(p, Part)]
        or [np.array([p.at]) for p in scene.parts if isinstance(p, Wisp)]
    )
    h, middle, half = _viewer(scene, model)

    def seen(points: Points) -> Points:
        return _seen(points, h, middle, half)

    corners = [seen(p.outline) for p in scene.parts if isinstance(p, Part)]
    for p in scene.parts:
        if isinstance(p, Wisp):
            tall = p.height / half
            wide = tall * p.density.shape[1] / p.density.shape[0] / 2
            corners.append(seen(np.array([p.at])) + np.array([(-wide, -tall), (wide, 0)]))
    everything = np.concatenate(corners)
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = size * SUPERSAMPLING / float((high - low).max())
    width, height = (int(v) + 2 for v in np.ceil((high - low) * scale))
    angle = np.radians(rng.normal(-100, 40))
    canvas = _Canvas(
        np.zeros((3, height, width), np.float32),
        np.zeros((height, width), np.float32),
        scale / half,
        (float(np.cos(angle)), float(np.sin(angle))),
    )

    def pixels(points: Points) -> Points:
        return np.asarray((seen(points) - low) * scale + 1)

    for p in scene.parts:
        if isinstance(p, Wisp):
            _paint_wisp(canvas, p, pixels(np.array([p.at]))[0], p.height * canvas.unit)
            continue
        flat = (0.0, 0.0, 0.0)
        barrel = _ramp_between(p.barrel, p.outline, pixels) if p.barrel else flat
        fade = _ramp_between(p.fade, p.outline, pixels) if p.fade else flat
        centre = p.outline.mean(axis=0)
        along = np.diff(pixels(np.stack([centre, centre + np.array(p.grain)])), axis=0)[0]
        along = along / max(float(np.hypot(*along)), 1e-9)
        holes = [pixels(hole) for hole in p.holes]
        grain = (float(along[0]), float(along[1]))
        _paint(canvas, p, pixels(p.outline), holes, barrel, fade, grain, rng)
    return _developed(canvas, size, rng)


def _developed(canvas: _Canvas, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Crop to what is visible and scale down to [h, w, 4] uint8, straight alpha."""
    visible = canvas.alpha > 0.03
    ys, xs = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    window = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    alpha = canvas.alpha[window]
    planes = np.concatenate([canvas.colour[:, window[0], window[1]], alpha[None]])
    eight = (planes * 255 + 0.5).clip(0, 255).astype(np.uint8)
    h, w = alpha.shape
    small = (max(1, round(w * size / max(h, w))), max(1, round(h * size / max(h, w))))
    # "RGBa" is premultiplied: colour must not bleed in from where nothing was painted.
    image = Image.frombuffer(
        "RGBa",
        (w, h),
        np.moveaxis(eight, 0, 2).tobytes(),
        "raw",
        "RGBa",
        0,
        1,
    )
    rgba = np.asarray(image.resize(small, Image.Resampling.BOX, reducing_gap=None).convert("RGBA"))
    out = rgba.copy()
    straight = np.asarray(rgba[..., :3], dtype=np.float32) / np.float32(255)
    out[..., :3] = np.clip(_light_up(straight, rng), 0, 1) * 255
    return out
