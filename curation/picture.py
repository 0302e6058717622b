"""A plan as a picture: what goes where, as bands whose width is the number of images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from curation.plan import Flow, Plan
from curation.rules import ACTIONS

COLOURS = {
    "keep": "#3a9d5d",
    "keep-with-hint": "#8bbf4a",
    "redact": "#4a90c2",
    "review": "#e0a53a",
    "drop": "#c8553d",
    "quarantine": "#6b4c8a",
}
WIDTH, BAR, HEIGHT, GAP = 860, 12, 360, 14  # pixels; HEIGHT is that of all bands together
_LEFT, _RIGHT = 210, WIDTH - 210
_THINNEST = 1.5  # a band must be seen
_ALONE = 0.6  # a share that leaves no room for the rest: that is drawn once more without it


def svg(plan: Plan) -> str:
    """The picture: risk type and level on the left, what becomes of it on the right.

    Where one band would leave no room for the others, a second panel shows these alone.
    """
    panels: list[tuple[str, Sequence[Flow]]] = [("All images", plan.flows)]
    largest = max(plan.flows, key=lambda flow: flow.images, default=None)
    if largest and len(plan.flows) > 1 and largest.images > _ALONE * plan.total.images:
        rest = [flow for flow in plan.flows if flow is not largest]
        panels.append((f"Without {largest.kind} -> {largest.action}", rest))
    drawn: list[str] = []
    top = 46.0
    for title, flows in panels:
        lines, top = _panel(title, flows, top)
        drawn += lines
    heading = f"{plan.catalog} under the policy {plan.policy} ({plan.policy_hash[:12]})"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" '
        f'width="{WIDTH}" height="{top:.0f}" role="img" '
        'font-family="sans-serif" font-size="12">\n'
        f"<title>{escape(heading)}</title>\n"
        f'<rect width="{WIDTH}" height="{top:.0f}" fill="#fff"/>\n'
        f'<text x="16" y="24" font-size="15">{escape(heading)}</text>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


@dataclass(slots=True)
class _Box:
    """One side of some bands: where it begins, how high it is, where the next band goes."""

    top: float
    height: float
    images: int
    next: float


def _panel(title: str, flows: Sequence[Flow], top: float) -> tuple[list[str], float]:
    total = sum(flow.images for flow in flows)
    drawn = [f'<text x="16" y="{top + 8:.1f}" fill="#555">{escape(title)}: {total:,}</text>']
    if not total:
        return drawn, top + 30
    high = {id(flow): max(_THINNEST, HEIGHT * flow.images / total) for flow in flows}
    kinds = {k: list(g) for k, g in groupby(flows, key=lambda flow: flow.kind)}
    actions = {a: found for a in ACTIONS if (found := [f for f in flows if f.action == a])}
    left, right = (_boxes(side, high, top + 22) for side in (kinds, actions))
    for action, bands in actions.items():
        for flow in bands:
            drawn.append(_band(left[flow.kind], right[action], high[id(flow)], flow, total))
    drawn += _labels(left, _LEFT - BAR, "end", total)
    drawn += _labels(right, _RIGHT, "start", total)
    bottom = max(box.top + box.height for side in (left, right) for box in side.values())
    return drawn, bottom + 30


def _boxes(
    side: Mapping[str, Sequence[Flow]], high: Mapping[int, float], top: float
) -> dict[str, _Box]:
    boxes: dict[str, _Box] = {}
    for name, flows in side.items():
        height = sum(high[id(flow)] for flow in flows)
        boxes[name] = _Box(top, height, sum(flow.images for flow in flows), top)
        top += max(height, 15 - GAP / 2) + GAP  # room for a label
    return boxes


def _band(left: _Box, right: _Box, height: float, flow: Flow, total: int) -> str:
    y0, y1 = left.next, right.next
    left.next += height
    right.next += height
    middle = (_LEFT + _RIGHT) / 2
    about = f"{flow.kind} -> {flow.action}: {flow.images:,} ({flow.images / total:.2%})"
    return (
        f'<path d="M{_LEFT},{y0:.1f} C{middle},{y0:.1f} {middle},{y1:.1f} {_RIGHT},{y1:.1f} '
        f"L{_RIGHT},{y1 + height:.1f} C{middle},{y1 + height:.1f} {middle},{y0 + height:.1f} "
        f'{_LEFT},{y0 + height:.1f} Z" fill="{COLOURS[flow.action]}" fill-opacity="0.55">'
        f"<title>{escape(about)}</title></path>"
    )


def _labels(boxes: Mapping[str, _Box], x: float, anchor: str, total: int) -> Iterator[str]:
    for name, box in boxes.items():
        colour = COLOURS.get(name, "#444")
        yield (
            f'<rect x="{x:.1f}" y="{box.top:.1f}" width="{BAR}" height="{box.height:.1f}" '
            f'fill="{colour}"/>'
        )
        at = x - 8 if anchor == "end" else x + BAR + 8
        words = f"{name}  {box.images:,} ({box.images / total:.1%})"
        yield (
            f'<text x="{at:.1f}" y="{box.top + box.height / 2 + 4:.1f}" '
            f'text-anchor="{anchor}">{escape(words)}</text>'
        )
