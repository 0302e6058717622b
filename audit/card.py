"""The card of a scorer: what it is, what it covers and how well it does; and where scorers are.

On disk a scorer is a folder: `scorer.json` (the card), `safety.safetensors`, and, when the encoder
is ours, `encoder.safetensors`. Nothing else is read, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from audit.errors import ScorerError, UsageError
from audit.resources import data_path
from audit.taxonomy import LEVELS, TYPES

FORMAT = 1
LEAST = 1e-6
"""A temperature below this would be 0 in float32 arithmetic, or near enough."""
KINDS = ("safety", "zeroshot", "head")
CARD, SAFETY, ENCODER = "scorer.json", "safety.safetensors", "encoder.safetensors"
AGAIN = "fetch the scorer again"


@dataclass(frozen=True, slots=True)
class Card:
    """What a scorer is, what it covers and how well it does.

    name           short name, shown in every report
    encoder        encoder spec, see `audit.encoder`
    crop_mode      'pad' (whole picture on a square) or 'center' (as the released model)
    safety         sizes and query mode, see `SafetyDims.to_json`
    concepts       names of the concept outputs, in order
    types_covered  names of the types that training supports, 'safe' among them; outputs of the
                   others are NULL everywhere
    taxonomy_hash  hash of the taxonomy it was trained with
    metrics        named set -> metric -> value
    training       recipe, seed, mix
    limits         sentences on what not to rely on
    files          file name -> sha256 hex
    calibration    {} or, fitted on held-out labels, {"types": T, "levels": T, "concepts":
                   {name: [slope, intercept]}, ...}: type and level logits are divided by their
                   temperature T > 0, a concept's logit becomes slope * logit + intercept
    kind           'safety' (encoder and safety module), 'zeroshot' (prompts) or 'head' (published
                   heads on embeddings)
    added          concept name -> {"type": name, "level": name, ...} of concepts that
                   `audit train --concept` added; these need not stand in the taxonomy
    """

    name: str
    encoder: dict[str, Any]
    crop_mode: Literal["pad", "center"]
    safety: dict[str, Any]
    concepts: tuple[str, ...]
    types_covered: tuple[str, ...]
    taxonomy_hash: str
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    calibration: dict[str, Any] = field(default_factory=dict)
    kind: Literal["safety", "zeroshot", "head"] = "safety"
    added: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def fitted(self) -> dict[str, Any]:
        """The part of the calibration that changes scores; the rest says where it comes from."""
        return {name: self.calibration.get(name) for name in ("types", "levels", "concepts")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: Path) -> Card:
        """Checked on reading. raises ScorerError naming the file and what is wrong"""
        if data.get("format") != FORMAT:
            raise ScorerError(
                f"{where}: format {data.get('format')!r}; this version reads format {FORMAT}"
            )
        if fault := _misshapen(data):
            raise ScorerError(f"{where}: {fault}; the card is damaged, fetch it again")
        lists = {k: tuple(data.get(k, ())) for k in _LISTS}
        try:
            card = cls(**{**data, **lists})
        except TypeError as error:
            raise ScorerError(f"{where}: {error}; the card is damaged, fetch it again") from None
        unknown = set(card.types_covered) - set(TYPES)
        if unknown or card.crop_mode not in ("pad", "center") or card.kind not in KINDS:
            raise ScorerError(
                f"{where}: unknown types {sorted(unknown)}, crop_mode {card.crop_mode!r} or kind "
                f"{card.kind!r}; known: {', '.join(TYPES)}; pad, center; {', '.join(KINDS)}"
            )
        if fault := _fault(card):
            raise ScorerError(f"{where}: {fault}; the card is damaged, fetch it again")
        return card


_LISTS = ("concepts", "types_covered", "limits")
_MAPPINGS = ("encoder", "safety", "metrics", "training", "files", "calibration", "added")
_TEXTS = ("name", "taxonomy_hash", "crop_mode", "kind")


class Described:
    """What a scorer of any kind says of itself by its card."""

    card: Card

    @property
    def crop_mode(self) -> Literal["pad", "center"]:
        """How `audit.images` brings a picture to the square that is scored."""
        return self.card.crop_mode

    @property
    def concepts(self) -> tuple[str, ...]:
        """Names of the columns of `Scores.concepts`."""
        return self.card.concepts

    @property
    def taxonomy_hash(self) -> str:
        """Hash of the taxonomy that its types and concepts are of."""
        return self.card.taxonomy_hash


def _misshapen(data: Mapping[str, Any]) -> str | None:
    """What is not of the kind that a card has in its place."""
    for name in {*_TEXTS, *_LISTS, *_MAPPINGS} & data.keys():
        value = data[name]
        if name in _TEXTS and not isinstance(value, str):
            return f"{name} is {value!r:.60}, not text"
        if name in _MAPPINGS and not isinstance(value, dict):
            return f"{name} is {value!r:.60}, not a mapping"
        if name in _LISTS and not (isinstance(value, list) and _all_text(value)):
            return f"{name} is {value!r:.60}, not a list of texts"
    inner = data.get("calibration", {}).get("concepts", {})
    if not all(isinstance(v, dict) for v in (inner, *data.get("added", {}).values())):
        return "concepts of its calibration or added to it are no mappings"
    return None


def _all_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _fault(card: Card) -> str | None:
    """What makes no sense about a card's calibration, its added concepts or their risks."""
    if card.kind != "safety":
        for what, known in (("types", TYPES), ("levels", LEVELS)):
            said = card.safety.get(what)
            if not isinstance(said, list) or len(said) != len(card.concepts):
                return f"it gives no {what} of its {len(card.concepts)} concepts"
            if unknown := [one for one in said if one is not None and one not in known]:
                return f"{what} of its concepts has {unknown[0]!r:.60}"
    fitted = card.calibration
    for name in ("types", "levels"):
        temperature = fitted.get(name, 1.0)
        if not _finite(temperature) or temperature < LEAST:
            return f"temperature of {name} is {temperature!r}, not a number above 0"
    for name, line in fitted.get("concepts", {}).items():
        if not isinstance(line, list | tuple) or len(line) != 2 or not all(map(_finite, line)):
            return f"calibration of concept {name!r} is {line!r}, not [slope, intercept]"
    for name in {*fitted.get("concepts", {}), *card.added} - set(card.concepts):
        return f"concept {name!r} is none of its outputs ({', '.join(card.concepts)})"
    for name, risk in card.added.items():
        if risk.get("type") not in TYPES or risk.get("level") not in LEVELS:
            return f"concept {name!r} has type {risk.get('type')!r}, level {risk.get('level')!r}"
    return None


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def scorers() -> list[tuple[str, Path]]:
    """Name and folder of every bundled scorer."""
    return [(p.parent.name, p.parent) for p in sorted(data_path("scorers").glob(f"*/{CARD}"))]


def find_scorer(name_or_folder: str | Path) -> Path:
    """The folder of a scorer. raises UsageError that lists what there is"""
    for name, folder in scorers():
        if name == str(name_or_folder):
            return folder
    folder = Path(name_or_folder)
    if (folder / CARD).is_file():
        return folder
    known = ", ".join(name for name, _ in scorers()) or "none"
    raise UsageError(
        f"{name_or_folder}: neither a bundled scorer ({known}) nor a folder with {CARD}"
    )


def read_card(folder: Path) -> Card:
    """The card of a scorer folder. raises ScorerError naming the file"""
    path = folder / CARD
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ScorerError(f"{path}: not a readable card ({error}); {AGAIN}") from None
    if not isinstance(data, dict):
        raise ScorerError(f"{path}: not a card; {AGAIN}")
    return Card.from_json(data, path)


def write_card(folder: Path, card: Card) -> None:
    """Write the card of a scorer folder."""
    text = json.dumps(asdict(card), indent=1, sort_keys=True)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
