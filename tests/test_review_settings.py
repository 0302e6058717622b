"""The page Settings, run by Streamlit's own test harness: what it keeps, and what it tells."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.desk import Desk, open_desk
from app.people import Personal
from audit.reader import Spec
from curation.decisions import decide
from tests import reviews

HOSTILE = "![x](http://beacon.example/a.png) :red[red] $x$"


@pytest.fixture
def catalog(written: Path, tmp_path: Path) -> Path:
    """The catalog, nobody having chosen or decided anything."""
    return Path(shutil.copytree(written, tmp_path / "tars.audit"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reviews.write(tmp_path_factory.mktemp("settings"))


def opened() -> AppTest:
    """The page, drawn."""

    def script() -> None:
        from app.views.settings import settings_page

        settings_page()

    at = AppTest.from_function(script, default_timeout=30).run()
    assert not at.exception, at.exception
    return at


def texts(at: AppTest) -> str:
    return "\n".join(text.value for text in at.text)


def tables(at: AppTest) -> dict[str, list[list[str]]]:
    """Cells of every table, by its caption."""
    found = [json.loads(each.proto.json) for each in at.get("bidi_component")]
    return {
        each["caption"]: [[cell["text"] for cell in row] for row in each["rows"]]
        for each in found
        if "caption" in each
    }


def test_what_is_chosen_is_kept_at_once(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    at = opened()
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
    again = opened()  # in another browser
    assert again.slider(key="blur").value == 35
    assert again.pills(key="opt_out").value == ["privacy"]
    assert Desk(catalog, "ben").people.of("ben") == Personal()


def test_without_a_name_nothing_can_be_chosen(catalog: Path) -> None:
    open_desk(Desk(catalog, None))
    at = opened()
    assert "Read-only" in texts(at)
    widgets = (*at.slider, *at.toggle, *at.number_input, *at.selectbox)
    assert widgets
    assert all(each.disabled for each in widgets)
    assert not (catalog / "reviewers").exists()


def test_a_damaged_file_is_named_and_not_overwritten(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    desk.people.save("ann", Personal())
    (catalog / "reviewers" / "ann.json").write_text('{"blur": 900}')
    assert "reviewers/ann.json: blur is a whole number, 0 to 100" in texts(opened())
    assert (catalog / "reviewers" / "ann.json").read_text() == '{"blur": 900}'


def test_what_was_revealed_is_told_by_day(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    assert "Nothing so far" in texts(opened())
    for kind, level in (("illegal", "high"), ("illegal", "high"), ("privacy", "low")):
        desk.exposure.shown("ann", kind, level)
    desk.exposure.looked("ann", 90)
    ((_, rows),) = tables(opened()).items()
    assert rows[0][1:] == ["3", "2", "1.5", "illegal high"]
    open_desk(Desk(catalog, "ben"))
    assert tables(opened()) == {}


def test_ones_own_consistency_is_told_to_oneself(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    rows = [int(n) for n in desk.results.of(Spec(), "any").row_ids[:4]]
    assert "Nothing to compare yet" in texts(opened())
    desk.decisions.append([decide(row, "u", "keep", "ann") for row in rows])
    desk.decisions.append(
        [
            decide(row, "u", "keep" if n else "drop", "ann", purpose="repeat")
            for n, row in enumerate(rows)
        ]
    )
    (found,) = [row for caption, row in tables(opened()).items() if "come again" in caption]
    assert found == [["Your own, shown again: you said the same", "3", "4", "75% (30% to 95%)"]]


def test_guidelines_and_contacts_are_shown_as_they_are(catalog: Path) -> None:
    open_desk(Desk(catalog, "ann"))
    assert "review.yaml" in texts(opened())
    (catalog / "review.yaml").write_text(
        f"guidelines: |\n  {HOSTILE}\ncontacts: room 4\nlocked: tell the lead\n"
    )
    open_desk(Desk(catalog, "ann"))
    at = opened()
    assert {HOSTILE, "room 4", "tell the lead"} <= {text.value for text in at.text}
    assert not any("beacon" in each.value for each in at.markdown)


def test_the_keys_are_those_of_the_grid(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    desk.people.change("ann", {"keys": {"agree": "j"}})
    found: list[dict[str, Any]] = [
        json.loads(each.proto.json) for each in opened().get("bidi_component")
    ]
    (keys,) = [each for each in found if each.get("only") == "keys"]
    assert keys["personal"]["keys"] == {"agree": "j"}
    assert "cards" not in keys


def test_the_queue_names_a_damaged_file_too(catalog: Path) -> None:
    desk = open_desk(Desk(catalog, "ann"))
    desk.people.save("ann", Personal(opt_out=("privacy",)))
    (catalog / "reviewers" / "ann.json").write_text('{"opt_out": ["nothing"]}')
    at = AppTest.from_file("../app/main.py", default_timeout=30).run()
    assert not at.exception  # nothing is given out as if nothing had been chosen
    assert "reviewers/ann.json: opt_out: unknown type 'nothing'" in texts(at).replace("⚠ ", "")
    assert not [each for each in at.get("bidi_component") if "cards" in each.proto.json]
