"""The overview's plots: scores with a threshold, and the map with a box."""

from __future__ import annotations

import streamlit as st

from app import charts
from app.counted import counted
from app.links import address, follow, show_link
from app.notes import in_one_line
from app.tables import Cell, show_table
from app.visit import Visit
from audit import surveys
from audit.errors import UsageError
from audit.reader import Spec
from audit.taxonomy import TYPES

BLOCKS = 6  # of the map's table, each way


@st.fragment
@in_one_line()
def show_scores(here: Visit) -> None:
    """A histogram, the policy's threshold in it, and how many lie on each side of another."""
    st.subheader("Scores and thresholds", anchor=False)
    left, right = st.columns([1, 3], gap="large")
    with left:
        score = st.selectbox("Score", surveys.SCORES, key="score", format_func=_name)
        threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01, key="threshold")
        below, above = counted(here.desk, surveys.sides, score, threshold)
        known = max(1, below + above)
        st.text(f"At {threshold:.2f} or above: {above:,} ({above / known:.2%})\n"
                f"Below: {below:,} ({below / known:.2%})")  # fmt: skip
        if not below + above:
            st.text("No picture has this score: the scorer does not look for it.")
        policy = _policy(here, score)
        if policy is not None:
            _, over = counted(here.desk, surveys.sides, score, policy)
            st.text(f"The policy in force has {policy:.2f} (dashed): {over:,} at it or above.")
        if above:
            show_link(
                f"Review those at {threshold:.2f} or above →", address(_from(score, threshold))
            )
    with right:
        counts = counted(here.desk, surveys.histogram, score)
        alt = (
            f"Histogram of {_name(score)} over {below + above:,} pictures: {above:,} at "
            f"{threshold:.2f} or above, {below:,} below"
        )
        data, chart = charts.histogram(counts, _name(score), threshold, policy)
        st.vega_lite_chart(data, chart, key="histogram", alt=alt)
        with st.expander("The same as a table"):
            width = 1 / surveys.BINS
            rows = [(f"{b * width:.2f} – {(b + 1) * width:.2f}", int(n)) for b, n in
                    enumerate(counts) if n]  # fmt: skip
            show_table("bins", alt, (_name(score), "pictures"), rows, figures=(1,))


def _policy(here: Visit, score: str) -> float | None:
    """The threshold that the policy in force has for a score."""
    try:
        rules = here.desk.policies.read(here.desk.policies.in_force).rules
    except UsageError:
        return None
    if score == "risk":
        return rules.uncertain.threshold if rules.uncertain else None
    return rules.types.get(score.removeprefix("p_"))


def _from(score: str, threshold: float) -> Spec:
    """Pictures with this score from a threshold on, compared as a policy does."""
    return Spec(scope="all", way="sql", given=f"{score} >= {threshold:.2f}::FLOAT")


def _name(score: str) -> str:
    return score if score == "risk" else f"probability of {score.removeprefix('p_')}"


@st.fragment
@in_one_line()
def show_map(here: Visit) -> None:
    """Where pictures lie that look alike, and a box drawn around some."""
    st.subheader("Map", anchor=False)
    made = counted(here.desk, surveys.map_made)
    if made is None:
        st.text(f"There is no map yet; run: audit index {here.desk.catalog.name} --map")
        return
    left, right = st.columns([1, 3], gap="large")
    with left:
        only = st.selectbox("Pictures", ("", "flagged", *TYPES), key="map_only", format_func=_kind)
        found = counted(here.desk, surveys.density, surveys.side_for(made.placed), only)
        placed = int(found.count.sum())
        st.text(f"{placed:,} pictures, laid out by {made.method}: those that look alike lie "
                "together. Draw a box to count and review what is in it.")  # fmt: skip
        place = st.empty()
    if not placed:
        return
    with right:
        alt = f"Map of {placed:,} pictures by how they look, as a density"
        data, chart = charts.density(found)
        drawn = st.vega_lite_chart(
            data, chart, key="map", on_select="rerun", selection_mode=charts.BOX, alt=alt
        )
        with st.expander("The same as a table"):
            _blocks(found, only)
    box = charts.boxed(drawn.selection.get(charts.BOX), found.side)
    if box is not None:
        with place.container():
            _boxed(here, box, only)


def _boxed(here: Visit, box: tuple[float, float, float, float], only: str) -> None:
    inside = counted(here.desk, surveys.in_box, box, only)
    st.text(f"{inside:,} pictures in the box")
    if inside:
        show_link("Review these →", _in_box(box, only))


def _blocks(found: surveys.Density, only: str) -> None:
    """Blocks of squares: the map for those who cannot see or draw."""
    per = found.side // BLOCKS
    counts = [[0] * BLOCKS for _ in range(BLOCKS)]
    for x, y, n in zip(found.x // per, found.y // per, found.count, strict=True):
        counts[y][x] += int(n)
    most = max(map(max, counts))
    rows: list[list[Cell | str | int]] = []
    for y in reversed(range(BLOCKS)):
        cells = []
        for x, n in enumerate(counts[y]):
            left, bottom, right, top = (round(n / BLOCKS, 4) for n in (x, y, x + 1, y + 1))
            box = left, bottom, right, top
            label = f"Review column {x + 1}, row {y + 1}: {n:,}"
            cells.append(Cell(n, _in_box(box, only), label, (n / most) ** 0.5) if n else Cell("–"))
        rows.append([f"row {y + 1}", *cells])
    names = ("", *(f"column {x + 1}" for x in range(BLOCKS)))
    follow(show_table("blocks", "Pictures in each part of the map. Click a number to review "
                       "those.", names, rows, figures=range(1, BLOCKS + 1)))  # fmt: skip


def _kind(only: str) -> str:
    return {"": "all scored", "flagged": "flagged"}.get(only, only)


def _in_box(box: tuple[float, float, float, float], only: str) -> str:
    """The address of what lies in a box of the map."""
    given = ",".join(f"{side:g}" for side in box)
    types = (only,) if only in TYPES else ()
    scope = "flagged" if only and only != "safe" else "all"
    return address(Spec(scope=scope, types=types, way="box", given=given))
