"""What belongs to one reviewer: settings, counts of what was seen, limits and pauses."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.desk import Desk
from app.exposure import DAYS_KEPT, Capped, Exposure
from app.people import People, Personal, as_json, from_json
from app.private import FOLDER
from audit.errors import UsageError
from tests.asking import Asked

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit.*")

OWN = Personal(
    keys={"agree": "Shift+a", "type:privacy": "w"}, opt_out=("insults", "fairness"), blur=20,
    always_grey=True, columns=6, break_reveals=3, break_minutes=0, daily_cap=5, notice=False,
)  # fmt: skip


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


@pytest.fixture
def exposure(tmp_path: Path, people: People, clock: Clock) -> Exposure:
    return Exposure(tmp_path, people, clock)


@pytest.fixture
def row(catalog: Path) -> int:
    desk = Desk(catalog, "ann")
    found = desk.now().columns(["row_id", "status"]).to_pylist()
    return int(next(each["row_id"] for each in found if each["status"] == "scored"))


def test_settings_come_back_as_they_were_saved(people: People, tmp_path: Path) -> None:
    people.save("ann", OWN)
    assert People(tmp_path).of("ann") == OWN
    assert from_json(json.loads(json.dumps(as_json(OWN)))) == OWN
    assert people.of("ben") == people.of(None) == Personal()


def test_settings_are_readable_by_their_owner_only(people: People, tmp_path: Path) -> None:
    people.save("ann", OWN)
    folder = tmp_path / FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_change_leaves_the_other_settings_as_they_are(people: People) -> None:
    people.save("ann", OWN)
    changed = people.change("ann", {"blur": 90, "keys": {}})
    assert changed == people.of("ann")
    assert (changed.blur, changed.keys, changed.opt_out) == (90, {}, OWN.opt_out)


def test_changes_of_many_at_once_all_arrive(people: People) -> None:
    names = {"blur": 11, "columns": 7, "break_reveals": 12, "break_minutes": 13, "daily_cap": 14}
    threads = [
        threading.Thread(target=people.change, args=("ann", {name: value}))
        for name, value in names.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names.items() <= as_json(people.of("ann")).items()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"blur": 101}, "blur"),
        ({"blur": True}, "blur"),
        ({"blur": 1.5}, "blur"),
        ({"daily_cap": -1}, "daily_cap"),
        ({"columns": 9}, "columns"),
        ({"columns": [5]}, "columns"),
        ({"notice": 1}, "notice"),
        ({"opt_out": ["safe"]}, "opt_out"),
        ({"opt_out": ["nothing"]}, "opt_out"),
        ({"opt_out": [{}]}, "opt_out"),
        ({"opt_out": "illegal"}, "opt_out"),
        ({"keys": {"agree": "c"}}, "agree"),
        ({"keys": {"agree": "Enter"}}, "agree"),
        ({"keys": {"agree": "k", "keep": "k"}}, "one key for two"),
        ({"keys": {"agree": "kk"}}, "agree"),
        ({"keys": {"../x": "k"}}, "no action"),
        ({"keys": {"agree": 1}}, "agree"),
        ({"keys": []}, "keys"),
        ({"reviewer": "ben"}, "no such setting"),
    ],
)
def test_what_no_setting_can_be_is_refused(
    people: People, changes: dict[str, Any], names: str
) -> None:
    with pytest.raises(UsageError, match=names):
        people.change("ann", changes)
    assert people.of("ann") == Personal()


def test_a_damaged_file_is_named_and_hides_no_choice(people: People, tmp_path: Path) -> None:
    people.save("ann", OWN)
    for text in ("{", "[]", '{"blur": 500}', '{"colour": 1}'):
        (tmp_path / FOLDER / "ann.json").write_text(text)
        with pytest.raises(UsageError, match="ann.json"):
            people.of("ann")


@pytest.mark.parametrize("alias", ["../ann", "Ann", "", "a/b", "."])
def test_a_name_never_becomes_a_path(people: People, alias: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        people.save(alias, OWN)


def test_what_was_seen_is_counted_by_day_type_and_level_and_outlives_the_server(
    exposure: Exposure, people: People, clock: Clock, tmp_path: Path
) -> None:
    exposure.shown("ann", "illegal", "high")
    exposure.shown("ann", "illegal", "high")
    exposure.looked("ann", 2.5)
    clock.pass_by(days=1)
    exposure.shown("ann", None, None)
    found = Exposure(tmp_path, people, clock).days("ann")
    assert [dict(day.kinds) for day in found.values()] == [
        {("illegal", "high"): 2}, {("not scored", "not scored"): 1}
    ]  # fmt: skip
    assert [day.seconds for day in found.values()] == [2.5, 0.0]
    assert exposure.of("ann")["pictures"] == 1
    assert exposure.of("ben")["pictures"] == 0
    assert (tmp_path / FOLDER / "ann.exposure.json").stat().st_mode & 0o777 == 0o600


def test_counts_of_a_quarter_are_kept(exposure: Exposure, clock: Clock) -> None:
    for _ in range(DAYS_KEPT + 3):
        clock.pass_by(days=1)
        exposure.shown("ann", "privacy", "low")
    days = list(exposure.days("ann"))
    assert len(days) == DAYS_KEPT
    assert days[-1] == clock.now.date()
    assert days == sorted(days)


def test_two_servers_lose_no_count(people: People, tmp_path: Path) -> None:
    servers = [Exposure(tmp_path, people) for _ in range(2)]

    def look(server: Exposure) -> None:
        for _ in range(20):
            server.shown("ann", "privacy", "low")

    threads = [threading.Thread(target=look, args=(server,)) for server in servers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert servers[0].of("ann")["pictures"] == 80


def test_a_daily_limit_holds_until_tomorrow(
    exposure: Exposure, people: People, clock: Clock
) -> None:
    people.save("ann", Personal(daily_cap=2))
    exposure.shown("ann", "illegal", "high")
    exposure.shown("ann", "illegal", "high")
    with pytest.raises(Capped, match="limit of 2 pictures"):
        exposure.shown("ann", "illegal", "high")
    assert exposure.of("ann")["pictures"] == 2
    exposure.shown("ben", "illegal", "high")
    clock.pass_by(days=1)
    exposure.shown("ann", "illegal", "high")


def test_a_pause_is_proposed_after_so_many_pictures(exposure: Exposure, people: People) -> None:
    people.save("ann", Personal(break_reveals=2))
    exposure.shown("ann", "illegal", "high")
    exposure.shown("ann", "illegal", "low")
    assert exposure.of("ann")["pause"] is None
    exposure.shown("ann", "insults", "medium")
    assert "2 pictures" in exposure.of("ann")["pause"]
    exposure.paused("ann")
    assert exposure.of("ann")["pause"] is None


def test_a_pause_is_proposed_after_so_many_minutes_of_work(
    exposure: Exposure, people: People, clock: Clock
) -> None:
    people.save("ann", Personal(break_minutes=10))
    for _ in range(5):
        exposure.working("ann")
        assert exposure.of("ann")["pause"] is None
        clock.pass_by(minutes=2)
    exposure.working("ann")
    assert "10 minutes" in exposure.of("ann")["pause"]


def test_five_idle_minutes_are_a_pause(exposure: Exposure, people: People, clock: Clock) -> None:
    people.save("ann", Personal(break_minutes=10, break_reveals=2))
    exposure.shown("ann", "illegal", "high")
    clock.pass_by(minutes=6)
    exposure.shown("ann", "illegal", "high")
    clock.pass_by(minutes=4)
    exposure.working("ann")
    assert exposure.of("ann")["pause"] is None


def test_neither_is_proposed_to_those_who_do_not_want_it(
    exposure: Exposure, people: People, clock: Clock
) -> None:
    people.save("ann", Personal(break_minutes=0, break_reveals=0))
    for _ in range(100):
        exposure.shown("ann", "illegal", "high")
        clock.pass_by(minutes=1)
    assert exposure.of("ann")["pause"] is None


def test_settings_are_read_and_changed_by_their_address(catalog: Path) -> None:
    ask = Asked(Desk(catalog, "ann"), reviewer="cleo")
    status, headers, body = ask("/audit/settings")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(body)["settings"] == as_json(Personal())
    status, _, body = ask("/audit/settings", {"blur": 5, "keys": {"agree": "v"}})
    assert (status, json.loads(body)["settings"]["blur"]) == (200, 5)
    other = Asked(Desk(catalog, "ann"), reviewer="cleo")  # another server, another browser
    assert json.loads(other("/audit/settings")[2])["settings"]["keys"] == {"agree": "v"}
    assert Desk(catalog, "ann").people.of("ann") == Personal()


@pytest.mark.parametrize("sent", [[], None, "x", {"blur": "5"}, {"alias": "ann"}, b"{"])
def test_settings_that_are_none_are_refused_in_one_line(catalog: Path, sent: Any) -> None:
    sent = b"null" if sent is None else sent
    status, headers, body = Asked(Desk(catalog, "ann"))("/audit/settings", sent)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert "\n" not in json.loads(body)["error"]


def test_without_a_name_no_settings_are_kept(catalog: Path) -> None:
    ask = Asked(Desk(catalog, None), reviewer=None)
    assert json.loads(ask("/audit/settings")[2])["settings"] == as_json(Personal())
    assert ask("/audit/settings", {"blur": 5})[0] == 403


def test_clear_stops_at_the_limit_and_says_so(catalog: Path, row: int) -> None:
    desk = Desk(catalog, "ann")
    desk.people.save("dora", Personal(daily_cap=1))
    ask = Asked(desk, reviewer="dora")
    assert ask(f"/audit/clear/{row}")[0] == 200
    status, headers, body = ask(f"/audit/clear/{row}")
    assert (status, headers["content-type"]) == (429, "application/json")
    assert "limit of 1 pictures a day" in json.loads(body)["error"]
    assert desk.exposure.of("dora")["pictures"] == 1


def test_pictures_that_cannot_be_shown_are_not_counted(catalog: Path) -> None:
    desk = Desk(catalog, "ann")
    found = desk.now().columns(["row_id", "image_member"]).to_pylist()
    broken = next(each["row_id"] for each in found if each["image_member"] == "broken.jpg")
    assert Asked(desk, reviewer="emil")(f"/audit/clear/{broken}")[0] == 422
    assert desk.exposure.of("emil")["pictures"] == 0


def test_exposure_is_told_to_the_one_who_looked(catalog: Path, row: int) -> None:
    desk = Desk(catalog, "ann")
    ask = Asked(desk, reviewer="fay")
    ask(f"/audit/clear/{row}")
    status, _, body = ask("/audit/exposure", {"seconds": 2.5})
    assert (status, json.loads(body)) == (
        200, {"pictures": 1, "seconds": 2.5, "cap": 0, "pause": None}
    )  # fmt: skip
    assert json.loads(Asked(desk, reviewer="gus")(f"/audit/item/{row}")[2])["seen"]["pictures"] == 0


def test_a_pause_is_told_with_the_item_and_ends_by_a_post(catalog: Path, row: int) -> None:
    desk = Desk(catalog, "ann")
    desk.people.save("hal", Personal(break_reveals=1))
    ask = Asked(desk, reviewer="hal")
    desk.exposure.shown("hal", "illegal", "high")
    assert json.loads(ask(f"/audit/item/{row}")[2])["seen"]["pause"]
    assert json.loads(ask("/audit/exposure", {"paused": True})[2])["pause"] is None


@pytest.mark.parametrize(
    "sent", [{"paused": 1, "x": 2}, {"paused": False}, {}, [], {"seconds": []}]
)
def test_exposure_takes_nothing_else(catalog: Path, sent: Any) -> None:
    assert Asked(Desk(catalog, "ann"))("/audit/exposure", sent)[0] == 400


@pytest.mark.parametrize(
    "text",
    [
        "[]", "{", '{"2026-03-01": 5}', '{"2026-03-01": {"kinds": 1}}',
        '{"2026-03-01": {"seconds": 0, "kinds": [["illegal", "high", 1e999]]}}',
    ],
)  # fmt: skip
def test_damaged_counts_are_named_and_give_nothing_out(
    exposure: Exposure, tmp_path: Path, text: str
) -> None:
    exposure.shown("ann", "illegal", "high")
    (tmp_path / FOLDER / "ann.exposure.json").write_text(text)
    with pytest.raises(UsageError, match="reviewers/ann.exposure.json: .*mend it or remove it"):
        exposure.shown("ann", "illegal", "high")
    assert (tmp_path / FOLDER / "ann.exposure.json").read_text() == text
