"""Fixtures every test file may use."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

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
def audit_help() -> dict[str, str]:
    """What `audit COMMAND --help` prints, for every command that `audit --help` lists."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "500")  # no line breaks inside an option
        patch.setenv("NO_COLOR", "1")
        listed = re.search(r"\{([a-z,-]+)\}", help_text())
        assert listed, "`audit --help` lists no commands"
        return {command: help_text(command) for command in listed[1].split(",")}


def help_text(*command: str) -> str:
    """Standard output of `audit [COMMAND] --help`, from the real parser."""
    from audit.cli import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code in (0, None)
    return printed.getvalue()
