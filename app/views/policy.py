"""The page Policy: change it, see at once what it would do against what is saved, save it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.drafting import Draft, begin, draft, is_old
from app.editor import PARTS
from app.faults import short
from app.notes import done, many, problem, told, working
from app.planning import Outlook
from app.tables import show_table
from app.visit import Visit, visit
from audit.errors import ShardwardenError
from audit.taxonomy import TYPES
from curation import planned
from curation.picture import svg
from curation.rules import ACTIONS, INCLUDED

_FATES = ("kept", "for review", "dropped")
_MOVES_SHOWN = 12
_SAYS = "policy"


def policy_page() -> None:
    """Draw the page."""
    here = visit()
    found = draft(here.desk.policies)
    _bar(here, found)
    told(_SAYS)
    if found.problem:
        problem(found.problem)
        return
    with st.container():
        if is_old(here.desk.policies, found):
            problem(
                f"{found.name} was changed by somebody else meanwhile. Discard shows it as it is "
                "now; Save as keeps what is here under another name."
            )
    left, right = st.columns([11, 10], gap="large")
    with left:
        part = st.segmented_control(
            "Part of the policy", list(PARTS), key="part", bind="query-params", required=True,
            default=next(iter(PARTS)), label_visibility="collapsed",
        )  # fmt: skip
        PARTS[part](found, here.desk.planning.known_concepts())
        _left_alone(here, found)
    with right:
        now = _effect(here, found)
    if now is not None:
        _whole(here, found, now)


def _bar(here: Visit, found: Draft) -> None:
    """Which policy, how it stands, and what can be done with it."""
    policies = here.desk.policies
    why = here.why_not
    may = why is None
    edited = bool(found.changed)
    is_file = bool(found.digest)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"policy {found.round} name"
        names = policies.names()
        st.selectbox(
            "Policy", names, key=key,
            index=names.index(found.name) if found.name in names else None,
            format_func=policies.label,
            on_change=_choose, args=(here, key), width=260,
        )  # fmt: skip
        st.button(
            "Save", type="primary", on_click=_save, args=(here, found),
            disabled=not (may and edited and is_file and not found.problem),
            help=why or (None if is_file else "a preset stays as it is: use Save as"),
        )  # fmt: skip
        with st.popover("Save as", disabled=not may or bool(found.problem), help=why):
            _saving_as(here, found)
        st.button("Discard changes", on_click=_discard, args=(here, found), disabled=not edited)
        st.button(
            "Put in force", on_click=_put_in_force, args=(here, found), help=why,
            disabled=not may or edited or found.name == policies.in_force or bool(found.problem),
        )  # fmt: skip
        st.text("Changed, not saved." if edited else "As it is saved.", width="content")


def _saving_as(here: Visit, found: Draft) -> None:
    with st.form("save as", border=False):
        st.text_input("Name of the new policy", key="policy new name", max_chars=64)
        st.text("Kept beside the catalog's decisions, in its folder policies.")
        st.form_submit_button(
            "Save", on_click=_save_as, args=(here, found),
            disabled=here.why_not is not None,
        )  # fmt: skip


def _left_alone(here: Visit, found: Draft) -> None:
    """What of the policy this page does not change."""
    policy = here.desk.policies.read(found.name)
    kept = ["gates"]
    if policy.sources:
        kept.append(f"rules for {len(policy.sources)} kinds of shards")
    st.text(f"Changed in the file only: {', '.join(kept)}. {policy.about}")


def _effect(here: Visit, found: Draft) -> Outlook | None:
    """What the draft would do, against what is saved; None where it is no policy."""
    policies, planning = here.desk.policies, here.desk.planning
    changed = found.changed
    before = None
    other = found.name if changed else policies.in_force
    try:
        with working() as show:
            now = planning.outlook(found.name, changed, show)
            if changed or found.name != policies.in_force:
                before = planning.outlook(other, show=show)
    except ShardwardenError as error:
        problem(f"So it is no policy: {short(error)}")
        return None
    than = "saved" if changed else f"{other}, in force"
    plan = now.plan
    share = plan.kept / max(1, plan.total.images)
    st.subheader(f"Keeps {plan.kept:,} of {plan.total.images:,} images ({share:.1%})", anchor=False)
    review = plan.review
    st.text(
        f"{review.images:,} for review, {_time(review.hours)} at {review.seconds:,.1f} s each. "
        f"Worked out in {now.seconds:.2f} s."
    )
    _actions(now, before, than)
    _types(now, before, than)
    if before is not None:
        _moves(now, before, than)
    for gate in plan.broken:
        st.text(f"Gate not met: {gate}.")
    for note in plan.notes:
        st.text(f"Note: {note}.")
    return now


def _time(hours: float) -> str:
    """As one says it: hours, or minutes where it is less than one."""
    minutes = max(1, math.ceil(hours * 60)) if hours else 0
    if minutes >= 60:
        return f"{hours:,.1f} hours"
    return many(minutes, "minute")


def _actions(now: Outlook, before: Outlook | None, than: str) -> None:
    rows: list[Sequence[str | int]] = []
    for name in ACTIONS:
        images = now.plan.actions[name].images
        was = before.plan.actions[name].images if before else images
        if images or was:
            rows.append((name, images) if before is None else (name, was, images, _by(images, was)))
    heads = ("action", "images") if before is None else ("action", than, "here", "change")
    show_table("policy actions", "What becomes of them", heads, rows, figures=range(1, len(heads)))


def _types(now: Outlook, before: Outlook | None, than: str) -> None:
    counted, was = _by_type(now), _by_type(before) if before else {}
    rows: list[Sequence[str | int]] = []
    for kind in (*TYPES, "uncertain", "not scored"):
        cells = [(counted[kind, fate], was.get((kind, fate), 0)) for fate in _FATES]
        if any(map(any, cells)):
            rows.append((kind, *(_against(a, b) if before else a for a, b in cells)))
    caption = "By type" if before is None else f"By type, and against {than}"
    show_table("policy types", caption, ("type", *_FATES), rows, figures=(1, 2, 3))


def _moves(now: Outlook, before: Outlook, than: str) -> None:
    """From which action to which, exactly."""
    if len(now.action) != len(before.action):  # the catalog was replaced between the two
        return
    pairs = np.bincount(before.action * len(ACTIONS) + now.action, minlength=len(ACTIONS) ** 2)
    found = [
        (ACTIONS[at // len(ACTIONS)], ACTIONS[at % len(ACTIONS)], int(pairs[at]))
        for at in np.argsort(-pairs, kind="stable").tolist()
        if pairs[at] and at // len(ACTIONS) != at % len(ACTIONS)
    ]
    if not found:
        st.text(f"Nothing moves against {than}.")
        return
    title = f"What moves: {sum(images for *_, images in found):,} images"
    show_table("policy moves", title, ("from", "to", "images"), found[:_MOVES_SHOWN], figures=(2,))


def _whole(here: Visit, found: Draft, now: Outlook) -> None:
    """The picture of the plan, and all of it in words; made when asked for."""
    box = st.expander("Picture, and the whole plan in words", on_change="rerun")
    if box.open:
        with box:
            st.image(svg(now.plan), alt="Types and levels on the left, actions on the right, as "
                     "bands; the tables above have the figures", width="stretch")  # fmt: skip
            with working():
                drawn = here.desk.planning.plan(found.name, found.changed)
            st.code(planned.text(drawn), language=None)


def _by_type(outlook: Outlook) -> Counter[tuple[str, str]]:
    """(type, fate) -> images."""
    counted: Counter[tuple[str, str]] = Counter()
    for flow in outlook.plan.flows:
        fate = _FATES[0 if flow.action in INCLUDED else 1 if flow.action == "review" else 2]
        counted[flow.kind.partition("/")[0], fate] += flow.images
    return counted


def _against(images: int, was: int) -> str:
    return f"{images:,}" if images == was else f"{images:,} ({_by(images, was)})"


def _by(images: int, was: int) -> str:
    return "0" if images == was else f"{images - was:+,}"


def _choose(here: Visit, key: str) -> None:
    begin(here.desk.policies, st.session_state[key])


def _discard(here: Visit, found: Draft) -> None:
    begin(here.desk.policies, found.name)


def _save(here: Visit, found: Draft) -> None:
    policies = here.desk.policies
    if here.why_not is not None:
        return
    try:
        policies.save(found.name, found.changed, found.digest)
    except ShardwardenError as error:
        done(_SAYS, f"Not saved: {short(error)}", bad=True)
        return
    begin(policies, found.name)
    done(_SAYS, f"Saved: {found.name}.")


def _save_as(here: Visit, found: Draft) -> None:
    policies = here.desk.policies
    if here.why_not is not None:
        return
    try:
        name = policies.save_as(st.session_state["policy new name"], found.name, found.changed)
    except ShardwardenError as error:
        done(_SAYS, f"Not saved: {short(error)}", bad=True)
        return
    begin(policies, name)
    st.session_state["policy new name"] = ""
    done(_SAYS, f"Saved: {name}. Put it in force to decide by it.")


def _put_in_force(here: Visit, found: Draft) -> None:
    if here.why_not is not None:
        return
    try:
        here.desk.policies.put_in_force(found.name)
    except ShardwardenError as error:
        done(_SAYS, short(error), bad=True)
        return
    given = f"{here.desk.catalog.name}/policies/{found.name}" if found.digest else found.name
    done(_SAYS, f"In force for everybody here, until the server ends: {found.name}. To begin with "
         f"it next time: audit review --policy {given}")  # fmt: skip
