"""What came of something a visitor did: one line, as plain text, on the page that is drawn next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.faults import of_disk, short
from audit.errors import ShardwardenError
from audit.steps import Show
from audit.text import visible


def done(page: str, line: str, *, bad: bool = False) -> None:
    """Say this once, when the page is drawn next."""
    st.session_state[f"{page} says"] = (line, bad)


def told(page: str) -> None:
    """Show what there is to say, and forget it."""
    line, bad = st.session_state.pop(f"{page} says", ("", False))
    # There with or without a line: widgets that change their place forget their address.
    with st.container():
        if line:
            (problem if bad else note)(line)


@contextmanager
def working() -> Iterator[Show]:
    """Show that something is worked out, and how far it is; gone at the end."""
    with st.spinner("Working it out"):
        bar = st.empty()

        def show(done: int, of: int | None, word: str) -> None:
            bar.progress(done / of if of else 0.0, f"{word}, {done} of {of}" if of else word)

        try:
            yield show
        finally:
            bar.empty()


@contextmanager
def in_one_line() -> Iterator[None]:
    """What goes wrong in the block with a file or a disk is said in one line."""
    try:
        yield
    except ShardwardenError as error:  # of a file that somebody has to mend
        problem(short(error))
    except OSError as error:
        problem(of_disk(error))


def many(count: int, what: str) -> str:
    """How many of something: "1 line", "1,200 lines"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def problem(line: str) -> None:
    """A line about what is wrong; never Markdown, for it may quote a file."""
    with st.container(border=True):
        st.text(f"⚠ {visible(line)}")


def note(line: str) -> None:
    """A line about what went well."""
    with st.container(border=True):
        st.text(f"✓ {visible(line)}")
