"""A reverse proxy that has signed somebody in: it names them to the server in a header."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HEADER = "X-Forwarded-User"


@contextmanager
def signed_in(reviewer: str, upstream: int) -> Iterator[int]:
    """A proxy for one reviewer in front of a port of this machine; gives its own port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_serve, args=(client, reviewer, upstream)).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(client: socket.socket, reviewer: str, upstream: int) -> None:
    """One request, or one web socket; the header is ours, whatever the browser sent."""
    with suppress(OSError), client, socket.create_connection(("127.0.0.1", upstream)) as server:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (more := client.recv(1 << 16)):
                return
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        first, *fields = head.split(b"\r\n")
        is_socket = any(field.lower().startswith(b"upgrade:") for field in fields)
        ours = (HEADER.lower().encode(),) if is_socket else (HEADER.lower().encode(), b"connection")
        kept = [field for field in fields if field.partition(b":")[0].lower() not in ours]
        kept.append(f"{HEADER}: {reviewer}".encode())
        if not is_socket:
            kept.append(b"Connection: close")
        server.sendall(b"\r\n".join([first, *kept]) + b"\r\n\r\n" + body)
        back = threading.Thread(target=_relay, args=(server, client))
        back.start()
        _relay(client, server)
        back.join()


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
