"""Small files about one person beside the catalog: nobody else of the machine can read them."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.verdicts import is_alias

FOLDER = "reviewers"


class Drawer:
    """`CATALOG/reviewers/<alias><suffix>`: one JSON object a person; may be shared by threads
    and processes.
    """

    def __init__(self, catalog_dir: Path, suffix: str) -> None:
        """Nothing is read or made yet."""
        self._folder = catalog_dir / FOLDER
        self._suffix = suffix

    def path(self, alias: str) -> Path:
        """Where it lies; UsageError for what is no alias: names of files come from nowhere else."""
        if not is_alias(alias):
            raise UsageError(f"{alias!r:.80} is no name of a reviewer")
        return self._folder / f"{alias}{self._suffix}"

    def read(self, alias: str) -> dict[str, Any] | None:
        """The object; None where there is none.

        raises   UsageError when the file is no JSON object, OSError when it cannot be read
        """
        path = self.path(alias)
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UsageError(f"{FOLDER}/{path.name}: is no JSON object; mend it or remove it")
        return found

    @contextmanager
    def held(self, alias: str) -> Iterator[None]:
        """Keep everybody else from changing this person's file meanwhile."""
        path = self.path(alias)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # A file of its own: the one that is held to be replaced would be locked by its old name.
        lock = path.with_name(f".{path.name}.lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        except OSError as error:
            error.filename = str(path)  # not the one that was to take its place
            raise
        finally:
            os.close(handle)

    def write(self, alias: str, content: dict[str, Any]) -> None:
        """Replace the object, whole or not at all; to be called while `held`."""
        path = self.path(alias)
        # No suffix that somebody's glob takes for the real thing.
        made = path.with_name(f".{path.name}.tmp-{secrets.token_hex(4)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(made, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(json.dumps(content) + "\n")
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
