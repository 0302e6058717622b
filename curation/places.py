"""Where an export is written and how it takes its name: whole, and never over anything else.

It is `<name>.partial` until it is done. What an interrupted export left there is cleared away by
the next one; what another process is writing there is left alone.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from audit.errors import ShardwardenError, UsageError
from audit.parts import sync
from curation.manifest import FORMAT, NAME

MARK = ".shardwarden-export"  # in a folder that is being written, and locked by its writer


def check_place(out: Path, *, overwrite: bool) -> None:
    """Raise UsageError when an export must not take this place."""
    if not out.name or out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out}: an export is a folder of its own; give another --out")
    if not out.exists() or not any(out.iterdir()):
        return
    if not is_export(out):
        raise UsageError(f"{out}: holds something that is no export; give another --out")
    if not overwrite:
        raise UsageError(f"{out}: an export is there; add --overwrite, or give another --out")


def is_export(folder: Path) -> bool:
    """Whether a folder is an export of ours, by its manifest."""
    try:
        found = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


@contextmanager
def partial(out: Path) -> Iterator[Path]:
    """An empty folder beside the place of an export, nobody else's while the block lasts.

    It stays when the block fails.
    raises   UsageError when something else is in the way, ShardwardenError when another process
             writes the same export
    """
    folder = out.with_name(f"{out.name}.partial")
    # Without the mark and whole: its writer was stopped in the moment before the rename.
    if folder.exists() and not ((folder / MARK).is_file() or is_export(folder)):
        raise UsageError(f"{folder}: is in the way and no broken-off export; move it")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / MARK).open("a") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ShardwardenError(
                f"{folder}: another process is writing this export; wait for it, or give another "
                "--out"
            ) from None
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != MARK:
                left.unlink()
        yield folder


def discard(out: Path) -> None:
    """Clear away what a broken-off export left beside its place; raises as `partial`."""
    if out.with_name(f"{out.name}.partial").exists():
        with partial(out) as folder:
            shutil.rmtree(folder)


def publish(folder: Path, out: Path) -> None:
    """Give a finished folder its name; an earlier export there goes."""
    (folder / MARK).unlink()
    # Many at a time, for there may be very many images; never os.sync(), which waits for what
    # other programs write too.
    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(sync, folder.rglob("*")):
            pass
    old = out.with_name(f"{out.name}.old")
    if out.exists() and any(out.iterdir()):
        if is_export(old):  # left by a writer that was stopped in the moment after the rename
            shutil.rmtree(old)
        out.rename(old)
    else:
        with suppress(FileNotFoundError):
            out.rmdir()
    folder.rename(out)
    sync(out.parent.resolve())
    shutil.rmtree(old, ignore_errors=True)
