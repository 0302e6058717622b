"""The command that shows where in a picture the evidence lies: explain."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from audit.options import Command, as_json
from audit.terminal import say, say_json


def add(command: Command) -> None:
    """Add this command to the parser."""
    # fmt: off
    p = command("explain", explain, "draw where in a picture the evidence for a risk lies",
                "laion.audit 000000012 --output evidence.png --what weapon")
    p.add_argument("source", type=Path, metavar="CATALOG|IMAGE",
                   help="a catalog, followed by the key of a row; or an image file")
    p.add_argument("key", nargs="?", metavar="KEY",
                   help="key or uid of a row; SHARD/MEMBER where several have the key")
    p.add_argument("-o", "--output", type=Path, required=True, metavar="PNG",
                   help="drawing to write")
    p.add_argument("--what", metavar="NAME",
                   help="a type or a concept (default: the likeliest risky type)")
    p.add_argument("--scorer", metavar="NAME|DIR",
                   help="bundled scorer or scorer folder (default: the catalog's own; compact for "
                        "an image)")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    as_json(p)
    # fmt: on


def explain(args: Namespace) -> int:
    """Draw the evidence in one picture."""
    from audit.errors import ImageError, ShardwardenError, UsageError
    from audit.explained import catalog_picture, catalog_scorer, image_file, load
    from audit.explaining import draw, explain

    if args.output.exists() and args.source.exists() and args.output.samefile(args.source):
        raise UsageError(f"{args.output}: is the picture itself; give another --output")
    if not args.output.parent.is_dir():
        raise UsageError(f"{args.output}: no folder {args.output.parent}; make it first")
    if args.key is not None:
        where, data = catalog_picture(args.source, args.key)
        scorer = catalog_scorer(args.source, args.scorer, args.device)
    else:
        where, data = image_file(args.source)
        scorer = load(args.scorer or "compact", args.device)
    try:
        found = explain(scorer, data, args.what)
    except ImageError as error:
        raise ShardwardenError(f"{where}: {error}") from None
    legend = (
        f"{found.what} {found.probability:.2f}, scorer {scorer.card.name} "
        f"({scorer.fingerprint:.8}); evidence from none (nothing drawn) over red to most (yellow)"
    )
    draw(data, found, legend).save(args.output, "PNG")
    if args.format == "json":
        height, width = found.evidence.shape
        say_json({
            "picture": where, "what": found.what, "probability": found.probability,
            "scorer": scorer.card.name, "scorer_sha256": scorer.fingerprint,
            "width": width, "height": height, "output": str(args.output),
        })  # fmt: skip
    else:
        say(f"{args.output}: {where}: {legend}")
    return 0
