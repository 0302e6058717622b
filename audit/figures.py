"""Figures of `audit.evaluation` as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.text import visible


def as_text(figures: dict[str, Any]) -> str:
    """The figures of `summary`, with separations where there are some, as lines for people."""
    known = figures.get("intervals", {})
    style = figures.get("style_auroc_risky_vs_safe")

    def line(title: str, key: str, more: str = "") -> str:
        between = known.get(key, (None, None))
        return f"{title:<22}{number(figures[key])}{interval(between)}{more}"

    beside = f"; style alone {number(style)}" if style is not None else ""
    lines = [
        f"images                {figures['images']:,}, risky {figures['risky']:,}",
        line("risky vs safe AUROC", "auroc_risky_vs_safe", beside),
        line("type accuracy", "type_accuracy"),
        line("level accuracy", "level_accuracy"),
        line("harmless flagged", "harmless_flagged", f" (risk >= {figures['flagged_at']})"),
    ]
    if known:
        lines.append(
            "in brackets: 95 % bootstrap intervals over "
            f"{figures['groups']:,} near-duplicate groups"
        )
    for title, key in (("label", "flagged_by_label"), ("source", "flagged_by_source")):
        lines += ["", f"flagged by {title}"]
        lines += [
            f"  {number(share):>6} of {count:>6,}  {visible(name)}"
            for name, (share, count) in figures[key].items()
        ]
    lines += ["", "AUROC of a concept against the rest"]
    lines += [
        f"  {number(value):>6}  {name}" for name, value in figures["auroc_by_concept"].items()
    ]
    for name, apart in figures.get("separation", {}).items():
        lines += [
            "",
            f"{visible(name)} ({apart['images'][0]:,} and {apart['images'][1]:,} images)",
            f"  {number(apart['auroc_concept']):>6}  AUROC by the concept",
            f"  {number(apart['auroc_risk']):>6}  AUROC by the risk",
        ]
    return "\n".join(lines) + "\n"


def in_brief(figures: dict[str, Any]) -> str:
    """The figures of `metrics` in one line."""
    said = [f"{figures['images']:,} images"]
    if 0 < figures["risky"] < figures["images"]:
        said.append(f"risky vs safe AUROC {number(figures['auroc_risky_vs_safe'])}")
    if "type_accuracy" in figures:
        said.append(f"type accuracy {number(figures['type_accuracy'])}")
    if figures["risky"] < figures["images"]:
        said.append(f"harmless flagged {figures['harmless_flagged']:.1%}")
    said += [
        f"{name} AUROC {number(apart['auroc_concept'])} by concept, "
        f"{number(apart['auroc_risk'])} by risk"
        for name, apart in figures.get("separation", {}).items()
    ]
    return "; ".join(said)


def number(value: float | None) -> str:
    """Three digits; a dash for what cannot be had."""
    return "-" if value is None or value != value else f"{value:.3f}"


def interval(between: Sequence[float | None]) -> str:
    """' [low, high]', or nothing."""
    low, high = between
    return "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"


def calibration_text(fitted: dict[str, Any], left: dict[str, str], table: dict[str, Any]) -> str:
    """What was fitted, and each calibration error and likelihood before and after.

    fitted   `Fitted.as_card()`
    table    of `calibration.compared`
    """
    lines = [
        f"temperature           types {number(fitted.get('types'))}, "
        f"levels {number(fitted.get('levels'))}",
        "",
        "negative log-likelihood (nats) and calibration error, before -> after, what was gained",
        "(cross-validated: measured on pictures that the fit behind each figure has not seen)",
    ]
    for what, of in table.items():
        for title, key in (("nll", "nll"), ("error", "ece")):
            row = of[key]
            lines.append(
                f"  {visible(what):<28} {title:<6}{number(row['before'][0])} -> "
                f"{number(row['after'][0])}, gained {number(row['gained'][0])}"
                f"{interval(row['gained'][1:])}"
            )
    lines += ["", "concept: slope, intercept"] if fitted["concepts"] else []
    lines += [f"  {name}: {a:.3f}, {b:.3f}" for name, (a, b) in fitted["concepts"].items()]
    lines += ["", "left as they are"] if left else []
    lines += [f"  {name}: {why}" for name, why in left.items()]
    return "\n".join(lines) + "\n"
