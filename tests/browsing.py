"""What tests of the review screen in a real browser share: the browser, a page, and waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.catalog import Catalog
from tests import reviews

try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:  # the extra dev is not installed
    expect = sync_playwright = None  # type: ignore[assignment]

needs_browser = [
    pytest.mark.skipif(sync_playwright is None, reason="needs the Python package playwright"),
    pytest.mark.skipif(
        not reviews.CHROMIUM.exists(), reason=f"needs {reviews.CHROMIUM}: apt-get install chromium"
    ),
    pytest.mark.timeout(120),
]

# Every picture of the page, also inside components.
WIDTHS = """() => {
  const found = [];
  const walk = (node) => {
    for (const each of node.querySelectorAll("*")) {
      if (each.tagName === "IMG") found.push(each.naturalWidth);
      if (each.tagName === "CANVAS") found.push(each.hidden ? 0 : each.width);
      if (each.shadowRoot) walk(each.shadowRoot);
    }
  };
  walk(document);
  return found;
}"""


class Site:
    """A server, and the catalog that it shows."""

    def __init__(self, catalog: Path, port: int) -> None:
        self.catalog = catalog
        self.url = f"http://127.0.0.1:{port}"
        self.port = port


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Ends with the module: while Playwright runs, this thread has an event loop."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(reviews.CHROMIUM), args=list(reviews.FLAGS)
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A new visitor; errors in the page fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    yield opened
    context.close()
    assert not faults


def cells(page: Any) -> Any:
    return page.get_by_test_id("grid").get_by_role("option")


def go(page: Any, site: Site, address: str = "/?stack=false") -> None:
    """Open an address, usually that of a queue of single rows; wait until its cards are there."""
    page.goto(site.url + address)
    expect(cells(page).first).to_be_visible(timeout=30_000)
    settled(page)


def settled(page: Any) -> None:
    """Wait until the script has run and everything decided is stored."""
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=30_000
    )
    expect(page.get_by_test_id("grid")).to_have_attribute("data-pending", "0", timeout=30_000)


def cursor(page: Any) -> int:
    return int(page.get_by_test_id("grid").get_attribute("data-cursor"))


def clear_requests(page: Any) -> list[str]:
    return [url for url in page.asked if "/clear/" in url]


def added(site: Site, before: int, reviewer: str = "ann") -> list[tuple[Any, ...]]:
    """(verdict, type, level) of the lines behind the first `before`."""
    lines = reviews.log(site.catalog, reviewer)[before:]
    return [(line["verdict"], line["type"], line["level"]) for line in lines]


def row_id(site: Site, member: str) -> str:
    with Catalog(site.catalog) as opened:
        table = opened.columns(["image_member", "row_id"]).to_pydict()
    return str(table["row_id"][table["image_member"].index(member)])


def find(page: Any, row: str) -> None:
    """Select a row, on whatever page it is."""
    for _ in range(5):
        cell = page.locator(f'[data-row="{row}"]')
        if cell.count():
            cell.click()
            return
        first = cells(page).first.get_attribute("data-row")
        page.get_by_role("button", name="Next page").click()
        expect(page.locator(f'[data-row="{first}"]')).to_have_count(0, timeout=15_000)
    pytest.fail(f"row {row} is on no page")


def shot(page: Any, name: str) -> None:
    """Keep what the page looks like, for people to look at: build/screens/NAME.png."""
    page.screenshot(path=reviews.ROOT / "build" / "screens" / f"{name}.png")
