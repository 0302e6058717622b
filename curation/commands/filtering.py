"""The commands that take things out: filter and takedown."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.options import Command, as_json, catalog
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from curation.filtering import Filtered, Selected
    from curation.takedown import Trace, Wrong

SHOWN = 20  # lines of one kind on the screen; --json has all


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("filter", filter, "copy shards without what a policy leaves out, or list it",
                "laion.audit --policy balanced --out laion-clean --droplist drop.npy")
    catalog(p)
    p.add_argument("--policy", default="balanced", metavar="NAME|FILE",
                   help="strict, balanced, permissive, psa-vlm or a YAML file (default: balanced)")
    p.add_argument("--out", type=Path, metavar="DIR",
                   help="folder for the copies; it appears whole at the end, and the same command "
                   "goes on where it was stopped")
    for name, what in (("droplist", "left out"), ("keeplist", "kept")):
        p.add_argument(f"--{name}", type=Path, action="append", default=[], metavar="FILE",
                       help=f"also, or only, list what is {what}: .npy as DataComp's resharder "
                       "takes it, for uids of 32 hex digits only (DataComp's); of others .txt with "
                       "a uid a line, or .parquet with the reasons")
    p.add_argument("--overwrite", action="store_true", help="replace earlier copies")
    p.add_argument("--takedown", type=Path, metavar="LIST",
                   help="instead of all this, what `curate takedown CATALOG --list LIST` does")
    _takedown_options(p)
    as_json(p)

    p = command("takedown", takedown, "find listed images everywhere and keep them out for good",
                "laion.audit --list asked.csv --exports stage-1 stage-2 --reason 'request 17'")
    catalog(p)
    p.add_argument("--list", type=Path, required=True, dest="takedown", metavar="LIST",
                   help="a url, sha256, phash or uid a line, or .csv/.parquet with such columns")
    _takedown_options(p)
    as_json(p)
    # fmt: on


def _takedown_options(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("takedown")
    group.add_argument(
        "--exports",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="exports and cleaned copies to look through",
    )
    group.add_argument("--reason", default="", metavar="TEXT", help="kept with each tombstone")
    group.add_argument(
        "--who", metavar="ALIAS", help="who asked or acted (default: your user name)"
    )
    group.add_argument(
        "--distance",
        type=_bits,
        default=4,
        metavar="BITS",
        help="bits of 64 in which the phash of the same picture may differ (default: 4)",
    )
    group.add_argument("--dry-run", action="store_true", help="find them, and write no tombstones")


def filter(args: Namespace) -> int:
    """Copy shards without what a policy leaves out, or list it."""
    from audit.errors import UsageError
    from audit.steps import counted
    from curation import filtering, lists

    given = args.droplist + args.keeplist
    if args.takedown is not None:
        if args.out is not None or given:
            raise UsageError("--takedown goes alone: run `curate filter` again without it")
        return takedown(args)
    if args.exports or args.reason or args.who or args.dry_run:
        raise UsageError("--exports, --reason, --who and --dry-run go with --takedown only")
    if args.out is None and not given:
        raise UsageError("nothing to write; give --out, --droplist or --keeplist")
    for path in given:
        lists.checked(path)
    if args.out is not None:
        filtering.check_place(args.out, overwrite=args.overwrite)
    with counted(sys.stderr) as shown:
        shown(0, None, "reading the catalog")
        chosen = filtering.choose(args.catalog, args.policy)
        listed = _lists(args, chosen)
        done = None
        if args.out is not None:
            done = filtering.write(chosen, args.out, shown, overwrite=args.overwrite)
    code = 3 if any(one["left_out"] for one in listed) or (done and not done.whole) else 0
    if args.format == "json":
        say_json(_told(chosen, done, listed, code))
    else:
        _say(chosen, done, listed)
    return code


def _lists(args: Namespace, chosen: Selected) -> list[dict[str, Any]]:
    """Write the lists that are asked for."""
    import pyarrow as pa

    from curation import lists

    if not args.droplist and not args.keeplist:
        return []
    keep, drop, lost = lists.uids(chosen.rows, chosen.kept, chosen.copies)
    if lost:
        warn(
            f"{lost:,} uids of kept images are not in the keeplist: other images with the same uid "
            "are left out, and a list of uids cannot tell them apart",
            "curate",
        )
    written = []
    for paths, uids, mask in (
        (args.droplist, drop, ~chosen.kept),
        (args.keeplist, keep, chosen.kept),
    ):
        for path in paths:
            left_out = lists.write(path, uids, chosen.rows.filter(pa.array(mask)))
            if left_out:
                warn(
                    f"{path}: {left_out:,} of {len(uids):,} uids are not 32 hex digits and were "
                    "left out; a .txt or .parquet takes them",
                    "curate",
                )
            written.append({"file": str(path), "uids": len(uids), "left_out": left_out})
    return written


def _told(
    chosen: Selected, done: Filtered | None, listed: list[dict[str, Any]], code: int
) -> dict[str, Any]:
    from curation import lists

    told: dict[str, Any] = {
        "kept": int(chosen.kept.sum()),
        "left_out": int((~chosen.kept).sum()),
        "by_action_and_reason": lists.count_by_reason(chosen.rows),
        "lists": listed,
        "exit_code": code,
    }
    if done is not None:
        told |= {"out": str(done.out), "shards": done.content["shards"]}
    return told


def _say(chosen: Selected, done: Filtered | None, listed: list[dict[str, Any]]) -> None:
    from curation import lists

    kept = int(chosen.kept.sum())
    say(f"{kept:,} of {len(chosen.kept):,} images kept by {chosen.gathered.policy.name}")
    for action, reasons in lists.count_by_reason(chosen.rows).items():
        for reason, images in sorted(reasons.items(), key=lambda one: -one[1])[:SHOWN]:
            say(f"  {action}: {images:,} {reason}")
            if action == "redact":
                say("    kept as they are: make them unrecognisable yourself, rows.parquet has all")
    for one in listed:
        say(f"{one['file']}: {one['uids'] - one['left_out']:,} listed")
    if done is None:
        return
    copied = [one for one in done.shards if one.file]
    members = sum(one.members for one in copied)
    left_out = sum(one.left_out for one in done.shards)
    say(
        f"{done.out}: {len(copied):,} of {len(done.shards):,} shards with "
        f"{sum(one.keys for one in copied):,} samples, {members:,} files copied, {left_out:,} not"
    )
    if done.again:
        say(f"{done.again:,} shards were there from the run before")
    for shard in done.shards:
        told = [f"{shard.fault}"] if shard.fault else []
        told += shard.problems
        if shard.missing:
            told.append(f"{len(shard.missing):,} samples changed since the scan or not reached")
        for problem in told:
            warn(f"{shard.name}: {problem}", "curate")


def takedown(args: Namespace) -> int:
    """Find listed images everywhere and keep them out for good."""
    from audit.steps import counted
    from curation.decisions import now
    from curation.takedown import read_list, trace
    from curation.tombstones import Tombstone, append

    items, wrong = read_list(args.takedown, distance=args.distance)
    with counted(sys.stderr) as shown:
        shown(0, None, f"looking for {len(items):,} items")
        traces = trace(args.catalog, items, args.exports)
    new = 0
    if not args.dry_run:
        who, time = args.who or os.environ.get("USER", ""), now()
        new = append(args.catalog, [Tombstone(one, args.reason, time, who) for one in items])
    missing = [one for one in traces if not one.found]
    code = 3 if missing or wrong else 0
    if args.format == "json":
        _traces_as_json(args, traces, wrong, new, code)
    else:
        _say_traces(args, traces, wrong, new)
    return code


def _traces_as_json(
    args: Namespace, traces: list[Trace], wrong: list[Wrong], new: int, code: int
) -> None:
    from dataclasses import asdict

    from curation.takedown import advice

    say_json(
        {
            "items": [{**asdict(one), "found": one.found} for one in traces],
            "wrong": [asdict(one) for one in wrong],
            "tombstones": new,
            "dry_run": args.dry_run,
            "next": advice(traces),
            "exit_code": code,
        }
    )


def _say_traces(args: Namespace, traces: list[Trace], wrong: list[Wrong], new: int) -> None:
    from curation.takedown import advice

    for one in wrong[:SHOWN]:
        warn(f"{args.takedown}, entry {one.entry}: {one.problem}", "curate")
    found = [one for one in traces if one.found]
    for trace in found[:SHOWN]:
        say(f"{trace.item.kind} {trace.item.value}")
        for source in trace.sources[:SHOWN]:
            at = "compressed" if source.offset is None else f"{source.size:,} bytes at "
            at += "" if source.offset is None else f"{source.offset:,}"
            copy = ", a copy" if source.copy else ""
            say(f"  {source.name}: {source.member}, {at}{copy}")
        for use in trace.uses[:SHOWN]:
            places = [f"{use.shard} {use.key}" if use.shard else "", use.image or "", *use.lines]
            say(f"  {use.made}: {', '.join(place for place in places if place)}")
        more = max(0, len(trace.sources) - SHOWN) + max(0, len(trace.uses) - SHOWN)
        if more:
            say(f"  and {more:,} places more, see --json")
    if len(found) > SHOWN:
        say(f"and {len(found) - SHOWN:,} items more, see --json")
    for trace in [one for one in traces if not one.found][:SHOWN]:
        say(f"not found: {trace.item.kind} {trace.item.value}")
    lost = len(traces) - len(found)
    say(f"{len(found):,} of {len(traces):,} items found, {lost:,} not, {len(wrong):,} wrong")
    if args.dry_run:
        say("no tombstones written")
    else:
        say(
            f"{new:,} tombstones written, {len(traces) - new:,} were there: plan, export and "
            "filter leave these items out from now on, found or not"
        )
    for line in advice(traces):
        say(f"next: {line}")


def _bits(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 16:
        raise argparse.ArgumentTypeError(f"{number} is not 0 to 16")
    return number
