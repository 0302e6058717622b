"""The review screen in a real browser: what is seen, what keys do, what survives."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

from audit.outcomes import settle
from audit.verdicts import read_log
from tests import reviews
from tests.browsing import (
    WIDTHS,
    Site,
    added,
    cells,
    clear_requests,
    cursor,
    expect,
    find,
    go,
    needs_browser,
    row_id,
    settled,
)

pytestmark = needs_browser


def test_it_prints_one_address_and_listens_on_loopback_only(site: Site) -> None:
    (line,) = site.catalog.with_suffix(".log").read_text().splitlines()
    assert line.startswith(f"{site.url} ")
    listening = [
        entry.split()[1].split(":")
        for name in ("tcp", "tcp6")
        for entry in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        if entry.split()[3] == "0A"
    ]
    mine = [address for address, port in listening if int(port, 16) == site.port]
    assert mine == ["0100007F"]


def test_another_host_gets_no_web_socket(site: Site) -> None:
    for host, expected in (("evil.example", b"403"), (f"127.0.0.1:{site.port}", b"101")):
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as plain:
            plain.sendall(
                f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                f"Origin: http://{host}\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            assert plain.recv(64).split()[1] == expected


def test_nothing_sharp_is_in_the_browser_before_a_reveal(page: Any, site: Site) -> None:
    answer = page.goto(site.url)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    expect(cells(page)).to_have_count(48, timeout=30_000)
    settled(page)

    def is_blurred() -> None:
        widths = page.evaluate(WIDTHS)
        assert len(widths) >= 2
        assert max(widths) <= 32
        assert not clear_requests(page)

    is_blurred()
    page.get_by_test_id("stSidebar").get_by_role("button", name="privacy").click()
    expect(page).to_have_url(re.compile("type=privacy"))
    settled(page)
    is_blurred()
    page.reload()
    expect(cells(page).first).to_be_visible(timeout=30_000)
    is_blurred()
    assert all(url.startswith((site.url, "data:", "blob:")) for url in page.asked)


def test_without_scripts_there_is_no_picture_at_all(browser: Any, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(site.url)
    assert bare.locator("img, canvas").count() == 0
    context.close()


def test_a_reveal_is_one_picture_grey_first_and_ends_by_itself(fresh_page: Any, site: Site) -> None:
    page = fresh_page
    page.clock.install()
    go(page, site)
    clear = page.get_by_test_id("clear")

    def reveal() -> None:
        page.keyboard.press("b")
        expect(clear).to_be_visible()

    reveal()
    assert len(clear_requests(page)) == 1
    expect(clear).to_have_class("grey")
    page.keyboard.press("g")
    expect(clear).not_to_have_class("grey")
    assert sorted(page.evaluate(WIDTHS))[-1] == 240
    assert sorted(page.evaluate(WIDTHS))[-2] <= 32  # one, not two
    page.keyboard.press("b")
    expect(clear).to_be_hidden()
    reveal()
    expect(clear).to_have_class("grey")  # grey again, whatever was chosen before
    page.keyboard.press("ArrowRight")
    expect(clear).to_be_hidden()
    reveal()
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    expect(clear).to_be_hidden()
    reveal()
    page.clock.fast_forward(10_100)
    expect(clear).to_be_hidden()
    assert max(page.evaluate(WIDTHS)) <= 32
    assert len(clear_requests(page)) == 4


def test_esc_hides_everything_within_a_frame(page: Any, site: Site) -> None:
    go(page, site)
    page.keyboard.press("b")
    clear = page.get_by_test_id("clear")
    expect(clear).to_be_visible()
    hidden = page.evaluate(
        """() => new Promise((done) => {
          document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
          requestAnimationFrame(() => {
            const root = [...document.querySelectorAll("*")].find((e) =>
              e.shadowRoot?.querySelector(".grid")).shadowRoot;
            const seen = [...root.querySelectorAll("img")].filter((e) =>
              getComputedStyle(e).visibility !== "hidden");
            done([root.querySelector("canvas").hidden, seen.length]);
          });
        })"""
    )
    assert hidden == [True, 0]
    before = len(reviews.log(site.catalog))
    page.keyboard.press("a")  # decides nothing that is not seen
    page.keyboard.press("Escape")
    expect(cells(page).first.locator("img")).to_be_visible()
    settled(page)
    assert added(site, before) == []


KEYS = (
    ("a", "agree", ...), ("1l", "relabel", "politics"), ("2h", "relabel", "illegal"),
    ("3m", "relabel", "insults"), ("44", "relabel", "fairness"), ("5n", "relabel", "privacy"),
    ("66", "relabel", "misleading"), ("7", "relabel", "safe"), ("n", "relabel", None),
    ("l", "relabel", None), ("m", "relabel", None), ("h", "relabel", None), ("k", "keep", None),
    ("x", "drop", None), ("e", "escalate", None), ("u", "quarantine", None),
)  # fmt: skip
LEVELS = {"n": "none", "l": "low", "m": "medium", "h": "high", "7": "none"}


def test_every_key_does_what_the_legend_says_and_advances(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    before = len(reviews.log(site.catalog))
    for n, (keys, _, _) in enumerate(KEYS):
        assert cursor(page) == n
        page.keyboard.type(keys)
    page.keyboard.press("s")
    assert cursor(page) == len(KEYS) + 1  # skipped, and nothing stored
    settled(page)
    found = added(site, before)
    assert len(found) == len(KEYS)
    for (keys, verdict, kind), line in zip(KEYS, found, strict=True):
        assert line[0] == verdict, keys
        assert kind is ... or line[1] == kind, keys
        assert keys == "a" or line[2] == LEVELS.get(keys[-1]), keys
    page.keyboard.press("Shift+2")
    settled(page)
    assert added(site, before)[-1] == ("relabel", "illegal", None)


def test_a_type_waits_for_its_level_on_one_sample(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    before, at = len(reviews.log(site.catalog)), cursor(page)
    waiting = page.locator("button[data-action][aria-pressed=true]")
    page.keyboard.press("4")
    expect(waiting).to_have_text(re.compile("fairness"))
    expect(page.get_by_test_id("said")).to_contain_text("fairness: now its level, n l m h; 4 again")
    page.keyboard.press("ArrowRight")  # nothing was decided, and nothing is
    expect(waiting).to_have_count(0)
    page.keyboard.type("31l")
    assert cursor(page) == at + 2
    settled(page)
    assert added(site, before) == [("relabel", "politics", "low")]


def test_what_was_locked_away_leaves_the_page(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    row = cells(page).nth(20).get_attribute("data-row")
    find(page, row)
    page.keyboard.press("u")
    settled(page)
    expect(cells(page).nth(20).locator("img")).to_have_count(0)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("b")
    expect(page.get_by_test_id("said")).to_have_text("This sample is gone")
    assert not clear_requests(page)
    page.reload()
    expect(cells(page).nth(20)).to_contain_text("No longer in this catalog", timeout=30_000)


def test_the_legend_changes_keys_and_they_persist(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    before = len(reviews.log(site.catalog))
    page.keyboard.press("?")
    legend = page.get_by_test_id("legend")
    expect(legend).to_be_visible()
    page.keyboard.press("a")  # a dialog is open: no decision
    legend.get_by_role("button", name="Key of Agree: a").click()
    page.keyboard.press("x")
    expect(legend).to_contain_text("x is taken: Drop")
    legend.get_by_role("button", name="Key of Agree: a").click()
    page.keyboard.press("f")
    page.keyboard.press("Escape")
    expect(legend).to_be_hidden()
    page.reload()
    expect(cells(page).first).to_be_visible(timeout=30_000)
    settled(page)
    page.keyboard.press("a")
    page.keyboard.press("f")
    settled(page)
    assert [line[0] for line in added(site, before)] == ["agree"]


def test_thirty_keys_at_full_speed_are_thirty_rows_in_order(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&page=2&stack=false")
    before = len(reviews.log(site.catalog))
    shown = [cell.get_attribute("data-row") for cell in cells(page).all()[:30]]
    for n in range(30):
        page.keyboard.press("kx"[n % 2])
    settled(page)
    lines = reviews.log(site.catalog)[before:]
    assert [str(line["row_id"]) for line in lines] == shown
    assert [line["verdict"] for line in lines] == ["keep", "drop"] * 15


def test_a_held_key_decides_once(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    for _ in range(20):
        page.keyboard.down("k")  # the second and later ones are repeats
    page.keyboard.up("k")
    settled(page)
    assert [line[0] for line in added(site, before)] == ["keep"]


def test_typing_and_modifiers_decide_nothing(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    for keys in ("Control+k", "Alt+k", "Meta+k", "Shift+k"):
        page.keyboard.press(keys)
    for extra in ("isComposing: true", "keyCode: 229"):
        page.evaluate(
            f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: 'k', {extra}}}))"
        )
    page.get_by_label("Order").focus()
    page.keyboard.type("kxa")
    page.keyboard.press("Escape")
    settled(page)
    assert added(site, before) == []


def test_the_last_key_of_a_page_turns_it(page: Any, site: Site) -> None:
    go(page, site, "/?order=High+risk+first&stack=false")
    shown = {cell.get_attribute("data-row") for cell in cells(page).all()}
    cells(page).last.click()
    before = len(reviews.log(site.catalog))
    page.keyboard.press("k")
    page.keyboard.press("k")  # too early: decides nothing, or the next page's first
    expect(page).to_have_url(re.compile("page=2"), timeout=15_000)
    settled(page)
    assert cells(page).first.get_attribute("data-row") not in shown
    lines = [line["row_id"] for line in reviews.log(site.catalog)[before:]]
    assert len(set(lines)) == len(lines)
    page.keyboard.press("ArrowLeft")
    if cursor(page) == 0:
        page.keyboard.press("ArrowLeft")
    expect(page).not_to_have_url(re.compile("page=2"), timeout=15_000)


def test_undo_restores_what_was_and_the_log_keeps_everything(page: Any, site: Site) -> None:
    go(page, site, "/?order=High+risk+first&page=2&stack=false")
    cells(page).nth(5).click()
    row = int(cells(page).nth(5).get_attribute("data-row"))
    earlier = settle(read_log(site.catalog).decisions).get(row)
    before = len(reviews.log(site.catalog))
    page.keyboard.press("x")
    expect(cells(page).nth(5)).to_have_attribute("data-verdict", "drop")
    page.keyboard.press("z")
    settled(page)
    assert cursor(page) == 5
    assert [line[0] for line in added(site, before)] == ["drop", "undo"]
    found = read_log(site.catalog)
    assert settle(found.decisions).get(row) == earlier
    assert found.faults == ()


def test_everything_works_by_mouse_and_by_tab_and_enter(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    bar = page.get_by_role("toolbar", name="Decide")
    cells(page).nth(3).click()
    assert cursor(page) == 3
    bar.get_by_role("button", name="Drop").click()
    bar.get_by_role("button", name="insults").click()
    bar.get_by_role("button", name="medium").click()
    bar.get_by_role("button", name="Undo").click()
    bar.get_by_role("button", name="Reveal").click()
    expect(page.get_by_test_id("clear")).to_be_visible()
    bar.get_by_role("button", name="Hide everything").click()
    expect(page.get_by_test_id("clear")).to_be_hidden()
    bar.get_by_role("button", name="Hide everything").click()
    bar.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")  # Undo, Skip, Escalate
    page.keyboard.press("Enter")
    settled(page)
    found = added(site, before)
    assert [line[0] for line in found] == ["drop", "relabel", "undo", "escalate"]
    assert found[1] == ("relabel", "insults", "medium")
    named = {button.get_attribute("data-action") for button in bar.get_by_role("button").all()}
    assert named >= {"agree", "keep", "skip", "grey", "lock", "legend", "next", "level:high"}


def test_captions_of_strangers_are_text_and_fetch_nothing(page: Any, site: Site) -> None:
    told: list[str] = []
    page.on("console", lambda m: told.append(m.text) if m.type in ("error", "warning") else None)
    go(page, site, "/?state=All&stack=false")
    for n, expected in enumerate(("![x](http://beacon.example/a.png)", "<script>alert(2)</script>",
                                  r"turned \u202earound", ":material/bug_report:")):  # fmt: skip
        find(page, row_id(site, f"{n:05d}.jpg"))
        pane = page.get_by_test_id("pane")
        pane.get_by_text("Caption", exact=True).click()
        expect(pane.locator(".caption")).to_contain_text(expected)
        page.goto(f"{site.url}/?state=All&stack=false")
        expect(cells(page).first).to_be_visible(timeout=30_000)
    assert not [url for url in page.asked if not url.startswith((site.url, "data:", "blob:"))]
    assert told == []


def test_pictures_that_cannot_be_shown_say_why_and_cost_little(page: Any, site: Site) -> None:
    def resident() -> int:
        status = Path(f"/proc/{site.process}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]

    go(page, site, "/?show=Could+not+be+scored")
    before = resident()
    expect(cells(page)).to_have_count(4)
    for n in range(4):
        cells(page).nth(n).click()
        why = re.compile("truncated|zero_size|not_an_image|too_many_pixels")
        expect(cells(page).nth(n)).to_contain_text(why)
        page.keyboard.press("b")
        expect(page.get_by_test_id("said")).to_contain_text("No picture:")
    assert resident() - before < 100  # MB; the bomb alone would be 196


def test_filter_page_and_item_survive_a_reload_and_a_pasted_address(page: Any, site: Site) -> None:
    go(page, site, "/?order=Random&stack=false")
    page.get_by_role("button", name="Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    settled(page)
    cells(page).nth(7).click()
    row = cells(page).nth(7).get_attribute("data-row")
    expect(page).to_have_url(re.compile(f"item={row}"))
    address = page.url.removeprefix(site.url)
    for again in (page.reload, lambda: page.goto(site.url + address)):
        again()
        expect(cells(page).first).to_be_visible(timeout=30_000)
        settled(page)
        assert cells(page).nth(cursor(page)).get_attribute("data-row") == row
        assert "order=Random" in page.url


def test_a_reload_with_a_full_outbox_loses_nothing(page: Any, site: Site) -> None:
    go(page, site)
    before = len(reviews.log(site.catalog))
    page.route("**/audit/decisions", lambda route: route.abort())
    for _ in range(5):
        page.keyboard.press("k")
    expect(page.get_by_test_id("grid")).to_have_attribute("data-pending", "5")
    told = "5 not stored yet: the server does not answer"
    expect(page.get_by_test_id("unsent")).to_have_text(told)
    page.unroute("**/audit/decisions")
    page.reload()
    expect(cells(page).first).to_be_visible(timeout=30_000)
    settled(page)
    assert [line[0] for line in added(site, before)] == ["keep"] * 5


def test_a_killed_server_loses_nothing_and_doubles_nothing(
    page: Any, catalog: Path, tmp_path: Path
) -> None:
    site = Site(catalog, reviews.free_port())
    with reviews.serving(catalog, site.port, tmp_path / "output") as running:
        go(page, site)
        page.keyboard.press("PageDown")
        expect(page).to_have_url(re.compile("page=2"))
        before = len(reviews.log(catalog))
        os.kill(running.pid, signal.SIGKILL)
        running.wait(20)
        for _ in range(5):
            page.keyboard.press("k")
        expect(page.get_by_test_id("grid")).to_have_attribute("data-pending", "5")
    with reviews.serving(catalog, site.port, tmp_path / "again") as running:
        expect(page.get_by_test_id("grid")).to_have_attribute("data-pending", "0", timeout=60_000)
        app = page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-connection-state", "CONNECTED", timeout=30_000)
        settled(page)
        page.wait_for_timeout(500)  # what it says by then, it goes on saying
        assert page.get_by_label("Page", exact=True).input_value() == "2"
        assert "page=2" in page.url
        running.send_signal(signal.SIGINT)  # Ctrl-C ends it, at once and quietly
        assert running.wait(20) == 0
    told = (tmp_path / "again").read_text().splitlines()
    assert [line for line in told if "another `audit review` serves it" not in line] == told[-1:]
    lines = reviews.log(catalog)[before:]
    assert [line["verdict"] for line in lines] == ["keep"] * 5
    assert len({line["row_id"] for line in lines}) == 5
