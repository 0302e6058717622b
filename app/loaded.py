"""The scorer that a catalog was made with, loaded when it is first needed, in a thread of its own.

Most reviewing needs none, and loading one takes seconds and up to gigabytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from audit import header
from audit.errors import CatalogMismatch, UsageError

if TYPE_CHECKING:
    from audit.registry import AnyScorer

LOADING = 120.0  # seconds
WORKING = 20.0  # seconds

T = TypeVar("T")


class Loaded:
    """May be shared by threads; one thing at a time is done with the scorer."""

    def __init__(self, catalog_dir: Path, named: str | None = None) -> None:
        """Nothing is loaded yet.

        named   the scorer, or its folder; None: by the name that the catalog has for it
        """
        self._catalog = catalog_dir
        self._named = named
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="scorer")
        self._lock = threading.Lock()
        self._loading: Future[AnyScorer] | None = None

    def scorer(self, patience: float) -> AnyScorer | None:
        """The scorer; None when it is still being loaded after so many seconds.

        raises   UsageError, one line: it cannot be loaded here
        """
        with self._lock:
            if self._loading is None:
                self._loading = self._pool.submit(_load, self._catalog, self._named)
            loading = self._loading
        try:
            return loading.result(patience)
        except TooSlow:
            return None
        except Exception as error:  # whatever a library says when it cannot be imported or read
            with self._lock:
                self._loading = None  # mended meanwhile, it can be asked again
            why = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise UsageError(f"the scorer cannot be loaded here: {why}") from error

    def run(self, work: Callable[[AnyScorer], T]) -> T:
        """What a function makes of the scorer, in the scorer's thread.

        raises   UsageError as `scorer`, and when it takes too long; whatever the function raises
        """
        scorer = self.scorer(LOADING)
        if scorer is None:
            raise UsageError(f"the scorer was not loaded within {LOADING:g} s; try again")
        try:
            return self._pool.submit(work, scorer).result(WORKING)
        except TooSlow:
            raise UsageError(f"not done within {WORKING:g} s; try again") from None

    def close(self) -> None:
        """Begin nothing else; what is being done goes on."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _load(directory: Path, named: str | None) -> AnyScorer:
    from audit.registry import load_scorer

    made = header.read(directory)
    name = made.get("scorer", {}).get("name", "")
    if not (named or name):
        raise UsageError(f"{directory}: does not say which scorer made it")
    scorer = load_scorer(named or name, device="cpu")
    if scorer.fingerprint != made.get("scorer_sha256"):
        raise CatalogMismatch(
            f"{directory}: scored by {name} ({made.get('scorer_sha256', ''):.8}), not by "
            f"{named or name} ({scorer.fingerprint:.8}); start `audit review` with --scorer FOLDER"
        )
    return scorer
