"""How well a scorer does on labelled pictures.

Letters in shapes: N examples, K concepts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audit.demo import KINDS, Templates, draw
from audit.errors import ImageError, UsageError
from audit.images import load
from audit.labels import read_label
from audit.scorer import Scorer, read_card, write_card
from audit.shards import ShardReader, expand
from audit.taxonomy import SAFE, Taxonomy

FLAGGED = 0.5
"""A picture is flagged when its risk (1 - p_safe) is at least this."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores beside labels.

    types        [N, 7] float32, as `Scores.types`
    concepts     [N, K] float32
    true_types   [N] int64, order of taxonomy.TYPES
    true_levels  [N] int64
    levels       [N, 4] float32
    names        [N] str, label as given (a concept, 'neutral', 'confusable' or a type)
    sources      [N] str
    """

    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    true_types: np.ndarray
    true_levels: np.ndarray
    names: np.ndarray
    sources: np.ndarray

    @property
    def risk(self) -> np.ndarray:
        """[N] float32, 1 - p_safe."""
        risk: np.ndarray = 1 - self.types[:, SAFE]
        return risk


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    scores    [N] float
    positive  [N] bool
    returns   0..1, NaN when one of the two sides is empty
    """
    wins, below = 0.0, np.sort(scores[~positive])
    above = scores[positive]
    if not len(below) or not len(above):
        return float("nan")
    wins = float(np.searchsorted(below, above, "left").sum())
    wins += float(np.searchsorted(below, above, "right").sum())
    return wins / 2 / len(below) / len(above)


Labelled = tuple[bytes, dict[str, Any]]
"""Image bytes and a json with a label."""


def from_shards(sources: Sequence[str]) -> Iterator[Labelled]:
    """Every image of labelled shards with its json."""
    for shard in expand(sources):
        for sample in ShardReader(shard):
            if sample.data is not None:
                yield sample.data, json.loads(sample.metadata or "{}")


def from_drawings(count: int, seed: int, templates: Templates = "heldout") -> Iterator[Labelled]:
    """`count` drawn documents, all kinds in turn, as JPEG."""
    kinds = list(KINDS)
    for i in range(count):
        kind = kinds[i % len(kinds)]
        drawing = draw(kind, seed + i, templates)
        buffer = io.BytesIO()
        drawing.image.convert("RGB").save(buffer, "JPEG", quality=90)
        yield buffer.getvalue(), {"concept": KINDS[kind], "source": f"drawn:{kind}"}


def judge(
    scorer: Scorer,
    examples: Iterable[Labelled],
    taxonomy: Taxonomy,
    *,
    batch: int = 64,
    progress: Callable[[int], None] | None = None,
) -> Judged:
    """Score labelled pictures the way a scan does.

    raises  UsageError when not one of them can be decoded and read
    """
    columns: dict[str, list[Any]] = {k: [] for k in ("types", "levels", "concepts")}
    true: list[tuple[int, int, str, str]] = []
    pixels: list[np.ndarray] = []

    def flush() -> None:
        if pixels:
            scores = scorer.score(np.stack(pixels))
            for key, column in columns.items():
                column.append(getattr(scores, key))
            pixels.clear()
            if progress:
                progress(len(true))

    for data, metadata in examples:
        try:
            picture = load(data, size=scorer.size, crop_mode=scorer.crop_mode, preview=False)
        except ImageError:
            continue
        label = read_label(metadata, scorer.concepts, taxonomy)
        true.append((label.type, label.level, label.name, str(metadata.get("source", ""))))
        pixels.append(picture.pixels)
        if len(pixels) == batch:
            flush()
    flush()
    if not true:
        raise UsageError("no labelled picture could be decoded; nothing to evaluate")
    kinds, levels, names, sources = zip(*true, strict=True)
    return Judged(
        **{k: np.concatenate(v) for k, v in columns.items()},
        true_types=np.array(kinds),
        true_levels=np.array(levels),
        names=np.array(names),
        sources=np.array(sources),
    )


def metrics(judged: Judged, concepts: Sequence[str]) -> dict[str, Any]:
    """Figures for a card: sizes, AUROC, accuracies, and shares flagged by label and by source."""
    risky = judged.true_types != SAFE
    flagged = judged.risk >= FLAGGED
    decided = np.nan_to_num(judged.types, nan=-1).argmax(1)
    return {
        "images": len(risky),
        "risky": int(risky.sum()),
        "flagged_at": FLAGGED,
        "auroc_risky_vs_safe": _figure(auroc(judged.risk, risky)),
        "type_accuracy": _figure(float((decided == judged.true_types).mean())),
        "level_accuracy": _figure(float((judged.levels.argmax(1) == judged.true_levels).mean())),
        "harmless_flagged": _figure(float(flagged[~risky].mean()) if (~risky).any() else np.nan),
        "auroc_by_concept": {
            name: _figure(auroc(judged.concepts[:, k], judged.names == name))
            for k, name in enumerate(concepts)
            if (judged.names == name).any()
        },
        "flagged_by_label": _shares(judged.names, flagged),
        "flagged_by_source": _shares(judged.sources, flagged),
    }


def separation(
    judged: Judged, positive: str, negative: Sequence[str], concepts: Sequence[str]
) -> dict[str, Any]:
    """AUROC of one label against others, by the concept's own output and by the risk."""
    kept = np.isin(judged.names, [positive, *negative])
    is_positive = judged.names[kept] == positive
    return {
        "images": [int(is_positive.sum()), int((~is_positive).sum())],
        "auroc_concept": _figure(
            auroc(judged.concepts[kept, list(concepts).index(positive)], is_positive)
        ),
        "auroc_risk": _figure(auroc(judged.risk[kept], is_positive)),
    }


def record(scorer_folder: Path, name: str, figures: dict[str, Any]) -> None:
    """Put the figures on a named set onto a scorer's card."""
    card = read_card(scorer_folder)
    card.metrics[name] = figures
    write_card(scorer_folder, card)


def _shares(groups: np.ndarray, flagged: np.ndarray) -> dict[str, list[float]]:
    return {
        str(g): [_figure(float(flagged[groups == g].mean())), int((groups == g).sum())]
        for g in np.unique(groups)
    }


def _figure(value: float) -> float:
    return round(value, 4)
