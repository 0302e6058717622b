"""Patch features of a frozen encoder, computed once and kept on disk.

    CACHE/<encoder, layer and crop: 16 hex>/00000.npy    float16 [n, T, D]
                                            00000.json   the pictures of its rows: sha256, phash

A block appears whole or not at all, the .json last. Pictures are found by the sha256 of their
bytes, so a run that was killed, or one with some more examples, computes only what is missing.

Letters in shapes: N pictures, B batch, S input side in pixels, T patches, D feature width.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch

from audit.encoder import Encoder
from audit.parts import replacing

BLOCK_BYTES = 64 << 20
"""Size of a block's features, about: what a killed run computes again at most."""
CHUNK = 32
"""Pictures encoded at a time."""


class Place(NamedTuple):
    """Where the features of a picture lie."""

    block: int
    row: int
    phash: str


class FeatureCache:
    """The stored features of one encoder, at one layer and crop."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        crop_mode: Literal["pad", "center"],
        device: torch.device | None = None,
    ) -> None:
        """Blocks that are not whole are passed over; new ones take other numbers."""
        self.encoder = encoder.eval()
        self.crop_mode = crop_mode
        self._device = device or torch.device("cpu")
        self.key = self._key()
        self.folder = folder / self.key[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._places: dict[str, Place] = {}
        self._blocks: dict[int, np.ndarray] = {}
        self._waiting: list[tuple[str, str, np.ndarray]] = []
        self._fresh: list[tuple[list[tuple[str, str]], np.ndarray]] = []
        self._next = 0
        self._find()

    def _key(self) -> str:
        """sha256 hex of all that decides the features; names of weights do not, the weights do."""
        named = {k: self.encoder.spec.get(k) for k in ("kind", "model", "layer", "dims")}
        digest = hashlib.sha256(json.dumps([named, self.crop_mode], sort_keys=True).encode())
        for name, tensor in sorted(self.encoder.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _find(self) -> None:
        for path in sorted(self.folder.glob("*.json")):
            number = int(path.stem)
            self._next = max(self._next, number + 1)
            try:
                rows = json.loads(path.read_bytes())
                features = np.load(path.with_suffix(".npy"), mmap_mode="r")
            except (OSError, ValueError, EOFError):
                continue
            if len(features) == len(rows) and features.dtype == np.float16 and features.ndim == 3:
                self._blocks[number] = features
                for row, (sha256, phash) in enumerate(rows):
                    self._places.setdefault(sha256, Place(number, row, phash))

    def phash(self, sha256: str) -> str | None:
        """The perceptual hash of a picture whose features are stored or waiting, else None."""
        place = self._places.get(sha256)
        return place.phash if place else None

    def __len__(self) -> int:
        """Pictures stored."""
        return len(self._places)

    def add(self, sha256: str, phash: str, pixels: np.ndarray) -> None:
        """Take a prepared picture [S, S, 3] uint8; it is encoded with others, see `flush`."""
        self._places[sha256] = Place(-1, -1, phash)
        self._waiting.append((sha256, phash, pixels))
        if len(self._waiting) == CHUNK:
            self._encode()

    def flush(self) -> None:
        """Encode and store what is waiting."""
        if self._waiting:
            self._encode()
        self._store()

    @torch.inference_mode()
    def _encode(self) -> None:
        pixels = torch.from_numpy(np.stack([p for _, _, p in self._waiting])).permute(0, 3, 1, 2)
        with torch.autocast("cuda", torch.bfloat16, enabled=self._device.type == "cuda"):
            patches = self.encoder(pixels.to(self._device)).patches.half().cpu().numpy()
        self._fresh.append(([(s, h) for s, h, _ in self._waiting], patches))
        self._waiting.clear()
        if sum(f.nbytes for _, f in self._fresh) >= BLOCK_BYTES:
            self._store()

    def _store(self) -> None:
        if not self._fresh:
            return
        rows = [entry for entries, _ in self._fresh for entry in entries]
        features = np.concatenate([f for _, f in self._fresh])
        number, self._next = self._next, self._next + 1
        path = self.folder / f"{number:05d}.npy"
        with replacing(path) as new, new.open("wb") as file:
            np.save(file, features)
        with replacing(path.with_suffix(".json")) as new:
            new.write_text(json.dumps(rows), encoding="utf-8")
        self._blocks[number] = np.load(path, mmap_mode="r")
        for row, (sha256, phash) in enumerate(rows):
            self._places[sha256] = Place(number, row, phash)
        self._fresh.clear()

    @property
    def bytes_each(self) -> int:
        """Bytes on disk that one picture takes."""
        side, width = self.encoder.size, self.encoder.patch_width
        with torch.inference_mode():
            probe = torch.zeros(1, 3, side, side, dtype=torch.uint8, device=self._device)
            return int(self.encoder(probe).patches.shape[1]) * width * 2

    def view(self, sha256s: Sequence[str]) -> Features:
        """The features of some pictures, in this order; all must have been added and flushed."""
        return Features(self._blocks, [self._places[s] for s in sha256s])


class Features:
    """Features of N pictures, read from disk as they are asked for."""

    def __init__(self, blocks: dict[int, np.ndarray], places: Sequence[Place]) -> None:
        """places: one a picture, in the order of the rows."""
        self._blocks = blocks
        self._places = places

    def __len__(self) -> int:
        """N."""
        return len(self._places)

    def patches(self, rows: np.ndarray) -> torch.Tensor:
        """[B, T, D] float32 of the pictures at `rows`, an index array [B]."""
        picked = [self._places[i] for i in rows.tolist()]
        return torch.from_numpy(np.stack([self._blocks[p.block][p.row] for p in picked])).float()

    def take(self, rows: np.ndarray) -> Features:
        """Those at `rows`, an index array."""
        return Features(self._blocks, [self._places[i] for i in rows.tolist()])
