"""Plots of a training run, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from audit.taxonomy import LEVELS, TYPES


def learning(history: dict[str, Any], path: Path) -> None:
    """Loss in training and on the held-out part against the steps; the kept weights are marked."""
    looks = history["looks"]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    steps = [look["step"] for look in looks]
    axes.plot(steps, [look["loss"] for look in looks], label="training (running mean)")
    axes.plot(steps, [look["held_out"] for look in looks], label="held out (averaged weights)")
    if history["best"] is not None:
        axes.axvline(steps[history["best"]], color="grey", linestyle=":", label="lowest held out")
    axes.set_xlabel("optimiser steps")
    axes.set_ylabel("loss")
    axes.legend()
    _save(figure, path)


def confusions(types: np.ndarray, levels: np.ndarray, path: Path) -> None:
    """Counts [7, 7] of types and [4, 4] of levels; rows are labels, columns decisions."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    for axes, table, names in zip(
        figure.subplots(1, 2), (types, levels), (TYPES, LEVELS), strict=True
    ):
        shares = table / np.maximum(table.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*table.shape):
            if table[row, column]:
                dark = "white" if shares[row, column] > 0.6 else "black"
                text = f"{table[row, column]:,}"
                axes.text(column, row, text, ha="center", va="center", color=dark, fontsize=8)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("decided")
        axes.set_ylabel("labelled")
    _save(figure, path)


def sweep(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Type and level accuracy against the number of clean examples, as papers.md 3.3."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    counts = [row["used"] for row in rows]
    for axes, what in zip(figure.subplots(1, 2, sharey=True), ("type", "level"), strict=True):
        axes.plot(counts, [row[f"{what}_accuracy"] for row in rows], "ko-", label="all")
        for name in rows[0][f"{what}_accuracy_by_type"]:
            values = [row[f"{what}_accuracy_by_type"][name][0] for row in rows]
            axes.plot(counts, values, "o--", linewidth=1, markersize=3, label=name)
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{c:,}" for c in counts])
        axes.minorticks_off()
        axes.set_xlabel("clean examples in training")
        axes.set_title(f"{what} accuracy on the held-out part")
        axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """The same figures give the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "shardwarden", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
