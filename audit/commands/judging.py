"""Commands about how good a scorer is: scorers, eval."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from audit.options import Command, as_json, count
from audit.terminal import say, say_json, warn


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("scorers", scorers, "list the bundled scorers, or one, and what they cover", "")
    p.add_argument("scorer", nargs="?", metavar="NAME|DIR",
                   help="print the card of this one only: bundled, or a folder of your own")
    as_json(p)

    p = command("eval", evaluate, "measure a scorer on labelled examples or drawn documents",
                "compact held-out/ --out evaluation/ --separate weapon neutral")
    p.add_argument("scorer", metavar="NAME|DIR",
                   help="bundled scorer, scorer folder or zeroshot:MODEL:WEIGHTS")
    p.add_argument("source", nargs="*", metavar="SOURCE",
                   help="labelled shards, .jsonl records, or a catalog with decisions")
    p.add_argument("--labels", type=Path, metavar="FILE",
                   help="labels by uid or key, in place of the sources' own (.csv, .jsonl, "
                        ".parquet)")
    p.add_argument("--drawn", type=count, metavar="N",
                   help="also N drawn documents of the templates kept out of training")
    p.add_argument("--seed", type=int, default=900_000, metavar="N",
                   help="of the drawn documents (default: 900000, apart from training's)")
    p.add_argument("--draws", type=count, default=1000, metavar="N",
                   help="draws of the bootstrap behind every interval (default: 1000)")
    p.add_argument("--separate", nargs=2, action="append", metavar=("LABEL", "LABEL"),
                   help="how well the first label is told from the second; may be repeated")
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="write evaluation.json, evaluation.md and evaluation.html there")
    p.add_argument("--html", type=Path, metavar="FILE", help="write the HTML page to this file")
    p.add_argument("--record", metavar="NAME", help="put the figures onto the card under this name")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    as_json(p)
    # fmt: on


def scorers(args: Namespace) -> int:
    """Print the cards of the bundled scorers, or of the one named."""
    from audit.card import find_scorer, read_card, scorers
    from audit.figures import in_brief

    folders = [f for _, f in scorers()] if args.scorer is None else [find_scorer(args.scorer)]
    cards = [(folder, read_card(folder)) for folder in folders]
    if args.format == "json":
        say_json({"scorers": [{"folder": str(f), **asdict(card)} for f, card in cards]})
        return 0
    for folder, card in cards:
        say(f"{folder.resolve().name}: {card.encoder['kind']} encoder, {card.crop_mode} crop")
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
    """Measure a scorer on labelled examples or drawn documents; 3 when some were unusable."""
    from itertools import chain

    from audit.card import find_scorer
    from audit.card import scorers as bundled
    from audit.errors import UsageError
    from audit.evaluation import evaluate, from_drawings, judge, record, separation
    from audit.evaluation.evaluating import summary
    from audit.evaluation.overlap import seen_in_training
    from audit.evaluation.report import write
    from audit.examples import read_examples
    from audit.figures import as_text
    from audit.registry import load_scorer
    from audit.steps import counted
    from audit.taxonomy import Taxonomy
    from audit.training import modelcard

    if not args.source and not args.drawn:
        raise UsageError("nothing to measure on; give labelled shards, or --drawn N")
    if args.record and args.scorer in dict(bundled()):
        raise UsageError(
            f"{args.scorer}: comes with the installation, so its card stays; --record needs the "
            "folder of a copy"
        )
    folder = find_scorer(args.scorer) if args.record else None
    scorer = load_scorer(args.scorer, device=args.device)
    taxonomy = Taxonomy.load().including(scorer.card.added)
    names = scorer.concepts
    examples = chain(
        read_examples(args.source, names, taxonomy, mapping=args.labels) if args.source else (),
        from_drawings(args.drawn, args.seed, names, taxonomy) if args.drawn else (),
    )
    with counted(sys.stderr) as shown:
        judged = judge(scorer, examples, progress=lambda done: shown(done, None, "judged"))
        report = evaluate(judged, names, resamples=args.draws, progress=shown)
    report["scorer"] = {"name": scorer.card.name, "fingerprint": scorer.fingerprint}
    figures = summary(judged, names, report)
    if args.separate:
        figures["separation"] = {
            f"{a} vs {b}": separation(judged, a, [b], names) for a, b in args.separate
        }
        report["separation"] = figures["separation"]
    if hits := seen_in_training(scorer.card, judged.digests):
        warn(f"the scorer was trained on some of these pictures ({hits}); its figures flatter it")
    for unusable in judged.unusable[:20]:
        warn(f"left out: {unusable}")
    if folder is not None:
        record(folder, args.record, figures)
        modelcard.refresh(folder)
    written = write(report, args.out, args.html)
    if args.format == "json":
        say_json({**figures, "report": report})
    else:
        sys.stdout.write(as_text(figures))
        for path in written:
            say(f"wrote {path}")
    left_out = sum(u.count for u in judged.unusable)
    if left_out:
        warn(f"{left_out:,} could not be judged and are in no figure")
    return 3 if left_out else 0
