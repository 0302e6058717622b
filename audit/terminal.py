"""What commands print: stdout for answers, stderr for everything else."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Literal

from audit.text import visible

if TYPE_CHECKING:
    import pyarrow as pa


def say(line: str) -> None:
    """Print one line on stdout; whatever strangers wrote in it cannot move the cursor."""
    sys.stdout.write(visible(line) + "\n")


def say_json(value: object) -> None:
    """Print one JSON value on stdout, in ASCII."""
    sys.stdout.write(json.dumps(value) + "\n")


def warn(line: str, program: str = "audit") -> None:
    """Print one line of ours on stderr."""
    sys.stderr.write(f"{program}: {visible(line)}\n")


def print_table(table: pa.Table, form: Literal["table", "csv", "json"]) -> None:
    """Print a table on stdout, cut to the terminal's width when there is one."""
    from audit.render import render_table

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sys.stdout.write(render_table(table, form, width))
