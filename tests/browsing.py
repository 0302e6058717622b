"""What tests of the review screen in a real browser share: the browser, a page, and waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from audit.catalog import Catalog
from tests import reviews

try:
    from playwright.sync_api import Error, expect, sync_playwright
except ImportError:  # the extra dev is not installed
    Error = expect = sync_playwright = None  # type: ignore[assignment]

needs_browser = [
    pytest.mark.skipif(sync_playwright is None, reason="needs the Python package playwright"),
    pytest.mark.skipif(
        not reviews.CHROMIUM.exists(), reason=f"needs {reviews.CHROMIUM}: apt-get install chromium"
    ),
    pytest.mark.timeout(120),
]

WINDOW = {"width": 1280, "height": 800}
Opened = Callable[[str], Any]
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
    """Where a catalog is shown; `process` is the server's id where it is known."""

    def __init__(self, catalog: Path, port: int, process: int = 0) -> None:
        self.catalog = catalog
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.process = process


@contextmanager
def shown(catalog: Path, *options: str) -> Iterator[Site]:
    """`audit review` of a catalog for ann, until the block ends; what it says: CATALOG.log."""
    port = reviews.free_port()
    with reviews.serving(catalog, port, catalog.with_suffix(".log"), options=options) as process:
        yield Site(catalog, port, process.pid)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog for all tests of a module, where it has none of its own."""
    return reviews.write(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="module")
def site(catalog: Path) -> Iterator[Site]:
    """The screen of the module's own `catalog`."""
    with shown(catalog) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Ends with the module: while Playwright runs, this thread has an event loop."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(reviews.CHROMIUM), args=list(reviews.FLAGS)
        )
        yield chromium
        chromium.close()


class Windows:
    """Windows of a browser by the name of who sits there, kept from test to test.

    A new window costs more than the page in it. What a test leaves in one is cleared away.
    """

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._pages: dict[str, Any] = {}

    def open(self, who: str = "ann") -> Any:
        """An empty page of somebody who was never here; `asked` are its requests."""
        page = self._pages.get(who)
        if page is None or page.is_closed():
            page = self._pages[who] = new_page(self._chromium)
        return page

    def clear(self) -> list[str]:
        """Leave every page, as somebody who closes a window does; returns errors in them."""
        faults: list[str] = []
        for page in self._pages.values():
            try:
                if not page.is_closed():
                    _clear(page)
            except Error:  # its server has gone
                page.context.close()
            faults += page.faults
            page.asked.clear()
            page.faults.clear()
        return faults


def _clear(page: Any) -> None:
    """Leave for an address of the same server, which saves the next page a process; forget."""
    page.unroute_all()
    if page.url.startswith("http"):
        page.goto(urljoin(page.url, "/_stcore/health"))
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    page.context.clear_cookies()
    page.set_viewport_size(WINDOW)
    page.emulate_media(reduced_motion="null")


def new_page(chromium: Any) -> Any:
    """The page of a new window; `asked` are its requests, `faults` the errors in it."""
    page = chromium.new_context(viewport=WINDOW).new_page()
    page.asked, page.faults = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    return page


@pytest.fixture(scope="module")
def windows(browser: Any) -> Windows:
    return Windows(browser)


@pytest.fixture
def opened(windows: Windows) -> Iterator[Opened]:
    """Opens a page for a name; errors in a page fail the test."""
    yield windows.open
    assert not windows.clear()


@pytest.fixture
def page(opened: Opened) -> Any:
    return opened("ann")


@pytest.fixture
def fresh_page(browser: Any) -> Iterator[Any]:
    """A page whose window goes with it, for tests that change more of it than can be cleared."""
    page = new_page(browser)
    yield page
    page.context.close()
    assert not page.faults


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
    """Keep what the page looks like, for people to look at: build/screens/NAME.jpg."""
    path = reviews.ROOT / "build" / "screens" / f"{name}.jpg"
    page.screenshot(path=path, quality=90)  # a PNG takes twice as long
