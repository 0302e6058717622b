"""Risk types, levels and concepts, read from `data/taxonomy.yaml` and checked on reading.

Types and levels are fixed: their indices are PSA-VLM's (arXiv 2411.11543) and every scorer,
catalog and policy depends on them. Concepts are open: a file of the user's own, with the single
key `concepts` in the same form, is merged in by `Taxonomy.load(path)`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from audit.errors import UsageError
from audit.resources import data_path
from audit.yamlfile import YamlFile

TYPES = ("politics", "illegal", "insults", "fairness", "privacy", "misleading", "safe")
SAFE = 6
LEVELS = ("none", "low", "medium", "high")

CONCEPT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# A CLIP text tower reads 77 tokens and drops the rest without a word; four letters a token.
_LONGEST_PROMPT = 300
_RISKY_TYPES, _RISKY_LEVELS = TYPES[:SAFE], LEVELS[1:]


@dataclass(frozen=True, slots=True)
class Category:
    """One risk type or one level, in words.

    index    0..6 for types, 0..3 for levels: position in TYPES or LEVELS
    meaning  what it covers; for a level, the policy it stands for (never a degree of severity)
    """

    name: str
    index: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that can be seen in an image and carries a risk.

    type     a name of TYPES, never "safe"
    level    the default policy class, a name of LEVELS, never "none"
    prompts  captions of images that show it, at least one
    twins    captions of harmless images that look like it; empty when none are known
    """

    name: str
    type: str
    level: str
    description: str
    prompts: tuple[str, ...]
    twins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignClass:
    """What one class of another taxonomy is called here.

    types     names of TYPES, the closest first; empty means: no equivalent here
    level     the level their label implies, None when it does not say
    concepts  our concepts that fall under it, where some do
    """

    name: str
    types: tuple[str, ...]
    level: str | None
    concepts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """How another taxonomy maps to this one, in both directions.

    without_equivalent  those of TYPES that no class of theirs corresponds to
    """

    name: str
    source: str
    classes: tuple[ForeignClass, ...]
    without_equivalent: tuple[str, ...]

    def theirs(self, risk_type: str) -> tuple[str, ...]:
        """Their classes that correspond to one of TYPES; empty means: no equivalent there."""
        return tuple(c.name for c in self.classes if risk_type in c.types)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The taxonomy in use.

    version     of data/taxonomy.yaml
    hash        sha256 hex over what can change a result: the names and order of types and levels
                and each concept with its type, level, prompts and twins. Explanations, comments
                and crosswalks are left out, so a better wording keeps old catalogs comparable.
    concepts    in the order of the files, the user's own last
    crosswalks  by lower-case name: rtvlm, vlguard, holisafe, unsafebench, llavaguard
    """

    version: str
    types: tuple[Category, ...]
    levels: tuple[Category, ...]
    concepts: tuple[Concept, ...]
    crosswalks: Mapping[str, Crosswalk]
    hash: str

    @classmethod
    def load(cls, path: Path | None = None) -> Taxonomy:
        """The bundled taxonomy, with the concepts of a user's own file where one is given.

        path     a YAML file with the key `concepts`; names must be new
        raises   UsageError, one line, naming the file, what is wrong in it and what is known
        """
        base = YamlFile(data_path("taxonomy.yaml"))
        keys = ("version", "types", "levels", "concepts", "crosswalks")
        top = base.mapping(base.content, "", required=keys)
        types = _categories(base, top["types"], "types", TYPES)
        levels = _categories(base, top["levels"], "levels", LEVELS)
        concepts = _concepts(base, top["concepts"], taken=())
        crosswalks = _crosswalks(base, top["crosswalks"], {c.name for c in concepts})
        if path is not None:
            own = YamlFile(path)
            mine = own.mapping(own.content, "", required=("concepts",))["concepts"]
            concepts += _concepts(own, mine, taken={c.name for c in concepts})
        return cls(
            version=base.text(top["version"], "version"),
            types=types,
            levels=levels,
            concepts=concepts,
            crosswalks=crosswalks,
            hash=_hash(concepts),
        )

    def including(self, added: Mapping[str, Mapping[str, str]]) -> Taxonomy:
        """This taxonomy with the concepts that a scorer's card says were added to it.

        added    name -> its "type" and "level", see `audit.card.Card`; known names stay as they are
        returns  the same hash: what was added is part of the scorer
        """
        known = {c.name for c in self.concepts}
        new = (
            Concept(name, risk["type"], risk["level"], f"Added to a scorer: {name}.", (), ())
            for name, risk in added.items()
            if name not in known
        )
        return replace(self, concepts=(*self.concepts, *new))

    def concept(self, name: str) -> Concept:
        """The concept of this name; UsageError naming the known ones when there is none."""
        for concept in self.concepts:
            if concept.name == name:
                return concept
        known = ", ".join(c.name for c in self.concepts)
        raise UsageError(f"unknown concept '{name}'; known: {known}")


def _categories(
    file: YamlFile, value: object, where: str, names: tuple[str, ...]
) -> tuple[Category, ...]:
    meanings = file.mapping(value, where, required=names)
    if tuple(meanings) != names:
        raise file.error(where, f"must stand in this order: {', '.join(names)}")
    return tuple(
        Category(name, i, file.text(meanings[name], f"{where}.{name}"))
        for i, name in enumerate(names)
    )


def _concepts(file: YamlFile, value: object, taken: Collection[str]) -> tuple[Concept, ...]:
    entries = file.mapping(value, "concepts")
    if not entries:
        raise file.error("concepts", "is empty; add at least one concept or leave the file out")
    return tuple(_concept(file, name, entry, taken) for name, entry in entries.items())


def _concept(file: YamlFile, name: str, value: object, taken: Collection[str]) -> Concept:
    where = f"concepts.{name}"
    if not CONCEPT_NAME.fullmatch(name):
        raise file.error(where, "a name is a-z, 0-9 and _, begins with a letter, 64 at most")
    if name in taken:
        raise file.error(where, "is already one of the bundled concepts; choose another name")
    if name in (*TYPES, *LEVELS, "neutral"):
        raise file.error(where, "is the name of a type, a level or of the absence of all concepts")
    entry = file.mapping(
        value, where, required=("type", "level", "description", "prompts"), optional=("twins",)
    )
    prompts = file.texts(entry["prompts"], f"{where}.prompts", _LONGEST_PROMPT)
    twins = file.texts(entry.get("twins", []), f"{where}.twins", _LONGEST_PROMPT)
    if not prompts:
        raise file.error(f"{where}.prompts", "is empty; write at least one caption that shows it")
    for twin in twins:
        if twin in prompts:
            raise file.error(f"{where}.twins", f"'{twin}' is one of the prompts too")
    return Concept(
        name=name,
        type=file.choice(entry["type"], f"{where}.type", _RISKY_TYPES),
        level=file.choice(entry["level"], f"{where}.level", _RISKY_LEVELS),
        description=file.text(entry["description"], f"{where}.description"),
        prompts=prompts,
        twins=twins,
    )


def _crosswalks(file: YamlFile, value: object, concepts: Collection[str]) -> dict[str, Crosswalk]:
    return {
        key: _crosswalk(file, f"crosswalks.{key}", entry, concepts)
        for key, entry in file.mapping(value, "crosswalks").items()
    }


def _crosswalk(file: YamlFile, where: str, value: object, concepts: Collection[str]) -> Crosswalk:
    entry = file.mapping(value, where, required=("name", "source", "classes", "without_equivalent"))
    classes = tuple(
        _foreign_class(file, f"{where}.classes.{name}", name, item, concepts)
        for name, item in file.mapping(entry["classes"], f"{where}.classes").items()
    )
    said = file.choices(entry["without_equivalent"], f"{where}.without_equivalent", TYPES)
    covered = {t for c in classes for t in c.types}
    missing = tuple(t for t in TYPES if t not in covered)
    if said != missing:
        names = ", ".join(missing) or "none"
        raise file.error(f"{where}.without_equivalent", f"the classes above leave out: {names}")
    return Crosswalk(
        name=file.text(entry["name"], f"{where}.name"),
        source=file.text(entry["source"], f"{where}.source"),
        classes=classes,
        without_equivalent=said,
    )


def _foreign_class(
    file: YamlFile, where: str, name: str, value: object, concepts: Collection[str]
) -> ForeignClass:
    if value == "no equivalent":
        return ForeignClass(name, (), None, ())
    entry = file.mapping(value, where, required=("types",), optional=("level", "concepts"))
    level = entry.get("level")
    types = file.choices(entry["types"], f"{where}.types", TYPES)
    if not types:
        raise file.error(f"{where}.types", "is empty; say 'no equivalent' instead of the mapping")
    return ForeignClass(
        name=name,
        types=types,
        level=None if level is None else file.choice(level, f"{where}.level", LEVELS),
        concepts=file.choices(entry.get("concepts", []), f"{where}.concepts", concepts),
    )


def _hash(concepts: tuple[Concept, ...]) -> str:
    content = {
        "types": TYPES,
        "levels": LEVELS,
        "concepts": [[c.name, c.type, c.level, c.prompts, c.twins] for c in concepts],
    }
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
