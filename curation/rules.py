"""The form of a policy: what can become of an image, and the rules that say so.

curation.policy reads and checks them; curation.selection applies them.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.taxonomy import LEVELS, SAFE, TYPES

# The loosest first: where several rules speak, the strictest wins.
ACTIONS = ("keep", "keep-with-hint", "redact", "review", "drop", "quarantine")
INCLUDED = ACTIONS[:3]
"""Actions after which a row is part of what is kept."""

RISKY_TYPES, RISKY_LEVELS = TYPES[:SAFE], LEVELS[1:]
PAIRS = ("unsafe_unsafe", "unsafe_safe", "safe_unsafe", "safe_safe_unsafe")
FARTHEST = 7  # bits by which the 64-bit hashes of near-duplicates may differ


@dataclass(frozen=True, slots=True)
class Rule:
    """From this score on, this action."""

    threshold: float
    action: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What applies to the rows of one source. Thresholds are above 0 and at most 1.

    types       probability p_<type> from which a row is of a type, for each of RISKY_TYPES
    grid        type -> level (RISKY_LEVELS) -> action
    uncertain   for rows of no type: risk (1 - p_safe) from which nothing is sure
    concepts    concept -> rule; extras: column of an extra scorer -> rule
    captions    risk type of the caption -> rule on the caption's risk
    image_text  rule on the risk of the words read in the picture
    pairs       combination of picture and caption -> action
    min_side    pixels the shorter side must have; too_small: action below it
    """

    types: Mapping[str, float]
    grid: Mapping[str, Mapping[str, str]]
    uncertain: Rule | None
    concepts: Mapping[str, Rule]
    extras: Mapping[str, Rule]
    captions: Mapping[str, Rule]
    image_text: Rule | None
    pairs: Mapping[str, str]
    min_side: int
    too_small: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What becomes of all copies but one; "keep" leaves them alone.

    exact  of the same bytes; near: of pictures whose perceptual hashes differ in at most
           `distance` of 64 bits
    """

    exact: str
    near: str
    distance: int


@dataclass(frozen=True, slots=True)
class Gates:
    """Bounds that `curate plan --gate` holds a plan to; None: no bound.

    max_share       action -> share of all images, 0..1
    min_kept        images kept; min_kept_share: share of all images
    """

    max_share: Mapping[str, float]
    min_kept: int | None
    min_kept_share: float | None
    max_reviewer_hours: float | None
    max_unscored_share: float | None
    max_disagreements: int | None
    max_log_faults: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy.

    required   scores without which a row is quarantined: risky types, "caption"
    sources    (pattern, rules): the first pattern that fits a shard's name, id or address decides
    confirmed  what `review` becomes once a person has confirmed the label
    seconds    a reviewer needs for an image, where nothing was measured
    hash       sha256 hex of all that is above; a comment, name or explanation changes nothing
    """

    name: str
    about: str
    required: tuple[str, ...]
    rules: Rules
    sources: tuple[tuple[str, Rules], ...]
    duplicates: Duplicates
    confirmed: str
    seconds: float
    gates: Gates
    hash: str

    def rules_for(self, names: Sequence[str]) -> Rules:
        """The rules for a shard that is known by these names."""
        for pattern, rules in self.sources:
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                return rules
        return self.rules

    @property
    def concepts(self) -> tuple[str, ...]:
        """Concepts that any rule asks for, sorted; extras likewise."""
        return tuple(sorted({name for rules in self._all() for name in rules.concepts}))

    @property
    def extras(self) -> tuple[str, ...]:
        """Columns of extra scorers that any rule asks for, sorted."""
        return tuple(sorted({name for rules in self._all() for name in rules.extras}))

    def _all(self) -> tuple[Rules, ...]:
        return (self.rules, *(rules for _, rules in self.sources))
