"""What the pane is told of one row: scores and verdicts, and when they are kept back; maps of
evidence; what people said about others like it.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.desk import Desk
from app.loaded import Loaded
from app.near import AMONG, MOST_TOLD
from app.people import Personal
from audit.card import find_scorer
from audit.catalog import Catalog
from audit.errors import UsageError
from audit.outcomes import settle
from audit.scorer import Scorer
from audit.specs import Spec
from curation.decisions import Decisions, adjudicate, decide, undo
from tests import reviews
from tests.asking import Asked

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit.*")

SCORES = ("type", "level", "risk", "types", "levels", "concepts", "pair", "caption_risk")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return reviews.write(tmp_path)


@pytest.fixture
def row_of(catalog: Path) -> Callable[[str], int]:
    with Catalog(catalog) as opened:
        table = opened.columns(["image_member", "row_id"]).to_pydict()
    return dict(zip(table["image_member"], table["row_id"], strict=True)).__getitem__


def told(ask: Asked, row_id: int, what: str = "item") -> dict[str, Any]:
    status, _, body = ask(f"/audit/{what}/{row_id}")
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found


def test_an_item_has_its_scores_and_its_place(catalog: Path, row_of: Callable[[str], int]) -> None:
    row = row_of("00007.jpg")
    found = told(Asked(Desk(catalog, "ann")), row)
    with Catalog(catalog) as opened:
        (stored,) = opened.sql(f"SELECT * FROM samples WHERE row_id = {row}").to_pylist()
    assert found["risk"] == round(stored["risk"], 3)
    assert found["types"]["illegal"] == round(stored["p_illegal"], 3)
    assert found["levels"]["high"] == round(stored["p_level_3"], 3)
    assert (found["shard"], found["member"]) == (stored["shard"], "00007.jpg")
    assert (found["offset"], found["size"]) == (stored["offset"], stored["size"])
    assert found["caption"] == "caption of 00007.jpg"
    assert found["decisions"] == []


def test_scores_of_a_blind_row_are_kept_back_until_it_is_decided(
    catalog: Path, row_of: Callable[[str], int]
) -> None:
    (catalog / "review.yaml").write_text("blind_share: 1.0\n")
    row = row_of("00007.jpg")
    ask = Asked(Desk(catalog, "ann"))
    found = told(ask, row)
    assert found["blind"] is True
    assert [found[name] for name in SCORES] == [None] * len(SCORES)
    assert told(ask, row, "near")["blind"] is True
    status, _, body = ask(f"/audit/evidence/{row}")
    assert (status, json.loads(body)) == (403, {"error": "shown once you have decided"})
    sent = {"id": "a" * 16, "row_id": str(row), "verdict": "keep"}
    assert ask("/audit/decisions", {"decisions": [sent]})[0] == 200
    found = told(ask, row)
    assert found["blind"] is False
    assert all(found[name] is not None for name in ("type", "level", "risk", "types", "levels"))


def test_what_others_decided_is_told_after_ones_own_decision(
    catalog: Path, row_of: Callable[[str], int]
) -> None:
    row = row_of("00008.jpg")
    Decisions(catalog).append([decide(row, "u", "drop", "ben", note="see *here*")])
    ask = Asked(Desk(catalog, "ann"))
    assert "ben" not in json.dumps(told(ask, row))
    Decisions(catalog).append([decide(row, "u", "keep", "ann")])
    found = told(ask, row)
    assert [(d["reviewer"], d["verdict"], d["undone"]) for d in found["decisions"]] == [
        ("ben", "drop", False), ("ann", "keep", False)
    ]  # fmt: skip
    assert found["decisions"][0]["note"] == "see *here*"
    assert found["mine"]["verdict"] == "keep"


def test_past_decisions_say_what_was_undone_and_what_was_ruled(
    catalog: Path, row_of: Callable[[str], int]
) -> None:
    row = row_of("00009.jpg")
    first = decide(row, "u", "drop", "ann")
    log = Decisions(catalog)
    log.append([first, undo(first), decide(row, "u", "keep", "ann")])
    log.append([decide(row, "u", "escalate", "ben")])
    outcome = settle(Desk(catalog, "ann").mirror.said(row))[row]
    log.append([adjudicate(outcome, "keep", "cleo")])
    found = told(Asked(Desk(catalog, "ann")), row)["decisions"]
    assert [(d["reviewer"], d["verdict"], d["undone"], d["ruled"]) for d in found] == [
        ("ann", "drop", True, False),
        ("ann", "keep", False, False),
        ("ben", "escalate", False, False),
        ("cleo", "keep", False, True),
    ]


def test_pictures_of_a_type_one_does_not_want_are_shown_nowhere(
    catalog: Path, row_of: Callable[[str], int]
) -> None:
    row = row_of("00010.jpg")
    desk = Desk(catalog, "ann")
    kind = desk.now().cards([row])[row]["risk_type"]
    desk.people.save("ann", Personal(opt_out=(kind,)))
    for what in ("clear", "preview", "evidence"):
        status, headers, body = Asked(desk)(f"/audit/{what}/{row}")
        assert (status, headers["content-type"]) == (403, "application/json")
        assert kind in json.loads(body)["error"]
        assert Asked(desk, reviewer="ben")(f"/audit/{what}/{row}")[0] != 403
    assert desk.exposure.of("ann")["pictures"] == 0
    assert told(Asked(desk), row)["caption"] == "caption of 00010.jpg"


def test_the_nearest_decided_ones_are_told_nearest_first(
    catalog: Path, row_of: Callable[[str], int]
) -> None:
    desk = Desk(catalog, "ann")
    row = row_of("00007.jpg")
    ids, cosines = desk.now().likeness.of_row(row, AMONG)
    assert told(Asked(desk), row, "near")["none"] == "None of those most like it is decided."
    decided = [int(each) for each in ids[2:30:3]]
    log = Decisions(catalog)
    log.append([decide(each, "u", "drop", "ben") for each in decided])
    log.append([decide(decided[0], "u", "keep", "cleo")])
    log.append([decide(decided[1], "u", "quarantine", "cleo")])
    found = told(Asked(desk), row, "near")
    expected = [decided[0], *decided[2 : MOST_TOLD + 1]]
    assert [int(each["row_id"]) for each in found["decided"]] == expected
    assert [each["verdict"] for each in found["decided"]] == ["disagreement"] + ["drop"] * 4
    alike = dict(zip(ids.tolist(), cosines.tolist(), strict=True))
    assert [each["alike"] for each in found["decided"]] == [round(alike[n], 2) for n in expected]
    assert "ben" not in json.dumps(found)
    assert (found["none"], found["like"]) == (None, f"way=Like+a+sample&show=All&like={row}")


def test_near_duplicates_are_counted_and_found_by_their_address(
    catalog: Path, row_of: Callable[[str], int]
) -> None:
    from urllib.parse import parse_qs

    desk = Desk(catalog, "ann")
    row = row_of("00007.jpg")
    with Catalog(catalog) as opened:
        hashes = dict(zip(*opened.columns(["row_id", "phash"]).to_pydict().values(), strict=True))
    alike = [n for n, found in hashes.items() if found == hashes[row]]
    cluster = told(Asked(desk), row, "near")["cluster"]
    assert cluster["size"] >= len(alike) > 1
    (given,) = parse_qs(cluster["address"])["given"]
    found = desk.results.of(Spec(scope="any", way="cluster", given=given), "any").row_ids
    assert set(alike) <= set(found.tolist())


def test_without_vectors_the_pane_says_why(catalog: Path, row_of: Callable[[str], int]) -> None:
    found = told(Asked(Desk(catalog, "ann")), row_of("broken.jpg"), "near")
    assert (found["decided"], found["like"]) == ([], None)
    assert found["none"] == "It was not scored, so nothing like it can be looked for."
    (catalog / "vectors.faiss").unlink()
    found = told(Asked(Desk(catalog, "ann")), row_of("00007.jpg"), "near")
    assert found["like"] is None
    assert found["none"].startswith("Nothing like it can be looked for: vectors.faiss: no such")


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reviews.scanned(tmp_path_factory.mktemp("scanned"))


def test_a_map_of_evidence_has_24_pixels_and_is_that_of_the_scorer(scanned: Path) -> None:
    desk = Desk(scanned, "ann")
    (row,) = desk.now().ids(Spec("any", uid="00000")).tolist()
    ask = Asked(desk)
    status, _, body = ask(f"/audit/evidence/{row}")
    while status == 202:  # the scorer is being loaded
        assert json.loads(body) == {"loading": True}
        status, _, body = ask(f"/audit/evidence/{row}")
    found = json.loads(body)
    heat = np.frombuffer(base64.b64decode(found["heat"]), np.uint8)
    assert (found["width"], found["height"], len(heat), heat.max()) == (24, 18, 24 * 18, 255)
    evidence = Scorer.load("compact", device="cpu").explain(reviews.drawn(0), found["what"])
    high, wide = evidence.shape
    bands = evidence[: high // 2 * 2].reshape(2, -1).sum(1)  # the two halves of the picture
    mine = heat.reshape(18, 24).astype(float).reshape(2, -1).sum(1)
    assert mine / mine.sum() == pytest.approx(bands / bands.sum(), abs=0.05)
    assert wide > 24  # what is told is less than what was found
    assert desk.exposure.of("ann")["pictures"] == 0


def test_a_map_that_cannot_be_made_says_why(catalog: Path, row_of: Callable[[str], int]) -> None:
    status, headers, body = Asked(Desk(catalog, "ann"))(f"/audit/evidence/{row_of('00007.jpg')}")
    assert (status, headers["content-type"]) == (422, "application/json")
    why = json.loads(body)["error"]
    assert why.startswith("the scorer cannot be loaded here: ")
    assert "\n" not in why


def test_a_scorer_in_a_folder_is_named_and_must_be_the_one_that_scored(
    scanned: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(find_scorer("compact"), tmp_path / "mine")
    assert Loaded(scanned, str(copy)).run(lambda scorer: scorer.size) > 0
    card = json.loads((copy / "scorer.json").read_text())
    card["calibration"] = {"types": 2.0, "levels": 1.0, "concepts": {}}
    (copy / "scorer.json").write_text(json.dumps(card))
    with pytest.raises(UsageError, match="scored by compact .* not by .*mine .* --scorer FOLDER"):
        Loaded(scanned, str(copy)).scorer(60)
