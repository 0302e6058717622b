"""A policy that is being edited: what it says as plain values, what was changed, and saving it.

Only what differs goes into the file; its comments, its gates and its rules for single sources stay
as somebody wrote them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.yamledit import rewrite
from audit.yamlfile import YamlFile
from curation.policy import DEFAULT, PRESETS, load
from curation.rules import Policy, Rule

Content = dict[str, Any]
"""Nested mappings as a policy file has them; every rule that there is, and no other."""


def content(policy: Policy) -> Content:
    """What a policy's own rules say, in the form of a file that is based on nothing."""
    rules, near = policy.rules, policy.duplicates
    thresholds: Content = {"types": dict(rules.types)}
    said: Content = {"required": list(policy.required), "thresholds": thresholds}
    said["grid"] = {kind: dict(row) for kind, row in rules.grid.items()}
    single: tuple[tuple[str, str, Rule | None], ...] = (
        ("risk", "uncertain", rules.uncertain),
        ("image_text", "image_text", rules.image_text),
    )
    for score, key, rule in single:
        if rule is not None:
            thresholds[score], said[key] = rule.threshold, rule.action
    named: tuple[tuple[str, Mapping[str, Rule]], ...] = (
        ("concepts", rules.concepts),
        ("extras", rules.extras),
        ("captions", rules.captions),
    )
    for key, group in named:
        thresholds[key] = {name: rule.threshold for name, rule in group.items()}
        said[key] = {name: rule.action for name, rule in group.items()}
    return {
        **said,
        "pairs": dict(rules.pairs),
        "size": {"min_side": rules.min_side, "action": rules.too_small},
        "duplicates": {
            "exact": near.exact,
            "near": {"distance": near.distance, "action": near.near},
        },
        "review": {"confirmed": policy.confirmed, "seconds": policy.seconds},
    }


def changes(before: Content, after: Content) -> Content:
    """What to say besides `before` so that it says `after`; None takes a key away."""
    return _changes(before, after, "")


def _changes(before: Content, after: Content, at: str) -> Content:
    found: Content = {}
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        where = f"{at}{key}"
        # A row of the grid may stand there as one word, and these have all their keys or none.
        whole = at == "grid." or where in ("size", "duplicates.near")
        if isinstance(old, dict) and isinstance(new, dict) and not whole:
            if inner := _changes(old, new, f"{where}."):
                found[key] = inner
        elif old != new:
            found[key] = new
    return found


def digest(path: Path) -> str:
    """sha256 hex of a policy file as it is now; UsageError when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def save(path: Path, changed: Content, was: str, *, concepts: Collection[str] = ()) -> None:
    """Put changes into a policy file.

    was      digest of the file that they were made to
    raises   UsageError when the file was changed since, when the policy would be wrong, or when
             it cannot be written; it is then as it was
    """
    changed = _with_base(path, changed)
    load(path, concepts=concepts, changes=changed)
    rewrite(path, changed, only_if=lambda data: hashlib.sha256(data).hexdigest() == was)


def save_as(
    path: Path, base: str | Path, changed: Content, *, concepts: Collection[str] = ()
) -> None:
    """Make a new policy file: a preset and what differs, or a copy of another file with changes.

    raises   UsageError when there is such a file, when the policy would be wrong, or when it
             cannot be written; nothing is made then
    """
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.draft-{os.getpid()}")
    try:
        if base in PRESETS:
            draft.write_text(f"based_on: {base}\n", encoding="utf-8")
        else:
            shutil.copyfile(base, draft)
            changed = _with_base(draft, changed)
        if "name" in _said(draft):
            changed = {**changed, "name": path.stem}
        rewrite(draft, changed)
        load(draft, concepts=concepts)
        path.hardlink_to(draft)  # unlike a rename, never in the place of another file
    except FileExistsError:
        raise UsageError(f"{path.name}: there is a policy of this name; choose another") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _with_base(path: Path, changed: Content) -> Content:
    """Name what a file without a grid is based on, where changes give it a row of one."""
    said = _said(path)
    if "grid" in changed and "grid" not in said and "based_on" not in said:
        return {"based_on": DEFAULT, **changed}
    return changed


def _said(path: Path) -> dict[str, Any]:
    file = YamlFile(path)
    return file.mapping(file.content, "")
