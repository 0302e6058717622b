"""The command about what people decided: decisions."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.options import Command, as_json, catalog
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.outcomes import Outcome
    from audit.verdicts import Decision, Log

SHOWN = 20  # lines of one kind
_FILLING_IN = """a file to import has commas and the columns verdict, and row_id or uid:
  (a row in which nothing is said is not filled in yet, and is skipped)
  verdict  agree|relabel|keep|drop|escalate (or quarantine); relabel says what the picture is
  type     of a risky picture: illegal, misleading ...; safe where it is harmless
  level    of a risky picture: low, medium or high
  who decided is in the column reviewer, or is told by --reviewer"""


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("decisions", decisions, "show, export or import what reviewers decided",
                "laion.audit import by-hand.csv --reviewer ana")
    p.epilog = f"{p.epilog}\n\n{_FILLING_IN}"
    catalog(p)
    p.add_argument("what", nargs="?", choices=("export", "import", "disagreements"),
                   help="default: count them, and check that no line was changed")
    p.add_argument("file", nargs="?", type=Path, metavar="FILE",
                   help="export: to write to, .csv, .parquet or .jsonl (one decision a line); "
                   "import: to read from, .csv or .parquet")
    p.add_argument("--reviewer", metavar="ALIAS",
                   help="import: who decided, where the file does not say")
    as_json(p)
    # fmt: on


def decisions(args: Namespace) -> int:
    """Show, export or import decisions."""
    from audit.errors import UsageError
    from audit.verdicts import read_log

    if (args.what in ("export", "import")) != (args.file is not None):
        raise UsageError(
            "export takes a .csv, .parquet or .jsonl file, import a .csv or .parquet file, and "
            "nothing else takes one"
        )
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
    from audit.outcomes import settle
    from audit.verdicts import FOLDER
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
    from audit.outcomes import settle

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
        rows = opened.columns(("row_id", "uid", "risk_type"))
    found, wrong, unfilled = read(args.file, rows, args.reviewer)
    new = Decisions(args.catalog).append(found)
    for entry in wrong[:SHOWN]:
        warn(f"{args.file}, entry {entry.entry}: {entry.problem}", "curate")
    if len(wrong) > SHOWN:
        warn(f"and {len(wrong) - SHOWN:,} more", "curate")
    untyped = _untyped(found, rows)
    if untyped:
        warn(
            f"{untyped:,} verdicts to drop, or to keep what is scored as risky, have no type: "
            "`curate estimate` counts each type that the picture may be at the upper end only; "
            "fill in type",
            "curate",
        )
    if args.format == "json":
        told = [{"entry": entry.entry, "problem": entry.problem} for entry in wrong]
        counts = {"new": new, "known": len(found) - new, "not_filled_in": unfilled}
        say_json({**counts, "untyped": untyped, "wrong": told})
    else:
        say(f"{new:,} decisions added, {len(found) - new:,} known already, {len(wrong):,} wrong")
        if unfilled:
            say(f"{unfilled:,} rows not filled in yet")
    return 3 if wrong else 0


def _untyped(found: list[Decision], rows: pa.Table) -> int:
    """Verdicts that leave open which type a picture is; see curation.judged."""
    import pyarrow as pa

    from curation.arrays import pc

    open_ones = [
        decision
        for decision in found
        if decision.stance in ("keep", "drop", "quarantine")
        and (decision.type, decision.level, decision.concepts) == (None, None, None)
    ]
    kept = pa.array([d.row_id for d in open_ones if d.stance == "keep"], pa.int64())
    scored = rows["risk_type"].filter(pc.is_in(rows["row_id"], kept))
    flagged = sum(name not in (None, "safe") for name in scored.to_pylist())
    return len(open_ones) - len(kept) + flagged


def _told(outcome: Outcome) -> dict[str, Any]:
    from dataclasses import asdict

    said = [asdict(decision) for decision in outcome.decisions]
    return {"row_id": outcome.row_id, "uid": outcome.uid, "decisions": said}


def _in_words(decision: Decision) -> str:
    label = "/".join(part for part in (decision.type, decision.level) if part)
    concepts = f" with {', '.join(decision.concepts)}" if decision.concepts else ""
    verdict = f"adjudicated {decision.ruling}" if decision.ruling else decision.verdict
    return f"{verdict} {label}".rstrip() + concepts
