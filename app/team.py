"""What a team has agreed on: CATALOG/review.yaml, written by hand and read when the server starts.

Every key may be left out. app/README.md shows a whole file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.taxonomy import TYPES
from audit.verdicts import is_alias
from audit.yamlfile import YamlFile

NAME = "review.yaml"
MOST_TEXT = 20_000  # characters of guidelines, of contacts, of instructions


@dataclass(frozen=True, slots=True)
class Team:
    """How pictures are given out, and what every reviewer should have at hand.

    The shares are judgement: no study gives a number.
    second_share   0..1 of decided rows that somebody else looks at again
    contested      types of which every picture called high is looked at again
    drops          dropping more rows in one go than this has each of them looked at again
    known_share    0..1 of a page that are settled rows, to see how far a reviewer agrees
    repeat_share   0..1 of a page that are rows of the reviewer's own, again
    blind_share    0..1 of rows whose scores are hidden until they are decided
    safe_every     order "mixed": one row scored safe after so many flagged ones
    adjudicators   aliases that settle disagreements; () is everybody
    people         identity at a proxy or provider, in lower case -> alias; {} lets in whomever
                   the proxy lets through
    guidelines, contacts, locked   texts to show, as they are; `locked`: what to do about a picture
                   that was locked away
    """

    second_share: float = 0.05
    contested: tuple[str, ...] = ("politics", "fairness", "privacy")
    drops: int = 1_000
    known_share: float = 0.02
    repeat_share: float = 0.02
    blind_share: float = 0.0
    safe_every: int = 6
    adjudicators: tuple[str, ...] = ()
    people: Mapping[str, str] = field(default_factory=dict)
    guidelines: str = ""
    contacts: str = ""
    locked: str = ""

    def settles(self, reviewer: str | None) -> bool:
        """Whether somebody may settle disagreements."""
        return reviewer is not None and (not self.adjudicators or reviewer in self.adjudicators)


_SHARES = ("second_share", "known_share", "repeat_share", "blind_share")
_COUNTS = {"drops": 1, "safe_every": 1}  # and the least that each may be
_TEXTS = ("guidelines", "contacts", "locked")
_KEYS = (*_SHARES, *_COUNTS, "contested", "adjudicators", "people", *_TEXTS)


def read_team(catalog_dir: Path) -> Team:
    """What the catalog's review.yaml says; the defaults where there is none.

    raises   UsageError naming the line that is wrong
    """
    path = catalog_dir / NAME
    if not path.exists():
        return Team()
    file = YamlFile(path)
    if file.content is None:  # nothing but comments
        return Team()
    said = file.mapping(file.content, "", optional=_KEYS)
    checks: dict[str, Callable[[YamlFile, object, str], object]] = {
        **dict.fromkeys(_SHARES, _share),
        **dict.fromkeys(_COUNTS, _count),
        **dict.fromkeys(_TEXTS, _prose),
        "contested": _types,
        "adjudicators": _aliases,
        "people": _people,
    }
    found: dict[str, Any] = {name: checks[name](file, value, name) for name, value in said.items()}
    team = Team(**found)
    if team.known_share + team.repeat_share > 0.5:
        raise file.error("repeat_share", "known_share and repeat_share are over half of every page")
    return team


def _share(file: YamlFile, value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise file.error(where, f"must be a number from 0 to 1, found {value!r:.60}")
    return float(value)


def _count(file: YamlFile, value: object, where: str) -> int:
    least = _COUNTS[where]
    if type(value) is not int or value < least:
        raise file.error(where, f"must be a whole number from {least} on, found {value!r:.60}")
    return value


def _prose(file: YamlFile, value: object, where: str) -> str:
    """Text of several lines, kept as it is."""
    if not isinstance(value, str):
        raise file.error(where, f"must be text, found {value!r:.60}; begin it with |")
    if len(value) > MOST_TEXT:
        raise file.error(where, f"has {len(value):,} characters; shorten it to {MOST_TEXT:,}")
    return value.strip()


def _types(file: YamlFile, value: object, where: str) -> tuple[str, ...]:
    return file.choices(value, where, [name for name in TYPES if name != "safe"])


def _aliases(file: YamlFile, value: object, where: str) -> tuple[str, ...]:
    found = file.texts(value, where)
    for i, alias in enumerate(found):
        if not is_alias(alias):
            raise file.error(
                f"{where}[{i}]", f"{alias!r} is no name: a-z, 0-9, _ and -, 64 at most"
            )
    return found


def _people(file: YamlFile, value: object, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for identity, alias in file.mapping(value, where).items():
        at = f"{where}.{identity}"
        if not isinstance(alias, str) or not is_alias(alias):
            raise file.error(at, f"{alias!r:.60} is no name: a-z, 0-9, _ and -, 64 at most")
        known = identity.strip().lower()
        if known in found or alias in found.values():
            raise file.error(at, "two people with one identity or one name; give each their own")
        found[known] = alias
    return found
