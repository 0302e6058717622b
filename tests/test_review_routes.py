"""The addresses under /audit/: what they give out, what they refuse, what they store."""

from __future__ import annotations

import io
import json
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.bulk import Said
from app.component import AT, MODULES
from app.desk import Desk
from app.mirror import Mirror
from app.visit import Visit
from audit.building import index
from audit.catalog import Catalog
from audit.parts import Parts
from audit.reader import Spec
from audit.verdicts import as_line
from curation.decisions import Decisions, adjudicate, decide
from tests import reviews
from tests.asking import Asked

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit.*")


@pytest.fixture
def desk(catalog: Path) -> Desk:
    return Desk(catalog, "ann")


@pytest.fixture
def ask(desk: Desk) -> Asked:
    return Asked(desk)


@pytest.fixture(scope="module")
def row_of(catalog: Path) -> Callable[[str], int]:
    """row_id of the sample with a picture of that name."""
    with Catalog(catalog) as opened:
        table = opened.columns(["image_member", "row_id"]).to_pydict()
    ids = dict(zip(table["image_member"], table["row_id"], strict=True))
    return ids.__getitem__


def decision(row_id: int | str, verdict: str = "agree", **rest: Any) -> dict[str, Any]:
    number = f"{abs(hash((row_id, verdict, str(rest)))):016x}"[:16]
    return {"id": number, "row_id": str(row_id), "verdict": verdict, **rest}


def test_a_clear_picture_is_made_anew_and_never_stored(
    ask: Asked, desk: Desk, row_of: Callable[[str], int]
) -> None:
    before = desk.exposure.of("ann")["pictures"]
    status, headers, body = ask(f"/audit/clear/{row_of('00007.jpg')}")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert body != reviews.drawn(7)
    assert Image.open(io.BytesIO(body)).size == (240, 180)
    assert desk.exposure.of("ann")["pictures"] == before + 1
    assert desk.exposure.of("ben")["pictures"] == 0


def test_a_preview_has_24_pixels(ask: Asked, row_of: Callable[[str], int]) -> None:
    status, _, body = ask(f"/audit/preview/{row_of('00007.jpg')}")
    assert status == 200
    assert max(Image.open(io.BytesIO(body)).size) <= 24


def test_a_preview_that_was_not_stored_is_made_from_the_shard(
    desk: Desk, row_of: Callable[[str], int]
) -> None:
    row = desk.picture_row(row_of("00007.jpg"))
    assert row is not None
    made = desk.pictures.preview({**row, "preview": None})
    assert max(Image.open(io.BytesIO(made)).size) <= 24


@pytest.mark.parametrize("address", ["clear", "preview", "item", "near", "evidence"])
def test_quarantined_rows_are_as_unknown_ones(
    ask: Asked, row_of: Callable[[str], int], address: str
) -> None:
    status, _, body = ask(f"/audit/{address}/{row_of(reviews.SECRET)}")
    assert (status, body) == ask(f"/audit/{address}/1")[::2]
    assert (status, json.loads(body)) == (404, {"error": "no such row"})


def test_quarantined_rows_are_in_no_queue(desk: Desk, row_of: Callable[[str], int]) -> None:
    from audit.reader import SCOPES, Spec

    found = {int(n) for scope in SCOPES for n in desk.results.of(Spec(scope), "any").row_ids}
    assert row_of("00007.jpg") in found
    assert row_of("broken.jpg") in found
    assert row_of(reviews.SECRET) not in found


def test_nothing_can_be_decided_about_a_quarantined_row(
    ask: Asked, row_of: Callable[[str], int]
) -> None:
    sent = decision(row_of(reviews.SECRET), "keep")
    status, _, body = ask("/audit/decisions", {"decisions": [sent]})
    assert status == 200
    assert json.loads(body) == {
        "stored": [], "refused": [{"id": sent["id"], "why": "no such row"}], "taken": [],
    }  # fmt: skip


def test_what_a_person_locks_away_is_gone_for_everyone(
    catalog: Path, ask: Asked, desk: Desk, row_of: Callable[[str], int]
) -> None:
    row_id = row_of("00100.jpg")
    assert ask(f"/audit/clear/{row_id}")[0] == 200
    uid = str(desk.now().detail(row_id)["uid"])  # type: ignore[index]
    locked = decide(row_id, uid, "quarantine", "ben")
    Decisions(catalog).append([locked])  # as another process would
    assert [ask(f"/audit/{what}/{row_id}")[0] for what in ("clear", "preview", "item")] == [404] * 3


@pytest.mark.parametrize("name", ["broken.jpg", "empty.png", "none.jpg", "bomb.png"])
def test_pictures_that_cannot_be_shown_say_why(
    ask: Asked, row_of: Callable[[str], int], name: str
) -> None:
    status, headers, body = ask(f"/audit/clear/{row_of(name)}")
    assert (status, headers["content-type"]) == (422, "application/json")
    why = json.loads(body)["error"]
    assert why.split(":")[0] in ("truncated", "zero_size", "not_an_image", "too_many_pixels")


@pytest.mark.parametrize("name", ["animated.gif", "cmyk.jpg", "deep.png"])
def test_odd_pictures_are_shown_as_plain_ones(
    ask: Asked, row_of: Callable[[str], int], name: str
) -> None:
    status, _, body = ask(f"/audit/clear/{row_of(name)}")
    shown = Image.open(io.BytesIO(body))
    assert (status, shown.format, shown.mode) == (200, "JPEG", "RGB")


def test_details_are_text_with_everything_made_visible(
    ask: Asked, row_of: Callable[[str], int]
) -> None:
    status, _, body = ask(f"/audit/item/{row_of('00002.jpg')}")
    item = json.loads(body)
    assert status == 200
    assert item["row_id"] == str(row_of("00002.jpg"))
    assert item["caption"] == r"turned \u202earound\u202c and \x1b[31mred\x07"


ADDRESSES = (
    "/audit", "/audit/", "/audit/nothing", "/audit/clear", "/audit/clear/", "/audit/clear/abc",
    "/audit/clear/-1", "/audit/clear/1.5", "/audit/clear/1e3", "/audit/clear/0x1f",
    "/audit/clear/../item/1", "/audit/clear/1/2", "/audit//clear/1", "/audit/clear/1\x00",
    "/audit/clear/ 1", "/audit/clear/99999999999999999999", "/audit/clear/9223372036854775808",
    "/audit/preview/../../etc/passwd", "/audit/item/%2e%2e", "/audit/evidence/1",
    "/audit/evidence/-1", "/audit/near/x", "/audit/near/99999999999999999999", "/audit/settings/1",
    "/audit/clear/٣",
)  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_whatever_is_no_address_of_ours_is_json_404(ask: Asked, path: str, method: str) -> None:
    status, headers, body = ask(path, method=method)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert set(json.loads(body)) == {"error"}


def test_without_a_good_token_nothing_is_given_out(
    ask: Asked, row_of: Callable[[str], int]
) -> None:
    row_id = row_of("00007.jpg")
    claim, _, signature = ask.token.rpartition(".")
    forged = f"ben.{claim.rpartition('.')[2]}.{signature}"
    for token in ("", "x", "..", forged, f"{claim}.", "ann.9.é"):
        for path in ("clear", "preview", "item"):
            assert ask(f"/audit/{path}/{row_id}", x_audit_token=token)[0] == 403
        sent = {"decisions": [decision(row_id)]}
        assert ask("/audit/decisions", sent, x_audit_token=token)[0] == 403
        assert ask("/audit/exposure", {"seconds": 1}, x_audit_token=token)[0] == 403


def test_a_token_outlives_the_server_and_its_key_is_nobody_elses(
    catalog: Path, ask: Asked, row_of: Callable[[str], int]
) -> None:
    key = catalog / ".review-key"
    assert key.stat().st_mode & 0o777 == 0o600
    again = Asked(Desk(catalog, "ann"))
    assert again(f"/audit/item/{row_of('00007.jpg')}", x_audit_token=ask.token)[0] == 200
    assert ask.token.rpartition(".")[2].encode() not in key.read_bytes()


def test_a_token_does_not_last_for_ever(
    ask: Asked, row_of: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + 13 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert ask(f"/audit/item/{row_of('00007.jpg')}")[0] == 403


def test_another_host_is_refused(ask: Asked) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example"):
        assert ask("/audit/item/1", host=host)[0] == 403


def test_a_decision_is_stored_once_and_signed_by_the_server(
    catalog: Path, ask: Asked, row_of: Callable[[str], int]
) -> None:
    row_id = row_of("00011.jpg")
    before = len(reviews.log(catalog))
    sent = decision(row_id, revealed=True, seconds=1.5)
    for _ in range(3):
        status, _, body = ask("/audit/decisions", {"decisions": [sent, sent]})
        assert (status, json.loads(body)["refused"]) == (200, [])
        assert set(json.loads(body)["stored"]) == {sent["id"]}
    (line,) = reviews.log(catalog)[before:]
    assert (line["reviewer"], line["row_id"], line["verdict"]) == ("ann", row_id, "agree")
    assert line["type"] not in (None, "safe")  # what was agreed to, as the row is scored
    assert (line["revealed"], line["seconds"]) == (True, 1.5)


def scored_anew(catalog: Path, scorer: str) -> None:
    """As `audit rescore` leaves it, with the same scores."""
    parts = Parts(catalog)
    for shard in parts.shard_ids():
        books = replace(parts.books(shard), scorer=scorer)
        parts.publish(books, parts.rows(shard), {})
    events = [{"scorer_sha256": each} for each in ("made up", scorer)]
    header = {
        "format": 1, "sources": [], "scorer": {"name": scorer}, "scorer_sha256": scorer,
        "taxonomy": {"version": 1, "hash": "t" * 64}, "history": events,
    }  # fmt: skip
    (catalog / "audit.json").write_text(json.dumps(header))
    index(catalog)


def test_a_decision_names_the_scorer_whose_scores_were_shown(tmp_path: Path) -> None:
    catalog = reviews.write(tmp_path, 8)
    desk = Desk(catalog, "ann")
    ask = Asked(desk)
    rows = desk.now().ids(Spec()).tolist()[:6]
    offer = desk.offers.offer(Visit(desk, "ann", ""), np.array(rows[5:]))

    def stored(row: int, verdict: str, **shown: str) -> dict[str, Any]:
        body = ask("/audit/decisions", {"decisions": [decision(row, verdict, **shown)]})[2]
        return json.loads(body)  # type: ignore[no-any-return]

    stored(rows[0], "agree", scorer="made up")
    scored_anew(catalog, "other")
    stored(rows[1], "agree", scorer="other")
    stored(rows[2], "keep", scorer="made up")  # a card of before
    stored(rows[3], "keep", scorer="nobody's")
    refused = stored(rows[4], "agree", scorer="made up")["refused"]
    assert "scored anew meanwhile" in refused[0]["why"]
    assert stored(rows[0], "agree", scorer="made up")["refused"] == []  # the answer was lost
    desk.batches.start(desk, offer, Said("agree"), "ab" * 16).ended.wait(20)
    found = {line["row_id"]: line["scorer"] for line in reviews.log(catalog)}
    expected = ("made up", "other", "made up", "other", None, "made up")
    assert [found.get(row) for row in rows] == list(expected)


BAD = (
    b"", b"[]", b"{", b'{"decisions": []}', b'{"decisions": {}}', b'{"decisions": [1]}',
    b'{"decisions": [{}], "x": 1}',
    b'{"decisions": [{"id": "zz", "row_id": "1", "verdict": "keep"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": "1; drop", "verdict": "keep"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": true, "verdict": "keep"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": 1.0, "verdict": "keep"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": "1", "verdict": "adjudicate"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": "1", "verdict": "keep", "reviewer": "ben"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": "1", "verdict": "keep", "time": "now"}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": "1", "verdict": "keep", "note": 5}]}',
    b'{"decisions": [{"id": "0123456789", "row_id": "1", "verdict": "keep", "note": "%s"}]}'
    % (b"x" * 501),
    b'{"decisions": [{"id": "0123456789", "row_id": "1", "verdict": "keep", "noted": "ab"}]}',
)  # fmt: skip


@pytest.mark.parametrize("body", BAD)
def test_a_malformed_post_stores_nothing(catalog: Path, ask: Asked, body: bytes) -> None:
    before = len(reviews.log(catalog))
    status, headers, answer = ask("/audit/decisions", body)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert set(json.loads(answer)) == {"error"}
    assert len(reviews.log(catalog)) == before


def test_a_note_takes_the_decision_along_as_it_was(
    desk: Desk, ask: Asked, row_of: Callable[[str], int]
) -> None:
    row_id = row_of("00020.jpg")
    said = decision(row_id, "escalate", revealed=True, seconds=2.5)
    noted = decision(row_id, "escalate", noted=said["id"], note="who \n is this? ")
    for _ in range(2):  # sent again: nothing is added
        answer = json.loads(ask("/audit/decisions", {"decisions": [said, noted]})[2])
        assert {said["id"], noted["id"]} <= set(answer["stored"])
    lines = desk.mirror.said(row_id)
    assert [line.verdict for line in lines] == ["escalate", "escalate", "undo"]
    outcome = desk.mirror.outcome(row_id)
    assert outcome is not None
    (standing,) = outcome.decisions
    assert (standing.id, standing.note) == (noted["id"], "who is this?")
    assert (standing.revealed, standing.blind, standing.purpose) == (True, False, None)
    taken = decision(row_id, "undo", undoes=noted["id"])
    assert json.loads(ask("/audit/decisions", {"decisions": [taken]})[2])["refused"] == []
    assert desk.mirror.outcome(row_id) is None
    late = decision(row_id, "keep", noted=noted["id"], note="late")
    (refused,) = json.loads(ask("/audit/decisions", {"decisions": [late]})[2])["refused"]
    assert "nothing was noted" in refused["why"]


def test_a_note_opens_nothing_that_somebody_has_settled_meanwhile(
    catalog: Path, desk: Desk, ask: Asked, row_of: Callable[[str], int]
) -> None:
    row_id = row_of("00021.jpg")
    said = decision(row_id, "drop")
    ask("/audit/decisions", {"decisions": [said]})
    before = desk.mirror.outcome(row_id)
    assert before is not None
    Decisions(catalog).append([adjudicate(before, "keep", "cleo")])
    noted = decision(row_id, "drop", noted=said["id"], note="but")
    answer = json.loads(ask("/audit/decisions", {"decisions": [noted]})[2])
    assert answer["stored"] == []
    outcome = desk.mirror.outcome(row_id)
    assert outcome is not None
    assert outcome.verdict == "keep"


def test_a_note_is_with_all_near_duplicates_and_one_undo_takes_them_back(
    desk: Desk, ask: Asked, row_of: Callable[[str], int]
) -> None:
    row_id = row_of("00006.jpg")
    ((cluster, count),) = desk.now().clusters.of([row_id]).values()
    said = decision(row_id, "keep", cluster=cluster)
    noted = decision(row_id, "keep", noted=said["id"], note="a meme")
    ask("/audit/decisions", {"decisions": [said]})
    ask("/audit/decisions", {"decisions": [noted]})
    ids = desk.now().clusters.members(cluster).tolist()
    assert len(ids) == count == 3
    mine = [desk.mirror.mine(each, "ann") for each in ids]
    assert {(each and each.note, each and each.batch) for each in mine} == {("a meme", noted["id"])}
    ask("/audit/decisions", {"decisions": [decision(row_id, "undo", undoes=noted["id"])]})
    assert [desk.mirror.outcome(each) for each in ids] == [None] * 3


def test_a_full_disk_is_one_clear_line_and_half_a_decision_is_none(
    catalog: Path, desk: Desk, ask: Asked, row_of: Callable[[str], int]
) -> None:
    one, other = (decision(row_of(name), "keep", note=name) for name in ("00040.jpg", "00041.jpg"))
    assert ask("/audit/decisions", {"decisions": [one]})[0] == 200
    path = catalog / "decisions" / "ann.jsonl"
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        status, _, body = ask("/audit/decisions", {"decisions": [other]})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 507
    why = "decisions/ann.jsonl: File too large; make room on its disk"
    assert json.loads(body) == {"error": why}
    assert path.read_bytes() == before
    assert ask("/audit/decisions", {"decisions": [other]})[0] == 200
    assert reviews.log(catalog)[-1]["id"] == other["id"]


def test_no_folder_of_this_machine_gets_to_the_browser(tmp_path: Path) -> None:
    catalog = reviews.write(tmp_path, 3)
    desk = Desk(catalog, "ann")
    with Catalog(catalog) as opened:
        first = opened.columns(["row_id", "shard"]).slice(0, 1).to_pylist()[0]
    tar = Path(Parts(catalog).books(first["shard"]).url)
    (catalog / "vectors.faiss").unlink()
    moved = tar.rename(tar.with_suffix(".away"))  # other tests have it too
    try:
        for name in ("clear", "near", "evidence"):
            _, _, body = Asked(desk)(f"/audit/{name}/{first['row_id']}")
            assert str(tar.parent).encode() not in body, name
            assert str(tmp_path).encode() not in body, name
            assert name != "clear" or b"00000.tar" in body
    finally:
        moved.rename(tar)


def test_a_form_of_another_site_cannot_decide(ask: Asked, row_of: Callable[[str], int]) -> None:
    sent = {"decisions": [decision(row_of("00007.jpg"))]}
    assert ask("/audit/decisions", sent, content_type="text/plain")[0] == 400


def test_too_much_is_not_read(ask: Asked) -> None:
    assert ask("/audit/decisions", b" " * (1 << 20) + b"{}")[0] == 413


def test_without_a_name_nothing_is_decided_but_everything_seen(
    catalog: Path, desk: Desk, row_of: Callable[[str], int]
) -> None:
    ask = Asked(desk, reviewer=None)
    before = len(reviews.log(catalog))
    assert ask("/audit/decisions", {"decisions": [decision(row_of("00007.jpg"))]})[0] == 403
    assert ask(f"/audit/item/{row_of('00007.jpg')}")[0] == 200
    assert len(reviews.log(catalog)) == before


@pytest.mark.parametrize("seconds", [None, "1", -1, 1e9, True, float("nan")])
def test_exposure_takes_seconds_only(ask: Asked, seconds: Any) -> None:
    assert ask("/audit/exposure", {"seconds": seconds})[0] == 400


def test_what_is_no_regular_file_among_the_decisions_holds_nobody_up(tmp_path: Path) -> None:
    folder = tmp_path / "decisions"
    folder.mkdir()
    (folder / "bob.jsonl").mkdir()
    (folder / "cleo.jsonl").symlink_to("/dev/full")
    (folder / "dora.jsonl").symlink_to("nowhere")
    found = decide(1, "u", "keep", "ann")
    (folder / "ann.jsonl").write_bytes(as_line(found, "") + b"\n")
    assert Mirror(tmp_path).decided() == [1]


def test_scripts_are_served_by_number_to_anybody_and_strange_numbers_are_404(
    ask: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODULES, 7, b"export default 1;")
    status, headers, body = ask(f"{AT}/7", x_audit_token="")
    assert (status, body) == (200, b"export default 1;")
    assert headers["content-type"].startswith("text/javascript")
    assert "immutable" in headers["cache-control"]
    status, headers, _ = ask(f"{AT}/8")
    assert (status, headers["content-type"]) == (404, "application/json")
