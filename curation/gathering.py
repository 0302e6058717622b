"""A catalog, its decisions and a policy, brought together for selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.catalog import Catalog
from audit.fitted import fitted_to
from audit.outcomes import Label, Outcome, settle
from audit.verdicts import Log, read_log
from curation import tombstones
from curation.arrays import Mask, pc
from curation.policy import PRESETS, load
from curation.rules import Policy
from curation.selection import columns_of


@dataclass(frozen=True, slots=True)
class Gathered:
    """What `select` takes, and what was left out of it.

    rows       the columns it needs, and those asked for besides
    outcomes   by row_id; those that cannot be used are counted in `unused`, by the reason
    shards     shard id -> file name and address
    scorer     fingerprint of the scorer of this catalog, "" for one without shards
    fitted_to  fingerprint of the scorer that the policy's thresholds were fitted to, where it says
    tombstoned [N] rows that a takedown names, None: none; `select` and `forbidden` take it
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


def gather(catalog_dir: Path | str, policy: str | Path, *, columns: Sequence[str] = ()) -> Gathered:
    """Read all that a selection needs.

    policy    name of a preset, or path of a file
    columns   columns of `samples` that the caller wants besides
    raises    UsageError for a policy that is wrong, ShardwardenError for a catalog that is
    """
    gone = tombstones.read(catalog_dir)
    urls = ("metadata",) if tombstones.needs_urls(gone) else ()
    with Catalog(catalog_dir) as catalog:
        concepts, _ = catalog.score_names()
        rules = load(policy, concepts=concepts)
        wanted = dict.fromkeys((*columns_of(rules), *columns, *urls))
        rows = catalog.columns(tuple(wanted), concepts=rules.concepts, extras=rules.extras)
        books: list[Any] = catalog.shards().to_pylist()
    log = read_log(catalog_dir)
    scorer = books[0]["scorer"] if books else ""
    outcomes, unused = usable(settle(log.decisions), rows, scorer)
    shards: dict[str, tuple[str, ...]] = {b["shard"]: (b["name"], b["url"]) for b in books}
    held = tombstones.mask([one.item for one in gone], rows)
    return Gathered(rules, rows, outcomes, shards, scorer, log, unused, held, _fitted_to(policy))


def _fitted_to(policy: str | Path) -> str | None:
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
