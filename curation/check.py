"""An export, loaded again by the rules of those who will read it; what is wrong is listed by name.

    files          every file is there and is as the manifest says, and no other is
    lineage        every record has its origin, and is where its lineage says
    webdataset     webdataset reads every shard
    datasets       Hugging Face's `datasets` reads every shard, without a network
    images         every image opens, and is the one that the lineage names
    labels         types and levels are in range, and agree wherever they are written
    conversations  roles, and `<image>` in the first thing said, as each kind of trainer wants them
    uids           no uid twice
    splits         no picture, and none like it, in both training and validation
    sampler        enough clean records to draw from in stage I

Nothing is written, and nothing stops at the first fault.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np

from audit import duplicates
from audit.parts import digest_of
from audit.steps import Show
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import check_lines, check_samples
from curation.checked import Export, Report
from curation.manifest import NAME
from curation.records import SPLITS
from curation.splitting import NEAR

DRAWN = 3000
"""Clean records that the released stage I draws with random.sample, which raises when there are
fewer (papers.md 3.1)."""

_WANTED = (
    "uid", "split", "line", "row_id", "source_shard", "source_member", "size", "sha256", "format",
    "type", "level", "decided_by", "action", "reason",
)  # fmt: skip


def check(
    folder: Path,
    show: Show,
    *,
    drawn: int = DRAWN,
    distance: int = NEAR,
    with_datasets: bool = True,
) -> Report:
    """Check an export.

    drawn     clean records that the trainer of stage I draws
    distance  bits of 64 in which the hashes of pictures that count as alike may differ, 0 to 7
    raises    UsageError when the folder is no export of ours
    """
    report = Report()
    if not with_datasets:
        report.skipped["datasets"] = "as asked for"
    export = Export(folder, report)
    _files(export, show)
    _lineage(export)
    check_samples.check(export, show)
    check_lines.check(export, show)
    _uids(export)
    _splits(export, distance)
    _sampler(export, drawn)
    return report


def _files(export: Export, show: Show) -> None:
    """Files against the manifest."""
    listed = export.manifest.get("files")
    listed = listed if isinstance(listed, dict) else {}
    there = {
        path.relative_to(export.folder).as_posix()
        for path in export.folder.rglob("*")
        if path.is_file() or path.is_symlink()
    }
    fault = export.report.fault
    for path in sorted(there - listed.keys() - {NAME}):
        fault("files", path, "is not in the manifest; take it out of the folder")
    for number, (path, said) in enumerate(sorted(listed.items())):
        show(number, len(listed), "files compared with the manifest")
        export.report.counted["files"] += 1
        if path not in there:
            fault("files", path, "is missing; export again")
            continue
        target = export.folder / path
        said = said if isinstance(said, dict) else {}
        size = target.stat().st_size
        if target.is_symlink():
            fault("files", path, "is a link, not a file")
        elif size != said.get("size"):
            fault("files", path, f"has {size:,} bytes, the manifest says {said.get('size')}")
        elif (digest := digest_of(target)) != said.get("sha256"):
            fault(
                "files", path, f"has sha256 {digest[:12]}, the manifest {said.get('sha256')!s:.12}"
            )


def _lineage(export: Export) -> None:
    """Lineage against itself and the manifest's counts."""
    rows, fault = export.lineage, export.report.fault
    export.report.counted["lineage"] = len(rows)
    counts = export.manifest.get("counts")
    said = counts.get("records") if isinstance(counts, dict) else None
    if said != len(rows):
        fault("lineage", "lineage.parquet", f"{len(rows):,} records, the manifest says {said}")
    for number, row in enumerate(rows):
        missing = [name for name in _WANTED if row[name] is None]
        if missing:
            fault("lineage", f"row {number}", f"says nothing about {', '.join(missing)}")
        if row["split"] not in SPLITS or row["type"] not in TYPES or row["level"] not in LEVELS:
            fault(
                "lineage",
                f"row {number}",
                f"no such split, type or level: {row['split']}, {row['type']}, {row['level']}",
            )
    lines = Counter((row["split"], row["line"]) for row in rows)
    for (split, line), times in lines.items():
        if times > 1:
            fault("lineage", f"{split}, line {line}", f"belongs to {times} records")


def _uids(export: Export) -> None:
    counts = Counter(row["uid"] for row in export.lineage)
    export.report.counted["uids"] = len(counts)
    for uid, times in counts.items():
        if times > 1:
            export.report.fault("uids", str(uid), f"belongs to {times} records")


def _splits(export: Export, distance: int) -> None:
    """Pictures that stand in both splits, or are like one in the other."""
    first: dict[str, dict[str, str]] = {}  # of each split: sha256 -> uid of the first record
    for row in export.lineage:
        first.setdefault(row["split"], {}).setdefault(row["sha256"], row["uid"])
    train, val = (first.get(split, {}) for split in SPLITS)
    export.report.counted["splits"] = len(train) + len(val)
    for digest in sorted(digest for digest in train.keys() & val.keys() if digest):
        export.report.fault(
            "splits", f"{train[digest]} and {val[digest]}", "are the same picture, in both splits"
        )
    by_hash: dict[int, list[str]] = {}
    for digest in sorted(digest for digest in train.keys() ^ val.keys() if digest):
        if (phash := export.phash(digest)) is not None:
            by_hash.setdefault(int(phash, 16), []).append(digest)
    values = np.array(sorted(by_hash), np.uint64)
    known = [by_hash[value] for value in values.tolist()]
    same = np.column_stack([np.arange(len(values))] * 2)  # pictures of one hash are alike, too
    near = duplicates.pairs_among(values, distance)
    for one, other in np.concatenate([same, near, near[:, ::-1]]).tolist():
        apart = int(duplicates.ones(values[[one]] ^ values[[other]])[0])
        for here, there in product(known[one], known[other]):
            if here in train and there in val:
                export.report.fault(
                    "splits",
                    f"{train[here]} and {val[there]}",
                    f"look alike ({apart} of 64 bits apart) and are in both splits",
                )


def _sampler(export: Export, drawn: int) -> None:
    if export.manifest.get("stage") != 1:
        export.report.skipped["sampler"] = "stage II takes all records, it draws none"
        return
    clean = sum(row["split"] == "train" and row["type"] == TYPES[SAFE] for row in export.lineage)
    export.report.counted["sampler"] = clean
    if clean < drawn:
        export.report.fault(
            "sampler",
            "train",
            f"{clean:,} clean records; random.sample of {drawn:,}, as the released stage I draws "
            f"them, raises ValueError: tell the trainer to draw {clean:,} at most",
        )
