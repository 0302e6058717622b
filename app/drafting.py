"""The policy that a visitor is looking at and may be changing; nothing of it is stored until saved.

A draft lives as long as the browser's session, also while its widgets are not on the page.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.policies import Policies
from audit.errors import UsageError
from curation.drafts import Content, changes, content

_KEY = "policy draft"
Keys = tuple[str, ...]
"""Where something stands, from the outermost key in: ("thresholds", "types", "illegal")."""


@dataclass(slots=True)
class Draft:
    """A policy as it is saved, and as it is on the page.

    digest   of its file when it was begun; round: another one gets widgets of its own
    problem  why the file cannot be read, "" where it can
    """

    name: str
    digest: str
    saved: Content
    now: Content
    round: int
    problem: str = ""

    @property
    def changed(self) -> Content:
        """What differs from what is saved."""
        return changes(self.saved, self.now)

    def get(self, path: Keys) -> Any:
        """What it says at a place; None: nothing."""
        found: Any = self.now
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def put(self, path: Keys, value: Any) -> None:
        """Say something at a place, or (None) nothing."""
        at = self.now
        for key in path[:-1]:
            at = at.setdefault(key, {})
        if value is None:
            at.pop(path[-1], None)
        else:
            at[path[-1]] = value


def draft(policies: Policies) -> Draft:
    """The visitor's draft: begun with the policy in force, and anew when its file has changed."""
    found: Draft | None = st.session_state.get(_KEY)
    if found is None:
        return begin(policies, policies.in_force)
    if found.problem or (not found.changed and _digest(policies, found.name) != found.digest):
        return begin(policies, found.name)
    return found


def begin(policies: Policies, name: str) -> Draft:
    """Throw away what was changed, and begin with a policy as it is saved."""
    before: Draft | None = st.session_state.get(_KEY)
    said: Content = {}
    problem = digest = ""
    try:
        digest = policies.digest(name)
        said = content(policies.read(name))
    except UsageError as error:
        problem = str(error)
    number = before.round + 1 if before else 1
    made = Draft(name, digest, said, copy.deepcopy(said), number, problem)
    st.session_state[_KEY] = made
    return made


def is_old(policies: Policies, found: Draft) -> bool:
    """Whether the file was changed by somebody else since the draft was begun."""
    return _digest(policies, found.name) != found.digest


def _digest(policies: Policies, name: str) -> str:
    try:
        return policies.digest(name)
    except UsageError:
        return "gone"
