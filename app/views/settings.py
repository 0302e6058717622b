"""The page Settings: what one reviewer wants for themselves, and what their team has agreed on.

What is chosen is kept at once, for the person and not for the browser.
"""

from __future__ import annotations

from datetime import date

import streamlit as st

from app.agreement import Consistency, consistency
from app.exposure import LIGHT, Day
from app.faults import of_disk, short
from app.grid import show_keys
from app.notes import done, problem, told
from app.people import COLUMNS, Personal
from app.tables import show_table
from app.visit import Visit, visit
from audit.errors import UsageError
from audit.taxonomy import TYPES

DAYS_SHOWN = 14
_SAYS = "settings"
_CALLED = {
    "blur": "blur",
    "always_grey": "grey",
    "notice": "word before a hard batch",
    "columns": "columns",
    "break_reveals": "pause after pictures",
    "break_minutes": "pause after minutes",
    "daily_cap": "daily limit",
    "opt_out": "types you do not want",
}
_CONSISTENT = {
    "repeat": "Your own, shown again: you said the same",
    "known": "Settled before: you said what was settled",
}


def settings_page() -> None:
    """Draw the page."""
    here = visit()
    told(_SAYS)
    try:
        personal = here.desk.people.of(here.reviewer)
        seen = here.desk.exposure.days(here.reviewer)
    except UsageError as error:
        problem(str(error))
        return
    if here.reviewer is None:
        st.text("Read-only: settings are kept for reviewers who have a name.")
    left, right = st.columns([11, 10], gap="large")
    with left:
        _wellbeing(here, personal)
        _unwanted(here, personal)
        _exposure(seen)
        _own_results(here)
        _team(here)
    with right:
        show_keys(here)


def _wellbeing(here: Visit, personal: Personal) -> None:
    st.subheader("Wellbeing", anchor=False)
    st.text(
        "Blur and grey are comfort, not protection: studies found no lasting benefit. Fewer looks, "
        "shorter runs and pauses are what can help. No study gives a safe number; the numbers "
        "below are judgement, and yours."
    )
    first, second = st.columns(2, gap="medium")
    off = here.reviewer is None
    with first:
        st.slider(
            "Blur of the small previews", 0, 100, personal.blur, key="blur", format="%d %%",
            disabled=off, on_change=_chosen, args=("blur",),
        )  # fmt: skip
        st.toggle(
            "Revealed pictures stay grey", personal.always_grey, key="always_grey", disabled=off,
            on_change=_chosen, args=("always_grey",),
        )  # fmt: skip
        st.toggle(
            "Say before a batch when most of it is high", personal.notice, key="notice",
            disabled=off, on_change=_chosen, args=("notice",),
        )  # fmt: skip
        st.selectbox(
            "Columns of the grid", COLUMNS, COLUMNS.index(personal.columns), key="columns",
            format_func=lambda count: str(count) if count else "As many as fit", disabled=off,
            on_change=_chosen, args=("columns",),
        )  # fmt: skip
    with second:
        st.number_input(
            "Propose a pause after so many revealed (medium or high); 0: never", 0, 10_000,
            personal.break_reveals, key="break_reveals", disabled=off,
            on_change=_chosen, args=("break_reveals",),
        )  # fmt: skip
        st.number_input(
            "Propose a pause after so many minutes; 0: never", 0, 600, personal.break_minutes,
            key="break_minutes", disabled=off, on_change=_chosen, args=("break_minutes",),
        )  # fmt: skip
        st.number_input(
            "Reveal no more than so many a day; 0: no limit", 0, 100_000, personal.daily_cap,
            key="daily_cap", disabled=off, on_change=_chosen, args=("daily_cap",),
        )  # fmt: skip


def _unwanted(here: Visit, personal: Personal) -> None:
    st.subheader("Types you do not want", anchor=False)
    st.text("You are not given these, and see no preview of them. No reason is asked.")
    st.pills(
        "Types you do not want", [name for name in TYPES if name != "safe"],
        selection_mode="multi", default=personal.opt_out, key="opt_out",
        label_visibility="collapsed", disabled=here.reviewer is None,
        on_change=_chosen, args=("opt_out",),
    )  # fmt: skip


def _exposure(seen: dict[date, Day]) -> None:
    """Told to nobody else."""
    st.subheader("What you have revealed", anchor=False)
    if not seen:
        st.text("Nothing so far. Only you see these counts.")
        return
    st.text("Only you see these counts.")
    latest = sorted(seen.items(), reverse=True)[:DAYS_SHOWN]
    show_table(
        "seen", f"By day, the last {DAYS_SHOWN} at most",
        ("Day", "Pictures", "Medium or high", "Minutes", "Most of"),
        [(f"{day:%Y-%m-%d}", *_of_day(found)) for day, found in latest], figures=(1, 2, 3),
    )  # fmt: skip


def _of_day(day: Day) -> tuple[int, int, str, str]:
    heavy = sum(count for (_, level), count in day.kinds.items() if level not in LIGHT)
    kinds = day.kinds.most_common(1)
    most = f"{kinds[0][0][0]} {kinds[0][0][1]}" if kinds else ""
    return day.pictures, heavy, f"{day.seconds / 60:.1f}", most


def _own_results(here: Visit) -> None:
    """How consistent the person is; told to nobody else."""
    if here.reviewer is None:
        return
    st.subheader("How steady your decisions are", anchor=False)
    here.desk.mirror.catch_up()
    found = [each for each in consistency(here.desk.mirror.log(), here.reviewer) if each.asked]
    if not found:
        st.text(
            "Nothing to compare yet. A few pictures come again now and then; only you see this."
        )
        return
    show_table(
        "steady", "A few pictures come again, or were settled by others; only you see this",
        ("Pictures", "Same", "Of", "Share, 95 % interval"), [_row(each) for each in found],
        figures=(1, 2, 3),
    )  # fmt: skip


def _row(found: Consistency) -> tuple[str, int, int, str]:
    share = found.alike / found.asked
    interval = f"{share:.0%} ({found.low:.0%} to {found.high:.0%})"
    return _CONSISTENT[found.what], found.alike, found.asked, interval


def _team(here: Visit) -> None:
    team = here.desk.team
    for title, text in (
        ("Guidelines", team.guidelines),
        ("Help and contacts", team.contacts),
        ("When you have locked something away", team.locked),
    ):
        if text:
            st.subheader(title, anchor=False)
            st.text(text)
    if not (team.guidelines or team.contacts or team.locked):
        st.subheader("Guidelines and contacts", anchor=False)
        st.text("None yet. Your team can write them into review.yaml in the catalog's folder.")


def _chosen(name: str) -> None:
    """Keep a setting; the widget of that name has been changed."""
    here = visit()
    if here.reviewer is None:  # a widget that is disabled can still be sent
        return
    value = st.session_state[name]
    try:
        here.desk.people.change(here.reviewer, {name: value})
        st.toast(f"Saved: {_CALLED[name]}")  # moves nothing on the page
    except UsageError as error:
        done(_SAYS, f"Not saved: {short(error)}", bad=True)
    except OSError as error:
        done(_SAYS, f"Not saved: {of_disk(error)}", bad=True)
