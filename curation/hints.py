"""The hint that a picture's type and level put into the prompt: data/hints.yaml."""

from __future__ import annotations

from functools import cache
from typing import Any

from audit.resources import data_path
from audit.taxonomy import LEVELS, SAFE, TYPES
from audit.yamlfile import YamlFile
from curation.records import Record

WITHOUT = "keep"
"""The action after which even a risky picture gets no hint: a cell of the grid switches it off."""


def hint_of(record: Record) -> str | None:
    """The hint for one record; None where there is none to give."""
    if record.action == WITHOUT:
        return None
    return table().get((record.type, record.level))


@cache
def table() -> dict[tuple[str, str], str]:
    """(type, level) -> the whole line; every risky type at every level above none.

    raises   UsageError when data/hints.yaml lacks one
    """
    file = YamlFile(data_path("hints.yaml"))
    risky, levels = TYPES[:SAFE], LEVELS[1:]
    top = file.mapping(file.content, "", required=("prefix", "levels", "risks"), optional=("own",))
    lines = file.mapping(top["levels"], "levels", required=levels)
    risks = file.mapping(top["risks"], "risks", required=risky)
    own: dict[str, Any] = file.mapping(top.get("own", {}), "own", optional=risky)
    prefix = str(top["prefix"])
    return {
        (kind, level): prefix
        + file.text(own.get(kind, {}).get(level, lines[level]), f"levels.{level}").format(
            risk=file.text(risks[kind], f"risks.{kind}")
        )
        for kind in risky
        for level in levels
    }
