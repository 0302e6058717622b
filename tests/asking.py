"""Asks the addresses under /audit/ directly: no network, no server, the real routes and headers."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.desk import Desk
from app.headers import Guard
from app.routes import routes


class Asked:
    """Asks an ASGI application directly; no network."""

    def __init__(self, desk: Desk, reviewer: str | None = "ann") -> None:
        self.app = Starlette(
            routes=routes(desk), middleware=[Middleware(Guard, hosts=("127.0.0.1",))]
        )
        self.token = desk.tokens.mint(reviewer)

    def __call__(
        self, path: str, post: Any = None, *, method: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body); `post` is sent as JSON, or as it is when it is bytes."""
        body = post if isinstance(post, bytes) else json.dumps(post).encode()
        sent = {
            "host": "127.0.0.1:1", "x-audit-token": self.token, "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": method or ("GET" if post is None else "POST"), "path": path,
            "raw_path": path.encode(), "root_path": "", "query_string": b"",
            "headers": [(n.encode(), v.encode()) for n, v in sent.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1),
        }  # fmt: skip
        got: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            got.append(message)

        # In a thread of its own: the browser of other tests has a loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, self.app(scope, receive, send)).result()
        found = {name.decode(): value.decode() for name, value in got[0]["headers"]}
        return got[0]["status"], found, b"".join(m.get("body", b"") for m in got)
