"""What stands in front of every answer: hosts, security headers, no odd paths, and who asks.

Pure ASGI, so that nothing is buffered and the web socket passes through it too.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.identity import SignIn, is_near

OURS = "/audit"
HEALTH = "/_stcore/health"
METRICS = "/_stcore/metrics"  # how many are here and what they use: nobody's business
REVIEWER = "shardwarden.reviewer"  # of a request that a proxy vouches for, in its ASGI scope
_PLAIN = re.compile(r"/audit(/[a-z]+(/[0-9]{1,19})?)?")
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_NOBODY = "not let in: come through the proxy, and be among `people` if review.yaml lists any"


def policy() -> str:
    """The content security policy: nothing from elsewhere, no inline script but Streamlit's own.

    Computed from the page that is installed, because its inline script changes with versions.
    """
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE.findall(page)
    )
    return (
        f"default-src 'self'; script-src 'self' blob:{hashes}; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


class Guard:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], sign_in: SignIn | None = None) -> None:
        """Serve only under these names, whatever the port; all others get 403.

        sign_in   "proxy" lets in only whom the proxy names, and believes only this machine
        """
        self._app = app
        self._sign_in = sign_in if sign_in is not None and sign_in.mode == "proxy" else None
        self._hosts = frozenset(host.lower() for host in hosts)
        self._headers = {
            "content-security-policy": policy(),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and add the headers to what comes back."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if why := self._stranger(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})  # answered with 403
            else:
                await _refusal(403, why)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        path = scope["path"]
        is_ours = path == OURS or path.startswith(f"{OURS}/")
        if path == METRICS or (is_ours and not _PLAIN.fullmatch(path)):
            await _refusal(404, "no such address")(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _stranger(self, scope: Scope) -> str | None:
        """Why a request is not let in, else None; notes the alias that a proxy vouches for."""
        if self._host(scope) not in self._hosts:
            return "host not allowed"
        # Streamlit would look for this machine's address on the internet before it refuses.
        if scope["type"] == "websocket" and not self._is_own(scope):
            return "origin not allowed"
        if self._sign_in is None or scope["path"] == HEALTH:
            return None
        scope[REVIEWER] = self._sign_in.of_headers(scope["headers"])
        if not is_near(scope.get("client")):  # anybody could write that header
            scope[REVIEWER] = None
        return None if scope[REVIEWER] else _NOBODY

    @staticmethod
    def _is_own(scope: Scope) -> bool:
        """Whether a page of ours asks; programs name no origin."""
        (host,) = [value.lower() for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        wanted = (b"http://" + host, b"https://" + host)
        return not origins or (len(origins) == 1 and origins[0].lower() in wanted)

    @staticmethod
    def _host(scope: Scope) -> str:
        """Host of the request in lower case, without the port; "" unless there is exactly one."""
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1:
            return ""
        host = str(named[0].decode("latin-1")).lower()
        found = re.fullmatch(r"(\[[0-9a-f:]+\]|[^:\[\]]+)(:\d+)?", host)
        return found[1] if found else ""


def _refusal(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status, headers={"cache-control": "no-store"})
