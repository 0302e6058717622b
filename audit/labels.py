"""Labelled shards to training examples.

A sample's json names its label in one of three ways: `concept` (a concept of the taxonomy, or
'neutral' / 'confusable' for harmless), or `safe_type` with `safe_level` (PSA-VLM, as integers or
names). `group` (near-duplicates) and `source` are kept for honest splits and tables.

Letters in shapes: N examples, R stored side, K concepts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from audit.errors import ImageError, UsageError
from audit.images import load
from audit.shards import ShardReader, expand
from audit.taxonomy import LEVELS, SAFE, TYPES, Taxonomy

HARMLESS = ("neutral", "confusable", "safe")


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
    """

    pictures: np.ndarray
    aspects: np.ndarray
    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    names: np.ndarray
    sources: np.ndarray
    groups: np.ndarray

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


@dataclass(frozen=True, slots=True)
class Label:
    """One example's label; `concepts` [K] as in `LabelledSet`."""

    type: int
    level: int
    concepts: np.ndarray
    name: str


def read_label(metadata: dict[str, Any], names: Sequence[str], taxonomy: Taxonomy) -> Label:
    """The label in a sample's json.

    names   the K concepts to give targets for
    raises  UsageError that shows the value and what is known
    """
    if (concept := metadata.get("concept")) is not None:
        if concept in HARMLESS:
            return Label(SAFE, 0, np.zeros(len(names), np.float32), concept)
        known = {c.name: c for c in taxonomy.concepts}
        if concept not in known:
            raise UsageError(
                f"unknown concept {concept!r}; known: {', '.join((*HARMLESS, *known))}"
            )
        one_hot = np.array([n == concept for n in names], np.float32)
        found = known[concept]
        return Label(TYPES.index(found.type), LEVELS.index(found.level), one_hot, concept)
    if "safe_type" not in metadata or "safe_level" not in metadata:
        raise UsageError("no label: the json needs `concept`, or `safe_type` and `safe_level`")
    kind = _index(metadata["safe_type"], TYPES, "safe_type")
    level = _index(metadata["safe_level"], LEVELS, "safe_level")
    unknown = np.full(len(names), 0.0 if kind == SAFE else np.nan, np.float32)
    return Label(kind, level, unknown, TYPES[kind])


def _index(value: object, names: Sequence[str], field: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return value
    if isinstance(value, str) and value in names:
        return names.index(value)
    raise UsageError(f"{field} is {value!r}; known: 0..{len(names) - 1} or {', '.join(names)}")


def read_labelled(
    sources: Sequence[str], names: Sequence[str], taxonomy: Taxonomy, *, side: int
) -> tuple[LabelledSet, list[str]]:
    """All labelled samples of some shards, decoded.

    side     R
    returns  the set, and one line for every sample that could not be used and why
    raises   UsageError when not a single sample could be used
    """
    rows: list[tuple[np.ndarray, float, Label, str, str]] = []
    unusable: list[str] = []
    for shard in expand(sources):
        for sample in ShardReader(shard):
            where = f"{shard.name}/{sample.image_member}"
            if sample.data is None:
                unusable.append(f"{where}: {sample.error}")
                continue
            try:
                metadata = json.loads(sample.metadata or "{}")
                label = read_label(metadata, names, taxonomy)
                picture, aspect = stretched(sample.data, side)
            except (UsageError, ImageError, ValueError) as error:
                unusable.append(f"{where}: {error}")
                continue
            source = str(metadata.get("source", shard.name))
            rows.append((picture, aspect, label, source, str(metadata.get("group", where))))
    if not rows:
        first = f"; the first: {unusable[0]}" if unusable else ""
        raise UsageError(f"{', '.join(sources)}: no labelled image{first}")
    return collect(rows), unusable


def stretched(data: bytes, side: int) -> tuple[np.ndarray, float]:
    """Image bytes -> ([R, R, 3] uint8 stretched to a square, width / height). raises ImageError"""
    from PIL import Image

    prepared = load(data, size=side, crop_mode="pad", preview=False)
    aspect = prepared.width / prepared.height
    across = max(1, round(side * min(1.0, aspect)))
    down = max(1, round(side * min(1.0, 1 / aspect)))
    top, left = (side - down) // 2, (side - across) // 2
    content = prepared.pixels[top : top + down, left : left + across]
    square = Image.fromarray(content).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(square), aspect


def collect(rows: Iterable[tuple[np.ndarray, float, Label, str, str]]) -> LabelledSet:
    """Rows of (picture, aspect, label, source, group) as columns."""
    pictures, aspects, labels, sources, groups = zip(*rows, strict=True)
    return LabelledSet(
        pictures=np.stack(pictures),
        aspects=np.array(aspects, np.float32),
        types=np.array([x.type for x in labels], np.int64),
        levels=np.array([x.level for x in labels], np.int64),
        concepts=np.stack([x.concepts for x in labels]),
        names=np.array([x.name for x in labels]),
        sources=np.array(sources),
        groups=np.array(groups),
    )
