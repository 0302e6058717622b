"""The command rescore: new scores for a catalog, without reading an image."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from audit.options import Command, as_json, catalog
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from audit.embedding_scorer import EmbeddingScorer
    from audit.rescore import Work
    from audit.scorer import Scorer


def add(command: Command) -> None:
    """Add this command to the parser."""
    # fmt: off
    p = command("rescore", rescore, "score a catalog anew from what it has stored, without images",
                "laion.audit --scorer my-scorer/")
    catalog(p)
    p.add_argument("--scorer", metavar="NAME|DIR|zeroshot:MODEL:WEIGHTS",
                   help="with other heads or calibration on the stored features (see `audit scan "
                        "--store-features`), or one that judges the stored embeddings")
    p.add_argument("--extra", action="append", default=[], metavar="DIR|zeroshot:MODEL:WEIGHTS",
                   help="fill the column `extras` with what this scorer of embeddings says; may "
                        "be repeated")
    as_json(p)
    # fmt: on


def rescore(args: Namespace) -> int:
    """Score a catalog anew; a run that was stopped goes on where it was."""
    from audit.registry import load_extra
    from audit.rescore import rescore
    from audit.steps import counted

    def announce(work: Work) -> None:
        warn(
            f"{args.catalog}: {work.shards - work.done:,} of {work.shards:,} shards to rescore, "
            f"{work.rows:,} rows, {work.bytes / 1e6:,.1f} MB to read"
        )

    scorer = None if args.scorer is None else _load(args.scorer)
    extras = [load_extra(spec) for spec in args.extra]
    with counted(sys.stderr) as show:
        report = rescore(args.catalog, scorer, extras, announce=announce, progress=show)
    if args.format == "json":
        say_json(asdict(report))
        return 0
    extra = f", extras {', '.join(report.extras)}" if report.extras else ""
    say(
        f"{report.catalog}: {report.shards:,} shards scored by {report.scorer}{extra}; "
        f"{report.shards_rescored:,} of them now, {report.rows:,} rows in {report.seconds:.1f} s"
    )
    say(f"next: audit status {report.catalog}")
    return 0


def _load(spec: str) -> Scorer | EmbeddingScorer:
    from audit.card import find_scorer, read_card
    from audit.registry import PREFIX, load_embedding_scorer
    from audit.scorer import Scorer

    if spec.startswith(PREFIX) or read_card(Path(find_scorer(spec))).kind != "safety":
        return load_embedding_scorer(spec)
    return Scorer.load(spec, device="cpu")
