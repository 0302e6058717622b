"""What other thresholds of a policy would change: each by itself, the nearest that does anything.

Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from curation import arrays
from curation.arrays import Floats
from curation.gathering import Gathered
from curation.rules import RISKY_TYPES, Rule, Rules
from curation.selection import select

STEPS = (0.05, 0.1, 0.2, 0.4)  # where the nearest threshold that changes anything is looked for


@dataclass(frozen=True, slots=True)
class Change:
    """What another threshold would do; moves: "keep -> drop" -> images."""

    threshold: float
    moves: dict[str, int]


@dataclass(frozen=True, slots=True)
class Knob:
    """One threshold of the policy, and the nearest of STEPS below and above it that changes
    anything; None where there is none.

    Nearest stricter / looser threshold, as a rule: lower is stricter by itself, but with another
    threshold another type may be a picture's type, and that type's row of the grid may be looser.
    """

    name: str
    threshold: float
    lower: Change | None
    higher: Change | None


def knobs_of(gathered: Gathered) -> Iterator[Knob]:
    """Every threshold of the policy's own rules; those of sources stay as they are."""
    rules = gathered.policy.rules
    for name, threshold in rules.types.items():
        yield _knob(gathered, name, f"p_{name}", threshold)
    if rules.uncertain is not None:
        yield _knob(gathered, "risk", "risk", rules.uncertain.threshold)
    for name, rule in rules.concepts.items():
        yield _knob(gathered, f"concept:{name}", f"concept:{name}", rule.threshold)
    for name, rule in rules.extras.items():
        yield _knob(gathered, f"extra:{name}", f"extra:{name}", rule.threshold)
    for name, rule in rules.captions.items():
        yield _knob(gathered, f"caption:{name}", "caption_risk", rule.threshold)
    if rules.image_text is not None:
        yield _knob(gathered, "image_text", "image_text_risk", rules.image_text.threshold)


def _knob(gathered: Gathered, name: str, column: str, threshold: float) -> Knob:
    score = arrays.floats(gathered.rows, column)
    lower, higher = (
        next(
            (
                change
                for step in STEPS
                if 0 < threshold + sign * step <= 1
                and (change := _changed(gathered, name, score, threshold, sign * step)).moves
            ),
            None,
        )
        for sign in (-1, 1)
    )
    return Knob(name, threshold, lower, higher)


def _changed(gathered: Gathered, name: str, score: Floats, threshold: float, step: float) -> Change:
    """What becomes of the rows between two thresholds, under the one and under the other."""
    other = round(threshold + step, 6)
    low, high = sorted((np.float32(threshold), np.float32(other)))
    between = (score >= low) & (score < high)
    if gathered.tombstoned is not None:
        between &= ~gathered.tombstoned
    rows = gathered.rows.filter(pa.array(between))
    # Copies are left as they are: which of them stays may hang on rows that do not change.
    alone = replace(gathered.policy.duplicates, exact="keep", near="keep")
    policy = replace(gathered.policy, duplicates=alone)
    changed = replace(policy, rules=_set(policy.rules, name, other))
    before, after = (
        select(rows, one, gathered.outcomes, shards=gathered.shards)["action"]
        for one in (policy, changed)
    )
    moved = sorted(arrays.pairs(before, after).items(), key=lambda item: (-item[1], item[0]))
    return Change(other, {f"{a} -> {b}": images for (a, b), images in moved if a != b})


def _set(rules: Rules, name: str, threshold: float) -> Rules:
    """The rules with another threshold."""
    if name in RISKY_TYPES:
        return replace(rules, types={**rules.types, name: threshold})
    if name == "risk" and rules.uncertain is not None:
        return replace(rules, uncertain=Rule(threshold, rules.uncertain.action))
    if name == "image_text" and rules.image_text is not None:
        return replace(rules, image_text=Rule(threshold, rules.image_text.action))
    group, _, key = name.partition(":")
    field = f"{group}s"
    named: dict[str, Rule] = dict(getattr(rules, field))
    named[key] = Rule(threshold, named[key].action)
    changes: dict[str, Any] = {field: named}
    return replace(rules, **changes)
