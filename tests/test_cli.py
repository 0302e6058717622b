"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from audit import header
from audit.cli import main, parser
from audit.progress import EVERY, Tick, clock, display, line
from tests.catalogs import png
from tests.test_scan import tars

ROOT = Path(__file__).resolve().parent.parent
SCAN = ["scan", "tars", "--captions", "off", "--ocr", "off"]  # texts: tests/test_texts.py
TICK = Tick(images=1500, failed=2, shards=3, total=9, share=0.25, seconds=30, limited_by="decoding")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, where default names cannot hurt."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the processes some tests start


@pytest.fixture
def catalog(tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A scanned catalog, made by the command itself."""
    tars(tmp_path / "tars", 5, 4)
    assert main([*SCAN, "--scorer", str(small_scorer)]) == 0
    capsys.readouterr()
    return Path("tars.audit")


def test_scan_says_what_came_of_it(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars(tmp_path / "tars", 5, 4)
    assert main([*SCAN, "--scorer", str(small_scorer)]) == 0
    out = capsys.readouterr().out
    assert "27 members = 9 scored + 0 failed + 0 quarantined + 18 other: the books balance" in out
    assert out.endswith("next: audit status tars.audit\n")
    assert (tmp_path / "tars.audit" / "catalog.duckdb").exists()
    assert (tmp_path / "tars.audit" / "vectors.faiss").exists()


def test_scan_with_failures_ends_with_3_and_says_why(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars(tmp_path / "tars", 5, broken=(1, 2))
    assert main([*SCAN, "--scorer", str(small_scorer)]) == 3
    assert "failed: not_an_image: 2" in capsys.readouterr().out


def test_sources_new_to_a_catalog_are_told_before_and_after(
    catalog: Path, tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def scanned(source: str) -> tuple[str, str]:
        texts = ["--captions", "off", "--ocr", "off"]
        assert main(
            ["scan", source, "--out", str(catalog), "--scorer", str(small_scorer), *texts]
        ) == 0  # fmt: skip
        return tuple(capsys.readouterr())

    warning, said = "audit: adding new sources to tars.audit, ", "also holds"
    for known in ("tars", "tars/00001.tar"):  # nothing new, by whatever name
        out, err = scanned(known)
        assert (said in out, warning in err) == (False, False)
    tars(tmp_path / "photos", 3)
    out, err = scanned("photos/00000.tar")
    assert "tars.audit also holds 2 shards of other sources\n" in out
    assert f"{warning}which holds 2 shards of others ({tmp_path / 'tars'}" in err
    assert err.count("Ctrl-C to stop\n") == 1
    out, err = scanned("photos/00000.tar")
    assert (said in out, warning in err) == (False, False)


def test_json_is_exactly_one_object_on_stdout(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars(tmp_path / "tars", 5, broken=(1,))
    assert main([*SCAN, "--scorer", str(small_scorer), "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["exit_code"] == 3
    assert report["balanced"] is True
    assert (report["scored"], report["failed"], report["other"]) == (4, 1, 10)
    for command in (["status"], ["index"]):
        assert main([*command, "tars.audit", "--json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), dict)
    assert main(["verify", "tars.audit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []


def test_an_error_with_json_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "nowhere", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["exit_code"] == 2
    assert err.startswith("audit: nowhere: no such file or folder")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["scan", "nowhere"], 2, "audit: nowhere: no such file or folder"),
        (["scan", "tars", "--scorer", "best"], 2, "audit: best: neither a bundled scorer"),
        (["scan", "tars", "--out", "file"], 2, "audit: file: is a file; give another --out"),
        (["scan", "tars", "--out", "tars"], 2, "audit: tars: holds 1 files and is no catalog"),
        (["status", "nowhere.audit"], 1, "audit: "),
        (["index", "tars"], 1, "audit: tars: not a catalog"),
        (["verify", "tars"], 1, "audit: tars: not a catalog"),
        (["doctor", "nowhere"], 2, "audit: nowhere: no such file or folder"),
    ],
)
def test_an_error_is_one_line(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], code: int, said: str,
) -> None:  # fmt: skip
    tars(tmp_path / "tars", 1)
    (tmp_path / "file").write_text("")
    if arguments[0] == "scan" and "--scorer" not in arguments:
        arguments = [*arguments, "--scorer", str(small_scorer)]
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["scan"], ["scan", "a", "--batch-size", "0"], ["scan", "a", "--limit", "x"],
     ["scan", "a", "--over"], ["frobnicate"], ["top", "a", "--type", "evil\x1b[31m"],
     ["sql", "a"], ["top", "a", "--json", "--csv"]],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert re.fullmatch(r"audit: [^\x1b\n]+; see `audit( \w+)? --help`\n", err)


def test_a_second_scan_is_refused_with_one_line(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars(tmp_path / "tars", 1)
    with header.locked(Path("tars.audit")):
        assert main([*SCAN, "--scorer", str(small_scorer)]) == 1
    err = capsys.readouterr().err
    assert err == (
        f"audit: tars.audit: another scan (process {os.getpid()}) is writing this catalog; "
        "wait for it, or give another --out\n"
    )


def test_the_options_of_scan_reach_it(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars(tmp_path / "tars", 5, 5)
    command = [*SCAN, "--scorer", str(small_scorer), "--out", "b", "--json", "--device",
               "cpu", "--workers", "1", "--batch-size", "2"]  # fmt: skip

    def run(*more: str) -> dict[str, object]:
        main([*command, *more])
        report: dict[str, object] = json.loads(capsys.readouterr().out)
        return report

    assert run("--limit", "7")["scored"] == 7
    assert run("--no-previews")["scored"] == 10
    refused = run("--overwrite", "--max-pixels", "100")
    assert refused["failures"] == {"too_many_pixels": 10}
    assert run("--retry-failed", "--max-bytes", "100")["failures"] == {"too_many_bytes": 10}
    assert run("--retry-failed")["failed"] == 0
    assert run("--strict", "--overwrite", "--max-bytes", "100")["exit_code"] == 1


def test_status_top_and_sql_answer(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(catalog)]) == 0
    assert "9 scored" in capsys.readouterr().out
    assert main(["top", str(catalog), "--limit", "3"]) == 0
    assert "(3 rows)" in capsys.readouterr().out
    assert main(["top", str(catalog), "--by", "p_illegal", "--type", "illegal", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)
    assert main(["sql", str(catalog), "SELECT count(*) AS n FROM samples", "--csv"]) == 0
    assert capsys.readouterr().out.split() == ["n", "9"]
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range < b.range"
    assert main(["sql", str(catalog), endless, "--timeout", "0.2"]) == 2
    assert "stopped after 0.2 s" in capsys.readouterr().err
    assert main(["sql", str(catalog), "DROP TABLE samples"]) == 2
    assert capsys.readouterr().err.startswith("audit: sql: give exactly one SELECT")


def test_verify_ends_with_1_when_a_tar_has_changed(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(catalog)]) == 0
    assert "sound" in capsys.readouterr().out
    tar = Path("tars/00001.tar")
    data = bytearray(tar.read_bytes())
    data[600] ^= 1
    tar.write_bytes(data)
    assert main(["verify", str(catalog)]) == 1
    assert "00001.tar" in capsys.readouterr().out


def test_doctor_ends_with_3_when_a_shard_is_not_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tars(tmp_path / "tars", 3, 3)
    assert main(["doctor", "tars"]) == 0
    assert capsys.readouterr().out == "2 of 2 shards are sound\n"
    Path("tars/00001.tar").write_bytes(b"<html>")
    assert main(["doctor", "tars"]) == 3
    assert "00001.tar: not_a_tar" in capsys.readouterr().out


def test_scorers_and_demo_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scorers"]) == 0
    assert main(["scorers", "--json"]) == 0
    assert main(["demo", "drawn", "--count", "30"]) == 0
    assert "audit scan drawn" in capsys.readouterr().out
    assert len(list((tmp_path / "drawn").glob("*.tar"))) == 3


def test_the_card_of_a_scorer_of_ones_own_is_printed(
    small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scorers", str(small_scorer)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "small: compact encoder, pad crop",
        "  types     illegal, privacy, safe",
        "  concepts  weapon, fire, captcha",
    ]
    assert main(["scorers", str(small_scorer), "--json"]) == 0
    assert [s["name"] for s in json.loads(capsys.readouterr().out)["scorers"]] == ["small"]
    assert main(["scorers", "nothing"]) == 2
    assert "nothing: neither a bundled scorer" in capsys.readouterr().err


def test_names_from_a_tar_cannot_drive_the_terminal(
    tmp_path: Path, small_scorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tars").mkdir()
    with tarfile.open(tmp_path / "tars" / "0.tar", "w") as tar:
        for name, data in (
            ("a\x1b[2J\u202eb.png", png(1)),
            ("a\x1b[2J\u202eb.txt", b"cap\x07tion\x9b31m"),
            ("c\x1b]0;x\x07.png", b"broken"),
            ("d.png", png(2)),
            ("c\x1b]0;x\x07.txt", b"split"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    common = ["--scorer", str(small_scorer)]
    assert main([*SCAN, *common]) == 3
    assert main([*SCAN, "--strict", "--out", "strict", *common]) == 1
    for command in (["status"], ["top"], ["verify"]):
        main([*command, "tars.audit"])
    main(["sql", "tars.audit", "SELECT key, caption FROM samples"])
    main(["sql", "tars.audit", "SELECT key, caption FROM samples", "--json"])
    main(["doctor", "tars"])
    printed = "".join(capsys.readouterr())
    assert "x1b" in printed
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)


def test_a_reader_that_goes_away_is_no_error(catalog: Path) -> None:
    command = (
        f"{sys.executable} -m audit.cli sql {catalog} "
        "'SELECT s.key, r.range FROM samples s, range(20000) r' | head -1"
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("key")


def test_help_names_the_exit_codes_and_needs_no_pytorch() -> None:
    code = "import sys; from audit.cli import parser; parser(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert "3 finished but some samples or shards failed" in parser().format_help()


def test_a_pipe_gets_a_plain_line_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    stream = io.StringIO()
    with display(stream) as show:
        show(TICK)
        assert stream.getvalue() == ""
        now += EVERY
        show(TICK)
        show(TICK)
    assert stream.getvalue() == line(TICK) + "\n"
    assert stream.getvalue() == (
        "1,500 images, 50/s, 2 failed, shard 3 of 9, limited by decoding, about 1:30 left\n"
    )


def everything(terminal: int) -> str:
    """What was written to a terminal whose other side is closed; it comes in pieces."""
    pieces = []
    try:
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    except OSError:  # how Linux says that nothing more comes
        pass
    finally:
        os.close(terminal)
    return b"".join(pieces).decode()


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "140")
    if colour:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", "1")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, display(terminal) as show:
        show(TICK)
    text = everything(ours)
    assert "1,500 images 50/s, 2 failed, ETA 1:30 (decoding)" in re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", text)) is colour


def test_times_read_as_clocks() -> None:
    assert [clock(s) for s in (0, 7, 75, 3600, 10861)] == [
        "0:00",
        "0:07",
        "1:15",
        "1:00:00",
        "3:01:01",
    ]
