"""The charts of the overview, as Vega-Lite specifications: nothing in them but numbers.

To a screen reader a chart is one thing with a text, and has a table beside it: its thousands of
marks are kept from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from audit.surveys import BINS, Counts, Density

HEIGHT = 260
MAP_HEIGHT = 460
BOX = "box"  # the name of the map's brush

_BELOW, _FROM, _POLICY, _MANY = "#7d8899", "#e8743b", "#b07cff", "#3f8fdc"
_SHORT = (
    "datum.value >= 1e6 ? datum.value / 1e6 + ' M' : "
    "datum.value >= 1e3 ? datum.value / 1e3 + ' k' : datum.label"
)
_FIGURE = {"type": "quantitative", "title": "pictures", "format": ",d"}

Chart = tuple[pa.Table, dict[str, Any]]
"""Data, and the specification of what is drawn of it."""


def histogram(counts: Counts, title: str, threshold: float, policy: float | None) -> Chart:
    """Bars of a score, those from the threshold on in another colour.

    counts     [BINS]; the axis is a logarithm, or a few rows beside millions would not be seen
    threshold  of the slider; policy: of the policy in force, drawn dashed
    """
    edges = np.arange(BINS + 1) / BINS
    starts = pa.array(edges[:-1])
    table = pa.table({"from": starts, "to": pa.array(edges[1:]), "n": pa.array(counts)})
    # A bin that the threshold cuts counts as below: the rule on it says where exactly.
    side = {"test": f"datum.from >= {threshold - 1e-9}", "value": _FROM}
    across = {"type": "quantitative", "title": title, "scale": {"domain": [0, 1], "nice": False}}
    # Powers of ten only: a logarithm's own marks crowd at the top.
    powers = {"values": [0, *(10**n for n in range(10))], "labelExpr": _SHORT}
    most = max(1, int(counts.max())) * 1.1
    bars = {
        "mark": {"type": "rect", "stroke": None, "aria": False},
        "encoding": {
            "x": {"field": "from", **across},
            "x2": {"field": "to"},
            "y": {
                "field": "n",
                **_FIGURE,
                "scale": {"type": "symlog", "domain": [0, most]},
                "axis": powers,
            },
            "y2": {"datum": 0},
            "color": {"value": _BELOW, "condition": side},
            "tooltip": [
                {"field": "from", "type": "quantitative", "format": ".2f"},
                {"field": "to", "type": "quantitative", "format": ".2f"},
                {"field": "n", **_FIGURE},
            ],
        },
    }
    layers = [bars, _rule(threshold, _FROM, [1, 0])]
    if policy is not None:
        layers.append(_rule(policy, _POLICY, [6, 4]))
    return table, {"layer": layers, "height": HEIGHT}


def density(found: Density) -> Chart:
    """Squares of the map by how many rows lie there; a box can be drawn around some."""
    table = pa.table({n: pa.array(getattr(found, n)) for n in ("x", "y", "count")})
    scale = {"domain": [0, found.side], "nice": False}
    axis = {"type": "quantitative", "scale": scale, "axis": None}
    most = max(2, int(found.count.max(initial=0)))
    return table, {
        "transform": [
            {"calculate": "datum.x + 1", "as": "right"},
            {"calculate": "datum.y + 1", "as": "top"},
        ],
        "mark": {"type": "rect", "stroke": None, "color": _MANY, "aria": False},
        "encoding": {
            "x": {"field": "x", **axis},
            "x2": {"field": "right"},
            "y": {"field": "y", **axis},
            "y2": {"field": "top"},
            # Opacity, so that many stand out on a dark page and on a light one.
            "opacity": {
                "field": "count",
                **_FIGURE,
                "scale": {"type": "log", "domain": [1, most], "range": [0.25, 1]},
                "legend": {"format": ",", "tickCount": 3},
            },
            "tooltip": [{"field": "count", **_FIGURE}],
        },
        "params": [{"name": BOX, "select": {"type": "interval", "encodings": ["x", "y"]}}],
        "height": MAP_HEIGHT,
    }


def boxed(drawn: object, side: int) -> tuple[float, float, float, float] | None:
    """(x0, y0, x1, y1), 0..1, four places, of what was drawn on the map; None where nothing was.

    drawn    what Streamlit says of BOX; side: of the density that it was drawn on
    """
    if not isinstance(drawn, dict):
        return None
    drawn_on = [drawn.get(axis) for axis in ("x", "y")]
    if not all(isinstance(ends, Sequence) and len(ends) == 2 for ends in drawn_on):
        return None
    (x0, x1), (y0, y1) = (
        sorted(min(1.0, max(0.0, round(end / side, 4))) for end in ends)
        for ends in drawn_on
        if ends
    )
    return x0, y0, x1, y1


def _rule(at: float, colour: str, dash: Sequence[int]) -> dict[str, Any]:
    return {
        # Not told of by itself: the words of the chart say where it is.
        "mark": {"type": "rule", "strokeWidth": 2, "color": colour, "strokeDash": list(dash),
                 "aria": False},
        "encoding": {"x": {"datum": at}},
    }  # fmt: skip
