"""The script of the review page, run by Streamlit's own test harness: filters, pages, payload."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from app import results
from app.assigning import Assignments
from app.cards import cards
from app.desk import Desk, open_desk
from app.identity import Who
from app.serve import Place, listening, serve
from app.visit import Visit
from audit.building import index
from audit.errors import UsageError
from audit.reader import Spec
from curation.decisions import Decisions, decide, undo
from tests.pages import drawn, grid, run, texts


@pytest.fixture
def desk(catalog: Path) -> Desk:
    return open_desk(Desk(catalog, "ann"))


def test_the_first_page_has_48_cards_without_a_sharp_pixel(desk: Desk) -> None:
    data = grid(drawn("main"))
    assert len(data["cards"]) == 48
    assert data["total"] > 48
    assert max(len(card["preview"] or "") for card in data["cards"]) < 1_000
    assert data["reviewer"] == "ann"


def test_filters_and_page_come_out_of_the_address(desk: Desk) -> None:
    asked = {"type": "illegal", "show": "Everything scored", "order": "High risk first"}
    at = drawn("main", state="All", **asked)
    found = grid(at)["cards"]
    assert {card["type"] for card in found} == {"illegal"}
    risks = [card["risk"] for card in found]
    assert risks == sorted(risks, reverse=True)
    first, second = (grid(drawn("main", page=n))["cards"] for n in ("1", "2"))
    assert not {c["id"] for c in first} & {c["id"] for c in second}


@pytest.mark.parametrize(
    "address", [{"type": "nothing"}, {"page": "999"}, {"page": "x"}, {"order": "'; drop"}]
)
def test_an_address_that_says_nonsense_shows_a_page(desk: Desk, address: dict[str, str]) -> None:
    assert grid(drawn("main", **address))["cards"]


def test_choosing_a_type_begins_at_page_one(desk: Desk) -> None:
    at = drawn("main", page="2")
    assert grid(at)["page"] == 2
    at.pills(key="type").select("privacy").run()
    assert grid(at)["page"] == 1
    assert {card["type"] for card in grid(at)["cards"]} == {"privacy"}


def test_what_could_not_be_scored_says_why(desk: Desk) -> None:
    found = grid(drawn("main", show="Could not be scored"))["cards"]
    assert {card["error"].split(":")[0] for card in found} == {
        "truncated", "zero_size", "not_an_image", "too_many_pixels"
    }  # fmt: skip


def test_an_empty_queue_says_so(desk: Desk) -> None:
    at = drawn("main", state="Disagreed")
    assert grid(at)["cards"] == []
    assert grid(at)["empty"] == "No sample fits these filters."


def test_pages_stay_while_decisions_change_what_is_open(catalog: Path, desk: Desk) -> None:
    before = desk.results.of(Spec(), "open").row_ids
    decided = decide(int(before[0]), "u", "keep", "ann")
    desk.decisions.append([decided])
    assert (desk.results.of(Spec(), "open").row_ids == before).all()
    renewed = desk.results.of(Spec(), "open", renew=True).row_ids
    assert (renewed == before[1:]).all()
    assert list(desk.results.of(Spec(), "decided").row_ids) == [before[0]]
    desk.decisions.append([undo(decided)])
    assert (desk.results.of(Spec(), "open", renew=True).row_ids == before).all()


def test_what_was_decided_is_found_wherever_in_a_large_catalog_it_stands(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = int(desk.results.of(Spec("all"), "any").row_ids[-2])
    escalated = decide(last, "u", "escalate", "ann")
    desk.decisions.append([escalated])
    monkeypatch.setattr(results, "MOST_ROWS", 3)
    for state in ("decided", "escalated"):
        found = desk.results.of(Spec("all", order="random"), state, renew=True)
        assert (list(found.row_ids), found.whole) == ([last], True)
    found = desk.results.of(Spec("all", order="random"), "open", renew=True)
    assert (len(found.row_ids), found.whole) == (3, False)
    desk.decisions.append([undo(escalated)])


def test_a_card_shows_ones_own_verdict_and_no_one_elses(catalog: Path, desk: Desk) -> None:
    row_id = int(desk.results.of(Spec(), "any").row_ids[5])
    Decisions(catalog).append([decide(row_id, "u", "drop", "ben")])
    (card,) = cards(Visit(desk, desk.reviewer), [row_id])
    assert (card["mine"], card["others"]) == (None, False)  # told after one's own look
    desk.decisions.append([decide(row_id, "u", "keep", "ann")])
    (card,) = cards(Visit(desk, desk.reviewer), [row_id])
    assert card["mine"]["verdict"] == "keep"
    assert row_id in desk.results.of(Spec(), "disagreed", renew=True).row_ids


def test_a_replaced_catalog_is_announced_and_the_queue_stays(catalog: Path, desk: Desk) -> None:
    at = drawn("main")
    before = grid(at)
    assert before["edition"] == before["latest"]
    index(catalog)
    found = grid(run(at))
    assert found["edition"] == before["edition"] != found["latest"]
    assert [card["id"] for card in found["cards"]] == [card["id"] for card in before["cards"]]
    desk.assignments.renew(
        Visit(desk, "ann"), Spec(collapse=True), "open"
    )  # what the component's button asks for
    found = grid(run(at))
    assert found["edition"] == found["latest"]


def test_a_file_that_has_to_be_mended_is_one_line_in_place_of_the_page(catalog: Path) -> None:
    open_desk(Desk(catalog, "cal"))
    at = drawn("main")
    own = catalog / "reviewers" / "cal.json"
    own.parent.mkdir(exist_ok=True)
    own.write_text("{", encoding="utf-8")
    (line,) = (text for text in texts(run(at)).splitlines() if "cal.json" in text)
    assert line.startswith("⚠ cal.json: ")
    assert line.endswith("mend it or remove it")
    at.session_state["renewed"] = True  # what the component's button sets
    assert line in texts(run(at))


def test_orders_hold_against_numpy(desk: Desk) -> None:
    found = desk.now().columns(["row_id", "risk", "status", "risk_type", "p_safe"]).to_pylist()
    flagged = [r for r in found if r["status"] == "scored" and r["risk_type"] != "safe"]
    expected = sorted(flagged, key=lambda r: (-r["risk"], r["row_id"]))
    ids = desk.now().ids(Spec(order="risk"))
    assert ids.tolist() == [r["row_id"] for r in expected]
    shuffled = desk.now().ids(Spec(order="random"))
    assert sorted(shuffled) == sorted(ids)
    assert shuffled.tolist() != ids.tolist()


def test_without_a_name_the_page_is_read_only(catalog: Path) -> None:
    open_desk(Desk(catalog, None))
    assert grid(drawn("main"))["reviewer"] is None


@pytest.mark.parametrize("name", ["Ann B", "../x", "", "a" * 65])
def test_a_name_that_is_no_name_is_refused(catalog: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--reviewer"):
        open_desk(Desk(catalog, name))


def test_only_loopback_is_listened_on_and_without_nagle(catalog: Path) -> None:
    with pytest.raises(UsageError, match="not a loopback"):
        serve(catalog, Who("ann"), Place("0.0.0.0"), print)
    with listening(Place(port=0)) as listener:
        # asyncio sets TCP_NODELAY on connections of listeners that name their protocol.
        assert listener.proto == socket.IPPROTO_TCP
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match="give another --port"), listening(Place(port=port)):
            pass


def test_a_type_that_is_not_wanted_has_no_picture_and_keeps_its_text(desk: Desk) -> None:
    kind = desk.now().ids(Spec(types=("illegal",)))
    desk.people.change("ann", {"opt_out": ["illegal"]})
    found = cards(Visit(desk, "ann"), [int(row) for row in kind])
    desk.people.change("ann", {"opt_out": []})
    assert {card["preview"] for card in found} == {None}
    assert {card["withheld"].split(":")[0] for card in found} == {"not shown to you"}
    assert {card["type"] for card in found} == {"illegal"}


def test_a_blind_card_is_sent_without_any_score(desk: Desk) -> None:
    desk.team = replace(desk.team, blind_share=1.0)
    desk.assignments = Assignments(desk.results, desk.mirror, desk.team, desk.people)
    (card,) = cards(Visit(desk, "ann"), [int(desk.now().ids(Spec())[-1])])
    assert card["blind"]
    assert (card["type"], card["level"], card["risk"], card["concepts"]) == (None, None, None, [])


def test_a_stacked_card_says_how_many_it_stands_for(desk: Desk) -> None:
    data = grid(drawn("main", order="Largest groups first"))
    first = data["cards"][0]
    assert first["members"] == len(desk.now().clusters.members(first["cluster"]))
    assert first["members"] > 1
    assert all("members" not in card for card in grid(drawn("main", stack="false"))["cards"])


def test_every_field_of_the_sidebar_narrows_and_is_in_the_query(desk: Desk) -> None:
    at = drawn("main", concept="weapon", least="0.8", low="0.2", words="caption", stack="false")
    data = grid(at)
    assert set(data["query"].split("&")) == {
        "concept=weapon", "least=0.8", "low=0.2", "words=caption"
    }  # fmt: skip
    expected = desk.now().ids(Spec(concept="weapon", least=0.8, low=0.2, words="caption"))
    assert 0 < data["total"] <= len(expected)
    none = grid(drawn("main", shard="no such shard"))
    assert (none["cards"], none["pages"]) == ([], 1)


def test_what_cannot_be_asked_for_is_one_line(desk: Desk) -> None:
    at = drawn("main", low="0.9", high="0.1")
    assert texts(at) == "⚠ risk from 0.9 to 0.1 is empty; swap them"
