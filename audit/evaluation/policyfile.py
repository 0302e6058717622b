"""Thresholds -> a policy file, without touching anything else that stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audit.errors import UsageError
from audit.fitted import naming
from audit.yamledit import NotLineByLine, rewrite


def write_thresholds(path: Path, thresholds: Mapping[str, float], scorer: str) -> None:
    """Set `thresholds: {types: {NAME: VALUE}}` in a policy file; make the file when it is absent.

    thresholds  name of a type -> 0..1; types that are not named keep theirs
    scorer      fingerprint, said in a comment line; `audit.fitted` finds it
    raises      UsageError when the file is not YAML, or is none that can be edited or written; it
                is then as it was
    """
    wanted = {"thresholds": {"types": dict(thresholds)}}
    try:
        rewrite(path, wanted, comment=lambda text: naming(text, scorer))
    except NotLineByLine:
        raise UsageError(
            f"{path.resolve()}: thresholds cannot be put into it line by line; write them as a "
            f"block, `thresholds:` and below it `types:`: {wanted['thresholds']['types']}"
        ) from None
