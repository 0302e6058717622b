"""The command `audit`. What its commands take and do is in audit.commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

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
from audit.options import Group, Parser, program
from audit.program import run

_CODES = (
    "0 all good, 1 error, 2 wrong usage, 3 finished but some samples or shards "
    "failed, 130 interrupted"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    return run(parser(), argv)


def parser() -> Parser:
    """All commands with their options."""
    groups: tuple[Group, ...] = (
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
    )
    return program(
        "audit",
        "What is in these image-text shards? Scores every image for risky content "
        "and accounts for every sample.",
        "audit scan laion-shards/ && audit status laion-shards.audit",
        _CODES,
        groups,
    )


if __name__ == "__main__":
    sys.exit(main())
