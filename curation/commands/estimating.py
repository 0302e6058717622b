"""The command that says how much risk is left: estimate."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.options import Command, as_json, catalog, count
from audit.terminal import print_table, say, say_json

if TYPE_CHECKING:
    from curation.estimate import Estimate
    from curation.gathering import Gathered

_FILLING_IN = """a .csv of --draw is filled in by column, for `curate decisions CATALOG import`:
  verdict  agree|relabel|keep|drop|escalate; relabel says what the picture is
  type     of a risky picture: illegal, misleading ...; safe where it is harmless
  level    of a risky picture: low, medium or high"""


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("estimate", estimate,
                "draw a random sample for review, and say from the decisions what risk is left",
                "laion.audit --policy balanced --draw 400 --out sample.csv")
    catalog(p)
    p.add_argument("--policy", default="balanced", metavar="NAME|FILE",
                   help="strict, balanced, permissive, psa-vlm or a YAML file (default: balanced)")
    p.add_argument("--draw", type=count, metavar="N",
                   help="draw N images of what the policy keeps; adds to what was drawn before")
    p.epilog = f"{p.epilog}\n\n{_FILLING_IN}"
    p.add_argument("--seed", type=int, default=0, metavar="S",
                   help="of the draw; the same draws the same (default: 0)")
    p.add_argument("--neyman", action="store_true",
                   help="draw more where the decisions so far say that images differ most")
    p.add_argument("--afresh", action="store_true",
                   help="draw from what is kept by now; what was drawn before no longer counts")
    p.add_argument("--all", dest="whole", action="store_true",
                   help="of everything that has scores, not only of what is kept")
    p.add_argument("--out", type=Path, metavar="FILE",
                   help="with --draw: .csv to fill in for `curate decisions CATALOG import`, "
                        ".jsonl or .parquet with where the bytes are; else: .svg, .json or .html")
    p.add_argument("--confidence", type=_share, default=0.95, metavar="C",
                   help="of the intervals (default: 0.95)")
    p.add_argument("--half-width", type=_share, default=0.002, metavar="W",
                   help="say how many reviews bring the interval to +- W (default: 0.002)")
    as_json(p)
    # fmt: on


def estimate(args: Namespace) -> int:
    """Draw a sample, or say what the decisions about it come to."""
    from audit.errors import UsageError
    from audit.steps import counted
    from curation.gathering import gather

    forms = (".csv", ".jsonl", ".parquet") if args.draw else (".svg", ".json", ".html")
    if args.out is not None and args.out.suffix.lower() not in forms:
        raise UsageError(f"{args.out}: name it {', '.join(forms[:2])} or {forms[2]}")
    if (args.neyman or args.afresh) and (not args.draw or (args.neyman and args.afresh)):
        raise UsageError("--neyman or --afresh, not both, goes with --draw only")
    if args.seed < 0:
        raise UsageError(f"--seed {args.seed}: give 0 or more")
    with counted(sys.stderr) as shown:
        shown(0, None, "reading the catalog")
        gathered = gather(args.catalog, args.policy, columns=("image_member", "offset", "caption"))
        shown(0, None, f"selecting of {len(gathered.rows):,} images")
        if args.draw:
            return _draw(args, gathered)
        return _estimate(args, gathered)


def _draw(args: Namespace, gathered: Gathered) -> int:
    from audit.errors import UsageError
    from curation import forms, sampling
    from curation.estimate import catalog_hash, pilot

    shares = pilot(args.catalog, gathered, whole=args.whole) if args.neyman else None
    if args.neyman and shares is None:
        raise UsageError("--neyman needs decisions about images drawn before; draw without it")
    sample = sampling.draw(
        args.catalog, gathered, catalog_hash(args.catalog), args.draw, args.seed,
        whole=args.whole, neyman=shares, afresh=args.afresh,
    )  # fmt: skip
    if args.out is not None:
        forms.write(sample, gathered, args.out)
    drawn = len(sample.rows)
    of = sum(s.population for s in sample.strata)
    if args.format == "json":
        say_json(
            {
                "sample": sample.id, "drawn": drawn, "population": of,
                "strata": len(sample.strata), "adds_to": list(sample.adds_to),
                "file": None if args.out is None else str(args.out),
            }
        )  # fmt: skip
        return 0
    say(f"sample {sample.id}: {drawn:,} of {of:,} images, in {len(sample.strata)} strata")
    if sample.adds_to:
        say(f"adds to {', '.join(sample.adds_to)}")
    if drawn < args.draw:
        say(f"only {drawn:,} were left to draw")
    if args.out is not None:
        say(f"written: {args.out}")
    return 0


def _estimate(args: Namespace, gathered: Gathered) -> int:
    from audit.errors import UsageError
    from curation import forms
    from curation.estimate import estimate as work_out

    found = work_out(
        args.catalog, gathered, whole=args.whole, confidence=args.confidence,
        half_width=args.half_width,
    )  # fmt: skip
    if found is None:
        raise UsageError(
            f"{args.catalog}: no image drawn for this policy is decided, from the first on; "
            "`curate estimate --draw N --out sample.csv` draws some"
        )
    if args.out is not None:
        forms.write_estimate(found, args.out)
    if args.format == "json":
        say_json(found.to_json())
        return 0
    _show(found)
    if args.out is not None:
        say(f"written: {args.out}")
    return 0


def _show(found: Estimate) -> None:
    from curation import forms
    from curation.estimate import percent

    print_table(forms.table((found.sampled, *found.types)), "table")
    say("")
    print_table(forms.table(found.strata), "table")
    say("")
    say(found.sentence)
    if found.left or found.came:
        say(f"Since it was drawn, {found.left:,} images left what is kept and {found.came:,} came.")
    if found.waiting:
        later = f", {found.unordered:,} decided after the first of them" if found.unordered else ""
        say(f"{found.waiting:,} drawn images wait for a decision{later}.")
    more = f"about {found.needed:,} more random reviews" if found.needed else "no more reviews"
    say(f"An interval of +- {percent(found.half_width)} % needs {more}.")
    if found.kappa is not None:
        say(
            f"{found.double:,} images were judged by several people, kappa {found.kappa:.2f}: "
            "the figures are of what reviewers say."
        )
    else:
        say("The figures are of what reviewers say; too few were judged by several to say more.")
    say(f"Method: {found.method}.")


def _share(text: str) -> float:
    """A number between 0 and 1."""
    number = float(text)
    if not 0 < number < 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return number
