"""The page Settings, run by Streamlit's own test harness: what it keeps, and what it tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.desk import Desk, open_desk
from app.people import Personal
from audit.reader import Spec
from curation.decisions import decide
from tests import reviews
from tests.pages import drawn, given, tables, texts

HOSTILE = "![x](http://beacon.example/a.png) :red[red] $x$"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return reviews.write(tmp_path)


def test_what_is_chosen_is_kept_at_once(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    at = drawn("settings")
    at.slider(key="blur").set_value(35).run()
    at.number_input(key="break_reveals").set_value(7).run()
    at.number_input(key="daily_cap").set_value(90).run()
    at.toggle(key="always_grey").set_value(True).run()
    at.selectbox(key="columns").set_value(6).run()
    at.pills(key="opt_out").select("privacy").run()
    assert not at.exception
    assert desk.people.of("ann") == Personal(
        blur=35, break_reveals=7, daily_cap=90, always_grey=True, columns=6, opt_out=("privacy",)
    )
    again = drawn("settings")  # in another browser
    assert again.slider(key="blur").value == 35
    assert again.pills(key="opt_out").value == ["privacy"]
    assert Desk(catalog, "ben").people.of("ben") == Personal()


def test_without_a_name_nothing_can_be_chosen(catalog: Path) -> None:
    open_desk(Desk(catalog, None))
    at = drawn("settings")
    assert "Read-only" in texts(at)
    widgets = (*at.slider, *at.toggle, *at.number_input, *at.selectbox)
    assert widgets
    assert all(each.disabled for each in widgets)
    assert not (catalog / "reviewers").exists()


def test_a_damaged_file_is_named_and_not_overwritten(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    desk.people.save("ann", Personal())
    (catalog / "reviewers" / "ann.json").write_text('{"blur": 900}')
    assert "reviewers/ann.json: blur is a whole number, 0 to 100" in texts(drawn("settings"))
    assert (catalog / "reviewers" / "ann.json").read_text() == '{"blur": 900}'


def test_what_was_revealed_is_told_by_day(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    assert "Nothing so far" in texts(drawn("settings"))
    for kind, level in (("illegal", "high"), ("illegal", "high"), ("privacy", "low")):
        desk.exposure.shown("ann", kind, level)
    desk.exposure.looked("ann", 90)
    ((_, rows),) = tables(drawn("settings")).items()
    assert rows[0][1:] == ["3", "2", "1.5", "illegal high"]
    open_desk(Desk(catalog, "ben"))
    assert tables(drawn("settings")) == {}


def test_ones_own_consistency_is_told_to_oneself(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    rows = [int(n) for n in desk.results.of(Spec(), "any").row_ids[:4]]
    assert "Nothing to compare yet" in texts(drawn("settings"))
    desk.decisions.append([decide(row, "u", "keep", "ann") for row in rows])
    desk.decisions.append(
        [
            decide(row, "u", "keep" if n else "drop", "ann", purpose="repeat")
            for n, row in enumerate(rows)
        ]
    )
    found = next(rows for name, rows in tables(drawn("settings")).items() if "come again" in name)
    assert found == [["Your own, shown again: you said the same", "3", "4", "75% (30% to 95%)"]]


def test_guidelines_and_contacts_are_shown_as_they_are(catalog: Path) -> None:
    open_desk(Desk(catalog, "ann"))
    assert "review.yaml" in texts(drawn("settings"))
    (catalog / "review.yaml").write_text(
        f"guidelines: |\n  {HOSTILE}\ncontacts: room 4\nlocked: tell the lead\n"
    )
    open_desk(Desk(catalog, "ann"))
    at = drawn("settings")
    assert {HOSTILE, "room 4", "tell the lead"} <= {text.value for text in at.text}
    assert not any("beacon" in each.value for each in at.markdown)


def test_the_keys_are_those_of_the_grid(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    desk.people.change("ann", {"keys": {"agree": "j"}})
    (keys,) = [data for data in given(drawn("settings")) if data.get("only") == "keys"]
    assert keys["personal"]["keys"] == {"agree": "j"}
    assert "cards" not in keys


def test_the_queue_names_a_damaged_file_too(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    desk.people.save("ann", Personal(opt_out=("privacy",)))
    (catalog / "reviewers" / "ann.json").write_text('{"opt_out": ["nothing"]}')
    at = drawn("main")
    assert not at.exception  # nothing is given out as if nothing had been chosen
    assert "ann.json: opt_out: unknown type 'nothing'" in texts(at)
    assert not [data for data in given(at) if "cards" in data]
