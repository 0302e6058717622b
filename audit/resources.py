"""Finds the files that travel with Shardwarden, in a checkout and in an installed wheel.

In a checkout they lie in `data/` and `app/` beside this package; a wheel carries them inside
the package, as `audit/_bundled/data` and `audit/_bundled/app`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Path of a file or folder under `data/`, e.g. `data_path("scorers", "compact")`.

    returns  an absolute path; whether it exists is for the caller to check
    """
    return _root("data").joinpath(*parts)


def app_path(*parts: str) -> Path:
    """Path of a file under `app/`, e.g. `app_path("main.py")`; see `data_path`."""
    return _root("app").joinpath(*parts)


def _root(folder: str) -> Path:
    """The bundled folder of an installed wheel, else the one of the checkout."""
    bundled = _PACKAGE / "_bundled" / folder
    return bundled if bundled.is_dir() else _PACKAGE.parent / folder
