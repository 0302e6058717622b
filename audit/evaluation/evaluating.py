"""Scores beside labels -> one report, a plain mapping that JSON can hold.

Letters in shapes: N examples, K concepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audit.card import read_card, write_card
from audit.evaluation import measures as m
from audit.evaluation.intervals import (
    CONFIDENCE,
    RESAMPLES,
    Estimate,
    Measure,
    estimates,
    figure,
)
from audit.evaluation.judged import FLAGGED, Judged
from audit.evaluation.style import FEATURES, cross_validated
from audit.steps import Show
from audit.taxonomy import LEVELS, SAFE, TYPES

SHOWN_UNUSABLE = 20


def evaluate(
    judged: Judged,
    concepts: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Show | None = None,
) -> dict[str, Any]:
    """Every figure with its interval, the style baseline beside it, and what they stand on.

    concepts   names of the K columns
    resamples  draws of the bootstrap
    returns    see `audit.evaluation.report`; figures are [value, low, high], None: cannot be had
    """
    said = progress or (lambda done, total, word: None)
    style = cross_validated(
        judged.style,
        judged.names,
        judged.groups,
        seed=seed,
        progress=lambda done: said(done, None, "folds of the style baseline"),
    )
    measures = [*_measures(judged, concepts)]
    if style is not None:
        measures += _style_measures(judged, concepts, *style)
    found = estimates(
        measures,
        judged.groups,
        resamples=resamples,
        seed=seed,
        progress=lambda done: said(done, resamples, "draws"),
    )
    risky, decided = judged.risky, _decided(judged)
    return {
        "images": len(judged),
        "risky": int(risky.sum()),
        "groups": _groups(judged, np.ones(len(judged), bool)),
        "unusable": {
            "images": sum(u.count for u in judged.unusable),
            "first": [str(u) for u in judged.unusable[:SHOWN_UNUSABLE]],
        },
        "flagged_at": FLAGGED,
        "intervals": {
            "confidence": CONFIDENCE,
            "draws": resamples,
            "seed": seed,
            "method": "percentile bootstrap over near-duplicate groups; exact binomial over "
            "groups for a share that no draw changes",
        },
        "risk": _of("risk", found),
        "type_accuracy": found["type_accuracy"].rounded(),
        "types": {
            name: {
                **_size(judged, judged.true_types == t),
                "scored": bool(~np.isnan(judged.types[:, t]).all()),
                **_of(f"types/{name}", found),
            }
            for t, name in enumerate(TYPES)
        },
        "type_confusion": m.confusion(judged.true_types, decided, len(TYPES)),
        "levels": {
            **_of("levels", found),
            "confusion": m.confusion(judged.true_levels, _levels(judged), len(LEVELS)),
        },
        "concepts": {
            name: {
                **_size(judged, judged.true_concepts[:, k] == 1),
                **_of(f"concepts/{name}", found),
            }
            for k, name in enumerate(concepts)
        },
        "clean": {
            by: {
                name: {**_size(judged, mask), "flagged": found[f"clean/{by}/{name}"].rounded()}
                for name, mask in _slices(getattr(judged, by), ~risky)
            }
            for by in ("names", "sources")
        },
        "sources": {
            name: {
                **_size(judged, mask),
                "risky": int((mask & risky).sum()),
                **_of(f"sources/{name}", found),
            }
            for name, mask in _slices(judged.sources)
        },
        "strata": [
            {"label": label, "source": source, **_size(judged, mask & inner)}
            for label, mask in _slices(judged.names)
            for source, inner in _slices(judged.sources, mask)
        ],
        "reliability": _reliability(judged, concepts),
        "style": None if style is None else _style(found, concepts),
    }


def metrics(judged: Judged, concepts: Sequence[str]) -> dict[str, Any]:
    """The few figures that stand on a card, without intervals.

    Sizes, AUROC, accuracies, and shares flagged by label and by source.
    """
    risky, flagged, decided = judged.risky, judged.risk >= FLAGGED, _decided(judged)
    return {
        "images": len(risky),
        "risky": int(risky.sum()),
        "flagged_at": FLAGGED,
        "auroc_risky_vs_safe": figure(m.auroc(judged.risk, risky)),
        "type_accuracy": figure(float((decided == judged.true_types).mean())),
        "level_accuracy": None
        if np.isnan(judged.levels).all()
        else figure(float((_levels(judged) == judged.true_levels).mean())),
        "harmless_flagged": figure(float(flagged[~risky].mean()) if (~risky).any() else np.nan),
        "auroc_by_concept": {
            name: figure(m.auroc(judged.concepts[known, k], judged.true_concepts[known, k] == 1))
            for k, name in enumerate(concepts)
            if (judged.true_concepts[:, k] == 1).any()
            for known in [~np.isnan(judged.true_concepts[:, k])]
        },
        "flagged_by_label": _shares(judged.names, flagged),
        "flagged_by_source": _shares(judged.sources, flagged),
    }


def summary(judged: Judged, concepts: Sequence[str], report: dict[str, Any]) -> dict[str, Any]:
    """`metrics`, with the intervals of the main ones and what style alone scores: for a card."""
    risk, style = report["risk"], report["style"]
    return {
        **metrics(judged, concepts),
        "groups": report["groups"],
        "unusable": report["unusable"]["images"],
        "intervals": {
            "auroc_risky_vs_safe": risk["auroc"][1:],
            "type_accuracy": report["type_accuracy"][1:],
            "level_accuracy": _figures(report["levels"], "accuracy")[1:],
            "harmless_flagged": risk["harmless_flagged"][1:],
        },
        "ece_risk": risk["ece"][0],
        "level_kappa": _figures(report["levels"], "kappa")[0],
        "style_auroc_risky_vs_safe": style["risk"]["auroc"][0] if style else None,
    }


def separation(
    judged: Judged, positive: str, negative: Sequence[str], concepts: Sequence[str]
) -> dict[str, Any]:
    """AUROC of one label against others, by the concept's own output and by the risk."""
    kept = np.isin(judged.names, [positive, *negative])
    is_positive = judged.names[kept] == positive
    own = judged.concepts[kept, list(concepts).index(positive)] if positive in concepts else None
    return {
        "images": [int(is_positive.sum()), int((~is_positive).sum())],
        "auroc_concept": None if own is None else figure(m.auroc(own, is_positive)),
        "auroc_risk": figure(m.auroc(judged.risk[kept], is_positive)),
    }


def record(scorer_folder: Path, name: str, figures: dict[str, Any]) -> None:
    """Put the figures on a named set onto a scorer's card."""
    card = read_card(scorer_folder)
    card.metrics[name] = figures
    write_card(scorer_folder, card)


def _measures(judged: Judged, concepts: Sequence[str]) -> Iterator[Measure]:
    every = np.arange(len(judged))
    risky, flagged, decided = judged.risky, judged.risk >= FLAGGED, _decided(judged)
    right = decided == judged.true_types

    def part(name: str, hit: np.ndarray, mask: np.ndarray) -> Measure:
        return m.share(name, hit, np.flatnonzero(mask), judged.groups)

    yield m.ranking("risk", judged.risk, risky, every)
    yield m.f1("risk", flagged, risky, every)
    yield m.calibration("risk/ece", judged.risk, risky, every)
    yield part("risk/harmless_flagged", flagged, ~risky)
    yield part("type_accuracy", right, np.ones(len(judged), bool))
    for t, name in enumerate(TYPES):
        is_type, p = judged.true_types == t, judged.types[:, t]
        if is_type.any() and not np.isnan(p).all():
            yield m.ranking(f"types/{name}", p, is_type, every)
            yield m.f1(f"types/{name}", decided == t, is_type, every)
            yield m.calibration(f"types/{name}/ece", p, is_type, every)
    if not np.isnan(judged.levels).all():
        levels = _levels(judged)
        correct = levels == judged.true_levels
        yield part("levels/accuracy", correct, np.ones(len(judged), bool))
        yield m.kappa("levels/kappa", judged.true_levels, levels, len(LEVELS))
        yield m.calibration("levels/ece", np.nan_to_num(judged.levels).max(1), correct, every)
    for k, name in enumerate(concepts):
        known = np.flatnonzero(~np.isnan(judged.true_concepts[:, k]))
        shows, p = judged.true_concepts[:, k] == 1, judged.concepts[:, k]
        if shows.any():
            yield m.ranking(f"concepts/{name}", p, shows, known)
            yield m.f1(f"concepts/{name}", p >= FLAGGED, shows, known)
            yield m.calibration(f"concepts/{name}/ece", p, shows, known)
    for by in ("names", "sources"):
        for name, mask in _slices(getattr(judged, by), ~risky):
            yield part(f"clean/{by}/{name}", flagged, mask)
    for name, mask in _slices(judged.sources):
        rows = np.flatnonzero(mask)
        yield m.share(f"sources/{name}/flagged", flagged, rows, judged.groups)
        yield m.share(f"sources/{name}/type_accuracy", right, rows, judged.groups)
        if len(set(risky[rows])) == 2:
            yield m.ranking(f"sources/{name}", judged.risk, risky, rows)


def _style_measures(
    judged: Judged, concepts: Sequence[str], said: np.ndarray, labels: list[str]
) -> Iterator[Measure]:
    every = np.arange(len(judged))
    # A label is of the type that the examples with it have; of the first one's, should they differ.
    type_of = np.array([judged.true_types[judged.names == name][0] for name in labels])
    by_type = np.stack([said[:, type_of == t].sum(1) for t in range(len(TYPES))], 1)
    yield m.ranking("style/risk", 1 - by_type[:, SAFE], judged.risky, every)
    hit = by_type.argmax(1) == judged.true_types
    yield m.share("style/type_accuracy", hit, every, judged.groups)
    for t, name in enumerate(TYPES):
        if (judged.true_types == t).any():
            p = by_type[:, t]
            yield m.ranking(f"style/types/{name}", p, judged.true_types == t, every)
    for k, name in enumerate(concepts):
        shows = judged.true_concepts[:, k] == 1
        if shows.any() and name in labels:
            known = np.flatnonzero(~np.isnan(judged.true_concepts[:, k]))
            p = said[:, labels.index(name)]
            yield m.ranking(f"style/concepts/{name}", p, shows, known)


def _style(found: dict[str, Estimate], concepts: Sequence[str]) -> dict[str, Any]:
    return {
        "features": list(FEATURES),
        "model": "gradient boosted trees, cross-validated with groups kept whole",
        "risk": _of("style/risk", found),
        "type_accuracy": found["style/type_accuracy"].rounded(),
        "types": {name: of for name in TYPES if (of := _of(f"style/types/{name}", found))},
        "concepts": {name: of for name in concepts if (of := _of(f"style/concepts/{name}", found))},
    }


def _reliability(judged: Judged, concepts: Sequence[str]) -> dict[str, Any]:
    decided, levels = _decided(judged), _levels(judged)
    tables = {
        "risk": m.reliability(judged.risk, judged.risky),
        "type": m.reliability(np.nan_to_num(judged.types).max(1), decided == judged.true_types),
    }
    if not np.isnan(judged.levels).all():
        tables["level"] = m.reliability(judged.levels.max(1), levels == judged.true_levels)
    for k, name in enumerate(concepts):
        known = ~np.isnan(judged.true_concepts[:, k])
        if (judged.true_concepts[known, k] == 1).any():
            shows = judged.true_concepts[known, k] == 1
            tables[f"concept {name}"] = m.reliability(judged.concepts[known, k], shows)
    return tables


def _figures(of: Mapping[str, Any], name: str) -> list[float | None]:
    """[value, low, high], None where a scorer has no such output."""
    figures: list[float | None] = of.get(name, [None] * 3)
    return figures


def _of(prefix: str, found: dict[str, Estimate]) -> dict[str, Any]:
    """The figures whose name is `prefix` and one word more."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): estimate.rounded()
        for name, estimate in found.items()
        if name.startswith(start) and "/" not in name.removeprefix(start)
    }


def _slices(
    values: np.ndarray, within: np.ndarray | None = None
) -> Iterator[tuple[str, np.ndarray]]:
    """Each value with the [N] bool rows that have it, where there are any."""
    for value in np.unique(values if within is None else values[within]):
        mask = values == value
        yield str(value), mask if within is None else mask & within


def _size(judged: Judged, mask: np.ndarray) -> dict[str, int]:
    return {"images": int(mask.sum()), "groups": _groups(judged, mask)}


def _groups(judged: Judged, mask: np.ndarray) -> int:
    return len(set(judged.groups[mask].tolist()))


def _decided(judged: Judged) -> np.ndarray:
    decided: np.ndarray = np.nan_to_num(judged.types, nan=-1).argmax(1)
    return decided


def _levels(judged: Judged) -> np.ndarray:
    levels: np.ndarray = np.nan_to_num(judged.levels, nan=-1).argmax(1)
    return levels


def _shares(groups: np.ndarray, flagged: np.ndarray) -> dict[str, list[Any]]:
    return {
        str(g): [figure(float(flagged[groups == g].mean())), int((groups == g).sum())]
        for g in np.unique(groups)
    }
