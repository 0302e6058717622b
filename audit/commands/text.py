"""Commands about text scorers: train-text, eval-text."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from audit.options import Command, as_json, count
from audit.terminal import say, say_json


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("train-text", train_text, "train a text scorer on labelled texts",
                "--data texts/ --out my-text-scorer")
    _material(p)
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    p.add_argument("--steps", type=count, default=600, metavar="N",
                   help="optimiser steps (default: 600)")
    p.add_argument("--seed", type=int, default=256, metavar="N",
                   help="of everything random (default: 256)")

    p = command("eval-text", eval_text, "measure a text scorer on what training did not see",
                "text-minilm --data texts/ --record held-out")
    p.add_argument("scorer", nargs="?", default="text-minilm", metavar="NAME|DIR",
                   help="bundled text scorer or folder (default: text-minilm)")
    _material(p)
    p.add_argument("--pictures", nargs="+", default=[], metavar="SOURCE",
                   help="labelled shards with pictures of harmful text, to be read (needs the ocr "
                        "extra)")
    p.add_argument("--drawn", type=count, default=168, metavar="N",
                   help="drawn pictures of harmless text beside them (default: 168)")
    p.add_argument("--record", metavar="NAME", help="put the figures onto the card under this name")
    as_json(p)
    # fmt: on


# fmt: off
def _material(p: argparse.ArgumentParser) -> None:
    p.add_argument("--data", type=Path, required=True, metavar="DIR",
                   help="folder of the files that the recipe names")
    p.add_argument("--recipe", type=Path, metavar="FILE",
                   help="sets, labels and what is kept out (default: ours, text-minilm.yaml)")
    p.add_argument("--model", metavar="DIR|NAME",
                   help="sentence encoder: a folder, or a name on the hub (default: "
                        "all-MiniLM-L6-v2)")
    p.add_argument("--cache", type=Path, default=Path("build/sentences"), metavar="DIR",
                   help="folder that keeps embeddings for the next run (default: build/sentences)")
# fmt: on


def train_text(args: Namespace) -> int:
    """Train a text scorer on labelled texts."""
    from audit.resources import data_path
    from audit.sentences import SentenceEncoder
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.text_sets import read_recipe
    from audit.text_training import HeadRecipe, prepare, train_text
    from audit.words import load_words

    how = HeadRecipe(seed=args.seed, steps=args.steps)
    recipe = read_recipe(args.recipe or data_path("recipes", "text-minilm.yaml"), args.data)
    encoder = SentenceEncoder(args.model)
    with counted(sys.stderr) as shown:
        material = prepare(recipe, encoder, args.cache, args.seed, shown)
        scorer = train_text(
            args.out.name, recipe, material, how, encoder, load_words(), Taxonomy.load(), shown
        )
    scorer.save(args.out)
    say(
        f"{args.out}: types {', '.join(scorer.card.types_covered)}; flags from risk "
        f"{scorer.threshold}; {material.of('train').sum():,} texts; "
        f"next: audit eval-text {args.out}"
    )
    return 0


def eval_text(args: Namespace) -> int:
    """Measure a text scorer on what training did not see."""
    from dataclasses import replace

    from audit.resources import data_path
    from audit.steps import counted
    from audit.text_evaluation import pair_figures, picture_figures, text_figures
    from audit.text_scorer import find_text_scorer, load_text_scorer, write_text_card
    from audit.text_sets import read_recipe
    from audit.text_training import prepare

    scorer = load_text_scorer(args.scorer, args.model)
    seed = int(scorer.card.training["seed"])
    recipe = read_recipe(args.recipe or data_path("recipes", "text-minilm.yaml"), args.data)
    with counted(sys.stderr) as shown:
        material = prepare(recipe, scorer.encoder, args.cache, seed, shown)
        figures = text_figures(scorer, material)
        figures["pairs"] = pair_figures(scorer, material)
        if args.pictures:
            figures["pictures"] = picture_figures(scorer, args.pictures, args.drawn, 900_000, shown)
    if args.record:
        metrics = {**scorer.card.metrics, args.record: figures}
        write_text_card(find_text_scorer(args.scorer), replace(scorer.card, metrics=metrics))
    if args.format == "json":
        say_json(figures)
        return 0
    for name, (share, number) in figures["false_alarms"].items():
        say(f"{share:7.2%} of {number:>6,} flagged  {name}")
    for name, of in {**figures["sets"], **figures["left_out"]}.items():
        apart = ", ".join(f"{against} {value:.3f}" for against, value in of["auroc"].items())
        say(f"{of['recall']:7.1%} of {of['texts']:>6,} found    {name}; AUROC against {apart}")
    for name, counts in figures["pairs"].items():
        say(f"{name}: {', '.join(f'{n:,} {pair}' for pair, n in counts.items() if n)}")
    for name, of in figures.get("pictures", {}).get("harmful", {}).items():
        found = f"AUROC {of['auroc']:.3f}, found {of['recall']:.1%}"
        say(f"{of['pictures']:,} pictures, {name}: {found}")
    return 0
