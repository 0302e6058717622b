"""The rows that fit a condition which a reviewer typed, in SQL.

It runs in a database instance of its own that holds no file open for writing, can fetch nothing,
has little memory, and whose settings are locked (see audit.catalog). What DuckDB cannot be stopped
in goes on in its thread; the caller is told in time, and one condition runs at once.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audit.catalog import Catalog
from audit.errors import UsageError

SECONDS = 5.0  # a condition may take
GRACE = 1.0  # seconds that stopping it may take
PATIENCE = 3.0  # seconds of waiting for another one's condition
MEMORY = "2GB"
THREADS = 2


class Conditions:
    """Conditions on one catalog; may be shared by threads."""

    def __init__(self, directory: Path) -> None:
        """Open the catalog once more; raises as Catalog."""
        self._catalog = Catalog(directory, memory=MEMORY, threads=THREADS)
        self._free = threading.Semaphore()

    def rows(self, condition: str, *, seconds: float = SECONDS) -> npt.NDArray[np.int64]:
        """[N] row_ids that fit, in no order.

        condition  one SQL expression over the columns of `samples`
        seconds    it may take
        raises     UsageError, one line: it is none, it fails, it takes too long
        """
        if not self._free.acquire(timeout=PATIENCE):
            raise UsageError("sql: another condition is still running; try again in a moment")
        found: Future[npt.NDArray[np.int64]] = Future()
        # A daemon: what cannot be stopped must not keep the program from ending.
        threading.Thread(target=self._run, args=(condition, seconds, found), daemon=True).start()
        try:
            return found.result(seconds + GRACE)
        except TooSlow:
            raise UsageError(f"sql: stopped after {seconds:g} s; ask for less") from None

    def _run(self, condition: str, seconds: float, found: Future[npt.NDArray[np.int64]]) -> None:
        try:
            found.set_result(self._catalog.matching(condition, timeout=seconds))
        except BaseException as error:
            found.set_exception(error)
        finally:
            self._free.release()
