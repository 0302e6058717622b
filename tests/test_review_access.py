"""Every page of the review screen, dark and light, small, large and enlarged: nobody is kept out.

What axe-core calls serious or critical fails, and so does a page that scrolls sideways. Pictures of
the pages are kept in build/screens for people to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audit.catalog import Catalog
from curation.decisions import Decisions, decide
from tests import reviews
from tests.browsing import Site, Windows, cells, expect, needs_browser, shot

pytestmark = needs_browser

PAGES = (
    "Review", "Search", "Overview", "Decisions", "Policy", "Estimate", "Export", "Settings"
)  # fmt: skip
ADDRESSES = {"Review": "/", "Search": "/search?words=caption"}  # of pages with pictures
WIDE = {"width": 1920, "height": 1080}
ENLARGED = {"width": 640, "height": 400}  # 1280 x 800 at 200 %
# Elements that stick out of the window to the right and are not inside something that scrolls.
STICKING_OUT = """() => {
  const found = [];
  const scrolls = (node) => {
    for (let at = node; at; at = at.parentElement ?? at.getRootNode().host) {
      if (at.matches?.("main, section.main, body, html")) return false;
      if (getComputedStyle(at).overflowX !== "visible") return true;
    }
    return false;
  };
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      const box = each.getBoundingClientRect();
      if (box.width && box.height && box.right > innerWidth + 1 && !scrolls(each)) {
        found.push(`${each.tagName}.${each.className} to ${Math.round(box.right)}`);
      }
      if (each.shadowRoot) walk(each.shadowRoot);
    }
  };
  walk(document);
  const across = (node) => node && node.scrollWidth > node.clientWidth + 1;
  for (const each of [document.documentElement, document.querySelector("[data-testid=stMain]")]) {
    if (across(each)) found.push(`${each.tagName} scrolls sideways`);
  }
  return found;
}"""
MOVING = """() => {
  const found = [];
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      const style = getComputedStyle(each);
      const times = `${style.transitionDuration},${style.animationDuration}`.split(",");
      if (times.some((time) => parseFloat(time) > 0)) found.push(each.outerHTML.slice(0, 200));
      if (each.shadowRoot) walk(each.shadowRoot);
    }
  };
  walk(document.querySelector("[data-testid=stAppViewContainer]"));
  return found;
}"""
# What has the focus, and whether it or what is drawn for it is marked.
FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return null;
  const marked = (node) => {
    const style = getComputedStyle(node);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none";
  };
  const near = [at, at.parentElement, at.parentElement?.parentElement, ...at.children,
    at.nextElementSibling].filter(Boolean);
  return [near.some(marked), at.outerHTML.slice(0, 200)];
}"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    catalog = reviews.write(tmp_path_factory.mktemp("access"))
    with Catalog(catalog) as opened:
        rows = opened.sql("SELECT row_id, uid FROM samples WHERE risk_type = 'illegal'").to_pylist()
    Decisions(catalog).append(
        [
            decide(row["row_id"], row["uid"], verdict, reviewer)
            for row in rows[:6]
            for reviewer, verdict in (("ann", "agree"), ("ben", "drop"))
        ]
    )
    return catalog


@cache
def axe() -> str:
    """The script, which runs inside the page and sees into components too."""
    found = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    return (Path(found.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def faults(page: Any) -> list[str]:
    """What axe-core calls serious or critical, one line each."""
    page.evaluate(f"() => {{ if (!window.axe) {{ {axe()} }} }}")
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{fault['id']} ({fault['impact']}), {len(fault['nodes'])} x: {node['html'][:200]} "
        f"{[check['message'] for check in node['any'] + node['all'] + node['none']][:2]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:2]
    ]


def at_rest(page: Any) -> None:
    """Wait until the script has run and what it draws is there."""
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=30_000
    )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def visit(page: Any, site: Site, title: str) -> None:
    """Open a page by its address."""
    answer = page.goto(site.url + ADDRESSES.get(title, f"/{title.lower()}"))
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    expect(page).to_have_title(f"{title} – Shardwarden", timeout=30_000)
    at_rest(page)
    if title in ADDRESSES:
        expect(cells(page).first).to_be_visible(timeout=30_000)


def choose(page: Any, theme: str) -> None:
    """Dark or Light, by the menu."""
    page.get_by_role("button", name="Main menu").click()
    page.get_by_role("menuitemradio", name=theme).click()
    page.get_by_role("button", name="Main menu").click()
    expect(page.get_by_role("menu", name="Main menu")).to_have_count(0)
    at_rest(page)


def test_the_navigation_has_every_page(page: Any, site: Site) -> None:
    page.goto(site.url)
    at_rest(page)
    links = page.get_by_test_id("stTopNavLink")
    assert [text.strip() for text in links.all_inner_texts()] == list(PAGES)


def test_axe_sees_into_the_grid(page: Any, site: Site) -> None:
    visit(page, site, "Review")
    page.get_by_test_id("grid").evaluate("(grid) => grid.after(document.createElement('button'))")
    assert [fault.partition(" ")[0] for fault in faults(page)] == ["button-name"]


def complaint(message: Any) -> list[str]:
    """What the browser complains of; not that Streamlit looks for itself under the page's path."""
    if message.type not in ("error", "warning") or "/_stcore/" in message.location["url"]:
        return []
    return [message.text]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that was just opened; `told` is what the browser complained of."""

    title: str
    page: Any
    told: list[str]


@pytest.fixture(scope="module", params=PAGES)
def shown(request: pytest.FixtureRequest, windows: Windows, site: Site) -> Iterator[Shown]:
    here = Shown(request.param, windows.open(), [])
    here.page.on("console", lambda message: here.told.extend(complaint(message)))
    here.page.emulate_media(reduced_motion="reduce")  # nothing is half way to its place
    visit(here.page, site, here.title)
    yield here
    assert not windows.clear()


def test_a_page_keeps_still_and_asks_nobody_else(shown: Shown, site: Site) -> None:
    assert shown.page.evaluate(MOVING) == []
    ours = (site.url, "data:", "blob:")
    assert not [url for url in shown.page.asked if not url.startswith(ours)]
    assert shown.told == []


def test_a_page_shows_the_focus(shown: Shown) -> None:
    seen = set()
    for _ in range(25):
        shown.page.keyboard.press("Tab")
        found = shown.page.evaluate(FOCUS)
        if found is not None:
            seen.add(found[1])
            assert found[0], found[1]
    assert len(seen) >= 5


def test_a_page_has_no_serious_fault_and_fits(shown: Shown) -> None:
    page, name = shown.page, shown.title.lower()
    for theme in ("Dark", "Light"):
        choose(page, theme)
        shot(page, f"page-{name}-{theme.lower()}")
        assert faults(page) == [], theme
    assert page.evaluate(STICKING_OUT) == []
    for size in (WIDE, ENLARGED):
        page.set_viewport_size(size)
        at_rest(page)
        shot(page, f"page-{name}-{size['width']}")
        assert page.evaluate(STICKING_OUT) == [], size
