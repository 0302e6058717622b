"""Writing decisions: many at once, killed at any moment, out to files and back in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from audit.errors import UsageError
from audit.outcomes import settle
from audit.verdicts import Decision, digest, read_log
from curation import exchange
from curation.decisions import Decisions, adjudicate, decide, undo

ROOT = Path(__file__).resolve().parent.parent
ROWS = pa.table({"row_id": pa.array([1, 2, 3], pa.int64()), "uid": ["a", "b", "b"]})

WRITER = """
import sys
from curation.decisions import Decisions, decide
catalog, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
log = Decisions(catalog)
for n in range(count):
    said = [decide(n, name, "keep", who, note="x" * 200) for who in ("shared", name)]
    log.append(said)
    print(*(d.id for d in said), flush=True)
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    (tmp_path / "c.audit" / "parts").mkdir(parents=True)
    return tmp_path / "c.audit"


def some(count: int, reviewer: str = "ana") -> list[Decision]:
    return [decide(n, f"uid-{n}", "keep", reviewer) for n in range(count)]


def writer(catalog: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(catalog), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_what_was_appended_is_read_back(catalog: Path) -> None:
    said = [*some(3), *some(2, "ben")]
    assert Decisions(catalog).append(said) == 5
    log = read_log(catalog)
    assert set(log.decisions) == set(said)
    assert log.faults == ()


def test_ten_processes_at_once_lose_nothing(catalog: Path) -> None:
    writers = [writer(catalog, f"process-{n}", 40) for n in range(10)]
    acknowledged = [line for each in writers for line in each.communicate()[0].splitlines()]
    assert [each.returncode for each in writers] == [0] * 10
    log = read_log(catalog)
    assert log.faults == ()
    stored = {decision.id for decision in log.decisions}
    assert len(log.decisions) == len(stored) == 10 * 40 * 2
    assert {i for line in acknowledged for i in line.split()} == stored
    assert sum(d.reviewer == "shared" for d in log.decisions) == 400


def test_threads_that_share_a_log_lose_nothing(catalog: Path) -> None:
    log = Decisions(catalog)
    threads = [
        threading.Thread(target=lambda: [log.append([each]) for each in some(20)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_log(catalog)
    assert (len(found.decisions), found.faults) == (160, ())


def test_whatever_was_acknowledged_survives_kill_9(catalog: Path) -> None:
    for round_ in range(3):
        killed = writer(catalog, "ana", 100_000)
        assert killed.stdout is not None
        lines = [killed.stdout.readline() for _ in range(20 + round_)]
        os.kill(killed.pid, signal.SIGKILL)
        lines += killed.communicate()[0].splitlines(keepends=True)
        acknowledged = {i for line in lines if line.endswith("\n") for i in line.split()}
        Decisions(catalog).append([*some(1, "ana"), *some(1, "shared")])  # mends what was torn
        log = read_log(catalog)
        assert log.faults == ()
        assert acknowledged <= {decision.id for decision in log.decisions}


def test_a_line_cut_at_any_byte_is_set_apart_and_nothing_else_is_lost(catalog: Path) -> None:
    first, second, third = some(3)
    Decisions(catalog).append([first, second])
    path = catalog / "decisions" / "ana.jsonl"
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    for cut in (*range(start + 1, len(whole) - 1, 23), len(whole) - 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        path.with_suffix(".torn").unlink(missing_ok=True)
        before = read_log(catalog)
        Decisions(catalog).append([third])
        log = read_log(catalog)
        assert log.faults == ()
        if cut == len(whole) - 1:  # lacks its line end only
            assert before.faults == ()
            assert log.decisions == (first, second, third)
        else:
            assert [fault.line for fault in before.faults] == [2]
            assert log.decisions == (first, third)
            assert path.with_suffix(".torn").read_bytes() == whole[start:cut] + b"\n"


def test_a_log_kept_open_sees_that_another_was_killed(catalog: Path) -> None:
    first, second = some(2)
    log = Decisions(catalog)
    log.append([first])
    path = catalog / "decisions" / "ana.jsonl"
    with path.open("ab") as file:
        file.write(b'{"half": ')
    log.append([second])
    assert read_log(catalog).decisions == (first, second)
    assert read_log(catalog).faults == ()


def test_an_id_is_stored_once(catalog: Path) -> None:
    said = some(3)
    log = Decisions(catalog)
    assert log.append(said) == 3
    assert log.append([*said, *said]) == 0
    assert Decisions(catalog).append([*said, *some(1)]) == 1
    assert len(read_log(catalog).decisions) == 4


def test_each_line_names_the_one_before_it(catalog: Path) -> None:
    Decisions(catalog).append(some(3))
    Decisions(catalog).append(some(1))
    lines = (catalog / "decisions" / "ana.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["prev"] for line in lines] == ["", *map(digest, lines[:-1])]


@pytest.mark.parametrize("alias", ["", "../ana", "Ana", "a/b", "ana.jsonl", "a" * 65, "é", "-a"])
def test_a_reviewer_whose_name_is_no_safe_file_name_is_refused(catalog: Path, alias: str) -> None:
    with pytest.raises(UsageError, match="an alias is a-z, 0-9"):
        decide(1, "a", "keep", alias)
    sound = decide(1, "a", "keep", "ana")
    with pytest.raises(UsageError, match="an alias is a-z, 0-9"):
        Decisions(catalog).append([sound, replace(sound, reviewer=alias)])
    assert not (catalog / "decisions").exists()


def test_a_file_that_is_a_link_is_not_followed(catalog: Path, tmp_path: Path) -> None:
    (catalog / "decisions").mkdir()
    (catalog / "decisions" / "ana.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"ana\.jsonl"):
        Decisions(catalog).append(some(1))
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a catalog"):
        Decisions(tmp_path)


def test_undo_and_adjudicate_make_lines_that_settle(catalog: Path) -> None:
    keep, drop = decide(1, "a", "keep", "ana"), decide(1, "a", "drop", "ben")
    log = Decisions(catalog)
    log.append([keep, drop])
    (outcome,) = settle(read_log(catalog).decisions).values()
    assert not outcome.settled
    ruling = adjudicate(outcome, "relabel", "cleo", type="safe")
    log.append([ruling])
    (outcome,) = settle(read_log(catalog).decisions).values()
    assert outcome.verdict == "relabel"
    assert outcome.label is not None
    assert outcome.label.type == "safe"
    log.append([undo(ruling), undo(drop)])
    (outcome,) = settle(read_log(catalog).decisions).values()
    assert outcome.verdict == "keep"


def told(**rest: Any) -> Decision:
    return decide(1, "=HYPERLINK()", "relabel", "ana", type="illegal", level="low", **rest)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_decisions_come_back_from_a_file_as_they_were(tmp_path: Path, suffix: str) -> None:
    rows = pa.table({"row_id": pa.array([1], pa.int64()), "uid": ["=HYPERLINK()"]})
    said = [
        told(concepts=("knife", "fire"), note='a, "b"\nc', seconds=1.5, revealed=True),
        told(concepts=(), note="'=1", batch="0123abcd", policy="p", scorer="s", blind=True),
        told(purpose="repeat", cluster="0123abcd0123abcd"),
        told(),
    ]
    said.append(undo(said[0]))
    path = tmp_path / f"out{suffix}"
    exchange.write(said, path)
    assert exchange.read(path, rows) == (said, [], 0)


def test_what_a_spreadsheet_would_run_is_written_as_text(tmp_path: Path) -> None:
    exchange.write([told(note="+1")], tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text()
    assert ",'=HYPERLINK()," in text
    assert text.endswith(",'+1\n")


def test_a_list_made_by_hand_can_be_imported_and_again(catalog: Path, tmp_path: Path) -> None:
    path = tmp_path / "by-hand.csv"
    path.write_text("\ufeffuid,verdict,type,level\na,relabel,1,3\nb,drop,,\n", encoding="utf-8")
    found, wrong, _ = exchange.read(path, ROWS, "ana")
    assert wrong == []
    # The uid b is that of two rows.
    assert [(d.row_id, d.verdict, d.type, d.level) for d in found] == [
        (1, "relabel", "illegal", "high"),
        (2, "drop", None, None),
        (3, "drop", None, None),
    ]
    assert Decisions(catalog).append(found) == 3
    assert Decisions(catalog).append(exchange.read(path, ROWS, "ana")[0]) == 0


def test_wrong_entries_are_named_and_the_others_taken(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "uid,row_id,verdict,reviewer,seconds\n"
        "a,,keep,ana,2\n"
        "z,,keep,ana,\n"
        ",9,keep,ana,\n"
        ",,keep,ana,\n"
        "b,1,keep,ana,\n"
        "a,,maybe,ana,\n"
        "a,,keep,Ana B,\n"
        "a,,keep,,\n"
        "a,,keep,ana,soon\n"
        "a,,keep,ana,1,2\n"
    )
    found, wrong, _ = exchange.read(path, ROWS)
    assert [d.row_id for d in found] == [1]
    problems = [(entry.entry, entry.problem.split(":")[0]) for entry in wrong]
    assert problems == [
        (2, "uid 'z' is not in the catalog"),
        (3, "row_id 9 is not in the catalog"),
        (4, "names neither row_id nor uid"),
        (5, "row_id 1 has uid 'a' in the catalog, not 'b'"),
        (6, "verdict 'maybe' is not known; give agree, relabel, keep, drop, quarantine or "
            "escalate; a harmless picture is relabel with type safe"),
        (7, "reviewer 'Ana B'"),
        (8, "reviewer None"),
        (9, "decision about row 1"),
        (10, "has more cells than there are columns"),
    ]  # fmt: skip


def test_entries_that_are_not_filled_in_are_counted_only(tmp_path: Path) -> None:
    path = tmp_path / "form.csv"
    path.write_text("uid,verdict,type,note,caption,url\na,,,s/1,a dog,u\na,,safe,,,\na,keep,,,c,\n")
    found, wrong, unfilled = exchange.read(path, ROWS, "ana")
    assert [d.verdict for d in found] == ["keep"]
    assert [(e.entry, e.problem.split(";")[0]) for e in wrong] == [(2, "no verdict")]
    assert unfilled == 1


@pytest.mark.parametrize(
    ("alias", "problem"), [(None, "give --reviewer NAME"), ("A b", "an alias")]
)
def test_who_decided_is_asked_for_once(tmp_path: Path, alias: str | None, problem: str) -> None:
    path = tmp_path / "form.csv"
    path.write_text("uid,verdict\na,keep\nb,keep\n")
    with pytest.raises(UsageError, match=problem):
        exchange.read(path, ROWS, alias)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"uid,verdikt\n", "unknown column 'verdikt'"),
        ("a.csv", b"uid,verdikt\n", "required: verdict, and row_id or uid; known: id, row_id, uid"),
        ("a.csv", b"uid\n", "has no column 'verdict'"),
        ("a.csv", b"verdict\n", "has neither column 'row_id' nor 'uid'"),
        ("a.csv", b"uid;verdict\na;keep\n", "save it with commas"),
        ("a.csv", b"", "has no column 'verdict'"),
        ("a.csv", b"uid,verdict\n\xff,keep\n", "not UTF-8 at byte"),
        ("a.parquet", b"no parquet", "cannot be read"),
        ("a.xlsx", b"", "name it .csv or .parquet"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=problem) as refused:
        exchange.read(tmp_path / name, ROWS)
    assert "\n" not in str(refused.value)
