"""Smoke and steam as density: threads carried by a turbulent field, and billowing clouds."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from audit.sprites.render import Image32, noise_tile


def _blur(density: Image32, radius: float) -> Image32:
    top = float(density.max()) or 1.0
    eight = Image.fromarray((density / top * 255).astype(np.uint8))
    blurred = eight.filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(blurred, dtype=np.float32) * np.float32(top / 255)


def threads(rng: np.random.Generator, size: int = 112) -> Image32:
    """[size, ~0.6 size] float32 0..1: a plume that rises straight, then curls and spreads."""
    steps, sheets, per = 90, int(rng.integers(3, 7)), 50
    width = int(size * rng.uniform(0.45, 0.8))
    spread = np.linspace(-1, 1, per)[None, :] * rng.uniform(0.5, 1.6, (sheets, 1))
    x = (width / 2 + spread + rng.normal(0, 0.6, (sheets, 1))).ravel()
    y = np.full_like(x, float(size - 1))
    tile, (ox, oy) = noise_tile(), rng.integers(0, 512, 2)
    lean, calm = rng.normal(0, 0.25), rng.uniform(0.05, 0.3)
    density = np.zeros(size * width, dtype=np.float64)
    reach = size / steps * rng.uniform(0.95, 1.15)
    zoom = rng.uniform(1.4, 2.6)
    for k in range(steps):
        t = k / steps
        wild = max(0.0, t - calm) * 7.0
        ix, iy = (x * zoom + ox).astype(int), (y * zoom + oy).astype(int)
        # The curl of a potential: it turns the threads without piling them up.
        vx = (tile[(iy + 6) % 512, ix % 512] - tile[(iy - 6) % 512, ix % 512]) * wild
        vy = (tile[iy % 512, (ix + 6) % 512] - tile[iy % 512, (ix - 6) % 512]) * wild
        for _ in range(2):
            x = x + 0.5 * (vx * 1.6 + lean * reach * t * 2)
            y = y - 0.5 * (reach + np.clip(vy, -0.7, 0.7))
            inside = (x > 0) & (x < width - 1) & (y > 0) & (y < size - 1)
            at = y[inside].astype(int) * width + x[inside].astype(int)
            density += np.bincount(at, minlength=density.size) * (1 - t) ** 0.6
    field = density.reshape(size, width).astype(np.float32)
    field = 0.5 * _blur(field, 0.8) + 0.7 * _blur(field, 2.2) + 0.8 * _blur(field, 5)
    field = 1 - np.exp(-field / (np.percentile(field, 96) + 1e-6) * rng.uniform(0.8, 1.8))
    return _faded(field * rng.uniform(0.6, 0.95))


def cloud(rng: np.random.Generator, size: int = 96) -> Image32:
    """[size, size] float32 0..1: a puff, thick in the middle, ragged at the rim."""
    tile, (ox, oy) = noise_tile(), rng.integers(0, 400, 2)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size * 2 - 1
    iy, ix = ((y + 1) * 45 + oy).astype(int), ((x + 1) * 45 + ox).astype(int)
    wx, wy = tile[iy % 512, ix % 512], tile[(iy + 200) % 512, (ix + 130) % 512]
    grow = 0.4 + 0.45 * (1 - (y + 1) / 2)  # narrow at the source, wide above
    radius = np.hypot((x + 0.42 * wx) / grow, (y + 0.42 * wy) * rng.uniform(0.95, 1.2))
    k = rng.uniform(25, 60)
    fine = tile[
        ((y + wy * 0.3 + 2) * k).astype(int) % 512, ((x + wx * 0.3 + 2) * k).astype(int) % 512
    ]
    field = np.clip(1.0 - radius, 0, 1) ** 0.7 * (0.65 + 0.5 * fine)
    field = np.clip(field * rng.uniform(0.7, 1.3), 0, 0.9)
    return _faded(_blur(np.asarray(field, dtype=np.float32), rng.uniform(0.8, 2.2)))


def _faded(field: Image32) -> Image32:
    """Fade towards the top and the sides, so that no edge of the array shows."""
    h, w = field.shape
    top = np.clip(np.arange(h) / (0.25 * h), 0, 1)[:, None] ** 1.2
    side = np.clip(np.minimum(np.arange(w), w - 1 - np.arange(w)) / (0.12 * w), 0, 1)[None, :]
    return np.asarray(field * top * side, dtype=np.float32)


def rising(rng: np.random.Generator) -> Image32:
    """Return threads or a cloud."""
    return threads(rng) if rng.uniform() < 0.7 else cloud(rng)
