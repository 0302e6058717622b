"""What a visitor wants exported, as options of `curate export`, and what would go into it."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from audit.errors import UsageError
from curation.commands.composition_options import options_of
from curation.manifest import NAME as MANIFEST
from curation.mixture import CompositionOptions
from curation.places import check_place

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OURS = (".partial", ".old", ".audit")


@dataclass(frozen=True, slots=True)
class Wish:
    """What to export, and how.

    name            of the folder, beside the catalog; policy: as the screen calls it
    formats         of curation.export.FORMATS
    clean, target   as curation.mixture.CompositionOptions has them
    caps, floors    "privacy=500 types=1000", blanks between
    """

    name: str
    policy: str
    stage: int
    formats: tuple[str, ...]
    seed: int = 0
    clean: int | str | None = None
    target: int | None = None
    caps: str = ""
    floors: str = ""
    val: float = 0.05
    requests: float = 0.05
    redacted: bool = False
    hints: bool = False
    gate: bool = True
    shard_size: int = 1000
    overwrite: bool = False

    def place(self, catalog: Path) -> Path:
        """The folder to write; UsageError for a name that is none, or a place that is taken."""
        out = place(catalog, self.name)
        check_place(out, overwrite=self.overwrite)
        return out

    def composing(self) -> CompositionOptions:
        """What goes into it; UsageError where caps and floors cannot be read."""
        return options_of(
            Namespace(
                stage=self.stage, seed=self.seed, clean=self.clean, target=self.target,
                cap=self.caps.split(), floor=self.floors.split(), val=self.val,
                requests=self.requests, redacted=self.redacted, templates="english",
            )
        )  # fmt: skip

    def arguments(self, catalog: Path, policy: str | Path) -> list[str]:
        """Of `curate`; raises as `place` and `composing`."""
        out = self.place(catalog)
        self.composing()
        if not self.formats:
            raise UsageError("no format is chosen; choose one at least")
        given = [
            "export", str(catalog.resolve()), "--policy", str(policy), "--out", str(out),
            "--format", ",".join(self.formats), "--shard-size", str(self.shard_size),
            "--stage", str(self.stage), "--seed", str(self.seed), "--val", f"{self.val:g}",
            "--requests", f"{self.requests:g}", "--json",
        ]  # fmt: skip
        for option, value in (("--clean", self.clean), ("--target", self.target)):
            given += [] if value is None else [option, str(value)]
        for option, bounds in (("--cap", self.caps), ("--floor", self.floors)):
            for bound in bounds.split():
                given += [f"{option}={bound}"]
        given += [
            option
            for option, wanted in (
                ("--redacted", self.redacted), ("--hints", self.hints), ("--gate", self.gate),
                ("--overwrite", self.overwrite),
            )
            if wanted
        ]  # fmt: skip
        return given


def place(catalog: Path, name: str) -> Path:
    """Where an export of this name is, beside the catalog; UsageError for a name that is none."""
    if not _NAME.fullmatch(name) or name.endswith(_OURS):
        raise UsageError(
            f"{name!r:.80}: a name is letters, figures, . _ and -, begins with a letter or figure "
            "and has 64 characters at most; choose another"
        )
    return catalog.resolve().parent / name


def there(catalog: Path) -> list[str]:
    """Names of the exports beside the catalog, the newest first."""
    found = [
        path.parent
        for path in catalog.resolve().parent.glob(f"*/{MANIFEST}")
        if _NAME.fullmatch(path.parent.name) and not path.parent.name.endswith(_OURS)
    ]
    return [path.name for path in sorted(found, key=lambda p: -p.stat().st_mtime)]
