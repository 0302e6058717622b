"""Labelled examples, decoded and held as columns.

Letters in shapes: N examples, R stored side, K concepts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from audit.errors import ImageError, UsageError
from audit.examples import read_examples
from audit.images import load
from audit.labels import Label, Unusable
from audit.records import unpadded
from audit.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Examples as columns.

    pictures  [N, R, R, 3] uint8, each stretched to a square
    aspects   [N] float32, true width / height
    types     [N] int64, order of taxonomy.TYPES
    levels    [N] int64, order of taxonomy.LEVELS
    concepts  [N, K] float32, 0 or 1; NaN where the label does not say
    names     [N] str, the concept or type name, as the label gave it
    sources   [N] str
    groups    [N] str, equal for near-duplicates
    digests   [N] str, sha256 hex of the image bytes; '' for what was drawn for training
    """

    pictures: np.ndarray
    aspects: np.ndarray
    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    names: np.ndarray
    sources: np.ndarray
    groups: np.ndarray
    digests: np.ndarray

    def __len__(self) -> int:
        return len(self.types)

    def take(self, rows: np.ndarray) -> LabelledSet:
        """The examples at `rows`, an index or boolean array."""
        return LabelledSet(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def join(sets: Sequence[LabelledSet]) -> LabelledSet:
        """One set after the other."""
        return LabelledSet(
            *(np.concatenate([getattr(s, f.name) for s in sets]) for f in fields(LabelledSet))
        )


class Stretched(NamedTuple):
    """One example, decoded: picture [R, R, 3] uint8 stretched to a square, width / height."""

    picture: np.ndarray
    aspect: float
    label: Label
    source: str
    group: str
    digest: str = ""


def read_labelled(
    sources: Sequence[str],
    names: Sequence[str],
    taxonomy: Taxonomy,
    *,
    side: int,
    mapping: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[LabelledSet, list[Unusable]]:
    """All labelled examples of the sources, decoded.

    side      R
    mapping   see `read_examples`
    progress  called with the number of examples read
    returns   the set, and what could not be used
    raises    UsageError when not a single example could be used
    """
    rows: list[Stretched] = []
    unusable: list[Unusable] = []
    for example in read_examples(sources, names, taxonomy, mapping=mapping):
        if isinstance(example, Unusable):
            unusable.append(example)
            continue
        try:
            picture, aspect = stretched(example.data, side)
        except ImageError as error:
            unusable.append(Unusable(example.where, str(error)))
            continue
        digest = hashlib.sha256(example.data).hexdigest()
        rows.append(
            Stretched(picture, aspect, example.label, example.source, example.group, digest)
        )
        if progress:
            progress(len(rows))
    if not rows:
        raise nothing_usable(sources, unusable)
    return collect(rows), unusable


def nothing_usable(sources: Sequence[str], unusable: Sequence[Unusable]) -> UsageError:
    """The error for sources without a single usable example, with the first reason."""
    first = f"; the first: {unusable[0]}" if unusable else ""
    return UsageError(f"{', '.join(map(str, sources))}: no labelled image{first}")


def stretched(data: bytes, side: int) -> tuple[np.ndarray, float]:
    """Image bytes -> ([R, R, 3] uint8 stretched to a square, width / height). raises ImageError"""
    prepared = load(data, size=side, crop_mode="pad", preview=False)
    aspect = prepared.width / prepared.height
    content = Image.fromarray(unpadded(prepared.pixels, aspect))
    return np.asarray(content.resize((side, side), Image.Resampling.BILINEAR)), aspect


def collect(rows: Iterable[Stretched]) -> LabelledSet:
    """Decoded examples as columns."""
    pictures, aspects, labels, sources, groups, digests = zip(*rows, strict=True)
    return LabelledSet(
        pictures=np.stack(pictures),
        aspects=np.array(aspects, np.float32),
        types=np.array([x.type for x in labels], np.int64),
        levels=np.array([x.level for x in labels], np.int64),
        concepts=np.stack([x.concepts for x in labels]),
        names=np.array([x.name for x in labels]),
        sources=np.array(sources),
        groups=np.array(groups),
        digests=np.array(digests),
    )
