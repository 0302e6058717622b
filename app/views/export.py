"""The page Export: what would go into one, writing it beside the catalog, checking it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.exporting import Wish, place, there
from app.faults import short
from app.jobs import Job
from app.notes import done, in_one_line, note, problem, told, working
from app.tables import show_table
from app.visit import Visit, visit
from audit.errors import ShardwardenError
from audit.text import visible
from curation.export import FORMATS
from curation.places import discard

SHOWN = 20  # faults, lost images, lines
_SAYS = "export"
_CLEAN = ("as PSA-VLM has them", "as many as of the largest type", "a number")
_STAGES = {1: "1: safety modules", 2: "2: language model"}


def export_page() -> None:
    """Draw the page."""
    here = visit()
    told(_SAYS)
    left, right = st.columns([10, 11], gap="large")
    with left:
        wish = _wish(here)
    with right:
        _jobs(here)
        ready = _plan(here, wish)
        _start(here, wish, ready)
        _earlier(here)


def _wish(here: Visit) -> Wish:
    """The widgets, and what they ask for."""
    policies = here.desk.policies
    names = policies.names()
    at = names.index(policies.in_force)
    policy = st.selectbox(
        "Policy", names, index=at, key="export policy",
        format_func=policies.label,
    )  # fmt: skip
    stage = st.segmented_control(
        "Stage", list(_STAGES), default=1, required=True, key="export stage",
        format_func=_STAGES.__getitem__,
    )  # fmt: skip
    default = f"{here.desk.catalog.resolve().name.removesuffix('.audit')}-stage-{stage}"
    name = st.text_input(
        "Name of the export, a folder beside the catalog", default[:64],
        key=f"export name {stage}", max_chars=64,
    )  # fmt: skip
    formats = st.multiselect("Formats", FORMATS, ("wds", "psa-vlm"), key="export formats")
    clean: int | str | None = None
    target = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if stage == 1:
            how = st.selectbox("Clean images", _CLEAN, key="export clean")
            clean = "largest" if how == _CLEAN[1] else None
            if how == _CLEAN[2]:
                clean = int(st.number_input("How many", 0, 10**9, 3000, key="export clean number"))
        else:
            wanted = st.number_input("Images wanted (0: all)", 0, 10**9, 0, key="export target")
            target = int(wanted) or None
        seed = int(st.number_input("Seed", 0, 2**31 - 1, 0, key="export seed"))
    with st.expander("More"):
        gate = st.checkbox("Only when the policy's gates are met", value=True, key="export gate")
        redacted = st.checkbox("Also what has to be made unrecognisable", key="export redacted")
        hints = st.checkbox("End the first question with the hint", key="export hints")
        caps = st.text_input(
            "Caps, blanks between", key="export caps", placeholder="types=500 privacy/high=100"
        )
        floors = st.text_input(
            "Floors, blanks between", key="export floors", placeholder="cells=20 illegal=100"
        )
        a, b, c = st.columns(3)
        val = a.number_input("Share for validation", 0.0, 1.0, 0.05, 0.01, key="export val")
        requests = b.number_input(
            "Declined requests (2)", 0.0, 1.0, 0.05, 0.01, key="export requests"
        )
        size = c.number_input("Records a shard", 1, 1_000_000, 1000, key="export size")
    overwrite = False
    if name in there(here.desk.catalog):
        overwrite = st.checkbox(
            "An export of this name is there: replace it", key=f"export over {name}"
        )
    return Wish(
        name, policy, int(stage), tuple(formats), seed, clean, target, caps, floors, float(val),
        float(requests), redacted, hints, gate, int(size), overwrite,
    )  # fmt: skip


def _plan(here: Visit, wish: Wish) -> bool:
    """What would go into it; whether it can be written."""
    planning = here.desk.planning
    try:
        with working() as show:
            drawn = planning.outlook(wish.policy, show=show).plan
            contents = planning.contents(wish.policy, wish.composing(), show)
    except ShardwardenError as error:
        problem(short(error))
        return False
    st.subheader(f"{contents.images:,} images would be exported", anchor=False)
    st.text(
        f"{contents.risky:,} risky and {contents.clean:,} clean, of {drawn.kept:,} that the policy "
        f"keeps and {drawn.total.images:,} in the catalog."
    )
    rows = [
        (f"{cell.type}, {cell.level}", cell.passed, cell.taken, cell.missing)
        for cell in contents.cells
        if cell.level is not None and (cell.passed or cell.missing)
    ]
    heads = ("type and level", "kept", "exported", "missing")
    if rows:
        show_table("export cells", "Risky images", heads, rows, figures=(1, 2, 3))
    if contents.left_out:
        left = [(reason, images) for reason, images in contents.left_out.items()]
        show_table("export left", "Kept, not exported", ("why", "images"), left, figures=(1,))
    for gate in drawn.broken:
        st.text(f"Gate not met: {gate}.")
    for line in drawn.notes:
        st.text(f"Note: {line}.")
    if drawn.review.images:
        st.text(f"{drawn.review.images:,} images still wait for review and are left out.")
    if wish.name in there(here.desk.catalog) and not wish.overwrite:
        st.text("An export of this name is there: choose to replace it, or give another name.")
        return False
    try:
        wish.arguments(here.desk.catalog, here.desk.policies.reference(wish.policy))
    except ShardwardenError as error:
        problem(short(error))
        return False
    if wish.gate and drawn.broken:
        st.text("So nothing would be written; see More to export all the same.")
        return False
    return contents.images > 0


def _start(here: Visit, wish: Wish, ready: bool) -> None:
    why = here.why_not
    busy = any(job.running for job in here.desk.jobs.all())
    st.button(
        "Export", type="primary", key="export start", on_click=_export, args=(here, wish),
        disabled=not ready or busy or why is not None, help=why,
    )  # fmt: skip


def _jobs(here: Visit) -> None:
    """What runs, and what came of what ran."""
    found = here.desk.jobs.all()
    if not found:
        return
    latest = found[0]
    if latest.running:
        _running(here, latest)
    else:
        _ended(latest)


@st.fragment(run_every=0.7)
@in_one_line()
def _running(here: Visit, job: Job) -> None:
    if not job.running:
        st.rerun()
    what = "Exporting" if job.kind == "export" else "Checking"
    with st.container(border=True):
        st.text(f"{what} {job.name}: {job.progress}")
        st.progress(job.share or 0.0)
        if here.why_not is None:
            st.button("Cancel", key=f"cancel {job.number}", on_click=_cancel, args=(here, job))


def _ended(job: Job) -> None:
    if job.cancelled and not job.good:
        note(f"{job.kind} of {job.name} was cancelled; nothing of it is left")
        return
    if not job.good:
        said = job.result.get("error") or (job.said[-1] if job.said else "it ended unexpectedly")
        problem(f"{job.kind} of {job.name} failed: {short(str(said))}")
        return
    (_exported if job.kind == "export" else _checked)(job)


def _exported(job: Job) -> None:
    """What was written, and what there is less of than was asked for."""
    result = job.result
    counts = result["counts"]
    note(
        f"Exported {job.name}: {counts['records']:,} records on {counts['images']:,} images, "
        f"{counts['risky']:,} risky, {counts['clean']:,} clean. {result['files']:,} files, "
        f"{result['bytes'] / 1e6:,.1f} MB, {result['seconds']:,.1f} s."
    )
    lost: list[Any] = result["lost"]
    lines = [f"lost: {one['member']} of {one['shard']}: {one['why']}" for one in lost[:SHOWN]]
    lines += [f"less than wanted: {line}" for line in result["composition"].get("shortfalls", ())]
    _lines(lines, len(lost) - SHOWN)


def _checked(job: Job) -> None:
    """What the check found."""
    result = job.result
    faults: list[Any] = result["faults"]
    counted = sum(result["counted"].values())
    if faults:
        noun = "fault" if len(faults) == 1 else "faults"
        problem(f"{job.name}: {len(faults):,} {noun}, {counted:,} things looked at")
    else:
        note(f"{job.name} is good: {counted:,} things looked at, no fault")
    _lines([f"{one['check']}: {one['where']}: {one['what']}" for one in faults[:SHOWN]],
           len(faults) - SHOWN)  # fmt: skip
    notes: list[Any] = result["notes"]
    _lines([f"note: {one['where']}: {one['what']}" for one in notes[:SHOWN]], len(notes) - SHOWN)
    _lines([f"not checked: {name}: {why}" for name, why in result["skipped"].items()], 0)


def _lines(lines: Sequence[str], more: int) -> None:
    for line in lines:
        st.text(visible(line))
    if more > 0:
        st.text(f"and {more:,} more")


def _earlier(here: Visit) -> None:
    """The exports that there are, to be checked by the rules of those who will read them."""
    names = there(here.desk.catalog)
    if not names:
        return
    busy = any(job.running for job in here.desk.jobs.all())
    why = here.why_not
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Exports beside the catalog", names, key="export earlier")
        st.button(
            "Check it", key="export check", on_click=_check, args=(here, name),
            disabled=busy or why is not None, help=why,
        )  # fmt: skip


def _export(here: Visit, wish: Wish) -> None:
    catalog = here.desk.catalog

    def ended(job: Job) -> None:
        if job.cancelled:
            discard(place(catalog, wish.name))

    if here.why_not is not None:
        return
    try:
        arguments = wish.arguments(catalog, here.desk.policies.reference(wish.policy))
        here.desk.jobs.start("export", wish.name, arguments, ended)
    except ShardwardenError as error:
        done(_SAYS, short(error), bad=True)


def _check(here: Visit, name: str) -> None:
    if here.why_not is not None:
        return
    try:
        out = place(here.desk.catalog, name)
        here.desk.jobs.start("check", name, ["check", str(out), "--json"])
    except ShardwardenError as error:
        done(_SAYS, short(error), bad=True)


def _cancel(here: Visit, job: Job) -> None:
    if here.why_not is None:
        job.cancel()
