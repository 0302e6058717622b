"""Policy, Estimate and Export in a real browser: what a person drags, saves, draws and exports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.people import People
from curation import sampling
from curation.places import is_export
from curation.policy import load
from tests import reviews
from tests.browsing import WIDTHS, Site, cells, expect, go, needs_browser, settled, shot, shown

pytestmark = needs_browser

POLICY = """based_on: permissive
thresholds: {types: {illegal: 0.4, insults: 0.4, privacy: 0.4}}  # ours
duplicates: {exact: keep}
required: []
size: {min_side: 1, action: keep}
gates: {max_share: null, min_kept_share: null}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("policy")
    catalog = reviews.write(folder)
    People(catalog).change("ann", {"notice": False})  # no word before a batch with many high ones
    (folder / "mild.yaml").write_text(POLICY)
    with shown(catalog, "--policy", str(folder / "mild.yaml")) as found:
        yield found


def ran(page: Any) -> None:
    """Wait until the script has run."""
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=30_000
    )


def opened(page: Any, site: Site, address: str, heading: str) -> None:
    page.goto(f"{site.url}/{address}")
    expect(page.get_by_role("heading", name=re.compile(heading))).to_be_visible(timeout=30_000)
    ran(page)


def fits(page: Any, name: str) -> None:
    """Nothing is wider than the window; keeps a picture of it."""
    ran(page)
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name}: {wide} pixels too wide"
    shot(page, name)


def planned(site: Site, policy: str | Path) -> dict[str, Any]:
    """What `curate plan` says, in a process of its own."""
    command = [sys.executable, "-c", "import sys; from curation.cli import main; sys.exit(main())"]
    command += ["plan", str(site.catalog), "--policy", str(policy), "--json"]
    found = subprocess.run(command, cwd=reviews.ROOT, capture_output=True, check=True, timeout=60)
    return json.loads(found.stdout)  # type: ignore[no-any-return]


def test_a_slider_by_keys_shows_its_effect_and_is_saved(page: Any, site: Site) -> None:
    path = site.catalog.parent / "mild.yaml"
    opened(page, site, "policy", "Keeps")
    expect(page.get_by_text("As it is saved.")).to_be_visible()
    fits(page, "policy")
    page.get_by_role("slider", name="illegal").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Changed, not saved.")).to_be_visible(timeout=15_000)
    expect(page.get_by_text(re.compile("What moves: "))).to_be_visible()
    shot(page, "policy-changed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved: mild.yaml.")).to_be_visible(timeout=15_000)
    assert load(path).rules.types["illegal"] == 0.3
    assert path.read_text().count("# ours") == 1
    said = planned(site, path)
    heading = page.get_by_role("heading", name=re.compile("Keeps")).inner_text()
    assert heading.startswith(f"Keeps {said['kept']:,} of {said['total']['images']:,} images")
    for part, says in (
        ("Types and levels", "Never looser for a higher level"),
        ("Seen", "What is seen in the picture"),
        ("Words", "Captions of a type"),
        ("Size and copies", "Quarantined without a score of"),
    ):
        page.get_by_role("radio", name=part).click()
        expect(page.get_by_text(re.compile(says))).to_be_visible(timeout=15_000)
        fits(page, f"policy-{part.split()[0].lower()}")
    page.reload()
    expect(page.get_by_text("Quarantined without a score of")).to_be_visible(timeout=30_000)


def test_a_plan_beside_the_open_screen_sees_what_was_decided_a_moment_ago(
    page: Any, site: Site
) -> None:
    before = planned(site, "balanced")["reasons"]["drop"].get("human:drop", 0)
    go(page, site)
    with page.expect_response("**/audit/decisions"):
        page.keyboard.press("x")
    assert planned(site, "balanced")["reasons"]["drop"]["human:drop"] == before + 1
    (line,) = reviews.log(site.catalog)[-1:]
    assert line["policy"] == load(site.catalog.parent / "mild.yaml").hash


def test_a_sample_is_drawn_reviewed_in_its_order_and_read(page: Any, site: Site) -> None:
    opened(page, site, "estimate", "No sample yet")
    fits(page, "estimate-none")
    count = page.get_by_label("Images to draw")
    count.fill("6")
    count.press("Tab")
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.get_by_text(re.compile("Drawn: 6 of"))).to_be_visible(timeout=15_000)
    (sample,) = sampling.read(site.catalog)
    page.get_by_role("link", name=re.compile("Review sample")).click()
    expect(cells(page).first).to_be_visible(timeout=30_000)
    expect(page).to_have_url(re.compile("item="))
    settled(page)
    assert max(page.evaluate(WIDTHS)) <= 32
    shown = [cell.get_attribute("data-row") for cell in cells(page).all()]
    undecided = [str(row) for row in sample.rows]
    assert [row for row in shown if row in undecided] == [r for r in undecided if r in shown]
    shot(page, "estimate-queue")
    before = len(reviews.log(site.catalog))
    for _ in shown:
        with page.expect_response("**/audit/decisions"):
            page.keyboard.press("x")
    assert len(reviews.log(site.catalog)) == before + len(shown)
    opened(page, site, "estimate", "of what is kept is risky")
    expect(page.get_by_text(re.compile("needs about|needs no more"))).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_attribute(
        "aria-label", re.compile("Risky shares: kept now"), timeout=15_000
    )
    fits(page, "estimate")


def test_an_export_runs_with_progress_and_is_checked(page: Any, site: Site) -> None:
    opened(page, site, "export", "images would be exported")
    fits(page, "export")
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text(re.compile("Exported tars-stage-1: "))).to_be_visible(timeout=60_000)
    assert is_export(site.catalog.parent / "tars-stage-1")
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text(re.compile("Checking tars-stage-1"))).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile("was cancelled"))).to_be_visible(timeout=30_000)
    fits(page, "export-done")
