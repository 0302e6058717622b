"""Options that say what goes into an export: stage, seed, balance, split and words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit.options import count

if TYPE_CHECKING:
    from curation.mixture import CompositionOptions


def add_options(p: argparse.ArgumentParser) -> None:
    """Add them to the parser of a command."""
    # fmt: off
    p.add_argument("--stage", type=int, choices=(1, 2), required=True,
                   help="1: all risky images and a sample of clean ones, for the safety modules; "
                        "2: all risky and all clean ones, for the language model")
    p.add_argument("--seed", type=int, default=0, metavar="N",
                   help="of every choice; the same seed gives the same records (default: 0)")
    p.add_argument("--clean", type=_clean, metavar="N|largest",
                   help="stage 1: clean images wanted, or as many as of the largest risky type "
                        "(default: 3,000 for every 11,199 risky ones)")
    p.add_argument("--target", type=count, metavar="N",
                   help="stage 2: images wanted, risky ones and clean ones (default: all)")
    for name, most in (("cap", "at most"), ("floor", "at least")):
        p.add_argument(f"--{name}", action="append", default=[], metavar="WHAT=N",
                       help=f"{most} so many images of a type (privacy=500), of a level of it "
                            "(privacy/high=100), of each type (types=500) or each level of each "
                            "(cells=100); may be repeated")
    p.add_argument("--val", type=_share, default=0.05, metavar="SHARE",
                   help="share of the groups of like images kept for validation (default: 0.05)")
    p.add_argument("--requests", type=_share, default=0.05, metavar="SHARE",
                   help="stage 2: share of the images that get a second conversation, in "
                        "which a harmful request is declined (default: 0.05)")
    p.add_argument("--redacted", action="store_true",
                   help="take images too that the policy wants made unrecognisable first")
    p.add_argument("--templates", default="english", metavar="FILE",
                   help="questions and answers of your own, in the form of "
                        "data/templates/english.yaml")
    # fmt: on


def options_of(args: argparse.Namespace) -> CompositionOptions:
    """What was asked for; UsageError where options contradict each other."""
    from audit.errors import UsageError
    from curation.balance import Bounds
    from curation.mixture import CompositionOptions

    for option, stage in (("clean", 1), ("target", 2)):
        if getattr(args, option) is not None and args.stage != stage:
            raise UsageError(f"--{option} is for --stage {stage}")
    return CompositionOptions(
        stage=args.stage,
        seed=args.seed,
        clean=args.clean,
        target=args.target,
        bounds=Bounds(_bounds("cap", args.cap), _bounds("floor", args.floor)),
        val=args.val,
        requests=args.requests,
        redacted=args.redacted,
        templates=args.templates,
    )


def _bounds(option: str, given: Sequence[str]) -> dict[str, int]:
    from audit.errors import UsageError

    bounds: dict[str, int] = {}
    for text in given:
        name, _, number = text.partition("=")
        if not number.isdecimal():
            raise UsageError(f"--{option} {text}: give WHAT=N with a whole number N")
        if name in bounds:
            raise UsageError(f"--{option} {name} is given twice")
        bounds[name] = int(number)
    return bounds


def _clean(text: str) -> int | str:
    if text == "largest":
        return text
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to 1")
    return number
