"""Options that several commands share, and the parser they are added to."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from audit import __version__
from audit.terminal import warn


class Command(Protocol):
    """Adds one command: its name, function, one sentence about it, and an example's arguments."""

    def __call__(
        self, name: str, run: Callable[[argparse.Namespace], int], about: str, example: str
    ) -> argparse.ArgumentParser:
        """Returns the parser, for its options."""


class Group(Protocol):
    """A file of commands that belong together."""

    def add(self, command: Command) -> None:
        """Add its commands."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all our errors."""

    def error(self, message: str) -> NoReturn:
        """Print the line and leave with exit code 2."""
        warn(f"{message}; see `{self.prog} --help`", self.prog.partition(" ")[0])
        raise SystemExit(2)


def program(name: str, about: str, example: str, codes: str, groups: Sequence[Group]) -> Parser:
    """The parser of a program with the commands of these groups, in their order.

    about, example, codes   what it is for, a line to try, and its exit codes
    """
    top = Parser(
        prog=name,
        description=about,
        epilog=f"example: {example}\n\nexit codes: {codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"shardwarden {__version__}")
    command = _commands_of(top)
    for group in groups:
        group.add(command)
    return top


def _commands_of(top: Parser) -> Command:
    added_to = top.add_subparsers(dest="command", required=True, title="commands")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, example: str
    ) -> argparse.ArgumentParser:
        added = added_to.add_parser(
            name,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            epilog=f"example: {top.prog} {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.set_defaults(run=run)
        return added

    return command


# fmt: off
def sources(p: argparse.ArgumentParser) -> None:
    """Shards, as `audit.shards.expand` takes them."""
    p.add_argument("source", nargs="+", metavar="SOURCE",
                   help="folder, .tar, glob, '{000..099}.tar', @list.txt or url")


def catalog(p: argparse.ArgumentParser) -> None:
    """The folder of a catalog."""
    p.add_argument("catalog", type=Path, metavar="CATALOG", help="folder that `audit scan` made")


def max_bytes(p: argparse.ArgumentParser) -> None:
    """Limit on the file of one image."""
    p.add_argument("--max-bytes", type=count, metavar="N",
                   help="refuse images whose file is larger (default: 67,108,864)")


def as_json(p: argparse.ArgumentParser) -> None:
    """`--json`: args.format is 'json' or 'table'."""
    p.add_argument("--json", dest="format", action="store_const", const="json", default="table",
                   help="one JSON object on stdout, all else on stderr")


def table_format(p: argparse.ArgumentParser) -> None:
    """`--json` or `--csv` for commands that print a table."""
    either = p.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        either.add_argument(f"--{name}", dest="format", action="store_const", const=name,
                            default="table", help=f"print {name.upper()}")
# fmt: on


def seconds(text: str) -> float:
    """A length of time, above 0."""
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number


def count(text: str) -> int:
    """A whole number, 1 at least."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number
