"""The command that makes scorers: train."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from audit.options import Command, count, sources
from audit.terminal import say, warn


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("train", train, "train a scorer from labelled shards",
                "labelled/ --out my-scorer --encoder ViT-L-14-336:openai")
    sources(p)
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="scorer folder to write")
    p.add_argument("--encoder", default="compact", metavar="NAME[:WEIGHTS]",
                   help="'compact' trains the small encoder too (default); an open_clip model with "
                        "a tag or a .safetensors file stays frozen")
    p.add_argument("--layer", type=int, default=-2, metavar="N",
                   help="hidden layer of a frozen encoder (default: -2, the one before the last)")
    p.add_argument("--documents", type=int, metavar="N",
                   help="drawn documents to mix in (default: 4000; 0 for none)")
    p.add_argument("--steps", type=count, metavar="N", help="optimiser steps (default: 4500)")
    p.add_argument("--batch", type=count, metavar="N", help="examples a step (default: 64)")
    p.add_argument("--rate", type=float, metavar="X", help="learning rate (default: 0.0015)")
    p.add_argument("--seed", type=int, metavar="N", help="of everything random (default: 256)")
    p.add_argument("--from", dest="start", metavar="SCORER",
                   help="go on from this compact scorer instead of from scratch")
    p.add_argument("--strength", type=float, metavar="X",
                   help="0..1: how far views of the pictures go (default: 1)")
    # fmt: on


def train(args: Namespace) -> int:
    """Train a scorer from labelled shards."""
    from dataclasses import replace

    from audit.encoder import OpenClipEncoder
    from audit.scorer import Scorer
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.training import Recipe, train

    names = ("steps", "documents", "seed", "batch", "rate", "strength")
    given = {name: getattr(args, name) for name in names}
    recipe = replace(Recipe(), **{k: v for k, v in given.items() if v is not None})
    start = Scorer.load(args.start, device="cpu") if args.start else None
    encoder = None
    if args.encoder != "compact":
        model, _, weights = args.encoder.partition(":")
        encoder = OpenClipEncoder(model, weights or None, args.layer)
    with counted(sys.stderr) as shown:
        scorer, unusable = train(
            args.source,
            Taxonomy.load(),
            recipe,
            name=args.out.name,
            encoder=encoder,
            start=start,
            progress=shown,
        )
    for line in unusable[:20]:
        warn(f"left out: {line}")
    scorer.save(args.out)
    mix = scorer.card.training["mix"]
    say(
        f"{args.out}: {len(scorer.concepts)} concepts, types "
        f"{', '.join(scorer.card.types_covered)}; {mix['examples']:,} examples, "
        f"{len(unusable):,} left out; next: audit eval {args.out} HELD-OUT-SHARDS"
    )
    return 3 if unusable else 0
