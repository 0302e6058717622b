"""What goes into an export: how many of what, split, and what is said about each picture.

Stage 1 trains the safety modules: all risky rows that passed the policy and a sample of clean
ones. Stage 2 trains the language model: all risky and all clean ones, or so many of these that a
target is met. Every choice is a hash of seed and uid (curation.seeded): the order of the rows
plays no part, and more shards reshuffle nothing.

Letters in shapes: N rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from audit.outcomes import Outcome
from audit.pairs import COMBINATIONS
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import composed, splitting
from curation.arrays import Mask
from curation.balance import Bounds
from curation.choosing import choose
from curation.composed import Report
from curation.conversations import REFUSED_WORDS, Subject, Talk, about, request
from curation.gathering import Gathered
from curation.records import Record, SourceRow
from curation.rules import Policy
from curation.seeded import below, draw
from curation.templates import DEFAULT, Templates, load

COLUMNS = (
    "row_id", "uid", "shard", "key", "image_member", "offset", "size", "sha256", "format",
    "width", "height", "caption", "metadata", "status", "risk", "concepts", "phash", "pair",
    "caption_type",
    *(f"p_{name}" for name in TYPES), *(f"p_level_{level}" for level in range(len(LEVELS))),
)  # fmt: skip
"""Columns to ask `gather` for."""

HARMLESS = COMBINATIONS[2:]
"""Pairs in which the picture, with the words read in it, is harmless."""

PRESENT = 0.5
"""A concept at least this probable is in the picture."""


@dataclass(frozen=True, slots=True)
class CompositionOptions:
    """How to compose.

    stage      1 or 2
    seed       any whole number
    clean      clean rows wanted in stage 1: a number, as many as of the "largest" type, or
               None: choosing.RATIO of the risky ones
    target     rows wanted in stage 2, risky and clean together; None: all
    bounds     caps and floors of risky types and levels
    val        share of the groups of like pictures that validate, 0..1
    requests   stage 2: share of the pictures that get a second conversation, a harmful request
               that is declined; 0..1
    redacted   whether rows go in that the policy wants made unrecognisable first
    templates  name or file, as curation.templates.load takes it
    """

    stage: Literal[1, 2]
    seed: int = 0
    clean: int | Literal["largest"] | None = None
    target: int | None = None
    bounds: Bounds = field(default_factory=lambda: Bounds({}, {}))
    val: float = 0.05
    requests: float = 0.05
    redacted: bool = False
    templates: str | Path = DEFAULT


@dataclass(frozen=True, slots=True)
class Composition:
    """Records, those of a split together and shuffled by the seed, and how they came about."""

    records: tuple[Record, ...]
    report: Report


def compose(
    gathered: Gathered, selection: pa.Table, policy: Policy, options: CompositionOptions
) -> Composition:
    """Choose rows, split them and say something about each.

    gathered    with COLUMNS
    selection   of the same rows, as `select` gives it
    raises      UsageError for templates that are wrong
    """
    templates = load(options.templates)
    rows = gathered.rows
    choice = choose(
        rows, selection, options.bounds, seed=options.seed, stage=options.stage,
        clean=options.clean, target=options.target, redacted=options.redacted,
    )  # fmt: skip
    at = np.flatnonzero(choice.included)
    names, validates = _split(rows.take(at), policy, options)
    here = choice.taken[at]
    at, names, validates = at[here], names[here], validates[here]
    records: list[Record] = []
    notes: Counter[str] = Counter()
    picked = rows.select(COLUMNS).take(at)
    for row, said, val in zip(
        _rows(picked), selection.take(at).to_pylist(), validates.tolist(), strict=True
    ):
        for record, talk in _records({**row, **said}, val, gathered, templates, options):
            records.append(record)
            notes.update(talk.notes)
        if said["type"] != TYPES[SAFE] and not said["by_person"] and row["pair"] in HARMLESS:
            notes["risky by the thresholds, though the words in the picture say otherwise"] += 1
    records = _ordered(_named(records), options.seed)
    combinations, absent = composed.combinations(rows, choice, records, options.stage)
    sizes = Counter(names.tolist())
    val_groups = len(set(names[validates].tolist()))
    report = Report(
        stage=options.stage,
        seed=options.seed,
        templates=templates.sha256,
        included=int(choice.included.sum()),
        taken=len(at),
        cells=composed.cells(selection, choice, options.bounds),
        clean=composed.clean_counts(choice),
        target=options.target if options.stage == 2 else None,
        combinations=combinations,
        absent=absent,
        sources=dict(sorted(Counter(record.source for record in records).items())),
        left_out=choice.left_out,
        notes=dict(sorted(notes.items())),
        split={n: sum(record.split == n for record in records) for n in ("train", "val")},
        groups={"train": len(sizes) - val_groups, "val": val_groups},
        largest=max(sizes.values(), default=0),
        val=options.val,
    )
    return Composition(tuple(records), report)


def _split(rows: pa.Table, policy: Policy, options: CompositionOptions) -> tuple[Any, Mask]:
    """([N] group of each row, [N] whether it validates).

    Over all that the policy keeps: what else is asked for changes no split. A group that is larger
    than all of val is meant to be is for training.
    """
    near = max(splitting.NEAR, policy.duplicates.distance)
    groups = splitting.groups(rows, distance=near)
    lowest: dict[int, int] = {}
    uids: list[Any] = rows["uid"].to_pylist()
    for group, uid in zip(groups.tolist(), uids, strict=True):
        number = draw(options.seed, "split", uid)
        lowest[group] = min(number, lowest.get(group, number))
    # The lowest of many draws is a low one: another hash makes large groups as likely as small.
    most = max(1.0, options.val * len(groups))
    sizes = Counter(groups.tolist())
    val = {
        group: sizes[group] <= most and below(draw(options.seed, "group", str(number)), options.val)
        for group, number in lowest.items()
    }
    return groups, np.array([val[group] for group in groups.tolist()], bool)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=4096):
        yield from batch.to_pylist()


def _records(
    row: dict[str, Any], val: bool, gathered: Gathered, templates: Templates,
    options: CompositionOptions,
) -> Iterator[tuple[Record, Talk]]:  # fmt: skip
    """The records of one row: a conversation, and sometimes a second one."""
    subject = Subject(
        **{name: row[name] for name in ("uid", "type", "level", "caption", "metadata", "pair")},
        caption_type=row["caption_type"],
    )
    record, talk = _record(row, val, gathered, about(subject, templates, options.seed,
                                                     stage=options.stage))  # fmt: skip
    yield record, talk
    asked = below(draw(options.seed, "second", row["uid"]), options.requests)
    if options.stage == 2 and asked and talk.pair not in REFUSED_WORDS:
        yield _record(row, val, gathered, request(subject, templates, options.seed))


def _record(row: dict[str, Any], val: bool, gathered: Gathered, talk: Talk) -> tuple[Record, Talk]:
    outcome = gathered.outcomes.get(row["row_id"])
    p = {name: row[f"p_{name}"] for name in TYPES}
    source = SourceRow(
        **{name: row[name] for name in _SOURCE}, url=gathered.shards[row["shard"]][1]
    )
    record = Record(
        uid=row["uid"],
        row=source,
        split="val" if val else "train",
        type=row["type"],
        level=row["level"],
        concepts=_concepts(row["concepts"], outcome),
        risk=_risk(row["risk"], p),
        p_types=p,
        p_levels={name: row[f"p_level_{n}"] for n, name in enumerate(LEVELS)},
        decided_by="human" if row["by_person"] else "scorer",
        action=row["action"],
        reason=row["reason"],
        decision_ids=tuple(d.id for d in outcome.decisions) if outcome else (),
        pair=talk.pair,
        turns=talk.turns,
        source=talk.source,
        template=talk.template,
    )
    return record, talk


_SOURCE = (
    "row_id", "uid", "shard", "key", "image_member", "offset", "size", "sha256", "format",
    "width", "height", "caption", "metadata", "status",
)  # fmt: skip


def _risk(risk: float | None, p: dict[str, float | None]) -> float:
    """Where the scorer does not know `safe`, the likeliest risk."""
    if risk is not None:
        return float(risk)
    return max((p[name] or 0.0 for name in TYPES[:SAFE]), default=0.0)


def _concepts(
    scores: list[tuple[str, float | None]] | None, outcome: Outcome | None
) -> tuple[str, ...]:
    """Names of the concepts present: those a person named, else the probable ones; sorted."""
    if outcome is not None and outcome.label is not None and outcome.label.concepts is not None:
        return tuple(sorted(outcome.label.concepts))
    return tuple(sorted(name for name, p in scores or () if p is not None and p >= PRESENT))


def _named(records: Sequence[Record]) -> list[Record]:
    """Each record with a uid of its own: a second one about the same gets "-2"."""
    taken = {record.uid for record in records}
    seen: set[str] = set()
    named = []
    for record in sorted(records, key=lambda r: (r.uid, r.row.shard, r.row.key, r.row.row_id)):
        uid, number = record.uid, 1
        while uid in seen or (number > 1 and uid in taken):
            number += 1
            uid = f"{record.uid}-{number}"
        seen.add(uid)
        named.append(record if uid == record.uid else replace(record, uid=uid))
    return named


def _ordered(records: Sequence[Record], seed: int) -> list[Record]:
    """Shuffled within each split; a record keeps its place among the others whatever is added."""
    return sorted(records, key=lambda r: (r.split, draw(seed, "order", r.uid), r.uid))
