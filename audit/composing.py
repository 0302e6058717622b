"""Training batches in which only the thing itself tells risky from harmless.

Photo sets have one source a concept, so a net can reach a perfect validation figure by learning the
sources. These batches break that link on purpose:

- drawn objects (weapons, cigarettes; phones, cups, tools) are put on harmless photos;
- risky photos are set into harmless scenes, so the frame and the background say nothing;
- strips off the edges of risky photos, where the thing rarely is, count as harmless.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audit.augment import inset, margin, paste_sprite
from audit.drawn import DRAWN
from audit.labelled import LabelledSet
from audit.sprites import pool
from audit.taxonomy import LEVELS, SAFE, TYPES, Taxonomy

BATCH_SHARE = 0.5
"""Share of risky pictures in training batches."""

SPANS = {"weapon": (0.25, 0.9), "smoking": (0.12, 0.5), None: (0.15, 0.7)}
"""Share of the picture's side that a drawn object of each concept takes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """B composed examples.

    images    [B, 3, R, R] uint8
    aspects   [B] float32
    types     [B] int64
    levels    [B] int64
    concepts  [B, K] float32, NaN where unknown
    weights   [B] float32, below 1 where the label is only likely
    """

    images: Tensor
    aspects: Tensor
    types: Tensor
    levels: Tensor
    concepts: Tensor
    weights: Tensor


class Composer:
    """Draws balanced, composed batches from a labelled set; the same seed gives the same batches.

    Half of a batch is harmless; inside each half, a label of a source counts with the square root
    of its number, drawn documents a quarter of that.
    """

    def __init__(
        self,
        examples: LabelledSet,
        names: tuple[str, ...],
        taxonomy: Taxonomy,
        seed: int,
        *,
        sprites: int = 400,
        strength: float = 1.0,
    ) -> None:
        self.examples = examples
        self.strength = strength
        self.names = names
        self.rng = np.random.default_rng(seed)
        self.drawn = np.array([s.startswith(DRAWN) for s in examples.sources])
        self.labels = {
            c.name: (TYPES.index(c.type), LEVELS.index(c.level))
            for c in taxonomy.concepts
            if c.name in names
        }
        drawable = [c for c in SPANS if c is None or c in names]
        # Drawing them takes seconds, and without strength nothing is pasted.
        self.sprites = {c: pool(c, sprites, seed) for c in drawable if strength}
        self.objects = [c for c in self.sprites if c]
        self.odds = self._odds()
        harmless = (examples.types == SAFE) & ~self.drawn
        self.scenes = np.flatnonzero(harmless)
        odds = self.odds[harmless]
        self.scene_odds = odds / odds.sum() if harmless.any() else None

    def _odds(self) -> np.ndarray:
        e = self.examples
        cells = np.array([f"{n}|{s}" for n, s in zip(e.names, e.sources, strict=True)])
        _, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
        odds = 1 / np.sqrt(counts[inverse]) * np.where(self.drawn, 0.25, 1.0)
        for half in (e.types == SAFE, e.types != SAFE):
            odds[half] *= BATCH_SHARE / max(odds[half].sum(), 1e-9)
        normalised: np.ndarray = odds / odds.sum()
        return normalised

    def batch(self, size: int) -> Batch:
        """The next `size` examples."""
        picks = self.rng.choice(len(self.odds), size, p=self.odds)
        rows = [self._compose(int(i)) for i in picks]
        pictures, types, levels, concepts, weights = zip(*rows, strict=True)
        return Batch(
            torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2),
            torch.from_numpy(self.examples.aspects[picks]),
            torch.tensor(types),
            torch.tensor(levels),
            torch.from_numpy(np.stack(concepts)),
            torch.tensor(weights),
        )

    def _compose(self, i: int) -> tuple[np.ndarray, int, int, np.ndarray, float]:
        e, rng = self.examples, self.rng
        picture, kind, level = e.pictures[i], int(e.types[i]), int(e.levels[i])
        concepts, weight = e.concepts[i].copy(), 1.0
        dice = rng.random() / self.strength if self.strength else 1.0
        if self.drawn[i] or self.scene_odds is None:
            return picture, kind, level, concepts, weight
        if kind == SAFE:
            if dice < 0.3 and self.objects:
                return self._with_object(picture, concepts)
            if dice < 0.5:
                picture = self._paste(picture, None)
            elif dice < 0.62:
                picture = inset(self._scene(), picture, rng)
            return picture, kind, level, concepts, weight
        name = str(e.names[i])
        if dice < 0.25:
            picture = inset(self._scene(), picture, rng)
        elif dice < 0.5 and name in self.sprites:
            strip = margin(picture, rng, top_only=name == "smoking")
            if rng.random() < 0.35:
                return self._with_object(strip, concepts * 0)
            if rng.random() < 0.6:
                strip = self._paste(strip, None)
            doubt = np.where(concepts > 0, 0.08, 0).astype(np.float32)
            return strip, SAFE, 0, doubt, 0.6
        elif dice < 0.6:
            picture = self._paste(picture, None)
        return picture, kind, level, concepts, weight

    def _with_object(
        self, picture: np.ndarray, concepts: np.ndarray
    ) -> tuple[np.ndarray, int, int, np.ndarray, float]:
        """A drawn object of any concept on a picture that had none."""
        concept = self.objects[int(self.rng.integers(len(self.objects)))]
        kind, level = self.labels[concept]
        concepts[self.names.index(concept)] = 1
        return self._paste(picture, concept), kind, level, concepts, 1.0

    def _paste(self, picture: np.ndarray, concept: str | None) -> np.ndarray:
        sprites = self.sprites[concept]
        sprite = sprites[int(self.rng.integers(len(sprites)))]
        return paste_sprite(picture, sprite, SPANS[concept], self.rng)

    def _scene(self) -> np.ndarray:
        picture: np.ndarray = self.examples.pictures[
            int(self.rng.choice(self.scenes, p=self.scene_odds))
        ]
        return picture
