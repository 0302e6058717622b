"""Fixtures every test file may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of larger, hand-made test material beside the checkout, where there is one."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder 'shared' beside the checkout (../shared); it is not there")
    return SHARED
