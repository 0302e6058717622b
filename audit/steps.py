"""Progress of counted work: a bar on a terminal, a line now and then in a pipe."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from audit.progress import EVERY, clock

PACE = "SHARDWARDEN_PROGRESS"
"""Variable of the environment: seconds between two lines in a pipe, for a program that shows them
(default: 15)."""

Show = Callable[[int, int | None, str], None]
"""Takes how many are done, of how many (None: unknown), and a word on how it goes."""


@contextmanager
def counted(stream: TextIO) -> Iterator[Show]:
    """Give a function to call as the work goes on; nothing of the bar is left at the end."""
    if not stream.isatty():
        yield _lines(stream)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("working", total=None)

        def show(done: int, total: int | None, word: str) -> None:
            if done < bar.tasks[0].completed:  # another count begins, with a pace of its own
                bar.reset(task)
            bar.update(task, completed=done, total=total, description=word)

        yield show


def _lines(stream: TextIO) -> Show:
    said = time.monotonic()
    pace = _pace()
    began, first, last = said, 0, 0

    def show(done: int, total: int | None, word: str) -> None:
        nonlocal said, began, first, last
        now = time.monotonic()
        if done < last:  # another count begins, with a pace of its own
            began, first = now, done
        last = done
        if now - said < pace and done != total:
            return
        said = now
        left = ""
        if total and done > first:
            left = f", {clock((now - began) * (total - done) / (done - first))} left"
        of = f" of {total:,}" if total else ""
        stream.write(f"{done:,}{of}, {word}{left}\n")
        stream.flush()

    return show


def _pace() -> float:
    try:
        return float(os.environ[PACE])
    except (KeyError, ValueError):
        return 5 * EVERY
