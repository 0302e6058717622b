"""A catalog, its decisions and a policy, brought together for selection."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.catalog import Catalog
from audit.fitted import fitted_to
from audit.outcomes import Label, Outcome, settle
from audit.steps import Show
from audit.verdicts import Log, read_log
from curation import tombstones
from curation.alike import Alike
from curation.arrays import Mask, pc
from curation.policy import PRESETS, load
from curation.rules import Policy
from curation.selection import columns_of

_MEMORY = "512MB"  # for questions; what is read is not part of it


@dataclass(frozen=True, slots=True)
class Gathered:
    """What `select` takes, and what was left out of it.

    rows       the columns it needs, and those asked for besides
    outcomes   by row_id; those that cannot be used are counted in `unused`, by the reason
    shards     shard id -> file name and address
    scorer     fingerprint of the scorer of this catalog, "" for one without shards
    fitted_to  fingerprint of the scorer that the policy's thresholds were fitted to, where it says
    tombstoned [N] rows that a takedown names, None: none; `select` and `forbidden` take it
    alike      the copies among the rows, kept from one policy to the next
    """

    policy: Policy
    rows: pa.Table
    outcomes: dict[int, Outcome]
    shards: dict[str, tuple[str, ...]]
    scorer: str
    log: Log
    unused: dict[str, int]
    tombstoned: Mask | None = None
    fitted_to: str | None = None
    alike: Alike | None = None


def gather(catalog_dir: Path | str, policy: str | Path, *, columns: Sequence[str] = ()) -> Gathered:
    """Read all that a selection needs.

    policy    name of a preset, or path of a file
    columns   columns of `samples` that the caller wants besides
    raises    UsageError for a policy that is wrong, ShardwardenError for a catalog that is
    """
    with Source(catalog_dir) as source:
        rules = load(policy, concepts=source.concepts)
        return source.gathered(rules, columns, read_log(catalog_dir), fitted(policy))


class Source:
    """A catalog opened for gathering: what has been read of it once is not read again.

    A context manager; `close` lets go of the file. For one thread at a time.
    """

    def __init__(self, catalog_dir: Path | str, *, concepts: Collection[str] | None = None) -> None:
        """Raise ShardwardenError when the catalog cannot be read.

        concepts   that it has scores of, where they are known
        """
        self._directory = Path(catalog_dir)
        self._catalog = Catalog(catalog_dir, memory=_MEMORY)
        self.concepts = self._catalog.score_names()[0] if concepts is None else concepts
        books: list[Any] = self._catalog.shards().to_pylist()
        self.scorer: str = books[0]["scorer"] if books else ""
        self._shards: dict[str, tuple[str, ...]] = {
            b["shard"]: (b["name"], b["url"]) for b in books
        }
        self._columns: dict[str, pa.ChunkedArray[Any]] = {}
        self._alike: Alike | None = None
        self._said: tuple[Log, dict[int, Outcome], dict[str, int]] | None = None

    def __enter__(self) -> Source:
        """Itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the file."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._catalog.close()

    def gathered(
        self,
        policy: Policy,
        columns: Sequence[str],
        log: Log,
        fitted_to: str | None,
        show: Show | None = None,
    ) -> Gathered:
        """What a selection by this policy needs.

        columns    of `samples` that the caller wants besides
        fitted_to  as in Gathered
        show       is told how many columns have been read, where any have to be
        """
        gone = tombstones.read(self._directory)
        urls = ("metadata",) if tombstones.needs_urls(gone) else ()
        rows = self._table((*columns_of(policy), *columns, *urls), policy, show)
        if self._said is None or self._said[0] is not log:
            self._said = log, *usable(settle(log.decisions), rows, self.scorer)
        _, outcomes, unused = self._said
        held = tombstones.mask([one.item for one in gone], rows)
        self._alike = self._alike or Alike(rows)
        return Gathered(
            policy, rows, outcomes, self._shards, self.scorer, log, unused, held, fitted_to,
            self._alike,
        )  # fmt: skip

    def _table(self, names: Sequence[str], policy: Policy, show: Show | None) -> pa.Table:
        """These columns and the scores that the policy's rules ask for."""
        concepts = {f"concept:{name}": name for name in policy.concepts}
        extras = {f"extra:{name}": name for name in policy.extras}
        wanted = dict.fromkeys((*names, *concepts, *extras))
        new = [name for name in wanted if name not in self._columns]
        if new:
            # One after the other: all at once take twice the time.
            for n, name in enumerate(new):
                if show is not None:
                    show(n, len(new), "columns read")
                if name not in concepts and name not in extras:
                    self._keep(self._catalog.columns([name]))
            if scores := [name for name in new if name in concepts or name in extras]:
                self._keep(
                    self._catalog.columns(
                        [],
                        concepts=[concepts[name] for name in scores if name in concepts],
                        extras=[extras[name] for name in scores if name in extras],
                    )
                )
        return pa.Table.from_arrays([self._columns[name] for name in wanted], list(wanted))

    def _keep(self, read: pa.Table) -> None:
        for name, column in zip(read.column_names, read.columns, strict=True):
            if pa.types.is_primitive(column.type):
                column = pa.chunked_array([column.combine_chunks()])  # NumPy makes no copy of it
            self._columns[name] = column


def fitted(policy: str | Path) -> str | None:
    """Fingerprint of the scorer that the thresholds of a policy were fitted to, where it says."""
    return None if str(policy) in PRESETS else fitted_to(Path(policy))


def usable(
    outcomes: dict[int, Outcome], rows: pa.Table, scorer: str
) -> tuple[dict[int, Outcome], dict[str, int]]:
    """Outcomes that are about these rows and these scores; how many are not, by the reason."""
    ids = pa.array(list(outcomes), pa.int64())
    found = rows.select(["row_id", "uid"]).filter(pc.is_in(rows["row_id"], ids))
    uids = dict(zip(found["row_id"].to_pylist(), found["uid"].to_pylist(), strict=True))
    kept: dict[int, Outcome] = {}
    unused = {
        "about rows that are not in this catalog": 0,
        "about another image, which had the place of this one": 0,
        "in agreement with the scores of another scorer": 0,
    }
    missing, other, stale = unused
    for row_id, outcome in outcomes.items():
        if row_id not in uids:
            unused[missing] += 1
        elif outcome.stranger(uids[row_id]):
            unused[other] += 1
        elif outcome.label == Label(None, None, None) and any(
            decision.scorer not in ("", scorer) for decision in outcome.decisions
        ):
            unused[stale] += 1
        else:
            kept[row_id] = outcome
    return kept, {reason: count for reason, count in unused.items() if count}
