"""What thresholds do, as lines for a terminal and as a page with plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.evaluation import plots
from audit.evaluation.page import Page
from audit.evaluation.report import shown

_STEPS = tuple(i / 10 for i in range(1, 10))
_HEAD = ("threshold", "recall", "precision", "flagged", "kept", "hours")


def as_text(found: Mapping[str, Any]) -> str:
    """The report of `thresholds.table` as lines: each type at every tenth, and the one picked."""
    lines = [_about(found)]
    for name, of in found["types"].items():
        lines += ["", f"{name}: {of['positives']:,} of {of['labelled']:,} labelled"]
        lines.append(f"  {_HEAD[0]:>9}  {_HEAD[1]:<22} {_HEAD[2]:<22} "
                     f"{_HEAD[3]:>9} {_HEAD[4]:>9} {_HEAD[5]:>9}")  # fmt: skip
        for at, recall, precision, flagged, kept, hours in _rows(of["curve"]):
            lines.append(
                f"  {at:>9}  {recall:<22} {precision:<22} {flagged:>9} {kept:>9} {hours:>9}"
            )
        if found["recall"]:
            lines.append(f"  {_picked(of, found)}")
    return "\n".join(lines) + "\n"


def page_of(found: Mapping[str, Any]) -> Page:
    """The same as a page, with the whole curve drawn; `found` has the key `scorer` too."""
    page = Page("Thresholds")
    page.head(page.title, 1)
    page.say(f"Scorer {found['scorer'][:12]}. {_about(found)}")
    page.say(f"Method: {found['method']}.")
    for name, of in found["types"].items():
        page.head(name)
        page.say(f"{of['positives']:,} of {of['labelled']:,} labelled pictures are of this type.")
        if found["recall"]:
            page.say(_picked(of, found))
        picked = of["picked"] and of["picked"]["threshold"]
        page.plot(plots.thresholds(f"{name}: what a threshold does", of["curve"], picked))
        page.table(_HEAD, _rows(of["curve"]))
    return page


def _about(found: Mapping[str, Any]) -> str:
    return (
        f"Volumes and hours are of {found['pictures']:,} pictures, at "
        f"{found['seconds_a_look']:g} seconds a look; flagged: p_<type> is at or above the "
        f"threshold. In brackets: {found['interval_confidence']:.0%} intervals, exact binomial, "
        "each point for itself."
    )


def _picked(of: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    wanted = f"recall {found['recall']:g} with {found['confidence']:.0%} confidence"
    picked = of["picked"]
    if picked is None:
        return (
            f"no threshold has {wanted}: it takes {of['needed']:,} groups of positives, "
            f"here are {of['positive_groups']:,}"
        )
    return (
        f"threshold {picked['threshold']:g} has {wanted}: it catches "
        f"{picked['recall_of_groups']:.3f} of {of['positive_groups']:,} groups of positives, at "
        f"least {picked['recall_at_least']:.3f} of all; precision {shown(picked['precision'])}, "
        f"{picked['flagged']:,} flagged, {picked['kept']:,} kept, {picked['hours']:,} hours"
    )


def _rows(curve: Any) -> Iterator[tuple[str, ...]]:
    """The points of a curve nearest to every tenth."""
    for step in _STEPS:
        point = min(curve, key=lambda p: abs(p["threshold"] - step))
        yield (
            f"{point['threshold']:g}",
            shown(point["recall"]),
            shown(point["precision"]),
            f"{point['flagged']:,}",
            f"{point['kept']:,}",
            f"{point['hours']:,}",
        )
