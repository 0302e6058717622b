"""One scorer for each number of clean examples, on the same features and the same held-out part.

The paper finds the best near the size of one risk type (papers.md 3.3); this asks the question of
one's own data. Results lie in OUT/clean-<N>/, OUT/sweep.json, sweep.md and sweep.svg.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audit.card import read_card
from audit.evaluation import Judged
from audit.steps import Show
from audit.taxonomy import TYPES
from audit.training import modelcard, plots
from audit.training.checkpoint import clear
from audit.training.frozen import HELD_OUT, Tell, finished, train_frozen
from audit.training.prepared import Prepared
from audit.training.recipe import FrozenRecipe

ROW = "sweep_row"


def sweep(
    prepared: Prepared,
    recipe: FrozenRecipe,
    counts: Sequence[int],
    out: Path,
    *,
    tell: Tell = lambda line: None,
    progress: Show | None = None,
) -> list[dict[str, Any]]:
    """Train, measure and save a scorer for each number of clean examples.

    counts   how many, each once; scorers that are finished already are taken as they are
    returns  one row each: clean examples wanted and used, accuracies, see `row_of`
    """
    rows = []
    for count in sorted(set(counts)):
        folder = out / f"clean-{count}"
        chosen = replace(recipe, clean=count)
        if not finished(folder, prepared, chosen):
            tell(f"training with {count:,} clean examples")
            trained = train_frozen(
                prepared, chosen, name=folder.name, out=folder, tell=tell, progress=progress
            )
            assert trained.judged is not None
            clean = trained.scorer.card.training["clean"]
            trained.scorer.card.training[ROW] = row_of(clean, trained.judged)
            modelcard.save(trained, folder)
            clear(folder)
        rows.append(read_card(folder).training[ROW])
    (out / "sweep.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (out / "sweep.md").write_text(as_table(rows), encoding="utf-8")
    plots.sweep(rows, out / "sweep.svg")
    return rows


def row_of(clean: dict[str, int], judged: Judged) -> dict[str, Any]:
    """Accuracies of argmax decisions on the held-out part, overall and by true type.

    returns  {"wanted", "used", "type_accuracy", "level_accuracy", and for both also
             "..._by_type": {type: [accuracy, images]}}
    """
    right = {
        "type": np.nan_to_num(judged.types, nan=-1).argmax(1) == judged.true_types,
        "level": judged.levels.argmax(1) == judged.true_levels,
    }
    row: dict[str, Any] = {**clean, "images": len(judged.true_types), "set": HELD_OUT}
    for what, hit in right.items():
        row[f"{what}_accuracy"] = round(float(hit.mean()), 4)
        row[f"{what}_accuracy_by_type"] = {
            name: [round(float(hit[of].mean()), 4), int(of.sum())]
            for index, name in enumerate(TYPES)
            for of in [judged.true_types == index]
            if of.any()
        }
    return row


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table, by type in the order of the taxonomy."""
    names = list(rows[0]["type_accuracy_by_type"])
    sizes = {name: rows[0]["type_accuracy_by_type"][name][1] for name in names}
    head = ["clean examples", "type, all", "level, all"]
    head += [f"{what}, {name} ({sizes[name]:,})" for what in ("type", "level") for name in names]
    lines = [
        f"Accuracy on {rows[0]['images']:,} held-out pictures; in brackets, how many of them.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    for row in rows:
        short = "" if row["used"] == row["wanted"] else f" (of {row['wanted']:,} wanted)"
        cells = [f"{row['used']:,}{short}", row["type_accuracy"], row["level_accuracy"]]
        cells += [row[f"{w}_accuracy_by_type"][n][0] for w in ("type", "level") for n in names]
        texts = [c if isinstance(c, str) else f"{c:.3f}" for c in cells]
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"
