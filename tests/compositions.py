"""Made-up catalogs, gathered and selected, for tests of what goes into an export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from audit.columns import SCHEMA
from audit.verdicts import Decision, Log
from curation.gathering import Gathered
from curation.mixture import COLUMNS, Composition, CompositionOptions, compose
from curation.policy import load
from curation.rules import Policy
from curation.selection import columns_of, select
from tests import selections

ROOMY = {"metadata": None, "caption": None, "concepts": None, "pair": None, "caption_type": None}


def row(number: int, **said: Any) -> dict[str, Any]:
    """A scored row whose image lies in a tar; see selections.row. No two pictures are alike."""
    place = {"image_member": f"k{number}.png", "offset": 512 * number, "format": "png"}
    unlike = f"{(number * 0x9E3779B97F4A7C15) & (2**64 - 1):016x}"
    return selections.row(number, **{**place, "phash": unlike, **ROOMY, **said})


def gathered(rows: Sequence[dict[str, Any]], policy: Policy, *decisions: Decision) -> Gathered:
    """The rows as `gather` would give them."""
    names = dict.fromkeys((*columns_of(policy), *COLUMNS))
    fields = [(name, SCHEMA.field(name).type) for name in names]
    fields += [(f"concept:{name}", pa.float32()) for name in policy.concepts]
    table = pa.Table.from_pylist(list(rows), pa.schema(fields))
    outcomes = selections.outcomes(*decisions)
    shards = {r["shard"]: (f"{r['shard']}.tar", f"/data/{r['shard']}.tar") for r in rows}
    return Gathered(policy, table, outcomes, shards, "scorer", Log(decisions, (), {}), {})


def composed(
    rows: Sequence[dict[str, Any]],
    *decisions: Decision,
    policy: str = "psa-vlm",
    stage: Any = 1,
    **options: Any,
) -> Composition:
    """Gather, select and compose."""
    found = gathered(rows, load(policy), *decisions)
    selection = select(found.rows, found.policy, found.outcomes)
    return compose(found, selection, found.policy, CompositionOptions(stage=stage, **options))
