"""The command about what people decided: decisions."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.options import Command, as_json, catalog
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from audit.verdicts import Decision, Log, Outcome

SHOWN = 20  # lines of one kind


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("decisions", decisions, "show, export or import what reviewers decided",
                "laion.audit import by-hand.csv --reviewer ana")
    catalog(p)
    p.add_argument("what", nargs="?", choices=("export", "import", "disagreements"),
                   help="default: count them, and check that no line was changed")
    p.add_argument("file", nargs="?", type=Path, metavar="FILE.csv|.parquet",
                   help="to write to (export) or read from (import)")
    p.add_argument("--reviewer", metavar="ALIAS",
                   help="import: who decided, where the file does not say")
    as_json(p)
    # fmt: on


def decisions(args: Namespace) -> int:
    """Show, export or import decisions."""
    from audit.errors import UsageError
    from audit.verdicts import read_log

    if (args.what in ("export", "import")) != (args.file is not None):
        raise UsageError("export and import take a file, .csv or .parquet, and nothing else does")
    if args.reviewer is not None and args.what != "import":
        raise UsageError("--reviewer goes with import only")
    if not (args.catalog / "parts").is_dir():
        raise UsageError(f"{args.catalog}: not a catalog, it has no parts")
    if args.what == "import":
        return _import(args)
    log = read_log(args.catalog)
    for fault in log.faults[:SHOWN]:
        warn(str(fault), "curate")
    if len(log.faults) > SHOWN:
        warn(f"and {len(log.faults) - SHOWN:,} more", "curate")
    {"export": _export, "disagreements": _disagreements, None: _count}[args.what](args, log)
    return 3 if log.faults else 0


def _count(args: Namespace, log: Log) -> None:
    from audit.verdicts import FOLDER, settle
    from curation.decisions import TORN

    outcomes = settle(log.decisions)
    reviewers: dict[str, Counter[str]] = {}
    for decision in log.decisions:
        reviewers.setdefault(decision.reviewer, Counter())[decision.verdict] += 1
    settled = Counter(outcome.verdict for outcome in outcomes.values())
    torn = (args.catalog / FOLDER).glob(f"*{TORN}")
    apart = sum(path.read_bytes().count(b"\n") for path in torn)
    if args.format == "json":
        say_json(
            {
                "decisions": len(log.decisions),
                "rows": len(outcomes),
                "outcomes": dict(settled),
                "reviewers": {alias: dict(counts) for alias, counts in reviewers.items()},
                "heads": log.heads,
                "set_apart": apart,
                "faults": [str(fault) for fault in log.faults],
            }
        )
        return
    say(f"{len(log.decisions):,} decisions, {len(outcomes):,} rows decided")
    for alias, counts in reviewers.items():
        said = ", ".join(f"{n:,} {verdict}" for verdict, n in counts.most_common())
        say(f"  {alias}: {said}")
    if settled:
        said = ", ".join(f"{n:,} {verdict}" for verdict, n in settled.most_common())
        say(f"they come to: {said}")
    if apart:
        say(f"{apart:,} half-written lines were set apart in {args.catalog}/decisions/*.torn")
    if not log.faults:
        say("every line follows the one before it")


def _export(args: Namespace, log: Log) -> None:
    from curation.exchange import write

    write(log.decisions, args.file)
    if args.format == "json":
        say_json({"file": str(args.file), "decisions": len(log.decisions)})
    else:
        say(f"{args.file}: {len(log.decisions):,} decisions")


def _disagreements(args: Namespace, log: Log) -> None:
    from audit.verdicts import settle

    open_ones = [outcome for outcome in settle(log.decisions).values() if not outcome.settled]
    if args.format == "json":
        say_json({"disagreements": [_told(outcome) for outcome in open_ones]})
        return
    for outcome in open_ones:
        said = "; ".join(f"{d.reviewer}: {_in_words(d)}" for d in outcome.decisions)
        say(f"row {outcome.row_id} ({outcome.uid}): {said}")
    say(f"{len(open_ones):,} rows to adjudicate")


def _import(args: Namespace) -> int:
    from audit.catalog import Catalog
    from curation.decisions import Decisions
    from curation.exchange import read

    with Catalog(args.catalog) as opened:
        rows = opened.columns(("row_id", "uid"))
    found, wrong = read(args.file, rows, args.reviewer)
    new = Decisions(args.catalog).append(found)
    for entry in wrong[:SHOWN]:
        warn(f"{args.file}, entry {entry.entry}: {entry.problem}", "curate")
    if args.format == "json":
        told = [{"entry": entry.entry, "problem": entry.problem} for entry in wrong]
        say_json({"new": new, "known": len(found) - new, "wrong": told})
    else:
        say(f"{new:,} decisions added, {len(found) - new:,} known already, {len(wrong):,} wrong")
    return 3 if wrong else 0


def _told(outcome: Outcome) -> dict[str, Any]:
    from dataclasses import asdict

    said = [asdict(decision) for decision in outcome.decisions]
    return {"row_id": outcome.row_id, "uid": outcome.uid, "decisions": said}


def _in_words(decision: Decision) -> str:
    label = "/".join(part for part in (decision.type, decision.level) if part)
    concepts = f" with {', '.join(decision.concepts)}" if decision.concepts else ""
    verdict = f"adjudicated {decision.ruling}" if decision.ruling else decision.verdict
    return f"{verdict} {label}".rstrip() + concepts
