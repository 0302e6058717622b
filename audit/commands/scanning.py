"""Commands about shards and what a scan leaves: scan, index, verify, doctor, demo."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import UsageError
from audit.options import Command, as_json, catalog, count, max_bytes, sources
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from audit.mapping import MapReport
    from audit.plan import ScanOptions, ScanReport
    from audit.shards import Shard


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("scan", scan, "score every image of shards into a catalog",
                "laion-shards/ --out laion.audit")
    sources(p)
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="catalog to write (default: <name of the source folder>.audit, here)")
    p.add_argument("--scorer", default="compact", metavar="NAME|DIR|zeroshot:MODEL:WEIGHTS",
                   help="bundled scorer, scorer folder, or prompts on an open_clip model "
                        "(default: compact)")
    p.add_argument("--encoder", metavar="MODEL:WEIGHTS",
                   help="for a folder of embeddings that clip-retrieval wrote: the encoder that "
                        "made them, as in ViT-L-14:openai; the scorer must read those")
    p.add_argument("--captions", default="auto", metavar="auto|off|NAME|DIR",
                   help="text scorer for captions and words in pictures (default: auto, the "
                        "bundled one when its sentence encoder is here; off for embeddings)")
    p.add_argument("--ocr", default="auto", choices=("auto", "on", "off"),
                   help="read the words of pictures that look like text (default: auto, when "
                        "RapidOCR is installed)")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    p.add_argument("--batch-size", type=count, metavar="N",
                   help="images scored at once (default: 32 on a CPU, 256 on a GPU)")
    p.add_argument("--workers", type=count, metavar="N",
                   help="threads that decode (default: one a core)")
    p.add_argument("--overwrite", action="store_true",
                   help="remove the catalog's results first; decisions of reviewers stay")
    p.add_argument("--retry-failed", action="store_true",
                   help="do shards again that have failed images or faults")
    p.add_argument("--limit", type=count, metavar="N",
                   help="score the first N images only; a later scan without it goes on")
    p.add_argument("--strict", action="store_true", help="stop at the first failure, exit code 1")
    p.add_argument("--no-previews", action="store_true", help="store no 24-pixel grey previews")
    p.add_argument("--store-features", action="store_true",
                   help="keep the safety features too, so that `audit rescore` needs no image")
    max_bytes(p)
    p.add_argument("--max-pixels", type=count, metavar="N",
                   help="refuse larger images (default: 178,000,000)")
    as_json(p)

    p = command("index", index, "build catalog.duckdb and vectors.faiss from the parts",
                "laion.audit --map")
    catalog(p)
    p.add_argument("--map", action="store_true",
                   help="lay out a map of the pictures first, for the review screen: by PaCMAP "
                        "when the extra `map` is installed, else by PCA")
    as_json(p)

    p = command("verify", verify, "prove a catalog against its shards",
                "laion.audit")
    catalog(p)
    p.add_argument("--source", action="append", metavar="SOURCE",
                   help="where the shards are now (default: where they were); may be repeated")
    as_json(p)

    p = command("doctor", doctor, "explain malformed shards: what, where, what to do",
                "laion-shards/00042.tar")
    sources(p)
    max_bytes(p)
    as_json(p)

    p = command("demo", demo, "draw small shards to try things on; nothing is downloaded",
                "demo-shards/")
    p.add_argument("directory", type=Path, metavar="DIR")
    p.add_argument("--seed", type=int, metavar="N", help="another seed draws other pictures")
    p.add_argument("--count", type=count, metavar="N", help="pictures, 30 at least")
    # fmt: on


def scan(args: Namespace) -> int:
    """Score every image of the sources; exit code 3 when images failed or shards have faults."""
    from audit.embeddings import is_embedding_folder
    from audit.progress import summary

    embedded = [is_embedding_folder(source) for source in args.source]
    if any(embedded) and not all(embedded):
        raise UsageError("scan: shards and folders of embeddings go into two catalogs")
    report = _scan_embeddings(args) if any(embedded) else _scan_shards(args)
    if args.format == "json":
        say_json({**asdict(report), "balanced": report.balanced, "exit_code": report.exit_code})
    else:
        for line in summary(report):
            say(line)
    return report.exit_code


def _scan_embeddings(args: Namespace) -> ScanReport:
    from audit.embedded import Folder, scan_embeddings
    from audit.identity import encoder_identity, encoder_spec
    from audit.registry import load_embedding_scorer
    from audit.steps import counted
    from audit.texts import load

    if args.encoder is None:
        raise UsageError(
            f"{args.source[0]}: embeddings do not say whose they are; name it with --encoder, as "
            "in --encoder ViT-L-14:openai"
        )
    encoder = encoder_identity(encoder_spec(args.encoder))
    scorer = load_embedding_scorer(args.scorer)
    out = args.out or Path(f"{Path(args.source[0]).resolve().name}.audit")
    texts = load("off" if args.captions == "auto" else args.captions, "off", warn=warn)
    others = _others(args, out, [s for source in args.source for s in Folder.read(source).shards])
    with counted(sys.stderr) as show:
        report = scan_embeddings(
            args.source, out, scorer, encoder, _options(args), texts=texts, progress=show
        )
    return replace(report, others=others)


def _scan_shards(args: Namespace) -> ScanReport:
    from audit.plan import default_out, features_cost
    from audit.shards import expand

    shards = expand(args.source)  # a wrong source is told before a scorer is loaded

    from audit.progress import display
    from audit.registry import load_scorer
    from audit.scan import scan
    from audit.scorer import Scorer
    from audit.texts import as_before, load

    if args.encoder is not None:
        raise UsageError("--encoder: only for folders of embeddings; a scorer names its own")
    out = args.out or default_out(args.source, shards)
    scorer = load_scorer(args.scorer, device=args.device)
    if args.store_features and isinstance(scorer, Scorer):
        warn(features_cost(scorer.safety.dims.head.width, shards))
    captions, ocr = args.captions, args.ocr
    if not args.overwrite:
        captions, ocr = as_before(out, captions, ocr)
    texts = load(captions, ocr, device=args.device, warn=warn)
    others = _others(args, out, shards)
    with display(sys.stderr) as show:
        report = scan(args.source, out, scorer, _options(args), texts=texts, progress=show)
    return replace(report, others=others)


def _others(args: Namespace, out: Path, shards: Sequence[Shard]) -> int:
    """Shards of other sources that the catalog holds already; told, --out may be a slip."""
    from audit.header import held

    if args.overwrite:
        return 0
    names, count = held(out, args.source, [shard.id for shard in shards])
    if count:
        noun = "shard" if count == 1 else "shards"
        warn(
            f"adding new sources to {out}, which holds {count:,} {noun} of others ({names}): "
            "Ctrl-C to stop"
        )
    return count


def _options(args: Namespace) -> ScanOptions:
    from audit.images import DEFAULT_LIMITS, Limits
    from audit.plan import ScanOptions

    return ScanOptions(
        batch_size=args.batch_size,
        workers=args.workers,
        overwrite=args.overwrite,
        retry_failed=args.retry_failed,
        limit=args.limit,
        strict=args.strict,
        previews=not args.no_previews,
        features=args.store_features,
        limits=Limits(
            args.max_pixels or DEFAULT_LIMITS.max_pixels, args.max_bytes or DEFAULT_LIMITS.max_bytes
        ),
    )


def index(args: Namespace) -> int:
    """Build catalog.duckdb and vectors.faiss from the parts, a map before them where asked for."""
    from audit.building import index

    made = _map(args.catalog) if args.map else None
    built = index(args.catalog)
    if args.format == "json":
        say_json({**asdict(built), "map": asdict(made) if made else None})
        return 0
    for line in built.skipped:
        warn(f"left out: {line}")
    say(
        f"{args.catalog}: {built.shards:,} shards, {built.rows:,} rows, {built.vectors:,} vectors "
        f"in {built.seconds:.1f} s"
    )
    if made:
        better = (
            "" if made.method != "PCA" else "; `pip install shardwarden[map]` sets groups apart"
        )
        say(f"map of {made.rows:,} rows by {made.method} in {made.seconds:.1f} s{better}")
    return 0


def _map(catalog: Path) -> MapReport:
    from audit.mapping import make
    from audit.steps import counted

    with counted(sys.stderr) as show:
        return make(catalog, show=show)


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


def demo(args: Namespace) -> int:
    """Draw the demo shards."""
    from audit.demo import write_demo

    given = {name: getattr(args, name) for name in ("seed", "count")}
    tars = write_demo(args.directory, **{k: v for k, v in given.items() if v is not None})
    say(f"{args.directory}: {len(tars):,} shards; now: audit scan {args.directory}")
    return 0
