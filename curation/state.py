"""What is known of a table's rows, and what becomes of them, while a policy is applied to them.

Letters in shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from audit.outcomes import Outcome
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import arrays
from curation.arrays import Floats, Ints, Mask, Small, pc
from curation.rules import ACTIONS, Policy

CLEAN = "clean"
"""The reason of rows about which no rule speaks."""

DISPUTED = "disagreement:quarantine"
"""What people came to where they disagree and one of them wants the row held back."""

SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.int64()),
        pa.field("action", pa.dictionary(pa.int32(), pa.string())),  # a name of ACTIONS
        pa.field("reason", pa.dictionary(pa.int32(), pa.string())),
        # What the row is: by a person, else by the thresholds. NULL: not known, or uncertain.
        pa.field("type", pa.dictionary(pa.int32(), pa.string())),
        pa.field("level", pa.dictionary(pa.int32(), pa.string())),
        pa.field("by_person", pa.bool_()),
        pa.field("duplicate_of", pa.int64()),  # row_id of the copy that stays
    ]
)

_NONE = LEVELS.index("none")


class State:
    """The columns of N rows as arrays, what people said of them, and what becomes of them.

    action   [N] index in ACTIONS, -1 while no rule has spoken
    reason   [N] index in `reasons`, and behind these in `copies`
    copies   texts that say of which row others are copies
    p        [7, N] probabilities by type
    type     [N] index in TYPES, -1 unknown; level: likewise in LEVELS
    said     [N] what people came to, index in `verdicts`, -1 where nobody said anything
    labelled [N] a person gave the label; relabelled: another one than the scores'
    """

    def __init__(self, rows: pa.Table, policy: Policy, outcomes: Mapping[int, Outcome]) -> None:
        self.rows, self.policy, self.count = rows, policy, len(rows)
        self.action = np.full(self.count, -1, np.int8)
        self.reason = np.full(self.count, -1, np.int32)
        self.reasons: dict[str, int] = {}
        self.copies: list[pa.Array[Any]] = []
        self.copy_of: Ints = np.full(self.count, -1)
        self.p = np.stack([self.floats(f"p_{name}") for name in TYPES])
        self.type = np.full(self.count, SAFE, np.int8)
        self.level = np.full(self.count, _NONE, np.int8)
        self.scored_level = self._levels()
        self.said = np.full(self.count, -1, np.int8)
        self.verdicts: list[str] = []
        self.labelled: Mask = np.zeros(self.count, bool)
        self.relabelled: Mask = np.zeros(self.count, bool)
        self.seen: dict[int, frozenset[str]] = {}  # position -> concepts a person named
        self._hear(outcomes)

    def floats(self, column: str) -> Floats:
        """A column of numbers [N] in which NULL is NaN."""
        return arrays.floats(self.rows, column)

    def equal(self, column: str, value: str) -> Mask:
        """[N] where a column of texts has this value."""
        return arrays.equal(self.rows, column, value)

    def speak(self, mask: Mask, action: int, reason: str) -> None:
        """A rule speaks about some rows: it counts where no stricter one has spoken."""
        self.settle(mask & (self.action < action), action, reason)

    def settle(self, mask: Mask, action: int, reason: str) -> None:
        """Whatever was said before, this is what becomes of some rows."""
        self.action[mask] = action
        self.reason[mask] = self.reasons.setdefault(reason, len(self.reasons))

    def unspoken(self) -> None:
        """Rows about which no rule has spoken are kept."""
        self.settle(self.action < 0, ACTIONS.index("keep"), CLEAN)

    def _levels(self) -> Small:
        """[N] the level if the row is risky: the likeliest above none; -1 unknown."""
        likeliest = np.full(self.count, -1, np.int8)
        best = np.full(self.count, -np.inf, np.float32)
        for level in range(1, len(LEVELS)):
            p = self.floats(f"p_level_{level}")
            likelier = p > best
            likeliest[likelier], best[likelier] = level, p[likelier]
        unknown = likeliest < 0
        if unknown.any():
            named = arrays.indices(self.rows["risk_level"].filter(pa.array(unknown)), LEVELS)
            likeliest[unknown] = np.where(named > _NONE, named, -1)
        return likeliest

    def _hear(self, outcomes: Mapping[int, Outcome]) -> None:
        """Join what people came to onto the rows."""
        if not outcomes:
            return
        ids = pa.array(list(outcomes), pa.int64())
        said = np.flatnonzero(pc.is_in(self.rows["row_id"], ids).to_numpy())
        rows = self.rows.select(["row_id", "risk_type"]).take(said)
        row_ids, own = rows["row_id"].to_numpy(), arrays.indices(rows["risk_type"], TYPES)
        for n, position in enumerate(said.tolist()):
            outcome = outcomes[int(row_ids[n])]
            verdict = outcome.verdict
            if not outcome.settled and "quarantine" in {d.stance for d in outcome.decisions}:
                verdict = DISPUTED
            if verdict not in self.verdicts:
                self.verdicts.append(verdict)
            self.said[position] = self.verdicts.index(verdict)
            label = outcome.label
            if label is None:
                continue
            self.labelled[position] = True
            self.relabelled[position] = outcome.verdict != "agree"
            kind = own[n] if label.type is None else TYPES.index(label.type)
            if label.level is not None:
                level = LEVELS.index(label.level)
            else:
                level = _NONE if kind == SAFE else self.scored_level[position]
            self.type[position], self.level[position] = kind, level
            if label.concepts is not None:
                self.seen[position] = frozenset(label.concepts)

    def verdict(self, name: str) -> Mask:
        """[N] where people came to this."""
        if name not in self.verdicts:
            return np.zeros(self.count, bool)
        found: Mask = self.said == self.verdicts.index(name)
        return found

    def table(self) -> pa.Table:
        """The result, a table of SCHEMA."""
        row_ids: Any = self.rows["row_id"].combine_chunks()
        columns: list[Any] = [
            row_ids,
            arrays.named(self.action, ACTIONS),
            arrays.named(self.reason, pa.concat_arrays([pa.array(self.reasons), *self.copies])),
            arrays.named(self.type, TYPES),
            arrays.named(self.level, LEVELS),
            pa.array(self.labelled),
            row_ids.take(pa.array(self.copy_of, mask=self.copy_of < 0)),
        ]
        return pa.table(columns, schema=SCHEMA)
