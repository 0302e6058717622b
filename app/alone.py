"""Whether this is the only server that gives out a catalog's rows: leases are in its memory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".review-lock"


@contextmanager
def claimed(catalog_dir: Path) -> Iterator[bool]:
    """Claim the catalog while the block runs; False when another server has it already.

    True where that cannot be known: a folder in which nothing can be written
    """
    try:
        handle = os.open(catalog_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
