"""What `audit index` and `audit status` tell: plain records, filled by audit.tally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """The books of one shard, or of all: members = scored + failed + quarantined + other."""

    shard: str
    members: int
    images: int
    other: int
    scored: int
    failed: int
    quarantined: int
    upstream_failed: int
    faults: int
    seconds: float

    @property
    def balanced(self) -> bool:
        """True when every member is accounted for."""
        return self.members == self.scored + self.failed + self.quarantined + self.other

    @classmethod
    def total(cls, every: Sequence[Self]) -> Self:
        """Those of all shards together."""
        names = [each.name for each in fields(cls)[1:]]
        return cls("total", *(sum(getattr(one, name) for one in every) for name in names))


@dataclass(frozen=True, slots=True)
class ShardFault:
    """A fault of a shard, as audit.shards.Fault."""

    shard: str
    kind: str
    detail: str
    key: str | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """What `audit status` shows.

    risks      (type, level) -> scored rows; names of taxonomy.TYPES and LEVELS
    concepts   name -> scored rows with a probability above 0.5, most first
    failures   code before the colon of `error` -> rows failed or quarantined, most first
    upstream   error -> samples that the downloader never delivered, most first
    not_covered  types that the scorer was not trained for: no row has a probability of them
    conflicts  scored rows on which the likeliest type and the likeliest level contradict
    pairs      combination of picture and caption, see audit.pairs -> scored rows, most first
    pictures_read  scored rows in whose picture words were looked for
    """

    shards: tuple[ShardCounts, ...]
    total: ShardCounts
    risks: Mapping[tuple[str, str], int]
    concepts: Mapping[str, int]
    failures: Mapping[str, int]
    upstream: Mapping[str, int]
    faults: tuple[ShardFault, ...]
    not_covered: tuple[str, ...]
    conflicts: int
    pairs: Mapping[str, int] = field(default_factory=dict)
    pictures_read: int = 0

    @property
    def conflict_rate(self) -> float:
        """Share of the scored rows, 0..1."""
        return self.conflicts / self.total.scored if self.total.scored else 0.0


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What `index` built; `skipped` has one line for each part that is not whole."""

    shards: int
    rows: int
    vectors: int
    seconds: float
    skipped: tuple[str, ...]
