"""Deciding for many, settling disagreements and the log, in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from audit.catalog import Catalog
from audit.outcomes import settle, standing
from audit.verdicts import read_log
from curation.decisions import Decisions, decide
from tests import reviews
from tests.browsing import Site, cells, expect, go, needs_browser, settled, shot

pytestmark = needs_browser


def number(text: str) -> int:
    """The first number of a text."""
    return int(re.search(r"[\d,]+", text)[0].replace(",", ""))  # type: ignore[index]


def test_a_whole_queue_is_decided_in_one_batch_and_taken_back(page: Any, site: Site) -> None:
    go(page, site, "/?state=All&order=Random")
    before = settle(read_log(site.catalog).decisions)
    lines = len(reviews.log(site.catalog))
    page.keyboard.press("d")
    dialog = page.get_by_test_id("bulk")
    expect(dialog).to_be_visible()
    page.keyboard.press("k")  # a dialog is open: no decision
    dialog.get_by_label("Everything in this queue").check()
    count = page.get_by_test_id("bulk-count")
    expect(count).to_contain_text("samples")
    wanted = number(count.inner_text())
    looks = dialog.locator(".look img")
    assert 0 < looks.count() <= 24
    widths = looks.evaluate_all("found => found.map((each) => each.naturalWidth)")
    assert max(widths) <= 24
    assert "blur" in looks.first.evaluate("each => getComputedStyle(each).filter")
    dialog.get_by_label("Drop").check()
    effect = page.get_by_test_id("bulk-effect")
    expect(effect.get_by_role("row", name="dropped")).to_contain_text(str(wanted))
    now = [number(cell) for cell in effect.locator("td:nth-child(2)").all_inner_texts()]
    then = [number(cell) for cell in effect.locator("td:nth-child(3)").all_inner_texts()]
    assert sum(now) == sum(then) == wanted
    assert then == [0, 0, wanted, 0]
    shot(page, "bulk")
    dialog.get_by_role("button", name=f"Decide {wanted} samples").click()
    expect(page.get_by_test_id("bulk-note")).to_contain_text(f"Stored: {wanted} samples")
    added = reviews.log(site.catalog)[lines:]
    assert len(added) == wanted
    assert {line["verdict"] for line in added} == {"drop"}
    assert len({line["batch"] for line in added}) == 1
    assert len({line["row_id"] for line in added}) == wanted
    shot(page, "bulk-stored")
    dialog.get_by_role("button", name="Undo all of them").click()
    expect(page.get_by_test_id("bulk-note")).to_contain_text(f"Taken back: {wanted} samples")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    settled(page)
    found = read_log(site.catalog)
    assert settle(found.decisions) == before
    assert found.faults == ()
    assert len(reviews.log(site.catalog)) == lines + 2 * wanted


def test_selected_cards_are_decided_together(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    lines = len(reviews.log(site.catalog))
    rows = [cells(page).nth(n).get_attribute("data-row") for n in range(12)]
    grid, count = page.get_by_test_id("grid"), page.get_by_test_id("selection")

    def selected() -> list[int]:
        found = grid.locator('[aria-selected="true"]')
        ids = found.evaluate_all("all => all.map((each) => each.dataset.row)")
        return [rows.index(row) for row in ids]

    cells(page).nth(2).click()
    cells(page).nth(5).click(modifiers=["Shift"])
    assert selected() == [2, 3, 4, 5]
    page.keyboard.press("Shift+ArrowLeft")
    assert selected() == [2, 3, 4]
    page.keyboard.press("Escape")  # hides everything, whatever is selected
    expect(count).to_be_visible()
    page.keyboard.press("Escape")
    expect(count).to_be_hidden()
    assert selected() == [4]
    page.keyboard.press("Shift+ArrowLeft")
    cells(page).nth(9).click(modifiers=["ControlOrMeta"])
    cells(page).nth(3).click(modifiers=["ControlOrMeta"])
    page.keyboard.press("ArrowRight")  # what is selected stays
    page.keyboard.press("ArrowRight")
    page.keyboard.press("p")
    assert selected() == [4, 5, 9]
    expect(count).to_have_text("3 selected ×")
    expect(page.get_by_test_id("said")).to_contain_text("3 selected")
    shot(page, "selection")
    page.keyboard.press("x")
    dialog = page.get_by_test_id("bulk")
    expect(dialog.get_by_label("Selection: 3 cards")).to_be_checked()
    expect(dialog.get_by_label("Drop")).to_be_checked()
    decide = dialog.get_by_role("button", name="Decide 3 samples")
    expect(decide).to_be_focused()
    assert reviews.log(site.catalog)[lines:] == []
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("bulk-note")).to_contain_text("Stored: 3 samples")
    added = reviews.log(site.catalog)[lines:]
    assert {str(line["row_id"]) for line in added} == {rows[n] for n in (4, 5, 9)}
    assert {line["verdict"] for line in added} == {"drop"}
    dialog.get_by_role("button", name="Undo all of them").click()
    expect(page.get_by_test_id("bulk-note")).to_contain_text("Taken back: 3 samples")
    page.keyboard.press("Escape")
    settled(page)
    expect(count).to_be_hidden()


def test_a_note_is_added_to_the_latest_decision(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    row = cells(page).first.get_attribute("data-row")
    field = page.get_by_test_id("noting").get_by_role("textbox")
    page.keyboard.press("t")
    expect(page.get_by_test_id("said")).to_contain_text("Nothing was decided yet")
    page.keyboard.press("e")
    page.keyboard.press("t")
    expect(field).to_be_focused()
    page.keyboard.type("Is this a real person? x")  # typing decides nothing
    shot(page, "note")
    page.keyboard.press("Enter")
    expect(field).to_be_hidden()
    settled(page)
    (said,) = standing(d for d in read_log(site.catalog).decisions if str(d.row_id) == row)
    assert (said.verdict, said.note) == ("escalate", "Is this a real person? x")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("t")
    expect(field).to_have_value(said.note)
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.press("z")
    settled(page)
    assert not standing(d for d in read_log(site.catalog).decisions if str(d.row_id) == row)


def decided(site: Site, row: str, who: str, verdict: str, **rest: Any) -> None:
    """A decision of somebody at another screen."""
    with Catalog(site.catalog) as opened:
        table = opened.columns(["row_id", "uid"]).to_pydict()
    uid = table["uid"][table["row_id"].index(int(row))]
    Decisions(site.catalog).append([decide(int(row), uid or "", verdict, who, **rest)])


def test_a_cluster_card_decides_for_every_member_and_one_undo_takes_all_back(
    page: Any, site: Site
) -> None:
    go(page, site, "/?order=Largest+groups+first")
    before = settle(read_log(site.catalog).decisions)
    lines = len(reviews.log(site.catalog))
    card = cells(page).first
    members = number(re.search(r"×\s*[\d,]+", card.inner_text())[0])  # type: ignore[index]
    assert members > 2
    card.click()
    page.keyboard.press("x")
    settled(page)
    added = reviews.log(site.catalog)[lines:]
    assert len({line["row_id"] for line in added}) == len(added) == members
    assert {line["verdict"] for line in added} == {"drop"}
    assert len({line["cluster"] for line in added}) == 1
    page.keyboard.press("z")
    settled(page)
    assert settle(read_log(site.catalog).decisions) == before


def test_a_disagreement_is_settled_after_a_look_of_ones_own(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&show=Everything+scored")
    row = cells(page).nth(3).get_attribute("data-row")
    decided(site, row, "bob", "keep", note="![x](http://beacon.example/n.png)")
    cells(page).nth(3).click()
    page.keyboard.press("x")
    settled(page)
    page.goto(f"{site.url}/decisions")
    card = page.locator(f'[data-row="{row}"]')
    expect(card).to_be_visible(timeout=30_000)
    expect(cells(page)).to_have_count(1)
    ruling = page.get_by_test_id("ruling")
    expect(ruling).to_contain_text("look for yourself")
    expect(ruling).not_to_contain_text("bob")
    expect(card).not_to_have_attribute("data-verdict", re.compile("."))
    page.keyboard.press("v")
    expect(ruling).to_contain_text("bob")
    expect(ruling).to_contain_text("keep")
    expect(ruling).to_contain_text("![x](http://beacon.example/n.png)")
    shot(page, "decisions-settle")
    page.keyboard.type("2h")
    settled(page)
    outcome = settle(read_log(site.catalog).decisions)[int(row)]
    assert outcome.settled
    assert [d.verdict for d in outcome.decisions] == ["adjudicate"]
    assert outcome.label is not None and outcome.label.type == "illegal"
    page.reload()
    expect(page.get_by_text("No reviewers disagree.")).to_be_visible(timeout=30_000)
    assert not [url for url in page.asked if "beacon" in url]


def test_the_log_batches_and_files_are_on_the_page_decisions(page: Any, site: Site) -> None:
    go(page, site, "/?state=All&order=Random")
    page.keyboard.press("d")
    dialog = page.get_by_test_id("bulk")
    dialog.get_by_label("Keep").check()
    button = dialog.get_by_role("button", name=re.compile(r"Decide \d+ sample"))
    wanted = number(button.inner_text())
    button.click()
    expect(page.get_by_test_id("bulk-note")).to_contain_text("Stored")
    dialog.get_by_role("button", name="Close").click()
    page.goto(f"{site.url}/decisions?section=Batches")
    expect(page.get_by_text(f"{wanted} keep (batch", exact=False)).to_be_visible(timeout=30_000)
    shot(page, "decisions-batches")
    undo = page.get_by_role("button", name="Undo")
    others = undo.count() - 1
    undo.first.click()
    expect(undo).to_have_count(others, timeout=30_000)  # "undone" is said of older ones too
    outcomes = settle(read_log(site.catalog).decisions).values()
    assert not [outcome for outcome in outcomes if outcome.verdict == "keep"]
    page.get_by_text("Log", exact=True).click()
    expect(page.get_by_role("row")).to_have_count(51, timeout=30_000)
    expect(page.get_by_role("row").nth(1)).to_contain_text("undo")
    shot(page, "decisions-log")
    link = page.get_by_role("row").nth(1).get_by_role("link")
    row = re.search(r"\d{10,}", link.get_attribute("href"))[0]  # type: ignore[index]
    link.click()
    expect(page.locator(f'[data-row="{row}"]')).to_be_visible(timeout=30_000)
    page.goto(f"{site.url}/decisions?section=Export")
    page.get_by_role("button", name=".jsonl").wait_for(timeout=30_000)
    files = []
    for _ in range(2):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=".jsonl").click()
        files.append(Path(waiting.value.path()).read_bytes())
        expect(page.get_by_test_id("downloaded")).to_contain_text("bytes")
    assert files[0] == files[1]
    ids = [json.loads(line)["id"] for line in files[0].splitlines()]
    assert ids == [d.id for d in read_log(site.catalog).decisions]
