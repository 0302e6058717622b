"""The page Estimate: draw a random sample of what a policy keeps, review it, read what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from app.counted import counted
from app.faults import short
from app.links import address, show_link
from app.notes import done, problem, told, working
from app.tables import show_table
from app.visit import READ_ONLY, Visit, visit
from audit import surveys
from audit.errors import ShardwardenError
from audit.reader import Spec
from audit.steps import Show
from curation import forms
from curation.estimate import Estimate, percent
from curation.judged import Figure
from curation.sampling import Sample

PRECISIONS = {0.001: "0.1", 0.002: "0.2", 0.005: "0.5", 0.01: "1", 0.02: "2", 0.05: "5"}
MOST_DRAWN = 100_000
USUAL = 400  # proposed
WAYS = ("Draw evenly", "More where images differ most", "Begin afresh")
_SAYS = "estimate"
_FIGURES = range(1, 8)


def estimate_page() -> None:
    """Draw the page."""
    here = visit()
    policies, planning = here.desk.policies, here.desk.planning
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = policies.names()
        name = st.selectbox(
            "Of what the policy keeps", names, index=names.index(policies.in_force),
            key="estimate policy", width=260,
            format_func=policies.label,
        )  # fmt: skip
        half_width = st.selectbox(
            "Wanted: an interval of ±", list(PRECISIONS), index=1, key="estimate width", width=200,
            format_func=lambda width: f"{PRECISIONS[width]} percent points",
        )  # fmt: skip
        whole = st.toggle("Of everything scored instead", key="estimate whole")
    told(_SAYS)
    try:
        with working() as show:
            samples = planning.samples(name, whole=whole, show=show)
            found = planning.estimate(name, whole=whole, half_width=half_width)
            inside = _inside(here, name, whole, show)
    except ShardwardenError as error:
        problem(short(error))
        return
    left, right = st.columns([10, 11], gap="large")
    with left:
        _samples(here, samples)
        _drawing(here, name, samples, whole, inside)
    with right:
        if found is None:
            _nothing_yet(bool(samples))
        else:
            _figures(found)
    if found is not None:
        _strata(found)


def _inside(here: Visit, name: str, whole: bool, show: Show) -> int:
    """Images that a sample is drawn from now."""
    if whole:
        return surveys.Books.total(counted(here.desk, surveys.books)).scored
    return here.desk.planning.outlook(name, show=show).plan.kept


def _samples(here: Visit, samples: Sequence[Sample]) -> None:
    """What was drawn, how far its review is, and the way to its queue."""
    if not samples:
        st.subheader("No sample yet", anchor=False)
        st.text(
            "A random sample, reviewed by people, says what share of the kept images is risky "
            "all the same, with an interval. A few hundred are a beginning."
        )
        return
    here.desk.mirror.catch_up()
    drawn = waiting = 0
    rows: list[Sequence[str | int]] = []
    for sample in samples:
        decided = sum(here.desk.mirror.outcome(row) is not None for row in sample.rows)
        drawn, waiting = drawn + len(sample.rows), waiting + len(sample.rows) - decided
        rows.append((sample.id[:8], sample.seed, len(sample.rows), decided))
    st.subheader(f"{drawn - waiting:,} of {drawn:,} drawn images decided", anchor=False)
    st.progress((drawn - waiting) / drawn)
    show_table(
        "estimate samples", "Samples", ("sample", "seed", "images", "decided"), rows,
        figures=(1, 2, 3),
    )  # fmt: skip
    for sample, row in zip(samples, rows, strict=True):
        if row[2] != row[3]:
            spec = Spec(scope="any", way="sample", given=sample.id)
            show_link(f"Review sample {sample.id[:8]}, in its order", address(spec))
    st.text("Decide from the first on: what comes behind one that waits does not count yet.")


def _drawing(here: Visit, name: str, samples: Sequence[Sample], whole: bool, inside: int) -> None:
    """The form that draws.

    inside   images that a sample drawn afresh is drawn from
    """
    left = inside
    if samples:  # more of what the first was drawn from
        drawn = sum(len(sample.rows) for sample in samples)
        left = sum(stratum.population for stratum in samples[0].strata) - drawn
    if not max(left, inside):
        st.text("There is nothing to draw from: nothing is scored." if whole else
                "There is nothing to draw from: the policy keeps no image.")  # fmt: skip
        return
    with st.form("draw"):
        count, seed = st.columns(2)
        count.number_input(
            f"Images to draw, of {left or inside:,}", 1, min(MOST_DRAWN, max(left, inside)),
            min(USUAL, left or inside), key=f"estimate count {left}",
        )  # fmt: skip
        free = max((sample.seed for sample in samples), default=-1) + 1
        seed.number_input("Seed", 0, 2**31 - 1, free, key=f"estimate seed {free}")
        how = f"estimate how {bool(left)}"
        if samples:
            st.radio(
                "How", WAYS if left else WAYS[-1:], key=how,
                horizontal=True,
                help="Afresh: from what is kept by now; earlier samples then no longer count",
            )  # fmt: skip
        st.form_submit_button(
            "Draw more" if samples and left else "Draw", on_click=_draw,
            args=(here, name, f"estimate count {left}", f"estimate seed {free}", whole, how),
            disabled=here.reviewer is None,
            help=READ_ONLY if here.reviewer is None else None,
        )  # fmt: skip


def _nothing_yet(drawn: bool) -> None:
    st.subheader("Nothing to read yet", anchor=False)
    if drawn:
        st.text("The first drawn image waits for a decision. Review the sample.")
    rows = [
        (f"{n:,}", f"{percent(1 - 0.05 ** (1 / n))} %") for n in (50, 100, 200, 400, 1000, 3000)
    ]
    show_table(
        "estimate promise", "What a sample can say when nothing risky is found in it",
        ("images reviewed", "risky at most (95 %)"), rows, figures=(0, 1),
    )  # fmt: skip


def _figures(found: Estimate) -> None:
    """What the reviews say of what is kept, of each type, and what is still needed."""
    kept = found.kept
    of = "of everything scored" if found.whole else "of what is kept"
    st.subheader(
        f"{percent(kept.share)} % {of} is risky ({percent(kept.low)} to {percent(kept.high)} %)",
        anchor=False,
    )
    st.text(found.sentence)
    more = f"about {found.needed:,} more random reviews" if found.needed else "no more reviews"
    st.text(f"An interval of ±{percent(found.half_width)} percent points needs {more}.")
    if found.waiting:
        later = f", {found.unordered:,} decided behind the first of them" if found.unordered else ""
        st.text(f"{found.waiting:,} drawn images wait for a decision{later}.")
    if found.left or found.came:
        st.text(f"Since the draw {found.left:,} left what is kept and {found.came:,} came.")
    if found.kappa is not None:
        st.text(
            f"{found.double:,} were judged by several people, kappa {found.kappa:.2f}: the figures "
            "are of what reviewers say."
        )
    shown = [("kept now", kept)]
    if found.as_safe is not None:
        shown.append(("kept as safe", found.as_safe))
    shown += [(figure.name, figure) for figure in found.types]
    _chart(shown)


def _chart(shown: Sequence[tuple[str, Figure]]) -> None:
    """Each share with its interval: a dot on a line."""
    table = pa.table(
        {
            "what": [name for name, _ in shown],
            "share": [100 * figure.share for _, figure in shown],
            "low": [100 * figure.low for _, figure in shown],
            "high": [100 * figure.high for _, figure in shown],
        }
    )
    y: dict[str, Any] = {
        "field": "what", "type": "nominal", "sort": None, "title": None,
        "axis": {"labelLimit": 140},
    }  # fmt: skip
    title = "risky, percent of the images, with 95 % intervals"
    spec = {
        "height": {"step": 24},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2, "color": "#7d8899"},
             "encoding": {"y": y, "x": {"field": "low", "type": "quantitative", "title": title},
                          "x2": {"field": "high"}}},
            {"mark": {"type": "point", "filled": True, "size": 70, "color": "#e8743b"},
             "encoding": {"y": y, "x": {"field": "share", "type": "quantitative"}}},
        ],
    }  # fmt: skip
    words = "; ".join(
        f"{name} {percent(f.share)} % ({percent(f.low)} to {percent(f.high)})" for name, f in shown
    )
    st.vega_lite_chart(table, spec, key="estimate chart", alt=f"Risky shares: {words}")


def _strata(found: Estimate) -> None:
    """All figures as tables."""
    for key, title, figures in (
        ("types", "By type", (found.kept, found.sampled, *found.types)),
        ("strata", "In each stratum, by itself", found.strata),
    ):
        rows = forms.table(figures)
        cells: list[Any] = [list(row.values()) for row in rows.to_pylist()]
        if key == "types":
            cells[0][0], cells[1][0] = "risky, kept now", "risky, when drawn"
        show_table(f"estimate {key}", title, rows.column_names, cells, figures=_FIGURES)
    st.text(f"Method: {found.method}.")


def _draw(here: Visit, name: str, count_key: str, seed: str, whole: bool, how: str) -> None:
    if here.reviewer is None:
        return
    count = int(st.session_state[count_key])
    how = st.session_state.get(how, WAYS[0])
    try:
        sample = here.desk.planning.draw(
            name, min(count, MOST_DRAWN), int(st.session_state[seed]), whole=whole,
            neyman=how == WAYS[1], afresh=how == WAYS[2],
        )  # fmt: skip
    except ShardwardenError as error:
        done(_SAYS, f"Not drawn: {short(error)}", bad=True)
        return
    of = sum(stratum.population for stratum in sample.strata)
    drawn = len(sample.rows)
    less = "" if drawn >= count else f"; only {drawn:,} were left to draw"
    done(_SAYS, f"Drawn: {drawn:,} of {of:,} images, in {len(sample.strata)} strata{less}.")
