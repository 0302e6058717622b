"""What the commands of `audit` do: each takes its arguments, calls one function and prints.

Imports stand in the functions, so that help and errors of usage come before PyTorch is loaded.
"""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from audit.text import visible

if TYPE_CHECKING:
    import pyarrow as pa


def say(line: str) -> None:
    """Print one line on stdout; whatever strangers wrote in it cannot move the cursor."""
    sys.stdout.write(visible(line) + "\n")


def say_json(value: object) -> None:
    """Print one JSON value on stdout, in ASCII."""
    sys.stdout.write(json.dumps(value) + "\n")


def warn(line: str) -> None:
    """Print one line of ours on stderr."""
    sys.stderr.write(f"audit: {visible(line)}\n")


def scan(args: Namespace) -> int:
    """Score every image of the sources; exit code 3 when images failed or shards have faults."""
    from audit.images import DEFAULT_LIMITS, Limits
    from audit.plan import ScanOptions, default_out
    from audit.shards import expand

    shards = expand(args.source)  # a wrong source is told before a scorer is loaded

    from audit.progress import display, summary
    from audit.scan import scan
    from audit.scorer import Scorer

    options = ScanOptions(
        batch_size=args.batch_size,
        workers=args.workers,
        overwrite=args.overwrite,
        retry_failed=args.retry_failed,
        limit=args.limit,
        strict=args.strict,
        previews=not args.no_previews,
        limits=Limits(
            args.max_pixels or DEFAULT_LIMITS.max_pixels, args.max_bytes or DEFAULT_LIMITS.max_bytes
        ),
    )
    out = args.out or default_out(args.source, shards)
    scorer = Scorer.load(args.scorer, device=args.device)
    with display(sys.stderr) as shown:
        report = scan(args.source, out, scorer, options, progress=shown.show)
    if args.format == "json":
        say_json({**asdict(report), "balanced": report.balanced, "exit_code": report.exit_code})
    else:
        for line in summary(report):
            say(line)
    return report.exit_code


def status(args: Namespace) -> int:
    """Count a catalog."""
    from audit.catalog import Catalog
    from audit.render import render_status

    with Catalog(args.catalog) as catalog:
        found = catalog.status()
    if args.format == "json":
        risks: dict[str, dict[str, int]] = {}
        for (kind, level), count in found.risks.items():
            risks.setdefault(kind, {})[level] = count
        say_json({**asdict(found), "risks": risks, "conflict_rate": found.conflict_rate})
    else:
        sys.stdout.write(render_status(found))
    return 0


def top(args: Namespace) -> int:
    """List the images with the highest risk."""
    from audit.catalog import Catalog

    with Catalog(args.catalog) as catalog:
        _print_table(
            catalog.top(by=args.by, type=args.type, level=args.level, limit=args.limit), args.format
        )
    return 0


def sql(args: Namespace) -> int:
    """Answer one SELECT."""
    from audit.catalog import Catalog

    with Catalog(args.catalog) as catalog:
        _print_table(catalog.sql(args.query, limit=args.limit), args.format)
    return 0


def _print_table(table: pa.Table, form: Literal["table", "csv", "json"]) -> None:
    from audit.render import render_table

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sys.stdout.write(render_table(table, form, width))


def verify(args: Namespace) -> int:
    """Compare a catalog with its shards; exit code 1 when anything differs."""
    from audit.verify import verify

    problems = verify(args.catalog, sources=args.source)
    if args.format == "json":
        say_json({"catalog": str(args.catalog), "problems": problems})
    else:
        for problem in problems:
            say(problem)
        said = f"{len(problems):,} problems" if problems else "sound; every member accounted for"
        say(f"{args.catalog}: {said}")
    return 1 if problems else 0


def index(args: Namespace) -> int:
    """Build catalog.duckdb and vectors.faiss from the parts."""
    from audit.catalog import index

    built = index(args.catalog)
    if args.format == "json":
        say_json(asdict(built))
        return 0
    for line in built.skipped:
        warn(f"left out: {line}")
    say(
        f"{args.catalog}: {built.shards:,} shards, {built.rows:,} rows, {built.vectors:,} vectors "
        f"in {built.seconds:.1f} s"
    )
    return 0


def doctor(args: Namespace) -> int:
    """Examine shards; exit code 3 when one is not sound."""
    from audit.doctor import diagnose
    from audit.shards import MAX_BYTES

    diagnoses = diagnose(args.source, max_bytes=args.max_bytes or MAX_BYTES)
    if args.format == "json":
        say_json({"shards": [asdict(diagnosis) for diagnosis in diagnoses]})
    else:
        for diagnosis in diagnoses:
            for finding in diagnosis.findings:
                say(f"{diagnosis.shard.name}: {finding}")
        sound = sum(diagnosis.sound for diagnosis in diagnoses)
        say(f"{sound:,} of {len(diagnoses):,} shards are sound")
    return 0 if all(diagnosis.sound for diagnosis in diagnoses) else 3


def scorers(args: Namespace) -> int:
    """List the bundled scorers."""
    from audit.figures import in_brief
    from audit.scorer import read_card, scorers

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


def demo(args: Namespace) -> int:
    """Draw the demo shards."""
    from audit.demo import write_demo

    given = {name: getattr(args, name) for name in ("seed", "count")}
    tars = write_demo(args.directory, **{k: v for k, v in given.items() if v is not None})
    say(f"{args.directory}: {len(tars):,} shards; now: audit scan {args.directory}")
    return 0


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


def evaluate(args: Namespace) -> int:
    """Measure a scorer on labelled shards or drawn documents."""
    from itertools import chain

    from audit.errors import UsageError
    from audit.evaluation import from_drawings, from_shards, judge, metrics, record, separation
    from audit.figures import as_text
    from audit.scorer import Scorer, find_scorer
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
