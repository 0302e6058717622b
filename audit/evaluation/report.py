"""A report of `evaluate` -> JSON, Markdown, and one HTML file that needs nothing else.

Every figure is shown as value [low, high] with its 95 % interval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.evaluation import plots
from audit.evaluation.page import Page
from audit.taxonomy import LEVELS, TYPES

NAME = "evaluation"


def page_of(report: Mapping[str, Any]) -> Page:
    """The page of one report of `evaluate`; see there for its keys."""
    page = Page(f"Evaluation of {report['scorer']['name']}")
    page.head(page.title, 1)
    how = report["intervals"]
    page.say(
        f"Scorer {report['scorer']['name']} ({report['scorer']['fingerprint'][:12]}), "
        f"{report['images']:,} labelled images of {report['groups']:,} near-duplicate groups, "
        f"{report['risky']:,} of them risky; {report['unusable']['images']:,} more could not be "
        f"judged. A picture is flagged when its risk is at least {report['flagged_at']}. In "
        f"brackets: {how['confidence']:.0%} intervals, {how['method']}, {how['draws']:,} draws. "
        "Calibration errors are biased upwards in small sets, their intervals too."
    )
    _main(page, report)
    _per_type(page, report)
    _levels(page, report)
    _per_concept(page, report)
    _clean(page, report)
    page.head("Calibration")
    page.say(
        "Points on the dotted line are what a calibrated scorer gives, with exact binomial 95 % "
        "intervals; grey bars show where the images are. For type and level: the probability of "
        "what was decided."
    )
    page.plot(plots.reliability(report["reliability"]))
    _sources(page, report)
    return page


def write(report: Mapping[str, Any], out: Path | None, page_file: Path | None) -> list[Path]:
    """Write evaluation.json, .md and .html into a folder, the HTML into a file; what was written.

    raises  OSError
    """
    page = page_of(report)
    written = []
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in (
            (f"{NAME}.json", json.dumps(report, indent=1) + "\n"),
            (f"{NAME}.md", page.as_markdown()),
            (f"{NAME}.html", page.as_html()),
        ):
            (out / name).write_text(text, encoding="utf-8")
            written.append(out / name)
    if page_file is not None:
        page_file.parent.mkdir(parents=True, exist_ok=True)
        page_file.write_text(page.as_html(), encoding="utf-8")
        written.append(page_file)
    return written


def shown(figures: Sequence[float | None] | None, form: str = ".3f") -> str:
    """[value, low, high] as text."""
    if not figures or figures[0] is None:
        return "-"
    value, low, high = figures
    if low is None or high is None:
        return f"{value:{form}}"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def _main(page: Page, report: Mapping[str, Any]) -> None:
    risk, style = report["risk"], report["style"] or {}
    page.head("In short")
    rows = [
        ("risky vs safe, AUROC", risk["auroc"], style.get("risk", {}).get("auroc")),
        (
            "risky vs safe, average precision",
            risk["average_precision"],
            style.get("risk", {}).get("average_precision"),
        ),
        ("type accuracy", report["type_accuracy"], style.get("type_accuracy")),
        ("level accuracy", report["levels"].get("accuracy"), None),
        ("level kappa, quadratic", report["levels"].get("kappa"), None),
        ("harmless flagged", risk["harmless_flagged"], None),
        ("risk, F1", risk["f1"], None),
        ("risk, calibration error", risk["ece"], None),
    ]
    page.table(("", "scorer", "style alone"), [(name, shown(a), shown(b)) for name, a, b in rows])
    if style:
        page.say(
            "Style alone is what gradient boosted trees reach that see no content, only "
            f"{', '.join(style['features'])}, cross-validated on these same images with groups "
            "kept whole. Where the scorer is not clearly better, this set cannot show that it has "
            "learned more than how the pictures were collected."
        )
    else:
        page.say("No style baseline: one label, or one group, leaves nothing to tell apart.")
    if report["unusable"]["first"]:
        page.say("Not judged, the first of them:")
        page.points(report["unusable"]["first"])


def _per_type(page: Page, report: Mapping[str, Any]) -> None:
    page.head("Types")
    _ranked(page, report["types"], (report["style"] or {}).get("types", {}), "Types")
    for name, of in report["types"].items():
        if of["images"] and not of["scored"]:
            page.say(f"{name}: {of['images']:,} images, and the scorer was not trained for it.")
    page.plot(plots.matrix("Types", TYPES, report["type_confusion"]))
    _counts(page, TYPES, report["type_confusion"])


def _levels(page: Page, report: Mapping[str, Any]) -> None:
    page.head("Levels")
    levels = report["levels"]
    page.say(
        f"Accuracy {shown(levels.get('accuracy'))}, quadratic kappa {shown(levels.get('kappa'))}, "
        f"calibration error {shown(levels.get('ece'))}."
    )
    page.plot(plots.matrix("Levels", LEVELS, levels["confusion"]))
    _counts(page, LEVELS, levels["confusion"])


def _per_concept(page: Page, report: Mapping[str, Any]) -> None:
    page.head("Concepts")
    page.say("Each concept's own output, against all other images whose label says it is absent.")
    _ranked(page, report["concepts"], (report["style"] or {}).get("concepts", {}), "Concepts")


def _ranked(page: Page, of: Mapping[str, Any], style: Mapping[str, Any], what: str) -> None:
    present = {name: figures for name, figures in of.items() if figures.get("auroc")}
    if not present:
        page.say("None of them is in this set.")
        return
    page.plot(
        plots.dots(
            f"{what}: how well each is told from the rest",
            "AUROC (0.5: chance)",
            {name: figures["auroc"] for name, figures in present.items()},
            {name: figures["auroc"] for name, figures in style.items()},
            line=0.5,
        )
    )
    page.table(
        ("", "images", "groups", "AUROC", "AUROC of style", "average precision", "F1",
         "calibration error"),
        [
            (
                name,
                f"{figures['images']:,}",
                f"{figures['groups']:,}",
                shown(figures["auroc"]),
                shown(style.get(name, {}).get("auroc")),
                shown(figures["average_precision"]),
                shown(figures["f1"]),
                shown(figures["ece"]),
            )
            for name, figures in present.items()
        ],
    )  # fmt: skip


def _clean(page: Page, report: Mapping[str, Any]) -> None:
    page.head("False alarms on clean slices")
    for by, word in (("names", "label"), ("sources", "source")):
        slices = report["clean"][by]
        if not slices:
            page.say(f"By {word}: no clean images in this set.")
            continue
        page.plot(
            plots.dots(
                f"Clean images flagged, by {word}",
                f"share of images (risk >= {report['flagged_at']})",
                {name: of["flagged"] for name, of in slices.items()},
            )
        )
        page.table(
            (word, "images", "groups", "flagged"),
            [
                (name, f"{of['images']:,}", f"{of['groups']:,}", shown(of["flagged"]))
                for name, of in slices.items()
            ],
        )


def _sources(page: Page, report: Mapping[str, Any]) -> None:
    page.head("Sources")
    page.table(
        ("source", "images", "groups", "risky", "flagged", "type accuracy", "AUROC inside it"),
        [
            (
                name,
                f"{of['images']:,}",
                f"{of['groups']:,}",
                f"{of['risky']:,}",
                shown(of["flagged"]),
                shown(of["type_accuracy"]),
                shown(of.get("auroc")),
            )
            for name, of in report["sources"].items()
        ],
    )
    page.head("Strata")
    page.say("How many images every figure above stands on, by label and source.")
    page.table(
        ("label", "source", "images", "groups"),
        [
            (of["label"], of["source"], f"{of['images']:,}", f"{of['groups']:,}")
            for of in report["strata"]
        ],
        text=2,
    )


def _counts(page: Page, names: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    page.table(
        ("labelled / decided", *names),
        [
            (name, *(f"{n:,}" for n in row))
            for name, row in zip(names, counts, strict=True)
            if sum(row)
        ],
    )
