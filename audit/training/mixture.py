"""What goes into training: drawn documents, the choice of clean examples, weights, and the words
about the mix that stand on a card.

Letters in shapes: N examples, K concepts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from audit.demo import KINDS, Drawing, Templates, draw
from audit.drawn import DRAWN, drawn_example
from audit.errors import UsageError
from audit.labelled import LabelledSet, Stretched, collect
from audit.labels import HARMLESS, Example, read_label
from audit.steps import Show
from audit.taxonomy import SAFE, TYPES, Taxonomy
from audit.training.recipe import Weighting


def drawings(count: int, seed: int, templates: Templates) -> Iterator[tuple[str, Drawing]]:
    """`count` drawn documents with their kinds, risky kinds and harmless twins in equal number.

    templates  'train', 'heldout' or 'all', see `audit.demo.draw`
    """
    halves = (
        [k for k, c in KINDS.items() if c not in HARMLESS],
        [k for k, c in KINDS.items() if c in HARMLESS],
    )
    for i in range(count):
        half = halves[i % 2]
        kind = half[i // 2 % len(half)]
        yield kind, draw(kind, seed + i, templates)


def drawn_documents(
    count: int,
    seed: int,
    names: tuple[str, ...],
    taxonomy: Taxonomy,
    *,
    side: int,
    templates: Templates = "train",
    progress: Show | None = None,
) -> LabelledSet:
    """Drawn documents as columns; `side` is the stored side R of the pictures."""
    rows: list[Stretched] = []
    for kind, drawing in drawings(count, seed, templates):
        label = read_label({"concept": KINDS[kind]}, names, taxonomy)
        image = drawing.image.convert("RGB")
        square = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))
        aspect = image.width / image.height
        rows.append(Stretched(square, aspect, label, f"{DRAWN}{kind}", f"{DRAWN}{drawing.group}"))
        if progress:
            progress(len(rows), count, "documents drawn")
    return collect(rows)


def drawn_examples(
    count: int, seed: int, names: Sequence[str], taxonomy: Taxonomy
) -> Iterator[Example]:
    """Drawn documents as examples, JPEG of quality 90."""
    for number, (kind, drawing) in enumerate(drawings(count, seed, "train")):
        yield drawn_example(kind, drawing, seed + number, names, taxonomy)


def check_sides(sources: Sequence[str], risky: int, count: int) -> None:
    """Refuse examples that are all risky or all harmless. raises UsageError"""
    if risky in (0, count):
        raise UsageError(
            f"{', '.join(sources)}: all {count:,} examples are of one side; training needs "
            "risky and harmless ones"
        )


def choose_clean(types: np.ndarray, wanted: int | None, seed: int) -> tuple[np.ndarray, int]:
    """All risky examples and some of the clean ones, drawn at random.

    types    [N] int64
    wanted   how many clean ones; None: as many as the largest risk type has; 0: all
    returns  [N] bool, those to train on, and how many clean ones were wanted
    source   papers.md 3.1 and 3.3: all risky and 3,000 clean, near the size of one risk type
    """
    clean = np.flatnonzero(types == SAFE)
    if wanted is None:
        wanted = int(np.bincount(types[types != SAFE], minlength=len(TYPES)).max())
    elif wanted == 0:
        wanted = len(clean)
    kept = types != SAFE
    # A longer choice holds a shorter one of the same seed, so a sweep adds and never exchanges.
    order = np.random.default_rng(seed).permutation(clean)
    kept[order[:wanted]] = True
    return kept, wanted


def class_weights(types: np.ndarray, names: np.ndarray, weighting: Weighting) -> np.ndarray:
    """[N] float32 weights of the examples in the loss, mean 1.

    A class is a label inside its type ('weapon' and 'fire' are two). Other than with 'none',
    risky and clean together count alike.
    """
    if weighting == "none":
        return np.ones(len(types), np.float32)
    _, inverse, counts = np.unique(names, return_inverse=True, return_counts=True)
    odds = 1.0 / counts[inverse] ** (0.5 if weighting == "sqrt" else 1.0)
    for half in (types == SAFE, types != SAFE):
        if half.any():
            odds[half] *= 0.5 / odds[half].sum()
    weights: np.ndarray = (odds / odds.mean()).astype(np.float32)
    return weights


def mix(names: np.ndarray, sources: np.ndarray) -> dict[str, Any]:
    """Examples by label and by source, for the card; [N] str both."""
    return {
        "examples": len(names),
        "by_label": dict(sorted(Counter(names.tolist()).items())),
        "by_source": dict(sorted(Counter(sources.tolist()).items())),
    }


def shown(concepts: np.ndarray) -> np.ndarray:
    """Indices of the concepts [N, K] that at least one example shows; unknown ones do not."""
    return np.flatnonzero((concepts > 0).any(axis=0))


def limits(
    types: np.ndarray, concepts: np.ndarray, sources: np.ndarray, names: tuple[str, ...]
) -> tuple[str, ...]:
    """What the mix alone says a reader must not rely on, one sentence each.

    concepts  [N, K], the columns in the order of `names`
    """
    covered = {TYPES[i] for i in types}
    missing = ", ".join(t for t in TYPES if t not in covered)
    said = [f"Not trained for {missing}: NULL in every output."] if missing else []
    drawn = np.char.startswith(sources.astype(str), DRAWN)
    on_drawings, from_one = [], []
    for k, name in enumerate(names):
        rows = concepts[:, k] > 0
        if drawn[rows].all():
            on_drawings.append(name)
        elif len(set(sources[rows & ~drawn])) == 1:
            from_one.append(name)
    if from_one:
        said.append(
            f"Photographs of {', '.join(from_one)} come from one source each; on other sources "
            "expect less than on held-out pictures of the same source."
        )
    if on_drawings:
        said.append(
            f"{', '.join(on_drawings)}: learned from drawings only; not measured on photographs."
        )
    said.append("A flag is a candidate for review, not a verdict.")
    return tuple(said)
