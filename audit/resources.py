"""Finds the files that travel with Shardwarden, in a checkout and in an installed wheel.

In a checkout they lie in `data/` beside this package; a wheel carries them inside the package,
as `audit/_bundled/data`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Path of a file or folder under `data/`, e.g. `data_path("scorers", "compact")`.

    returns  an absolute path; whether it exists is for the caller to check
    """
    bundled = _PACKAGE / "_bundled" / "data"
    root = bundled if bundled.is_dir() else _PACKAGE.parent / "data"
    return root.joinpath(*parts)
