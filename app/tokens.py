"""Who is asking: a signed, short-lived word that the page is given and our routes ask for.

The routes do not see Streamlit's session. The word travels in a header, which no foreign page can
set, so that it also keeps forms and pictures of other sites from asking anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

KEY = ".review-key"
HEADER = "x-audit-token"
LIFETIME = 12 * 3600  # seconds; the page gets a new one with every run of the script


class Tokens:
    """Signs with a secret of the catalog, so that a page gets through to a restarted server."""

    def __init__(self, catalog_dir: Path) -> None:
        """Read the secret, or make one that only this user of the machine can read."""
        self._secret = _secret(catalog_dir / KEY)

    def mint(self, reviewer: str | None) -> str:
        """A word for one reviewer; None may look, and decide nothing."""
        claim = f"{reviewer or ''}.{int(time.time()) + LIFETIME}"
        return f"{claim}.{self._sign(claim)}"

    def check(self, word: str) -> tuple[bool, str | None]:
        """(whether the word is ours and still good, whose it is)."""
        claim, _, signature = word.rpartition(".")
        if not word.isascii() or not hmac.compare_digest(signature, self._sign(claim)):
            return False, None
        reviewer, _, until = claim.rpartition(".")
        return int(until) >= time.time(), reviewer or None

    def _sign(self, claim: str) -> str:
        return hmac.new(self._secret, claim.encode(), hashlib.sha256).hexdigest()


def _secret(path: Path) -> bytes:
    """32 bytes from a file of mode 600; those of this process only where none can be written."""
    made = secrets.token_bytes(32)
    with contextlib.suppress(OSError):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            found = path.read_bytes()
            return found if len(found) == len(made) else made  # cut: somebody is writing it
        with os.fdopen(handle, "wb") as file:
            file.write(made)
    return made
