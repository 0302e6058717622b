"""README.md of a scorer folder: what `scorer.json` says, for people, with plots beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.card import Card, read_card
from audit.evaluation.measures import confusion
from audit.taxonomy import LEVELS, TYPES
from audit.text import visible
from audit.training import plots

if TYPE_CHECKING:
    from audit.training.frozen import Trained

NAME = "README.md"
LEARNING, CONFUSIONS = "learning.svg", "confusion.svg"


def save(trained: Trained, folder: Path) -> None:
    """Write the whole scorer folder: weights, card, plots and README.md."""
    trained.scorer.save(folder)
    history = trained.scorer.card.training["history"]
    if history["looks"]:
        plots.learning(history, folder / LEARNING)
    if trained.judged is not None:
        j = trained.judged
        decided = np.nan_to_num(j.types, nan=-1).argmax(1)
        plots.confusions(
            np.array(confusion(j.true_types, decided, len(TYPES))),
            np.array(confusion(j.true_levels, j.levels.argmax(1), len(LEVELS))),
            folder / CONFUSIONS,
        )
    write(folder)


def write(folder: Path) -> Path:
    """Write README.md anew from the card and the plots that are there. returns its path"""
    path = folder / NAME
    path.write_text("\n".join(_lines(read_card(folder), folder)) + "\n", encoding="utf-8")
    return path


def refresh(folder: Path) -> None:
    """Write README.md anew where the folder has one: its card has changed."""
    if (folder / NAME).is_file():
        write(folder)


def _lines(card: Card, folder: Path) -> Iterator[str]:
    spec = card.encoder
    encoder = spec["kind"] if spec["kind"] == "compact" else f"{spec['model']}:{spec['pretrained']}"
    yield f"# {card.name}"
    yield ""
    yield "A scorer for `audit scan`. Its flags are candidates for review, not verdicts."
    yield ""
    yield f"- encoder: {encoder}, {card.crop_mode} crop"
    yield f"- types: {', '.join(card.types_covered)}"
    yield f"- concepts: {', '.join(card.concepts) or 'none'}"
    yield f"- taxonomy: {card.taxonomy_hash:.12}"
    yield ""
    yield "## Limits"
    yield ""
    yield from (f"- {visible(limit)}" for limit in card.limits)
    yield ""
    yield "## Measured"
    yield ""
    if not card.metrics:
        yield "Not measured yet: `audit eval` with `--record NAME` puts figures onto the card."
    for name, figures in card.metrics.items():
        yield from _figures(name, figures)
    for plot, what in ((CONFUSIONS, "Labels and decisions"), (LEARNING, "Loss in training")):
        if (folder / plot).exists():
            yield f"![{what}]({plot})"
            yield ""
    yield from _training(card.training)


def _figures(name: str, figures: dict[str, Any]) -> Iterator[str]:
    """One named set: its numbers as a table; what is nested deeper stands in the card alone."""
    sizes = ", ".join(
        f"{figures[key]:,} {word}"
        for key, word in (("images", "pictures"), ("risky", "risky"))
        if isinstance(figures.get(key), int)
    )
    yield f"### {visible(name)}{f': {sizes}' if sizes else ''}"
    yield ""
    yield "| figure | value |"
    yield "|---|---|"
    for key, value in figures.items():
        if isinstance(value, float) and key != "flagged_at":
            yield f"| {visible(key.replace('_', ' '))} | {_number(value)} |"
    for concept, value in figures.get("auroc_by_concept", {}).items():
        yield f"| AUROC of {visible(concept)} against the rest | {_number(value)} |"
    yield ""
    if shares := figures.get("flagged_by_label"):
        yield f"Flagged at risk {figures['flagged_at']}:"
        yield ""
        yield "| label | pictures | flagged |"
        yield "|---|---|---|"
        for label, (share, count) in shares.items():
            yield f"| {visible(label)} | {count:,} | {_number(share)} |"
        yield ""


def _training(training: dict[str, Any]) -> Iterator[str]:
    yield "## Training"
    yield ""
    if recipe := training.get("recipe"):
        yield f"Recipe: {', '.join(f'{k} {v}' for k, v in recipe.items())}."
        yield ""
    if split := training.get("split"):
        random = split["across_if_random"]
        yield (
            f"Split by {split['kind']}: {split['training']:,} pictures for training, "
            f"{split['held_out']:,} held out, {split['across']['pictures']:,} of these with a "
            f"near-duplicate or a member of the same group in training (a random split would have "
            f"{random['pictures']:,})."
        )
        if random["largest"]:
            named = ", ".join(f"{visible(name)} ({n:,})" for name, n in random["largest"][:5])
            yield f"Families that it would have parted, by a member's group: {named}."
        yield ""
    if (history := training.get("history")) and history["best"] is not None:
        best = history["looks"][history["best"]]
        yield (
            f"Trained for {history['stopped']:,} steps; the held-out loss was lowest, "
            f"{best['held_out']:.3f}, after {best['step']:,}."
        )
        yield ""
    if clean := training.get("clean"):
        yield f"Clean examples: {clean['used']:,} used, {clean['wanted']:,} wanted."
        yield ""
    mix = training.get("mix", {})
    for key, title in (("by_label", "label"), ("by_source", "source")):
        if key in mix:
            yield f"| {title} | pictures |"
            yield "|---|---|"
            yield from (f"| {visible(n)} | {count:,} |" for n, count in mix[key].items())
            yield ""


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"
