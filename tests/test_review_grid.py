"""The grid in a real browser: the way back, blind looks, stacks, own keys, ends and leaving."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.people import People
from audit.reader import Reader, Spec
from tests import reviews
from tests.browsing import (
    Opened,
    Site,
    added,
    cells,
    cursor,
    expect,
    go,
    needs_browser,
    settled,
    shot,
)

pytestmark = needs_browser

TEAM = "blind_share: 0.3\nsecond_share: 0\nknown_share: 0\nrepeat_share: 0\n"
SIDE = "stSidebar"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    catalog = reviews.write(tmp_path_factory.mktemp("grid"))
    (catalog / "review.yaml").write_text(TEAM)
    People(catalog).change("ann", {"notice": False})
    return catalog


def rows(page: Any) -> list[str]:
    return list(cells(page).evaluate_all("(all) => all.map((cell) => cell.dataset.row)"))


def blind(page: Any) -> Any:
    return cells(page).filter(has_text="score hidden")


def test_back_returns_to_the_former_filter_and_forward_again(page: Any, site: Site) -> None:
    found = Reader(site.catalog).now().ids(Spec(types=("privacy",)))
    go(page, site, "/?order=Random&page=2&stack=false")
    side = page.get_by_test_id(SIDE)
    former = rows(page)
    side.get_by_role("button", name="privacy").click()
    expect(cells(page)).to_have_count(len(found))
    expect(page).to_have_url(re.compile("type=privacy"))
    assert "page=" not in page.url
    privacy = rows(page)
    cells(page).nth(2).click()
    expect(page).to_have_url(re.compile(f"item={privacy[2]}"))
    side.get_by_role("button", name="high").click()
    expect(page).to_have_url(re.compile("level=high"))
    expect(cells(page)).not_to_have_count(len(found))
    settled(page)
    page.go_back()
    expect(cells(page)).to_have_count(len(found))
    expect(page.get_by_test_id("grid")).to_have_attribute("data-cursor", "2")
    assert "level=" not in page.url
    assert rows(page) == privacy
    settled(page)
    page.go_back()
    expect(cells(page).first).to_have_attribute("data-row", former[0])
    expect(page).to_have_url(re.compile("page=2"))
    assert "type=" not in page.url
    assert rows(page) == former
    expect(side.get_by_role("button", name="privacy")).to_have_attribute("aria-pressed", "false")
    settled(page)
    page.go_forward()
    expect(cells(page).first).to_have_attribute("data-row", privacy[0])
    settled(page)
    page.get_by_role("link", name="Decisions").click()
    expect(page.get_by_text("To settle")).to_be_visible()
    page.go_back()
    expect(cells(page).first).to_have_attribute("data-row", privacy[0])
    expect(page).to_have_url(re.compile("type=privacy"))


def test_turning_pages_makes_no_steps_of_the_history(page: Any, site: Site) -> None:
    go(page, site)
    steps = page.evaluate("history.length")
    page.keyboard.press("PageDown")
    expect(page).to_have_url(re.compile("page=2"))
    settled(page)
    page.get_by_label("Page", exact=True).fill("1")
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile("page="))
    settled(page)
    assert page.evaluate("history.length") == steps


def test_scores_are_shown_only_after_a_blind_look(page: Any, site: Site) -> None:
    go(page, site)
    card = blind(page).first
    row = card.get_attribute("data-row")
    scored = Reader(site.catalog).now().cards([int(row)])[int(row)]
    card.click()
    before = len(reviews.log(site.catalog))
    expect(page.get_by_test_id("pane")).not_to_contain_text(f"{scored['risk']:.2f}")
    page.keyboard.press("a")
    expect(page.get_by_test_id("said")).to_have_text("Its score is hidden: say what you see")
    page.keyboard.press("k")
    same = page.locator(f'[data-row="{row}"]')
    expect(same).to_contain_text(scored["risk_type"])
    expect(same).to_contain_text(f"{scored['risk']:.2f}")
    settled(page)
    (line,) = reviews.log(site.catalog)[before:]
    assert (line["verdict"], line["blind"]) == ("keep", True)


def test_marks_are_letters_and_stacks_say_how_many(page: Any, site: Site) -> None:
    go(page, site, "/")
    stack = cells(page).filter(has_text="×").first
    expect(stack.locator(".tag")).to_have_text(re.compile(r"×\d+"))
    row = stack.get_attribute("data-row")
    members = int(stack.locator(".tag").text_content()[1:])
    stack.click()
    before = len(reviews.log(site.catalog))
    page.keyboard.press("x")
    settled(page)
    assert len(added(site, before)) == members
    expect(page.locator(f'[data-row="{row}"] .mark')).to_have_text("D")
    shot(page, "grid")
    page.keyboard.press("z")
    settled(page)
    expect(page.locator(f'[data-row="{row}"] .mark')).to_have_text("")


def test_keys_that_were_changed_follow_the_person(opened: Opened, site: Site) -> None:
    page, other = opened("ann"), opened("ann elsewhere")
    go(page, site)
    page.keyboard.press("?")
    legend = page.get_by_test_id("legend")
    shot(page, "keys")
    legend.get_by_role("button", name="Key of Skip: s").click()
    with page.expect_response("**/audit/settings") as kept:
        page.keyboard.press("j")
    assert kept.value.ok
    go(other, site)
    other.keyboard.press("j")
    assert cursor(other) == 1
    other.keyboard.press("?")
    with other.expect_response("**/audit/settings"):
        other.get_by_role("button", name="All keys as they came").click()
    assert dict(People(site.catalog).of("ann").keys) == {}


def test_behind_an_open_dialog_no_key_decides(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    page.keyboard.press("?")
    expect(page.get_by_test_id("legend")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("legend")).to_be_hidden()
    page.get_by_label("Page", exact=True).focus()
    page.keyboard.type("kx")
    settled(page)
    assert (added(site, before), cursor(page)) == ([], 0)


def test_the_end_of_a_queue_says_so_and_leads_back(page: Any, site: Site) -> None:
    go(page, site, "/?level=low&type=privacy&stack=false")
    ending = page.get_by_test_id("ending")
    cells(page).last.click()
    page.keyboard.press("s")
    expect(ending).to_contain_text("The end of this queue")
    expect(ending).to_contain_text("not decided yet")
    ending.get_by_role("button", name="Go to the first of them").click()
    assert cursor(page) == 0
    expect(ending).to_be_hidden()
    before = len(reviews.log(site.catalog))
    cells(page).last.click()
    page.keyboard.type("xk")  # the cursor stays: the second key is for none
    expect(page.get_by_test_id("said")).to_contain_text("z takes the last decision back")
    page.keyboard.press("z")
    expect(ending).to_be_hidden()
    settled(page)
    assert [said[0] for said in added(site, before)] == ["drop", "undo"]


def test_where_nothing_is_found_it_says_so_and_filters_still_work(page: Any, site: Site) -> None:
    page.goto(f"{site.url}/?state=Disagreed")
    expect(page.get_by_test_id("ending")).to_contain_text("No sample fits these filters.")
    page.keyboard.press("k")  # there is nothing that it could mean
    page.get_by_test_id(SIDE).get_by_role("button", name="high").click()
    expect(page).to_have_url(re.compile("level=high"))
    page.go_back()
    expect(page).not_to_have_url(re.compile("level=high"))


def test_leaving_hides_everything_until_one_comes_back(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    with page.expect_response("**/audit/leave") as told:
        page.keyboard.press("q")
    assert told.value.ok
    left = page.get_by_test_id("left")
    expect(left).to_contain_text("You may close this window.")
    expect(cells(page).first.locator("img")).to_be_hidden()
    shot(page, "left")
    page.keyboard.press("k")
    left.get_by_role("button", name="Go on reviewing").click()
    expect(cells(page).first.locator("img")).to_be_visible()
    settled(page)
    assert added(site, before) == []


def test_a_slash_leads_to_the_search_field(page: Any, site: Site) -> None:
    go(page, site)
    page.keyboard.press("/")
    expect(page).to_have_url(re.compile("/search"))
    field = page.get_by_test_id("stMain").get_by_role("textbox").first
    expect(field).to_be_focused()


def test_it_fits_from_twice_enlarged_to_wide(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    count = "(e) => getComputedStyle(e).gridTemplateColumns.split(' ').length"
    for width, height, least, most in ((1280, 800, 5, 8), (1920, 1080, 5, 8), (640, 400, 2, 3)):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.get_by_test_id("stSidebarUserContent")).to_be_visible(visible=width > 1000)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert least <= page.get_by_test_id("grid").evaluate(count) <= most
        shot(page, f"grid-{width}")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    settled(page)
    assert [line[0] for line in added(site, before)] == ["keep"]


def test_search_does_not_begin_with_the_filters_that_are_usual_in_review(
    page: Any, site: Site
) -> None:
    go(page, site)
    page.get_by_role("link", name="Search").click()
    expect(page.get_by_text("Type words to search for")).to_be_visible()
    field = page.get_by_test_id("stMain").get_by_role("textbox").first
    field.fill("caption")
    field.press("Enter")
    expect(page).to_have_url(re.compile(r"words=caption"))
    expect(cells(page).first).to_be_visible()
    assert not re.search("show=|state=|stack=", page.url)


def test_what_is_left_to_decide_goes_down_with_every_decision(page: Any, site: Site) -> None:
    go(page, site, "/?type=misleading&stack=false")
    place = page.get_by_test_id("place")

    def left() -> int:
        return int(re.sub(r".*, ([\d,]+) to decide", r"\1", place.inner_text()).replace(",", ""))

    before = left()
    expect(page.get_by_test_id("who")).to_have_text("as ann")
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert left() == before - 2
    page.keyboard.press("z")
    assert left() == before - 1
    settled(page)
    go(page, site, "/?type=misleading&stack=false")
    assert left() == before - 1
    assert cells(page).nth(cursor(page)).get_attribute("data-verdict") is None


def test_another_search_begins_with_its_own_first_sample(page: Any, site: Site) -> None:
    go(page, site, "/search?words=caption")
    former = cells(page).nth(4)
    former.click()
    expect(page).to_have_url(re.compile("item="))
    page.get_by_text("SQL", exact=True).click()
    expect(cells(page)).to_have_count(0)
    page.get_by_role("textbox").first.fill("width > 0")
    page.keyboard.press("Enter")
    expect(cells(page).first).to_be_visible(timeout=15_000)
    settled(page)
    assert cursor(page) == 0
