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
from dataclasses import dataclass
from pathlib import Path

from audit.verdicts import PURPOSES

KEY = ".review-key"
HEADER = "x-audit-token"
LIFETIME = 12 * 3600  # seconds; the page gets a new one with every run of the script


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks: the reviewer, None for somebody who may only look, and which window of theirs."""

    reviewer: str | None
    window: str


class Tokens:
    """Signs with a secret of the catalog, so that a page gets through to a restarted server."""

    def __init__(self, catalog_dir: Path) -> None:
        """Read the secret, or make one that only this user of the machine can read."""
        self._secret = _secret(catalog_dir / KEY)

    def mint(self, reviewer: str | None, window: str = "") -> str:
        """A word for one window of one reviewer; None may look, and decide nothing.

        window   hex digits, by which leaving one window is told from leaving another
        """
        claim = f"{reviewer or ''}.{window}.{int(time.time()) + LIFETIME}"
        return f"{claim}.{self._sign(claim)}"

    def check(self, word: str) -> Claim | None:
        """What the word says; None when it is not ours or good no longer."""
        claim, _, signature = word.rpartition(".")
        if not word.isascii() or not hmac.compare_digest(signature, self._sign(claim)):
            return None
        parts = claim.split(".")
        if len(parts) != 3 or int(parts[2]) < time.time():  # an older release signed two parts
            return None
        return Claim(parts[0] or None, parts[1])

    def given(self, reviewer: str, row_id: int, purpose: str | None) -> str:
        """A word for a card, from which only `purpose_of` can tell why its row was given out."""
        return self._sign(f"given.{reviewer}.{row_id}.{purpose or ''}")[:32]

    def purpose_of(self, word: str, reviewer: str, row_id: int) -> str | None:
        """Why the row of a card was given out; None for open ones and for a word of elsewhere."""
        for purpose in PURPOSES:
            made = self.given(reviewer, row_id, purpose)
            if hmac.compare_digest(word.encode("utf-8", "replace"), made.encode()):
                return purpose
        return None

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
