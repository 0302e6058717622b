"""Does the evidence lie on the thing? Measured on things pasted at known places.

    python -m bench.explain [SHARD ...] [--scorer NAME|DIR] [--samples 100] [--seed 1]

Scenes are pictures labelled neutral, things are pictures labelled with a concept, set into a
scene at a random place with 0.4 to 0.8 of its shorter side; without shards both are drawings of
templates kept out of training. For each way of weighing the patches it prints how much of the map
lies on the thing, beside the thing's share of the area, over all samples and over those in which
the scorer found it: the concept at 0.5 or more with the thing, below without.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from audit.demo import KINDS, draw
from audit.explaining import evidence, on_upright, prepared, reader_of
from audit.images import load
from audit.pixels import fit
from audit.scorer import Scorer
from audit.shards import ShardReader, expand

SIDE = 320
"""Longest side of scenes and things in pixels before they are put together."""
SPAN = (0.4, 0.8)
FOUND = 0.5

Pictures = list[np.ndarray]


def main(argv: Sequence[str] | None = None) -> int:
    """Paste, explain and print one table for all samples and one for those found."""
    p = argparse.ArgumentParser(prog="python -m bench.explain", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("source", nargs="*", help="labelled shards (default: drawings)")
    p.add_argument("--scorer", default="compact")
    p.add_argument("--samples", type=int, default=100, help="how many must be found")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args(argv)
    scorer = Scorer.load(args.scorer, device="cpu")
    scenes, things = labelled(args.source, scorer) if args.source else drawn(scorer)
    rng = np.random.default_rng(args.seed)
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    hits: list[bool] = []
    while sum(hits) < args.samples and len(hits) < 20 * args.samples:
        concept = sorted(things)[len(hits) % len(things)]
        scene = scenes[rng.integers(len(scenes))]
        pasted, mask = paste(scene, things[concept][rng.integers(len(things[concept]))], rng)
        hits.append(found(scorer, scene, pasted, concept))
        for name, share in shares(scorer, pasted, mask, concept).items():
            rows[name].append((share, float(mask.mean())))
    print(f"{len(hits):,} pasted things, found {sum(hits):,}; scorer {scorer.card.name}")
    for title, kept in (("all", np.ones(len(hits), bool)), ("found", np.array(hits))):
        for name, pairs in rows.items():
            mass, area = np.array(pairs)[kept].T
            print(f"{title:6} {name:18} on the thing {mass.mean():.3f} of the map, "
                  f"{area.mean():.3f} of the area ({mass.mean() / area.mean():.2f} x); "
                  f"more than by area in {(mass > area).mean():.0%} of {kept.sum():,}")  # fmt: skip
    return 0


def labelled(sources: Sequence[str], scorer: Scorer) -> tuple[Pictures, dict[str, Pictures]]:
    """Neutral pictures, and those of each concept the scorer knows."""
    by_label: dict[str, Pictures] = defaultdict(list)
    for shard in expand(list(sources)):
        for sample in ShardReader(shard):
            label = json.loads(sample.metadata or "{}").get("concept")
            if sample.data is not None and (label == "neutral" or label in scorer.concepts):
                by_label[label].append(whole(sample.data))
    return by_label.pop("neutral"), dict(by_label)


def whole(data: bytes) -> np.ndarray:
    """[h, w, 3] uint8, longest side SIDE."""
    picture = load(data, size=SIDE, crop_mode="pad", preview=False)
    across, down = fit(picture.width, picture.height, SIDE)
    top, left = (SIDE - down) // 2, (SIDE - across) // 2
    return picture.pixels[top : top + down, left : left + across]


def drawn(scorer: Scorer, each: int = 8) -> tuple[Pictures, dict[str, Pictures]]:
    """The same from drawings of held-out templates."""
    scenes: Pictures = []
    things: dict[str, Pictures] = defaultdict(list)
    for kind, concept in KINDS.items():
        if concept != "neutral" and concept not in scorer.concepts:
            continue
        for seed in range(each):
            image = draw(kind, seed, "heldout").image.convert("RGB")
            image.thumbnail((SIDE, SIDE))
            (scenes if concept == "neutral" else things[concept]).append(np.asarray(image))
    return scenes, dict(things)


def paste(
    scene: np.ndarray, thing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The thing in the scene, and where: [h, w, 3] uint8 and [h, w] bool."""
    high, wide = scene.shape[:2]
    longest = round(min(high, wide) * rng.uniform(*SPAN))
    across, down = fit(thing.shape[1], thing.shape[0], longest)
    left, top = int(rng.integers(wide - across + 1)), int(rng.integers(high - down + 1))
    out, mask = scene.copy(), np.zeros((high, wide), bool)
    small = Image.fromarray(thing).resize((across, down), Image.Resampling.BICUBIC)
    out[top : top + down, left : left + across] = np.asarray(small)
    mask[top : top + down, left : left + across] = True
    return out, mask


def found(scorer: Scorer, scene: np.ndarray, pasted: np.ndarray, concept: str) -> bool:
    """Whether the thing makes the difference to the scorer."""
    both = np.stack([prepared(picture, scorer)[0] for picture in (scene, pasted)])
    before, after = scorer.score(both).concepts[:, scorer.concepts.index(concept)]
    return bool(before < FOUND <= after)


def shares(scorer: Scorer, pasted: np.ndarray, mask: np.ndarray, concept: str) -> dict[str, float]:
    """The part of each map that lies on the thing."""
    square, width, height = prepared(pasted, scorer)
    values, weights = scorer.contributions(square, reader_of(scorer, concept))
    tokens = scorer.safety.dims.head.tokens
    chosen = evidence(values, weights, tokens)
    maps = {
        "attention": weights[:, tokens:].mean(0).reshape(chosen.shape),
        "attention x value": (weights * values)[:, tokens:].sum(0).clip(0).reshape(chosen.shape),
        "evidence": chosen,
    }
    out = {}
    for name, grid in maps.items():
        upright = on_upright(grid, scorer.size, width, height, scorer.crop_mode)
        there = Image.fromarray(mask).resize(upright.shape[::-1], Image.Resampling.NEAREST)
        out[name] = float(upright[np.asarray(there)].sum() / upright.sum())
    return out


if __name__ == "__main__":
    sys.exit(main())
