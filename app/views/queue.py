"""The page Review: filters beside, one page of a queue in the grid.

Filters, page and item are in the address, so that a reload or a pasted address shows the same.
"""

from __future__ import annotations

from collections import Counter

import streamlit as st

from app.addresses import LABELS
from app.counted import counted
from app.notes import in_one_line
from app.results import STATES
from app.views.fields import begin, choice, not_covered, several, types
from app.views.listing import show_listing, to_first_page
from app.visit import Visit, visit
from audit import surveys
from audit.reader import ORDERS, SCOPES, Spec
from audit.specs import LONGEST, NAMES
from audit.taxonomy import LEVELS, TYPES

ANY_CONCEPT = "Any"
MORE = frozenset(("concept", "low", "high", "words", "shard"))
"""Fields that are folded away until one of them says something."""


@in_one_line()
def queue_page() -> None:
    """Draw the page."""
    here = visit()
    begin("review")
    with st.sidebar:
        spec, state = _filters(here)
    show_listing(here, spec, state, _meaning(here, spec, state))


def _filters(here: Visit) -> tuple[Spec, str]:
    """The fields, and what they ask for; each begins at the first page again.

    raises   UsageError for what they cannot ask for together
    """
    scope = choice("Show", SCOPES, "show", LABELS)
    kinds = types(here.desk)
    levels = several("Level", LEVELS, "level")
    beside = st.empty()
    state = choice("Decisions", STATES, "state", LABELS)
    order = choice("Order", tuple(ORDERS), "order", LABELS)
    collapse = st.toggle(
        "One of each group of near-duplicates", value=True, key=NAMES["collapse"],
        bind="query-params", on_change=to_first_page,
    )  # fmt: skip
    with st.expander("More filters", expanded=not MORE.isdisjoint(st.query_params)):
        concept, least = _concept(here)
        low, high = _risk()
        words = _line("Words in the caption or the picture", "words")
        shard = _line("Shard", "shard")
    spec = Spec(
        scope, kinds, levels, order, concept=concept, least=least, low=low, high=high,
        shard=shard, words=words, collapse=collapse,
    )  # fmt: skip
    if scope in ("flagged", "all") and not (concept or low > 0 or high < 1 or words or shard):
        with beside:
            _counts(here, scope, levels)
    return spec, state


def _concept(here: Visit) -> tuple[str, float]:
    """(concept or "" for any, least probability)."""
    names, _ = here.desk.now().score_names()
    concept = choice("Concept", ("", *names), "concept", {"": ANY_CONCEPT} | {n: n for n in names})
    least = _fraction("At least", "least", 0.5, disabled=not concept)
    return concept, least


def _risk() -> tuple[float, float]:
    """(least, most) risk."""
    left, right = st.columns(2)
    with left:
        low = _fraction("Risk from", "low", 0.0)
    with right:
        high = _fraction("to", "high", 1.0)
    return low, high


def _fraction(label: str, key: str, usual: float, *, disabled: bool = False) -> float:
    return st.number_input(
        label, 0.0, 1.0, usual, 0.05, key=key, bind="query-params", disabled=disabled,
        on_change=to_first_page,
    )  # fmt: skip


def _line(label: str, key: str) -> str:
    return st.text_input(
        label, key=key, max_chars=LONGEST, bind="query-params", on_change=to_first_page
    ).strip()


def _counts(here: Visit, scope: str, levels: tuple[str, ...]) -> None:
    """How many there are of each type, decided or not; names and figures are our own."""
    found = Counter[str]()
    for (kind, level), count in counted(here.desk, surveys.matrix).items():
        if (not levels or level in levels) and (scope == "all" or kind != "safe"):
            found[kind] += count
    cells = "".join(
        f"<span>{name}</span><span>{found[name]:,}</span>" for name in TYPES if found[name]
    )
    if not cells:
        return
    st.html(
        "<div role=note aria-label='Samples by type' style='display:grid;font-size:13px;"
        "grid-template-columns:repeat(2,max-content 1fr);column-gap:10px;opacity:.8;"
        f"font-variant-numeric:tabular-nums'>"
        f"<span style='grid-column:1/-1'>In all, decided or not</span>{cells}</div>"
    )


def _meaning(here: Visit, spec: Spec, state: str) -> str:
    """What to say where nothing was found."""
    if spec.scope != "failed" and not counted(here.desk, surveys.covered):
        return (
            f"Nothing has scores. “{LABELS['failed']}”, under Show, has what failed; "
            "Overview says why."
        )
    if spec.types and not set(spec.types).difference(not_covered(here.desk)):
        return f"The scorer of this catalog does not look for {' or '.join(spec.types)}."
    if state == "open":
        return "All that fits these filters is decided, held by others, or nothing fits them."
    return "No sample fits these filters."
