"""The command that writes training data: export."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.options import Command, as_json, catalog, count
from audit.terminal import say, say_json, warn
from curation.commands.composition_options import add_options, options_of

if TYPE_CHECKING:
    from curation.export import Exported
    from curation.mixture import Composition

FORMATS = ("wds", "psa-vlm", "llava", "sharegpt", "openai")
SHOWN = 20  # lost images named on the screen; the manifest has all


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("export", export, "write what a policy keeps as data to train with",
                "laion.audit --stage 1 --policy psa-vlm --out stage-1")
    catalog(p)
    p.add_argument("--policy", default="psa-vlm", metavar="NAME|FILE",
                   help="strict, balanced, permissive, psa-vlm or a YAML file (default: psa-vlm)")
    p.add_argument("--out", type=Path, required=True, metavar="DIR",
                   help="folder to make; it appears whole at the end")
    p.add_argument("--format", type=_formats, dest="formats", default=("wds", "psa-vlm"),
                   metavar="LIST", help=f"of {','.join(FORMATS)} (default: wds,psa-vlm); all but "
                   "wds have their images beside them, once")
    p.add_argument("--shard-size", type=count, default=1000, metavar="N",
                   help="records a tar (default: 1,000)")
    p.add_argument("--hints", action="store_true",
                   help="end the first question with the hint for the picture's type and level; "
                   "the json has it anyway")
    p.add_argument("--gate", action="store_true",
                   help="write nothing and end with exit code 4 when a gate of the policy is not "
                   "met")
    p.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    as_json(p)
    # fmt: on
    add_options(p)


def export(args: Namespace) -> int:
    """Write what a policy keeps as data to train with."""
    from audit.steps import counted
    from curation.export import Options
    from curation.making import make

    writing = Options(args.formats, args.shard_size, args.hints, args.overwrite)
    composing = options_of(args)
    with counted(sys.stderr) as shown:
        done, composition = make(
            args.catalog, args.policy, args.out, composing, writing, shown,
            gate=args.gate, tell=lambda note: warn(note, "curate"),
        )  # fmt: skip
    for lost in done.lost[:SHOWN]:
        warn(f"lost: {lost.member} of {lost.shard}: {lost.why}", "curate")
    if len(done.lost) > SHOWN:
        warn(f"and {len(done.lost) - SHOWN:,} more, see manifest.json", "curate")
    if args.format == "json":
        say_json(_told(done))
    else:
        _say(done, composition)
    return 3 if done.lost else 0


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
