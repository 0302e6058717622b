"""Proves a catalog against the tars it was made from: what `audit verify` says.

Three comparisons, none of which trusts the other: the part against itself, the part against its
tar read again, and catalog.duckdb and vectors.faiss against the parts. Scores are not computed
again; checksums say that they are the ones that were written.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from audit import embedded, vectors
from audit.books import PartBooks
from audit.catalog import NAME, Catalog
from audit.embeddings import is_embedding_folder
from audit.errors import ShardwardenError
from audit.parts import Parts, digest_of
from audit.plan import PARTIAL, is_partial
from audit.rows import STATUSES, UNIT_TOLERANCE, row_id
from audit.shards import MAX_BYTES, Books, Sample, Shard, ShardReader, expand, read_range
from audit.streams import is_remote

TOLD = 5  # problems of one shard's rows written out; the rest is counted

_RESCAN = "scan the shard again"
_TAR_COLUMNS = ("key", "image_member", "offset", "size", "caption", "metadata")


def verify(catalog_dir: Path | str, *, sources: Sequence[str] | None = None) -> list[str]:
    """Look for anything in a catalog that is not as its tars, or not as its other files, say.

    sources   where the shards are now; None: where audit.json says, or where the parts say
    returns   one line for each problem: where, what, what to do; empty when there is none
    raises    ShardwardenError when this is not a catalog
    Reads every tar once more. Run it while no scan writes this catalog.
    """
    directory = Path(catalog_dir)
    parts = Parts(directory)
    if not parts.directory.is_dir():
        raise ShardwardenError(f"{directory}: not a catalog, it has no parts; run `audit scan`")
    problems: list[str] = []
    header = _header(directory, problems)
    if pending := header.get("rescoring"):
        problems.append(
            f"{directory}: rescoring with {pending.get('scorer')} was broken off; run it again"
        )
    named = list(sources or header.get("sources", []))
    folders = [source for source in named if is_embedding_folder(source)]
    shards = _expected([source for source in named if source not in folders], problems)
    max_bytes = header.get("options", {}).get("max_bytes", MAX_BYTES)
    sound = []
    scorers: Counter[str] = Counter()
    for path in parts.orphans():
        problems.append(f"{path.name}: its part is not there; {_RESCAN}")
    for shard_id in sorted(shards.keys() | set(parts.shard_ids())):
        fault = parts.fault(shard_id)
        if fault is not None:
            problems.append(fault)
            continue
        sound.append(shard_id)
        books = parts.books(shard_id)
        scorers[books.scorer] += 1
        shard = shards.get(shard_id) or Shard(shard_id, books.url, books.name, books.compressed)
        try:
            problems += _part(parts, books)
            if books.kind == "shard":
                problems += _tar(parts, books, ShardReader(shard, max_bytes=max_bytes))
        except ShardwardenError as error:
            problems.append(str(error))
    problems += _folders(parts, folders, sound)
    if len(scorers) > 1:
        problems.append(
            f"{parts.directory}: parts of {len(scorers)} different scorers; "
            "scan with --overwrite so that scores can be compared"
        )
    problems += _published(directory, parts, sound)
    return problems


def _folders(parts: Parts, folders: Sequence[str], sound: Sequence[str]) -> Iterator[str]:
    """Parts of embeddings against the folders they were read from."""
    for folder in folders:
        try:
            yield from embedded.differences(parts, folder)
        except ShardwardenError as error:
            yield str(error)
    if not folders and any(parts.books(shard_id).kind != "shard" for shard_id in sound):
        yield f"{parts.directory.parent}: the folder of its embeddings is not there; name it"


def _header(directory: Path, problems: list[str]) -> dict[str, Any]:
    path = directory / "audit.json"
    try:
        header = json.loads(path.read_bytes())
        if not isinstance(header["sources"], list) or not isinstance(header["options"], dict):
            raise TypeError("sources must be a list, options an object")
        return dict(header)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.append(f"{path}: cannot be read ({error!r:.200}); scan again to write it anew")
        return {}


def _expected(sources: Sequence[str], problems: list[str]) -> dict[str, Shard]:
    """Shards the catalog should have parts of, by id."""
    try:
        return {shard.id: shard for shard in expand(sources)} if sources else {}
    except ShardwardenError as error:
        problems.append(str(error))
        return {}


def _part(parts: Parts, books: PartBooks) -> Iterator[str]:
    """The part against itself: statuses, ids, checksums, unit length."""
    parquet, npy = parts.paths(books.shard)
    if not books.balanced:
        yield (
            f"{parquet.name}: {books.members:,} members, but {books.scored:,} scored + "
            f"{books.failed:,} failed + {books.quarantined:,} quarantined + {books.other:,} "
            f"other; {_RESCAN}"
        )
    table = parts.rows(books.shard)
    counts = Counter(table.column("status").to_pylist())
    if any(counts[status] != getattr(books, status) for status in STATUSES):
        yield f"{parquet.name}: statuses {dict(counts)} are not those of its books; {_RESCAN}"
    ids = [row_id(books.shard, n) for n in range(len(table))]
    if table.column("row_id").to_pylist() != ids:
        yield f"{parquet.name}: row_ids are not those of images 0 to {len(ids) - 1}; {_RESCAN}"
    if set(table.column("shard").to_pylist()) - {books.shard}:
        yield f"{parquet.name}: has rows of another shard; {_RESCAN}"
    if digest_of(npy) != books.embeddings:
        yield f"{npy.name}: bytes are not those that were written; {_RESCAN}"
    embeddings = parts.embeddings(books.shard)
    wrong = 0
    for start in range(0, len(embeddings), vectors.CHUNK):
        chunk = np.asarray(embeddings[start : start + vectors.CHUNK], dtype=np.float32)
        wrong += int((~(np.abs(np.linalg.norm(chunk, axis=1) - 1) <= UNIT_TOLERANCE)).sum())
    if wrong:
        yield f"{npy.name}: {wrong:,} embeddings are not of unit length; {_RESCAN}"
    features = parts.features_path(books.shard)
    if books.features and digest_of(features) != books.features:
        yield f"{features.name}: bytes are not those that were written; {_RESCAN}"
    if not books.features and features.exists():
        yield f"{features.name}: its part does not know it; delete it"


def _tar(parts: Parts, books: PartBooks, reader: ShardReader) -> Iterator[str]:
    """The part against its tar, read again: every row, then the books."""
    shard = reader.shard
    table = parts.rows(books.shard, [*_TAR_COLUMNS, "uid", "sha256", "status"])
    told = 0
    partial = is_partial(books)  # a trial with --limit: the rest of the tar has no rows yet
    samples = islice(reader, len(table)) if partial else reader
    for number, (row, sample) in enumerate(zip_longest(_row_dicts(table), samples)):
        for problem in _row(shard, row, sample):
            told += 1
            if told <= TOLD:
                yield f"{shard.name}: image {number:,}: {problem}; {_RESCAN}"
    if told > TOLD:
        yield f"{shard.name}: {told - TOLD:,} more images that differ; {_RESCAN}"
    if partial:
        yield from (f"{shard.name}: {f.detail}" for f in books.faults if f.kind == PARTIAL)
    else:
        yield from _books(shard, books, reader.books)


def _row_dicts(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def _row(shard: Shard, row: dict[str, Any] | None, sample: Sample | None) -> Iterator[str]:
    if row is None or sample is None:
        key = row["key"] if row else sample.key if sample else ""
        yield f"{key!r} is in the {'part' if row else 'tar'} only"
        return
    for name in _TAR_COLUMNS:
        if row[name] != getattr(sample, name):
            yield f"{row['key']!r}: {name} is another in the tar"
    if row["sha256"] is None:
        if row["status"] == "scored":
            yield f"{row['key']!r}: scored, but without a sha256"
    elif hashlib.sha256(_image(shard, row, sample)).hexdigest() != row["sha256"]:
        yield f"{row['key']!r}: the image's bytes are not those that were scored"
    if row["uid"] != (sample.uid or row["sha256"]):
        yield f"{row['key']!r}: uid is another in the tar"


def _image(shard: Shard, row: dict[str, Any], sample: Sample) -> bytes:
    """The image's bytes at the stored offset, as review and export will read them.

    A remote shard is not asked for each image: there the bytes are those that were streamed.
    """
    if row["offset"] is not None and (sample.data is None or not is_remote(shard.url)):
        try:
            return read_range(shard.url, row["offset"], row["size"])
        except ShardwardenError:
            return b""
    return sample.data or b""


def _books(shard: Shard, stored: PartBooks, read: Books) -> Iterator[str]:
    for name, here, there in (
        ("members", stored.members, read.members),
        ("images", stored.rows, read.images),
        ("other members", stored.other, read.other),
        ("samples failed upstream", stored.upstream_failed, read.upstream_failed),
    ):
        if here != there:
            yield f"{shard.name}: {here:,} {name} in the part, {there:,} in the shard; {_RESCAN}"
    if stored.upstream_errors != read.upstream_errors:
        yield f"{shard.name}: its sidecar gives other upstream errors than the part; {_RESCAN}"
    if list(stored.faults) != read.faults:
        kinds = ", ".join(sorted({fault.kind for fault in read.faults})) or "none"
        yield f"{shard.name}: faults now ({kinds}) are not those in the part; {_RESCAN}"


def _published(directory: Path, parts: Parts, ids: Sequence[str]) -> Iterator[str]:
    """catalog.duckdb and vectors.faiss against the parts."""
    do = f"run `audit index {directory}`"
    try:
        with Catalog(directory) as catalog:
            yield from catalog.differences(parts, ids)
            built, digest = catalog.vectors, catalog.vectors_sha256
    except ShardwardenError as error:
        yield str(error)
        return
    path = directory / vectors.NAME
    try:
        index = vectors.open(directory)
    except ShardwardenError as error:
        yield str(error)
        return
    if digest_of(path) != digest:
        yield f"{path.name}: bytes are not those that were built with the catalog; {do}"
    try:
        expected = sum(len(vectors.scored_ids(parts, shard_id)) for shard_id in ids)
        if built != expected:
            yield f"{NAME}: table built says {built:,} vectors, {expected:,} rows are scored; {do}"
        if index.ntotal != expected:
            yield f"{path.name}: {index.ntotal:,} vectors, {expected:,} rows are scored; {do}"
        elif not vectors.holds(index, parts, ids):
            yield f"{path.name}: ids or vectors are not those of the parts; {do}"
    except (ShardwardenError, RuntimeError) as error:
        yield f"{path.name}: cannot be compared with the parts ({error}); {do}"
