"""Who somebody is: named on the command line, by a proxy in front, or by an OpenID provider.

Nothing that a page sends can change it. Identities of elsewhere become aliases, which is what
decisions are signed with.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.errors import UsageError
from audit.verdicts import is_alias

MODES = ("local", "proxy", "oidc")
HEADER = "X-Forwarded-User"
MOST = 320  # characters of an identity: the longest address of mail
_SECRETS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")

RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Who:
    """Who reviews: one by name, or everybody whom a proxy or provider names.

    reviewer  with the mode "local", which has no other; None: nothing can be decided
    mode      of MODES
    header    of a request, in which the proxy names who asks; only with "proxy"
    raises    UsageError for a name that is none, or one beside a proxy or provider
    """

    reviewer: str | None = None
    mode: str = "local"
    header: str = HEADER

    def __post_init__(self) -> None:
        """Refuse a name that is none, and one where everybody has their own."""
        if self.reviewer is None:
            return
        if not is_alias(self.reviewer):
            raise UsageError(
                f"--reviewer {self.reviewer!r}: a name is a-z, 0-9, _ and -, begins with a letter "
                "or figure and has 64 characters at most; choose another"
            )
        if self.mode != "local":
            do = "everybody has their own; leave it"
            raise UsageError(f"--reviewer: with --sign-in {self.mode} {do}")


@dataclass(frozen=True, slots=True)
class SignIn:
    """How reviewers are known.

    mode     of MODES
    header   of a request, in which the proxy names who asks; only with "proxy"
    people   identity in lower case -> alias; nobody else gets in where it is not empty
    raises   UsageError for what cannot be
    """

    mode: str = "local"
    header: str = HEADER
    people: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a mode or header that there is not, and a provider that lets in the world."""
        if self.mode not in MODES:
            raise UsageError(f"unknown sign-in {self.mode!r}; known: {', '.join(MODES)}")
        if not _HEADER_NAME.fullmatch(self.header) or self.header.lower() in _TAKEN:
            raise UsageError(f"--identity-header {self.header!r}: not a name for it; try {HEADER}")
        if self.mode == "oidc" and not self.people:
            raise UsageError(
                "--sign-in oidc: anybody with an account of your provider could get in; say who "
                "may under `people` in the catalog's review.yaml"
            )

    def alias(self, identity: str) -> str | None:
        """The alias of an identity; None for somebody who may not get in."""
        known = identity.strip().lower()
        if not 0 < len(known) <= MOST or not known.isprintable():
            return None
        if self.people:
            return self.people.get(known)
        if is_alias(known):
            return known
        # Two identities never share an alias, however alike they are without their signs.
        plain = re.sub(r"[^a-z0-9]+", "-", known).strip("-")[:40] or "reviewer"
        return f"{plain}-{hashlib.sha256(known.encode()).hexdigest()[:8]}"

    def of_headers(self, headers: RawHeaders) -> str | None:
        """The alias of whoever a proxy names; None unless it names exactly one who may get in."""
        wanted = self.header.lower().encode()
        named = [value for name, value in headers if name.lower() == wanted]
        if len(named) != 1:
            return None
        try:
            return self.alias(named[0].decode("utf-8"))
        except UnicodeDecodeError:
            return None

    def of_account(self, account: Mapping[str, Any]) -> str | None:
        """The alias of an account of an OpenID provider; None for one that may not get in."""
        if account.get("is_logged_in") is not True:
            return None
        email = account.get("email")
        if isinstance(email, str) and account.get("email_verified", True) is True:
            found = self.alias(email)
            if found is not None:
                return found
        subject = account.get("sub")
        return self.alias(subject) if isinstance(subject, str) else None


_TAKEN = ("host", "cookie", "origin", "authorization", "connection", "upgrade", "content-type")


def is_near(client: tuple[str, int] | None) -> bool:
    """Whether a request comes from this machine: a unix socket (None) or a loopback address."""
    if client is None:
        return True
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def check_provider() -> str:
    """Make sure that `st.login` can work; returns the host that the provider sends people back to.

    raises   UsageError saying what is missing
    """
    from urllib.parse import urlsplit

    from streamlit import auth_util

    if not auth_util.is_authlib_installed():
        raise UsageError(
            "--sign-in oidc: needs the extra oidc; install it: pip install 'shardwarden[oidc]'"
        )
    said = auth_util.get_secrets_auth_section()
    missing = [name for name in _SECRETS if not said.get(name)]
    if missing:
        raise UsageError(
            f".streamlit/secrets.toml: [auth] lacks {', '.join(missing)}; app/README.md has an "
            "example"
        )
    address = urlsplit(str(said["redirect_uri"]))
    if not address.hostname or not address.path.endswith("/oauth2callback"):
        raise UsageError(
            ".streamlit/secrets.toml: redirect_uri is this screen's address and /oauth2callback; "
            "write it so"
        )
    return address.hostname
