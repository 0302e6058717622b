"""The end of the server: what still runs is told to stop and waited for, but not for long.

A daemon thread, such as that of a page's script, is cut off where the interpreter ends. Cut off in
DuckDB, it never lets go of what it holds, and DuckDB names every such object on stderr.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

import uvicorn

PATIENCE = 3.0  # seconds; a script ends at its next element, a question to DuckDB with its answer


class Server(uvicorn.Server):
    """Ends politely when it is first interrupted, at once the next time."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """What a signal does."""
        if self.should_exit and sig == signal.SIGINT:
            _end()
        super().handle_exit(sig, frame)


async def stop_scripts() -> None:
    """Tell the scripts of all pages to end; for a server whose loop is still running."""
    from streamlit.runtime import get_instance

    runtime = get_instance()
    runtime.stop()
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(runtime.stopped), PATIENCE)


def leave(patience: float = PATIENCE) -> None:
    """Wait until all other threads have ended; end the process where they take longer.

    What cannot be interrupted, a model that is being loaded or a count of millions of rows, would
    hold up the end for as long as it takes, or be cut off. Nothing is lost: what the browser was
    told is stored is on disk, and it keeps everything else.
    """
    signal.signal(signal.SIGINT, lambda *_: _end())
    until = time.monotonic() + patience
    for thread in _others():
        thread.join(max(0.0, until - time.monotonic()))
    if _others():
        _end()


def _others() -> list[threading.Thread]:
    """Threads besides this one; not those that Python did not begin, which it cannot wait for."""
    this = threading.current_thread()
    return [
        thread
        for thread in threading.enumerate()
        if thread is not this and not isinstance(thread, threading._DummyThread)
    ]


def _end() -> None:
    """End the process here and now, without a word of the interpreter's."""
    os._exit(0)
