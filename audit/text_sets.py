"""Labelled texts for the text scorer: read by a recipe, grouped, split, embedded once.

Letters in shapes: N texts, E embedding width.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from audit.errors import UsageError
from audit.lookalikes import readable
from audit.sentences import SentenceEncoder
from audit.taxonomy import SAFE, TYPES
from audit.yamlfile import YamlFile

NEAR: Final = 0.92
"""Texts whose embeddings have at least this cosine are near-duplicates."""
_EVERY: Final = 2_048


@dataclass(frozen=True, slots=True)
class TextSet:
    """One entry of a recipe, as data/recipes/text-minilm.yaml explains them."""

    name: str
    file: Path
    text: tuple[str, ...]
    labels: str
    separator: str
    types: dict[str, tuple[int, ...]]  # label -> types it stands for; "" where there is no column
    group: str
    forms: tuple[str, ...]
    sample: int | None
    left_out: tuple[str, ...]
    train: bool


@dataclass(frozen=True, slots=True)
class TextRecipe:
    """A recipe: its sets, the risky types it covers, the share of groups kept for measuring."""

    name: str
    types: tuple[int, ...]
    held_out_share: float
    sets: tuple[TextSet, ...]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text.

    text      as a sentence encoder should read it
    allowed   the types its label stands for; one of them is meant
    label     as the file gave it
    group     equal for texts that must stay on one side of the split
    left_out  whether training must not see it
    """

    text: str
    allowed: tuple[int, ...]
    set: str
    label: str
    group: str
    left_out: bool


def read_recipe(path: Path, data: Path) -> TextRecipe:
    """A recipe and the files it names. raises UsageError naming the place in the file"""
    yaml = YamlFile(path)
    top = yaml.mapping(
        yaml.content, "", required=("name", "types", "sets"), optional=("held_out_share",)
    )
    covered = tuple(_type(yaml, t, "types") for t in top["types"])
    sets = tuple(
        _set(yaml, entry, f"sets[{i}]", covered, data) for i, entry in enumerate(top["sets"])
    )
    return TextRecipe(str(top["name"]), covered, float(top.get("held_out_share", 0.25)), sets)


def read_texts(recipe: TextRecipe, seed: int) -> list[LabelledText]:
    """Every text of a recipe in every form, in the order of the recipe; empty ones left out."""
    return [row for each in recipe.sets for row in _read(each, seed)]


def embedded(
    texts: Sequence[str],
    encoder: SentenceEncoder,
    cache: Path,
    progress: Callable[[int, int | None, str], None],
) -> np.ndarray:
    """Embeddings [N, E] float32 of the texts; what `cache` (a folder) has is not made again."""
    cache.mkdir(parents=True, exist_ok=True)
    known: dict[str, np.ndarray] = {}
    for part in sorted(cache.glob(f"{encoder.fingerprint[:16]}-*.npz")):
        with np.load(part, allow_pickle=False) as stored:
            known.update(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    keys = [hashlib.sha256(t.encode("utf-8", "surrogatepass")).hexdigest()[:32] for t in texts]
    missing = list(
        {key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items()
    )
    for start in range(0, len(missing), _EVERY):
        some = missing[start : start + _EVERY]
        progress(start, len(missing), "texts embedded")
        vectors = encoder.encode([text for _, text in some]).astype(np.float16)
        fresh = [key for key, _ in some]
        np.savez(
            cache / f"{encoder.fingerprint[:16]}-{fresh[0]}.npz",
            keys=np.array(fresh),
            vectors=vectors,
        )
        known.update(zip(fresh, vectors, strict=True))
    return np.stack([known[key] for key in keys]).astype(np.float32)


def groups_of(rows: Sequence[LabelledText], vectors: np.ndarray) -> np.ndarray:
    """[N] int64: equal where a chain of near-duplicates or equal `group` links two texts."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first: dict[str, int] = {}
    linked = [(i, first.setdefault(row.group, i)) for i, row in enumerate(rows)]
    half = vectors.astype(np.float32)
    for start in range(0, len(half), 1024):
        block = half[start : start + 1024] @ half[start:].T
        a, b = np.nonzero(block >= NEAR)
        linked += zip((a + start).tolist(), (b + start).tolist(), strict=True)
    a, b = np.array(linked, np.int64).T
    links = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(len(rows), len(rows)))
    found: np.ndarray = connected_components(links, directed=False)[1].astype(np.int64)
    return found


def _read(each: TextSet, seed: int) -> Iterator[LabelledText]:
    table = _table(each)
    wanted = [*each.text, each.labels, each.group]
    if absent := [name for name in wanted if name and name not in table.column_names]:
        raise UsageError(
            f"{each.file}: no column {absent[0]!r}; it has {', '.join(table.column_names)}"
        )
    rows = list(range(table.num_rows))
    if each.sample is not None and each.sample < len(rows):
        rows = sorted(random.Random(f"{seed}/{each.name}").sample(rows, each.sample))
    columns = [table.column(name).to_pylist() for name in each.text]
    labels = table.column(each.labels).to_pylist() if each.labels else [""] * table.num_rows
    keys = table.column(each.group).to_pylist() if each.group else range(table.num_rows)
    keys = list(keys)
    for i in rows:
        written = [str(labels[i])]
        if each.separator:
            written = written[0].split(each.separator)
        unknown = [label for label in written if label not in each.types]
        if unknown:
            raise UsageError(
                f"{each.file}: row {i + 1}: label {unknown[0]!r:.60} is not in the recipe; "
                f"known: {', '.join(each.types)}"
            )
        allowed = tuple(sorted({t for label in written for t in each.types[label]}))
        for written_text, form in itertools.product((c[i] for c in columns), each.forms):
            text = readable(form.replace("{}", str(written_text or "")))
            if written_text and text:
                yield LabelledText(
                    text,
                    allowed,
                    each.name,
                    str(labels[i]),
                    f"{each.file.name}/{keys[i]}",
                    any(label in each.left_out for label in written),
                )


def _table(each: TextSet) -> pa.Table:
    try:
        if each.file.suffix == ".parquet":
            return pa.parquet.read_table(each.file)
        if each.file.suffix == ".txt":
            lines = each.file.read_text(encoding="utf-8").splitlines()
            return pa.table({"text": [x for x in lines if x.strip() and not x.startswith("#")]})
        return pa.csv.read_csv(
            each.file, parse_options=pa.csv.ParseOptions(newlines_in_values=True)
        )
    except (OSError, UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise UsageError(f"{each.file}: cannot be read: {str(error).splitlines()[0]}") from None


def _set(yaml: YamlFile, entry: Any, where: str, covered: tuple[int, ...], data: Path) -> TextSet:
    optional = ("text", "labels", "separator", "group", "forms", "sample", "left_out", "train")
    entry = yaml.mapping(entry, where, required=("name", "file", "types"), optional=optional)
    file = data / entry["file"]
    if not file.is_file():
        file = yaml.path.parent / entry["file"]
    if not file.is_file():
        raise yaml.error(where, f"no file {entry['file']} in {data} nor beside the recipe")
    text = entry.get("text", "text")
    types = entry["types"] if isinstance(entry["types"], dict) else {"": entry["types"]}
    forms = tuple(entry.get("forms", ("{}",)))
    if not all("{}" in form for form in forms):
        raise yaml.error(where, "every form needs {} where the text goes")
    return TextSet(
        name=str(entry["name"]),
        file=file,
        text=tuple([text] if isinstance(text, str) else text),
        labels=entry.get("labels", ""),
        separator=entry.get("separator", ""),
        types={str(k): _allowed(yaml, v, f"{where}.types", covered) for k, v in types.items()},
        group=entry.get("group", ""),
        forms=forms,
        sample=entry.get("sample"),
        left_out=tuple(entry.get("left_out", ())),
        train=bool(entry.get("train", True)),
    )


def _allowed(yaml: YamlFile, value: Any, where: str, covered: tuple[int, ...]) -> tuple[int, ...]:
    if value == "risky":
        return covered
    names = value if isinstance(value, list) else [value]
    found = tuple(_type(yaml, name, where) for name in names)
    if extra := set(found) - {*covered, SAFE}:
        raise yaml.error(where, f"{TYPES[min(extra)]} is not among the types of the recipe")
    return found


def _type(yaml: YamlFile, name: Any, where: str) -> int:
    if name not in TYPES:
        raise yaml.error(where, f"unknown type {name!r}; known: {', '.join(TYPES)}, risky")
    return TYPES.index(name)
