"""Serves the review screen of one catalog: Streamlit, our routes and our headers in one process.

`streamlit run` binds its socket in a way that leaves Nagle's algorithm on, 40 ms a response; here
uvicorn binds it.
"""

from __future__ import annotations

import gc
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from audit.errors import UsageError

LOCAL = ("127.0.0.1", "localhost", "[::1]")

SETTINGS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "global.developmentMode": False,
    "logger.level": "warning",  # addresses hold row_ids
    "server.allowedHosts": ["127.0.0.1", "localhost", "::1"],
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "theme.base": "dark",
    # Both named, so that the menu offers dark, light, and whatever the system prefers.
    "theme.dark.backgroundColor": "#171614",
    "theme.light.backgroundColor": "#ffffff",
}
"""Streamlit's options, above whatever a config.toml in the working directory says."""


def serve(
    catalog: Path,
    reviewer: str | None,
    host: str,
    port: int,
    ready: Callable[[str], None],
    policy: str = "balanced",
) -> None:
    """Serve until interrupted.

    host     a loopback address
    port     0 takes a free one
    ready    is told the address, once it is being listened on
    policy   in force: name of a preset, or path of a file
    raises   ShardwardenError when the catalog or policy cannot be read or the port is taken
    """
    import uvicorn
    from streamlit import config as streamlit_config

    # `streamlit run` sets its flags this way; of the environment it takes them in no other.
    streamlit_config.get_config_options(
        force_reparse=True,
        options_from_flags={**SETTINGS, "server.address": host, "server.port": port},
    )
    from app.desk import open_desk

    desk = open_desk(catalog, reviewer, policy)
    with _listening(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"

        @asynccontextmanager
        async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
            # Streamlit collects garbage after every run of the script, half a second of it going
            # through modules that stay for good. Set apart, they are no longer looked at.
            gc.collect()
            gc.freeze()
            ready(address)
            yield {}

        config = uvicorn.Config(
            application(desk, lifespan), log_level="warning", access_log=False,
            server_header=False, timeout_graceful_shutdown=2, ws_max_size=8 << 20,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens on a loopback address.

    Its protocol is named, because asyncio turns Nagle's algorithm off for that protocol only.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise UsageError(f"--host {host}: not a loopback address; others could look on. Give ::1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        do = "give another --port, or 0 for any that is free"
        raise UsageError(f"--port {port}: {error.strerror}; {do}") from error
    return listener


def application(desk: Any, lifespan: Any = None) -> Any:
    """The ASGI application: everything that answers a browser."""
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from app.headers import Guard
    from app.routes import routes

    return App(
        Path(__file__).with_name("main.py"),
        routes=routes(desk),
        middleware=[Middleware(Guard, hosts=LOCAL)],
        lifespan=lifespan,
    )
