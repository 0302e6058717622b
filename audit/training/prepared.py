"""Labelled sources -> columns, stored features and a split: all that training on them needs.

Letters in shapes: N examples, K concepts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from audit.encoder import Encoder
from audit.errors import ImageError
from audit.examples import read_examples
from audit.images import load
from audit.labelled import nothing_usable
from audit.labels import Example, Unusable
from audit.steps import Show
from audit.taxonomy import SAFE, Taxonomy
from audit.training.features import FeatureCache, Features
from audit.training.mixture import check_sides, drawn_examples, shown
from audit.training.recipe import FrozenRecipe
from audit.training.splits import Split, split


@dataclass(frozen=True, slots=True)
class Columns:
    """Examples without their pictures.

    sha256s, phashes   [N] str, hex
    types, levels      [N] int64, order of taxonomy.TYPES and LEVELS
    concepts           [N, K] float32, 0 or 1; NaN where the label does not say
    names, sources, groups   [N] str
    """

    sha256s: np.ndarray
    phashes: np.ndarray
    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    names: np.ndarray
    sources: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.types)

    def take(self, rows: np.ndarray) -> Columns:
        """The examples at `rows`, an index array."""
        return Columns(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a training run reads.

    names         the K concepts that the examples show
    features      of the N examples
    features_key  of the encoder, its layer and crop
    split         which examples are held out
    """

    columns: Columns
    names: tuple[str, ...]
    features: Features
    features_key: str
    split: Split
    encoder: Encoder
    taxonomy_hash: str
    device: torch.device


def prepare(
    sources: Sequence[str],
    taxonomy: Taxonomy,
    recipe: FrozenRecipe,
    encoder: Encoder,
    cache: Path,
    *,
    mapping: Path | None = None,
    device: torch.device | None = None,
    tell: Callable[[str], None] = lambda line: None,
    progress: Show | None = None,
) -> tuple[Prepared, list[Unusable]]:
    """Read the sources, compute what features are missing, and split.

    cache    folder of stored features
    mapping  a file of labels, see `audit.examples.read_examples`
    returns  what to train on, and what could not be used
    raises   UsageError when there is no usable example, or all are of one side
    """
    device = device or torch.device("cpu")
    names = tuple(c.name for c in taxonomy.concepts)
    stored = FeatureCache(cache, encoder.to(device), "pad", device)
    tell(
        f"features: {stored.bytes_each / 1e6:.2f} MB a picture, in {stored.folder}; "
        f"{len(stored):,} are there"
    )
    rows: list[tuple[str, str, Example]] = []
    unusable: list[Unusable] = []
    drawn = drawn_examples(recipe.documents, recipe.seed, names, taxonomy)
    for example in chain(read_examples(sources, names, taxonomy, mapping=mapping), drawn):
        if isinstance(example, Unusable):
            unusable.append(example)
            continue
        sha256 = hashlib.sha256(example.data).hexdigest()
        phash = stored.phash(sha256)
        if phash is None:
            try:
                picture = load(example.data, size=encoder.size, crop_mode="pad", preview=False)
            except ImageError as error:
                unusable.append(Unusable(example.where, str(error)))
                continue
            phash = picture.phash
            stored.add(sha256, phash, picture.pixels)
        rows.append((sha256, phash, _without_data(example)))
        if progress:
            progress(len(rows), None, "pictures read and encoded")
    stored.flush()
    if not rows:
        raise nothing_usable(sources, unusable)
    columns = _columns(rows)
    check_sides(sources, int((columns.types != SAFE).sum()), len(columns))
    kept = shown(columns.concepts)
    columns = Columns(
        **{f.name: getattr(columns, f.name) for f in fields(Columns) if f.name != "concepts"},
        concepts=columns.concepts[:, kept],
    )
    parts = split(
        recipe.split,
        recipe.held_out,
        recipe.seed,
        names=columns.names,
        groups=columns.groups,
        sources=columns.sources,
        phashes=columns.phashes.tolist(),
    )
    _tell_split(parts, tell)
    return Prepared(
        columns,
        tuple(names[k] for k in kept),
        stored.view(columns.sha256s.tolist()),
        stored.key,
        parts,
        encoder,
        taxonomy.hash,
        device,
    ), unusable


def _without_data(example: Example) -> Example:
    """The bytes of a long set would not fit into memory."""
    return Example(b"", example.label, example.source, example.group, example.where, None, {})


def _columns(rows: Sequence[tuple[str, str, Example]]) -> Columns:
    sha256s, phashes, examples = zip(*rows, strict=True)
    return Columns(
        sha256s=np.array(sha256s),
        phashes=np.array(phashes),
        types=np.array([e.label.type for e in examples], np.int64),
        levels=np.array([e.label.level for e in examples], np.int64),
        concepts=np.stack([e.label.concepts for e in examples]),
        names=np.array([e.label.name for e in examples]),
        sources=np.array([e.source for e in examples]),
        groups=np.array([e.group for e in examples]),
    )


def _tell_split(parts: Split, tell: Callable[[str], None]) -> None:
    report = parts.report
    random = report["across_if_random"]
    tell(
        f"split by {report['kind']}: {report['training']:,} for training, "
        f"{report['held_out']:,} held out; {report['across']['pictures']:,} of these have a "
        f"relative in training, {random['pictures']:,} (of {random['families']:,} families) in a "
        "random split"
    )
    if report["labels_without_held_out"] and report["held_out"]:
        missing = ", ".join(report["labels_without_held_out"])
        tell(f"nothing is held out of {missing}: too few, or all in one family")
