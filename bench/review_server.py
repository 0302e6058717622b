"""The processes that bench.review measures: `audit review` and the floor it is compared with."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = Path(__file__).with_name("review_floor.py")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `seconds` it took from its start to its first answer."""

    port: int
    process: int
    seconds: float

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def megabytes(self) -> float:
        """Resident memory."""
        said = Path(f"/proc/{self.process}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", said)
        return int(found[1]) / 1024 if found else float("nan")


@contextmanager
def reviewing(catalog: Path, reviewer: str) -> Iterator[Server]:
    """`audit review` of a catalog until the block ends."""
    program = "import sys; from audit.cli import main; sys.exit(main())"
    rest = ("review", str(catalog), "--reviewer", reviewer, "--port")
    with _running(program, *rest) as server:
        yield server


@contextmanager
def floor() -> Iterator[Server]:
    """The empty page under the same uvicorn until the block ends."""
    program = (
        "import sys, uvicorn; from streamlit.starlette import App; "
        "uvicorn.run(App(sys.argv[1]), port=int(sys.argv[2]), log_level='warning')"
    )
    with _running(program, str(FLOOR)) as server:
        yield server


@contextmanager
def _running(program: str, *arguments: str) -> Iterator[Server]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        command = [sys.executable, "-c", program, *arguments, str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT)
        try:
            while not _answers(port):
                if process.poll() is not None:
                    output.seek(0)
                    raise SystemExit(f"the server ended: {output.read().decode()[-2000:]}")
                time.sleep(0.05)
            yield Server(port, process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


def kept_alive(server: Server, requests: int = 20) -> list[float]:
    """Milliseconds of each request on one connection, the first with connecting it.

    With Nagle's algorithm on, all but the first wait 40 ms for an acknowledgement.
    """
    took = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for _ in range(requests):
        began = time.perf_counter()
        connection.request("GET", "/_stcore/health")
        connection.getresponse().read()
        took.append(1000 * (time.perf_counter() - began))
    connection.close()
    return took
