"""Giving pictures out to several people: pages that stay, no row twice, and looks that measure."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.assigning import Assignments
from app.cards import cards
from app.desk import Desk
from app.headers import Guard
from app.leases import LASTS
from app.people import Personal
from app.recording import record
from app.routes import routes
from app.runs import BATCH, Assigned, Assignment
from app.serve import Place, listening
from app.team import Team
from app.visit import Visit
from audit.reader import Spec
from audit.verdicts import read_log
from curation.decisions import decide, undo
from tests import reviews

PLAIN = 300
SPEC = Spec(order="risk")


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Office:
    """A desk, whose team and time are set by the test."""

    def __init__(self, catalog: Path, **team: Any) -> None:
        quiet = {"second_share": 0.0, "known_share": 0.0, "repeat_share": 0.0, "contested": ()}
        self.desk = Desk(catalog, "ann")
        self.clock = Clock()
        self.desk.assignments = Assignments(
            self.desk.results, self.desk.mirror, Team(**{**quiet, **team}), self.desk.people,
            self.clock,
        )  # fmt: skip

    def page(self, reviewer: str, page: int = 1, spec: Spec = SPEC, window: str = "") -> Assignment:
        return self.desk.assignments.page(self.visit(reviewer, window), spec, "open", page)

    def visit(self, reviewer: str, window: str = "") -> Visit:
        return Visit(self.desk, reviewer, window)

    def ids(self, reviewer: str, page: int = 1, spec: Spec = SPEC) -> list[int]:
        return [row.row_id for row in self.page(reviewer, page, spec).rows]

    def say(self, reviewer: str, row: int, verdict: str = "keep", **rest: Any) -> None:
        said = decide(row, f"u{row}", verdict, reviewer, **rest)
        self.desk.decisions.append([said])
        self.desk.mirror.catch_up()
        self.desk.assignments.recorded([said])

    def say_all(self, reviewer: str, rows: list[int], verdict: str = "keep", **rest: Any) -> None:
        said = [decide(row, f"u{row}", verdict, reviewer, **rest) for row in rows]
        self.desk.decisions.append(said)
        self.desk.mirror.catch_up()
        self.desk.assignments.recorded(said)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return reviews.write(tmp_path, PLAIN)


def purposes(found: Assignment) -> Counter[str | None]:
    return Counter(row.purpose for row in found.rows)


def test_pages_of_one_reviewer_are_slices_and_stay_while_they_decide(catalog: Path) -> None:
    office = Office(catalog)
    every = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids]
    assert office.ids("ann") == every[:BATCH]
    office.say_all("ann", every[:BATCH])
    assert office.ids("ann", 2) == every[BATCH : 2 * BATCH]
    assert office.ids("ann") == every[:BATCH]
    found = office.page("ann", 2)
    assert (found.pages, found.left) == (-(-len(every) // BATCH), len(every) - BATCH)
    assert office.page("ann", 999).page == found.pages
    assert office.ids("ann", 999) == every[(found.pages - 1) * BATCH :]


def test_two_reviewers_never_hold_the_same_row(catalog: Path) -> None:
    office = Office(catalog)
    ann, ben = office.ids("ann"), office.ids("ben")
    assert len(ann) == len(ben) == BATCH
    assert not {*ann} & {*ben}
    assert not {*office.ids("ann", 2)} & {*ben}
    assert not {*office.ids("ben", 1, Spec(order="random"))} & {*ann}


def test_what_is_left_open_by_leaving_is_handed_on(catalog: Path) -> None:
    office = Office(catalog)
    first = office.ids("ann")
    office.say("ann", first[0])
    assert office.desk.assignments.leave(office.visit("ann")) == BATCH - 1
    assert office.ids("ben") == [*first[1:], office.desk.results.of(SPEC, "open").row_ids[BATCH]]
    assert office.ids("ann") == first[:1]


def test_one_window_of_two_lets_nothing_go(catalog: Path) -> None:
    office = Office(catalog)
    office.page("ann", window="one")
    office.page("ann", window="two")
    assert office.desk.assignments.leave(office.visit("ann", "one")) == 0
    assert office.desk.assignments.leave(office.visit("ann", "two")) == BATCH


def test_a_lease_ends_without_a_sign_of_life_and_lasts_with_one(catalog: Path) -> None:
    office = Office(catalog)
    first = office.ids("ann")
    for _ in range(3):
        office.clock.now += LASTS * 0.9
        office.desk.assignments.touch(office.visit("ann"))
    assert not {*office.ids("ben")} & {*first}
    office.clock.now += LASTS * 1.1
    assert office.ids("cleo")[:BATCH] == first
    # She comes back, and all of it is somebody else's now: she is given something else.
    assert not {*office.ids("ann")} & {*first, *office.ids("ben"), *office.ids("cleo")}
    assert len(office.ids("ann")) == BATCH


def test_after_a_long_pause_what_nobody_has_taken_is_ones_own_again(catalog: Path) -> None:
    office = Office(catalog)
    first = office.ids("ann")
    office.clock.now += LASTS * 1.1
    office.desk.assignments.touch(office.visit("ann"))
    assert not {*office.ids("ben")} & {*first}


def test_whoever_decides_too_late_is_told_and_both_are_kept(catalog: Path) -> None:
    office = Office(catalog)
    mine, theirs, free = office.ids("ann")[:3]
    row = str(theirs)
    for reviewer, expected in (("ann", []), ("ben", []), ("ann", [row])):
        if reviewer == "ben":
            office.clock.now += LASTS * 1.1
            assert theirs in office.ids("ben")
        entry = {
            "id": f"{reviewer}{len(expected)}".encode().hex(),
            "row_id": row,
            "verdict": "keep",
        }
        if not expected and reviewer == "ann":
            entry["row_id"] = str(mine)
        assert record(office.desk, [entry], reviewer)["taken"] == expected
    assert len(read_log(catalog).decisions) == 3
    assert office.desk.assignments.taken("ann", [theirs, mine]) == set()  # they know by now
    assert office.desk.assignments.taken("ann", [free]) == {free}  # ben has it in front of him


def test_work_in_one_window_is_not_ended_by_closing_another(catalog: Path) -> None:
    office = Office(catalog)
    office.page("ann", window="one")
    office.clock.now += LASTS * 0.7
    office.page("ann", window="two")
    office.desk.assignments.touch(office.visit("ann", "one"))
    office.clock.now += LASTS * 0.7
    assert office.desk.assignments.leave(office.visit("ann", "two")) == 0
    assert len(office.ids("ann")) == BATCH


def test_rows_skipped_pages_ago_are_free_for_others(catalog: Path) -> None:
    office = Office(catalog)
    given = [office.ids("ann", page) for page in (1, 2, 3, 4)]
    assert office.ids("ben") == given[0]
    assert office.ids("ann", 2) == given[1]


def test_an_undone_row_is_still_ones_own(catalog: Path) -> None:
    office = Office(catalog)
    row = office.ids("ann")[0]
    said = decide(row, "u", "keep", "ann")
    for each in (said, undo(said)):
        office.desk.decisions.append([each])
        office.desk.mirror.catch_up()
        office.desk.assignments.recorded([each])
    assert row not in office.ids("ben")
    assert row in office.ids("ann")


def test_renewing_begins_anew_with_what_is_open(catalog: Path) -> None:
    office = Office(catalog)
    first = office.ids("ann")
    office.say_all("ann", first[:10])
    office.desk.assignments.renew(office.visit("ann"), SPEC, "open")
    assert office.ids("ann")[: BATCH - 10] == first[10:]


def test_types_that_somebody_does_not_want_are_not_given(catalog: Path) -> None:
    office = Office(catalog)
    office.desk.people.save("ben", Personal(opt_out=("illegal", "privacy")))
    pages = office.page("ben").pages
    rows = [row for page in range(1, pages + 1) for row in office.ids("ben", page)]
    kinds = {row["risk_type"] for row in office.desk.now().cards(rows).values()}
    assert rows
    assert not kinds & {"illegal", "privacy", "safe"}
    nothing = office.page("ben", spec=replace(SPEC, types=("illegal",)))
    assert (nothing.rows, nothing.pages, nothing.left) == ((), 1, 0)


def test_a_share_is_looked_at_again_by_somebody_else_only(catalog: Path) -> None:
    office = Office(catalog, second_share=1.0)
    first = office.ids("ann")
    office.say_all("ann", first)
    assert purposes(office.page("ann", 2)) == {None: BATCH}
    found = office.page("ben")
    assert purposes(found) == {None: 36, "second": 12}
    assert {row.row_id for row in found.rows if row.purpose} <= {*first}
    assert office.page("cleo").rows[0] not in found.rows


def test_second_looks_fill_the_page_when_nothing_new_is_left(catalog: Path) -> None:
    office = Office(catalog, second_share=1.0)
    every = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids]
    office.say_all("ann", every)
    found = office.page("ben")
    assert purposes(found) == {"second": BATCH}
    assert found.left == len(every)
    seen = [row for page in range(1, found.pages + 1) for row in office.ids("ben", page)]
    assert sorted(seen) == sorted(every)
    assert office.page("ann").left == 0


@pytest.mark.parametrize(
    ("verdicts", "due"),
    [
        ([("ann", "keep", {})], False),
        ([("ann", "escalate", {})], True),
        ([("ann", "relabel", {"type": "politics", "level": "high"})], True),
        ([("ann", "relabel", {"type": "politics", "level": "low"})], False),
        ([("ann", "relabel", {"type": "illegal", "level": "high"})], False),
        ([("ann", "keep", {}), ("cleo", "drop", {})], True),
        ([("ann", "keep", {}), ("cleo", "keep", {})], False),
        ([("ann", "keep", {}), ("cleo", "drop", {}), ("dora", "drop", {})], False),
        ([("ann", "quarantine", {})], False),
        ([("ann", "keep", {}), ("cleo", "adjudicate", {"ruling": "drop"})], False),
    ],
)
def test_what_wants_a_second_look(
    catalog: Path, verdicts: list[tuple[str, str, dict[str, Any]]], due: bool
) -> None:
    office = Office(catalog, contested=("politics",))
    row = int(office.desk.results.of(SPEC, "open").row_ids[0])
    for reviewer, verdict, rest in verdicts:
        office.say(reviewer, row, verdict, **rest)
    found = office.page("ben")
    assert (Assigned(row, "second") in found.rows) == due
    assert any(given.row_id == row for given in found.rows) == due


def test_a_large_go_of_drops_is_looked_at_again(catalog: Path) -> None:
    office = Office(catalog, drops=5)
    rows = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids[:13]]
    office.say_all("ann", rows[:5], "drop", batch="00000005")
    for row in rows[5:]:  # in several writes, as a large go is
        office.say("ann", row, "drop", batch="00000008")
    found = office.page("ben")
    assert {row.row_id for row in found.rows if row.purpose == "second"} == {*rows[5:]}


def test_known_items_and_repeats_ride_along_and_are_counted_apart(catalog: Path) -> None:
    office = Office(catalog, known_share=0.1, repeat_share=0.1)
    every = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids]
    settled, own = every[:30], every[30:150]
    office.say_all("cleo", settled)
    office.say_all("dora", settled)
    office.say_all("ann", own)
    found = office.page("ann")
    given = {purpose: [r.row_id for r in found.rows if r.purpose == purpose]
             for purpose in ("known", "repeat")}  # fmt: skip
    assert 4 <= len(given["known"]) <= 5
    assert 4 <= len(given["repeat"]) <= 5
    assert {*given["known"]} <= {*settled}
    assert {*given["repeat"]} <= {*own[:20]}  # those of a while ago
    assert len(found.rows) == BATCH
    # Until answered, what was said before is hidden; then it is not given out again.
    row = given["repeat"][0]
    assert office.desk.assignments.hidden("ann", row)
    assert not office.desk.assignments.hidden("ann", own[-1])
    office.say("ann", row, "drop", purpose="repeat")
    assert not office.desk.assignments.hidden("ann", row)
    outcome = office.desk.mirror.outcome(row)
    assert outcome is not None
    assert outcome.verdict == "keep"  # it says something of the reviewer, not of the row
    office.desk.assignments.renew(office.visit("ann"), SPEC, "open")
    later = [r for page in (1, 2) for r in office.page("ann", page).rows]
    assert row not in [r.row_id for r in later]


def test_a_repeat_that_was_not_answered_is_hidden_no_longer(catalog: Path) -> None:
    office = Office(catalog, repeat_share=0.2)
    every = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids]
    office.say_all("ann", every[:150])
    again = [row.row_id for row in office.page("ann").rows if row.purpose == "repeat"]
    assert all(office.desk.assignments.hidden("ann", row) for row in again)
    office.desk.assignments.renew(office.visit("ann"), SPEC, "open")
    assert again
    assert not any(office.desk.assignments.hidden("ann", row) for row in again)


def test_a_card_does_not_tell_why_it_was_given(catalog: Path) -> None:
    office = Office(catalog, known_share=0.2, repeat_share=0.2)
    every = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids]
    office.say_all("cleo", every[:30], "drop")
    office.say_all("dora", every[:30], "drop")
    office.say_all("ann", every[30:150], "drop")
    given = {row.row_id: row.purpose for row in office.page("ann").rows}
    made = cards(office.visit("ann"), list(given))
    told = {(card["mine"], card["others"], card["second"], len(card["given"])) for card in made}
    assert {*given.values()} == {None, "known", "repeat"}
    assert told == {(None, False, False, 32)}
    assert len({frozenset(card) for card in made}) == 1  # the same fields


def test_scores_are_hidden_for_a_share_until_decided(catalog: Path) -> None:
    office = Office(catalog, blind_share=0.5)
    found = office.page("ann")
    blind = [row.row_id for row in found.rows if row.blind]
    assert 12 <= len(blind) <= 36
    assert office.desk.assignments.blind("ann", blind[0])
    assert not office.desk.assignments.blind(None, blind[0])
    assert {r for r in blind if office.desk.assignments.blind("ben", r)} != {*blind}
    office.say("ann", blind[0])
    assert not office.desk.assignments.blind("ann", blind[0])


def test_a_card_that_stands_for_a_cluster_holds_all_of_it(catalog: Path) -> None:
    office = Office(catalog)
    every = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids]
    held = min((office.desk.results.whole([row]) for row in every), key=lambda rows: -len(rows))
    assert 1 < len(held) < len(every)  # the drawn pictures have near-duplicates
    card = Spec(way="rows", given=str(held[0]), collapse=True)
    assert office.ids("ann", 1, card) == held[:1]
    pages = range(1, office.page("ben").pages + 1)
    given = [row for page in pages for row in office.ids("ben", page)]
    assert {*given} == {*every} - {*held}


def test_whoever_looks_for_something_is_given_just_that(catalog: Path) -> None:
    office = Office(catalog, second_share=1.0)
    rows = [int(row) for row in office.desk.results.of(SPEC, "open").row_ids[:20]]
    office.say_all("ann", rows[:10])
    wanted = Spec(way="rows", given=",".join(map(str, rows)))
    assert office.ids("ben", 1, wanted) == rows[10:]


def test_browsing_and_readers_hold_nothing(catalog: Path) -> None:
    office = Office(catalog)
    assignments = office.desk.assignments
    assert (
        assignments.page(Visit(office.desk, None), SPEC, "open", 1).rows == office.page("ann").rows
    )
    every = assignments.page(office.visit("ben"), SPEC, "any", 1)
    assert [r.row_id for r in every.rows] == [r.row_id for r in office.page("ann").rows]


@contextmanager
def answering(desk: Desk) -> Iterator[int]:
    """The real routes over real connections, in this process; gives the port."""
    app = Starlette(routes=routes(desk), middleware=[Middleware(Guard, hosts=("127.0.0.1",))])
    with listening(Place(port=0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def test_ten_reviewers_at_once_lose_and_double_nothing(catalog: Path) -> None:
    desk = Office(catalog).desk
    every = [int(row) for row in desk.results.of(SPEC, "open").row_ids]
    names = [f"r{n}" for n in range(10)]
    said: dict[str, list[int]] = {name: [] for name in names}
    faults: list[str] = []

    def work(number: int, port: int) -> None:
        name = names[number]
        visit = Visit(desk, name, f"{number:016x}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"x-audit-token": visit.token, "content-type": "application/json"}

        def post(path: str, body: Any) -> Any:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            if answer.status != 200:
                faults.append(f"{name}: {path} {answer.status} {found}")
            return found

        while True:
            page = desk.assignments.page(visit, SPEC, "open", len(said[name]) // 7 + 1)
            rows = [row.row_id for row in page.rows if row.row_id not in said[name]]
            if not rows:
                break
            for row in rows[: 7 + number]:  # the rest is left for others
                entry = {"id": f"{number:02x}{row:016x}", "row_id": str(row), "verdict": "keep"}
                for _ in range(2):  # the answer to the first was lost
                    stored = post("/audit/decisions", {"decisions": [entry]})
                    if stored != {"stored": [entry["id"]], "refused": [], "taken": []}:
                        faults.append(f"{name}: {stored}")
                said[name].append(row)
            post("/audit/leave", {"done": True})
            desk.assignments.renew(visit, SPEC, "open")
        connection.close()

    with answering(desk) as port:
        threads = [threading.Thread(target=work, args=(n, port)) for n in range(len(names))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []
    lines = [line for name in names for line in reviews.log(catalog, name)]
    assert sorted(line["row_id"] for line in lines) == sorted(every)
    assert len({line["id"] for line in lines}) == len(every)
    assert read_log(catalog).faults == ()
