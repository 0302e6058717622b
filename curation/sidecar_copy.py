"""img2dataset's files beside a shard, for a copy of the shard that has fewer keys.

Rows of keys that are not in the copy go; rows that never were in the tar (failed downloads) stay,
but for addresses that were taken down.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.sidecars import MAX_STATS
from audit.sources import stem
from audit.streams import is_remote, one_line
from curation.arrays import pc
from curation.tombstones import same_url


def sidecars(url: str) -> list[Path]:
    """The files beside a local shard that `copy` knows, the Parquet first."""
    if is_remote(url):
        return []
    tar = Path(url.removeprefix("file://"))
    names = (f"{stem(tar.name)}.parquet", f"{stem(tar.name)}_stats.json")
    return [path for name in names if (path := tar.with_name(name)).is_file()]


def copy(
    found: list[Path], folder: Path, keys: Collection[str], gone: Collection[str]
) -> tuple[list[str], list[str]]:
    """Write adjusted copies into a folder, under the same names.

    keys     of the samples in the copy; gone: `same_url` of addresses that were taken down
    returns  (names written, one line for each file that was not)
    """
    written, problems = [], []
    names = {key.rpartition("/")[2] for key in keys}
    rows: int | None = None
    for path in found:
        try:
            if path.suffix == ".parquet":
                rows = _parquet(path, folder / path.name, names, gone)
            else:
                _stats(path, folder / path.name, len(keys), rows)
            written.append(path.name)
        except (OSError, ValueError, TypeError, KeyError, RecursionError, pa.ArrowException) as why:
            (folder / path.name).unlink(missing_ok=True)
            problems.append(f"{path.name}: left out ({one_line(why):.160})")
    return written, problems


def _parquet(path: Path, target: Path, keys: set[str], gone: Collection[str]) -> int:
    """Rows written."""
    wanted = pa.array(sorted(keys), pa.string())
    rows = 0
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        if "key" not in schema.names:
            raise ValueError("it has no column `key`, so nobody can say which rows to take out")
        with pq.ParquetWriter(target, schema) as out:
            for batch in file.iter_batches():
                table = pa.Table.from_batches([batch], schema)
                keep = pc.is_in(table["key"].cast(pa.string()), wanted)
                if "status" in schema.names:
                    failed = pc.not_equal(table["status"].cast(pa.string()), "success")
                    keep = pc.or_(keep, pc.fill_null(failed, True))
                if gone and "url" in schema.names:
                    urls = [same_url(url) if url else "" for url in table["url"].to_pylist()]
                    keep = pc.and_(keep, pa.array([url not in gone for url in urls], pa.bool_()))
                kept = table.filter(keep)
                rows += len(kept)
                out.write_table(kept)
    return rows


def _stats(path: Path, target: Path, keys: int, rows: int | None) -> None:
    """The totals, with `keys` successes; `rows`: how many there are with those that failed."""
    with path.open("rb") as file:
        stats: dict[str, Any] = json.loads(file.read(MAX_STATS))
    fewer = int(stats["successes"]) - keys
    stats["successes"] = keys
    if "count" in stats:
        stats["count"] = int(stats["count"]) - fewer if rows is None else rows
    if isinstance(stats.get("status_dict"), dict) and "success" in stats["status_dict"]:
        stats["status_dict"]["success"] = keys
    target.write_text(json.dumps(stats, indent=4), encoding="utf-8")
