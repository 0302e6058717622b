"""Sharp pictures, and what keeps looking at them bearable, in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.people import People, Personal
from app.tokens import HEADER, Tokens
from tests import reviews
from tests.browsing import (
    WIDTHS,
    Opened,
    Site,
    cells,
    clear_requests,
    expect,
    go,
    needs_browser,
    settled,
    shot,
)

pytestmark = needs_browser

CALM = Personal(notice=False, break_reveals=0, break_minutes=0)
LOCKED = "Stop. Tell the team lead, room 4."


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = reviews.write(tmp_path_factory.mktemp("wellbeing"))
    (made / "review.yaml").write_text(f"locked: {LOCKED}\nguidelines: Judge what is shown.\n")
    return made


@pytest.fixture(autouse=True)
def calm(catalog: Path) -> Iterator[People]:
    """Settings that ask nothing, and nothing seen yet; a test chooses what it is about."""
    shutil.rmtree(catalog / "reviewers", ignore_errors=True)
    people = People(catalog)
    people.save("ann", CALM)
    yield people


def picture(page: Any) -> Any:
    return page.get_by_test_id("clear")


def reveal(page: Any) -> None:
    page.keyboard.press("b")
    expect(picture(page)).to_be_visible()


def told(site: Site) -> dict[str, Any]:
    """The counts that are kept of ann's today."""
    kept = json.loads((site.catalog / "reviewers" / "ann.exposure.json").read_text())
    (today,) = kept.values()
    return today  # type: ignore[no-any-return]


def begin_anew(site: Site) -> None:
    """What other tests have looked at was before a pause."""
    asked = urllib.request.Request(
        f"{site.url}/audit/exposure",
        b'{"paused": true}',
        {"content-type": "application/json", HEADER: Tokens(site.catalog).mint("ann")},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200


def test_no_page_has_a_picture_of_more_than_32_pixels(page: Any, site: Site) -> None:
    for address in ("/?page=2", "/search?words=caption", "/overview", "/decisions", "/settings"):
        page.goto(site.url + address)
        expect(page.get_by_test_id("stMain")).not_to_have_text("", timeout=30_000)
        expect(page.get_by_test_id("stApp")).to_have_attribute(
            "data-test-script-state", "notRunning", timeout=30_000
        )
        # Charts are drawn on larger canvases.
        assert max(page.evaluate(WIDTHS.replace('"CANVAS"', '"NOTHING"')), default=0) <= 32
    assert not clear_requests(page)


def test_without_styles_nothing_is_sharp_either(page: Any, site: Site) -> None:
    page.route(re.compile(r"\.css"), lambda route: route.abort())
    go(page, site)
    assert max(page.evaluate(WIDTHS)) <= 32
    assert not clear_requests(page)


def test_everything_that_turns_away_hides_the_picture(page: Any, site: Site) -> None:
    go(page, site, "/?state=All&order=Random")
    said = page.get_by_test_id("said")
    looks = 0

    def ends(by: Callable[[], object]) -> None:
        nonlocal looks
        reveal(page)
        looks += 1
        by()
        expect(picture(page)).to_be_hidden()
        assert page.evaluate(WIDTHS)[-1] == 0  # its pixels are gone, not only out of sight
        assert len(clear_requests(page)) == looks

    for key in ("b", "ArrowRight", "k", "z", "s"):
        ends(partial(page.keyboard.press, key))
    for event in ("blur", "beforeprint", "pagehide"):
        ends(partial(page.evaluate, f"window.dispatchEvent(new Event('{event}'))"))
    ends(partial(page.keyboard.press, "?"))
    page.keyboard.press("Escape")  # closes the legend
    ends(partial(page.keyboard.press, "Escape"))
    expect(said).to_contain_text("Hidden;")
    page.keyboard.press("Escape")
    hidden = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    ends(
        lambda: page.evaluate(
            hidden % "true" + "document.dispatchEvent(new Event('visibilitychange'))"
        )
    )
    page.evaluate(hidden % "false")
    filters = page.get_by_test_id("stSidebar")
    ends(lambda: filters.get_by_text("privacy", exact=True).first.click())


def test_a_picture_that_comes_too_late_is_not_shown(page: Any, site: Site) -> None:
    go(page, site)
    held: list[Any] = []
    page.route("**/audit/clear/*", lambda route: held.append(route))
    page.keyboard.press("b")
    expect(page.get_by_test_id("said")).to_have_text("Fetching the picture")
    page.keyboard.press("ArrowRight")
    while not held:  # the browser has asked; this process has yet to hear of it
        page.wait_for_timeout(10)
    held[0].continue_()
    page.unroute("**/audit/clear/*")
    reveal(page)
    assert len(clear_requests(page)) == 2
    page.keyboard.press("b")
    expect(picture(page)).to_be_hidden()


def test_whoever_wants_only_grey_never_sees_colour(page: Any, site: Site, calm: People) -> None:
    calm.save("ann", replace(CALM, always_grey=True))
    go(page, site)
    reveal(page)
    page.keyboard.press("g")
    expect(page.get_by_test_id("said")).to_contain_text("stay grey")
    expect(picture(page)).to_have_class("grey")


def test_the_counter_is_the_number_of_sharp_pictures_up_to_the_daily_limit(
    page: Any, site: Site, calm: People
) -> None:
    calm.save("ann", replace(CALM, daily_cap=3))
    go(page, site, "/?state=All&order=Random")
    for _ in range(3):
        reveal(page)
        page.keyboard.press("ArrowRight")
        expect(picture(page)).to_be_hidden()
    expect(page.get_by_test_id("seen")).to_have_text("3 of 3 revealed")
    assert len(clear_requests(page)) == 3
    page.keyboard.press("b")
    expect(page.get_by_test_id("said")).to_contain_text("limit of 3 pictures a day")
    expect(picture(page)).to_be_hidden()
    assert sum(count for _, _, count in told(site)["kinds"]) == 3
    page.reload()
    expect(page.get_by_test_id("seen")).to_have_text("3 of 3 revealed", timeout=30_000)


def test_a_pause_is_proposed_at_the_chosen_number(page: Any, site: Site, calm: People) -> None:
    calm.save("ann", replace(CALM, break_reveals=2))
    begin_anew(site)
    go(page, site, "/?level=high&state=All")
    word = page.get_by_test_id("word")
    for _ in range(2):
        expect(word).to_be_hidden()
        reveal(page)
        page.keyboard.press("ArrowRight")
    expect(word).to_contain_text("2 pictures of level medium or high")
    before = len(reviews.log(site.catalog))
    page.keyboard.press("k")  # decides nothing, and presses no button of the dialog
    page.keyboard.press("Enter")
    expect(word).to_contain_text("Time for a pause?")
    assert len(reviews.log(site.catalog)) == before
    word.get_by_role("button", name="Pause").click()
    expect(cells(page).first.locator("img")).to_be_hidden()
    word.get_by_role("button", name="I am back").click()
    expect(cells(page).first.locator("img")).to_be_visible()
    reveal(page)  # counting has begun anew
    page.keyboard.press("b")
    expect(picture(page)).to_be_hidden()
    expect(word).to_be_hidden()


def test_a_hard_batch_is_announced_before_anything_of_it_is_seen(
    page: Any, site: Site, calm: People
) -> None:
    calm.save("ann", replace(CALM, notice=True))
    page.goto(f"{site.url}/?level=high&order=Random")
    word = page.get_by_test_id("word")
    expect(word).to_contain_text(re.compile(r"Next \d+: .*\d+ high"), timeout=30_000)
    expect(cells(page).first.locator("img")).to_be_hidden()
    page.keyboard.press("Escape")  # it asks to be answered
    expect(word).to_be_visible()
    word.get_by_role("button", name="Continue").click()
    expect(cells(page).first.locator("img")).to_be_visible()
    page.goto(f"{site.url}/?level=low&order=Random")
    expect(cells(page).first.locator("img")).to_be_visible(timeout=30_000)
    expect(word).to_be_hidden()


def test_types_one_does_not_want_are_not_given(page: Any, site: Site, calm: People) -> None:
    calm.save("ann", replace(CALM, opt_out=("privacy", "illegal")))
    go(page, site)
    shown = page.get_by_test_id("grid").inner_text()
    assert "insults" in shown
    assert "privacy" not in shown
    assert "illegal" not in shown


def test_the_pane_is_text_first_with_everything_known(page: Any, site: Site) -> None:
    go(page, site, "/?state=All&order=Random")
    pane = page.get_by_test_id("pane")
    expect(pane.get_by_role("table", name="Types").get_by_role("row")).to_have_count(7)
    expect(pane.get_by_role("table", name="Levels").get_by_role("row")).to_have_count(4)
    expect(pane.get_by_role("link", name="see all")).to_have_attribute(
        "href", re.compile(r"search\?.*like")
    )
    pane.get_by_text("Where it lies").click()
    expect(pane).to_contain_text("Offset")
    page.keyboard.press("ArrowRight")  # what was unfolded stays so; the caption does not
    expect(
        pane.locator("dd", has_text=".jpg").or_(pane.locator("dd", has_text=".gif")).first
    ).to_be_visible()
    top = pane.locator("h2").bounding_box()["y"]
    assert top < pane.locator(".picture").bounding_box()["y"]


def test_locking_away_shows_the_teams_own_instructions(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random")
    page.keyboard.press("u")
    word = page.get_by_test_id("word")
    expect(word).to_contain_text(LOCKED)
    word.get_by_role("button", name="Go on").click()
    page.keyboard.press("z")
    settled(page)


def test_settings_follow_the_person_to_another_browser(opened: Opened, site: Site) -> None:
    page = opened("ann")
    page.goto(f"{site.url}/settings")
    slider = page.get_by_role("slider")
    expect(slider).to_have_value(str(CALM.blur), timeout=30_000)
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("Saved: blur")).to_be_visible()
    page.get_by_label("Key of Agree: a").click()
    page.keyboard.press("j")
    expect(page.get_by_text("Agree is now j")).to_be_visible()
    page.get_by_role("button", name="privacy", exact=True).click()
    expect(page.get_by_text("Saved: types")).to_be_visible()
    expect(page.get_by_text("Judge what is shown.")).to_be_visible()
    shot(page, "settings")
    reviews_kept = People(site.catalog).of("ann")
    assert (reviews_kept.blur, reviews_kept.opt_out) == (0, ("privacy",))
    assert reviews_kept.keys == {"agree": "j"}

    page = opened("ann elsewhere")
    go(page, site, "/?order=Random")
    assert "privacy" not in page.get_by_test_id("grid").inner_text()
    blur = cells(page).first.locator("img").evaluate("node => getComputedStyle(node).filter")
    assert "blur(0px)" in blur
    before = len(reviews.log(site.catalog))
    page.keyboard.press("a")  # another key by now
    page.keyboard.press("j")
    settled(page)
    assert [line["verdict"] for line in reviews.log(site.catalog)[before:]] == ["agree"]
    page.goto(f"{site.url}/settings")
    expect(page.get_by_role("slider")).to_have_value("0", timeout=30_000)
    expect(page.get_by_label("Key of Agree: j")).to_be_visible()
