"""Deciding for many, clusters, rulings, the page Decisions and the log as files; no browser."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from app import bulk
from app.bulk import DISPUTED, GONE, LOCKED, OPTED_OUT, SETTLED
from app.desk import Desk, open_desk
from app.people import Personal
from app.visit import Visit
from audit.errors import UsageError
from audit.outcomes import settle
from audit.reader import Spec
from audit.verdicts import read_log
from curation.decisions import Decisions, adjudicate, decide, undo
from curation.gathering import gather
from curation.rules import INCLUDED, Duplicates
from curation.selection import select
from tests import reviews
from tests.asking import Asked
from tests.pages import drawn, given, grid, tables, texts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit.*")

EVERY = Spec(scope="any")
BATCH, MARK = "ab" * 16, "cd" * 16


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return reviews.write(tmp_path)


@pytest.fixture
def desk(catalog: Path) -> Desk:
    return open_desk(Desk(catalog, "ann"))


@pytest.fixture
def ask(desk: Desk) -> Asked:
    return Asked(desk)


def rows_of(desk: Desk) -> list[dict[str, Any]]:
    """Every row that can be shown: row_id, uid, risk_type, risk_level."""
    ids = desk.now().ids(EVERY)
    return desk.now().some(ids, ("row_id", "uid", "risk_type", "risk_level")).to_pylist()


def say(catalog: Path, row: dict[str, Any], who: str, verdict: str, **rest: Any) -> Any:
    made = decide(row["row_id"], row["uid"] or "", verdict, who, **rest)
    Decisions(catalog).append([made])
    return made


def posted(ask: Asked, path: str, body: Any, status: int = 200) -> Any:
    got, headers, answer = ask(path, body)
    assert headers["content-type"].startswith("application/json")
    assert got == status, answer
    return json.loads(answer)


def ended(ask: Asked, desk: Desk, path: str, body: Any) -> dict[str, Any]:
    """What a job came to."""
    begun = posted(ask, path, body)
    job = desk.batches.of(int(begun["job"]), "ann")
    assert job is not None
    assert job.ended.wait(30)
    state: dict[str, Any] = json.loads(ask(f"/audit/batch/{begun['job']}")[2])
    assert state["ended"]
    return state


def offer(ask: Asked, desk: Desk, spec: Spec = EVERY) -> dict[str, Any]:
    name = desk.results.of(spec, "any", renew=True).name
    found: dict[str, Any] = posted(ask, "/audit/bulk", {"set": name})
    return found


def test_an_offer_says_exactly_how_many_and_what_is_left_out(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    rows = [row for row in rows_of(desk) if row["risk_type"] not in (None, "fairness")]
    desk.people.save("ann", Personal(opt_out=("fairness",)))
    unwanted = sum(row["risk_type"] == "fairness" for row in rows_of(desk))
    say(catalog, rows[0], "bob", "quarantine")
    for who in ("bob", "cleo"):
        say(catalog, rows[1], who, "keep")
    say(catalog, rows[2], "bob", "keep")
    say(catalog, rows[2], "cleo", "drop")
    say(catalog, rows[3], "ann", "keep")
    desk.mirror.catch_up()
    ruled = desk.mirror.outcome(rows[2]["row_id"])
    assert ruled is not None
    ids = [str(row["row_id"]) for row in rows_of(desk)]
    found = posted(ask, "/audit/bulk", {"rows": [*ids, ids[0], "17"]})
    assert dict(found["left_out"]) == {
        LOCKED: 1, SETTLED: 1, DISPUTED: 1, OPTED_OUT: unwanted, GONE: 1
    }  # fmt: skip
    assert found["count"] == len(ids) - 3 - unwanted
    assert found["again"] == 1
    assert sum(found["before"].values()) == found["count"]
    Decisions(catalog).append([adjudicate(ruled, "keep", "cleo")])
    found = posted(ask, "/audit/bulk", {"rows": ids})
    assert dict(found["left_out"])[SETTLED] == 2
    assert DISPUTED not in dict(found["left_out"])
    assert 0 < len(found["sample"]) <= 24
    assert max(len(card["preview"] or "") for card in found["sample"]) < 1_000


def test_the_effect_is_what_a_plan_of_the_whole_catalog_comes_to(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    found = offer(ask, desk)
    for verdict in ("agree", "keep", "drop", "escalate"):
        said = posted(ask, "/audit/effect", {"offer": found["offer"], "say": {"verdict": verdict}})
        scored = [row for row in rows_of(desk) if verdict != "agree" or row["risk_type"]]
        assert said["count"] == len(scored)
        other = shutil.copytree(catalog, catalog.with_name(f"{verdict}.audit"))
        Decisions(other).append(
            decide(r["row_id"], r["uid"] or "", verdict, "ann", scorer=desk.now().scorer_sha256,
                   **({"type": r["risk_type"], "level": r["risk_level"]} if verdict == "agree"
                      else {}))
            for r in scored
        )  # fmt: skip
        gathered = gather(other, "balanced")
        alone = replace(gathered.policy, duplicates=Duplicates("keep", "keep", 0))
        became = select(gathered.rows, alone, gathered.outcomes)
        shown = {row["row_id"] for row in rows_of(desk)}
        counts = Counter(r["action"] for r in became.to_pylist() if r["row_id"] in shown)
        assert said["after"] == {
            "kept": sum(counts[name] for name in INCLUDED), "review": counts["review"],
            "dropped": counts["drop"], "held": counts["quarantine"],
        }  # fmt: skip


def test_a_batch_is_stored_once_and_taken_back_once(catalog: Path, desk: Desk, ask: Asked) -> None:
    row = rows_of(desk)[5]
    say(catalog, row, "ann", "keep")
    before = settle(read_log(catalog).decisions)
    found = offer(ask, desk)
    said = {"verdict": "relabel", "type": "safe"}
    order = {"offer": found["offer"], "say": said, "batch": BATCH}
    for _ in range(2):
        state = ended(ask, desk, "/audit/batch", order)
        assert (state["done"], state["problem"]) == (found["count"], "")
    lines = [line for line in reviews.log(catalog) if line["batch"] == BATCH]
    assert len(lines) == len({line["row_id"] for line in lines}) == found["count"]
    assert {(x["verdict"], x["type"], x["level"]) for x in lines} == {("relabel", "safe", "none")}
    assert {line["policy"] for line in lines} == {desk.policies.hash()}
    state = ended(ask, desk, "/audit/undo", {"batch": BATCH, "mark": MARK})
    assert state["done"] == found["count"]
    assert settle(read_log(catalog).decisions) == before
    assert read_log(catalog).faults == ()
    again = posted(ask, "/audit/undo", {"batch": BATCH, "mark": MARK}, 409)
    assert "nothing of this batch" in again["error"]
    assert "taken back" in posted(ask, "/audit/batch", order, 409)["error"]  # not silently nothing


def test_nobody_takes_back_what_somebody_else_decided(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    say(catalog, rows_of(desk)[0], "bob", "keep", batch=BATCH)
    refused = posted(ask, "/audit/undo", {"batch": BATCH, "mark": MARK}, 409)
    assert "nothing" in refused["error"]
    posted(Asked(desk, None), "/audit/undo", {"batch": BATCH, "mark": MARK}, 403)
    posted(Asked(desk, None), "/audit/bulk", {"rows": ["1"]}, 403)
    found = offer(ask, desk)
    order = {"offer": found["offer"], "say": {"verdict": "keep"}, "batch": MARK}
    posted(Asked(desk, "bob"), "/audit/batch", order, 409)


def test_what_is_locked_away_before_the_confirmation_is_left_out(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    found = offer(ask, desk)
    row = rows_of(desk)[7]
    say(catalog, row, "bob", "quarantine")
    state = ended(
        ask, desk, "/audit/batch",
        {"offer": found["offer"], "say": {"verdict": "keep"}, "batch": BATCH},
    )  # fmt: skip
    assert state["done"] == found["count"] - 1
    assert row["row_id"] not in {line["row_id"] for line in reviews.log(catalog)}


def test_large_offers_are_not_all_kept(
    desk: Desk, ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "ROWS_KEPT", len(rows_of(desk)) * 2)
    first, *_, last = (offer(ask, desk)["offer"] for _ in range(3))
    assert len(desk.offers.offered(int(last), "ann").rows) == len(rows_of(desk))
    with pytest.raises(UsageError, match="open the dialog again"):
        desk.offers.offered(int(first), "ann")


def test_a_queue_found_anew_is_not_decided_by_its_old_name(desk: Desk, ask: Asked) -> None:
    name = desk.results.of(EVERY, "any").name
    desk.results.of(EVERY, "any", renew=True)
    assert "found anew" in posted(ask, "/audit/bulk", {"set": name}, 409)["error"]


BAD: tuple[tuple[str, Any], ...] = (
    ("bulk", {}), ("bulk", {"rows": []}), ("bulk", {"rows": [1]}), ("bulk", {"rows": ["x"]}),
    ("bulk", {"rows": ["9" * 19]}), ("bulk", {"rows": ["1"] * 501}), ("bulk", {"stacks": 5}),
    ("bulk", {"other": 1}), ("bulk", {"rows": ["1"], "set": "x"}), ("bulk", []),
    ("effect", {"offer": "1"}), ("effect", {"offer": "1", "say": {"verdict": 3}}),
    ("effect", {"offer": "1", "say": {"verdict": "keep", "note": "x"}}),
    ("effect", {"offer": 1, "say": {"verdict": "keep"}}),
    ("batch", {"offer": "1", "say": {"verdict": "keep"}, "batch": "x"}),
    ("undo", {"batch": "x", "mark": MARK}), ("undo", {"batch": BATCH}),
    ("export", {"format": "csv"}), ("export", {"format": "csv", "ends": {"../x": 1}}),
    ("export", {"format": "csv", "ends": {"ann": -1}}), ("export", {"format": "exe", "ends": {}}),
    ("export", {"format": "csv", "ends": {"ann": 10**9}}), ("export", {"format": 3, "ends": {}}),
)  # fmt: skip


@pytest.mark.parametrize(("path", "body"), BAD)
def test_a_malformed_post_is_one_line_of_json(ask: Asked, path: str, body: Any) -> None:
    refused = posted(ask, f"/audit/{path}", body, 400)
    assert set(refused) == {"error"}
    assert "\n" not in refused["error"]


@pytest.mark.parametrize(
    "said", [{"verdict": "quarantine"}, {"verdict": "undo"}, {"verdict": "keep", "type": "safe"}]
)
def test_not_everything_can_be_said_of_many(ask: Asked, desk: Desk, said: dict[str, str]) -> None:
    found = offer(ask, desk)
    posted(ask, "/audit/effect", {"offer": found["offer"], "say": said}, 409)


def test_hidden_scores_are_not_agreed_to(catalog: Path) -> None:
    (catalog / "review.yaml").write_text("blind_share: 1.0\n")
    desk = open_desk(Desk(catalog, "ann"))
    ask = Asked(desk)
    found = offer(ask, desk)
    for verdict, count in (("agree", 0), ("keep", found["count"])):
        said = {"offer": found["offer"], "say": {"verdict": verdict}}
        assert posted(ask, "/audit/effect", said)["count"] == count


def test_an_unknown_job_says_where_to_look(ask: Asked) -> None:
    status, _, body = ask("/audit/batch/5")
    assert (status, "Decisions" in json.loads(body)["error"]) == (404, True)


def cluster_of(desk: Desk) -> tuple[str, list[int]]:
    """The largest cluster of the catalog and its rows."""
    found = desk.now().clusters.of([row["row_id"] for row in rows_of(desk)])
    name, count = max(found.values(), key=lambda each: each[1])
    members = desk.now().clusters.members(name).tolist()
    assert len(members) == count > 2
    return name, members


def entry(row_id: int, verdict: str, number: str, **rest: Any) -> dict[str, Any]:
    return {"id": number * 16, "row_id": str(row_id), "verdict": verdict, **rest}


def test_a_cluster_card_writes_one_row_a_member_and_one_undo_takes_all_back(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    cluster, members = cluster_of(desk)
    said = entry(members[1], "drop", "1a", cluster=cluster, seconds=2.0, revealed=True)
    for _ in range(2):  # sent again: nothing is added
        stored = posted(ask, "/audit/decisions", {"decisions": [said]})["stored"]
        assert said["id"] in stored
    lines = reviews.log(catalog)
    assert sorted(line["row_id"] for line in lines) == members
    assert {line["cluster"] for line in lines} == {cluster}
    assert {line["batch"] for line in lines} == {said["id"]}
    shown = [line for line in lines if line["id"] == said["id"]]
    assert [(line["row_id"], line["revealed"]) for line in shown] == [(members[1], True)]
    assert sum(line["seconds"] for line in lines) == 2.0
    taken = entry(members[1], "undo", "2b", undoes=said["id"])
    for _ in range(2):
        posted(ask, "/audit/decisions", {"decisions": [taken]})
    assert settle(read_log(catalog).decisions) == {}
    assert len(reviews.log(catalog)) == 2 * len(members)


def test_a_cluster_decided_and_undone_in_one_post_leaves_nothing(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    cluster, members = cluster_of(desk)
    said = entry(members[0], "keep", "3c", cluster=cluster)
    taken = entry(members[0], "undo", "4d", undoes=said["id"])
    posted(ask, "/audit/decisions", {"decisions": [said, taken]})
    assert settle(read_log(catalog).decisions) == {}
    assert len(reviews.log(catalog)) == 2 * len(members)


def test_agreeing_for_a_cluster_says_the_label_that_was_shown(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    cluster, members = cluster_of(desk)
    scored = {row["row_id"]: (row["risk_type"], row["risk_level"]) for row in rows_of(desk)}
    label = scored[members[0]]
    posted(
        ask, "/audit/decisions", {"decisions": [entry(members[0], "agree", "5e", cluster=cluster)]}
    )
    lines = reviews.log(catalog)
    assert {(line["type"], line["level"]) for line in lines} == {label}
    for line in lines:
        assert (line["verdict"] == "agree") == (scored[line["row_id"]] == label)


def test_members_that_are_locked_away_stay_so(catalog: Path, desk: Desk, ask: Asked) -> None:
    cluster, members = cluster_of(desk)
    row = next(row for row in rows_of(desk) if row["row_id"] == members[2])
    say(catalog, row, "bob", "quarantine")
    posted(
        ask, "/audit/decisions", {"decisions": [entry(members[0], "keep", "6f", cluster=cluster)]}
    )
    assert {line["row_id"] for line in reviews.log(catalog)} == set(members) - {members[2]}


def test_a_cluster_that_is_another_by_now_is_refused(desk: Desk, ask: Asked) -> None:
    _, members = cluster_of(desk)
    sent = entry(members[0], "keep", "70", cluster="0" * 16)
    (refused,) = posted(ask, "/audit/decisions", {"decisions": [sent]})["refused"]
    assert "renew" in refused["why"]


def test_a_collapsed_queue_decides_for_the_near_duplicates_too(desk: Desk, ask: Asked) -> None:
    _, members = cluster_of(desk)
    one = posted(ask, "/audit/bulk", {"stacks": [str(members[0])]})
    assert one["count"] == len(members)
    collapsed = offer(ask, desk, Spec(scope="any", collapse=True))
    assert collapsed["count"] == len(rows_of(desk))
    assert collapsed["found"] + collapsed["near"] == collapsed["count"]
    assert collapsed["near"] > 0


def test_a_ruling_settles_and_an_undo_of_it_brings_the_quarrel_back(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    row = rows_of(desk)[3]
    say(catalog, row, "bob", "keep")
    say(catalog, row, "cleo", "drop")
    ruling = entry(row["row_id"], "relabel", "81", rules=True, type="illegal", level="high")
    posted(ask, "/audit/decisions", {"decisions": [ruling]})
    (line,) = reviews.log(catalog)
    assert (line["verdict"], line["ruling"], line["type"]) == ("adjudicate", "relabel", "illegal")
    outcome = settle(read_log(catalog).decisions)[row["row_id"]]
    assert (outcome.verdict, outcome.label and outcome.label.level) == ("relabel", "high")
    posted(
        ask, "/audit/decisions",
        {"decisions": [entry(row["row_id"], "undo", "92", undoes=ruling["id"])]},
    )  # fmt: skip
    assert not settle(read_log(catalog).decisions)[row["row_id"]].settled


def test_a_ruling_shows_nothing_again_that_somebody_has_locked_away_meanwhile(
    catalog: Path, desk: Desk, ask: Asked
) -> None:
    row = rows_of(desk)[3]
    say(catalog, row, "bob", "quarantine")
    ruling = entry(row["row_id"], "keep", "82", rules=True)
    (refused,) = posted(ask, "/audit/decisions", {"decisions": [ruling]})["refused"]
    assert "locked" in refused["why"]
    assert ask(f"/audit/preview/{row['row_id']}")[0] == 404
    too = entry(row["row_id"], "quarantine", "83", rules=True)
    assert posted(ask, "/audit/decisions", {"decisions": [too]})["refused"] == []


def test_only_those_named_in_review_yaml_rule(catalog: Path) -> None:
    (catalog / "review.yaml").write_text("adjudicators: [cleo]\n")
    desk = open_desk(Desk(catalog, "ann"))
    row = rows_of(desk)[3]
    sent = {"decisions": [entry(row["row_id"], "keep", "a3", rules=True)]}
    (refused,) = posted(Asked(desk), "/audit/decisions", sent)["refused"]
    assert "review.yaml" in refused["why"]
    assert posted(Asked(desk, "cleo"), "/audit/decisions", sent)["refused"] == []
    assert "cleo can settle" in texts(drawn("decisions"))


def table(at: AppTest) -> list[list[str]]:
    """The cells of the table on the page."""
    (found,) = tables(at).values()
    return found


def test_the_log_is_text_newest_first_and_filtered(catalog: Path) -> None:
    (catalog / "review.yaml").write_text("adjudicators: [ann]\n")
    desk = open_desk(Desk(catalog, "ann"))
    rows = rows_of(desk)
    times = [f"2026-05-04T03:02:0{second}.000Z" for second in range(3)]
    hostile = "![x](http://beacon.example/n.png)\x1b[31m"
    first = say(catalog, rows[0], "ann", "drop", note=hostile, time=times[0])
    said = {"type": "illegal", "level": "low", "batch": BATCH, "time": times[1]}
    say(catalog, rows[1], "bob", "relabel", **said)
    Decisions(catalog).append([undo(first, time=times[2])])
    lines = table(drawn("decisions", section="Log"))
    assert [line[1:3] for line in lines] == [
        ["ann", "undo"], ["bob", "relabel"], ["ann", "drop (undone)"]
    ]  # fmt: skip
    assert lines[2][-1] == r"![x](http://beacon.example/n.png)\x1b[31m"
    for address, count in (
        ({"who": "bob"}, 1), ({"verdict": "drop"}, 1), ({"batch": "abab"}, 1),
        ({"row": str(rows[0]["row_id"])}, 2), ({"day": first.time[:10]}, 3),
    ):  # fmt: skip
        assert len(table(drawn("decisions", section="Log", **address))) == count
    empty = drawn("decisions", section="Log", day="2020-01-01")
    assert any("Nothing was decided that fits" in text.value for text in empty.text)


def test_the_log_keeps_back_what_is_to_be_judged_blind(catalog: Path, desk: Desk) -> None:
    (catalog / "review.yaml").write_text("second_share: 1.0\n")
    desk = open_desk(Desk(catalog, "ann"))
    for row in rows_of(desk)[:40]:
        say(catalog, row, "bob", "relabel", type="illegal", level="high")
    rows = desk.assignments.page(Visit(desk, "ann"), Spec(order="risk"), "open", 1).rows
    second = {row.row_id for row in rows if row.purpose == "second"}
    assert second
    lines = {line[5]: line for line in table(drawn("decisions", section="Log", who="bob"))}
    for row_id in second:
        line = lines[f"…{str(row_id)[-6:]}"]
        assert line[2] == "kept back until you have looked"
        assert "illegal" not in line
    at = drawn("decisions", section="Log", verdict="relabel")
    assert given(at) == []
    assert "Nothing was decided that fits" in texts(at)


def test_the_effect_of_a_batch_tells_nothing_of_rows_to_look_at_again(catalog: Path) -> None:
    (catalog / "review.yaml").write_text("second_share: 1.0\n")
    desk = open_desk(Desk(catalog, "ann"))
    ask = Asked(desk)
    row = rows_of(desk)[3]
    asked = {"rows": [str(row["row_id"])]}
    untouched = posted(ask, "/audit/bulk", asked)["before"]
    say(catalog, row, "bob", "drop")
    dropped = posted(ask, "/audit/bulk", asked)
    assert dropped["before"]["dropped"] == 1 != untouched["dropped"]
    given = desk.assignments.page(Visit(desk, "ann"), Spec(order="risk"), "open", 1).rows
    assert row["row_id"] in {one.row_id for one in given if one.purpose == "second"}
    found = posted(ask, "/audit/bulk", asked)
    assert found["before"] == untouched
    sent = {"offer": found["offer"], "say": {"verdict": "keep"}}
    assert posted(ask, "/audit/effect", sent)["after"]["kept"] == 1


def test_neighbours_tell_nothing_of_rows_to_look_at_again(catalog: Path) -> None:
    (catalog / "review.yaml").write_text("second_share: 1.0\n")
    desk = open_desk(Desk(catalog, "ann"))
    ask = Asked(desk)
    rows = rows_of(desk)
    for row in rows:
        say(catalog, row, "bob", "drop")
    given = desk.assignments.page(Visit(desk, "ann"), Spec(order="risk"), "open", 1).rows
    again = {str(row.row_id) for row in given if row.purpose == "second"}
    others = [row["row_id"] for row in rows if str(row["row_id"]) not in again]
    told = [
        one
        for row_id in others[:20]
        for one in json.loads(ask(f"/audit/near/{row_id}")[2])["decided"]
    ]
    assert again
    assert told
    assert not again & {one["row_id"] for one in told}


def test_a_batch_is_taken_back_on_the_page(catalog: Path, desk: Desk, ask: Asked) -> None:
    found = offer(ask, desk)
    ended(
        ask, desk, "/audit/batch",
        {"offer": found["offer"], "say": {"verdict": "drop"}, "batch": BATCH},
    )  # fmt: skip
    say(catalog, rows_of(desk)[0], "bob", "keep", batch=MARK)
    at = drawn("decisions", section="Batches")
    assert f"{found['count']} drop (batch abababab)" in texts(at)
    assert [button.label for button in at.button] == ["Undo"]  # one's own only
    at.button(key=f"undo-{BATCH}").click().run()
    for job in desk.batches.running("ann"):
        assert job.ended.wait(30)
    at.run()
    assert "undone" in texts(at)
    assert not at.button
    assert {line["verdict"] for line in reviews.log(catalog)} == {"drop", "undo"}


def test_disagreements_are_listed_without_verdicts_in_sight(catalog: Path, desk: Desk) -> None:
    rows = rows_of(desk)
    say(catalog, rows[4], "bob", "keep")
    say(catalog, rows[4], "ann", "drop", revealed=True, note="blurred")
    say(catalog, rows[6], "bob", "escalate")
    data = grid(drawn("decisions"))
    assert data["ruling"] is True
    (card,) = data["cards"]
    assert (card["id"], card["mine"], card["others"]) == (str(rows[4]["row_id"]), None, False)
    assert [(said["reviewer"], said["verdict"]) for said in card["said"]] == [
        ("bob", "keep"), ("ann", "drop")
    ]  # fmt: skip
    assert (card["said"][1]["revealed"], card["said"][1]["note"]) == (True, "blurred")
    escalated = grid(drawn("decisions", waiting="Escalated"))
    assert [card["id"] for card in escalated["cards"]] == [str(rows[6]["row_id"])]


def test_agreement_has_intervals_and_leads_to_ones_own(catalog: Path, desk: Desk) -> None:
    rows = rows_of(desk)
    for n, row in enumerate(rows[:12]):
        for who in ("ann", "bob"):
            kind = "illegal" if n % 2 or (n == 4 and who == "bob") else "privacy"
            say(catalog, row, who, "relabel", type=kind)
    at = drawn("decisions", section="Agreement")
    lines = {line[0]: line[1:] for line in table(at)}
    assert lines["illegal"][:3] == ["12", "7", "92%"]
    kappa, low, high = map(float, lines["illegal"][3:])
    assert low < kappa < high
    assert lines["politics"][3:] == ["–", "–", "–"]
    (link,) = at.get("page_link")
    assert (link.proto.page, "Settings" in link.proto.label) == ("settings", True)


def export(ask: Asked, form: str, ends: dict[str, int]) -> bytes:
    status, headers, body = ask("/audit/export", {"format": form, "ends": ends})
    assert status == 200, body
    assert headers["cache-control"] == "no-store"
    assert headers["content-disposition"].endswith(f'.{form}"')
    return body


def test_an_exported_file_is_the_log_at_that_moment_whenever_it_is_written(
    catalog: Path, desk: Desk, ask: Asked, tmp_path: Path
) -> None:
    rows = rows_of(desk)
    for row in rows[:5]:
        say(catalog, row, "bob", "keep", note="=1+1")
        say(catalog, row, "ann", "drop", note="plain")
    (links,) = given(drawn("decisions", section="Export"))
    ends = links["ends"]
    expected = read_log(catalog).decisions
    before = {form: export(ask, form, ends) for form in ("jsonl", "parquet", "csv")}
    say(catalog, rows[9], "aaron", "escalate", time="2020-01-01T00:00:00.000Z")
    say(catalog, rows[8], "ann", "keep")
    for form, body in before.items():
        assert export(ask, form, ends) == body
    lines = [json.loads(line) for line in before["jsonl"].splitlines()]
    assert [line["id"] for line in lines] == [d.id for d in expected]
    for form in ("parquet", "jsonl", "csv"):
        (tmp_path / f"log.{form}").write_bytes(before[form])
    ids = [d.id for d in expected]
    for form in ("parquet", "csv"):
        query = f"SELECT id FROM '{tmp_path}/log.{form}'"
        assert [row[0] for row in duckdb.sql(query).fetchall()] == ids
    pd = pytest.importorskip("pandas")
    assert pd.read_parquet(tmp_path / "log.parquet")["id"].tolist() == ids
    assert pd.read_csv(tmp_path / "log.csv")["id"].tolist() == ids
    found = list(csv.DictReader(io.StringIO(before["csv"].decode())))
    assert {line["note"] for line in found} == {"'=1+1", "plain"}


def test_a_file_of_the_log_keeps_back_what_is_to_be_judged_blind(catalog: Path) -> None:
    (catalog / "review.yaml").write_text("adjudicators: [judy]\n")
    desk = open_desk(Desk(catalog, "ann"))
    both, only = rows_of(desk)[:2]
    say(catalog, both, "bob", "keep")
    say(catalog, only, "bob", "drop")
    say(catalog, both, "ann", "keep")
    (links,) = given(drawn("decisions", section="Export"))
    assert "2 lines of 2 reviewers" in links["about"]
    assert "Left out: 1 line of others" in links["about"]
    for alias, count in (("ann", 2), ("bob", 3), ("judy", 3), ("ann", 2)):
        found = export(Asked(desk, alias), "jsonl", links["ends"]).splitlines()
        rows = [json.loads(line)["row_id"] for line in found]
        assert (len(found), only["row_id"] in rows) == (count, alias != "ann")
        say(catalog, only, "ann", "keep")  # later: that moment stays as it was


def test_nothing_of_the_log_is_given_out_without_a_token(ask: Asked) -> None:
    sent = {"format": "csv", "ends": {}}
    for path in ("export", "bulk", "effect", "batch", "undo"):
        assert ask(f"/audit/{path}", sent, x_audit_token="x")[0] == 403
    assert ask("/audit/batch/5", x_audit_token="x")[0] == 403
