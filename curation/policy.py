"""What becomes of what: a policy, checked as it is read. Presets are in data/policies/.

A policy is a YAML file. It may name a preset it is `based_on` and say only what differs; a key set
to nothing is as if it were not there, in the preset too. A file that has no grid is based on
`balanced`. `data/policies/balanced.yaml` explains every key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.resources import data_path
from audit.taxonomy import Taxonomy
from audit.yamledit import merged
from audit.yamlfile import YamlFile
from curation.rules import (
    ACTIONS,
    FARTHEST,
    PAIRS,
    RISKY_LEVELS,
    RISKY_TYPES,
    Duplicates,
    Gates,
    Policy,
    Rule,
    Rules,
)

DEFAULT = "balanced"
PRESETS = ("strict", "balanced", "permissive", "psa-vlm")

_RULES = (
    "thresholds", "grid", "uncertain", "concepts", "extras", "captions", "image_text", "pairs",
    "size",
)  # fmt: skip
_GATES = (
    "max_share", "min_kept", "min_kept_share", "max_reviewer_hours", "max_unscored_share",
    "max_disagreements", "max_log_faults",
)  # fmt: skip


def load(
    policy: str | Path,
    *,
    concepts: Collection[str] = (),
    changes: Mapping[str, Any] | None = None,
) -> Policy:
    """Read a policy.

    policy    name of a preset, or path of a YAML file
    concepts  names that are known besides those of data/taxonomy.yaml
    changes   laid over what the file says, as if it said so: key -> value or further mapping
    raises    UsageError, one line, naming the file, the line and what is wrong there
    """
    name = str(policy)
    preset = name in PRESETS
    path = data_path("policies", f"{name}.yaml") if preset else Path(policy)
    if not preset and not path.exists():
        raise UsageError(f"{path}: no such policy; give a file, or one of {', '.join(PRESETS)}")
    file = YamlFile(path)
    content = dict(file.mapping(file.content, ""))
    unsaid = None if "grid" in content else DEFAULT
    content = merged(content, changes or {})
    base = content.pop("based_on", unsaid)
    below: dict[str, Any] = {}
    if base is not None:
        preset_file = YamlFile(
            data_path("policies", f"{file.choice(base, 'based_on', PRESETS)}.yaml")
        )
        below = preset_file.mapping(preset_file.content, "")
        content = {"name": path.stem, **content}
    content = _merged(below, content)
    known = {c.name for c in Taxonomy.load().concepts} | set(concepts)
    found = _Reader(file, known).policy(content)
    if not preset and found.name in PRESETS:  # a copy of a preset, which may differ by now
        return replace(found, name=f"{found.name} ({path.name})")
    return found


def _merged(base: Any, own: Any) -> Any:
    """What a file says laid over what it is based on; nothing (null) takes a key away."""
    if not isinstance(own, dict):
        return own
    base = base if isinstance(base, dict) else {}
    merged = {**base, **{key: _merged(base.get(key), value) for key, value in own.items()}}
    return {key: value for key, value in merged.items() if value is not None}


class _Reader:
    """Checks every piece of one file.

    `at` is where a set of rules stands: nothing for those of the whole policy, else
    "sources[0].".
    """

    def __init__(self, file: YamlFile, concepts: Collection[str]) -> None:
        self._file = file
        self._concepts = concepts

    def policy(self, value: object) -> Policy:
        file = self._file
        top = file.mapping(
            value,
            "",
            required=("name", "thresholds", "grid"),
            optional=("about", "required", "duplicates", "review", "sources", "gates", *_RULES),
        )
        review = file.mapping(top.get("review", {}), "review", optional=("seconds", "confirmed"))
        parts: dict[str, Any] = {
            "required": file.choices(
                top.get("required", []), "required", (*RISKY_TYPES, "caption")
            ),
            "rules": self._rules({key: top[key] for key in _RULES if key in top}, ""),
            "sources": self._sources(top),
            "duplicates": self._duplicates(top.get("duplicates", {})),
            "confirmed": self._action(
                review.get("confirmed", "keep-with-hint"), "review.confirmed", but=("review",)
            ),
            "seconds": self._number(review.get("seconds", 6), "review.seconds", 0.1, 3600),
            "gates": self._gates(top.get("gates", {})),
        }
        content = {key: _plain(part) for key, part in parts.items()}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        about = top.get("about")
        return Policy(
            name=file.text(top["name"], "name"),
            about="" if about is None else file.text(about, "about"),
            hash=digest,
            **parts,
        )

    def _sources(self, top: Mapping[str, Any]) -> tuple[tuple[str, Rules], ...]:
        entries = top.get("sources", [])
        if not isinstance(entries, list):
            raise self._file.error("sources", "must be a list, each entry with `match` and rules")
        sources = []
        everywhere = {key: top[key] for key in _RULES if key in top}
        for i, entry in enumerate(entries):
            where = f"sources[{i}]"
            own = dict(self._file.mapping(entry, where, required=("match",), optional=_RULES))
            pattern = self._file.text(own.pop("match"), f"{where}.match")
            if not own:
                raise self._file.error(where, "changes nothing; add rules, or leave it out")
            sources.append((pattern, self._rules(_merged(everywhere, own), f"{where}.")))
        return tuple(sources)

    def _rules(self, said: Mapping[str, Any], at: str) -> Rules:
        file = self._file
        thresholds = file.mapping(
            said.get("thresholds"),
            f"{at}thresholds",
            required=("types",),
            optional=("risk", "concepts", "extras", "captions", "image_text"),
        )
        types = file.mapping(thresholds["types"], f"{at}thresholds.types", required=RISKY_TYPES)
        grid = file.mapping(said.get("grid"), f"{at}grid", required=RISKY_TYPES)
        pairs = file.mapping(said.get("pairs", {}), f"{at}pairs", optional=PAIRS)
        size = said.get("size", {"min_side": 1, "action": "keep"})
        size = file.mapping(size, f"{at}size", required=("min_side", "action"))
        return Rules(
            types={n: self._threshold(types[n], f"{at}thresholds.types.{n}") for n in RISKY_TYPES},
            grid={n: self._row(grid[n], f"{at}grid.{n}") for n in RISKY_TYPES},
            uncertain=self._rule(said, thresholds, "uncertain", "risk", at),
            concepts=self._named(said, thresholds, "concepts", self._concepts, at),
            extras=self._named(said, thresholds, "extras", None, at),
            captions=self._named(said, thresholds, "captions", RISKY_TYPES, at),
            image_text=self._rule(said, thresholds, "image_text", "image_text", at),
            pairs={name: self._action(a, f"{at}pairs.{name}") for name, a in pairs.items()},
            min_side=int(self._number(size["min_side"], f"{at}size.min_side", 1, 100_000, True)),
            too_small=self._action(size["action"], f"{at}size.action"),
        )

    def _row(self, value: object, where: str) -> dict[str, str]:
        """The actions of one type; never looser for a higher level."""
        if isinstance(value, str):
            return dict.fromkeys(RISKY_LEVELS, self._action(value, where))
        row = self._file.mapping(value, where, required=RISKY_LEVELS)
        cells = {level: self._action(row[level], f"{where}.{level}") for level in RISKY_LEVELS}
        for lower, higher in pairwise(RISKY_LEVELS):
            if ACTIONS.index(cells[higher]) < ACTIONS.index(cells[lower]):
                problem = (
                    f"{higher} is '{cells[higher]}', which is looser than '{cells[lower]}' of "
                    f"{lower}; order: {', '.join(ACTIONS)}"
                )
                raise self._file.error(where, problem, at=f"{where}.{higher}")
        return cells

    def _named(
        self,
        said: Mapping[str, Any],
        thresholds: Mapping[str, Any],
        key: str,
        known: Collection[str] | None,
        at: str,
    ) -> dict[str, Rule]:
        """Thresholds and actions under the same names; neither without the other."""
        places = (f"{at}thresholds.{key}", f"{at}{key}")
        numbers = self._file.mapping(thresholds.get(key, {}), places[0])
        actions = self._file.mapping(said.get(key, {}), places[1])
        for place, names in zip(places, (numbers, actions), strict=True):
            for name in names:
                if known is not None and name not in known:
                    problem = f"unknown name '{name}'; known: {', '.join(sorted(known))}"
                    raise self._file.error(place, problem, at=f"{place}.{name}")
        for here, there, lonely in (
            (places[0], places[1], numbers.keys() - actions.keys()),
            (places[1], places[0], actions.keys() - numbers.keys()),
        ):
            for name in sorted(lonely):
                problem = f"'{name}' has nothing under {there}; a rule has both"
                raise self._file.error(here, problem, at=f"{here}.{name}")
        return {
            name: Rule(
                self._threshold(number, f"{places[0]}.{name}"),
                self._action(actions[name], f"{places[1]}.{name}"),
            )
            for name, number in numbers.items()
        }

    def _rule(
        self, said: Mapping[str, Any], thresholds: Mapping[str, Any], key: str, score: str, at: str
    ) -> Rule | None:
        number, action = thresholds.get(score), said.get(key)
        here, there = f"{at}thresholds.{score}", f"{at}{key}"
        if number is None and action is None:
            return None
        if number is None or action is None:
            here, there = (here, there) if action is None else (there, here)
            raise self._file.error(here, f"there is no {there}; a rule has both")
        return Rule(self._threshold(number, here), self._action(action, there))

    def _duplicates(self, value: object) -> Duplicates:
        file = self._file
        said = file.mapping(value, "duplicates", optional=("exact", "near"))
        near = said.get("near", {"distance": 0, "action": "keep"})
        near = file.mapping(near, "duplicates.near", required=("distance", "action"))
        distance = self._number(near["distance"], "duplicates.near.distance", 0, FARTHEST, True)
        choices = ("keep", "review", "drop")
        return Duplicates(
            exact=file.choice(said.get("exact", "keep"), "duplicates.exact", choices),
            near=file.choice(near["action"], "duplicates.near.action", choices),
            distance=int(distance),
        )

    def _gates(self, value: object) -> Gates:
        said = self._file.mapping(value, "gates", optional=_GATES)
        shares = self._file.mapping(said.get("max_share", {}), "gates.max_share", optional=ACTIONS)
        bounds: dict[str, Any] = dict.fromkeys(_GATES[1:])
        for name in said.keys() & bounds.keys():
            whole = not name.endswith(("share", "hours"))
            most = 1.0 if name.endswith("share") else 2.0**53
            number = self._number(said[name], f"gates.{name}", 0, most, whole)
            bounds[name] = int(number) if whole else number
        return Gates(
            max_share={
                name: self._number(share, f"gates.max_share.{name}", 0, 1)
                for name, share in shares.items()
            },
            **bounds,
        )

    def _action(self, value: object, where: str, *, but: Collection[str] = ()) -> str:
        return self._file.choice(value, where, [a for a in ACTIONS if a not in but])

    def _threshold(self, value: object, where: str) -> float:
        number = self._number(value, where, 0, 1)
        if number == 0:
            raise self._file.error(where, "a threshold of 0 is reached by everything; 0 < t <= 1")
        return number

    def _number(
        self, value: object, where: str, least: float, most: float, whole: bool = False
    ) -> float:
        kind = "a whole number" if whole else "a number"
        kinds = int if whole else (int, float)
        if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most:
            raise self._file.error(
                where, f"must be {kind} from {least:,g} to {most:,g}, found {value!r:.60}"
            )
        return float(value)


def _plain(part: Any) -> Any:
    """A part of a policy as JSON writes it, without the order of its keys."""
    if isinstance(part, Rules | Duplicates | Gates):
        return asdict(part)
    if isinstance(part, tuple):
        return [_plain(item) for item in part]
    return part
