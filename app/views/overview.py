"""The page Overview: what is in the catalog, and how far its review has come, in counts only.

No picture is on it. What can be clicked leads to the grid, with that filter.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.agreement import METHOD, NONE_YET
from app.counted import counted
from app.links import address, follow, show_link
from app.progress import agreements, progress
from app.tables import Cell, show_table
from app.views.fields import not_covered
from app.views.plots import show_map, show_scores
from app.visit import Visit, visit
from audit import surveys
from audit.reader import Spec
from audit.surveys import Books
from audit.taxonomy import LEVELS, TYPES

WORST = 8  # shards in the table
CONCEPTS = 9
REASONS = 6


def overview_page() -> None:
    """Draw the page."""
    here = visit()
    every = counted(here.desk, surveys.books)
    total = Books.total(every)
    _books(every, total)
    if not total.scored:
        _nothing(total)
        _shards(here, every, total)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        _matrix(here)
    with right:
        _concepts(here, total.scored)
    left, right = st.columns(2, gap="large")
    with left:
        _progress(here, total.flagged)
    with right:
        _agreement(here)
    show_scores(here)
    show_map(here)
    _shards(here, every, total)


def _books(every: Sequence[Books], total: Books) -> None:
    flagged = f"{total.flagged / total.scored:.1%} of the scored" if total.scored else None
    shown: tuple[tuple[str, int, str | None], ...] = (
        ("Pictures", total.images, f"{len(every):,} {'shard' if len(every) == 1 else 'shards'}"),
        ("Scored", total.scored, None),
        ("Flagged", total.flagged, flagged),
        ("Failed", total.failed, None),
        ("Quarantined", total.quarantined, None),
        ("Never delivered", total.upstream_failed, None),
    )
    with st.container(horizontal=True):
        for label, number, more in shown:
            st.metric(label, f"{number:,}", more, delta_color="off", delta_arrow="off", width=180)
    wrong = [b.shard for b in every if not b.balanced]
    sums = (
        f"{total.members:,} members = {total.scored:,} scored + {total.failed:,} failed + "
        f"{total.quarantined:,} quarantined + {total.other:,} that are no pictures"
    )
    if wrong:
        st.text(f"{sums}. The books of {len(wrong):,} shards do not balance: run `audit verify`.")
    else:
        st.text(f"{sums}. The books of every shard balance.")


def _nothing(total: Books) -> None:
    """What became of a catalog in which nothing is scored."""
    if not total.images:
        st.text("There are no pictures in these shards, so there is nothing to review.")
        return
    st.text(
        f"None of the {total.images:,} pictures could be scored. Below is why; once that is "
        "mended, run audit scan again, with --retry-failed."
    )
    if total.failed:
        show_link("Look at those that could not be scored →", address(Spec(scope="failed")))


def _matrix(here: Visit) -> None:
    """Types by levels; a click shows those."""
    counts = counted(here.desk, surveys.matrix)
    most = max((n for (kind, _), n in counts.items() if kind != "safe"), default=0)
    rows: list[list[Cell | str | int]] = []
    for kind in TYPES:
        cells = [(level, counts.get((kind, level), 0)) for level in LEVELS]
        whole = sum(n for (name, _), n in counts.items() if name == kind)
        rows.append([kind, *(_cell(kind, level, n, most) for level, n in cells),
                     _cell(kind, "", whole, 0)])  # fmt: skip
    columns = ("type", *LEVELS, "all")
    if missing := not_covered(here.desk):
        st.text(
            f"The scorer does not look for {' or '.join(missing)}: such pictures are not counted "
            "here, and none is flagged for it."
        )
    follow(show_table("matrix", "Types and levels. Click a number to review those.", columns,
                       rows, figures=range(1, len(columns))))  # fmt: skip


def _cell(kind: str, level: str, count: int, most: int) -> Cell:
    if not count:
        return Cell("–")
    spec = Spec(
        scope="all" if kind == "safe" else "flagged", types=(kind,), levels=(level,) * bool(level)
    )
    name = f"{kind}, {level}" if level else kind
    shade = (count / most) ** 0.5 if most and kind != "safe" else None
    return Cell(count, address(spec), f"Review {name}: {count:,}", shade)


def _concepts(here: Visit, scored: int) -> None:
    found = counted(here.desk, surveys.concepts)
    rows: list[list[Cell | str | int]] = [
        [
            Cell(name, address(Spec(scope="all", concept=name)), f"Review {name}: {n:,}"),
            Cell(n, shade=n / scored),
            f"{n / scored:.1%}",
        ]
        for name, n in list(found.items())[:CONCEPTS]
    ]
    if not rows:
        st.text(f"No concept has a probability of {surveys.COUNTED} or more in any picture.")
        return
    caption = f"Concepts with a probability of {surveys.COUNTED} or more, the commonest first"
    follow(show_table("concepts", caption, ("concept", "pictures", "share"), rows, figures=(1, 2)))


def _progress(here: Visit, flagged: int) -> None:
    st.subheader("Progress", anchor=False)
    found = progress(here.desk, here.reviewer)
    share = f" ({found.flagged / flagged:.1%})" if flagged else ""
    st.text(
        f"{found.flagged:,} of {flagged:,} flagged pictures are decided{share}, "
        f"{flagged - found.flagged:,} are open."
        + (f" People disagree on {found.disagreed:,}." if found.disagreed else "")
    )
    rows = [
        (name, found.verdicts.get(name, 0), found.mine.get(name, 0))
        for name in {**found.verdicts, **found.mine}
    ]
    if rows:
        whose = f"by you ({here.reviewer})" if here.reviewer else "by you"
        show_table("verdicts", "What was decided, flagged or not", ("verdict", "by all", whose),
                   rows, figures=(1, 2))  # fmt: skip


def _agreement(here: Visit) -> None:
    st.subheader("Agreement", anchor=False)
    rows = [
        (
            found.name,
            found.pictures,
            f"{found.alike:.0%}",
            "–"
            if found.kappa is None
            else f"{found.kappa:.2f} ({found.low:.2f} to {found.high:.2f})",
        )
        for found in agreements(here.desk)
        if found.pictures and found.positive
    ]
    if not rows:
        st.text(NONE_YET)
        return
    show_table("agreement", f"Pictures that two or more judged. {METHOD}",
               ("type", "pictures", "alike", "kappa (95 %)"), rows, figures=(1, 2, 3))  # fmt: skip


def _shards(here: Visit, every: Sequence[Books], total: Books) -> None:
    st.subheader("Shards", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        losing = sorted(every, key=_badness)[:WORST]
        rows: list[list[Cell | str | int]] = [
            [
                Cell(b.shard, address(Spec(shard=b.shard)), f"Review the flagged of {b.shard}"),
                b.images, b.failed, b.quarantined, b.upstream_failed, b.faults,
                f"{b.flagged / max(1, b.scored):.1%}",
            ]
            for b in losing
        ]  # fmt: skip
        columns = ("shard", "pictures", "failed", "quarantined", "never came", "faults", "flagged")
        caption = (
            f"{len(rows):,} of {len(every):,} shards: those that lost most, or are flagged most"
        )
        follow(show_table("shards", caption, columns, rows, figures=range(1, 7)))
    with right:
        for key, caption, reasons in (
            ("failures", "Why pictures have no scores", counted(here.desk, surveys.failures)),
            ("upstream", "Why pictures never came", counted(here.desk, surveys.upstream)),
        ):
            if reasons:
                show_table(key, caption, ("reason", "pictures"),
                           list(reasons.items())[:REASONS], figures=(1,))  # fmt: skip
        if not total.lost:
            st.text("Nothing was lost.")


def _badness(books: Books) -> tuple[float, ...]:
    return -(books.lost + books.faults), -books.flagged / max(1, books.scored)
