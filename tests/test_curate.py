"""The command line of `curate`: what it prints where, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from audit.building import index
from audit.catalog import Catalog
from curation.cli import main
from tests.catalogs import write_catalog


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory, _ = write_catalog(tmp_path_factory.mktemp("curate"), shards=2, samples=10)
    index(directory)
    return directory


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy under which made-up scores and tiny pictures are not all dropped."""
    path = tmp_path / "own.yaml"
    path.write_text(
        "size: {min_side: 1, action: drop}\nduplicates: {near: null}\n"
        "gates: {max_share: null, min_kept_share: null, max_unscored_share: 0.2}\n"
    )
    return path


def test_plan_shows_every_image_and_draws_it(
    made: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan.html"
    assert main(["plan", str(made), "--policy", str(policy), "--out", str(out), "--gate"]) == 0
    printed = capsys.readouterr().out
    assert "of 20 images kept" in printed
    assert "quarantine" in printed
    assert printed.endswith(f"drawn: {out}\n")
    assert "<svg" in out.read_text(encoding="utf-8")
    assert main(["plan", str(made), "--policy", str(policy), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["total"]["images"] == 20
    assert shown["reasons"]["quarantine"] == {"unscored": 2}


def test_a_gate_that_is_not_met_ends_with_4_when_asked_for(
    made: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy.write_text(policy.read_text().replace("0.2", "0.05"))
    assert main(["plan", str(made), "--policy", str(policy), "--gate"]) == 4
    printed = capsys.readouterr()
    assert "gate not met: max_unscored_share: 10.00%, allowed 5.00%" in printed.out
    assert "1 gates of own are not met" in printed.err
    assert main(["plan", str(made), "--policy", str(policy)]) == 0


def test_a_wrong_policy_is_one_line_with_its_line_number(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text("# mine\ngrid:\n  ilegal: drop\nbased_on: strict\n")
    assert main(["plan", str(made), "--policy", str(tmp_path / "p.yaml")]) == 2
    error = capsys.readouterr().err
    assert re.match(r"curate: .*p\.yaml, line 3: grid: unknown key 'ilegal'; known: ", error)
    assert error.count("\n") == 1


def test_decisions_go_in_by_a_list_and_decide_the_plan(
    made: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Catalog(made) as catalog:
        rows = catalog.columns(("row_id", "risk_type"))
    ids, flagged = rows["row_id"].to_pylist(), rows["risk_type"][1].as_py() != "safe"
    listed = tmp_path / "list.csv"
    listed.write_text(
        "row_id,verdict,reviewer\n"
        f"{ids[0]},drop,ana\n{ids[1]},keep,ana\n{ids[1]},drop,ben\n{ids[1]},perhaps,ana\n"
    )
    arguments = ["decisions", str(made), "import", str(listed)]
    assert main(arguments) == 3
    printed = capsys.readouterr()
    assert printed.out == "3 decisions added, 0 known already, 1 wrong\n"
    assert "entry 4: verdict 'perhaps' is not known; give agree, relabel, keep" in printed.err
    assert (
        f"{2 + flagged} verdicts to drop, or to keep what is scored as risky, have no type"
        in printed.err
    )
    assert main(arguments) == 3
    assert capsys.readouterr().out == "0 decisions added, 3 known already, 1 wrong\n"

    assert main(["decisions", str(made)]) == 0
    printed = capsys.readouterr()
    assert "3 decisions, 2 rows decided" in printed.out
    assert "every line follows the one before it" in printed.out
    assert main(["decisions", str(made), "disagreements"]) == 0
    assert "ana: keep; ben: drop" in capsys.readouterr().out
    assert main(["decisions", str(made), "export", str(tmp_path / "out.parquet")]) == 0
    assert "3 decisions" in capsys.readouterr().out

    assert main(["plan", str(made), "--policy", str(policy), "--json", "--gate"]) == 4
    shown = json.loads(capsys.readouterr().out)
    assert shown["reasons"]["drop"]["human:drop"] == 1
    assert shown["reasons"]["review"]["disagreement"] == 1
    assert shown["broken"] == ["max_disagreements: 1, allowed 0"]

    (made / "decisions" / "ana.torn").write_bytes(b'{"half\n')
    assert main(["decisions", str(made)]) == 0
    assert "1 half-written lines were set apart" in capsys.readouterr().out

    file = made / "decisions" / "ana.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"drop"', b'"keep"'))
    assert main(["decisions", str(made)]) == 3
    assert "decisions/ana.jsonl, line 2: does not follow" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["decisions", "nowhere"],
        ["decisions", "{made}", "export"],
        ["decisions", "{made}", "disagreements", "x.csv"],
        ["decisions", "{made}", "--reviewer", "ana"],
        ["plan", "{made}", "--policy", "nowhere.yaml"],
        ["plan", "{made}", "--out", "x.png"],
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(
    made: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(made=made) for argument in arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_command_has_help_with_an_example() -> None:
    listed = re.search(r"\{([a-z,-]+)\}", _help())
    assert listed
    for command in listed[1].split(","):
        assert f"curate {command}" in _help(command).partition("xample")[2]


def test_help_says_how_a_form_is_filled_in() -> None:
    for command in ("decisions", "estimate"):
        shown = _help(command)
        assert "agree|relabel|keep|drop|escalate" in shown
        assert "safe where it is harmless" in shown
    assert ".csv, .parquet or .jsonl (one" in _help("decisions")


def test_a_folder_that_is_no_export_is_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path)]) == 2
    refused = capsys.readouterr().err
    assert "is no export (no manifest.json)" in refused
    assert refused.count("\n") == 1


def _help(*command: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        main([*command, "--help"])
    return printed.getvalue()
