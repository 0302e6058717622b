"""The page Search: every way in fills the same grid, and says what is wrong in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.addresses import of_review, of_search
from app.desk import Desk, open_desk
from audit import images
from audit.errors import UsageError
from audit.reader import Spec
from audit.scorer import Scorer
from curation.decisions import decide
from tests import reviews
from tests.browsing import (
    WIDTHS,
    Site,
    cells,
    clear_requests,
    expect,
    go,
    needs_browser,
    row_id,
    settled,
    shot,
    shown,
)
from tests.pages import drawn, given, grid, texts

PICTURES = 30


@pytest.fixture
def desk(catalog: Path) -> Desk:
    return open_desk(Desk(catalog, "ann"))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reviews.scanned(tmp_path_factory.mktemp("scanned"), PICTURES)


def cards(at: AppTest) -> list[dict[str, Any]]:
    """Those in the grid; none where it was not drawn."""
    return [card for data in given(at) for card in data["cards"]]


def ids(at: AppTest) -> list[int]:
    return [int(card["id"]) for card in cards(at)]


def test_nothing_is_shown_before_something_is_asked_for(desk: Desk) -> None:
    at = drawn("search")
    assert cards(at) == []
    assert "Type words" in texts(at)


def test_words_and_names_fill_the_grid_and_narrow(desk: Desk) -> None:
    at = drawn("search", words='caption "of 0001"')
    assert {card["caption"] for card in cards(at)} == {
        f"caption of {n:05d}.jpg" for n in range(10, 20)
    }
    kinds = {card["type"] for card in cards(at)}
    at.pills(key="type").select(min(kinds)).run()
    assert {card["type"] for card in cards(at)} == {min(kinds)}
    (named,) = cards(drawn("search", way="Name", uid="00042"))
    assert named["caption"] == "caption of 00042.jpg"


def test_what_failed_is_found_too(desk: Desk) -> None:
    (card,) = cards(drawn("search", way="Name", uid="broken"))
    assert card["status"] == "failed"


def test_nothing_found_says_so(desk: Desk) -> None:
    found = drawn("search", words="zebra")
    assert cards(found) == []
    assert "No caption and no text in a picture has all these words" in grid(found)["empty"]


def test_like_a_sample_is_found_by_its_name_or_row_nearest_first(desk: Desk) -> None:
    (row,) = desk.now().ids(Spec("any", uid="00042")).tolist()
    near = desk.now().likeness.of_row(row, 48)[0].tolist()
    assert ids(drawn("search", way="Like a sample", like="00042")) == near
    assert ids(drawn("search", way="Like a sample", like=str(row))) == near
    at = drawn("search", way="Like a sample", like="no_such")
    assert "there is no sample 'no_such'" in texts(at)


def test_a_locked_sample_is_no_way_in(desk: Desk, catalog: Path) -> None:
    (row,) = desk.now().ids(Spec("any", uid="00050")).tolist()
    desk.decisions.append([decide(row, "u", "quarantine", "ben")])
    assert "no such sample" in texts(drawn("search", way="Like a sample", like="00050"))
    assert cards(drawn("search", way="Name", uid="00050")) == []
    assert ids(drawn("search", way="Name", uid="00051")) != []


def test_near_confirmed_begins_with_the_nearest_to_any(desk: Desk) -> None:
    assert "nobody has confirmed a sample as privacy yet" in texts(
        drawn("search", way="Like confirmed ones", near="privacy")
    )
    rows = desk.now().ids(Spec()).tolist()
    confirmed, other = rows[:2], rows[2]
    for row in confirmed:
        said_so = decide(row, "u", "relabel", "ben", type="privacy", level="low")
        desk.decisions.append([said_so])
    desk.decisions.append([decide(other, "u", "relabel", "ben", type="illegal", level="low")])
    nearest = desk.now().likeness.of_rows(np.array(confirmed), 48)[0]
    locked = desk.mirror.locked_rows()
    expected = [row for row in nearest.tolist() if row not in locked]
    assert ids(drawn("search", way="Like confirmed ones", near="privacy"))[:40] == expected[:40]
    open_only = drawn("search", way="Like confirmed ones", near="illegal", state="Undecided")
    assert not {*ids(open_only)} & {*rows[:3]}


def test_a_condition_fills_the_grid_or_says_what_is_wrong_in_one_line(desk: Desk) -> None:
    found = desk.now().sql("SELECT row_id FROM samples WHERE width = 60")["row_id"].to_pylist()
    assert {*ids(drawn("search", way="SQL", sql="width = 60"))} == {*found}
    assert len(found) == 2
    wrong = texts(drawn("search", way="SQL", sql="wide > 100"))
    assert "wide" in wrong
    assert len([line for line in wrong.splitlines() if line]) == 1
    refused = texts(drawn("search", way="SQL", sql="true; DROP TABLE samples"))
    assert refused.startswith("⚠ sql: ")
    assert cards(drawn("search", way="SQL", sql="status = 'quarantined'")) == []


def test_links_lead_to_near_duplicates_and_chosen_rows(desk: Desk) -> None:
    (row,) = desk.now().ids(Spec("any", uid="00007")).tolist()
    ((name, members),) = desk.now().clusters.of([row]).values()
    at = drawn("search", **_address(Spec("any", way="cluster", given=name)))
    assert len(cards(at)) == members == 3
    assert {card["caption"] for card in cards(at)} == {f"caption of {n:05d}.jpg" for n in (6, 7, 8)}
    at.segmented_control(key="way").select("words").run()
    assert cards(at) == []
    chosen = desk.now().ids(Spec())[3:6]
    spec = Spec("flagged", way="rows", given=",".join(map(str, chosen)))
    assert ids(drawn("search", **_address(spec))) == chosen.tolist()
    wrong = drawn("search", way="Near-duplicates", given="../x")
    assert "is no id of a cluster" in texts(wrong)


EVERYTHING = Spec(
    "all", ("illegal", "insults"), ("high", "low"), "clusters", concept="weapon", least=0.25,
    low=0.1, high=0.9, shard="00000-ab", words='a "b c" & d', collapse=False,
)  # fmt: skip


def test_what_is_asked_for_survives_the_address_of_a_page(desk: Desk) -> None:
    address = parse_qs(of_review(EVERYTHING)) | {"stack": ["false"]}  # one of each group is usual
    at = drawn("queue", **address)
    assert grid(at)["query"] == EVERYTHING.address()
    for spec in (
        Spec("any", ("illegal",), way="sql", given="width < 100 AND caption <> '&=%'"),
        Spec("flagged", words="ein Wort, 猫 & co", order="risk", collapse=True),
        Spec("failed", uid="000/1"),
        Spec("any", way="box", given="-1.5,0,2e1,.25"),
    ):
        assert grid(drawn("search", **_address(spec)))["query"] == spec.address()


def _address(spec: Spec) -> dict[str, str]:
    return dict(parse_qsl(of_search(spec)))


def test_a_picture_is_compared_by_the_catalogs_scorer_and_not_kept(scanned: Path) -> None:
    desk = open_desk(Desk(scanned, "ann"))
    data = reviews.drawn(4, "PNG")
    name = desk.ways.hand_in(data)
    found = desk.results.of(Spec("any", way="picture", given=name), "any").row_ids
    scorer = Scorer.load("compact", device="cpu")
    picture = images.load(data, size=scorer.size, crop_mode=scorer.crop_mode)
    vector = np.asarray(scorer.score(picture.pixels[None]).embeddings[0], np.float32)
    assert found.tolist() == desk.now().likeness.of_vectors(vector[None], PICTURES)[0].tolist()
    assert desk.now().cards([int(found[0])])[int(found[0])]["key"] == "00004"
    assert ids(drawn("search", way="Like a picture", picture=name)) == found.tolist()
    assert not [p for p in scanned.rglob("*") if p.is_file() and data in p.read_bytes()]


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", reviews.drawn(1)[:900], reviews.bomb(14_000), reviews.bomb(7_000)],
    ids=["empty", "text", "cut", "bomb", "larger than what is shown"],
)
def test_what_is_no_picture_is_refused_in_one_line(scanned: Path, data: bytes) -> None:
    with pytest.raises(UsageError, match="picture: cannot be read") as refused:
        Desk(scanned, None).ways.hand_in(data)
    assert "\n" not in str(refused.value)


def test_without_a_scorer_a_picture_is_refused_in_one_line(desk: Desk) -> None:
    with pytest.raises(UsageError, match="cannot be loaded here") as refused:
        desk.ways.hand_in(reviews.drawn(1))
    assert "\n" not in str(refused.value)
    told = texts(drawn("search", way="Like a picture", picture="ab" * 32))
    assert "choose the file again" in told


@pytest.fixture(scope="module")
def site(scanned: Path) -> Iterator[Site]:
    with shown(scanned) as found:
        yield found


class TestInABrowser:
    """A person searches."""

    pytestmark = needs_browser

    def test_an_uploaded_picture_finds_itself_first(self, page: Any, site: Site) -> None:
        page.goto(f"{site.url}/search?way=Like+a+picture")
        given = {"name": "mine.png", "mimeType": "image/png", "buffer": reviews.drawn(4, "PNG")}
        page.locator("input[type=file]").set_input_files(files=[given])
        expect(cells(page)).to_have_count(PICTURES, timeout=60_000)
        settled(page)
        shot(page, "search_picture")
        first = cells(page).first.get_attribute("data-row")
        assert first == row_id(site, "00004.jpg")
        assert clear_requests(page) == []
        page.reload()  # the file is gone, what it looks like is known
        expect(cells(page)).to_have_count(PICTURES, timeout=30_000)
        assert cells(page).first.get_attribute("data-row") == first
        page.locator("input[type=file]").set_input_files(files=[given])
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("Choose a picture; the samples")).to_be_visible()

    def test_a_condition_fills_the_grid_and_stays_in_the_address_or_is_stopped(
        self, page: Any, site: Site
    ) -> None:
        page.goto(f"{site.url}/search?way=SQL")
        field = page.get_by_label("A condition, in SQL")
        field.fill("key < '00010'")
        field.press("Enter")
        expect(cells(page)).to_have_count(10, timeout=30_000)
        settled(page)
        shot(page, "search_sql")
        page.reload()
        expect(cells(page)).to_have_count(10, timeout=30_000)
        field.fill("nonsense ><")
        field.press("Enter")
        expect(page.get_by_text("sql: ")).to_be_visible()
        expect(cells(page)).to_have_count(0)
        shot(page, "search_wrong")
        field.fill("(select count(*) from range(100000000000000)) > 1")
        field.press("Enter")
        expect(page.get_by_text("stopped after 5 s")).to_be_visible(timeout=15_000)
        field.fill("key < '00003'")
        field.press("Enter")
        expect(cells(page)).to_have_count(3, timeout=30_000)

    def test_another_way_in_is_one_step_back(self, page: Any, site: Site) -> None:
        page.goto(f"{site.url}/search?way=SQL&sql=key+<+'00010'")
        expect(cells(page)).to_have_count(10, timeout=30_000)
        settled(page)
        page.get_by_text("Name", exact=True).click()
        expect(page.get_by_text("Type or paste what a sample is called.")).to_be_visible()
        page.go_back()
        expect(page.get_by_label("A condition, in SQL")).to_have_value("key < '00010'")
        expect(cells(page)).to_have_count(10, timeout=30_000)

    def test_a_map_of_evidence_is_drawn_on_the_small_picture(self, page: Any, site: Site) -> None:
        go(page, site, "/?show=Everything+scored")
        page.keyboard.press("w")
        chart = page.get_by_test_id("map")
        expect(chart).to_be_visible(timeout=60_000)
        expect(page.get_by_test_id("under")).to_contain_text("Light: what speaks for")
        assert max(page.evaluate(WIDTHS)) <= 32
        assert not clear_requests(page)
        page.keyboard.press("ArrowRight")
        expect(chart).to_be_hidden()

    def test_the_pane_leads_to_what_looks_the_same(self, page: Any, site: Site) -> None:
        page.goto(f"{site.url}/search?way=Name&uid=00007")
        expect(cells(page)).to_have_count(1, timeout=30_000)
        settled(page)
        page.get_by_role("link", name="see them").click()
        expect(cells(page)).to_have_count(3, timeout=30_000)
        settled(page)
        shot(page, "search_duplicates")
