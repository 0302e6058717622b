"""Checks of an export's shards: read by webdataset and by `datasets`, sample by sample."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webdataset.tariterators import group_by_keys, tar_file_expander

from audit.steps import Show
from audit.streams import one_line
from audit.taxonomy import LEVELS, TYPES
from curation import check_lines, hugging
from curation.checked import Export, label
from curation.records import SPLITS
from curation.shards_out import EXTENSIONS

_FIELDS = (
    "uid", "key", "url", "caption", "width", "height", "sha256", "source", "conversations",
    "safety",
)  # fmt: skip
_SUFFIXES = frozenset(EXTENSIONS.values())


def check(export: Export, show: Show) -> None:
    """Check every shard."""
    shards = sorted((export.folder / "shards").glob("*.tar"))
    report = export.report
    wanted = {row["output_shard"] for row in export.lineage} - {None}
    there = {path.relative_to(export.folder).as_posix() for path in shards}
    for path in sorted(wanted - there):
        report.fault("webdataset", path, "is missing, and records are in it")
    if not shards:
        for name in ("webdataset", "datasets"):
            report.skipped.setdefault(name, "the export has no shards")
        return
    for path in shards:
        _shard(export, path, show)
    if "datasets" not in report.skipped:
        show(0, None, "reading the shards with `datasets`")
        _datasets(export, shards)


def _shard(export: Export, path: Path, show: Show) -> None:
    """One shard, and the samples that its lineage says are in it."""
    name = path.relative_to(export.folder).as_posix()
    keys: set[str] = set()
    try:
        for sample in _samples(path):
            key = sample["__key__"]
            keys.add(key)
            export.report.counted["webdataset"] += 1
            show(export.report.counted["webdataset"], len(export.lineage), "samples read")
            _sample(export, name, key, sample)
    except Exception as error:  # webdataset and tarfile raise what they like on damaged tars
        export.report.fault("webdataset", name, f"webdataset stops: {one_line(error)}")
    lost = sorted(key for shard, key in export.by_key if shard == name and key not in keys)
    if lost:
        more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
        export.report.fault("webdataset", name, f"webdataset does not come to {lost[0]}{more}")


def _samples(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from group_by_keys(tar_file_expander([{"url": str(path), "stream": file}]))


def _sample(export: Export, shard: str, key: str, sample: dict[str, Any]) -> None:
    where, fault = f"{shard}, {key}", export.report.fault
    row = export.by_key.get((shard, key), {})
    if not row:
        fault("lineage", where, "no record of the lineage is here")
    members = frozenset(name for name in sample if not name.startswith("__"))
    export.members = export.members or members
    if members != export.members:
        odd = ", ".join(sorted(members ^ export.members))
        fault("webdataset", where, f"has other members than the first sample has: {odd}")
    images = [name for name in sample if name in _SUFFIXES]
    if len(images) != 1:
        fault("images", where, f"{len(images)} images in a sample; trainers want one")
    for name in images:
        digest = hashlib.sha256(sample[name]).hexdigest()
        if row and digest != row["sha256"]:
            fault("images", where, "is another image than the lineage names (sha256)")
        export.open(sample[name], digest, where)
    try:
        said = json.loads(sample["json"])
    except (KeyError, ValueError, RecursionError) as error:
        fault("webdataset", where, f"its json cannot be read ({one_line(error)})")
        return
    missing = [name for name in _FIELDS if not isinstance(said, dict) or name not in said]
    if missing:
        fault("webdataset", where, f"its json lacks {', '.join(missing)}")
        return
    if row and said["uid"] != row["uid"]:
        fault("uids", where, f"is {said['uid']!r:.80}, the lineage says {row['uid']!r:.80}")
    safety = said["safety"] if isinstance(said["safety"], dict) else {}
    kind: Any = safety.get("safe_type")
    level: Any = safety.get("safe_level")
    label(export, where, kind, level, row)
    named = safety.get("type"), safety.get("level")
    numbers = dict(enumerate(TYPES)).get(kind), dict(enumerate(LEVELS)).get(level)
    if named != numbers:
        fault("labels", where, f"is named {named[0]}/{named[1]}, its numbers say otherwise")
    check_lines.conversation(export, where, said["conversations"], "human", "gpt")


def _datasets(export: Export, shards: list[Path]) -> None:
    """Read with Hugging Face's `datasets`, in a process of its own.

    Whether it may use a network is settled when it is imported.
    """
    report = export.report
    if importlib.util.find_spec("datasets") is None:
        report.skipped["datasets"] = (
            "the library is not installed; pip install 'shardwarden[check]'"
        )
        return
    wanted = [s for s in SPLITS if any(path.name.startswith(f"{s}-") for path in shards)]
    size = sum(path.stat().st_size for path in shards)
    with tempfile.TemporaryDirectory(prefix="shardwarden-") as folder:
        if shutil.disk_usage(folder).free < 2 * size:
            report.skipped["datasets"] = (
                f"it copies what it reads, and {folder} has no {2 * size / 1e9:,.1f} GB free; set "
                "TMPDIR to a larger disk"
            )
            return
        done = subprocess.run(
            [sys.executable, "-P", hugging.__file__, folder, *wanted],
            cwd=export.folder / "shards",
            env={**os.environ, **hugging.OFFLINE, "HF_HOME": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()] or ["no word"]
        report.fault("datasets", "shards", f"`datasets` stops: {' '.join(told[-1].split()):.300}")
        return
    found = json.loads(done.stdout.splitlines()[-1])
    for split in wanted:
        rows = sum(1 for (shard, _) in export.by_key if shard.startswith(f"shards/{split}-"))
        report.counted["datasets"] += found[split]["rows"]
        if found[split]["rows"] != rows:
            report.fault(
                "datasets",
                f"shards, {split}",
                f"`datasets` reads {found[split]['rows']:,} samples, the lineage has {rows:,}",
            )
        if not found[split]["images"]:
            report.fault("datasets", f"shards, {split}", "`datasets` sees no column of images")
