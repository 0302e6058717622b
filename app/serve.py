"""Serves the review screen of one catalog: Streamlit, our routes and our headers in one process.

`streamlit run` binds its socket in a way that leaves Nagle's algorithm on, 40 ms a response; here
uvicorn binds it.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.identity import Who, check_provider
from audit.errors import UsageError
from audit.terminal import warn

LOCAL = ("127.0.0.1", "localhost", "[::1]")

SETTINGS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "global.developmentMode": False,
    "logger.level": "warning",  # addresses hold row_ids
    # After each run Streamlit would look at every decision in memory, before what the script has
    # drawn is sent. Python does that by itself, when much has come to be.
    "runner.postScriptGC": False,
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 20,  # MB; what the page Search takes at most
    "theme.base": "dark",
    # Both named, so that the menu offers dark, light, and whatever the system prefers. Streamlit's
    # own red is too dark for letters on a dark ground.
    "theme.dark.backgroundColor": "#171614",
    "theme.dark.primaryColor": "#8ab4f8",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.primaryColor": "#1f5fbf",
}
"""Streamlit's options, above whatever a config.toml in the working directory says."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen.

    host    an address; only with the sign-in "oidc" one that other machines can reach
    port    0 takes a free one
    socket  of a proxy on this machine, instead of host and port
    names   under which the screen may be asked for, besides those of this machine
    """

    host: str = "127.0.0.1"
    port: int = 8501
    socket: Path | None = None
    names: tuple[str, ...] = ()


def serve(
    catalog: Path,
    who: Who,
    place: Place,
    ready: Callable[[str], None],
    policy: str = "balanced",
    scorer: str | None = None,
) -> None:
    """Serve until interrupted.

    ready    is told the address, once it is being listened on
    policy   in force: name of a preset, or path of a file
    scorer   that the catalog was made with, or its folder; None: by the name it has there
    raises   ShardwardenError when the catalog or policy cannot be read, the port is taken, or
             others could reach the screen without signing in
    """
    _check(who, place)
    import uvicorn
    from streamlit import config as streamlit_config

    # `streamlit run` sets its flags this way; of the environment it takes them in no other.
    flags = {**SETTINGS, "server.address": place.host, "server.port": place.port}
    streamlit_config.get_config_options(force_reparse=True, options_from_flags=flags)
    from app.alone import claimed
    from app.desk import Desk, open_desk
    from app.ending import Server, leave, stop_scripts

    names = [*LOCAL, *place.names]
    if who.mode == "oidc":
        names.append(check_provider())
    bare = [name.strip("[]") for name in names]
    streamlit_config.set_option("server.allowedHosts", bare)
    desk = open_desk(Desk(catalog, who, policy, scorer))
    with claimed(catalog) as alone, listening(place) as listener:
        if not alone:
            warn(
                f"{catalog}: another `audit review` serves it; each gives out pictures without "
                "asking the other, so two people may get the same one: better use the one there is"
            )

        @asynccontextmanager
        async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
            # A collection of garbage goes through all modules for half a second, and nothing else
            # runs meanwhile. They stay for good: set apart, they are no longer looked at.
            gc.collect()
            gc.freeze()
            ready(_address(listener))
            yield {}
            await stop_scripts()
            desk.close()

        config = uvicorn.Config(
            application(desk, lifespan, names), log_level="warning", access_log=False,
            server_header=False, timeout_graceful_shutdown=2, ws_max_size=8 << 20,
            proxy_headers=False,  # the guard wants to know who is at the other end of the line
        )  # fmt: skip
        try:
            with suppress(KeyboardInterrupt):  # the usual way to end it
                Server(config).run(sockets=[listener])
        finally:
            gc.unfreeze()  # the interpreter's end has to find them
    leave()


def _check(who: Who, place: Place) -> None:
    """UsageError where somebody could get in who should not."""
    if place.socket is not None and who.mode != "proxy":
        raise UsageError("--socket: is for --sign-in proxy; leave it, or sign in by a proxy")
    try:
        is_near = ipaddress.ip_address(place.host).is_loopback
    except ValueError:
        raise UsageError(f"--host {place.host}: not an address; give one such as ::1") from None
    if not is_near and who.mode != "oidc":
        do = "give ::1, or --sign-in oidc"
        raise UsageError(f"--host {place.host}: not a loopback address; others could look on: {do}")


@contextmanager
def listening(place: Place) -> Iterator[socket.socket]:
    """A socket that listens.

    Its protocol is named, because asyncio turns Nagle's algorithm off for that protocol only.
    """
    if place.socket is not None:
        with _at_file(place.socket) as listener:
            yield listener
        return
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((place.host, place.port))
            listener.listen(2048)
        except OSError as error:
            do = "give another --port, or 0 for any that is free"
            raise UsageError(f"--port {place.port}: {error.strerror}; {do}") from error
        yield listener


@contextmanager
def _at_file(path: Path) -> Iterator[socket.socket]:
    """A unix socket that only this user, and whoever may enter as them, can connect to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            if path.is_socket():
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                    if probe.connect_ex(str(path)) == 0:
                        raise UsageError(f"--socket {path}: in use; give another")
                path.unlink()  # of a server that was killed
            before = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(before)
            listener.listen(2048)
        except OSError as error:
            raise UsageError(f"--socket {path}: {error.strerror or error}; give another") from error
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _address(listener: socket.socket) -> str:
    """What to open in a browser, or to give a proxy."""
    found = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{found}"
    host, port = found[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def application(desk: Any, lifespan: Any = None, names: Sequence[str] = LOCAL) -> Any:
    """The ASGI application: everything that answers a browser.

    names   of hosts under which it may be asked for
    """
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from app.headers import Guard
    from app.routes import routes

    return App(
        Path(__file__).with_name("main.py"),
        routes=routes(desk),
        middleware=[Middleware(Guard, hosts=names, sign_in=desk.sign_in)],
        lifespan=lifespan,
    )
