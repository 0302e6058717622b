"""The command that writes training data: export."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.options import Command, as_json, catalog, count
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from curation.export import Exported
    from curation.mixture import Composition, CompositionOptions

FORMATS = ("wds", "psa-vlm", "llava", "sharegpt", "openai")
SHOWN = 20  # lost images named on the screen; the manifest has all


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("export", export, "write what a policy keeps as data to train with",
                "laion.audit --stage 1 --policy psa-vlm --out stage-1")
    catalog(p)
    p.add_argument("--stage", type=int, choices=(1, 2), required=True,
                   help="1: risky images and a sample of clean ones; 2: all of both")
    p.add_argument("--policy", default="psa-vlm", metavar="NAME|FILE",
                   help="strict, balanced, permissive, psa-vlm or a YAML file (default: psa-vlm)")
    p.add_argument("--out", type=Path, required=True, metavar="DIR",
                   help="folder to make; it appears whole at the end")
    p.add_argument("--format", type=_formats, dest="formats", default=("wds", "psa-vlm"),
                   metavar="LIST", help=f"of {','.join(FORMATS)} (default: wds,psa-vlm); all but "
                   "wds have their images beside them, once")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="of every draw (default: 0)")
    p.add_argument("--shard-size", type=count, default=1000, metavar="N",
                   help="records a tar (default: 1,000)")
    p.add_argument("--hints", action="store_true",
                   help="end the first question with the hint for the picture's type and level; "
                   "the json has it anyway")
    p.add_argument("--clean", type=_whole, metavar="N",
                   help="clean images in stage 1 (default: 3,000 for 11,199 risky ones)")
    p.add_argument("--target", type=count, metavar="N",
                   help="images in stage 2, risky and clean (default: all)")
    p.add_argument("--cap", type=_bound, action="append", default=[], metavar="WHAT=N",
                   help="at most N of a TYPE, of TYPE/LEVEL, of each of `types` or of `cells`")
    p.add_argument("--floor", type=_bound, action="append", default=[], metavar="WHAT=N",
                   help="at least N likewise; what is short is told, never filled up")
    p.add_argument("--val", type=_share, default=0.05, metavar="SHARE",
                   help="share that validates (default: 0.05)")
    p.add_argument("--requests", type=_share, default=0.05, metavar="SHARE",
                   help="stage 2: share of harmless pictures that also get a harmful request, "
                   "declined (default: 0.05)")
    p.add_argument("--redacted", action="store_true",
                   help="also the images to be made unrecognisable first; redact.txt lists them")
    p.add_argument("--templates", metavar="FILE", help="your own wording, see data/templates")
    p.add_argument("--gate", action="store_true",
                   help="write nothing and end with exit code 4 when a gate of the policy is not "
                   "met")
    p.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    as_json(p)
    # fmt: on


def export(args: Namespace) -> int:
    """Write what a policy keeps as data to train with."""
    from audit.steps import counted
    from curation.export import Options
    from curation.making import make

    writing = Options(args.formats, args.shard_size, args.hints, args.overwrite)
    composing = _composing(args)
    with counted(sys.stderr) as shown:
        done, composition = make(
            args.catalog, args.policy, args.out, composing, writing, shown, gate=args.gate
        )
    for lost in done.lost[:SHOWN]:
        warn(f"lost: {lost.member} of {lost.shard}: {lost.why}", "curate")
    if len(done.lost) > SHOWN:
        warn(f"and {len(done.lost) - SHOWN:,} more, see manifest.json", "curate")
    if args.format == "json":
        say_json(_told(done))
    else:
        _say(done, composition)
    return 3 if done.lost else 0


def _composing(args: Namespace) -> CompositionOptions:
    from curation.balance import Bounds
    from curation.mixture import CompositionOptions

    options: dict[str, Any] = {} if args.templates is None else {"templates": args.templates}
    return CompositionOptions(
        stage=args.stage,
        seed=args.seed,
        clean=args.clean,
        target=args.target,
        bounds=Bounds(dict(args.cap), dict(args.floor)),
        val=args.val,
        requests=args.requests,
        redacted=args.redacted,
        **options,
    )


def _told(done: Exported) -> dict[str, Any]:
    counts = done.content["counts"]
    return {
        "out": str(done.out),
        "counts": counts,
        "composition": done.content["composition"],
        "lost": done.content["lost"],
        "files": done.files,
        "bytes": done.size,
        "seconds": round(done.seconds, 3),
        "exit_code": 3 if done.lost else 0,
    }


def _say(done: Exported, composition: Composition) -> None:
    for line in composition.report.lines():
        say(line)
    counts = done.content["counts"]
    say(
        f"{done.out}: {counts['records']:,} records on {counts['images']:,} images, "
        f"{counts['risky']:,} risky, {counts['clean']:,} clean"
    )
    speed = counts["records"] / max(done.seconds, 1e-9)
    say(f"{done.files:,} files, {done.size / 1e6:,.1f} MB, {speed:,.0f} records/s")
    if done.lost:
        say(f"{len(done.lost):,} images could not be had; manifest.json lists them")
    say(f"next: curate check {done.out}")


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    strange = [name for name in names if name not in FORMATS]
    if strange or not names:
        shown = strange[0] if strange else text
        raise argparse.ArgumentTypeError(f"no format {shown!r}; known: {', '.join(FORMATS)}")
    return names


def _bound(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not equals or not number.isascii() or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not WHAT=N, as in illegal/high=500")
    return name.strip(), int(number)


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no share; 0 <= share < 1")
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number
