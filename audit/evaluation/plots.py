"""Plots as SVG text, to stand inside an HTML page. The only file that imports matplotlib."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from audit.text import visible

INK, MUTED, OURS, STYLE, GRID = "#1d2733", "#6b7785", "#1f6fb2", "#c97b12", "#e3e7eb"
_LOOK: Any = {
    "svg.fonttype": "none",  # letters stay letters: smaller, and they can be searched
    "svg.hashsalt": "shardwarden",
    "text.parse_math": False,  # a source may be called $x$
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "text.color": INK,
}
Figures = Sequence[float | None]
"""[value, low, high]; None where it cannot be had."""


def dots(
    title: str,
    unit: str,
    rows: Mapping[str, Figures],
    beside: Mapping[str, Figures] | None = None,
    *,
    names: tuple[str, str] = ("scorer", "style alone"),
    span: tuple[float, float] = (0, 1),
    line: float | None = None,
) -> str:
    """One row a name: a dot with its interval, and a second one below it where there is one.

    unit    what the horizontal axis shows
    line    a place to mark, such as chance
    """
    with matplotlib.rc_context(_LOOK):
        figure = Figure(figsize=(7.2, 1.1 + 0.34 * len(rows)), layout="constrained")
        axes = figure.subplots()
        sets = [(rows, OURS, "o", -0.12 if beside else 0.0, names[0])]
        if beside:
            sets.append((beside, STYLE, "D", 0.16, names[1]))
        for values, colour, marker, offset, name in sets:
            places = [
                (y + offset, values[key])
                for y, key in enumerate(rows)
                if values.get(key) is not None
            ]
            for y, (_, low, high) in places:
                if low is not None and high is not None:
                    axes.plot([low, high], [y, y], color=colour, linewidth=1.6, alpha=0.65)
            shown = [(y, value[0]) for y, value in places if value[0] is not None]
            axes.plot(
                [v for _, v in shown], [y for y, _ in shown], marker, color=colour, ms=5, label=name
            )
        if line is not None:
            axes.axvline(line, color=MUTED, linewidth=0.9, linestyle=":")
        axes.set_yticks(range(len(rows)), [_short(key) for key in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(span[0] - 0.02, span[1] + 0.02)
        axes.set_xlabel(unit)
        axes.set_title(title)
        if beside:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        return _svg(figure)


def matrix(title: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A confusion matrix: shares of each true class by shade, counts as numbers."""
    with matplotlib.rc_context({**_LOOK, "axes.grid": False}):
        side = 1.6 + 0.62 * len(names)
        figure = Figure(figsize=(side + 0.9, side), layout="constrained")
        axes = figure.subplots()
        shares = [[n / max(1, sum(row)) for n in row] for row in counts]
        edges = [i - 0.5 for i in range(len(names) + 1)]
        axes.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=1)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        for y, row in enumerate(counts):
            for x, n in enumerate(row):
                if n:
                    colour = "white" if shares[y][x] > 0.55 else INK
                    axes.text(x, y, f"{n:,}", ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", color=INK)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("decided")
        axes.set_ylabel("labelled")
        axes.set_title(f"{title} (images; shade: share of the labelled)")
        return _svg(figure)


def reliability(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Reliability diagrams, small and side by side: said probability against how often it held.

    tables   title -> bins of `measures.reliability`
    """
    across = min(4, len(tables))
    down = -(-len(tables) // max(1, across))
    with matplotlib.rc_context(_LOOK):
        figure = Figure(figsize=(2.3 * across + 0.3, 2.45 * down + 0.2), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)
        for axes, (title, bins) in zip(grid.flat, tables.items(), strict=False):
            most = max((b["count"] for b in bins), default=1)
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=":")
            for b in bins:
                axes.plot([b["said"]] * 2, [b["low"], b["high"]], color=OURS, lw=1, alpha=0.45)
                width = b["to"] - b["from"]
                height = 0.25 * b["count"] / most
                axes.bar(b["from"], height, width, align="edge", color=GRID)
            axes.plot(
                [b["said"] for b in bins], [b["true"] for b in bins], "o-", color=OURS, ms=3.5
            )
            axes.set_title(title)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1.02)
            axes.set_xlabel("said (probability)")
            axes.set_ylabel("true (share)")
        for axes in list(grid.flat)[len(tables) :]:
            axes.set_axis_off()
        return _svg(figure)


def thresholds(title: str, curve: Sequence[Mapping[str, Any]], picked: float | None) -> str:
    """Precision, recall and hours of review along a threshold, with their intervals."""
    with matplotlib.rc_context(_LOOK):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        axes = figure.subplots()
        for name, colour in (("recall", OURS), ("precision", STYLE)):
            points = [(p["threshold"], *p[name]) for p in curve if p[name] is not None]
            if points:
                at, value, low, high = zip(*points, strict=True)
                axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0, step="pre")
                axes.step(at, value, color=colour, linewidth=1.6, label=name, where="pre")
        if picked is not None:
            axes.axvline(picked, color=INK, linewidth=1, linestyle="--", label="picked")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("threshold (probability)")
        axes.set_ylabel("share, with 95 % intervals")
        axes.set_title(title)
        hours = axes.twinx()
        hours.step(
            [p["threshold"] for p in curve],
            [p["hours"] for p in curve],
            color=MUTED, linewidth=1, linestyle=":", label="review", where="pre",
        )  # fmt: skip
        hours.set_ylabel("review (hours)", color=MUTED)
        hours.set_ylim(bottom=0)
        hours.grid(visible=False)
        hours.tick_params(axis="y", colors=MUTED)
        hours.spines["right"].set_visible(True)
        lines = [*axes.get_lines(), *hours.get_lines()]
        axes.legend(
            lines,
            [str(line.get_label()) for line in lines],
            loc="upper left",
            bbox_to_anchor=(1.1, 1.0),
            frameon=False,
        )
        return _svg(figure)


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    with warnings.catch_warnings():
        # It measures letters with its own font; the reader's browser has those it lacks.
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :].strip()


def _short(name: str) -> str:
    name = visible(name)
    return name if len(name) <= 44 else f"{name[:26]}…{name[-17:]}"
