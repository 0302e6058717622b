"""The command that loads an export again: check."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from audit.options import Command, as_json
from audit.terminal import say, say_json, warn

SHOWN = 10  # faults, or notes, of one kind on the screen; --json has all


def add(command: Command) -> None:
    """Add this command to the parser."""
    # fmt: off
    p = command("check", check, "load an export by the rules of those who will read it",
                "stage-1 --clean 3000")
    p.add_argument("export", type=Path, metavar="DIR", help="folder that `curate export` made")
    p.add_argument("--clean", type=_whole, default=3000, metavar="N",
                   help="clean records that the trainer of stage I draws (default: 3,000, as the "
                   "released one)")
    p.add_argument("--distance", type=_bits, default=2, metavar="BITS",
                   help="pictures of training and validation whose hashes differ in so many bits "
                   "of 64 are alike (default: 2)")
    p.add_argument("--no-datasets", dest="with_datasets", action="store_false",
                   help="leave out the reading with `datasets`, which copies all shards for a "
                   "while")
    as_json(p)
    # fmt: on


def check(args: Namespace) -> int:
    """Load an export again, and list what is wrong with it."""
    from dataclasses import asdict

    from audit.steps import counted
    from curation.check import check as run
    from curation.checked import CHECKS

    with counted(sys.stderr) as shown:
        report = run(
            args.export,
            shown,
            drawn=args.clean,
            distance=args.distance,
            with_datasets=args.with_datasets,
        )
    code = 3 if report.faults else 0
    if args.format == "json":
        say_json(
            {
                "export": str(args.export),
                "faults": [asdict(found) for found in report.faults],
                "notes": [asdict(found) for found in report.notes],
                "skipped": report.skipped,
                "counted": {name: report.counted[name] for name in CHECKS},
                "exit_code": code,
            }
        )
        return code
    for name in CHECKS:
        wrong = [found for found in report.faults if found.check == name]
        notes = [found for found in report.notes if found.check == name]
        if name in report.skipped and not wrong:
            say(f"skipped  {name}: {report.skipped[name]}")
            continue
        state = f"{len(wrong):,} wrong" if wrong else "good"
        say(f"{state:8} {name}, {report.counted[name]:,} looked at")
        for word, some in (("", wrong), ("note: ", notes)):
            for found in some[:SHOWN]:
                say(f"    {word}{found.where}: {found.what}")
            if len(some) > SHOWN:
                say(f"    {word}and {len(some) - SHOWN:,} more, see --json")
    if report.faults:
        warn(f"{args.export}: {len(report.faults):,} faults", "curate")
    return code


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number


def _bits(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 7:
        raise argparse.ArgumentTypeError(f"{number} is not 0 to 7")
    return number
