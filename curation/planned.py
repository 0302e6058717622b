"""A plan as text for a terminal, and as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from audit.text import visible
from curation.knobs import Change
from curation.picture import svg
from curation.plan import Plan
from curation.rules import ACTIONS

REASONS_SHOWN = 12
Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""A heading, the columns' names and the rows."""


def text(plan: Plan) -> str:
    """The plan as lines for a terminal."""
    lines = [_headline(plan), ""]
    for heading, names, rows in _tables(plan):
        lines.append(heading)
        lines += _aligned(names, rows)
        lines.append("")
    lines += [*_closing(plan)]
    return "\n".join(visible(line) for line in lines) + "\n"


def page(plan: Plan) -> str:
    """The plan with its picture as one HTML file that loads nothing."""
    parts = [
        "<!doctype html>\n<html lang=en><meta charset=utf-8>",
        f"<title>{escape(_headline(plan))}</title>",
        "<style>body{font:14px sans-serif;margin:2em;color:#222}td,th{padding:2px 12px 2px 0;"
        "text-align:left}td:nth-child(n+2){font-variant-numeric:tabular-nums}"
        "svg{max-width:100%;height:auto}</style>",
        f"<h1>{escape(_headline(plan))}</h1>",
        svg(plan),
    ]
    for heading, names, rows in _tables(plan):
        parts.append(f"<h2>{escape(heading)}</h2><table><tr>")
        parts += [f"<th>{escape(name)}" for name in names]
        for row in rows:
            parts.append("<tr>" + "".join(f"<td>{escape(visible(cell))}" for cell in row))
        parts.append("</table>")
    parts += [f"<p>{escape(visible(line))}</p>" for line in _closing(plan)]
    return "\n".join(parts) + "\n"


def _headline(plan: Plan) -> str:
    return (
        f"{plan.catalog} under the policy {plan.policy} ({plan.policy_hash[:12]}): "
        f"{plan.kept:,} of {plan.total.images:,} images kept"
    )


def _tables(plan: Plan) -> Iterator[Table]:
    total = max(1, plan.total.images)
    volumes = [
        (name, f"{v.images:,}", f"{v.images / total:.2%}", _bytes(v.bytes))
        for name, v in plan.actions.items()
    ]
    everything = ("total", f"{plan.total.images:,}", "", _bytes(plan.total.bytes))
    yield "What becomes of them", ("action", "images", "share", "bytes"), [*volumes, everything]

    shown = [name for name in ACTIONS if plan.actions[name].images]
    kinds: dict[str, dict[str, int]] = {}
    for flow in plan.flows:
        kinds.setdefault(flow.kind, {})[flow.action] = flow.images
    grid = [
        (kind, *(f"{found[a]:,}" if a in found else "-" for a in shown))
        for kind, found in kinds.items()
    ]
    yield "By type and level", ("type/level", *shown), grid

    because = [
        (action, reason, f"{images:,}")
        for action, reasons in plan.reasons.items()
        for reason, images in list(reasons.items())[:REASONS_SHOWN]
    ]
    yield "Why", ("action", "reason", "images"), because

    knobs = [
        (knob.name, f"{knob.threshold:g}", _change(knob.lower), _change(knob.higher))
        for knob in plan.knobs
        if knob.lower or knob.higher
    ]
    names = ("threshold", "now", "nearest lower", "nearest higher")
    if knobs:
        yield "What the nearest other thresholds would change", names, knobs


def _closing(plan: Plan) -> Iterator[str]:
    review = plan.review
    source = f"the median of {review.measured:,}" if review.measured else "as the policy says"
    yield (
        f"review: {review.images:,} images, {review.hours:,.2f} hours at {review.seconds:g} s an "
        f"image ({source})"
    )
    if plan.disagreements:
        yield f"reviewers disagree about {plan.disagreements:,} images"
    for note in plan.notes:
        yield f"note: {note}"
    for broken in plan.broken:
        yield f"gate not met: {broken}"


def _change(change: Change | None) -> str:
    if change is None:
        return "nothing"
    moves = ", ".join(f"{images:,} {move}" for move, images in change.moves.items())
    return f"{change.threshold:g}: {moves}"


def _aligned(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; those of figures to the right."""
    table = [tuple(names), *(tuple(map(visible, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    figures = [
        all(row[i].removesuffix("%").replace(",", "").replace(".", "").strip("-").isdecimal()
            or row[i] in ("", "-") for row in table[1:])
        for i in range(len(names))
    ]  # fmt: skip
    for row in table:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, figures, strict=True)
        )
        yield ("  " + "  ".join(cells)).rstrip()


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
