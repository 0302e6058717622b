"""A catalog's decisions beside the scores it holds: labels for thresholds, without an image.

What reviewers saw decides what may be concluded. A recall holds for the whole catalog only when
the rows were drawn for review at random; of rows picked because they scored high, nobody knows
what scored low.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audit.errors import ShardwardenError, UsageError
from audit.labels import Unusable
from audit.outcomes import Outcome, settle
from audit.parts import Parts
from audit.taxonomy import TYPES
from audit.verdicts import read_log

_SCORES = [f"p_{name}" for name in TYPES]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Decided rows with their scores, and the scores of all rows.

    types       [N, 7] float32 of the decided rows, order of taxonomy.TYPES
    true_types  [N] int64
    groups      [N] str, equal for pictures of one perceptual hash
    volumes     type -> [M] float32, p_<type> of all scored rows
    total       M
    seconds     median of the time that a decision took; None when none was timed
    scorer      fingerprint of the catalog's scorer
    unusable    decided rows that give no label, and why
    """

    types: np.ndarray
    true_types: np.ndarray
    groups: np.ndarray
    volumes: dict[str, np.ndarray]
    total: int
    seconds: float | None
    scorer: str
    unusable: tuple[Unusable, ...]


def reviewed(
    catalog: Path,
    batches: Collection[str] = (),
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Reviewed:
    """Read a catalog's decisions and scores.

    batches   only decisions of these batches; () for all
    raises    UsageError when no decided row has a label and scores
    """
    log = read_log(catalog)
    said = [d for d in log.decisions if not batches or d.batch in batches or d.undoes]
    outcomes = settle(said)
    unusable = [Unusable(str(catalog), str(fault)) for fault in log.faults]
    parts = Parts(catalog)
    scores, types, true, groups, scorers = [], [], [], [], set()
    ids = parts.shard_ids()
    for done, shard_id in enumerate(ids, 1):
        try:
            scorer = parts.books(shard_id).scorer
            rows = parts.rows(shard_id, ["row_id", "phash", "uid", "status", "risk_type", *_SCORES])
        except ShardwardenError as error:
            unusable.append(Unusable(shard_id, str(error)))
            continue
        scorers.add(scorer)
        known = np.array(rows["status"].to_pylist()) == "scored"
        columns = [rows[name].to_numpy().astype(np.float32) for name in _SCORES]
        p = np.stack(columns, 1)
        scores.append(p[known])
        for row, row_id in enumerate(rows["row_id"].to_pylist()):
            if row_id not in outcomes:
                continue
            outcome, uid = outcomes[row_id], rows["uid"][row].as_py()
            label = outcome.stranger(uid) or _type_of(
                outcome, rows["risk_type"][row].as_py(), scorer
            )
            if label is None:
                continue
            if not known[row] or label not in TYPES:
                why = label if known[row] else "decided, and not scored"
                unusable.append(Unusable(f"{shard_id}: row_id {row_id}", why))
                continue
            types.append(p[row])
            true.append(TYPES.index(label))
            groups.append(rows["phash"][row].as_py() or uid)
        if progress:
            progress(done, len(ids))
    if not true:
        first = f"; the first of {len(unusable):,}: {unusable[0]}" if unusable else ""
        raise UsageError(f"{catalog}: no decided row has a label and scores; review it{first}")
    every = np.concatenate(scores)
    return Reviewed(
        types=np.stack(types),
        true_types=np.array(true, np.int64),
        groups=np.array(groups),
        volumes={name: every[:, t] for t, name in enumerate(TYPES)},
        total=len(every),
        seconds=_median([d.seconds for d in said if d.seconds > 0]),
        scorer=", ".join(sorted(scorers)),
        unusable=tuple(unusable),
    )


def _type_of(outcome: Outcome, scored: str | None, scorer: str) -> str | None:
    """The name of a type, why there is none, or None where nobody meant to say one."""
    if not outcome.settled:
        return f"its {len(outcome.decisions)} reviewers disagree; adjudicate it"
    if outcome.label is None:
        return None
    if outcome.label.type is not None:
        return outcome.label.type
    if {d.scorer for d in outcome.decisions} - {"", scorer}:
        return "judged by the scores of another scorer; judge it again"
    return scored or "neither its reviewers nor its scorer name a type"


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
