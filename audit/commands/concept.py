"""`audit train --concept`: one more concept for a finished scorer."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from audit.errors import UsageError
from audit.taxonomy import LEVELS, SAFE, TYPES
from audit.terminal import say, warn

SHOWN = 20


def add_options(p: argparse.ArgumentParser) -> None:
    """Add the options of `train --concept`."""
    # fmt: off
    g = p.add_argument_group("a new concept, in place of SOURCE")
    g.add_argument("--concept", metavar="NAME",
                   help="add this concept to a copy of a scorer; all other outputs stay")
    g.add_argument("--scorer", default="compact", metavar="NAME|DIR",
                   help="scorer to add it to (default: compact)")
    g.add_argument("--positive", action="append", metavar="X",
                   help="about 50 examples: a folder of images, a text file of uids or keys of "
                        "--catalog, or 'decisions'; may be repeated")
    g.add_argument("--negative", action="append", metavar="X",
                   help="about 200 examples without it, likewise")
    g.add_argument("--catalog", type=Path, metavar="CATALOG",
                   help="whose rows are meant; stored features are used without decoding")
    g.add_argument("--type", choices=TYPES[:SAFE], help="risk type of the concept")
    g.add_argument("--level", choices=LEVELS[1:], help="risk level of the concept")
    g.add_argument("--overwrite", action="store_true",
                   help="replace the scorer that is in --out (only with --concept)")
    # fmt: on


def run(args: Namespace) -> int:
    """Add a concept to a copy of a scorer; exit code 3 when some examples could not be used."""
    if not args.positive or not args.negative:
        raise UsageError("--concept needs --positive X and --negative X")
    if args.source:
        raise UsageError("--concept takes its examples from --positive and --negative, not SOURCE")

    from audit.card import CARD, find_scorer, read_card
    from audit.concept_examples import gather
    from audit.concepts import SUGGESTED, add_concept, fit, new_concept
    from audit.scorer import Scorer
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.training import modelcard

    card = read_card(find_scorer(args.scorer))
    concept = new_concept(args.concept, args.type, args.level, card, Taxonomy.load())
    base = Scorer.load(args.scorer, device=args.device)
    if args.out.exists() and find_scorer(args.scorer).resolve() == args.out.resolve():
        raise UsageError(f"--out {args.out}: is the scorer itself; give another folder")
    if (args.out / CARD).exists() and not args.overwrite:
        raise UsageError(
            f"--out {args.out}: has a scorer already; give another folder, or --overwrite"
        )
    with counted(sys.stderr) as shown:
        examples = gather(
            base, concept.name, args.positive, args.negative, args.catalog, show=shown
        )
        for line in examples.unusable[:SHOWN]:
            warn(f"left out: {line}")
        if len(examples.unusable) > SHOWN:
            warn(f"left out: {len(examples.unusable) - SHOWN:,} more")
        seed = {} if args.seed is None else {"seed": args.seed}
        fitted = fit(examples.features, examples.shows, examples.groups, show=shown, **seed)
    if fitted.positive < SUGGESTED[0] or fitted.negative < SUGGESTED[1]:
        warn(
            f"{fitted.positive} + {fitted.negative} examples; about {SUGGESTED[0]} + "
            f"{SUGGESTED[1]} give figures one can rely on"
        )
    made = add_concept(base, concept, fitted, args.out.name, examples.digests)
    made.save(args.out)
    modelcard.refresh(args.out)
    say(
        f"{args.out}: {base.card.name} with {concept.name} ({concept.type}, {concept.level}) from "
        f"{fitted.positive} + {fitted.negative} examples, {examples.stored:,} of them from stored "
        f"features; cross-validated AUROC {fitted.auroc:.3f} ({fitted.low:.3f} to "
        f"{fitted.high:.3f}); next: audit rescore CATALOG --scorer {args.out}"
    )
    return 3 if examples.unusable else 0
