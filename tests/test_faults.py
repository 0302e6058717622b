"""What the browser is told of a fault: which file, and nothing of where this machine keeps it."""

from __future__ import annotations

import errno
import os

import pytest

from app.faults import of_disk, short


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/data/laion/00000.tar: no end mark", "00000.tar: no end mark"),
        ("cannot read '/data/my pictures/x/00000.tar': gone", "cannot read '00000.tar': gone"),
        ("laion.audit/policy.yaml, line 3: unknown", "policy.yaml, line 3: unknown"),
        ("[Errno 2] No such file: '/tmp/x/y.tar'", "[Errno 2] No such file: 'y.tar'"),
        (
            "/a/x.audit/vectors.faiss: no such file; run `audit index /a/x.audit`",
            "vectors.faiss: no such file; run `audit index x.audit`",
        ),
        ("see https://host.example/a/b and 3/4", "see https://host.example/a/b and 3/4"),
    ],
)
def test_folders_of_this_machine_are_left_out(line: str, told: str) -> None:
    assert short(line) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "decisions/ann.jsonl: No space left on device; make room on its disk"),
        (
            errno.EROFS,
            "decisions/ann.jsonl: Read-only file system; let the server write there",
        ),
        (errno.EIO, "decisions/ann.jsonl: Input/output error; look at its disk"),
    ],
)
def test_what_the_system_would_not_do_says_where_and_what_to_do(number: int, told: str) -> None:
    assert of_disk(OSError(number, os.strerror(number), "/x/a.audit/decisions/ann.jsonl")) == told
