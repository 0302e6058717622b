"""The command `curate`. What its commands take and do is in curation.commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from audit.options import Group, Parser, program
from audit.program import run
from curation.commands import checking, deciding, estimating, exporting, filtering, planning

_CODES = (
    "0 all good, 1 error, 2 wrong usage, 3 finished but something was wrong with "
    "some rows, 4 the policy's gates are not met, 130 interrupted"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    return run(parser(), argv)


def parser() -> Parser:
    """All commands with their options."""
    groups: tuple[Group, ...] = (planning, deciding, estimating, exporting, checking, filtering)
    return program(
        "curate",
        "What of an audited data set do we keep? Joins scores, people's decisions and "
        "a policy, and says for every image what becomes of it and why.",
        "curate plan laion.audit --policy balanced",
        _CODES,
        groups,
    )


if __name__ == "__main__":
    sys.exit(main())
