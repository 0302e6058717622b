"""The page Overview in a real browser: what a click, a drag and a box lead to, and that it fits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.people import People
from audit import mapping
from audit.building import index
from audit.catalog import Catalog
from audit.reader import Reader
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
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    catalog = reviews.write(tmp_path_factory.mktemp("overview"))
    People(catalog).change("ann", {"notice": False})  # no word before a batch with many high ones
    mapping.make(catalog)
    index(catalog)
    return catalog


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
    (kind, level), wanted = a_cell(site)
    link = page.get_by_role("link", name=f"Review {kind}, {level}:")
    expect(link).to_have_text(f"{len(wanted)}")
    if by == "mouse":
        link.click()
    else:
        link.focus()
        page.keyboard.press("Enter")
    assert shown(page, len(wanted)) == wanted
    assert f"type={kind}" in page.url
    assert f"level={level}" in page.url
    expect(page.get_by_role("button", name=re.compile(f"^{kind}"), pressed=True)).to_be_visible()


def test_a_concept_leads_to_the_pictures_that_show_it(page: Any, site: Site) -> None:
    overview(page, site)
    with Catalog(site.catalog) as opened:
        rows = opened.columns(["row_id", "status"], concepts=["captcha"]).to_pylist()
    wanted = {str(row["row_id"]) for row in rows if (row["concept:captcha"] or 0) >= 0.5}
    link = page.get_by_role("link", name=f"Review captcha: {len(wanted)}")
    link.click()
    expect(cells(page).first).to_be_visible(timeout=30_000)
    settled(page)
    assert {cell.get_attribute("data-row") for cell in cells(page).all()} <= wanted
    assert "concept=captcha" in page.url


def a_cell(site: Site) -> tuple[tuple[str, str], set[str]]:
    """(type, level) and the row_ids of the fullest cell in which no two are near-duplicates."""
    snapshot = Reader(site.catalog).now()
    found: dict[tuple[str, str], list[int]] = {}
    for row in scored(site):
        found.setdefault((row["risk_type"], row["risk_level"]), []).append(row["row_id"])
    single = {cell: ids for cell, ids in found.items() if not snapshot.clusters.of(ids)}
    cell = max(single, key=lambda cell: len(single[cell]))
    return cell, {str(row) for row in single[cell]}


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


def test_the_page_fits_with_a_map_on_it(page: Any, site: Site) -> None:
    overview(page, site)
    shot(page, "overview-map")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
