"""Progress of counted work in a pipe."""

from __future__ import annotations

import io

import pytest

from audit import steps


def test_the_time_left_is_that_of_the_count_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(steps.time, "monotonic", lambda: now)
    out = io.StringIO()
    with steps.counted(out) as show:
        for now in (100.0, 200.0):
            show(int(now), None, "read")
        now = 201.0
        show(1, 11, "trained")
        now = 206.0
        show(6, 11, "trained")
        now = 211.0
        show(11, 11, "trained")
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["100, read", "200, read"]
    assert lines[-1].startswith("11 of 11, trained, 0:00 left")
    assert len(lines) == 3, "lines come now and then"
