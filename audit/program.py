"""How our programs run one command: errors in one line, exit codes as promised."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from audit.errors import ShardwardenError
from audit.options import Parser
from audit.terminal import say_json, warn
from audit.text import visible

INTERRUPTED = 130


def run(parser: Parser, argv: Sequence[str] | None) -> int:
    """Run one command; returns the exit code. Our errors are one line, without a trace."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character
            stream.reconfigure(errors="backslashreplace")
    args = parser.parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has gone; nothing is left to say, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ShardwardenError as error:
        return _failed(parser.prog, args, str(error), error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(parser.prog, args, f"{where}{error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _failed(
            parser.prog, args, "interrupted; run the same command again to go on", INTERRUPTED
        )


def _failed(program: str, args: argparse.Namespace, message: str, code: int) -> int:
    """Say it on stderr; with --json on stdout too, where exactly one object is expected."""
    warn(message, program)
    if getattr(args, "format", None) == "json":
        say_json({"error": visible(message), "exit_code": code})
    return code
