"""The page Overview in a real browser: what a click, a drag and a box lead to, and that it fits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from audit import mapping
from audit.building import index
from audit.catalog import Catalog
from tests import reviews
from tests.browsing import (
    WIDTHS,
    Site,
    cells,
    clear_requests,
    expect,
    needs_browser,
    settled,
    shot,
)

pytestmark = needs_browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    catalog = reviews.write(tmp_path_factory.mktemp("overview"))
    mapping.make(catalog)
    index(catalog)
    port = reviews.free_port()
    with reviews.serving(catalog, port, tmp_path_factory.mktemp("server") / "output"):
        yield Site(catalog, port)


def overview(page: Any, site: Site) -> None:
    """Open the page and wait until everything is drawn."""
    page.goto(f"{site.url}/overview")
    drawn(page)


def drawn(page: Any) -> None:
    expect(page.get_by_role("heading", name="Shards")).to_be_visible(timeout=30_000)
    finished(page)
    expect(charts(page)).to_have_count(2, timeout=15_000)


def finished(page: Any) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=30_000
    )


def charts(page: Any) -> Any:
    return page.get_by_test_id("stVegaLiteChart").locator("svg.marks")


def scored(site: Site) -> list[dict[str, Any]]:
    with Catalog(site.catalog) as opened:
        names = ["row_id", "status", "risk_type", "risk_level", "risk"]
        rows = opened.columns(names).to_pylist()
    return [row for row in rows if row["status"] == "scored"]


def shown(page: Any, count: int) -> set[str]:
    """row_ids of the cards, once there are so many."""
    expect(cells(page)).to_have_count(count, timeout=30_000)
    settled(page)
    return {cell.get_attribute("data-row") for cell in cells(page).all()}


@pytest.mark.parametrize("by", ["mouse", "key"])
def test_a_cell_of_the_matrix_leads_to_what_it_counts(page: Any, site: Site, by: str) -> None:
    overview(page, site)
    wanted = {
        str(row["row_id"])
        for row in scored(site)
        if (row["risk_type"], row["risk_level"]) == ("illegal", "low")
    }
    link = page.get_by_role("link", name="Review illegal, low", exact=False)
    expect(link).to_have_text(f"{len(wanted)}")
    if by == "mouse":
        link.click()
    else:
        link.focus()
        page.keyboard.press("Enter")
    assert shown(page, len(wanted)) == wanted
    assert "type=illegal" in page.url
    assert "level=low" in page.url
    expect(page.get_by_role("button", name="illegal", pressed=True)).to_be_visible()


def test_dragging_the_threshold_says_how_many_are_on_each_side(page: Any, site: Site) -> None:
    overview(page, site)
    risks = sorted(row["risk"] for row in scored(site))
    slider = page.get_by_role("slider", name="Threshold")
    slider.focus()
    for _ in range(49):
        page.keyboard.press("ArrowRight")
    above = sum(risk >= 0.99 for risk in risks)
    assert 0 < above < len(risks)
    expect(page.get_by_text(f"At 0.99 or above: {above} ")).to_be_visible(timeout=15_000)
    expect(page.get_by_text(f"Below: {len(risks) - above} ")).to_be_visible()
    finished(page)
    page.get_by_role("link", name="Review those at 0.99 or above").click()
    wanted = {str(row["row_id"]) for row in scored(site) if row["risk"] >= 0.99}
    assert shown(page, min(48, above)) <= wanted


def test_charts_have_a_text_and_a_table(page: Any, site: Site) -> None:
    overview(page, site)
    for text in ("Histogram of risk over 113 pictures", "Map of 113 pictures"):
        chart = page.locator(f'[role="graphics-document"][aria-label^="{text}"]')
        expect(chart).to_be_visible()
    for summary in page.get_by_text("The same as a table").all():
        summary.click()
    expect(page.get_by_role("table", name=re.compile("Histogram of risk"))).to_be_visible()
    parts = page.get_by_role("table", name=re.compile("each part of the map"))
    expect(parts).to_be_visible()
    shot(page, "overview-tables")
    link = parts.get_by_role("link").first
    count = int(link.inner_text())
    link.click()
    assert len(shown(page, count)) == count


def test_a_box_on_the_map_is_counted_and_reviewed(page: Any, site: Site) -> None:
    overview(page, site)
    chart = charts(page).nth(1)
    chart.scroll_into_view_if_needed()
    area = chart.bounding_box()
    at = [(area["x"] + area["width"] * x, area["y"] + area["height"] * y)
          for x, y in ((0.2, 0.3), (0.35, 0.5), (0.45, 0.6))]  # fmt: skip
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1])
    page.mouse.move(*at[2])
    page.mouse.up()
    said = page.get_by_text(re.compile(r"\d+ pictures? in the box"))
    expect(said).to_be_visible(timeout=15_000)
    finished(page)
    shot(page, "overview-box")
    count = int(said.inner_text().split()[0])
    assert 0 < count <= 48
    page.get_by_role("link", name="Review these").click()
    assert len(shown(page, count)) == count
    assert "/search" in page.url


def test_no_picture_is_on_the_page(page: Any, site: Site) -> None:
    overview(page, site)
    assert max(page.evaluate(WIDTHS), default=0) <= 32
    assert not clear_requests(page)
    assert not [url for url in page.asked if "/preview/" in url]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["1280", "1920"])
def test_the_page_fits(browser: Any, site: Site, scheme: str, size: tuple[int, int]) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    try:
        overview(page, site)
        shot(page, f"overview-{scheme}-{width}")
        main = page.get_by_test_id("stMain")
        assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()
