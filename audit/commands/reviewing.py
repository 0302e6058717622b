"""The command that opens the review screen: review."""

from __future__ import annotations

import contextlib
import getpass
import importlib
import importlib.util
import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from types import ModuleType

from audit.options import Command, catalog
from audit.terminal import say


def add(command: Command) -> None:
    """Add this command to the parser."""
    # fmt: off
    p = command("review", review, "open the review screen of a catalog in a browser",
                "laion.audit --reviewer ann")
    catalog(p)
    p.add_argument("--reviewer", metavar="NAME",
                   help="who decides: a-z, 0-9, _ and -; without a name nothing can be decided")
    p.add_argument("--port", type=_port, default=8501, metavar="N",
                   help="port to listen on, 0 for any that is free (default: 8501)")
    p.add_argument("--host", default="127.0.0.1", metavar="ADDRESS",
                   help="address to listen on; only with --sign-in oidc one that others can reach "
                        "(default: 127.0.0.1)")
    p.add_argument("--sign-in", default="local", choices=("local", "proxy", "oidc"),
                   help="who decides: --reviewer, whom a proxy in front names, or whom an OpenID "
                        "provider knows (default: local)")
    p.add_argument("--identity-header", default="X-Forwarded-User", metavar="NAME",
                   help="of requests, in which the proxy names who asks "
                        "(default: X-Forwarded-User)")
    p.add_argument("--socket", type=Path, metavar="PATH",
                   help="listen on this unix socket instead, for a proxy on this machine")
    p.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                   help="host name under which the proxy is asked; may be given again")
    p.add_argument("--policy", default="balanced", metavar="NAME|FILE",
                   help="in force while deciding: strict, balanced, permissive, psa-vlm or a YAML "
                        "file (default: balanced)")
    p.add_argument("--scorer", metavar="NAME|FOLDER",
                   help="that made the catalog, for evidence maps and pictures like another, when "
                        "it is none of the bundled ones")
    # fmt: on


def review(args: Namespace) -> int:
    """Serve the review screen until Ctrl-C."""
    from audit.building import refresh

    if (args.catalog / "parts").is_dir():
        refresh(args.catalog)  # a scan that is still running builds the index at its end only

    def ready(address: str) -> None:
        say(f"{address}  ({_who(args)}; Ctrl-C ends)")
        sys.stdout.flush()

    with contextlib.suppress(KeyboardInterrupt):  # the usual way to end it
        app = _app()
        who = app.Who(args.reviewer, args.sign_in, args.identity_header)
        place = app.Place(args.host, args.port, args.socket, tuple(args.allow_host))
        app.serve(args.catalog, who, place, ready, args.policy, args.scorer)
    return 0


def _who(args: Namespace) -> str:
    """Who can decide, in words."""
    if args.sign_in == "proxy":
        return f"as whom the proxy names in {args.identity_header}"
    if args.sign_in == "oidc":
        return "as whoever signs in"
    if args.reviewer:
        return f"as {args.reviewer}"
    return f"read-only; to decide, give --reviewer NAME, such as {_me()}"


def _app() -> ModuleType:
    """The module app.serve of the screen, which travels as a resource: this room imports none."""
    from audit.resources import app_path

    if "app" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "app", app_path("__init__.py"), submodule_search_locations=[str(app_path())]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{app_path()}: the review screen is not there")
        module = importlib.util.module_from_spec(spec)
        sys.modules["app"] = module
        spec.loader.exec_module(module)
    return importlib.import_module("app.serve")


def _me() -> str:
    try:
        name = getpass.getuser().lower()
    except OSError:  # no such user: containers
        name = ""
    return name if name.isidentifier() and name.isascii() else "ann"


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise ArgumentTypeError(f"{number} is no port")
    return number
