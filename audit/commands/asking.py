"""Commands that ask a catalog: status, top, sql."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict

from audit.options import Command, as_json, catalog, count, seconds, table_format
from audit.taxonomy import LEVELS, TYPES
from audit.terminal import print_table, say_json


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("status", status, "count a catalog: books, risks, failures, faults",
                "laion.audit")
    catalog(p)
    as_json(p)

    p = command("top", top, "list the images with the highest risk",
                "laion.audit --type privacy --limit 50")
    catalog(p)
    p.add_argument("--type", choices=TYPES, help="only images of this type")
    p.add_argument("--level", choices=LEVELS, help="only images of this level")
    p.add_argument("--by", default="risk", choices=("risk", *(f"p_{name}" for name in TYPES)),
                   help="what to sort by (default: risk)")
    p.add_argument("--limit", type=count, default=20, metavar="N", help="rows (default: 20)")
    table_format(p)

    p = command("sql", sql, "ask a catalog with one SELECT",
                "laion.audit \"SELECT risk_type, count(*) FROM samples GROUP BY ALL\"")
    catalog(p)
    p.add_argument("query", metavar="QUERY", help="over samples, shards, faults, upstream")
    p.add_argument("--limit", type=count, metavar="N", help="rows at most (default: all)")
    p.add_argument("--timeout", type=seconds, metavar="SECONDS",
                   help="stop after so long (default: never)")
    table_format(p)
    # fmt: on


def status(args: Namespace) -> int:
    """Count a catalog."""
    from audit.catalog import Catalog
    from audit.render import render_status
    from audit.tally import status as counted

    with Catalog(args.catalog) as catalog:
        found = counted(catalog)
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
    from audit.top import top as found

    with Catalog(args.catalog) as catalog:
        print_table(
            found(catalog, by=args.by, type=args.type, level=args.level, limit=args.limit),
            args.format,
        )
    return 0


def sql(args: Namespace) -> int:
    """Answer one SELECT."""
    from audit.catalog import Catalog

    with Catalog(args.catalog) as catalog:
        print_table(catalog.sql(args.query, limit=args.limit, timeout=args.timeout), args.format)
    return 0
