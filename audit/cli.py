"""The command `audit`: its options, and how its errors and exit codes look.

What the commands do is in audit.commands. A new one is a function `name(args) -> exit code` there
and a block in `parser` here.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from audit import __version__, commands
from audit.errors import ShardwardenError
from audit.taxonomy import LEVELS, TYPES
from audit.text import visible

INTERRUPTED = 130
_CODES = (
    "exit codes: 0 all good, 1 error, 2 wrong usage, 3 finished but some samples or shards "
    "failed, 130 interrupted"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Our errors are one line, without a trace."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character
            stream.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has gone; nothing is left to say, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ShardwardenError as error:
        return _failed(args, str(error), error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(args, f"{where}{error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _failed(args, "interrupted; run the same command again to go on", INTERRUPTED)


def _failed(args: argparse.Namespace, message: str, code: int) -> int:
    """Say it on stderr; with --json on stdout too, where exactly one object is expected."""
    commands.warn(message)
    if getattr(args, "format", None) == "json":
        commands.say_json({"error": visible(message), "exit_code": code})
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all our errors."""

    def error(self, message: str) -> NoReturn:
        commands.warn(f"{message}; see `{self.prog} --help`")
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = _Parser(
        prog="audit",
        description="What is in these image-text shards? Scores every image for risky content "
        "and accounts for every sample.",
        epilog=f"example: audit scan laion-shards/ && audit status laion-shards.audit\n\n{_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"shardwarden {__version__}")
    added_to = top.add_subparsers(dest="command", required=True, title="commands")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, example: str
    ) -> argparse.ArgumentParser:
        added = added_to.add_parser(
            name,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            epilog=f"example: audit {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.set_defaults(run=run)
        return added

    # fmt: off
    p = command("scan", commands.scan, "score every image of shards into a catalog",
                "laion-shards/ --out laion.audit")
    _sources(p)
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="catalog to write (default: <name of the source folder>.audit, here)")
    p.add_argument("--scorer", default="compact", metavar="NAME|DIR",
                   help="bundled scorer or scorer folder (default: compact)")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    p.add_argument("--batch-size", type=_count, metavar="N",
                   help="images scored at once (default: 32 on a CPU, 256 on a GPU)")
    p.add_argument("--workers", type=_count, metavar="N",
                   help="threads that decode (default: one a core)")
    p.add_argument("--overwrite", action="store_true",
                   help="remove the catalog's results first; decisions of reviewers stay")
    p.add_argument("--retry-failed", action="store_true",
                   help="do shards again that have failed images or faults")
    p.add_argument("--limit", type=_count, metavar="N",
                   help="score the first N images only; a later scan without it goes on")
    p.add_argument("--strict", action="store_true", help="stop at the first failure, exit code 1")
    p.add_argument("--no-previews", action="store_true", help="store no 24-pixel grey previews")
    _max_bytes(p)
    p.add_argument("--max-pixels", type=_count, metavar="N",
                   help="refuse larger images (default: 178,000,000)")
    _json(p)

    p = command("status", commands.status, "count a catalog: books, risks, failures, faults",
                "laion.audit")
    _catalog(p)
    _json(p)

    p = command("top", commands.top, "list the images with the highest risk",
                "laion.audit --type privacy --limit 50")
    _catalog(p)
    p.add_argument("--type", choices=TYPES, help="only images of this type")
    p.add_argument("--level", choices=LEVELS, help="only images of this level")
    p.add_argument("--by", default="risk", choices=("risk", *(f"p_{name}" for name in TYPES)),
                   help="what to sort by (default: risk)")
    p.add_argument("--limit", type=_count, default=20, metavar="N", help="rows (default: 20)")
    _format(p)

    p = command("sql", commands.sql, "ask a catalog with one SELECT",
                "laion.audit \"SELECT risk_type, count(*) FROM samples GROUP BY ALL\"")
    _catalog(p)
    p.add_argument("query", metavar="QUERY", help="over samples, shards, faults, upstream")
    p.add_argument("--limit", type=_count, metavar="N", help="rows at most (default: all)")
    _format(p)

    p = command("verify", commands.verify, "prove a catalog against its shards",
                "laion.audit")
    _catalog(p)
    p.add_argument("--source", action="append", metavar="SOURCE",
                   help="where the shards are now (default: where they were); may be repeated")
    _json(p)

    p = command("index", commands.index, "build catalog.duckdb and vectors.faiss from the parts",
                "laion.audit")
    _catalog(p)
    _json(p)

    p = command("doctor", commands.doctor, "explain malformed shards: what, where, what to do",
                "laion-shards/00042.tar")
    _sources(p)
    _max_bytes(p)
    _json(p)

    p = command("scorers", commands.scorers, "list the bundled scorers and what they cover", "")
    _json(p)

    p = command("demo", commands.demo, "draw small shards to try things on; nothing is downloaded",
                "demo-shards/")
    p.add_argument("directory", type=Path, metavar="DIR")
    p.add_argument("--seed", type=int, metavar="N", help="another seed draws other pictures")
    p.add_argument("--count", type=_count, metavar="N", help="pictures, 30 at least")

    p = command("train", commands.train, "train a scorer from labelled shards",
                "labelled/ --out my-scorer --encoder ViT-L-14-336:openai")
    _sources(p)
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="scorer folder to write")
    p.add_argument("--encoder", default="compact", metavar="NAME[:WEIGHTS]",
                   help="'compact' trains the small encoder too (default); an open_clip model with "
                        "a tag or a .safetensors file stays frozen")
    p.add_argument("--layer", type=int, default=-2, metavar="N",
                   help="hidden layer of a frozen encoder (default: -2, the one before the last)")
    p.add_argument("--documents", type=int, metavar="N",
                   help="drawn documents to mix in (default: 4000; 0 for none)")
    p.add_argument("--steps", type=_count, metavar="N", help="optimiser steps (default: 4500)")
    p.add_argument("--batch", type=_count, metavar="N", help="examples a step (default: 64)")
    p.add_argument("--rate", type=float, metavar="X", help="learning rate (default: 0.0015)")
    p.add_argument("--seed", type=int, metavar="N", help="of everything random (default: 256)")
    p.add_argument("--from", dest="start", metavar="SCORER",
                   help="go on from this compact scorer instead of from scratch")
    p.add_argument("--strength", type=float, metavar="X",
                   help="0..1: how far views of the pictures go (default: 1)")

    p = command("eval", commands.evaluate, "measure a scorer on labelled shards or drawn documents",
                "compact held-out/ --separate weapon neutral")
    p.add_argument("scorer", metavar="NAME|DIR", help="bundled scorer or scorer folder")
    p.add_argument("source", nargs="*", metavar="SOURCE", help="labelled shards")
    p.add_argument("--drawn", type=_count, metavar="N",
                   help="also N drawn documents of the templates kept out of training")
    p.add_argument("--seed", type=int, default=900_000, metavar="N",
                   help="of the drawn documents (default: 900000, apart from training's)")
    p.add_argument("--separate", nargs=2, action="append", metavar=("LABEL", "LABEL"),
                   help="how well the first label is told from the second; may be repeated")
    p.add_argument("--record", metavar="NAME", help="put the figures onto the card under this name")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    _json(p)
    # fmt: on
    return top


# fmt: off
def _sources(p: argparse.ArgumentParser) -> None:
    p.add_argument("source", nargs="+", metavar="SOURCE",
                   help="folder, .tar, glob, '{000..099}.tar', @list.txt or url")


def _catalog(p: argparse.ArgumentParser) -> None:
    p.add_argument("catalog", type=Path, metavar="CATALOG", help="folder that `audit scan` made")


def _max_bytes(p: argparse.ArgumentParser) -> None:
    p.add_argument("--max-bytes", type=_count, metavar="N",
                   help="refuse images whose file is larger (default: 67,108,864)")


def _json(p: argparse.ArgumentParser) -> None:
    p.add_argument("--json", dest="format", action="store_const", const="json", default="table",
                   help="one JSON object on stdout, all else on stderr")


def _format(p: argparse.ArgumentParser) -> None:
    either = p.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        either.add_argument(f"--{name}", dest="format", action="store_const", const=name,
                            default="table", help=f"print {name.upper()}")


# fmt: on
def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
