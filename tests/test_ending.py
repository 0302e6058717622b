"""How the server ends: what still runs is waited for, or the process ends without it; silently."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import reviews

# A thread asks DuckDB, as scripts of pages do, while the main thread comes to its end.
ENDING = """
import threading, duckdb
from app.ending import leave
asking = threading.Event()
def ask():
    with duckdb.connect() as connection:
        asking.set()
        connection.execute("SELECT sum(n) FROM range({rows}) t(n)").fetchall()
    print("answered", flush=True)
threading.Thread(target=ask, daemon=True).start()
asking.wait()
{end}
"""


def ended(rows: int, end: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a process that ends while DuckDB is asked about rows."""
    found = subprocess.run(
        [sys.executable, "-c", ENDING.format(rows=rows, end=end)],
        cwd=reviews.ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return found.returncode, found.stdout, found.stderr


@pytest.mark.parametrize(
    ("rows", "patience", "told"),
    [(1_000_000, 60, "answered\n"), (10**12, 0.2, "")],
    ids=["short", "endless"],
)
def test_a_thread_in_duckdb_is_waited_for_or_left_and_says_nothing(
    rows: int, patience: float, told: str
) -> None:
    assert ended(rows, f"leave({patience})") == (0, told, "")


def test_the_second_ctrl_c_ends_at_once() -> None:
    again = "server.handle_exit(signal.SIGINT, None)"
    end = (
        "import signal, uvicorn; from app.ending import Server; "
        f"server = Server(uvicorn.Config(None)); {again}; print('waits', flush=True); {again}; "
        "print('still here')"
    )
    assert ended(10**12, end) == (0, "waits\n", "")
