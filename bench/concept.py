"""What a new concept from few examples is worth: time, and AUROC on pictures held out.

    python -m bench.concept LABEL TRAIN... --held-out SHARD... [--scorer NAME|DIR]
                            [--positive 50] [--negative 200] [--against TEXT] [--seed 1]

LABEL is the label of the positive examples, or a part of their source's name; the negative ones are
all others that are labelled neutral (--against: those whose label or source says TEXT). The concept
is called `new`, and the scorer is told nothing of what it knew by another name.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

import numpy as np

from audit.concepts import NewConcept, add_concept, fit
from audit.evaluation import auroc
from audit.images import load
from audit.scorer import Scorer, Scores
from audit.shards import ShardReader, expand

BATCH = 32
Seen = tuple[np.ndarray, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Draw examples, add the concept, and print what it took and what it does."""
    p = argparse.ArgumentParser(prog="python -m bench.concept", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("label")
    p.add_argument("train", nargs="+")
    p.add_argument("--held-out", nargs="+", required=True)
    p.add_argument("--scorer", default="compact")
    p.add_argument("--positive", type=int, default=50)
    p.add_argument("--negative", type=int, default=200)
    p.add_argument("--against", default="neutral")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args(argv)
    base = Scorer.load(args.scorer, device="cpu")
    wanted = args.label, args.against
    train, held_out = sides(base, args.train, *wanted), sides(base, args.held_out, *wanted)
    rng = np.random.default_rng(args.seed)
    picks = [
        [side[i] for i in rng.permutation(len(side))[:count]]
        for side, count in zip(train, (args.positive, args.negative), strict=True)
    ]
    began = time.perf_counter(), time.process_time()
    seen = [pixels for side in picks for pixels, _ in side]
    groups = np.array([group for side in picks for _, group in side])
    features = np.concatenate([s.features for s in scored(base, seen)])
    encoded = time.perf_counter()
    fitted = fit(features, np.arange(len(seen)) < len(picks[0]), groups)
    new = add_concept(base, NewConcept("new", "illegal", "low"), fitted, "new")
    ended = time.perf_counter(), time.process_time()

    shows = np.array([True] * len(held_out[0]) + [False] * len(held_out[1]))
    pictures = [pixels for side in held_out for pixels, _ in side]
    before, after = scored(base, pictures), scored(new, pictures)
    found = np.concatenate([s.concepts[:, -1] for s in after])
    same = all(
        np.array_equal(getattr(b, name), getattr(a, name)[..., : getattr(b, name).shape[-1]],
                       equal_nan=name == "types")
        for b, a in zip(before, after, strict=True)
        for name in ("types", "levels", "concepts", "embeddings")
    )  # fmt: skip
    print(f"{args.label} against {args.against}, {fitted.positive} + {fitted.negative} examples: "
          f"AUROC by cross-validation {fitted.auroc:.3f} ({fitted.low:.3f} to {fitted.high:.3f}), "
          f"held out {auroc(found, shows):.3f} on {shows.sum()} + {(~shows).sum()}")  # fmt: skip
    print(f"at 0.5: found {(found[shows] >= 0.5).mean():.1%}, "
          f"false alarms {(found[~shows] >= 0.5).mean():.1%}")  # fmt: skip
    print(f"encoding {encoded - began[0]:.1f} s, fitting {ended[0] - encoded:.1f} s, of the "
          f"processor {ended[1] - began[1]:.1f} s; all other outputs the same: {same}")  # fmt: skip
    return 0 if same else 1


def sides(
    scorer: Scorer, sources: Sequence[str], label: str, against: str
) -> tuple[list[Seen], list[Seen]]:
    """Prepared pictures and perceptual hashes: those of the label, and the others."""
    found: tuple[list[Seen], list[Seen]] = ([], [])
    for shard in expand(list(sources)):
        for sample in ShardReader(shard):
            said = json.loads(sample.metadata or "{}")
            names = said.get("concept", ""), said.get("source", "")
            which = [i for i, name in enumerate((label, against))
                     if name == names[0] or name in names[1]]  # fmt: skip
            if sample.data is None or not which:
                continue
            picture = load(sample.data, size=scorer.size, crop_mode=scorer.crop_mode, preview=False)
            found[which[0]].append((picture.pixels, picture.phash))
    return found


def scored(scorer: Scorer, pictures: list[np.ndarray]) -> list[Scores]:
    """Scores batch by batch."""
    starts = range(0, len(pictures), BATCH)
    return [scorer.score(np.stack(pictures[i : i + BATCH])) for i in starts]


if __name__ == "__main__":
    sys.exit(main())
