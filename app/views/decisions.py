"""The page Decisions: what waits for a ruling, the log, batches, agreement, the log as a file."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import streamlit as st

from app.agreement import METHOD, NONE_YET, Agreement
from app.download import show_downloads
from app.links import SETTINGS, address, follow, show_link
from app.logs import Batch, Wanted, batches, is_undone, lines, reviewers
from app.notes import in_one_line
from app.noting import MOST_CHARACTERS
from app.progress import agreements
from app.tables import Cell, show_table
from app.views.listing import show_listing, to_first_page
from app.visit import Visit, visit
from audit.errors import UsageError
from audit.reader import Spec
from audit.text import visible
from audit.verdicts import VERDICTS, Decision

LINES = 50  # of the log on a page
BATCHES = 20
EVERY = Spec(scope="any")
WAITING = {"disagreed": "Disagreed", "escalated": "Escalated"}
LOG = (
    "Time (UTC)", "Reviewer", "Verdict", "Type", "Level", "Picture", "Looked", "Batch", "Note",
)  # fmt: skip
ANYBODY, ANYTHING = "everybody", "all"


def decisions_page() -> None:
    """Draw the page."""
    here = visit()
    chosen = st.segmented_control(
        "Show", tuple(SECTIONS), default=next(iter(SECTIONS)), key="section", required=True,
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    SECTIONS[str(chosen)](here)


def _to_settle(here: Visit) -> None:
    """The rows that reviewers disagree about, or left to others, in the grid."""
    desk = here.desk
    is_new = "waiting" not in st.session_state  # Streamlit forgets it where it is not drawn
    with st.container(horizontal=True, vertical_alignment="center"):
        state = st.segmented_control(
            "Waiting for a ruling", tuple(WAITING), default="disagreed", key="waiting",
            required=True, format_func=WAITING.__getitem__, bind="query-params",
            on_change=to_first_page, label_visibility="collapsed", width="content",
        )  # fmt: skip
        st.text("Look for yourself, then ask what was said. The verdict you give here stands.")
    if not desk.team.settles(here.reviewer):
        count = len(desk.results.of(EVERY, str(state), renew=True).row_ids)
        who = ", ".join(desk.team.adjudicators) or "whoever has a name"
        st.text(f"{count:,} samples wait. {who} can settle them; a reviewer works on in Review.")
        return
    if is_new:
        desk.assignments.renew(here, EVERY, str(state))
    empty = {
        "disagreed": "No reviewers disagree.", "escalated": "Nothing was escalated."
    }[str(state)]  # fmt: skip
    show_listing(here, EVERY, str(state), empty, ruling=True)


def _log(here: Visit) -> None:
    """What was decided, the newest first."""
    wanted = _wanted(here)
    found = lines(here.desk, wanted)
    if wanted.verdict or wanted.batch:  # else a filter would tell what is kept back
        found = [decision for decision in found if not _is_kept_back(here, decision)]
    pages = max(1, -(-len(found) // LINES))
    if st.session_state.get("line_page", 1) > pages:
        st.session_state["line_page"] = 1
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(found):,} lines", width="content")
        page = st.pagination(pages, key="line_page", max_visible_pages=5, width=330)
    if not found:
        st.text("Nothing was decided that fits this.")
        return
    shown = found[(page - 1) * LINES : page * LINES]
    link = show_table(
        "log",
        "Decisions, the newest first; undone ones stay in the log",
        LOG,
        [_line(here, decision) for decision in shown],
    )
    follow(link)


def _wanted(here: Visit) -> Wanted:
    """The filters of the log."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = (ANYBODY, *reviewers(here.desk))
        who = st.selectbox("Reviewer", names, key="who", bind="query-params", width=160)
        verdicts = (ANYTHING, *VERDICTS)
        verdict = st.selectbox("Verdict", verdicts, key="verdict", bind="query-params", width=160)
        day = st.date_input("Day", None, key="day", bind="query-params", width=150)
        batch = st.text_input(
            "Batch", key="batch", max_chars=32, bind="query-params", width=150,
            placeholder="first digits",
        )  # fmt: skip
        row = st.text_input(
            "Row", key="row", max_chars=19, bind="query-params", width=190, placeholder="row_id"
        )
    row_id = int(row) if row.isdecimal() and row.isascii() and int(row) < 2**63 else None
    if row.strip() and row_id is None:
        st.text("Row: give the digits of a row_id; the pane of a sample says it.")
    return Wanted(
        "" if who == ANYBODY else who,
        "" if verdict == ANYTHING else verdict,
        day.isoformat() if isinstance(day, date) else "",
        batch.strip().lower(),
        row_id,
    )


def _line(here: Visit, decision: Decision) -> list[Cell | str | int]:
    """A line of the log; what is to be judged blind is kept back."""
    desk = here.desk
    link = Cell(
        f"…{str(decision.row_id)[-6:]}",
        address(replace(EVERY, way="rows", given=str(decision.row_id))),
        f"show row {decision.row_id}",
    )
    when = decision.time.replace("T", " ")[:19]
    if _is_kept_back(here, decision):
        kept = "kept back until you have looked"
        return [when, decision.reviewer, kept, "", "", link, "", "", ""]
    verdict = f"rules: {decision.ruling}" if decision.ruling else decision.verdict
    if is_undone(desk, decision):
        verdict = f"{verdict} (undone)"
    return [
        when,
        decision.reviewer,
        verdict,
        decision.type or "",
        decision.level or "",
        link,
        _looked(decision),
        (decision.batch or "")[:8],
        visible(decision.note[:MOST_CHARACTERS]),
    ]


def _is_kept_back(here: Visit, decision: Decision) -> bool:
    """Whether it is somebody else's, about a row that the reviewer has not looked at."""
    others = decision.reviewer != here.reviewer
    others = others and here.reviewer not in here.desk.team.adjudicators
    return others and here.desk.assignments.hidden(here.reviewer, decision.row_id)


def _looked(decision: Decision) -> str:
    """What was looked at."""
    if decision.undoes is not None:
        return ""
    if decision.revealed:
        return "picture"
    return "one of many" if decision.of_many else "preview"


def _batches(here: Visit) -> None:
    """What was decided for many at once, and taking it back."""
    _progress(here)
    found = batches(here.desk, BATCHES)
    if not found:
        st.text("Nothing was decided for many at once. In Review, Many does that.")
        return
    st.text(f"The newest {BATCHES}. Whoever decided can take a whole batch back.")
    widths = (2, 2, 4, 2, 1)
    heads = ("Time (UTC)", "Reviewer", "Decided", "Now")
    for column, head in zip(st.columns(widths), heads, strict=False):
        column.text(head)
    for batch in found:
        columns = st.columns(widths, vertical_alignment="center")
        texts = (batch.time.replace("T", " ")[:16], batch.reviewer, _what(batch), _left(batch))
        for column, text in zip(columns, texts, strict=False):
            column.text(text)
        if batch.left and batch.reviewer == here.reviewer:
            columns[-1].button(
                "Undo", key=f"undo-{batch.name}", on_click=_undo, args=(here, batch.name),
                help=f"Take back batch {batch.name[:8]}",
            )  # fmt: skip


def _what(batch: Batch) -> str:
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in batch.verdicts.items())
    return f"{said} ({'near-duplicates' if batch.cluster else f'batch {batch.name[:8]}'})"


def _left(batch: Batch) -> str:
    if not batch.left:
        return "undone"
    return "stands" if batch.left == batch.count else f"{batch.left:,} stand"


def _undo(here: Visit, name: str) -> None:
    assert here.reviewer is not None
    try:
        here.desk.batches.undo(here.desk, here.reviewer, name, secrets.token_hex(16))
    except UsageError as error:
        st.session_state["batch_problem"] = str(error)


def _progress(here: Visit) -> None:
    """What is being stored or taken back at this moment."""
    if problem := st.session_state.pop("batch_problem", ""):
        st.text(problem)
    if here.desk.batches.running(here.reviewer):
        _running(here)


@st.fragment(run_every=1)
@in_one_line()
def _running(here: Visit) -> None:
    running = here.desk.batches.running(here.reviewer)
    if not running:
        st.rerun()
    for one in running:
        st.progress(one.done / max(1, one.total), f"{one.done:,} of {one.total:,}")


def _agreement(here: Visit) -> None:
    """How far reviewers agree."""
    found = agreements(here.desk)
    if found[0].pictures:
        show_table(
            "agreement",
            f"Pictures judged by two reviewers or more. {METHOD}",
            ("Type", "Pictures", "Of this type", "Alike", "Kappa", "From", "To"),
            [_agreed(each) for each in found],
            figures=range(1, 7),
        )
        st.text(
            "1 is always the same, 0 as often as chance would have it. What was decided for many "
            "at once, and rulings, do not count."
        )
    else:
        st.text(f"{NONE_YET} Second looks come with Review.")
    if here.reviewer is not None:
        show_link("How steady your own decisions are: Settings →", SETTINGS)


def _agreed(found: Agreement) -> list[Cell | str | int]:
    numbers = [found.kappa, found.low, found.high]
    return [
        found.name, found.pictures, found.positive, f"{found.alike:.0%}",
        *("–" if number is None else f"{number:.2f}" for number in numbers),
    ]  # fmt: skip


SECTIONS: dict[str, Callable[[Visit], None]] = {
    "To settle": _to_settle,
    "Log": _log,
    "Batches": _batches,
    "Agreement": _agreement,
    "Export": show_downloads,
}
