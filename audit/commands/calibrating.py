"""Commands that make scores mean something: calibrate, thresholds."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.options import Command, as_json, count
from audit.taxonomy import SAFE, TYPES
from audit.terminal import say, say_json, warn

if TYPE_CHECKING:
    from audit.evaluation import Judged
    from audit.registry import AnyScorer


def add(command: Command) -> None:
    """Add these commands to the parser."""
    # fmt: off
    p = command("calibrate", calibrate,
                "fit temperatures and Platt scaling on held-out labels, onto the scorer's card",
                "my-scorer held-out/ --out my-calibrated-scorer")
    p.add_argument("scorer", metavar="NAME|DIR", help="bundled scorer or scorer folder")
    p.add_argument("source", nargs="+", metavar="HELD-OUT",
                   help="labelled shards, .jsonl records, or a catalog with decisions")
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help="write a calibrated copy there")
    where.add_argument("--in-place", action="store_true", help="change the card of the scorer")
    p.add_argument("--overwrite", action="store_true",
                   help="put the copy into a folder that has something in it")
    p.add_argument("--risky-share", type=_share, metavar="X",
                   help="share of risky pictures that probabilities are to assume (default: what "
                        "the scorer was trained to assume, else the share in HELD-OUT)")
    _labels(p)
    p.add_argument("--draws", type=count, default=1000, metavar="N",
                   help="draws of the bootstrap behind every interval (default: 1000)")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    as_json(p)

    p = command("thresholds", thresholds,
                "show what thresholds would catch, keep and cost, and pick one for a recall",
                "my-scorer held-out/ --recall 0.95 --write policy.yaml --html thresholds.html")
    p.add_argument("scorer", metavar="SCORER|CATALOG",
                   help="a scorer, to be judged on SOURCE; or a catalog, by its decisions")
    p.add_argument("source", nargs="*", metavar="SOURCE", help="labelled examples, for a scorer")
    p.add_argument("--type", action="append", choices=TYPES[:SAFE], metavar="NAME",
                   help="only this type; may be repeated")
    p.add_argument("--recall", type=_share, metavar="R",
                   help="pick the highest threshold that catches this share of a type")
    p.add_argument("--confidence", type=_share, default=0.95, metavar="C",
                   help="with this confidence, for each type by itself (default: 0.95)")
    p.add_argument("--seconds", type=_seconds, metavar="S",
                   help="a look at one picture takes (default: the median of the decisions, or 6)")
    p.add_argument("--batch", action="append", metavar="HEX",
                   help="only decisions of this batch, such as one drawn at random; repeatable")
    _labels(p)
    p.add_argument("--write", type=Path, metavar="POLICY.yaml",
                   help="put the thresholds picked into this policy file, and nothing else")
    p.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots")
    p.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    as_json(p)
    # fmt: on


def _labels(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="labels by uid or key, in place of the sources' own (.csv, .jsonl, .parquet)",
    )


def _share(text: str) -> float:
    """A share, above 0 and below 1."""
    share = float(text)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _seconds(text: str) -> float:
    """Seconds, above 0."""
    seconds = float(text)
    if not 0 < seconds < 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return seconds


def calibrate(args: Namespace) -> int:
    """Fit a calibration; 3 when some held-out pictures could not be judged."""
    from audit.card import find_scorer
    from audit.errors import UsageError
    from audit.evaluation import calibration as c
    from audit.evaluation.overlap import seen_in_training, sketch
    from audit.false_positives import bundled_name
    from audit.figures import calibration_text
    from audit.registry import load_scorer
    from audit.steps import counted

    folder = find_scorer(args.scorer)
    if args.out is not None and args.out.exists() and args.out.resolve() == folder.resolve():
        raise UsageError(f"{args.out}: is the scorer itself; say --in-place")
    if args.in_place and bundled_name(folder):
        raise UsageError(f"{args.scorer}: comes with the installation and stays; give --out DIR")
    if args.out is not None and not args.overwrite and _has_something(args.out):
        raise UsageError(f"{args.out}: is there already; give another --out, or --overwrite")
    scorer = load_scorer(folder, device=args.device)
    judged = _judge(args, scorer)
    if hits := seen_in_training(scorer.card, judged.digests):
        raise UsageError(
            f"{', '.join(args.source)}: the scorer was trained on these pictures ({hits}); "
            "calibrate on held-out ones"
        )
    recipe = scorer.card.training.get("recipe", {})
    assumed: float | None = recipe.get("risky_share") if isinstance(recipe, dict) else None
    share: float | None = args.risky_share or assumed
    logits = c.logits_of(judged, scorer.concepts, scorer.card.calibration)
    moved = None
    if assumed is not None and share is not None and share != assumed:
        moved = (assumed, share)
        logits = c.shifted(logits, *moved)
    elif args.risky_share and assumed is None:
        warn("the card does not say what share was assumed: types keep it, concepts take the new")
    try:
        weights = c.weights_for(judged.risky, share)
    except ValueError as error:
        raise UsageError(f"{', '.join(args.source)}: {error}") from None
    fitted = c.fit(logits, judged, scorer.concepts, weights)
    if fitted.types is None and fitted.levels is None and not fitted.concepts:
        raise UsageError(f"{', '.join(args.source)}: too little of anything to fit on")
    with counted(sys.stderr) as shown:
        table = c.compared(
            logits, judged, scorer.concepts, weights, resamples=args.draws,
            progress=lambda done: shown(done, args.draws, "draws"),
        )  # fmt: skip
    said = {
        **fitted.as_card(),
        "set": ", ".join(Path(source).name for source in args.source),
        "images": len(judged),
        "pictures": sketch(judged.digests),
        "risky_share": share if share is not None else round(float(judged.risky.mean()), 4),
        "nll": {k: [v["nll"][w][0] for w in ("before", "after")] for k, v in table.items()},
    }
    out = folder if args.in_place else args.out
    _save(folder, out, said, moved)
    left_out = sum(u.count for u in judged.unusable)
    if args.format == "json":
        say_json({"scorer": str(out), "calibration": said, "left": fitted.left, "table": table,
                  "unusable": left_out})  # fmt: skip
    else:
        sys.stdout.write(calibration_text(said, fitted.left, table))
        say(
            f"{out}: calibrated on {len(judged):,} images. Figures measured before are left off "
            f"its card: audit eval {out} HELD-OUT --record NAME"
        )
    return 3 if left_out else 0


def thresholds(args: Namespace) -> int:
    """Show thresholds and pick some; 3 when none could be picked or rows were unusable."""
    from audit.errors import UsageError
    from audit.evaluation.policyfile import write_thresholds
    from audit.evaluation.thresholds import table
    from audit.evaluation.thresholds_report import as_text, page_of

    if args.write and not args.recall:
        raise UsageError("--write needs --recall: it writes the thresholds picked for a recall")
    columns, extra, scorer, left_out = _labelled(args)
    if not columns:
        raise UsageError("none of these types is scored; see `audit scorers`")
    unseen = [n for n, c in columns.items() if not c.positive.any() and n not in (args.type or ())]
    columns = {name: column for name, column in columns.items() if name not in unseen}
    if not columns:
        raise UsageError(f"no picture is labelled as any of {', '.join(unseen)}")
    if unseen:
        warn(f"left out, as no picture is labelled so: {', '.join(unseen)}")
    found = table(
        columns,
        recall=args.recall,
        confidence=args.confidence,
        seconds=args.seconds or extra.pop("seconds", None),
        **{k: v for k, v in extra.items() if k != "seconds"},
    )
    found["scorer"] = scorer
    picked = {
        name: of["picked"]["threshold"] for name, of in found["types"].items() if of["picked"]
    }
    if args.html:
        args.html.parent.mkdir(parents=True, exist_ok=True)
        args.html.write_text(page_of(found).as_html(), encoding="utf-8")
    if args.write and picked:
        write_thresholds(args.write, picked, scorer)
    if args.format == "json":
        say_json(found)
    else:
        sys.stdout.write(as_text(found))
        if args.html:
            say(f"wrote {args.html}")
        if args.write and picked:
            say(f"wrote {args.write}: {', '.join(f'{k} {v:g}' for k, v in picked.items())}")
    short = [n for n, of in found["types"].items() if args.recall and not of["picked"]]
    if short:
        warn(f"too few positives for a threshold: {', '.join(short)}")
    return 3 if short or left_out else 0


def _has_something(out: Path) -> bool:
    return out.exists() and (not out.is_dir() or any(out.iterdir()))


def _labelled(args: Namespace) -> tuple[dict[str, Any], dict[str, Any], str, int]:
    """Labels by type, volumes of the whole where there is one, fingerprint, how many left out."""
    from audit.decided import is_catalog
    from audit.errors import UsageError
    from audit.evaluation.overlap import seen_in_calibration, seen_in_training
    from audit.evaluation.reviewed import reviewed
    from audit.evaluation.thresholds import columns_of
    from audit.registry import load_scorer
    from audit.steps import counted

    wanted = args.type or ()
    if is_catalog(Path(args.scorer)):
        if args.source or args.labels:
            raise UsageError(f"{args.scorer} is a catalog: its own decisions are the labels")
        with counted(sys.stderr) as shown:
            rows = reviewed(
                Path(args.scorer),
                args.batch or (),
                progress=lambda done, total: shown(done, total, "shards read"),
            )
        _warn_of(rows.unusable)
        warn(
            "recall holds for the catalog only if these rows were drawn for review at random; "
            "--batch takes one draw"
        )
        columns = columns_of(rows.types, rows.true_types, rows.groups, wanted)
        volumes = {name: rows.volumes[name] for name in columns}
        extra = {"volumes": volumes, "total": rows.total, "seconds": rows.seconds}
        return columns, extra, rows.scorer, sum(u.count for u in rows.unusable)
    if args.batch:
        raise UsageError("--batch names decisions of a catalog; give a catalog first")
    if not args.source:
        raise UsageError(f"{args.scorer}: no catalog, so give labelled examples to judge it on")
    scorer = load_scorer(args.scorer, device=args.device)
    judged = _judge(args, scorer)
    if hits := seen_in_training(scorer.card, judged.digests):
        warn(f"the scorer was trained on some of these pictures ({hits}); recall is flattered")
    if hits := seen_in_calibration(scorer.card, judged.digests):
        warn(f"the scorer was calibrated on some of these pictures ({hits}); take others")
    elif scorer.card.calibration:
        on = scorer.card.calibration.get("set", "labelled pictures")
        warn(f"the scorer was calibrated on {on}; thresholds want pictures that are not among them")
    columns = columns_of(judged.types, judged.true_types, judged.groups, wanted)
    return columns, {}, scorer.fingerprint, sum(u.count for u in judged.unusable)


def _judge(args: Namespace, scorer: AnyScorer) -> Judged:
    from audit.evaluation import judge
    from audit.examples import read_examples
    from audit.steps import counted
    from audit.taxonomy import Taxonomy

    taxonomy = Taxonomy.load().including(scorer.card.added)
    examples = read_examples(args.source, scorer.concepts, taxonomy, mapping=args.labels)
    with counted(sys.stderr) as shown:
        judged = judge(scorer, examples, progress=lambda done: shown(done, None, "judged"))
    _warn_of(judged.unusable)
    return judged


def _warn_of(unusable: Any) -> None:
    for one in unusable[:20]:
        warn(f"left out: {one}")
    if left_out := sum(u.count for u in unusable):
        warn(f"{left_out:,} could not be judged and are in no figure")


def _save(folder: Path, out: Path, said: dict[str, Any], moved: tuple[float, float] | None) -> None:
    """Write the calibrated scorer; with `moved` its heads assume another share of risky ones."""
    import shutil
    from dataclasses import replace

    from audit.card import read_card, write_card
    from audit.scorer import Scorer
    from audit.training import assume, modelcard

    if out != folder:
        shutil.copytree(folder, out, dirs_exist_ok=True)
    # What was measured before calibration is no longer what the scorer does.
    card = replace(read_card(folder), calibration=said, metrics={})
    if moved is None:
        write_card(out, card)
    else:
        whole = Scorer.load(folder, device="cpu")
        assume(whole.safety, *moved)
        card.training["recipe"]["risky_share"] = moved[1]
        whole.card = card
        whole.save(out)
    modelcard.refresh(out)
