"""A page that is turned at an awkward moment: it comes, it is the right one, and keys live on."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any

import pytest

from tests.browsing import Site, cells, cursor, expect, go, needs_browser, settled

pytestmark = needs_browser

SCROLLS = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return main.scrollHeight - main.clientHeight;
}"""


def test_once_the_page_is_there_nothing_says_that_it_is_turned(page: Any, site: Site) -> None:
    go(page, site)
    page.keyboard.press("PageDown")
    expect(page).to_have_url(re.compile("page=2"))
    expect(page.get_by_test_id("said")).to_have_text("")


def test_keys_live_after_coming_back_at_once(page: Any, site: Site) -> None:
    go(page, site)
    for _ in range(3):  # the same page twice within a second, which is all that a token tells
        page.keyboard.press("q")
        page.get_by_role("button", name="Go on reviewing").click()
        expect(page.get_by_test_id("said")).to_have_text("")
    at = cursor(page)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("grid")).to_have_attribute("data-cursor", str(at + 1))


def test_a_page_turned_while_a_filter_changes_is_none_of_the_filtered_rows(
    page: Any, site: Site
) -> None:
    go(page, site)
    os.kill(site.process, signal.SIGSTOP)
    try:
        page.get_by_text("One of each group of near-duplicates").click()
        page.get_by_test_id("grid").focus()
        page.keyboard.press("PageDown")
    finally:
        os.kill(site.process, signal.SIGCONT)
    expect(cells(page).locator(".tag").first).to_be_visible()
    settled(page)
    expect(page.get_by_label("Page", exact=True)).to_have_value("1")
    assert "page=" not in page.url


def test_what_waits_is_told_while_one_goes_on_deciding(page: Any, site: Site) -> None:
    go(page, site)
    page.route("**/audit/decisions", lambda route: None)  # no answer
    unsent = page.get_by_test_id("unsent")
    until = time.monotonic() + 3
    while not unsent.inner_text() and time.monotonic() < until:
        page.keyboard.press("k")
        page.wait_for_timeout(100)
    assert re.fullmatch(r"\d+ not stored yet", unsent.inner_text())
    page.unroute("**/audit/decisions")
    settled(page)
    expect(unsent).to_have_text("")


@pytest.mark.parametrize("width", [640, 900, 1280])
def test_the_page_itself_does_not_scroll(page: Any, site: Site, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    go(page, site)
    expect(page.get_by_text("Where it lies")).to_be_visible()  # all of the pane is there
    assert page.evaluate(SCROLLS) == 0
    page.keyboard.press("PageDown")
    expect(page).to_have_url(re.compile("page=2"))
    assert page.evaluate(SCROLLS) == 0
