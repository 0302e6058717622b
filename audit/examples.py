"""Labelled examples from everywhere: the one road into training, evaluation and calibration.

A source is one of three things:

    shards             labels in each sample's json, or in a file of labels
    a .jsonl or .json  PSA-VLM or LLaVA-style records, see `audit.records`
    a catalog          what its reviewers decided, see `audit.decided`

Nothing is dropped without a word: what cannot be used comes out as an `Unusable` in its place.
Samples that a file of labels does not name, and rows nobody has decided on, are no examples.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from audit.decided import decided, is_catalog
from audit.errors import UsageError
from audit.labels import Example, Label, LabelFile, Unusable, read_label
from audit.records import SUFFIXES, records
from audit.shards import Sample, Shard, ShardReader, expand
from audit.taxonomy import Taxonomy

__all__ = ["Example", "Label", "Unusable", "read_examples"]


def read_examples(
    sources: Sequence[str | Path],
    names: Sequence[str],
    taxonomy: Taxonomy,
    *,
    mapping: Path | str | None = None,
) -> Iterator[Example | Unusable]:
    """Every labelled picture of the sources, in their order, read as they are asked for.

    names    the K concepts to give targets for
    mapping  a file of labels (see `LabelFile.read`) that takes the place of the sources' own
    raises   UsageError on a source or a mapping that cannot be one
    """
    labels = LabelFile.read(mapping) if mapping is not None else None
    for kind, some in groupby(map(str, sources), _kind):
        if kind == "shards":
            for shard in expand(list(some)):
                yield from _of_shard(shard, names, taxonomy, labels)
        elif kind == "records":
            for source in some:
                yield from records(Path(source), names, taxonomy, labels)
        else:
            for source in some:
                yield from decided(Path(source), names, taxonomy, labels)
    if labels is not None:
        yield from labels.left_over()


def _kind(source: str) -> str:
    path = Path(source).expanduser()
    if path.suffix.lower() in SUFFIXES and not path.is_dir():
        return "records"
    return "catalog" if is_catalog(path) else "shards"


def _of_shard(
    shard: Shard, names: Sequence[str], taxonomy: Taxonomy, labels: LabelFile | None
) -> Iterator[Example | Unusable]:
    reader = ShardReader(shard)
    for sample in reader:
        found = _of_sample(sample, shard.name, names, taxonomy, labels)
        if found is not None:
            yield found
    for fault in reader.books.faults:
        if fault.kind != "bad_metadata":  # said at its sample
            yield Unusable(shard.name, f"{fault.kind}: {fault.detail}")


def _of_sample(
    sample: Sample,
    home: str,
    names: Sequence[str],
    taxonomy: Taxonomy,
    labels: LabelFile | None,
) -> Example | Unusable | None:
    where = f"{home}/{sample.image_member}"
    if sample.data is None:
        return Unusable(where, str(sample.error))
    own, damage = _json_of(sample)
    try:
        said = own
        if labels is not None:
            uid = sample.uid or hashlib.sha256(sample.data).hexdigest()
            row = labels.find(uid, sample.key, home)
            if row is None:
                return None
            said = row
        elif damage:
            return Unusable(where, damage)
        label = read_label(said, names, taxonomy)
    except UsageError as error:
        return Unusable(where, str(error))
    beside = {**own, **said} if isinstance(own, dict) and isinstance(said, dict) else {}
    return Example(
        sample.data,
        label,
        str(beside.get("source", home)),
        str(beside.get("group", where)),
        where,
        sample.caption,
        beside,
    )


def _json_of(sample: Sample) -> tuple[object, str | None]:
    """The parsed json of a sample, and what is wrong with it."""
    try:
        return json.loads((sample.metadata or "{}").removeprefix("\ufeff")), None
    except (ValueError, RecursionError) as error:
        return {}, f"its json cannot be parsed ({error!s:.100}), so its label is not known"
