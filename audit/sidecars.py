"""What img2dataset wrote beside a shard: the rows that failed before the tar was made.

`00000.tar` has `00000.parquet` (one row a url, failed ones included) and `00000_stats.json`
(totals). Only local shards are looked at: asking a server for files that may not be there
costs more than it tells.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from audit.sources import Shard, stem
from audit.streams import is_remote, one_line

MAX_ERRORS = 100  # different error texts kept a shard; the rest counts as "other errors"
MAX_STATS = 1 << 20  # bytes of a stats.json; real ones have a few hundred


@dataclass(slots=True)
class Sidecar:
    """Rows of one shard by fate.

    failed    rows whose status is not "success"
    errors    error text (else status) -> rows; sums up to `failed`
    written   rows that went into the tar; None when there is no sidecar
    problems  one line for each sidecar that could not be read
    """

    failed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    written: int | None = None
    problems: list[str] = field(default_factory=list)


def read_sidecar(shard: Shard) -> Sidecar:
    """Read the sidecars of a shard, the parquet first; an empty Sidecar where there are none."""
    sidecar = Sidecar()
    if is_remote(shard.url):
        return sidecar
    tar = Path(shard.url)
    for path, read in (
        (tar.with_name(f"{stem(tar.name)}.parquet"), _parquet),
        (tar.with_name(f"{stem(tar.name)}_stats.json"), _stats),
    ):
        if not path.is_file():
            continue
        try:
            counts = read(path)
        except (OSError, ValueError, TypeError, KeyError, RecursionError, pa.ArrowException) as why:
            sidecar.problems.append(
                f"{path.name}: {one_line(why)}; rows that failed before the "
                "tar was written are not counted from it: fetch it again"
            )
            continue
        if counts is not None:
            sidecar.written = counts.pop("success", 0)
            sidecar.failed = counts.total()
            sidecar.errors = _bounded(counts)
            break
    return sidecar


def _parquet(path: Path) -> Counter[str] | None:
    counts: Counter[str] = Counter()
    with pq.ParquetFile(path) as file:
        if "status" not in file.schema_arrow.names:  # some other tool's parquet
            return None
        names = file.schema_arrow.names
        columns: list[str] = [name for name in ("status", "error_message") if name in names]
        for batch in file.iter_batches(columns=columns):
            rows = pa.Table.from_batches([batch]).group_by(columns, use_threads=False)
            for row in rows.aggregate([([], "count_all")]).to_pylist():
                status = str(row["status"] or "no status")
                if status != "success":
                    status = str(row.get("error_message") or status)[:200]
                    status = "failed" if status == "success" else status
                counts[status] += row["count_all"]
    return counts


def _stats(path: Path) -> Counter[str]:
    with path.open("rb") as file:
        stats = json.loads(file.read(MAX_STATS))
    rows, good = int(stats["count"]), int(stats["successes"])
    if not 0 <= good <= rows:
        raise ValueError(f"count {rows} and successes {good} cannot both be right")
    counts: Counter[str] = Counter()
    for status, count in dict(stats.get("status_dict", {})).items():
        if status != "success" and int(count) > 0:
            counts[str(status)[:200]] += int(count)
    if counts.total() != rows - good:
        counts = Counter({"failed": rows - good} if rows > good else {})
    counts["success"] = good
    return counts


def _bounded(counts: Counter[str]) -> dict[str, int]:
    kept = dict(counts.most_common(MAX_ERRORS))
    rest = counts.total() - sum(kept.values())
    if rest:
        kept["other errors"] = kept.get("other errors", 0) + rest
    return kept
