"""A real `audit scan` process killed at many moments: nothing is lost, doubled or damaged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.parts import Parts
from audit.scan import scan
from audit.scorer import Scorer
from audit.verify import verify
from tests.test_scan import assert_same_results, tars

pytestmark = pytest.mark.timeout(1800)  # every run loads PyTorch anew: 40 s, more when busy
SHARDS, KILLS = 40, 8


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tars(tmp_path_factory.mktemp("kill") / "tars", *[6] * SHARDS, broken=(4,))


@pytest.fixture
def start(
    source: Path, small_scorer: Path, tmp_path: Path, root: Path
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Begins the scan into tmp_path/a; none outlives the test."""
    begun: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = [
            sys.executable, "-m", "audit.cli", "scan", source, "--out", tmp_path / "a",
            "--scorer", small_scorer, "--device", "cpu", "--batch-size", "4", "--captions", "off",
            "--ocr", "off",
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=heed_ctrl_c,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)},
        )  # fmt: skip
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def heed_ctrl_c() -> None:
    """A child of a shell's background job would ignore SIGINT from birth."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def parts_there(catalog: Path) -> dict[str, int]:
    """Published parts and when they were."""
    return {path.name: path.stat().st_mtime_ns for path in (catalog / "parts").glob("*.parquet")}


def wait_for(process: subprocess.Popen[str], catalog: Path, parts: int) -> None:
    """Wait until so many parts are published, or the process has ended."""
    while process.poll() is None and len(parts_there(catalog)) < parts:
        time.sleep(0.005)


def test_killing_a_scan_at_any_moment_loses_and_doubles_nothing(
    tmp_path: Path, source: Path, small_scorer: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    catalog = tmp_path / "a"
    rng = random.Random(5)
    before: dict[str, int] = {}
    for n in range(KILLS + 1):
        process = start()
        if n == KILLS:  # while it builds catalog.duckdb and vectors.faiss
            wait_for(process, catalog, SHARDS)
        elif n % 3 == 0:  # while it loads, or begins
            time.sleep(rng.uniform(0, 4))
        else:  # while it writes
            wait_for(process, catalog, len(before) + rng.randint(1, 4))
            time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.communicate()
        now = parts_there(catalog)
        assert before.items() <= now.items(), "a finished part was lost or written again"
        parts = Parts(catalog)
        assert [fault for shard in parts.shard_ids() if (fault := parts.fault(shard))] == []
        before = now
    assert len(before) == SHARDS

    process = start()
    out, err = process.communicate()
    assert process.returncode == 3, err  # one image is broken
    assert "the books balance" in out
    assert parts_there(catalog) == before
    assert verify(catalog) == []
    assert [path.name for path in catalog.rglob("*.tmp-*")] == []
    scan([str(source)], tmp_path / "b", Scorer.load(small_scorer, device="cpu"))
    assert_same_results(catalog, tmp_path / "b")


def test_ctrl_c_ends_with_130_and_one_line_and_the_scan_can_go_on(
    tmp_path: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    process = start()
    wait_for(process, tmp_path / "a", 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1] == "audit: interrupted; run the same command again to go on"
    assert "Traceback" not in err
    done = len(parts_there(tmp_path / "a"))
    assert 2 <= done < SHARDS
    process = start()
    out, err = process.communicate()
    assert process.returncode == 3, err
    assert f"{SHARDS:,} of {SHARDS:,} shards done, {SHARDS - done:,} of them now" in out
    assert verify(tmp_path / "a") == []
