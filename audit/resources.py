"""Finds the files that travel with Shardwarden, in a checkout and in an installed wheel.

In a checkout they lie in `data/` and `app/` beside this package; a wheel carries them inside the
package, as `audit/_bundled/data` and `audit/_bundled/app`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Path of a file or folder under `data/`, e.g. `data_path("scorers", "compact")`.

    returns  an absolute path; whether it exists is for the caller to check
    """
    return _path("data", *parts)


def app_path(*parts: str) -> Path:
    """Path of a file or folder under `app/`, the review screen; as `data_path`."""
    return _path("app", *parts)


def _path(folder: str, *parts: str) -> Path:
    bundled = _PACKAGE / "_bundled" / folder
    root = bundled if bundled.is_dir() else _PACKAGE.parent / folder
    return root.joinpath(*parts)
