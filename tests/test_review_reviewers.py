"""Several people at one server, each in a browser of their own, behind a proxy that names them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.building import index
from tests import reviews
from tests.browsing import Opened, Site, cells, expect, go, needs_browser, settled, shot
from tests.proxies import signed_in

pytestmark = needs_browser


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = reviews.write(tmp_path_factory.mktemp("reviewers"), 200)
    (made / "review.yaml").write_text("second_share: 1\nblind_share: 0.2\n")
    return made


@pytest.fixture(scope="module")
def sites(catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """One server; by name of the reviewer, where their proxy is."""
    port, output = reviews.free_port(), tmp_path_factory.mktemp("log") / "server.log"
    options = ("--sign-in", "proxy")
    with ExitStack() as stack:
        stack.enter_context(reviews.serving(catalog, port, output, reviewer=None, options=options))
        yield {
            name: Site(catalog, stack.enter_context(signed_in(name, port)))
            for name in ("ann", "ben", "cleo", "dora")
        }


def rows(page: Any) -> list[str]:
    return [cell.get_attribute("data-row") for cell in cells(page).all()]


def test_two_browsers_never_get_the_same_picture_and_leaving_hands_it_on(
    opened: Opened, sites: dict[str, Site]
) -> None:
    ann, ben = opened("ann"), opened("ben")
    go(ann, sites["ann"], "/?stack=false")
    go(ben, sites["ben"], "/?stack=false")
    first, second = rows(ann), rows(ben)
    assert len(first) == len(second) == 48
    assert not {*first} & {*second}
    ann.reload()
    settled(ann)
    expect(cells(ann).first).to_have_attribute("data-row", first[0])
    assert rows(ann) == first
    shot(ben, "reviewers-second-browser")
    ben.keyboard.press("q")
    expect(ben.get_by_test_id("left")).to_contain_text("What you had not decided goes to others")
    shot(ben, "reviewers-done")
    dora = opened("dora")
    go(dora, sites["dora"], "/?stack=false")
    assert rows(dora) == second


def test_closing_a_window_hands_its_pictures_on(opened: Opened, sites: dict[str, Site]) -> None:
    address = "/?stack=false&order=Random"
    ben, dora = opened("ben"), opened("dora")
    go(ben, sites["ben"], address)
    held = {*rows(ben)}
    go(dora, sites["dora"], address)
    assert not held & {*rows(dora)}
    ben.close()
    until = time.monotonic() + 20
    while not held & {*rows(dora)} and time.monotonic() < until:
        dora.get_by_role("button", name="Renew the queue").click()
        settled(dora)
    assert {*rows(dora)} >= held


def test_the_second_reviewer_sees_no_first_verdict_and_both_are_kept(
    opened: Opened, sites: dict[str, Site], catalog: Path
) -> None:
    ann, ben = opened("ann"), opened("ben")
    go(ann, sites["ann"], "/?stack=false&order=High+risk+first&type=privacy")
    cells(ann).first.click()
    row = ann.get_by_test_id("grid").locator('[aria-selected="true"]').get_attribute("data-row")
    ann.keyboard.press("k")
    settled(ann)
    assert reviews.log(catalog, "ann")[-1]["row_id"] == int(row)
    go(ben, sites["ben"], "/?stack=false&order=High+risk+first&type=privacy")
    cell = ben.locator(f'[data-row="{row}"]')
    expect(cell).to_have_count(1)  # a second look, among what is open
    cell.click()
    settled(ben)
    shown = ben.get_by_test_id("grid").inner_text()
    assert "ann" not in shown.split()
    assert "keep" not in cell.inner_text().lower()
    shot(ben, "reviewers-second-look")
    ben.keyboard.press("x")
    settled(ben)
    first, second = reviews.log(catalog, "ann")[-1], reviews.log(catalog, "ben")[-1]
    assert (first["verdict"], first["purpose"]) == ("keep", None)
    assert (second["verdict"], second["purpose"]) == ("drop", "second")
    assert first["row_id"] == second["row_id"]
    go(ben, sites["ben"], "/?state=Disagreed&stack=false")
    expect(ben.locator(f'[data-row="{row}"]')).to_have_count(1)


def test_no_browser_changes_its_own_name(
    opened: Opened, sites: dict[str, Site], catalog: Path
) -> None:
    page = opened("cleo")
    go(page, sites["cleo"], "/?reviewer=ben&stack=false")
    mine, of_ben = len(reviews.log(catalog, "cleo")), len(reviews.log(catalog, "ben"))
    cells(page).first.click()
    page.keyboard.press("k")
    settled(page)
    found = page.evaluate(
        """async (row) => {
          const said = {id: "00000000000000aa", row_id: row, verdict: "keep"};
          const body = JSON.stringify({decisions: [said]});
          const asked = async (sent) => {
            const headers = {"content-type": "application/json", ...sent};
            return (await fetch("/audit/decisions", {method: "POST", headers, body})).status;
          };
          return [
            await asked({}),
            await asked({"x-audit-token": "ben..9999999999." + "0".repeat(64)}),
            await asked({"x-audit-token": "", "x-forwarded-user": "ben"}),
          ];
        }""",
        rows(page)[1],
    )
    assert found == [403, 403, 403]
    assert len(reviews.log(catalog, "cleo")) == mine + 1
    assert len(reviews.log(catalog, "ben")) == of_ben


def test_a_word_of_one_reviewer_is_of_no_use_to_another(
    opened: Opened, sites: dict[str, Site], catalog: Path
) -> None:
    stolen: list[str] = []
    ann, ben = opened("ann"), opened("ben")
    ann.on("request", lambda r: stolen.append(r.headers.get("x-audit-token", "")))
    go(ann, sites["ann"], "/?stack=false")
    cells(ann).nth(3).click()
    ann.keyboard.press("k")
    settled(ann)
    word = next(filter(None, stolen))
    go(ben, sites["ben"], "/?stack=false")
    asked = """async ([path, word]) =>
      (await fetch(path, {headers: {"x-audit-token": word}})).status"""
    assert ann.evaluate(asked, [f"/audit/item/{rows(ann)[0]}", word]) == 200
    assert ben.evaluate(asked, [f"/audit/item/{rows(ann)[0]}", word]) == 403


def test_a_catalog_replaced_while_two_page_disturbs_neither(
    opened: Opened, sites: dict[str, Site], catalog: Path
) -> None:
    pages = {name: opened(name) for name in ("ann", "ben")}
    for name, page in pages.items():
        go(page, sites[name], "/?stack=false&order=Random")
    before = {name: rows(page) for name, page in pages.items()}
    ann = pages["ann"]
    beside = ann.get_by_role("note", name="Samples by type")
    expect(beside).to_contain_text("privacy")
    (part,) = catalog.glob("parts/*.parquet")
    found = pq.read_table(part).to_pylist()
    for row in found:
        row["risk_type"] = "illegal" if row["risk_type"] == "privacy" else row["risk_type"]
    pq.write_table(pa.Table.from_pylist(found, pq.read_schema(part)), part)
    index(catalog)
    for name, page in pages.items():
        expect(page.get_by_text("New results")).to_be_visible(timeout=20_000)
        assert rows(page) == before[name]
        page.keyboard.press("k")
        settled(page)
        assert reviews.log(catalog, name)[-1]["verdict"] == "keep"
    assert not {*before["ann"]} & {*before["ben"]}
    ann.get_by_role("button", name="Renew the queue").click()
    expect(ann.get_by_text("New results")).to_be_hidden()
    expect(beside).not_to_contain_text("privacy")


def test_a_plan_made_meanwhile_knows_the_last_decision(
    opened: Opened, sites: dict[str, Site], catalog: Path
) -> None:
    page = opened("cleo")
    go(page, sites["cleo"], "/?stack=false&state=All&order=Random")
    command = [
        sys.executable, "-c", "import sys; from curation.cli import main; sys.exit(main())",
        "plan", str(catalog), "--json",
    ]  # fmt: skip

    def kept() -> int:
        done = subprocess.run(command, capture_output=True, text=True, cwd=reviews.ROOT, check=True)
        return int(json.loads(done.stdout)["actions"]["keep"]["images"])

    before = kept()
    said = {str(line["row_id"]) for name in sites for line in reviews.log(catalog, name)}
    new = next(row for row in rows(page) if row not in said)
    page.locator(f'[data-row="{new}"]').click()
    page.keyboard.press("k")
    settled(page)
    assert kept() == before + 1


def test_it_opens_without_any_network(catalog: Path, tmp_path: Path) -> None:
    """In a namespace of its own, with nothing but a loopback device."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"]).returncode:
        pytest.skip("needs unshare: namespaces are not allowed here")
    port = reviews.free_port()
    inner = (
        f"ip link set lo up; {sys.executable} -c "
        "'import sys; from audit.cli import main; sys.exit(main())' "
        f"review {catalog} --port {port} & server=$!; "
        f"for i in $(seq 300); do curl -sf -o page http://127.0.0.1:{port}/ && break; "
        "kill -0 $server || exit 3; sleep 0.1; done; "
        "ss -Htuan state established | grep -v 127.0.0.1; kill $server; wait $server; cat page"
    )
    done = subprocess.run(
        ["unshare", "-rn", "bash", "-c", inner], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(reviews.ROOT)}, timeout=60,
    )  # fmt: skip
    assert f"http://127.0.0.1:{port}" in done.stdout
    assert "<title>Streamlit</title>" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr
