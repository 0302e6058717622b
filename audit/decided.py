"""Reviewers' decisions in a catalog as labelled examples: the loop from review back to training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from audit.books import PartBooks
from audit.errors import ShardwardenError, UsageError
from audit.labels import Example, Label, LabelFile, Unusable, label_of, read_label
from audit.outcomes import Outcome, settle
from audit.parts import Parts
from audit.pictures import read_pictures
from audit.taxonomy import LEVELS, Taxonomy
from audit.verdicts import read_log

_COLUMNS = (
    "row_id", "uid", "key", "image_member", "offset", "size", "sha256", "caption", "metadata",
    "status", "risk_type", "risk_level", "concepts",
    *(f"p_level_{level}" for level in range(len(LEVELS))),
)  # fmt: skip
SHOWN = 0.5
"""A concept of at least this probability was shown as present."""

Row = dict[str, Any]
Labelling = Callable[[Row, PartBooks], Label | str | None]
"""A row's label; a text why it has none; None when nobody meant the row to be an example."""


def is_catalog(path: Path) -> bool:
    """Whether a folder is a catalog."""
    return (path / "audit.json").is_file() and (path / "parts").is_dir()


def decided(
    catalog: Path, names: Sequence[str], taxonomy: Taxonomy, labels: LabelFile | None
) -> Iterator[Example | Unusable]:
    """The rows of a catalog that reviewers gave a label, with their pictures read from the tars.

    Rows that were only kept, dropped, quarantined or escalated have no label and are no examples;
    rows on which reviewers disagree are told. `labels` takes the place of the decisions.
    raises  UsageError when nobody has decided anything
    """
    parts = Parts(catalog)
    if labels is not None:
        yield from _rows(parts, _by_file(labels, names, taxonomy), None)
        return
    log = read_log(catalog)
    for fault in log.faults:
        yield Unusable(str(catalog), str(fault))
    outcomes = settle(log.decisions)
    if not outcomes:
        raise UsageError(f"{catalog}: no decisions yet; review it, or give a file with --labels")
    wanted = {row for row, o in outcomes.items() if o.label is not None or not o.settled}
    yield from _rows(parts, _by_outcome(outcomes, names), wanted)


def _by_file(labels: LabelFile, names: Sequence[str], taxonomy: Taxonomy) -> Labelling:
    def label(row: Row, books: PartBooks) -> Label | str | None:
        try:
            said = labels.find(row["uid"], row["key"], books.name)
            return None if said is None else read_label(said, names, taxonomy)
        except UsageError as error:
            return str(error)

    return label


def _by_outcome(outcomes: dict[int, Outcome], names: Sequence[str]) -> Labelling:
    def label(row: Row, books: PartBooks) -> Label | str | None:
        outcome = outcomes.get(row["row_id"])
        if outcome is None or (outcome.settled and outcome.label is None):
            return None
        if wrong := outcome.stranger(row["uid"]):
            return wrong
        if outcome.label is None:
            return f"its {len(outcome.decisions)} reviewers disagree; adjudicate it"
        try:
            return _merged(row, books, outcome, names)
        except UsageError as error:
            return str(error)

    return label


def _merged(row: Row, books: PartBooks, outcome: Outcome, names: Sequence[str]) -> Label | str:
    """What people said, and the scores that they saw where they left them as they were."""
    assert outcome.label is not None
    kind, level, concepts = outcome.label.type, outcome.label.level, outcome.label.concepts
    if kind is None or (level is None and kind != "safe"):
        seen = {d.scorer for d in outcome.decisions} - {"", books.scorer}
        if seen:
            return (
                f"judged by the scores of scorer {min(seen):.8}, which this catalog no longer has "
                f"(now {books.scorer:.8}); judge it again"
            )
    kind = kind or row["risk_type"]
    if kind is None:
        return "neither its reviewers nor its scorer name a type"
    if kind == "safe":
        return label_of(kind, 0, concepts, names)
    if level is None:
        # The scored level of a risky row, also where the scorer took it for harmless.
        risky = [row[f"p_level_{i}"] or 0.0 for i in range(1, len(LEVELS))]
        level = LEVELS[1 + risky.index(max(risky))]
    if concepts is None and outcome.verdict == "agree":
        concepts = tuple(name for name, p in row["concepts"] or () if p is not None and p >= SHOWN)
    return label_of(kind, level, concepts, names)


def _rows(
    parts: Parts, labelled: Labelling, wanted: set[int] | None
) -> Iterator[Example | Unusable]:
    """The rows that have a label, part by part; `wanted` names row ids that must be among them."""
    found: set[int] = set()
    for shard_id in parts.shard_ids():
        try:
            books = parts.books(shard_id)
            rows = parts.rows(shard_id, _COLUMNS).to_pylist()
        except ShardwardenError as error:
            yield Unusable(shard_id, str(error))
            continue
        pictures: dict[int, Label] = {}
        for ordinal, row in enumerate(rows):
            if wanted is not None and row["row_id"] not in wanted:
                continue
            found.add(row["row_id"])
            label = labelled(row, books)
            where = f"{books.name}/{row['image_member']}"
            if isinstance(label, str):
                yield Unusable(where, label)
            elif label is not None:
                pictures[ordinal] = label
        yield from _pictures(books, rows, pictures)
    if missing := (wanted or set()) - found:
        yield Unusable(
            str(parts.directory.parent),
            f"{len(missing):,} decided rows are in no part (first: row_id {min(missing)}); scan "
            "their shards again",
            len(missing),
        )


def _pictures(
    books: PartBooks, rows: list[Row], labels: dict[int, Label]
) -> Iterator[Example | Unusable]:
    for ordinal, data in read_pictures(books, {ordinal: rows[ordinal] for ordinal in labels}):
        row = rows[ordinal]
        where = f"{books.name}/{row['image_member']}"
        if isinstance(data, str):
            yield Unusable(where, data)
            continue
        metadata = _json(row["metadata"])
        yield Example(
            data,
            labels[ordinal],
            str(metadata.get("source", books.name)),
            str(metadata.get("group", row["sha256"])),
            where,
            row["caption"],
            {**metadata, "uid": row["uid"], "row_id": row["row_id"]},
        )


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
