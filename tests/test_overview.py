"""The page Overview, run by Streamlit's own test harness: its figures against the catalog's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import charts
from app.desk import Desk, open_desk
from app.links import address
from audit import mapping
from audit.building import index
from audit.reader import Spec
from audit.shards import expand
from audit.taxonomy import LEVELS, TYPES
from curation.decisions import Decisions, decide
from tests import reviews
from tests.catalogs import write_part, write_tar
from tests.pages import drawn, grid


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = reviews.write(tmp_path_factory.mktemp("overview"))
    mapping.make(folder)
    index(folder)
    return folder


@pytest.fixture
def desk(catalog: Path) -> Desk:
    shutil.rmtree(catalog / "decisions", ignore_errors=True)
    return open_desk(Desk(catalog, "ann"))


def script() -> None:
    import streamlit as st

    from app.views.overview import overview_page
    from app.views.search import search_page

    pages = [st.Page(overview_page, default=True), st.Page(search_page, url_path="search")]
    st.navigation(pages).run()


def opened() -> AppTest:
    """The page, drawn."""
    at = AppTest.from_function(script, default_timeout=30)
    at.run()
    assert not at.exception, at.exception
    return at


def tables(at: AppTest) -> list[dict[str, Any]]:
    """What every table was given."""
    return [json.loads(element.proto.json) for element in at.get("bidi_component")]


def table(at: AppTest, first_column: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Cells of a table by the text of their row and the name of their column."""
    found = next(t for t in tables(at) if t["columns"][0]["name"] == first_column)
    names = [column["name"] for column in found["columns"]]
    return {row[0]["text"]: dict(zip(names[1:], row[1:], strict=True)) for row in found["rows"]}


def said(at: AppTest) -> str:
    return "\n".join(text.value for text in at.text)


def rows_of(desk: Desk, *names: str) -> list[dict[str, Any]]:
    return desk.now().columns(["status", *names]).to_pylist()


def test_the_books_are_those_of_the_catalog(desk: Desk) -> None:
    at = opened()
    found = {metric.label: metric.value for metric in at.metric}
    status = [row["status"] for row in rows_of(desk)]
    assert found["Pictures"] == str(len(status))
    assert found["Scored"] == str(status.count("scored"))
    assert found["Failed"] == str(status.count("failed"))
    assert found["Quarantined"] == "1"
    assert "The books of every shard balance." in said(at)


def test_every_cell_of_the_matrix_is_a_count_and_leads_to_it(desk: Desk) -> None:
    cells = table(opened(), "type")
    rows = [row for row in rows_of(desk, "risk_type", "risk_level") if row["risk_type"]]
    for kind in TYPES:
        for level in LEVELS:
            count = sum((r["risk_type"], r["risk_level"]) == (kind, level) for r in rows)
            assert cells[kind][level]["text"] == (f"{count:,}" if count else "–")
            if count:
                assert f"type={kind}&level={level}" in cells[kind][level]["link"]
        whole = sum(row["risk_type"] == kind for row in rows)
        assert cells[kind]["all"]["text"] == (f"{whole:,}" if whole else "–")


def test_a_threshold_says_how_many_are_on_each_side(desk: Desk) -> None:
    at = opened()
    at.selectbox(key="score").select("p_illegal").run()
    at.slider(key="threshold").set_value(0.2).run()
    values = [r["p_illegal"] for r in rows_of(desk, "p_illegal") if r["p_illegal"] is not None]
    above = sum(value >= 0.2 for value in values)
    assert f"At 0.20 or above: {above:,} " in said(at)
    assert f"Below: {len(values) - above:,} " in said(at)
    assert "The policy in force has 0.50" in said(at)
    bins = table(at, "probability of illegal")
    assert sum(int(row["pictures"]["text"]) for row in bins.values()) == len(values)


def test_the_map_has_a_table_whose_parts_hold_everything(desk: Desk, catalog: Path) -> None:
    cells = [cell for row in table(opened(), "").values() for cell in row.values()]
    counts = [int(cell["text"]) for cell in cells if cell["text"] != "–"]
    scored = sum(row["status"] == "scored" for row in rows_of(desk))
    assert sum(counts) == scored
    linked = [cell for cell in cells if "link" in cell]
    assert len(linked) == len(counts)
    assert all(cell["link"].startswith("/search?way=") for cell in linked)


def test_without_a_map_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    folder = reviews.write(tmp_path)
    open_desk(Desk(folder, "ann"))
    assert "run: audit index tars.audit --map" in said(opened())


def small(folder: Path, broken: Sequence[int] = (), without: Sequence[str] = ()) -> Desk:
    """The desk of a catalog of five pictures."""
    write_tar(folder / "tars" / "00000.tar", 5, broken=broken)
    (shard,) = expand([str(folder / "tars")])
    write_part(folder / "tars.audit", shard, without=without)
    index(folder / "tars.audit")
    return open_desk(Desk(folder / "tars.audit", "ann"))


def test_where_nothing_could_be_scored_it_says_so_and_why(tmp_path: Path) -> None:
    small(tmp_path, broken=range(5))
    at = opened()
    assert "None of the 5 pictures could be scored" in said(at)
    assert "`" not in said(at)
    assert table(at, "reason")["not_an_image"]["pictures"]["text"] == "5"
    assert grid(drawn("main"))["empty"].startswith("Nothing has scores.")
    assert len(grid(drawn("main", show="Could not be scored"))["cards"]) == 5


def test_types_that_the_scorer_does_not_look_for_are_named(tmp_path: Path, desk: Desk) -> None:
    assert "does not look for" not in said(opened())
    assert not any("Not looked for" in each.proto.body for each in drawn("main").get("html"))
    small(tmp_path, without=["fairness"])
    at = opened()
    assert "The scorer does not look for fairness: " in said(at)
    at.selectbox(key="score").select("p_fairness").run()
    assert "No picture has this score" in said(at)
    at = drawn("main", type=["fairness"])
    assert any("by the scorer: fairness<" in each.proto.body for each in at.get("html"))
    assert grid(at)["empty"] == "The scorer of this catalog does not look for fairness."


def test_progress_is_everybodys_total_and_ones_own_part(catalog: Path, desk: Desk) -> None:
    ids = desk.results.of(Spec(), "any").row_ids[:4].tolist()
    uids = {r["row_id"]: r["uid"] for r in desk.now().columns(["row_id", "uid"]).to_pylist()}
    desk.decisions.append([decide(ids[0], uids[ids[0]], "keep", "ann")])
    ben = Decisions(catalog)
    ben.append([decide(row, uids[row], "drop", "ben") for row in ids[:3]])
    at = opened()
    assert "3 of 113 flagged pictures are decided" in said(at)
    assert "110 are open. People disagree on 1." in said(at)
    found = table(at, "verdict")
    assert found["drop"] == {"by all": {"text": "2"}, "by you (ann)": {"text": "0"}}
    assert found["keep"]["by you (ann)"]["text"] == "1"
    assert "ben" not in json.dumps(tables(at)) + said(at)


def test_agreement_is_shown_once_two_have_judged_the_same(catalog: Path, desk: Desk) -> None:
    assert "No picture has a type from two people yet; keep and drop name none." in said(opened())
    rows = desk.now().columns(["row_id", "uid", "status"]).to_pylist()
    rows = [row for row in rows if row["status"] == "scored"][:6]
    for n, row in enumerate(rows):
        for who, kind in (("ann", "illegal"), ("ben", "illegal" if n % 3 else "privacy")):
            made = decide(row["row_id"], row["uid"], "relabel", who, type=kind, level="high")
            Decisions(catalog).append([made])
    judged = next(t for t in tables(opened()) if t["columns"][-1]["name"] == "kappa (95 %)")
    by_name = {row[0]["text"]: [cell["text"] for cell in row[1:]] for row in judged["rows"]}
    assert by_name["illegal"][:2] == ["6", "67%"]
    assert " to " in by_name["illegal"][2]


def test_without_a_name_the_page_is_there_to_read(catalog: Path) -> None:
    open_desk(Desk(catalog, None))
    assert "flagged pictures are decided" in said(opened())


def test_a_replaced_catalog_is_counted_anew(tmp_path: Path) -> None:
    folder = reviews.write(tmp_path)
    open_desk(Desk(folder, "ann"))
    before = opened()
    assert "There is no map yet" in said(before)
    mapping.make(folder)
    index(folder)
    before.run()
    assert "There is no map yet" not in said(before)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (None, None),
        ({}, None),
        ({"x": [1], "y": [0, 1]}, None),
        ({"x": [90, 30], "y": [0, 130]}, (0.25, 0.0, 0.75, 1.0)),
        ({"x": [40.0, 80.0], "y": [-3, 12]}, (0.3333, 0.0, 0.6667, 0.1)),
    ],
)
def test_what_is_drawn_on_the_map_is_a_box(drawn: object, expected: object) -> None:
    assert charts.boxed(drawn, 120) == expected


def test_links_lead_to_the_page_that_has_the_fields() -> None:
    assert address(Spec(types=("illegal",), levels=("high",))) == "/?type=illegal&level=high"
    box = address(Spec(way="box", given="0,0,1,1"))
    assert box.startswith("/search?way=Part+of+the+map&show=Flagged&given=0%2C0%2C1%2C1")
