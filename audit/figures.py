"""Figures of `audit.evaluation` as text."""

from __future__ import annotations

from typing import Any

from audit.text import visible


def as_text(figures: dict[str, Any]) -> str:
    """The figures of `metrics`, with separations where there are some, as lines for people."""
    lines = [
        f"images                {figures['images']:,}, risky {figures['risky']:,}",
        f"risky vs safe AUROC   {figures['auroc_risky_vs_safe']:.3f}",
        f"type accuracy         {figures['type_accuracy']:.3f}",
        f"level accuracy        {figures['level_accuracy']:.3f}",
        f"harmless flagged      {figures['harmless_flagged']:.3f} "
        f"(risk >= {figures['flagged_at']})",
    ]
    for title, key in (("label", "flagged_by_label"), ("source", "flagged_by_source")):
        lines += ["", f"flagged by {title}"]
        lines += [
            f"  {share:6.3f} of {count:>6,}  {visible(name)}"
            for name, (share, count) in figures[key].items()
        ]
    lines += ["", "AUROC of a concept against the rest"]
    lines += [f"  {value:6.3f}  {name}" for name, value in figures["auroc_by_concept"].items()]
    for name, apart in figures.get("separation", {}).items():
        lines += [
            "",
            f"{name} ({apart['images'][0]:,} and {apart['images'][1]:,} images)",
            f"  {apart['auroc_concept']:6.3f}  AUROC by the concept",
            f"  {apart['auroc_risk']:6.3f}  AUROC by the risk",
        ]
    return "\n".join(lines) + "\n"


def in_brief(figures: dict[str, Any]) -> str:
    """The figures of `metrics` in one line."""
    said = [f"{figures['images']:,} images"]
    if 0 < figures["risky"] < figures["images"]:
        said.append(f"risky vs safe AUROC {figures['auroc_risky_vs_safe']:.3f}")
    said.append(f"type accuracy {figures['type_accuracy']:.3f}")
    if figures["risky"] < figures["images"]:
        said.append(f"harmless flagged {figures['harmless_flagged']:.1%}")
    said += [
        f"{name} AUROC {apart['auroc_concept']:.3f} by concept, {apart['auroc_risk']:.3f} by risk"
        for name, apart in figures.get("separation", {}).items()
    ]
    return "; ".join(said)
