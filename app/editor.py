"""The widgets that change a draft of a policy: thresholds, grid, pictures and words, the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import streamlit as st

from app.drafting import Draft, Keys
from curation.rules import ACTIONS, FARTHEST, PAIRS, RISKY_LEVELS, RISKY_TYPES

NONE = "no rule"
PAIR_NAMES = {
    "unsafe_unsafe": "Picture and caption harmful",
    "unsafe_safe": "Picture harmful, caption not",
    "safe_unsafe": "Caption harmful, picture not",
    "safe_safe_unsafe": "Harmful together only",
}
_COPIES = ("keep", "review", "drop")
_FIRST = 0.5  # threshold of a rule that is new


def thresholds(draft: Draft, _: Collection[str]) -> None:
    """From which probability on a picture is of a type."""
    st.text("A picture is of a type from this probability on.")
    left, right = st.columns(2)
    for n, kind in enumerate(RISKY_TYPES):
        with (left, right)[n % 2]:
            _slider(draft, ("thresholds", "types", kind), kind)
    st.text("A picture of no type, whose risk (1 - p of safe) is still this high:")
    _rule(draft, ("thresholds", "risk"), ("uncertain",), "uncertain")


def grid(draft: Draft, _: Collection[str]) -> None:
    """What becomes of a type and level."""
    st.text("What becomes of a picture, by its type and level. Never looser for a higher level.")
    for kind in RISKY_TYPES:
        name, *cells = st.columns([1.1, 1.5, 1.5, 1.5], vertical_alignment="center")
        name.text(kind)
        for level, cell in zip(RISKY_LEVELS, cells, strict=True):
            with cell:
                label = f"{kind}, {level}"
                _select(draft, ("grid", kind, level), label, ACTIONS, hidden=kind != RISKY_TYPES[0])


def seen(draft: Draft, concepts: Collection[str]) -> None:
    """Rules on what is seen in a picture, and on words."""
    st.text("What is seen in the picture, whatever its type.")
    for group in ("concepts", "extras"):
        for name in draft.now.get(group, {}):
            _named(draft, group, name)
    there = draft.now.get("concepts", {})
    more = [name for name in sorted(concepts) if name not in there]
    if more:
        choose, add = st.columns([3, 1], vertical_alignment="bottom")
        key = f"policy {draft.round} new concept"
        choose.selectbox("Another concept", more, index=None, key=key, placeholder="choose one")
        add.button("Add a rule", on_click=_add, args=(draft, key), width="stretch")


def words(draft: Draft, _: Collection[str]) -> None:
    """Rules on captions, on text in pictures and on both together."""
    st.text("Captions of a type, from this risk on.")
    for kind in RISKY_TYPES:
        _rule(draft, ("thresholds", "captions", kind), ("captions", kind), kind, "caption")
    st.text("Words read in the picture, from this risk on.")
    _rule(draft, ("thresholds", "image_text"), ("image_text",), "words in the picture")
    st.text("Picture and caption together.")
    left, right = st.columns(2)
    for n, pair in enumerate(PAIRS):
        with (left, right)[n % 2]:
            _select(draft, ("pairs", pair), PAIR_NAMES[pair], (NONE, *ACTIONS))


def rest(draft: Draft, _: Collection[str]) -> None:
    """What is required, size, copies and what confirmation does."""
    _widget(draft, ("required",), lambda key: st.multiselect(
        "Quarantined without a score of", (*RISKY_TYPES, "caption"), key=key,
        on_change=_put, args=(draft, ("required",), key),
    ))  # fmt: skip
    left, right = st.columns(2)
    with left:
        _number(draft, ("size", "min_side"), "Shorter side, pixels at least", 1, 100_000)
        _select(draft, ("duplicates", "exact"), "All copies but one", _COPIES)
        _number(draft, ("duplicates", "near", "distance"), "Near-copies: bits apart", 0, FARTHEST)
    with right:
        _select(draft, ("size", "action"), "Smaller pictures", ACTIONS)
        _select(draft, ("duplicates", "near", "action"), "All near-copies but one", _COPIES)
        _select(
            draft, ("review", "confirmed"), "For review, once a person agreed",
            [action for action in ACTIONS if action != "review"],
        )  # fmt: skip


PARTS: dict[str, Callable[[Draft, Collection[str]], None]] = {
    "Thresholds": thresholds,
    "Types and levels": grid,
    "Seen": seen,
    "Words": words,
    "Size and copies": rest,
}


def _named(draft: Draft, group: str, name: str) -> None:
    """A rule that can be taken away."""
    what, score, action, away = st.columns([2, 3, 2.2, 1.3], vertical_alignment="bottom")
    what.text(name)
    with score:
        _slider(draft, ("thresholds", group, name), f"{name}, from", hidden=True)
    with action:
        _select(draft, (group, name), f"{name}, action", ACTIONS, hidden=True)
    away.button(
        "Remove", key=f"policy {draft.round} away {group} {name}", help="Take this rule away",
        on_click=_remove, args=(draft, (("thresholds", group, name), (group, name))),
    )  # fmt: skip


def _rule(draft: Draft, score: Keys, action: Keys, name: str, about: str = "") -> None:
    """A rule that is there or not: its threshold and its action."""
    what, left, right = st.columns([2, 3, 2.4], vertical_alignment="bottom")
    what.text(name)
    label = f"{about} {name}".strip()
    there = draft.get(action) is not None
    with left:
        _slider(draft, score, f"{label}, from", hidden=True, there=there)
    with right:
        key = _key(draft, action)
        if key not in st.session_state:
            st.session_state[key] = draft.get(action) or NONE
        st.selectbox(
            f"{label}, action", (NONE, *ACTIONS), key=key, label_visibility="collapsed",
            on_change=_put_rule, args=(draft, score, action, key),
        )  # fmt: skip


def _slider(
    draft: Draft, path: Keys, label: str, *, hidden: bool = False, there: bool = True
) -> None:
    value = draft.get(path) if there else _FIRST
    key = _key(draft, path) if there else f"{_key(draft, path)} none"
    if key not in st.session_state:
        st.session_state[key] = float(value)
    st.slider(
        label, min(0.01, float(value)), 1.0, step=0.01, key=key, disabled=not there,
        label_visibility="collapsed" if hidden else "visible",
        on_change=_put, args=(draft, path, key),
    )  # fmt: skip


def _select(
    draft: Draft, path: Keys, label: str, options: Sequence[str], *, hidden: bool = False
) -> None:
    key = _key(draft, path)
    if key not in st.session_state:
        st.session_state[key] = draft.get(path) or options[0]
    st.selectbox(
        label, options, key=key, label_visibility="collapsed" if hidden else "visible",
        on_change=_put, args=(draft, path, key),
    )  # fmt: skip


def _number(draft: Draft, path: Keys, label: str, least: int, most: int) -> None:
    _widget(draft, path, lambda key: st.number_input(
        label, least, most, key=key, on_change=_put, args=(draft, path, key)
    ))  # fmt: skip


def _widget(draft: Draft, path: Keys, make: Callable[[str], Any]) -> None:
    key = _key(draft, path)
    if key not in st.session_state:
        st.session_state[key] = draft.get(path)
    make(key)


def _key(draft: Draft, path: Keys) -> str:
    return f"policy {draft.round} {'/'.join(path)}"


def _put(draft: Draft, path: Keys, key: str) -> None:
    value = st.session_state[key]
    if isinstance(value, float):
        value = round(value, 6)
    draft.put(path, None if value == NONE else value)


def _put_rule(draft: Draft, score: Keys, action: Keys, key: str) -> None:
    chosen = st.session_state[key]
    if chosen == NONE:
        _remove(draft, (score, action))
        return
    draft.put(action, chosen)
    if draft.get(score) is None:
        draft.put(score, _FIRST)


def _remove(draft: Draft, paths: Sequence[Keys]) -> None:
    for path in paths:
        draft.put(path, None)
        # Should the rule come back, its widgets begin with what it says then.
        st.session_state.pop(_key(draft, path), None)


def _add(draft: Draft, key: str) -> None:
    name = st.session_state[key]
    if name:
        draft.put(("thresholds", "concepts", name), _FIRST)
        draft.put(("concepts", name), "review")
        st.session_state[key] = None
