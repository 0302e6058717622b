"""The command `audit`. What its commands take and do is in audit.commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from audit import __version__
from audit.commands import (
    asking,
    calibrating,
    embedding,
    explaining,
    false_positives,
    judging,
    rescoring,
    reviewing,
    scanning,
    text,
    training,
)
from audit.options import Parser, commands_of
from audit.program import run

_CODES = (
    "exit codes: 0 all good, 1 error, 2 wrong usage, 3 finished but some samples or shards "
    "failed, 130 interrupted"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    return run(parser(), argv)


def parser() -> Parser:
    """All commands with their options."""
    top = Parser(
        prog="audit",
        description="What is in these image-text shards? Scores every image for risky content "
        "and accounts for every sample.",
        epilog=f"example: audit scan laion-shards/ && audit status laion-shards.audit\n\n{_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"shardwarden {__version__}")
    command = commands_of(top)
    for group in (
        scanning,
        asking,
        reviewing,
        rescoring,
        judging,
        calibrating,
        explaining,
        false_positives,
        embedding,
        training,
        text,
    ):
        group.add(command)
    return top


if __name__ == "__main__":
    sys.exit(main())
