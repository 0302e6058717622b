"""Who is asking: a signed, short-lived word that the page is given and our routes ask for.

The routes do not see Streamlit's session. The word travels in a header, which no foreign page can
set, so that it also keeps forms and pictures of other sites from asking anything.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

HEADER = "x-audit-token"
LIFETIME = 12 * 3600  # seconds; the page gets a new one with every run of the script


class Tokens:
    """Signs with a secret of this process: words of an earlier server are worth nothing."""

    def __init__(self) -> None:
        """A new secret."""
        self._secret = secrets.token_bytes(32)

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
