"""The wheel: it carries everything, installs nothing else, and works from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The finished command, run where nothing of the checkout can be imported by accident."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)


@contextmanager
def served(audit: Path, catalog: Path) -> Iterator[str]:
    """The address at which `audit review` shows a catalog, until the block ends."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    with subprocess.Popen(
        [audit, "review", catalog, "--port", "0"],
        cwd=catalog.parent, env=env, text=True, stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        yield server.stdout.readline().split()[0]
        server.terminate()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, so that one is known to be complete too."""
    out = tmp_path_factory.mktemp("dist")
    built = run(
        sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def audit(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `audit` command of the wheel, installed in an environment of its own.

    The dependencies are those of the environment the tests run in, seen through a .pth file:
    nothing is downloaded. What an editable installation puts there is not followed.
    """
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    paths = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    python = Path(paths["scripts"]) / "python"
    installed = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet",
        "--no-deps", "--no-index", "--disable-pip-version-check", wheel, cwd=home,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(paths["purelib"], "dependencies.pth").write_text("\n".join(sorted(dependencies)) + "\n")
    return Path(paths["scripts"]) / "audit"


def test_only_our_packages_are_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}
        assert not [name for name in archive.namelist() if "__pycache__" in name]
    assert {name for name in top if not name.endswith(".dist-info")} == {"audit", "curation"}


@pytest.mark.parametrize(
    ("folder", "among"), [("data", {"taxonomy.yaml"}), ("app", {"main.py", "static/grid.js"})]
)
def test_a_folder_is_inside_unchanged(wheel: Path, folder: str, among: set[str]) -> None:
    inside = f"audit/_bundled/{folder}/"
    with zipfile.ZipFile(wheel) as archive:
        bundled = {
            name.removeprefix(inside): archive.read(name)
            for name in archive.namelist()
            if name.startswith(inside)
        }
    home = ROOT / folder
    files = [p for p in home.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    ours = {p.relative_to(home).as_posix(): p.read_bytes() for p in files}
    assert among <= ours.keys()
    assert bundled == ours


def test_the_metadata_is_complete(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = {Path(n).name: archive.read(n).decode() for n in archive.namelist() if "info/" in n}
    scripts = text["entry_points.txt"].splitlines()
    assert scripts[1:] == ["audit = audit.cli:main", "curate = curation.cli:main"]
    assert "Apache License" in text["LICENSE"]
    for line in ("Name: shardwarden", "Requires-Python: >=3.11", "License-Expression: Apache-2.0"):
        assert line in text["METADATA"].splitlines()


def test_the_command_lists_the_bundled_scorers_from_any_directory(
    audit: Path, tmp_path: Path
) -> None:
    listed = run(audit, "scorers", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "compact" in listed.stdout


def test_the_command_scans_the_bundled_demo_shards(audit: Path, tmp_path: Path) -> None:
    (demo,) = audit.parent.parent.glob("**/audit/_bundled/data/demo-shards")
    scanned = run(audit, "scan", demo, "--out", "found.audit", cwd=tmp_path)
    # 3: finished, some samples failed; the demo shards hold a damaged picture.
    assert scanned.returncode == 3, scanned.stderr
    parts = tmp_path / "found.audit" / "parts"
    assert len(list(parts.glob("*.parquet"))) == len(list(demo.rglob("*.tar"))) > 0
    proven = run(audit, "verify", "found.audit", cwd=tmp_path)
    assert proven.returncode == 0, proven.stdout + proven.stderr
    refused = run(audit, "review", "found.audit", "--reviewer", "A B", cwd=tmp_path)
    assert (refused.returncode, refused.stderr[:23]) == (2, "audit: --reviewer 'A B'")
    with served(audit, tmp_path / "found.audit") as address:
        with urllib.request.urlopen(address, timeout=30) as page:
            assert "script-src 'self' blob: 'sha256-" in page.headers["content-security-policy"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/audit/nothing", timeout=30)
