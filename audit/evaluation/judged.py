"""Labelled examples -> scores beside labels.

Letters in shapes: N examples, K concepts, F style features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from audit.demo import KINDS, Templates, draw
from audit.drawn import drawn_example
from audit.errors import ImageError, UsageError
from audit.evaluation.style import FEATURES, style_of
from audit.examples import Example, Unusable
from audit.images import load
from audit.labels import Label
from audit.registry import AnyScorer
from audit.taxonomy import SAFE, Taxonomy

FLAGGED = 0.5
"""A picture is flagged when its risk (1 - p_safe) is at least this, a concept likewise."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores beside labels.

    types          [N, 7] float32, as `Scores.types`
    levels         [N, 4] float32
    concepts       [N, K] float32
    true_types     [N] int64, order of taxonomy.TYPES
    true_levels    [N] int64
    true_concepts  [N, K] float32, 0 or 1; NaN where the label does not say
    names          [N] str, label as given (a concept, 'neutral', 'confusable' or a type)
    sources        [N] str
    groups         [N] str, equal for near-duplicates
    style          [N, F] float32, order of style.FEATURES
    digests        [N] str, sha256 hex of the image bytes
    unusable       what could not be judged, where and why
    """

    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    true_types: np.ndarray
    true_levels: np.ndarray
    true_concepts: np.ndarray
    names: np.ndarray
    sources: np.ndarray
    groups: np.ndarray
    style: np.ndarray
    digests: np.ndarray
    unusable: tuple[Unusable, ...] = ()

    def __len__(self) -> int:
        return len(self.true_types)

    @property
    def risk(self) -> np.ndarray:
        """[N] float32, 1 - p_safe."""
        risk: np.ndarray = 1 - self.types[:, SAFE]
        return risk

    @property
    def risky(self) -> np.ndarray:
        """[N] bool, labelled with a type other than safe."""
        risky: np.ndarray = self.true_types != SAFE
        return risky

    def take(self, rows: np.ndarray) -> Judged:
        """The examples at `rows`, an index or boolean array."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "unusable"}
        return Judged(**{k: v[rows] for k, v in columns.items()}, unusable=self.unusable)


def from_drawings(
    count: int,
    seed: int,
    names: Sequence[str],
    taxonomy: Taxonomy,
    templates: Templates = "heldout",
) -> Iterator[Example]:
    """`count` drawn documents, all kinds in turn, as JPEG.

    names   the K concepts to give targets for
    """
    kinds = list(KINDS)
    for i in range(count):
        kind = kinds[i % len(kinds)]
        yield drawn_example(kind, draw(kind, seed + i, templates), seed + i, names, taxonomy)


def judge(
    scorer: AnyScorer,
    examples: Iterable[Example | Unusable],
    *,
    batch: int = 64,
    progress: Callable[[int], None] | None = None,
) -> Judged:
    """Score labelled pictures the way a scan does; what cannot be judged is counted.

    raises  UsageError when not one of them can be decoded and read
    """
    columns: dict[str, list[np.ndarray]] = {k: [] for k in ("types", "levels", "concepts")}
    rows: list[_Row] = []
    unusable: list[Unusable] = []
    pixels: list[np.ndarray] = []

    def flush() -> None:
        if pixels:
            scores = scorer.score(np.stack(pixels))
            for key, column in columns.items():
                column.append(getattr(scores, key))
            pixels.clear()
            if progress:
                progress(len(rows))

    for example in examples:
        if isinstance(example, Unusable):
            unusable.append(example)
            continue
        try:
            picture = load(
                example.data, size=scorer.size, crop_mode=scorer.crop_mode, preview=False
            )
        except ImageError as error:
            unusable.append(Unusable(example.where, str(error)))
            continue
        rows.append(
            _Row(
                example.label,
                example.source,
                example.group,
                style_of(example.data, picture, padded=scorer.crop_mode == "pad"),
                hashlib.sha256(example.data).hexdigest(),
            )
        )
        pixels.append(picture.pixels)
        if len(pixels) == batch:
            flush()
    flush()
    if not rows:
        first = f"; the first of {len(unusable):,}: {unusable[0]}" if unusable else ""
        raise UsageError(f"no labelled picture could be judged{first}")
    return Judged(**_columns(rows), **_scores(columns), unusable=tuple(unusable))


class _Row(NamedTuple):
    """What is kept of an example once it is scored; the bytes of a long set are not."""

    label: Label
    source: str
    group: str
    style: np.ndarray
    digest: str


def _scores(columns: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    return {key: np.concatenate(parts) for key, parts in columns.items()}


def _columns(rows: Sequence[_Row]) -> dict[str, Any]:
    return {
        "true_types": np.array([r.label.type for r in rows], np.int64),
        "true_levels": np.array([r.label.level for r in rows], np.int64),
        "true_concepts": np.stack([r.label.concepts for r in rows]),
        "names": np.array([r.label.name for r in rows]),
        "sources": np.array([r.source for r in rows]),
        "groups": np.array([r.group for r in rows]),
        "style": np.stack([r.style for r in rows]).reshape(len(rows), len(FEATURES)),
        "digests": np.array([r.digest for r in rows]),
    }
