"""The comment line of a policy file that names the scorer its thresholds were fitted to."""

from __future__ import annotations

import re
from pathlib import Path

_SAID = "# thresholds fitted to the scorer"
_LINE = re.compile(rf"^{_SAID} (\S+)$", re.MULTILINE)


def naming(text: str, scorer: str) -> str:
    """The text of a policy with the line for this scorer, in place of an earlier one."""
    line = f"{_SAID} {scorer}"
    if _LINE.search(text):
        return _LINE.sub(line, text, count=1)
    mark = "\ufeff" if text.startswith("\ufeff") else ""  # must stay the first character
    return f"{mark}{line}\n{text.removeprefix(mark)}"


def fitted_to(policy: Path) -> str | None:
    """Fingerprint of the scorer that a policy file names; None where it names none."""
    found = _LINE.search(policy.read_text(encoding="utf-8"))
    return found[1] if found else None
