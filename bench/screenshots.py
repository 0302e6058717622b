"""The pictures of the review screen in the README: bench/screens/*.png, made from the demo shards.

    python -m bench.screenshots [--out FOLDER]

The demo shards are scanned with the bundled scorer, ann and ben decide some of them in an order
that is always the same, at a time that is always the same, and chromium looks at every page.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from app.people import People, Personal
from audit import mapping
from audit.building import index
from audit.catalog import Catalog
from audit.plan import ScanOptions
from audit.scan import scan
from audit.scorer import Scorer
from audit.taxonomy import LEVELS, TYPES
from audit.verdicts import Decision
from bench.review_browser import browser
from bench.review_server import ROOT, reviewing
from curation.decisions import Decisions

OUT = ROOT / "bench" / "screens"
SHARDS = ROOT / "data" / "demo-shards"
SIZE = {"width": 1280, "height": 800}
COLOURS = 128  # of a picture: blurred greys and a few accents
LARGEST = 200_000  # bytes


@dataclass(frozen=True, slots=True)
class Look:
    """One picture.

    address   of the page
    presses   labels of buttons pressed there first; keys: keys pressed then
    at        heading that is brought to the top
    """

    name: str
    address: str
    presses: Sequence[str] = ()
    keys: Sequence[str] = ()
    at: str | None = None


LOOKS = (
    Look("review", "/?order=High+risk+first", keys=("a", "x", "a", "k", "3", "h", "e")),
    Look("search", "/search?way=SQL&sql=width+%3E+height+and+risk+%3E+0.5"),
    Look("overview", "/overview"),
    Look("map", "/overview", at="Map"),
    Look("decisions", "/decisions", ("Show what each reviewer said",)),
    Look("policy", "/policy"),
    Look("estimate", "/estimate", ("Draw",)),
    Look("export", "/export"),
    Look("settings", "/settings"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Make all pictures."""
    p = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("--out", type=Path, default=OUT, help="folder of the pictures")
    args = p.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "demo-shards.audit"
        scan([str(SHARDS)], catalog, Scorer.load("compact", device="cpu"), ScanOptions())
        mapping.make(catalog)
        index(catalog)
        decide(catalog)
        # Nothing comes between: the notice before a hard batch would hide what is to be seen.
        People(catalog).save("ann", Personal(notice=False))
        with reviewing(catalog, "ann") as server, browser() as chromium:
            context = chromium.new_context(
                viewport=SIZE, color_scheme="dark", reduced_motion="reduce", locale="en-GB",
                timezone_id="UTC",
            )  # fmt: skip
            page = context.new_page()
            for look in LOOKS:
                path = args.out / f"{look.name}.png"
                page.goto(server.url + look.address)
                at_rest(page)
                for label in look.presses:
                    page.get_by_role("button", name=label, exact=True).click()
                    at_rest(page)
                for key in look.keys:
                    page.keyboard.press(key)
                at_rest(page)
                if look.at:
                    heading = page.get_by_role("heading", name=look.at, exact=True)
                    heading.evaluate("(node) => node.scrollIntoView()")
                    at_rest(page)
                path.write_bytes(small(page.screenshot()))
                print(f"{path}  {path.stat().st_size:,} bytes", flush=True)
    return 0


def decide(catalog: Path) -> None:
    """Some decisions of two reviewers, who disagree now and then."""
    with Catalog(catalog) as opened:
        rows = opened.sql(
            "SELECT row_id, uid, risk_type, risk_level FROM samples WHERE status = 'scored' "
            "AND risk_type <> 'safe' ORDER BY risk DESC, uid"
        ).to_pylist()
    drawn = random.Random(0)
    said: list[Decision] = []
    for reviewer, share in (("ann", 0.3), ("ben", 0.2)):
        for n, row in enumerate(rows):
            if drawn.random() > share:
                continue
            verdict = drawn.choice(("agree", "agree", "agree", "keep", "drop", "relabel"))
            said.append(decision(row, reviewer, verdict, n, drawn))
    Decisions(catalog).append(said)


def decision(
    row: dict[str, Any], reviewer: str, verdict: str, n: int, drawn: random.Random
) -> Decision:
    """One of them; always the same."""
    kind, level = row["risk_type"], row["risk_level"]
    if verdict == "relabel":
        kind, level = drawn.choice(TYPES[:-1]), drawn.choice(LEVELS[1:])
    labels = {"type": kind, "level": level} if verdict in ("agree", "relabel") else {}
    return Decision(
        id=hashlib.sha256(f"{reviewer} {row['uid']}".encode()).hexdigest()[:32],
        row_id=row["row_id"], uid=row["uid"], verdict=verdict, reviewer=reviewer,
        time=f"2026-01-05T{9 + n // 60 % 8:02d}:{n % 60:02d}:00.000Z", seconds=2.5, **labels,
    )  # fmt: skip


def at_rest(page: Any) -> None:
    """Wait until the script has run, everything is drawn and every decision stored."""
    page.wait_for_selector("[data-test-script-state=notRunning]")
    for selector in ("[data-testid=stSkeleton]", "[data-pending]:not([data-pending='0'])"):
        page.locator(selector).first.wait_for(state="detached")
    page.wait_for_load_state("networkidle")
    pane = page.get_by_test_id("pane")
    if pane.is_visible():
        pane.locator(".bars, .withheld").first.wait_for()


def small(png: bytes) -> bytes:
    """The same picture in COLOURS colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    if len(file.getvalue()) > LARGEST:
        raise SystemExit(f"a picture of {len(file.getvalue()):,} bytes; {LARGEST:,} at most")
    return file.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
