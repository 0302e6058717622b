"""The command `curate`. What its commands take and do is in curation.commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from audit import __version__
from audit.options import Parser, commands_of
from audit.program import run
from curation.commands import checking, deciding, estimating, exporting, filtering, planning

_CODES = (
    "exit codes: 0 all good, 1 error, 2 wrong usage, 3 finished but something was wrong with "
    "some rows, 4 the policy's gates are not met, 130 interrupted"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    return run(parser(), argv)


def parser() -> Parser:
    """All commands with their options."""
    top = Parser(
        prog="curate",
        description="What of an audited data set do we keep? Joins scores, people's decisions and "
        "a policy, and says for every image what becomes of it and why.",
        epilog=f"example: curate plan laion.audit --policy balanced\n\n{_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"shardwarden {__version__}")
    command = commands_of(top)
    for group in (planning, deciding, estimating, exporting, checking, filtering):
        group.add(command)
    return top


if __name__ == "__main__":
    sys.exit(main())
