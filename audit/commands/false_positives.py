"""The command false-positives: how often a scorer flags what is harmless."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.options import Command, as_json, count
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.false_positives import Group


def add(command: Command) -> None:
    """Add this command to the parser."""
    # fmt: off
    p = command("false-positives", false_positives,
                "measure how often a scorer flags harmless drawings, group by group",
                "compact --out harmless.png")
    p.add_argument("scorer", metavar="SCORER",
                   help="bundled scorer, scorer folder, or zeroshot:MODEL:WEIGHTS")
    p.add_argument("--count", type=count, metavar="N",
                   help="pictures of each group (default: 60)")
    p.add_argument("--out", type=Path, metavar="FILE.png",
                   help="write some pictures of each group there, the flagged ones framed")
    p.add_argument("--record", action="store_true",
                   help="put the figures onto the scorer's card and, of a bundled scorer, into "
                   "data/false-positives.json")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    as_json(p)
    # fmt: on


def false_positives(args: Namespace) -> int:
    """Measure, compare with the committed figures, record. 1 when a group has grown."""
    from audit.card import find_scorer
    from audit.demo.harmless import GROUPS
    from audit.false_positives import (
        COUNT,
        bundled_name,
        committed,
        grown,
        measure,
        pictures,
        record,
        summary,
    )
    from audit.registry import load_scorer
    from audit.steps import counted

    scorer = load_scorer(args.scorer, device=args.device)
    if args.record:
        find_scorer(args.scorer)  # refuses here, not after a minute, what has no card on disk
    number = args.count or COUNT
    with counted(sys.stderr) as shown:
        found = measure(
            scorer,
            pictures(number),
            progress=lambda done: shown(done, number * len(GROUPS), "judged"),
        )
    before = committed(bundled_name(args.scorer))
    more = grown(found, before) if before else []
    if args.out:
        from audit.contact_sheet import write_contact_sheet

        write_contact_sheet(found, args.out)
    if args.format == "json":
        groups = {group.name: group.to_json() for group in found}
        say_json({**summary(found), "groups": groups, "grown": more})
    else:
        _say_table(found)
    for line in more:
        warn(f"more than committed: {line}")
    if args.record:
        for path in record(args.scorer, scorer, found):
            warn(f"recorded in {path}")
        return 0
    return 1 if more else 0


def _say_table(found: Sequence[Group]) -> None:
    from audit.false_positives import summary

    say(f"{'group':<16} {'flagged':>12}  {'rate':>6}  95 % interval    most often as")
    for group in found:
        low, high = group.interval
        say(
            f"{group.name:<16} {len(group.flagged):>5} of {group.images:>3}  {group.rate:6.1%}  "
            f"{low:5.1%} to {high:6.1%}  {group.wrong_type or '-'}"
        )
    total = summary(found)
    low, high = total["harmless_flagged_interval"]
    say(
        f"all groups: {total['harmless_flagged']:.1%} of {total['images']:,} flagged "
        f"({low:.1%} to {high:.1%}; risk >= {total['flagged_at']})"
    )
