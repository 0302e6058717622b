"""Views of pictures that keep the thing and change the look.

A net trained on a few photo sources learns the sources unless everything that tells them apart is
made random: geometry, borders, colour, resolution, compression, and the rest of the scene. All
functions take and give float32 pixels in 0..255; letters: B batch, R stored side, S output side.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

CHUNK = 4
"""Pictures worked on at a time."""


def views(
    images: Tensor, aspects: Tensor, size: int, rng: torch.Generator, strength: float = 1.0
) -> Tensor:
    """One random view of each picture.

    images   [B, 3, R, R] uint8, each picture stretched to a square
    aspects  [B] float32, true width / height
    strength  0..1: how far and how often a view leaves the picture as it was
    returns  [B, 3, S, S] float32
    """
    other = images[torch.randperm(len(images), generator=rng)]
    out = torch.empty(len(images), 3, size, size)
    # A few at a time, so that the working memory stays in the cache.
    for some in torch.arange(len(images)).split(CHUNK):
        x = colour(images[some].float(), other[some].float(), rng, strength)
        x = geometry(x, aspects[some], size, rng, strength)
        x = softness(x, rng, strength)
        x = noise(x, rng, strength)
        x = compression(x, rng)
        out[some] = cutout(x, rng, strength)
    return out


def _uniform(shape: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=rng) * (high - low) + low


def _some(batch: int, share: float, rng: torch.Generator) -> Tensor:
    """Indices of a random `share` of the batch."""
    return (torch.rand(batch, generator=rng) < share).nonzero()[:, 0]


def colour(x: Tensor, other: Tensor, rng: torch.Generator, far: float) -> Tensor:
    """Colour statistics taken over from other pictures, in part, then jitter and grey."""
    batch = len(x)
    mean, std = _statistics(x)
    other_mean, other_std = _statistics(other)
    strength = _uniform((batch, 1, 1, 1), -0.6, 1, rng).clamp(0) * far
    mean_wanted = mean + strength * (other_mean - mean)
    contrast = (std + strength * (other_std - std)).clamp(max=80) / std
    gain = _uniform((batch, 1, 1, 1), 1 - 0.4 * far, 1 + 0.4 * far, rng) * _uniform(
        (batch, 3, 1, 1), 1 - 0.15 * far, 1 + 0.15 * far, rng
    )
    x = (x * (contrast * gain) + (mean_wanted - mean * contrast) * gain).clamp(0, 255)
    grey = (x * x.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturation = 1 + far * (_uniform((batch, 1, 1, 1), -0.35, 1.5, rng).clamp(0) - 1)
    x = (grey + saturation * (x - grey)).clamp(0, 255)
    gamma = torch.exp(_uniform((batch, 1, 1, 1), -0.4, 0.4, rng) * far)
    x = (x / 255) ** gamma * 255
    flip = _some(batch, 0.03 * far, rng)
    x[flip] = 255 - x[flip]
    return x


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, [B, 3, 1, 1] each, from a ninth of the pixels."""
    thin = x[:, :, ::3, ::3]
    return thin.mean((2, 3), keepdim=True), thin.std((2, 3), keepdim=True) + 1


def geometry(x: Tensor, aspects: Tensor, size: int, rng: torch.Generator, far: float) -> Tensor:
    """Random aspect, zoom, place, tilt and mirror; what lies outside is a random plain border."""
    batch = len(x)
    own = aspects.log() + torch.randn(batch, generator=rng) * 0.12
    foreign = torch.randn(batch, generator=rng) * 0.35
    aspect = torch.where(torch.rand(batch, generator=rng) < 1 - 0.5 * far, own, foreign).exp()
    zoom = torch.exp(_uniform((batch,), -0.55, 0.15, rng) * far)
    across, down = zoom * (1 / aspect).clamp(min=1), zoom * aspect.clamp(min=1)
    slack_x, slack_y = (1 - across).clamp(min=0.05), (1 - down).clamp(min=0.05)
    centre_x = _uniform((batch,), -1, 1, rng) * slack_x
    centre_y = _uniform((batch,), -1, 1, rng) * slack_y
    mirror = torch.where(torch.rand(batch, generator=rng) < 0.5, -1.0, 1.0)
    tilt = torch.randn(batch, generator=rng) * 0.15 * far
    shear = torch.randn(batch, generator=rng) * 0.06 * far
    cos, sin = tilt.cos(), tilt.sin()
    theta = torch.stack(
        [
            torch.stack([across * cos * mirror, across * (shear - sin), centre_x], 1),
            torch.stack([down * sin * mirror, down * cos, centre_y], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    plain = torch.tensor([128.0, 128.0, 128.0, 0.0, 255.0])[
        torch.randint(5, (batch,), generator=rng)
    ].view(batch, 1, 1, 1)
    tinted = _uniform((batch, 3, 1, 1), 0, 255, rng)
    border = torch.where(torch.rand(batch, 1, 1, 1, generator=rng) < 0.8, plain, tinted)
    return F.grid_sample(x - border, grid, align_corners=False) + border


def softness(x: Tensor, rng: torch.Generator, often: float) -> Tensor:
    """Lower resolution, or unsharp masking, for a part of the batch each."""
    size = x.shape[-1]
    for index in _some(len(x), 0.35 * often, rng):
        side = int(torch.randint(size // 3, size, (1,), generator=rng))
        small = F.interpolate(x[index : index + 1], size=side, mode="area")
        mode = "bilinear" if torch.rand(1, generator=rng) < 0.8 else "nearest"
        x[index : index + 1] = F.interpolate(small, size=size, mode=mode)
    sharpen = _some(len(x), 0.2 * often, rng)
    if len(sharpen):
        some = x[sharpen]
        x[sharpen] = (some + (some - F.avg_pool2d(some, 3, 1, 1))).clamp(0, 255)
    return x


def noise(x: Tensor, rng: torch.Generator, often: float) -> Tensor:
    """Sensor noise of random strength on a part of the batch."""
    some = _some(len(x), 0.3 * often, rng)
    if len(some):
        strength = _uniform((len(some), 1, 1, 1), 0, 14, rng)
        x[some] += torch.randn(x[some].shape, generator=rng) * strength
    return x.clamp(0, 255)


def compression(x: Tensor, rng: torch.Generator) -> Tensor:
    """JPEG at a random quality from 20 to 95 on a part of the batch."""
    for index in _some(len(x), 0.4, rng):
        quality = int(torch.randint(20, 96, (1,), generator=rng))
        pixels = x[index].permute(1, 2, 0).byte().numpy()
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as image:
            x[index] = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
    return x


def cutout(x: Tensor, rng: torch.Generator, often: float) -> Tensor:
    """A few plain squares over a part of the batch."""
    size = x.shape[-1]
    for index in _some(len(x), 0.3 * often, rng):
        for _ in range(int(torch.randint(1, 5, (1,), generator=rng))):
            side = int(torch.randint(size // 20, size // 6, (1,), generator=rng))
            top, left = torch.randint(0, size - side, (2,), generator=rng).tolist()
            value = float(torch.randint(0, 2, (1,), generator=rng)) * 255 * 0.5
            x[index, :, top : top + side, left : left + side] = value
    return x


def paste_sprite(
    image: np.ndarray, sprite: np.ndarray, span: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """A drawn object put on a picture at a random place, size, tilt and light.

    image    [R, R, 3] uint8, left as it is
    sprite   [h, w, 4] uint8, straight alpha
    span     smallest and largest share of the picture's side that the object takes
    returns  [R, R, 3] uint8
    """
    side = image.shape[0]
    longest = side * rng.uniform(*span)
    scale = longest / max(sprite.shape[:2])
    drawn = Image.fromarray(sprite)
    drawn = drawn.resize(
        (
            max(4, round(sprite.shape[1] * scale * rng.uniform(0.85, 1.15))),
            max(4, round(sprite.shape[0] * scale)),
        ),
        Image.Resampling.BILINEAR,
    )
    if rng.random() < 0.5:
        drawn = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    drawn = drawn.rotate(rng.normal(0, 30), Image.Resampling.BILINEAR, expand=True)
    patch = np.asarray(drawn, dtype=np.float32)
    height, width = patch.shape[:2]
    top = int(rng.integers(-height // 5, max(1, side - height + height // 5)))
    left = int(rng.integers(-width // 5, max(1, side - width + width // 5)))
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + height, side), min(left + width, side)
    patch = patch[y0 - top : y1 - top, x0 - left : x1 - left]
    out = image.copy()
    under = out[y0:y1, x0:x1].astype(np.float32)
    # The object takes on some of the scene's light.
    light = 0.5 + 0.5 * (under.mean() + 20) / 128
    colour = np.clip(patch[..., :3] * np.clip(light * rng.uniform(0.7, 1.2), 0.35, 1.5), 0, 255)
    alpha = patch[..., 3:] / 255 * rng.uniform(0.85, 1)
    out[y0:y1, x0:x1] = (under + alpha * (colour - under)).astype(np.uint8)
    return out


def inset(background: np.ndarray, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A whole picture put into another scene with soft edges: [R, R, 3] uint8 both and out."""
    side = background.shape[0]
    width, height = (int(side * rng.uniform(0.45, 0.85)) for _ in range(2))
    small = np.asarray(
        Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR),
        dtype=np.float32,
    )
    top, left = int(rng.integers(0, side - height)), int(rng.integers(0, side - width))
    edge = rng.uniform(1, side / 8)
    ramp_y = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    ramp_x = np.minimum(np.arange(width), np.arange(width)[::-1])[None, :]
    alpha = np.clip((np.minimum(ramp_y, ramp_x) + 1) / edge, 0, 1)[..., None]
    out = background.copy()
    under = out[top : top + height, left : left + width].astype(np.float32)
    blended = under + alpha * (small - under)
    out[top : top + height, left : left + width] = blended.astype(np.uint8)
    return out


def margin(picture: np.ndarray, rng: np.random.Generator, *, top_only: bool) -> np.ndarray:
    """A strip off the edge of a picture, stretched back to its square: the scene without the thing.

    top_only  the strip is the top 28 to 40 %, else any of the four edges at 20 to 30 %
    """
    side = picture.shape[0]
    depth = int(side * (rng.uniform(0.28, 0.4) if top_only else rng.uniform(0.2, 0.3)))
    length = int(side * rng.uniform(0.45, 1))
    start = int(rng.integers(0, side - length + 1))
    edge = 0 if top_only else int(rng.integers(4))
    strip = (
        picture[:depth, start : start + length],
        picture[side - depth :, start : start + length],
        picture[start : start + length, :depth],
        picture[start : start + length, side - depth :],
    )[edge]
    return np.asarray(Image.fromarray(strip).resize((side, side), Image.Resampling.BILINEAR))
