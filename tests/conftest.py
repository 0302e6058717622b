"""Fixtures every test file may use."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import browser, catalog, fresh_page, opened, page, site, windows
from tests.promises import PROMISES, holders

__all__ = ["browser", "catalog", "fresh_page", "opened", "page", "site", "windows"]

# Everything here is small: threads that wait for each other would be the slowest part of it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of larger, hand-made test material beside the checkout, where there is one."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder 'shared' beside the checkout (../shared); it is not there")
    return SHARED


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def helps() -> dict[str, dict[str, str]]:
    """Program -> command -> what `--help` prints, for every command the program lists."""
    programs = {"audit": "audit", "curate": "curation"}
    return {program: dict(helps_of(package)) for program, package in programs.items()}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long the promises of the review screen took: four minutes on two cores at most."""
    promised = whole = 0.0
    files = {file for file, _ in holders()}  # what is set up in them counts for all their tests
    for report in (each for found in terminalreporter.stats.values() for each in found):
        if isinstance(report, pytest.TestReport):
            path, *_, name = report.nodeid.partition("[")[0].split("::")
            file = Path(path).name
            is_held = file in files if report.when != "call" else (file, name) in holders()
            promised += report.duration * is_held
            whole += report.duration * file.startswith("test_review_")
    if whole > 30:
        terminalreporter.write_line(
            f"review screen: its {len(PROMISES)} promises took {promised:.0f} s of 240 s, "
            f"all its tests {whole:.0f} s"
        )


def helps_of(package: str) -> Iterator[tuple[str, str]]:
    """Every command of a package's program with its help, from the real parser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "500")  # no line breaks inside an option
        patch.setenv("NO_COLOR", "1")
        listed = re.search(r"\{([a-z,-]+)\}", help_text(package))
        assert listed, f"`{package} --help` lists no commands"
        for command in listed[1].split(","):
            yield command, help_text(package, command)


def help_text(package: str, *command: str) -> str:
    """Standard output of `PROGRAM [COMMAND] --help`."""
    main = importlib.import_module(f"{package}.cli").main
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code in (0, None)
    return printed.getvalue()


@pytest.fixture(scope="session")
def small_scorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an untrained scorer that is quick to run; its scores mean nothing."""
    import torch

    from audit.compact import CompactDims
    from audit.encoder import CompactEncoder
    from audit.safety import HeadDims, ProjectorDims, SafetyDims
    from audit.scorer import untrained
    from audit.taxonomy import Taxonomy

    torch.manual_seed(0)
    scorer = untrained(
        CompactEncoder(CompactDims(size=64, stem=8, widths=(8, 16, 32), depth=1)),
        concepts=("weapon", "fire", "captcha"),
        types_covered=("illegal", "privacy", "safe"),
        dims=SafetyDims(
            ProjectorDims(encoder_width=32, hidden_width=16, output_width=32, depth=1),
            HeadDims(width=32, tokens=8, heads=4, concepts=3),
        ),
        taxonomy_hash=Taxonomy.load().hash,
        name="small",
    )
    return scorer.save(tmp_path_factory.mktemp("scorers") / "small")
