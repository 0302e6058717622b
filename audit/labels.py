"""What is known of a picture: a label, a labelled example, and a file of labels.

A label is written in one of two ways: `concept` (a concept of the taxonomy, or 'neutral',
'confusable', 'safe' for harmless), or `safe_type` with `safe_level` (PSA-VLM, as integers or
names). It stands in the json of a sample, in a record of a jsonl file, or in a file of labels;
shards that `curate export` made have it in the object `safety` of the json.

Letters in shapes: K concepts.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import UsageError
from audit.taxonomy import LEVELS, SAFE, TYPES, Taxonomy

HARMLESS = ("neutral", "confusable", "safe")


@dataclass(frozen=True, slots=True)
class Label:
    """One example's label.

    type      0..6, order of taxonomy.TYPES
    level     0..3, order of taxonomy.LEVELS
    concepts  [K] float32, 0 or 1; NaN where the label does not say
    name      the concept or type name, as the label gave it
    """

    type: int
    level: int
    concepts: np.ndarray
    name: str


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled picture, not decoded yet.

    data     bytes of an image file
    source   where it was collected, for tables and splits
    group    equal for near-duplicates, as far as its maker said
    where    shard and member, or file and line, for messages
    caption  the text beside it: a caption, or the question of a conversation
    extra    everything else that was written beside it
    """

    data: bytes
    label: Label
    source: str
    group: str
    where: str
    caption: str | None
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unusable:
    """What could not be used, where and why; `count` pictures of them when one line says it all."""

    where: str
    why: str
    count: int = 1

    def __str__(self) -> str:
        """The line to show."""
        return f"{self.where}: {self.why}"


def read_label(metadata: object, names: Sequence[str], taxonomy: Taxonomy) -> Label:
    """The label in a sample's json.

    names   the K concepts to give targets for
    raises  UsageError that shows the value and what is known
    """
    if not isinstance(metadata, dict):
        raise UsageError(f"no label: {metadata!s:.40} is no json object")
    if (concept := metadata.get("concept")) is not None:
        if concept in HARMLESS:
            return Label(SAFE, 0, np.zeros(len(names), np.float32), concept)
        known = {c.name: c for c in taxonomy.concepts}
        if not isinstance(concept, str) or concept not in known:
            raise UsageError(
                f"unknown concept {concept!r:.80}; known: {', '.join((*HARMLESS, *known))}"
            )
        found = known[concept]
        return label_of(found.type, found.level, [concept], names)
    if "safe_type" not in metadata and isinstance(said := metadata.get("safety"), dict):
        metadata = said
    if "safe_type" not in metadata or "safe_level" not in metadata:
        raise UsageError("no label: the json needs `concept`, or `safe_type` and `safe_level`")
    return label_of(metadata["safe_type"], metadata["safe_level"], None, names)


def label_of(
    kind: object, level: object, concepts: Sequence[str] | None, names: Sequence[str]
) -> Label:
    """A label from its parts.

    kind      a name or index of taxonomy.TYPES; level: of taxonomy.LEVELS
    concepts  all concepts that are there; None: not said (harmless pictures show none)
    names     the K concepts to give targets for
    raises    UsageError that shows the value and what is known
    """
    type_index = _index(kind, TYPES, "safe_type")
    level_index = _index(level, LEVELS, "safe_level")
    if concepts is None:
        unknown = 0.0 if type_index == SAFE else np.nan
        targets = np.full(len(names), unknown, np.float32)
    else:
        targets = np.array([n in concepts for n in names], np.float32)
    name = concepts[0] if concepts else TYPES[type_index]
    return Label(type_index, level_index, targets, name)


def _index(value: object, names: Sequence[str], what: str) -> int:
    if isinstance(value, str) and value in names:
        return names.index(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal():  # a column of a csv
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return value
    raise UsageError(f"{what} is {value!r:.80}; known: 0..{len(names) - 1} or {', '.join(names)}")


@dataclass(slots=True)
class LabelFile:
    """Labels kept apart from the pictures, found by uid or by key.

    problems  rows that contradict each other or name nothing
    """

    path: Path
    by_uid: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Unusable] = field(default_factory=list)
    _met: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | str) -> LabelFile:
        """A .csv, .jsonl or .parquet with `uid` or `key`, and the fields of a label.

        `source` and `group` are taken over where they are given.
        raises  UsageError when it cannot be read or has neither uid nor key
        """
        labels = cls(Path(path))
        try:
            rows = list(_rows(labels.path))
        except (OSError, ValueError, RecursionError, csv.Error, pa.ArrowException) as error:
            raise UsageError(f"{path}: cannot be read ({error!s:.160})") from None
        named = False
        for number, row in enumerate(rows, 1):
            uid, key = (str(row[n]) if row.get(n) else "" for n in ("uid", "key"))
            named |= bool(uid or key)
            if not uid and not key:
                labels.problems.append(Unusable(f"{path}: row {number}", "neither uid nor key"))
            elif uid:
                labels._put(labels.by_uid, uid, row, number)
            else:
                labels._put(labels.by_key, key, row, number)
        if not named:
            raise UsageError(f"{path}: needs a column `uid` or `key`, and a label's columns")
        return labels

    def _put(self, index: dict[str, dict[str, Any]], name: str, row: Any, number: int) -> None:
        before = index.setdefault(name, row)
        if before != row:
            self.problems.append(
                Unusable(f"{self.path}: row {number}", f"{name!r:.80} has another row; that counts")
            )

    def find(self, uid: str | None, key: str, home: str) -> dict[str, Any] | None:
        """The row of a sample, None when the file does not name it.

        home    the shard of the sample
        raises  UsageError when its key was found in another shard before
        """
        row = self.by_uid.get(uid) if uid else None
        if row is not None:
            self._met[id(row)] = home
            return row
        row = self.by_key.get(key)
        if row is not None and self._met.setdefault(id(row), home) != home:
            raise UsageError(
                f"key {key!r:.80} is in {self._met[id(row)]} too, so {self.path.name} may mean "
                "either; name samples by uid"
            )
        return row

    def left_over(self) -> Iterator[Unusable]:
        """Rows that named no sample so far, and the file's own problems."""
        yield from self.problems
        never = [
            name
            for index in (self.by_uid, self.by_key)
            for name, row in index.items()
            if id(row) not in self._met
        ]
        if never:
            yield Unusable(
                str(self.path),
                f"{len(never):,} rows name no sample of the sources (first: {never[0]!r:.80})",
                len(never),
            )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    kind = path.suffix.lower()
    if kind == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield {k: v for k, v in row.items() if k and v not in ("", None)}
    elif kind in (".jsonl", ".ndjson"):
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError(f"line {number} is no json object")
                    yield row
    elif kind == ".parquet":
        for row in pq.read_table(path).to_pylist():
            yield {k: v for k, v in row.items() if v is not None}
    else:
        raise UsageError(f"{path}: labels are read from .csv, .jsonl or .parquet")
