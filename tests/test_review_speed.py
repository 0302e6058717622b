"""The review screen answers without waiting for acknowledgements (Nagle's algorithm is off)."""

from __future__ import annotations

import ctypes
import http.client
import os
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import Site

PIDFD_GETFD = 438  # number of the system call, the same on every architecture of Linux


def sockets_of(process: int) -> Iterator[socket.socket]:
    """The sockets that another process has open, as ours; a skip where that is forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    watched = os.pidfd_open(process)
    try:
        for entry in Path(f"/proc/{process}/fd").iterdir():
            if not str(entry.readlink()).startswith("socket:"):
                continue
            handle = libc.syscall(PIDFD_GETFD, watched, int(entry.name), 0)
            if handle < 0:
                pytest.skip(f"cannot look into the server: {os.strerror(ctypes.get_errno())}")
            with socket.socket(fileno=handle) as found:
                yield found
    finally:
        os.close(watched)


def test_the_sockets_it_accepts_have_nagle_off(site: Site) -> None:
    port = site.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as ours:
        ours.sendall(f"GET /_stcore/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert ours.recv(12) == b"HTTP/1.1 200"
        accepted = [
            found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for found in sockets_of(site.process)
            if found.family == socket.AF_INET
            and found.getsockname()[1] == port
            and not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            and found.getpeername() == ours.getsockname()
        ]
    assert accepted == [1]


def test_later_requests_of_a_connection_wait_for_nothing(site: Site) -> None:
    took = []
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    for _ in range(20):
        began = time.perf_counter()
        connection.request("GET", "/_stcore/health")
        assert connection.getresponse().read() == b"ok"
        took.append(time.perf_counter() - began)
    connection.close()
    first, *later = took
    # With Nagle's algorithm on, each of them takes 40 ms. Half a millisecond is what a first
    # request takes at its quickest, so that a lucky one does not fail the others.
    assert statistics.median(later) <= 3 * max(first, 0.0005)
