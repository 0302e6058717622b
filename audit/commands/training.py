"""The command that makes scorers: train."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.commands import concept
from audit.errors import UsageError
from audit.options import Command, count
from audit.terminal import say, warn

if TYPE_CHECKING:
    from audit.encoder import Encoder
    from audit.labels import Unusable
    from audit.training import FrozenRecipe

COMPACT_ONLY = ("steps", "strength", "start")
FROZEN_ONLY = (
    "preset", "epochs", "clean", "sweep_clean", "split", "held_out", "weighting", "patience",
    "features",
)  # fmt: skip
SHOWN = 20


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("train", train, "train a scorer from labelled examples",
                "labelled/ --out my-scorer --encoder ViT-L-14-336:openai")
    p.add_argument("source", nargs="*", metavar="SOURCE",
                   help="labelled shards (folder, .tar, glob, '{000..099}.tar', @list.txt, url), "
                        "a .jsonl of PSA-VLM or LLaVA records, or a catalog with decisions")
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="scorer folder to write")
    p.add_argument("--labels", type=Path, metavar="FILE",
                   help=".csv, .jsonl or .parquet with uid or key and a label: takes the place of "
                        "the sources' own labels")
    p.add_argument("--encoder", default="compact", metavar="NAME[:WEIGHTS]",
                   help="'compact' trains the small encoder too (default); an open_clip model with "
                        "a tag or a .safetensors file stays frozen")
    p.add_argument("--documents", type=int, metavar="N",
                   help="drawn documents to mix in (default: compact 4000, frozen none)")
    p.add_argument("--batch", type=count, metavar="N",
                   help="examples a step (default: 64; psa-vlm 128)")
    p.add_argument("--rate", type=float, metavar="X",
                   help="learning rate (default: compact 0.0015, frozen 0.001, psa-vlm 0.00001)")
    p.add_argument("--seed", type=int, metavar="N", help="of everything random (default: 256)")

    g = p.add_argument_group("compact encoder")
    g.add_argument("--steps", type=count, metavar="N", help="optimiser steps (default: 4500)")
    g.add_argument("--from", dest="start", metavar="SCORER",
                   help="go on from this compact scorer instead of from scratch")
    g.add_argument("--strength", type=float, metavar="X",
                   help="0..1: how far views of the pictures go (default: 1)")

    g = p.add_argument_group("frozen encoder")
    g.add_argument("--preset", choices=("frozen", "psa-vlm"),
                   help="settings to start from: 'frozen', or stage I as released; with "
                        "--encoder compact the bundled encoder stays frozen")
    g.add_argument("--layer", type=int, default=-2, metavar="N",
                   help="hidden layer (default: -2, the one before the last)")
    g.add_argument("--features", type=Path, metavar="DIR",
                   help="where features are kept; several runs may share it "
                        "(default: OUT.features)")
    g.add_argument("--epochs", type=count, metavar="N",
                   help="passes over the examples (default: at most 30; psa-vlm 3)")
    g.add_argument("--patience", type=int, metavar="N",
                   help="epochs without a lower held-out loss that end training, 0 for never "
                        "(default: 5; psa-vlm 0)")
    g.add_argument("--clean", type=clean, metavar="N|all",
                   help="harmless examples; all risky ones stay (default: as many as the largest "
                        "risk type has; psa-vlm 3000)")
    g.add_argument("--sweep-clean", type=counts, metavar="N,N,...",
                   help="train one scorer for each number of harmless examples, and compare them")
    g.add_argument("--weighting", choices=("none", "sqrt", "balanced"),
                   help="weight of a class in the loss: as it comes, by the root of its number, "
                        "or all alike (default: sqrt; psa-vlm none)")
    g.add_argument("--split", choices=("group", "source", "random"),
                   help="what stays on one side of the held-out split: near-duplicates and groups "
                        "(default), whole sources too, or nothing")
    g.add_argument("--held-out", type=share, metavar="X",
                   help="share of the examples to hold out (default: 0.2)")
    g.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    # fmt: on
    concept.add_options(p)


def clean(text: str) -> int:
    """A number of examples, 0 for 'all'."""
    return 0 if text == "all" else count(text)


def counts(text: str) -> list[int]:
    """Several numbers of examples."""
    return [count(part) for part in text.split(",")]


def share(text: str) -> float:
    """A share below one."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not in 0..1")
    return value


def train(args: Namespace) -> int:
    """Train a scorer from labelled examples, or add a concept to one."""
    if args.concept is not None:
        return concept.run(args)
    if not args.source:
        raise UsageError("nothing to train on; give SOURCE, or --concept NAME, see --help")
    frozen = args.encoder != "compact" or args.preset is not None
    other = COMPACT_ONLY if frozen else FROZEN_ONLY
    wrong = [name for name in other if getattr(args, name) is not None]
    if wrong:
        option = "--from" if wrong[0] == "start" else f"--{wrong[0].replace('_', '-')}"
        kind = "a frozen encoder" if frozen else "the compact encoder, which trains with the rest"
        raise UsageError(f"{option} is of no use with {kind}; leave it out, see --help")
    return _frozen(args) if frozen else _compact(args)


def _compact(args: Namespace) -> int:
    from dataclasses import replace

    from audit.scorer import Scorer
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.training import Recipe, modelcard, train
    from audit.training.checkpoint import clear

    given = _given(args, ("steps", "documents", "seed", "batch", "rate", "strength"))
    start = Scorer.load(args.start, device="cpu") if args.start else None
    with counted(sys.stderr) as shown:
        scorer, unusable = train(
            args.source,
            Taxonomy.load(),
            replace(Recipe(), **given),
            name=args.out.name,
            mapping=args.labels,
            start=start,
            out=args.out,
            progress=shown,
        )
    scorer.save(args.out)
    modelcard.write(args.out)
    clear(args.out)
    mix = scorer.card.training["mix"]
    say(
        f"{args.out}: {len(scorer.concepts)} concepts, types "
        f"{', '.join(scorer.card.types_covered)}; {mix['examples']:,} examples, "
        f"{_left_out(unusable):,} left out; next: audit eval {args.out} HELD-OUT-SHARDS"
    )
    return 3 if unusable else 0


def _frozen(args: Namespace) -> int:
    from dataclasses import replace

    from audit.devices import resolve_device
    from audit.figures import in_brief
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.training import PRESETS, modelcard, prepare, train_frozen
    from audit.training.checkpoint import clear
    from audit.training.frozen import HELD_OUT
    from audit.training.sweep import as_table, sweep

    given = _given(
        args,
        ("documents", "seed", "batch", "rate", "epochs", "patience", "clean", "weighting", "split",
         "held_out"),
    )  # fmt: skip
    recipe: FrozenRecipe = replace(PRESETS[args.preset or "frozen"], **given)
    cache = args.features or args.out.with_name(f"{args.out.name}.features")
    if args.sweep_clean and recipe.held_out == 0:
        raise UsageError("--sweep-clean compares on the held-out part; give --held-out above 0")
    with counted(sys.stderr) as shown:
        prepared, unusable = prepare(
            args.source,
            Taxonomy.load(),
            recipe,
            _encoder(args),
            cache,
            mapping=args.labels,
            device=resolve_device(args.device),
            tell=_tell,
            progress=shown,
        )
        left = _left_out(unusable)
        if args.sweep_clean:
            rows = sweep(prepared, recipe, args.sweep_clean, args.out, tell=_tell, progress=shown)
        else:
            trained = train_frozen(
                prepared, recipe, name=args.out.name, out=args.out, tell=_tell, progress=shown
            )
    if args.sweep_clean:
        for line in as_table(rows).splitlines():
            say(line)
        say(f"{args.out / 'sweep.svg'}: {len(rows)} scorers beside it; {left:,} examples left out")
        return 3 if unusable else 0
    modelcard.save(trained, args.out)
    clear(args.out)
    card = trained.scorer.card
    measured = f"held out: {in_brief(card.metrics[HELD_OUT])}; " if trained.judged else ""
    say(
        f"{args.out}: {len(card.concepts)} concepts, types {', '.join(card.types_covered)}; "
        f"{card.training['mix']['examples']:,} examples, {left:,} left out; {measured}"
        f"see {args.out / modelcard.NAME}"
    )
    return 3 if unusable else 0


def _encoder(args: Namespace) -> Encoder:
    from audit.encoder import OpenClipEncoder
    from audit.scorer import Scorer

    if args.encoder == "compact":
        return Scorer.load("compact", device="cpu").encoder
    model, _, weights = args.encoder.partition(":")
    return OpenClipEncoder(model, weights or None, args.layer)


def _given(args: Namespace, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _left_out(unusable: Sequence[Unusable]) -> int:
    """Say what could not be used, and count it."""
    for entry in unusable[:SHOWN]:
        warn(f"left out: {entry}")
    if len(unusable) > SHOWN:
        warn(f"left out: {len(unusable) - SHOWN:,} more like these")
    return sum(entry.count for entry in unusable)
