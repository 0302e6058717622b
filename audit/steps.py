"""Progress of counted work: a bar on a terminal, a line now and then in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from audit.progress import EVERY, clock

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
        yield lambda done, total, word: bar.update(
            task, completed=done, total=total, description=word
        )


def _lines(stream: TextIO) -> Show:
    began = time.monotonic()
    said = began

    def show(done: int, total: int | None, word: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < 5 * EVERY and done != total:
            return
        said = now
        left = f", {clock((now - began) * (total / done - 1))} left" if total and done else ""
        of = f" of {total:,}" if total else ""
        stream.write(f"{done:,}{of}, {word}{left}\n")
        stream.flush()

    return show
