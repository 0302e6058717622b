"""The policies that the screen knows, and which of them is in force.

Presets, the files of CATALOG/policies/, and the file that `audit review --policy` named. A page
names a policy by one of these names only, never by a path.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from audit.errors import UsageError
from curation.drafts import Content, digest, save, save_as
from curation.policy import DEFAULT, PRESETS, load
from curation.rules import Policy

FOLDER = "policies"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Policies:
    """May be shared by threads."""

    def __init__(
        self, catalog: Path, concepts: Callable[[], Collection[str]], given: str = DEFAULT
    ) -> None:
        """Read the policy that is in force from the start.

        concepts  gives the names that the catalog has scores of; asked when a policy has one that
                  is not in the taxonomy
        given     name of a preset, or path of a file
        raises    UsageError when it is wrong
        """
        self._folder = catalog / FOLDER
        self._concepts = concepts
        self._given = None if given in PRESETS else Path(given).resolve()
        self._read: dict[str, tuple[str, Policy]] = {}
        self._lock = threading.RLock()
        if self._given is not None:
            self._load(self._given)
        self._in_force = given if self._given is None else self._name_of(self._given)

    def names(self) -> list[str]:
        """All of them, files first; the one in force also where its file has gone."""
        return [*sorted({*self._files(), self._in_force} - {*PRESETS}), *PRESETS]

    def reference(self, name: str) -> str | Path:
        """The preset's name or the path of the file; UsageError where there is none such."""
        if name in PRESETS:
            return name
        try:
            return self._files()[name]
        except KeyError:
            raise UsageError(f"{name:.80}: there is no such policy any more; choose one") from None

    def digest(self, name: str) -> str:
        """Changes whenever the file does; "" for a preset."""
        return "" if name in PRESETS else digest(Path(self.reference(name)))

    def read(self, name: str, changed: Content | None = None) -> Policy:
        """A policy, with changes laid over it; UsageError where it is wrong."""
        if changed:
            return self._load(self.reference(name), changed)
        with self._lock:
            mark = self.digest(name)
            kept = self._read.get(name)
            if kept is None or kept[0] != mark:
                kept = self._read[name] = mark, self._load(self.reference(name))
            return kept[1]

    @property
    def in_force(self) -> str:
        """The name of the one that decisions are made under."""
        return self._in_force

    def label(self, name: str) -> str:
        """What a list of policies shows of one."""
        return f"{name} (in force)" if name == self._in_force else name

    def put_in_force(self, name: str) -> None:
        """From now on, until the server ends; UsageError where the policy is wrong."""
        self.read(name)
        self._in_force = name

    def hash(self) -> str | None:
        """Of the policy in force; None while its file is wrong."""
        try:
            return self.read(self._in_force).hash
        except UsageError:
            return None

    def save(self, name: str, changed: Content, was: str) -> None:
        """Put changes into a file.

        was     its digest when they were begun
        raises  UsageError as curation.drafts.save, and for a preset
        """
        reference = self.reference(name)
        if isinstance(reference, str):
            raise UsageError(f"{name}: a preset stays as it is; save under a name of your own")
        with self._lock:
            save(reference, changed, was, concepts=self._concepts())

    def save_as(self, new: str, base: str, changed: Content) -> str:
        """Make a file in CATALOG/policies/; returns its name here.

        raises  UsageError for a name that is none or taken, and as curation.drafts.save_as
        """
        if not _NAME.fullmatch(new) or new in PRESETS:
            raise UsageError(
                f"{new!r:.80}: a name is a-z, 0-9, _ and -, begins with a letter or figure, has 64 "
                "characters at most and is none of a preset; choose another"
            )
        path = self._folder / f"{new}.yaml"
        with self._lock:
            save_as(path, self.reference(base), changed, concepts=self._concepts())
        return self._name_of(path)

    def _files(self) -> dict[str, Path]:
        """By their names, which are those of the files; of two alike, the folder's too."""
        found = {path.name: path for path in self._folder.glob("*.yaml") if path.name[0] != "."}
        if self._given is not None and self._given not in (p.resolve() for p in found.values()):
            name = self._given.name
            found[name if name not in found else f"{self._given.parent.name}/{name}"] = self._given
        return found

    def _name_of(self, path: Path) -> str:
        return next(name for name, one in self._files().items() if one.resolve() == path.resolve())

    def _load(self, reference: str | Path, changed: Content | None = None) -> Policy:
        try:
            return load(reference, changes=changed)
        except UsageError:
            # Once more, where that may be for a concept of the scorer's own: to ask takes longer.
            if not (concepts := self._concepts()):
                raise
            return load(reference, changes=changed, concepts=concepts)
