"""The form of decisions, reading them whatever happened to the file, and what they come to."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from audit import verdicts
from audit.outcomes import Label, settle
from audit.verdicts import Decision, as_line, digest, parse, read_log

NOBODY_SAID = Label(None, None, None)


def decision(number: int, verdict: str, reviewer: str = "ana", **rest: Any) -> Decision:
    """A decision about row 7, `number` seconds after the hour; its id is its number."""
    return Decision(
        id=f"{number:08x}",
        row_id=rest.pop("row_id", 7),
        uid="uid-7",
        verdict=verdict,
        reviewer=reviewer,
        time=f"2026-01-02T03:00:{number:02d}.000Z",
        **rest,
    )


def write(catalog: Path, *decisions: Decision) -> Path:
    """One reviewer's file with its chain."""
    path = catalog / verdicts.FOLDER / f"{decisions[0].reviewer}.jsonl"
    path.parent.mkdir(exist_ok=True)
    head, lines = "", b""
    for each in decisions:
        line = as_line(each, head)
        head = digest(line)
        lines += line + b"\n"
    path.write_bytes(lines)
    return path


def outcome(*decisions: Decision) -> tuple[str, Label | None]:
    settled = settle(sorted(decisions, key=lambda d: d.time))[7]
    return settled.verdict, settled.label


def test_a_decision_comes_back_from_its_line() -> None:
    said = decision(
        1, "relabel", type="illegal", level="high", concepts=("knife",), seconds=2.5, note="é\n",
        purpose="second", cluster="00ff00ff",
    )  # fmt: skip
    line = as_line(said, "ab")
    assert b"\n" not in line
    assert parse(line) == (said, "ab")


def test_every_field_of_a_decision_is_checked() -> None:
    assert set(verdicts._FIELDS) == {field.name for field in fields(Decision)}


def test_a_line_from_before_purposes_and_clusters_is_read() -> None:
    record = json.loads(as_line(decision(1, "keep"), ""))
    del record["purpose"], record["cluster"]
    assert parse(json.dumps(record).encode()) == (decision(1, "keep"), "")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdict": "maybe"}, "verdict cannot be 'maybe'"),
        ({"reviewer": "../ana"}, "reviewer cannot be '../ana'"),
        ({"reviewer": "ana\n"}, "reviewer cannot be 'ana\\n'"),
        ({"row_id": True}, "row_id cannot be True"),
        ({"row_id": -1}, "row_id cannot be -1"),
        ({"row_id": 2**63}, "row_id cannot be 9223372036854775808"),
        ({"time": "2026-02-30T00:00:00.000Z"}, "time cannot be '2026-02-30T00:00:00.000Z'"),
        ({"seconds": float("nan")}, "seconds cannot be nan"),
        ({"type": "ilegal"}, "type cannot be 'ilegal'"),
        ({"type": ["safe"]}, "type cannot be ['safe']"),
        ({"note": "\ud800"}, "note cannot be '\\ud800'"),
        ({"concepts": "knife"}, "concepts cannot be 'knife'"),
        ({"purpose": "third"}, "purpose cannot be 'third'"),
        ({"cluster": "near"}, "cluster cannot be 'near'"),
        ({"undoes": "00000001"}, "undo names what it undoes, and no other verdict does"),
        ({"verdict": "undo"}, "undo names what it undoes, and no other verdict does"),
        ({"verdict": "adjudicate"}, "adjudicate has a ruling, and no other verdict does"),
        ({"verdict": "relabel"}, "relabel says neither type nor level nor concepts"),
        ({"type": "safe", "level": "high"}, "type safe with level high; safe is of level none"),
        ({"mood": "good"}, "unknown field 'mood'"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], problem: str) -> None:
    record = json.loads(as_line(decision(1, "keep"), "")) | change
    assert parse(json.dumps(record).encode()) == (problem, "")


def test_lines_around_a_damaged_one_count_and_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, *(decision(n, "keep", row_id=n) for n in range(4)))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + lines[2] + lines[3])
    log = read_log(tmp_path)
    assert [d.row_id for d in log.decisions] == [0, 2, 3]
    assert [str(fault) for fault in log.faults] == [
        "decisions/ana.jsonl, line 2: is not whole JSON; the line does not count",
        "decisions/ana.jsonl, line 3: does not follow the line before it: "
        "one was changed or taken out",
    ]


def test_a_line_changed_by_hand_breaks_the_chain_after_it(tmp_path: Path) -> None:
    path = write(tmp_path, *(decision(n, "keep", row_id=n) for n in range(3)))
    path.write_bytes(path.read_bytes().replace(b'"row_id":1', b'"row_id":9'))
    log = read_log(tmp_path)
    assert [d.row_id for d in log.decisions] == [0, 9, 2]
    assert [fault.line for fault in log.faults] == [3]


def test_a_line_taken_out_breaks_the_chain(tmp_path: Path) -> None:
    path = write(tmp_path, *(decision(n, "keep", row_id=n) for n in range(3)))
    path.write_bytes(path.read_bytes().split(b"\n", 1)[1])
    log = read_log(tmp_path)
    assert [d.row_id for d in log.decisions] == [1, 2]
    assert [fault.line for fault in log.faults] == [1]


@pytest.mark.parametrize(
    "rubbish", [b"\xff\xfe", b"[1]", b"null", b"", b"[" * 100_000, b"9" * 5_000, b'{"id": 1}']
)
def test_rubbish_in_a_file_is_never_fatal(tmp_path: Path, rubbish: bytes) -> None:
    path = write(tmp_path, decision(1, "keep"))
    path.write_bytes(path.read_bytes() + rubbish + b"\n")
    log = read_log(tmp_path)
    assert len(log.decisions) == 1
    assert {fault.line for fault in log.faults} == {2}


def test_a_line_in_somebody_elses_file_or_twice_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, decision(1, "keep"), decision(2, "drop"), decision(1, "drop"))
    path = write(tmp_path, decision(3, "drop", "ben"))
    path.rename(path.with_name("cleo.jsonl"))
    log = read_log(tmp_path)
    assert [d.id for d in log.decisions] == ["00000001", "00000002"]
    assert [str(fault) for fault in log.faults] == [
        "decisions/ana.jsonl, line 3: id 00000001 again; the first line with it counts",
        "decisions/cleo.jsonl, line 1: is signed 'ben'; the line does not count",
    ]


def test_what_is_no_regular_file_is_told_and_the_others_count(tmp_path: Path) -> None:
    folder = write(tmp_path, decision(1, "agree")).parent
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    log = read_log(tmp_path)
    assert len(log.decisions) == 1
    assert [fault.file for fault in log.faults] == ["folder.jsonl", "pipe.jsonl"]


def test_without_decisions_there_are_none(tmp_path: Path) -> None:
    assert read_log(tmp_path) == verdicts.Log((), (), {})


def test_a_clock_set_back_does_not_change_the_order_one_person_decided_in(tmp_path: Path) -> None:
    write(tmp_path, decision(30, "keep"), decision(10, "drop"))
    write(tmp_path, decision(20, "keep", "ben"))
    assert [d.reviewer for d in read_log(tmp_path).decisions] == ["ben", "ana", "ana"]
    assert settle(read_log(tmp_path).decisions)[7].decisions[-1].verdict == "drop"


def test_heads_are_what_the_next_line_has_to_name(tmp_path: Path) -> None:
    path = write(tmp_path, decision(1, "keep"))
    assert read_log(tmp_path).heads == {"ana": digest(path.read_bytes()[:-1])}


def label(kind: str | None = None, level: str | None = None) -> Label:
    return Label(kind, level, None)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([decision(1, "keep")], ("keep", None), id="one"),
        pytest.param([decision(1, "agree")], ("agree", NOBODY_SAID), id="as it is scored"),
        pytest.param(
            [decision(1, "keep"), decision(2, "drop")], ("drop", None), id="latest of a reviewer"
        ),
        pytest.param(
            [decision(1, "keep"), decision(2, "keep", "ben")], ("keep", None), id="both the same"
        ),
        pytest.param(
            [decision(1, "keep"), decision(2, "drop", "ben")], ("disagreement", None), id="differ"
        ),
        pytest.param(
            [
                decision(1, "keep"),
                decision(2, "drop", "ben"),
                decision(3, "adjudicate", "cleo", ruling="keep"),
            ],
            ("keep", None),
            id="adjudicated",
        ),
        pytest.param(
            [
                decision(1, "drop"),
                decision(3, "adjudicate", "cleo", ruling="keep"),
                decision(4, "quarantine", "ben"),
            ],
            ("disagreement", None),
            id="a later verdict may disagree with an adjudication",
        ),
        pytest.param(
            [
                decision(1, "keep"),
                decision(2, "drop", "ben"),
                decision(3, "adjudicate", "cleo", ruling="keep"),
                decision(4, "undo", "cleo", undoes="00000003"),
            ],
            ("disagreement", None),
            id="adjudication undone",
        ),
        pytest.param(
            [decision(1, "keep"), decision(2, "drop"), decision(3, "undo", undoes="00000002")],
            ("keep", None),
            id="undo brings back what was before",
        ),
        pytest.param(
            [
                decision(1, "keep"),
                decision(2, "drop"),
                decision(3, "undo", undoes="00000002"),
                decision(4, "undo", undoes="00000003"),
            ],
            ("drop", None),
            id="undo of an undo",
        ),
        pytest.param(
            [decision(1, "keep"), decision(2, "undo", "ben", undoes="00000001")],
            ("keep", None),
            id="nobody undoes another's",
        ),
        pytest.param(
            [
                decision(1, "agree", type="illegal", level="high"),
                decision(2, "relabel", "ben", type="illegal"),
            ],
            ("relabel", label("illegal", "high")),
            id="labels that fit together are one",
        ),
        pytest.param(
            [
                decision(1, "relabel", type="illegal"),
                decision(2, "relabel", "ben", type="privacy"),
            ],
            ("disagreement", None),
            id="labels that contradict",
        ),
        pytest.param(
            [decision(1, "agree"), decision(2, "relabel", "ben", type="illegal")],
            ("disagreement", None),
            id="as scored against a label",
        ),
        pytest.param(
            [
                decision(1, "keep"),
                decision(2, "keep", "ben", purpose="second"),
                decision(3, "drop", "cleo", purpose="known"),
                decision(4, "drop", purpose="repeat"),
            ],
            ("keep", None),
            id="looks that measure a reviewer change nothing",
        ),
        pytest.param(
            [decision(1, "keep"), decision(2, "drop", "ben", purpose="second")],
            ("disagreement", None),
            id="a second look counts",
        ),
        pytest.param(
            [decision(1, "keep"), decision(2, "quarantine", "ben", purpose="known")],
            ("disagreement", None),
            id="locking away counts whatever the look was for",
        ),
        pytest.param(
            [decision(1, "keep", type="illegal"), decision(2, "keep", "ben")],
            ("keep", label("illegal")),
            id="keep with a label",
        ),
        pytest.param(
            [
                decision(1, "relabel", concepts=("fire", "knife")),
                decision(2, "relabel", "ben", concepts=("knife", "fire")),
            ],
            ("relabel", Label(None, None, ("fire", "knife"))),
            id="concepts in any order",
        ),
    ],
)
def test_what_decisions_come_to(
    decisions: list[Decision], expected: tuple[str, Label | None]
) -> None:
    assert outcome(*decisions) == expected


def test_a_row_whose_only_decision_was_undone_is_undecided() -> None:
    assert settle([decision(1, "drop"), decision(2, "undo", undoes="00000001")]) == {}


def test_rows_are_settled_each_for_itself() -> None:
    one, other = decision(1, "keep"), replace(decision(2, "drop"), row_id=8)
    assert {row: o.verdict for row, o in settle([one, other]).items()} == {7: "keep", 8: "drop"}
