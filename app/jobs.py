"""Commands that run beside the server, as processes of their own: how far they are, how they ended.

One at a time: exporting and checking read and write as fast as the disk goes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import curation
from audit.errors import UsageError
from audit.steps import PACE

KEPT = 12  # jobs that have ended
LINES_KEPT = 40
_PROGRESS = re.compile(r"([\d,]+)(?: of ([\d,]+))?, (.*)")
_CURATE = "import sys; from curation.cli import main; sys.exit(main())"


class Job:
    """One command; what is read of it may be a moment old."""

    def __init__(self, number: int, kind: str, name: str, arguments: Sequence[str]) -> None:
        """Start it.

        kind       "export" or "check"; name: of the export that it is about
        arguments  of `curate`
        """
        self.number = number
        self.kind = kind
        self.name = name
        self.progress = "starting"
        self.share: float | None = None
        self.code: int | None = None
        self.cancelled = False
        self.said: deque[str] = deque(maxlen=LINES_KEPT)
        self.result: dict[str, Any] = {}
        home = str(Path(curation.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CURATE, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, PACE: "0.5"},
        )  # fmt: skip
        self._readers = [
            threading.Thread(target=read, name=f"job {number}", daemon=True)
            for read in (self._listen, self._take)
        ]

    def follow(self, ended: Callable[[Job], None]) -> None:
        """Read what it says until it ends; `ended` is told then."""
        for reader in self._readers:
            reader.start()

        def wait() -> None:
            for reader in self._readers:
                reader.join()
            code = self._process.wait()
            ended(self)
            self.code = code

        threading.Thread(target=wait, name=f"job {self.number} end", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.code is None

    @property
    def good(self) -> bool:
        """Whether it ended with something to show; see `result`."""
        return self.code in (0, 3) and "error" not in self.result

    def cancel(self) -> None:
        """End it; what it has written has no name yet."""
        self.cancelled = True
        with suppress(ProcessLookupError):
            self._process.terminate()

    def close(self) -> None:
        """End it and wait until it has."""
        self.cancel()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip()
                found = _PROGRESS.fullmatch(text)
                if found is None:
                    self.said.append(text)
                    continue
                self.progress = text
                done, total = (int(n.replace(",", "")) if n else 0 for n in found.groups()[:2])
                self.share = min(1.0, done / total) if total else None

    def _take(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            text = stream.read()
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            self.result = found if isinstance(found, dict) else {}


class Jobs:
    """The jobs of this server; may be shared by threads."""

    def __init__(self) -> None:
        """None yet."""
        self._jobs: deque[Job] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._number = 0

    def start(
        self,
        kind: str,
        name: str,
        arguments: Sequence[str],
        ended: Callable[[Job], None] = lambda _: None,
    ) -> Job:
        """Start a command of `curate`; UsageError while another one runs."""
        with self._lock:
            if self._jobs and self._jobs[0].running:
                busy = self._jobs[0]
                raise UsageError(f"{busy.kind} of {busy.name} is running; wait for it or cancel it")
            self._number += 1
            job = Job(self._number, kind, name, arguments)
            self._jobs.appendleft(job)
        job.follow(ended)
        return job

    def all(self) -> list[Job]:
        """The latest first."""
        with self._lock:
            return list(self._jobs)

    def close(self) -> None:
        """End what runs; for the end of the server."""
        for job in self.all():
            if job.running:
                job.close()
