"""Rows of a catalog made up for tests of selection and plan: what is not said is harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from audit.columns import SCHEMA
from audit.outcomes import Outcome, settle
from audit.taxonomy import LEVELS, SAFE, TYPES
from audit.verdicts import Decision
from curation.rules import Policy
from curation.selection import columns_of


def row(number: int, **said: Any) -> dict[str, Any]:
    """A scored row; `illegal=0.7` is its probability, `level="high"` that of its risk."""
    p = {name: said.pop(name, 0.01) for name in TYPES[:SAFE]}
    level = LEVELS.index(said.pop("level", "low"))
    likeliest = max(p, key=lambda name: p[name] or 0)
    risky = (p[likeliest] or 0) >= 0.5
    risk = said.pop("risk", max((value or 0) for value in p.values()))
    record = {
        "row_id": number,
        "uid": f"uid-{number}",
        "shard": "s0",
        "key": f"k{number}",
        "size": 1000,
        "width": 500,
        "height": 400,
        "sha256": f"{number:064x}",
        "phash": None,
        "status": "scored",
        "risk_type": likeliest if risky else "safe",
        "risk_level": LEVELS[level] if risky else "none",
        "risk": risk,
        **{f"p_{name}": value for name, value in p.items()},
        "p_safe": 1 - risk,
        **{f"p_level_{n}": 0.9 if n == level else 0.03 for n in range(4)},
    }
    return {**record, **said}


def failed(number: int, status: str = "failed", **said: Any) -> dict[str, Any]:
    """A row without scores."""
    return {**{k: row(number)[k] for k in ("row_id", "uid", "shard", "key", "sha256")},
            "status": status, **said}  # fmt: skip


def table(policy: Policy, *rows: dict[str, Any]) -> pa.Table:
    """The rows as Catalog.columns gives them."""
    scores = [f"concept:{n}" for n in policy.concepts] + [f"extra:{n}" for n in policy.extras]
    fields = [(name, SCHEMA.field(name).type) for name in columns_of(policy)]
    fields += [(name, pa.float32()) for name in scores]
    return pa.Table.from_pylist(list(rows), pa.schema(fields))


def decision(
    number: int, row_id: int, verdict: str, reviewer: str = "ana", **rest: Any
) -> Decision:
    """A decision; the higher its number, the later it was made."""
    time = f"2026-01-02T03:04:{number:02d}.000Z"
    return Decision(f"{number:08x}", row_id, f"uid-{row_id}", verdict, reviewer, time, **rest)


def outcomes(*decisions: Decision) -> dict[int, Outcome]:
    """What they come to."""
    return settle(sorted(decisions, key=lambda d: d.time))


def outcome_of(selected: pa.Table) -> list[tuple[str, str]]:
    """(action, reason) of each row."""
    columns: Sequence[list[Any]] = [selected[n].to_pylist() for n in ("action", "reason")]
    return list(zip(*columns, strict=True))
