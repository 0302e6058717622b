"""How fast an export is written, over copying the tars that its images lie in.

    python -m bench.export [CATALOG] [--turns N]

Every scored image of the catalog becomes one record, in an order that has nothing to do with where
it lies. Copying (and hashing) the tars reads the same bytes from start to end and checks nothing.
Everything is measured in turns within one run, each with what it wrote brought to the disk.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from audit.catalog import Catalog
from audit.plan import ScanOptions
from audit.scan import scan
from audit.taxonomy import LEVELS, TYPES
from bench.scan import compact, over, repeated, show
from curation.export import Options, export
from curation.guard import Forbidden
from curation.manifest import Origin
from curation.records import Record, SourceRow, Turn

COLUMNS = (
    "row_id", "uid", "shard", "key", "image_member", "offset", "size", "sha256", "format",
    "width", "height", "caption", "metadata", "status",
)  # fmt: skip
NOTHING = Forbidden(frozenset(), frozenset())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print one line for each figure."""
    p = argparse.ArgumentParser(prog="python -m bench.export", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("catalog", nargs="?", type=Path, help="default: of the demo shards, repeated")
    p.add_argument("--images", type=int, default=600, help="repeat the demo shards up to so many")
    p.add_argument("--turns", type=int, default=7)
    args = p.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        catalog = args.catalog or demo(Path(folder), args.images)
        measure(catalog, Path(folder), args.turns)
    return 0


def demo(folder: Path, images: int) -> Path:
    """A catalog of the demo shards; a scorer of random weights does, scores play no part."""
    source = str(repeated(folder / "shards", images))
    scan([source], folder / "demo.audit", compact(), ScanOptions())
    return folder / "demo.audit"


def measure(catalog_dir: Path, folder: Path, turns: int) -> None:
    """Measure in turns and print."""
    with Catalog(catalog_dir) as catalog:
        urls: dict[str, str] = {b["shard"]: b["url"] for b in catalog.shards().to_pylist()}
        rows: list[dict[str, Any]] = catalog.columns(COLUMNS).to_pylist()
    found = [SourceRow(**row, url=urls[row["shard"]]) for row in rows if row["status"] == "scored"]
    random.Random(0).shuffle(found)
    records = [record(row, number) for number, row in enumerate(found)]
    tars = [Path(url) for url in urls.values()]
    size = sum(tar.stat().st_size for tar in tars)
    print(f"{len(records):,} records, {len(tars):,} tars of {size / 1e6:,.1f} MB; "
          f"median of {turns} turns [lowest .. highest]", flush=True)  # fmt: skip

    def copied(target: Path) -> None:
        target.mkdir()
        for tar in tars:
            shutil.copyfile(tar, target / tar.name)

    def hashed(target: Path) -> None:
        copied(target)
        for tar in tars:
            with tar.open("rb") as file:
                hashlib.file_digest(file, "sha256")

    works: dict[str, Callable[[Path], object]] = {
        "copying": copied,
        "copying and hashing": hashed,
        **{name: writer(records, formats) for name, formats in FORMATS.items()},
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):  # the first warms
        for name, work in works.items():
            target = folder / "written"
            began = time.perf_counter()
            work(target)
            os.sync()
            if turn:
                times[name].append(time.perf_counter() - began)
            shutil.rmtree(target)
    for name in FORMATS:
        show(f"{name}: time over copying", over(times[name], times["copying"]))
        show("  over copying and hashing", over(times[name], times["copying and hashing"]))
        print(f"  {len(records) / statistics.median(times[name]):,.0f} records/s", flush=True)


def writer(records: Sequence[Record], formats: tuple[str, ...]) -> Callable[[Path], object]:
    """Writes an export of these formats."""
    return lambda target: export(
        records, target, ORIGIN, NOTHING, Options(formats), lambda *_: None
    )


def record(row: SourceRow, number: int) -> Record:
    """A record that says nothing in particular."""
    return Record(
        uid=f"{row.uid}-{number}", row=row, split="train", type="safe", level="none", concepts=(),
        risk=0.0, p_types=dict.fromkeys(TYPES, 0.0), p_levels=dict.fromkeys(LEVELS, 0.0),
        decided_by="scorer", action="keep", reason="clean", decision_ids=(), pair=None,
        turns=(Turn("user", "<image>\nWhat is it?"), Turn("assistant", row.caption or "?")),
        source="caption", template=None,
    )  # fmt: skip


FORMATS = {"wds": ("wds",), "wds and psa-vlm": ("wds", "psa-vlm")}
ORIGIN = Origin(
    name="bench", stage=2, seed=0,
    catalog={"name": "bench", "sha256": "", "images": 0, "shards": 0},
    scorer={"name": "none", "fingerprint": ""}, taxonomy="", policy={"name": "none", "hash": ""},
    decisions={}, options={}, selection={}, composition={}, residual=None,
)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
