"""A table on a page: text of strangers as text, figures, shaded cells, links to other pages.

Streamlit's own tables read Markdown or draw on a canvas; this one is a real table, for eyes, keys
and screen readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.component import component


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    text    shown; a number with a comma between thousands
    link    address of one of our pages, "" for none; label: what a screen reader says of the link
    shade   0..1, how much of the accent colour lies behind it; None: nothing
    """

    text: str | int
    link: str = ""
    label: str = ""
    shade: float | None = None


def show_table(
    key: str,
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell | str | int]],
    *,
    figures: Sequence[int] = (),
) -> str:
    """Draw a table; returns the address of the link that was clicked just now, "" for none.

    caption   above it; what it is, for a screen reader too
    rows      as many cells as there are columns
    figures   positions of the columns that stand to the right
    """
    draw = component("audit_table", "table.html", ("table.css",), ("dom.js", "table.js"))
    right = set(figures)
    data = {
        "caption": caption,
        "columns": [{"name": name, "figures": n in right} for n, name in enumerate(columns)],
        "rows": [[_cell(cell) for cell in row] for row in rows],
    }
    found = draw(key=key, data=data, on_open_change=lambda: None)
    return str(found.open or "")


def _cell(cell: Cell | str | int) -> dict[str, Any]:
    cell = cell if isinstance(cell, Cell) else Cell(cell)
    sent: dict[str, Any] = {"text": cell.text if isinstance(cell.text, str) else f"{cell.text:,}"}
    if cell.link:
        sent |= {"link": cell.link, "label": cell.label}
    if cell.shade is not None:
        sent["shade"] = cell.shade
    return sent
