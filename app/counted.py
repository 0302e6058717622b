"""Counts over the whole catalog, each made once for as long as the catalog is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from app.desk import Desk
from audit.reader import Snapshot

Found = TypeVar("Found")

KEPT = 512  # answers; a slider that is dragged asks for a hundred


def counted(desk: Desk, question: Callable[..., Found], *values: Any) -> Found:
    """What a function of audit.surveys answers of the catalog as it is published now.

    values   what it takes behind the catalog; they and the answer are kept
    """
    snapshot = desk.now()
    key = (str(snapshot.directory), snapshot.signature, question.__name__, values)
    found: Found = _counted(key, snapshot, question, values)
    return found


@st.cache_data(max_entries=KEPT, show_spinner="Counting …")
def _counted(
    key: object, _snapshot: Snapshot, _question: Callable[..., Any], _values: tuple[Any, ...]
) -> Any:
    return _question(_snapshot, *_values)
