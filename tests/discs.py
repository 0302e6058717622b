"""Drawn scenes with and without a striped disc at a known place: a thing to learn and to find."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from audit.scorer import Scorer


def scene(seed: int, *, disc: bool, wide: int = 128, high: int = 96) -> tuple[Image.Image, tuple]:
    """A scene of plain patches and lines, and the box (left, top, right, bottom) of its disc."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (wide, high), tuple(rng.integers(90, 200, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = int(rng.integers(wide)), int(rng.integers(high))
        right, bottom = x + int(rng.integers(8, 50)), y + int(rng.integers(8, 50))
        pen.rectangle((x, y, right, bottom), tuple(rng.integers(60, 220, 3).tolist()))
    side = int(rng.integers(high // 3, high // 2))
    left, top = int(rng.integers(wide - side)), int(rng.integers(high - side))
    if disc:
        for n, inset in enumerate(range(0, side // 2, 4)):
            ring = (left + inset, top + inset, left + side - inset, top + side - inset)
            pen.ellipse(ring, (220, 20, 30) if n % 2 else (250, 250, 250))
    return image, (left, top, left + side, top + side)


def png_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def folder(path: Path, seeds: Sequence[int], *, disc: bool) -> Path:
    """Pictures in a folder."""
    path.mkdir(parents=True)
    for seed in seeds:
        scene(seed, disc=disc)[0].save(path / f"{seed:05d}.png")
    return path


def shard(path: Path, seeds: Sequence[int]) -> Path:
    """A shard in which the keys of even seeds show the disc."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for seed in seeds:
            data = png_of(scene(seed, disc=seed % 2 == 0)[0])
            member = tarfile.TarInfo(f"{seed:05d}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def pixels(scorer: Scorer, seeds: Sequence[int], *, disc: bool) -> np.ndarray:
    """The scenes as the scorer takes them, [B, S, S, 3] uint8."""
    from audit.explaining import prepared

    found = [np.asarray(scene(seed, disc=disc)[0]) for seed in seeds]
    return np.stack([prepared(picture, scorer)[0] for picture in found])
