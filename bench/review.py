"""How quick the review screen is in a real browser, and whether millions of rows slow it down.

    python -m bench.review [--rows N] [--fewer N] [--turns N] [--write]

Two catalogs of made-up rows are served by `audit review`, beside an empty page under the same
server, and a visitor of each takes turns: so a busy machine slows all of them alike. Rows of
figures are printed as bench/RESULTS.md has them; `--write` puts them there. Ends with 1 when a
figure misses its aim. The catalogs are kept in `--folder` for the next time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.verdicts import read_decisions
from bench.review_browser import Visitor, browser, together, visitor
from bench.review_catalog import REVIEWER, catalog_of
from bench.review_server import ROOT, Server, floor, kept_alive, reviewing

FOLDER = ROOT / "build" / "bench-review"
RESULTS = ROOT / "bench" / "RESULTS.md"
COMMAND = "`python -m bench.review"
PAGES = 3  # turned in one go
KEYS = "kxkxkxkxkx"
BURST = "kx" * 15
TYPE = "privacy"  # whose filter is pressed
VISITORS = 4
PLACES = {
    "Search for a word": "/search?words=bridge",
    "Search by SQL": "/search?way=SQL&sql=risk+%3E+0.9+and+width+%3E+100",
    "Overview": "/overview",
    "Decisions": "/decisions",
    "Policy": "/policy",
    "Estimate": "/estimate",
    "Export": "/export",
    "Settings": "/settings",
}

Times = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    values   one of each turn, or of each thing timed
    most     the aim; None: only told
    share    of the values that the aim is for: 0.5 is the median
    """

    what: str
    values: Sequence[float]
    unit: str = ""
    most: float | None = None
    share: float = 0.5

    @property
    def reached(self) -> bool:
        """Whether the aim is met; True where there is none."""
        return self.most is None or quantile(self.values, self.share) <= self.most

    def row(self) -> str:
        """As a row of Markdown."""
        name = "p95" if self.share == 0.95 else "median"
        aim = "" if self.most is None else f"{name} <= {self.most:g}{self.unit}"
        aim += "" if self.reached else ", missed"
        digits = 0 if self.unit and max(self.values) >= 20 else 2
        median, late = (quantile(self.values, share) for share in (0.5, 0.95))
        least, most = min(self.values), max(self.values)
        shown = f"{median:.{digits}f}{self.unit}"
        if len(self.values) > 1:
            shown += f", p95 {late:.{digits}f} [{least:.{digits}f} .. {most:.{digits}f}]"
        return f"| {self.what} | {shown} | {aim} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 1 when a figure misses its aim."""
    p = argparse.ArgumentParser(prog="python -m bench.review", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("--rows", type=int, default=10_000_000, help="of the larger catalog")
    p.add_argument("--fewer", type=int, default=1_000_000, help="of the smaller one")
    p.add_argument("--turns", type=int, default=10)
    p.add_argument("--folder", type=Path, default=FOLDER, help="where catalogs are made and kept")
    p.add_argument("--write", action="store_true", help="put the rows into bench/RESULTS.md")
    args = p.parse_args(argv)
    many, few = (catalog_of(args.folder, rows) for rows in (args.rows, args.fewer))
    with ExitStack() as open_servers:
        servers = {
            "many": open_servers.enter_context(reviewing(many, REVIEWER)),
            "few": open_servers.enter_context(reviewing(few, REVIEWER)),
            "floor": open_servers.enter_context(floor()),
        }
        times = measured(servers, many, args.turns)
        figures = list(told(servers, times, args.rows, args.fewer))
    table = "\n".join(("| figure | value | aim |", "| --- | --- | --- |",
                       *(figure.row() for figure in figures)))  # fmt: skip
    options = f" --rows {args.rows} --fewer {args.fewer} --turns {args.turns}`"
    heading = f"{COMMAND}{options}, median, p95 [lowest .. highest]:"
    print(f"{heading}\n\n{table}")
    if args.write:
        write(heading, table)
    return 0 if all(figure.reached for figure in figures) else 1


def measured(servers: dict[str, Server], catalog: Path, turns: int) -> Times:
    """What everything took, by "server: what"."""
    times: Times = defaultdict(list)
    with browser() as chromium:
        visitors = {name: visitor(chromium, server) for name, server in servers.items()}
        for name, each in visitors.items():
            _open(name, each)
        for turn in range(turns + 1):  # the first warms
            kept = times if turn else defaultdict(list)
            for name, each in visitors.items():
                for what, took in _turn(name, each, chromium):
                    kept[f"{name}: {what}"] += took
            print(f"turn {turn} of {turns}", file=sys.stderr, flush=True)
        tourist = visitor(chromium, servers["many"])
        for place, address in PLACES.items():
            times[f"{place}, at first"] = [tourist.visit(address)]
            times[f"{place}, again"] = [tourist.visit(address) for _ in range(PAGES)]
            print(f"{place}", file=sys.stderr, flush=True)
        tourist.page.context.close()
        before = len(read_decisions(catalog))
        for _ in range(2):
            visitors["many"].next()  # keys are not taken while a page turns
            times["burst"].append(visitors["many"].burst(BURST))
        said = read_decisions(catalog)[before:]  # a card may stand for near-duplicates
        cards, rows = {d.cluster or d.id for d in said}, {d.row_id for d in said}
        if len(cards) != 2 * len(BURST) or len(rows) != len(said):
            raise SystemExit(f"{2 * len(BURST)} keys decided {len(cards)} cards, "
                             f"{len(rows)} rows of {len(said)} decisions")  # fmt: skip
        for _ in range(3):  # of different machines in life; here all share these cores
            times["alone"] += together([visitors["many"]], PAGES)
        crowd = [visitors["many"], *(visitor(chromium, servers["many"]) for _ in range(3))]
        for each in crowd[1:]:
            each.open()
        times["crowd"] = together(crowd, 3 * PAGES)
    return times


def _open(name: str, each: Visitor) -> float:
    return each.open_floor() if name == "floor" else each.open()


def _turn(name: str, each: Visitor, chromium: Any) -> Iterator[tuple[str, list[float]]]:
    """(what, milliseconds of each time it was done) of one visitor's turn."""
    newcomer = visitor(chromium, each.server)
    yield "cold", [_open(name, newcomer)]
    newcomer.page.context.close()
    yield "alive", _later_requests(each.server)
    if name == "floor":
        yield "next", [each.floor() for _ in range(PAGES)]
        return
    yield "next", [each.next() for _ in range(PAGES)]
    yield "filter", [each.filter(TYPE), each.filter(TYPE)]
    painted, stored = each.decide(KEYS)
    yield "painted", painted
    yield "stored", stored
    yield "reveal", [each.reveal()]


def _later_requests(server: Server) -> list[float]:
    """The later requests of one connection over its first one."""
    first, *later = kept_alive(server)
    return [statistics.mean(later) / first]


def told(servers: dict[str, Server], times: Times, rows: int, fewer: int) -> Iterator[Figure]:
    """The rows of the table."""
    many, few = f"{rows:,}", f"{fewer:,}"

    def over(what: str, above: str, below: str) -> list[float]:
        return _ratios(times[f"{above}: {what}"], times[f"{below}: {what}"])

    yield Figure("next page over an empty page's", over("next", "many", "floor"), most=2)
    yield Figure(f"next page, {many} rows over {few}", over("next", "many", "few"), most=1.5)
    yield Figure(f"filter, {many} rows over {few}", over("filter", "many", "few"), most=1.5)
    yield Figure(f"key to stored, {many} rows over {few}", over("stored", "many", "few"), most=1.5)
    yield Figure("first visit over an empty page's", over("cold", "many", "floor"))
    yield Figure("later requests of a connection over its first", times["many: alive"], most=3)
    crowd = [took / statistics.median(times["alone"]) for took in times["crowd"]]
    yield Figure(f"next page, {VISITORS} browsers at once over one", crowd)
    milliseconds: tuple[tuple[str, str, float | None], ...] = (
        ("key to the next item painted", "many: painted", 30),
        ("key to the decision stored", "many: stored", 60),
        ("next page", "many: next", None),
        ("filter", "many: filter", None),
        ("first visit", "many: cold", None),
        ("reveal", "many: reveal", None),
        (f"{len(BURST)} keys at full speed, all stored", "burst", None),
    )
    for what, name, most in milliseconds:
        yield Figure(what, times[name], " ms", most, 0.95)
    for place in PLACES:
        for when in ("at first", "again"):
            yield Figure(f"{place}, {when}", times[f"{place}, {when}"], " ms")
    yield Figure("start to the first answer", [1000 * servers["many"].seconds], " ms")
    yield Figure(f"memory with {many} rows", [servers["many"].megabytes()], " MB")
    yield Figure(f"memory with {few} rows", [servers["few"].megabytes()], " MB")


def _ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """One of each time; both did the same things in the same turns."""
    return [a / b for a, b in zip(above, below, strict=True)]


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so great a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def write(heading: str, table: str) -> None:
    """Replace what RESULTS.md says of this benchmark, or add it before the figures of GPUs."""
    text = RESULTS.read_text(encoding="utf-8")
    place = text.find(COMMAND)
    if place < 0:
        place = end = text.index("## GPU")
    else:
        end = min(found for mark in ("\n`python", "\n## ")
                  if (found := text.find(mark, place)) >= 0) + 1  # fmt: skip
    RESULTS.write_text(f"{text[:place]}{heading}\n\n{table}\n\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
