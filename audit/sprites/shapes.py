"""Outlines as arrays of points: model units, x to the right, y down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""[n, 2] float64 points."""
Pair = tuple[float, float]


def poly(*points: Pair) -> Points:
    """[n, 2] outline through the given points."""
    return np.array(points, dtype=np.float64)


def ellipse(cx: float, cy: float, rx: float, ry: float, angle: float = 0.0, n: int = 30) -> Points:
    """[n, 2] ellipse; angle in degrees."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = rx * np.cos(t), ry * np.sin(t)
    return np.stack([cx + c * x - s * y, cy + s * x + c * y], axis=1)


def rounded(points: Points, radius: float, n: int = 5) -> Points:
    """Close a polygon with every corner cut by a quadratic curve that starts `radius` away."""
    before = np.roll(points, 1, axis=0) - points
    after = np.roll(points, -1, axis=0) - points
    out = []
    t = np.linspace(0, 1, n)[:, None]
    for p, a, b in zip(points, before, after, strict=True):
        la, lb = max(float(np.hypot(*a)), 1e-6), max(float(np.hypot(*b)), 1e-6)
        start, end = p + a / la * min(radius, la / 2), p + b / lb * min(radius, lb / 2)
        out.append((1 - t) ** 2 * start + 2 * t * (1 - t) * p + t**2 * end)
    return np.concatenate(out)


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Points:
    """Rectangle with rounded corners."""
    points = poly((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return rounded(points, radius) if radius > 0 else points


def _catmull(p: Points, n: int) -> Points:
    t = np.linspace(0, 1, n, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return np.asarray(curve.transpose(1, 0, 2).reshape(-1, 2))


def blob(*points: Pair, n: int = 8) -> Points:
    """Closed smooth curve through the points."""
    p = np.array(points, dtype=np.float64)
    return _catmull(np.concatenate([p[-1:], p, p[:2]]), n)


def curve(*points: Pair, n: int = 8) -> Points:
    """Open smooth path through the points, both ends included."""
    p = np.array(points, dtype=np.float64)
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    return np.concatenate([_catmull(padded, n), p[-1:]])


def tube(path: Points, widths: Sequence[float], caps: tuple[bool, bool] = (True, True)) -> Points:
    """Outline of a stroke along the path.

    path    [n, 2]
    widths  full widths, spread evenly along the path
    caps    whether the start and the end are round
    """
    direction = np.gradient(path, axis=0)
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-6)[:, None]
    normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    at = np.linspace(0, 1, len(path))
    half = np.interp(at, np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    left, right = path + normal * half, path - normal * half
    turn = np.linspace(0, np.pi, 9)[1:-1, None]
    end = path[-1] + half[-1] * (np.cos(turn) * normal[-1] + np.sin(turn) * direction[-1])
    start = path[0] - half[0] * (np.cos(turn) * normal[0] + np.sin(turn) * direction[0])
    pieces = [left, end] if caps[1] else [left]
    pieces += [right[::-1], start] if caps[0] else [right[::-1]]
    return np.concatenate(pieces)


def line(x0: float, y0: float, x1: float, y1: float, width: float) -> Points:
    """Straight stroke with flat ends."""
    return tube(np.array([(x0, y0), (x1, y1)], dtype=np.float64), [width], (False, False))


def placed(points: Points, at: Pair, angle: float = 0.0, scale: float = 1.0) -> Points:
    """Scale, turn by angle degrees (clockwise on screen), then move."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.asarray(points * scale @ np.array([(c, s), (-s, c)]) + np.array(at))
