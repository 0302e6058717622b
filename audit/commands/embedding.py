"""Commands that make scorers of embeddings: zeroshot, heads."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from audit.options import Command, as_json
from audit.terminal import say, say_json


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("zeroshot", zeroshot,
                "make a scorer of concepts in words, for any CLIP with a text tower",
                "ViT-B-32:laion2b_s34b_b79k --out zeroshot-b32")
    p.add_argument("model", metavar="MODEL:WEIGHTS",
                   help="open_clip model with a tag or a .safetensors file")
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="scorer folder to write")
    p.add_argument("--taxonomy", type=Path, metavar="FILE",
                   help="YAML file with concepts of your own, in the form of data/taxonomy.yaml")
    p.add_argument("--prompts", type=Path, metavar="FILE",
                   help="templates and neutral prompts in place of data/prompts/clip.yaml")
    as_json(p)

    p = command("heads", heads, "make a scorer of a published head, such as LAION's NSFW head",
                "import clip_ViT-L-14_openai_binary_nsfw_head.pth --encoder ViT-L-14:openai "
                "--name laion-nsfw --out laion-nsfw")
    p.add_argument("action", choices=("import",), help="read a published file; nothing in it runs")
    p.add_argument("file", type=Path, metavar="FILE",
                   help="state dict (.pth, .pt, .safetensors) or two prompt embeddings (.npy)")
    p.add_argument("--encoder", required=True, metavar="MODEL:WEIGHTS",
                   help="whose embeddings it was made for: an open_clip model with a tag or a "
                        ".safetensors file")
    p.add_argument("--name", required=True, metavar="NAME", help="of its column in a catalog")
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="scorer folder to write")
    p.add_argument("--concept", metavar="NAME",
                   help="concept of the taxonomy its probability is of; without one it can only "
                        "be an extra scorer")
    p.add_argument("--source", default="", metavar="TEXT", help="where it was published")
    p.add_argument("--licence", default="", metavar="TEXT", help="its licence")
    as_json(p)
    # fmt: on


def zeroshot(args: Namespace) -> int:
    """Write a scorer folder of kind 'zeroshot'."""
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.zeroshot import Prompts, make

    taxonomy, prompts = Taxonomy.load(args.taxonomy), Prompts.load(args.prompts)
    with counted(sys.stderr) as shown:
        scorer = make(
            args.model,
            taxonomy,
            prompts,
            name=args.out.name,
            progress=lambda done, total: shown(done, total, "captions encoded"),
        )
    return _saved(args, scorer.save(args.out), len(scorer.concepts))


def heads(args: Namespace) -> int:
    """Write a scorer folder of kind 'head'."""
    from audit.heads import import_head
    from audit.taxonomy import Taxonomy

    concept = Taxonomy.load().concept(args.concept) if args.concept else None
    scorer = import_head(
        args.file,
        args.encoder,
        args.name,
        concept=concept,
        source=args.source,
        licence=args.licence,
    )
    return _saved(args, scorer.save(args.out), len(scorer.concepts))


def _saved(args: Namespace, folder: Path, concepts: int) -> int:
    from audit.card import read_card
    from audit.identity import encoder_identity

    card = read_card(folder)
    identity = encoder_identity(card.encoder)
    if args.format == "json":
        say_json({"scorer": str(folder), "kind": card.kind, "encoder": identity,
                  "concepts": card.concepts, "types_covered": card.types_covered})  # fmt: skip
        return 0
    covered = ", ".join(card.types_covered) or "none, so it can only be an extra scorer"
    say(f"{folder}: {concepts} concept{'s' * (concepts != 1)} on embeddings of {identity}; "
        f"types covered: {covered}")  # fmt: skip
    for limit in card.limits:
        say(f"  limit     {limit}")
    return 0
