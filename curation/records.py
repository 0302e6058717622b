"""One record of an export: an image of a source shard, its label, and what is said about it.

Composing makes them (curation.mixture), exporting writes them (curation.export). What must never
be part of an export cannot be a record: a row that was held back, or one that the policy leaves
out, is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audit.errors import ShardwardenError
from audit.taxonomy import LEVELS, TYPES
from curation.rules import INCLUDED

IMAGE = "<image>"
"""Where the picture stands in the first thing a user says."""

SPLITS = ("train", "val")


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said; `role` "user" or "assistant"."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where an image lies and what the catalog knows of it; columns of `samples`.

    shard     id of the shard; url: where it is opened
    offset    byte in the tar where the image begins; None in a compressed tar
    size      bytes of the image
    sha256    hex, of the image's bytes
    format    what the bytes are, as audit.images names it
    metadata  the sample's json as found; None where there is none
    status    as in the catalog; anything but "scored" is refused
    """

    row_id: int
    uid: str
    shard: str
    url: str
    key: str
    image_member: str
    offset: int | None
    size: int
    sha256: str
    format: str
    width: int
    height: int
    caption: str | None
    metadata: str | None
    status: str = "scored"

    def __post_init__(self) -> None:
        """Refuse what was held back or could not be read."""
        if self.status != "scored" or len(self.sha256 or "") != 64:
            raise ShardwardenError(
                f"{self.shard}/{self.key}: status {self.status!r}, sha256 {self.sha256!r:.70}; "
                "only scored images whose bytes are known can be exported"
            )


@dataclass(frozen=True, slots=True)
class Record:
    """One line of an export.

    uid           unique in an export: the row's, with "-2" for a second conversation about it
    split         name of SPLITS
    type, level   names of the taxonomy; concepts: those present
    risk          0..1
    p_types       type -> probability, None where the scorer does not cover it; p_levels: level ->
    decided_by    who gave the label: "human" or "scorer"
    action        of rules.INCLUDED; reason: as curation.selection gives it
    decision_ids  the decisions that count about the row
    pair          which of picture and words is risky, as audit.pairs names it; the words are what
                  the user says and a caption that is the answer; None: nobody has judged them
    turns         user and assistant in turn; the first has IMAGE exactly once, no other has it
    source        where the turns come from; template: id of the one taken
    """

    uid: str
    row: SourceRow
    split: Literal["train", "val"]
    type: str
    level: str
    concepts: tuple[str, ...]
    risk: float
    p_types: Mapping[str, float | None]
    p_levels: Mapping[str, float | None]
    decided_by: Literal["human", "scorer"]
    action: str
    reason: str
    decision_ids: tuple[str, ...]
    pair: str | None
    turns: tuple[Turn, ...]
    source: Literal["template", "caption", "source-conversation"]
    template: str | None

    def __post_init__(self) -> None:
        """Refuse what the policy leaves out, and turns that no trainer could take."""
        at = f"{self.row.shard}/{self.row.key}"
        if self.action not in INCLUDED:
            raise ShardwardenError(f"{at}: the policy says {self.action!r} ({self.reason})")
        if self.type not in TYPES or self.level not in LEVELS or self.split not in SPLITS:
            raise ShardwardenError(f"{at}: no such label: {self.type}, {self.level}, {self.split}")
        roles = tuple(turn.role for turn in self.turns)
        if not roles or roles != ("user", "assistant") * (len(roles) // 2):
            raise ShardwardenError(f"{at}: turns go user, assistant, ...; found {roles}")
        if [turn.text.count(IMAGE) for turn in self.turns] != [1, *[0] * (len(roles) - 1)]:
            raise ShardwardenError(f"{at}: {IMAGE} stands once, in the first turn")
