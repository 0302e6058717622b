"""Deciding for many, settling disagreements and the log, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.outcomes import settle
from audit.verdicts import read_log
from curation.decisions import Decisions, decide
from tests import reviews
from tests.browsing import Site, cells, expect, go, needs_browser, settled, shot

pytestmark = needs_browser


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reviews.write(tmp_path_factory.mktemp("bulk"))


@pytest.fixture(scope="module")
def site(catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = reviews.free_port()
    with reviews.serving(catalog, port, tmp_path_factory.mktemp("server") / "output"):
        yield Site(catalog, port)


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
