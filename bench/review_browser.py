"""One visitor of the review screen in a real browser, timed by the browser's own clock.

The page's own script is not changed: times come from input events, from what is drawn and from the
browser's list of requests. All times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.review_server import Server

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60_000

SCRIPT = """
(() => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const inside = (node) => {
    for (const each of node.querySelectorAll("*")) {
      if (each.dataset?.testid === "grid") return each;
      const found = each.shadowRoot && inside(each.shadowRoot);
      if (found) return found;
    }
    return null;
  };
  let kept = null;
  const grid = () => (kept?.isConnected ? kept : (kept = inside(document)));
  const cells = () => [...(grid()?.querySelectorAll("[role=option]") ?? [])];
  const shown = () => cells().map((cell) => cell.dataset.row).join();
  const loaded = () => cells().every((cell) => {
    const image = cell.querySelector("img");
    return !image?.src || (image.complete && image.naturalWidth > 0);
  });
  const until = async (holds) => {
    const last = performance.now() + 60000;
    while (!holds()) {
      if (performance.now() > last) throw new Error("nothing happened for a minute");
      await pause(1);
    }
  };
  const drawn = () => new Promise((done) => {
    const channel = new MessageChannel(); // the first task after the frame that is being made
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  });
  const painted = () => new Promise((done) => requestAnimationFrame(() => drawn().then(done)));
  const replaced = async (act) => {
    const before = shown();
    const began = performance.now();
    act();
    await until(() => shown() && shown() !== before && loaded());
    const took = await painted() - began;
    await until(() => !document.querySelector("[data-test-script-state=running]"));
    return took;
  };
  const next = () => [...(grid()?.getRootNode() ?? document).querySelectorAll("button")]
    .find((each) => /next page|^next$/i.test(each.getAttribute("aria-label") || each.title)
      && !each.disabled);
  let pressed = [];
  window.addEventListener("keydown", (event) => {
    const from = grid()?.dataset.cursor + shown();
    const key = { at: event.timeStamp, painted: null };
    pressed.push(key);
    const look = () => requestAnimationFrame(() => {
      if (grid().dataset.cursor + shown() === from) look();
      else drawn().then((at) => { key.painted = at; });
    });
    look();
  }, true);
  performance.setResourceTimingBufferSize(100000);
  window.bench = {
    async rested() {
      await until(() => document.querySelector("[data-test-script-state=notRunning]")
        && !document.querySelector("[data-testid=stSkeleton], [data-testid=stSpinner]"));
      return painted();
    },
    ready: () => cells().length > 0 && loaded(),
    shown,
    cursor: () => Number(grid().dataset.cursor),
    stored: () => until(() => grid().dataset.pending === "0"),
    next: () => replaced(() => next().click()),
    async pages(count) {
      const took = [];
      for (let n = 0; n < count; n += 1) took.push(await replaced(() => next().click()));
      return took;
    },
    replaced,
    async floor() {
      const text = () => document.querySelector("[data-testid=stText]")?.textContent;
      const before = text();
      const began = performance.now();
      next().click();
      await until(() => text() !== before);
      return await painted() - began;
    },
    begin: () => cells()[0].click(),
    clear() { pressed = []; performance.clearResourceTimings(); },
    async keys(each) { // each: one post a key; the browser lists a post a little after its answer
      const listed = () => performance.getEntriesByType("resource")
        .filter((entry) => entry.name.endsWith("/audit/decisions"));
      await until(() => pressed.every((key) => key.painted)
        && listed().length >= (each ? pressed.length : 1));
      const posts = listed();
      return {
        painted: pressed.map((key) => key.painted - key.at),
        stored: posts.map((post) => post.responseEnd),
        at: pressed.map((key) => key.at),
      };
    },
    async revealed() {
      const canvas = () => grid().getRootNode().querySelector("[data-testid=clear]");
      await until(() => canvas() && !canvas().hidden);
      return await painted() - pressed.at(-1).at;
    },
  };
})();
"""


class Visitor:
    """A browser window on one server."""

    def __init__(self, page: Any, server: Server) -> None:
        """Nothing is opened yet."""
        self.page = page
        self.server = server

    def open(self, address: str = "/") -> float:
        """Go to an address; time until every preview of the first page is drawn."""
        self.page.goto(self.server.url + address)
        self.page.evaluate(SCRIPT)
        self.page.wait_for_function("() => bench.ready()", polling=5, timeout=PATIENCE)
        took: float = self.page.evaluate("() => performance.now()")
        self.page.wait_for_selector("[data-test-script-state=notRunning]", timeout=PATIENCE)
        return took

    def open_floor(self) -> float:
        """Likewise for the empty page."""
        self.page.goto(self.server.url)
        self.page.wait_for_selector("[data-testid=stText]", timeout=PATIENCE)
        took: float = self.page.evaluate("() => performance.now()")
        self.page.evaluate(SCRIPT)
        return took

    def visit(self, address: str) -> float:
        """Go to any page; time until all of it is drawn."""
        self.page.goto(self.server.url + address)
        self.page.evaluate(SCRIPT)
        return float(self.page.evaluate("() => bench.rested()"))

    def next(self) -> float:
        """Turn to the next page."""
        return float(self.page.evaluate("() => bench.next()"))

    def floor(self) -> float:
        """Turn the page of the empty page."""
        return float(self.page.evaluate("() => bench.floor()"))

    def filter(self, name: str) -> float:
        """Press the filter of one type; time until other rows are drawn."""
        return float(
            self.page.evaluate(
                """(name) => bench.replaced(() => [...document.querySelectorAll(
                "[data-testid=stSidebar] [data-testid=stButtonGroup] button, "
                + "[data-testid=stSidebar] [role=radio], [data-testid=stSidebar] [role=checkbox]")]
                .find((each) => each.textContent.trim().startsWith(name)).click())""",
                name,
            )
        )

    def decide(self, keys: str) -> tuple[list[float], list[float]]:
        """Press keys one after the other from the first card on, each when the last is stored.

        returns  (until the next item was painted, until the decision was stored) of each key
        """
        self.page.evaluate("() => { bench.begin(); bench.clear(); }")
        for key in keys:
            self.page.keyboard.press(key)
            self.page.evaluate("() => bench.stored()")
        said = self.page.evaluate("() => bench.keys(true)")
        stored = [end - at for at, end in zip(said["at"], said["stored"], strict=True)]
        return said["painted"], stored

    def burst(self, keys: str) -> float:
        """Press keys as fast as the browser takes them; time until all are stored."""
        self.page.evaluate("() => bench.clear()")
        for key in keys:
            self.page.keyboard.press(key)
        self.page.evaluate("() => bench.stored()")
        said = self.page.evaluate("() => bench.keys(false)")
        return float(max(said["stored"]) - min(said["at"]))

    def reveal(self) -> float:
        """Reveal the selected picture and hide it again; time until it is drawn."""
        self.page.evaluate("() => bench.clear()")
        self.page.keyboard.press("b")
        took = float(self.page.evaluate("() => bench.revealed()"))
        self.page.keyboard.press("b")
        return took


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


def visitor(chromium: Any, server: Server) -> Visitor:
    """A new visitor with an empty cache."""
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(PATIENCE)
    return Visitor(page, server)


def together(visitors: list[Visitor], pages: int) -> list[float]:
    """All turn pages at the same time; time of every page of every visitor."""
    for each in visitors:
        each.page.evaluate("(n) => { bench.done = null; bench.pages(n).then((t) => "
                           "{ bench.done = t; }); }", pages)  # fmt: skip
    took: list[float] = []
    for each in visitors:
        each.page.wait_for_function("() => bench.done", polling=100, timeout=10 * PATIENCE)
        took += each.page.evaluate("() => bench.done")
    return took
