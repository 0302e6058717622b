"""The command that shows what a policy would do: plan."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from audit.options import Command, as_json, catalog
from audit.terminal import say, say_json, warn


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("plan", plan, "show what a policy would keep, before anything is written",
                "laion.audit --policy balanced --gate --out plan.html")
    catalog(p)
    p.add_argument("--policy", default="balanced", metavar="NAME|FILE",
                   help="strict, balanced, permissive, psa-vlm or a YAML file (default: balanced)")
    p.add_argument("--gate", action="store_true",
                   help="end with exit code 4 when a gate of the policy is not met")
    p.add_argument("--out", type=Path, metavar="FILE.svg|.html",
                   help="also draw what goes where; .html has the tables too")
    as_json(p)
    # fmt: on


def plan(args: Namespace) -> int:
    """Show what a policy would keep."""
    from audit.errors import UsageError
    from audit.parts import replacing
    from audit.steps import counted
    from curation.gathering import gather
    from curation.picture import svg
    from curation.plan import plan as draw_up
    from curation.planned import page, text

    if args.out is not None and args.out.suffix.lower() not in (".svg", ".html"):
        raise UsageError(f"{args.out}: name it .svg or .html")
    with counted(sys.stderr) as shown:
        shown(0, None, "reading the catalog")
        gathered = gather(args.catalog, args.policy)
        shown(0, None, f"selecting of {len(gathered.rows):,} images")
        drawn = draw_up(gathered, args.catalog.resolve().name)
    if args.out is not None:
        content = page(drawn) if args.out.suffix.lower() == ".html" else svg(drawn)
        with replacing(args.out) as temporary:
            temporary.write_text(content, encoding="utf-8")
    if args.format == "json":
        say_json(drawn.as_json())
    else:
        sys.stdout.write(text(drawn))
        if args.out is not None:
            say(f"drawn: {args.out}")
    if args.gate and drawn.broken:
        warn(f"{len(drawn.broken)} gates of {drawn.policy} are not met", "curate")
        return 4
    return 0
