"""Commands about how good a scorer is: scorers, eval."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict

from audit.options import Command, as_json, count
from audit.terminal import say, say_json, warn


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("scorers", scorers, "list the bundled scorers and what they cover", "")
    as_json(p)

    p = command("eval", evaluate, "measure a scorer on labelled shards or drawn documents",
                "compact held-out/ --separate weapon neutral")
    p.add_argument("scorer", metavar="NAME|DIR", help="bundled scorer or scorer folder")
    p.add_argument("source", nargs="*", metavar="SOURCE", help="labelled shards")
    p.add_argument("--drawn", type=count, metavar="N",
                   help="also N drawn documents of the templates kept out of training")
    p.add_argument("--seed", type=int, default=900_000, metavar="N",
                   help="of the drawn documents (default: 900000, apart from training's)")
    p.add_argument("--separate", nargs=2, action="append", metavar=("LABEL", "LABEL"),
                   help="how well the first label is told from the second; may be repeated")
    p.add_argument("--record", metavar="NAME", help="put the figures onto the card under this name")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    as_json(p)
    # fmt: on


def scorers(args: Namespace) -> int:
    """List the bundled scorers."""
    from audit.card import read_card, scorers
    from audit.figures import in_brief

    cards = [(folder, read_card(folder)) for _, folder in scorers()]
    if args.format == "json":
        say_json({"scorers": [{"folder": str(f), **asdict(card)} for f, card in cards]})
        return 0
    for folder, card in cards:
        say(f"{folder.name}: {card.encoder['kind']} encoder, {card.crop_mode} crop")
        say(f"  types     {', '.join(card.types_covered)}")
        say(f"  concepts  {', '.join(card.concepts)}")
        for name, figures in card.metrics.items():
            say(f"  measured  {name}: {in_brief(figures)}")
        for limit in card.limits:
            say(f"  limit     {limit}")
    if not cards:
        warn("no scorer is bundled; give a folder to `audit scan --scorer`")
    return 0


def evaluate(args: Namespace) -> int:
    """Measure a scorer on labelled shards or drawn documents."""
    from itertools import chain

    from audit.card import find_scorer
    from audit.errors import UsageError
    from audit.evaluation import from_drawings, from_shards, judge, metrics, record, separation
    from audit.figures import as_text
    from audit.scorer import Scorer
    from audit.steps import counted
    from audit.taxonomy import Taxonomy

    scorer = Scorer.load(args.scorer, device=args.device)
    if not args.source and not args.drawn:
        raise UsageError("nothing to measure on; give labelled shards, or --drawn N")
    examples = chain(
        from_shards(args.source) if args.source else (),
        from_drawings(args.drawn, args.seed) if args.drawn else (),
    )
    with counted(sys.stderr) as shown:
        judged = judge(
            scorer, examples, Taxonomy.load(), progress=lambda done: shown(done, None, "judged")
        )
    figures = metrics(judged, scorer.concepts)
    if args.separate:
        figures["separation"] = {
            f"{a} vs {b}": separation(judged, a, [b], scorer.concepts) for a, b in args.separate
        }
    if args.record:
        record(find_scorer(args.scorer), args.record, figures)
    if args.format == "json":
        say_json(figures)
    else:
        sys.stdout.write(as_text(figures))
    return 0
