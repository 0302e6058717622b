"""What each reviewer has chosen for themselves; it follows the person to any browser.

`CATALOG/reviewers/<alias>.json`, readable by the one user who runs the server. What nobody has
chosen has a default; those of breaks are judgement: no study gives a safe number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from app.private import FOLDER, Drawer
from audit.errors import UsageError
from audit.taxonomy import TYPES

COLUMNS = (0, 5, 6, 7, 8)
MOST_KEYS = 64
FORBIDDEN = ("c", "r", "Tab", "Enter", " ", "Space")
"""Keys that no action can have: Streamlit takes c and r, the others move and press buttons."""

_ACTION = re.compile(r"[a-z]{1,20}(:[a-z]{1,20})?")
_KEY = re.compile(r"(Shift\+)?([!-~]|[^\W\d_]|[A-Z][A-Za-z0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Personal:
    """The settings of one reviewer.

    keys           action -> key, only those that differ from the usual ones; no key twice
    opt_out        names of TYPES that this person is not given; no reason is asked
    blur           0 to 100, of the small previews; they have 24 pixels whatever it is
    always_grey    a revealed picture stays grey; colour cannot be asked for
    columns        of the grid, of COLUMNS; 0: as many as fit
    break_reveals  pictures of level medium or high after which a break is proposed, 0: never
    break_minutes  of work without a pause, likewise
    daily_cap      sharp pictures a day, then none until tomorrow; 0: no cap
    notice         whether a batch with many high ones is announced before it is shown
    raises         UsageError naming the field that is wrong
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    opt_out: tuple[str, ...] = ()
    blur: int = 70
    always_grey: bool = False
    columns: int = 0
    break_reveals: int = 60
    break_minutes: int = 25
    daily_cap: int = 0
    notice: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be: files are edited by hand and posts come from anywhere."""
        for name, most in (
            ("blur", 100), ("break_reveals", 10_000), ("break_minutes", 600),
            ("daily_cap", 100_000),
        ):  # fmt: skip
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= most:
                raise UsageError(f"{name} is a whole number, 0 to {most:,}; not {value!r:.40}")
        for name in ("always_grey", "notice"):
            if type(getattr(self, name)) is not bool:
                raise UsageError(f"{name} is true or false; not {getattr(self, name)!r:.40}")
        if type(self.columns) is not int or self.columns not in COLUMNS:
            known = ", ".join(map(str, COLUMNS))
            raise UsageError(f"columns is one of {known}; not {self.columns!r:.40}")
        _check_opt_out(self.opt_out)
        _check_keys(self.keys)


class People:
    """The settings of everybody; may be shared by threads."""

    def __init__(self, catalog_dir: Path) -> None:
        """Nothing is read yet."""
        self._drawer = Drawer(catalog_dir, ".json")

    def of(self, alias: str | None) -> Personal:
        """What somebody chose; the usual where nothing was chosen or nobody has a name.

        raises   UsageError when their file is damaged, OSError when it cannot be read
        """
        found = None if alias is None else self._drawer.read(alias)
        if found is None:
            return Personal()
        try:
            return from_json(found)
        except UsageError as error:
            raise UsageError(f"{FOLDER}/{alias}.json: {error}; mend it or remove it") from None

    def save(self, alias: str, personal: Personal) -> None:
        """Keep all settings of somebody; they are on disk when this returns."""
        with self._drawer.held(alias):
            self._drawer.write(alias, as_json(personal))

    def change(self, alias: str, changes: Mapping[str, Any]) -> Personal:
        """Change some settings and leave the others as they are by now; returns all of them.

        raises   UsageError for what is no setting or cannot be, before anything is written
        """
        with self._drawer.held(alias):
            changed = from_json(dict(changes), self.of(alias))
            self._drawer.write(alias, as_json(changed))
        return changed


def as_json(personal: Personal) -> dict[str, Any]:
    """The settings as JSON has them."""
    return {**asdict(personal), "keys": dict(personal.keys), "opt_out": list(personal.opt_out)}


def from_json(record: Mapping[str, Any], base: Personal | None = None) -> Personal:
    """Settings out of JSON; what is not said is as in `base`, or as usual.

    raises   UsageError for a name that is no setting, or a value that cannot be
    """
    known = {each.name for each in fields(Personal)}
    if strange := record.keys() - known:
        raise UsageError(f"no such setting: {min(map(str, strange))!r:.40}")
    given = dict(record)
    if isinstance(given.get("opt_out"), list) and all(isinstance(t, str) for t in given["opt_out"]):
        given["opt_out"] = tuple(name for name in TYPES if name in given["opt_out"]) + tuple(
            name for name in given["opt_out"] if name not in TYPES
        )
    return replace(base or Personal(), **given)


def _check_opt_out(names: object) -> None:
    if not isinstance(names, tuple):
        raise UsageError("opt_out is a list of types")
    for name in names:
        if name not in TYPES or name == "safe":
            known = ", ".join(each for each in TYPES if each != "safe")
            raise UsageError(f"opt_out: unknown type {name!r:.40}; known: {known}")


def _check_keys(keys: object) -> None:
    if not isinstance(keys, Mapping) or len(keys) > MOST_KEYS:
        raise UsageError(f"keys is an object of action and key, {MOST_KEYS} at most")
    for action, key in keys.items():
        if not isinstance(action, str) or not _ACTION.fullmatch(action):
            raise UsageError(f"keys: {action!r:.40} is no action")
        if not isinstance(key, str) or not _KEY.fullmatch(key) or key in FORBIDDEN:
            raise UsageError(f"keys: {action} cannot have the key {key!r:.40}")
    if len(set(keys.values())) < len(keys):
        raise UsageError("keys: one key for two actions")
