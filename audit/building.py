"""parts -> catalog.duckdb and vectors.faiss, built under other names and published by rename."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from audit import books, clusters, mapping, vectors
from audit.catalog import CLOSED, NAME, Catalog, book_tables
from audit.columns import SCHEMA
from audit.errors import CatalogMismatch, ShardwardenError
from audit.parts import Parts, digest_of, replacing
from audit.status import IndexReport


def index(catalog_dir: Path | str, *, flat_below: int = vectors.FLAT_BELOW) -> IndexReport:
    """Build catalog.duckdb and vectors.faiss from the parts and publish both by rename.

    Waits while another process indexes the same catalog. Parts that are not whole, or of which a
    page is damaged, are left out and named in the report.
    flat_below   see vectors.build
    raises       CatalogMismatch when parts are of two scorers: their scores cannot be compared
    """
    started = time.monotonic()
    directory = Path(catalog_dir)
    parts = Parts(directory)
    if not parts.directory.is_dir():
        raise ShardwardenError(f"{directory}: not a catalog, it has no parts; run `audit scan`")
    with _alone(directory):
        state = _state(parts)  # before they are read: what changes meanwhile is built again
        whole, skipped = [], []
        for shard_id in parts.shard_ids():
            fault = parts.fault(shard_id)
            if fault is None:
                whole.append(shard_id)
            else:
                skipped.append(fault)
        _check_one_scorer(directory, parts, whole)
        with (
            replacing(directory / NAME) as database,
            replacing(directory / vectors.NAME) as faiss_file,
            duckdb.connect(str(database), config={**CLOSED, "temp_directory": ""}) as connection,
        ):
            connection.execute("SET enable_progress_bar = false")  # whoever calls may draw one
            ids, damaged, rows = _insert(connection, parts, whole)
            count = vectors.build(parts, ids, faiss_file, flat_below=flat_below)
            built: dict[str, list[Any]] = {
                "format": [books.FORMAT],
                "vectors": [count],
                "vectors_sha256": [digest_of(faiss_file)],
                "state": [state],
            }
            tables = {
                **book_tables(parts, ids),
                "built": pa.table(built),
                **_map(parts, ids, skipped),
            }
            for name, table in tables.items():
                _create(connection, name, table)
            _insert_clusters(connection)
            connection.execute("CHECKPOINT")
            connection.close()  # before the file takes its name
    return IndexReport(len(ids), rows, count, time.monotonic() - started, tuple(skipped + damaged))


def refresh(catalog_dir: Path | str) -> None:
    """Build the index unless what is published was built from exactly these parts."""
    directory = Path(catalog_dir)
    try:
        with Catalog(directory) as published:
            if published.state == _state(Parts(directory)) and (directory / vectors.NAME).exists():
                return
    except ShardwardenError:
        pass  # none, or of an older version
    index(directory)


def _state(parts: Parts) -> str:
    """Another text whenever a part was added, replaced or removed."""
    digest = hashlib.sha256(b"with clusters")  # older versions had none: built again
    for path in sorted(parts.directory.iterdir()):
        if path.suffix in (".parquet", ".npy"):
            found = path.stat()
            digest.update(
                f"{path.name}\0{found.st_size} {found.st_mtime_ns} {found.st_ino}\0".encode()
            )
    return digest.hexdigest()


def _check_one_scorer(directory: Path, parts: Parts, ids: Sequence[str]) -> None:
    scorers = {parts.books(shard_id).scorer for shard_id in ids}
    if len(scorers) > 1:
        raise CatalogMismatch(
            f"{directory}: has parts of {len(scorers)} scorers, whose scores cannot be compared; "
            "run the `audit rescore` that was broken off again, or `audit scan --overwrite`"
        )


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the catalog's index lock; what unfinished builds left is removed."""
    with (directory / ".index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in (NAME, vectors.NAME):
            for path in directory.glob(f"{name}.tmp-*"):  # and DuckDB's .wal beside it
                path.unlink(missing_ok=True)
        yield


def _insert(
    connection: duckdb.DuckDBPyConnection, parts: Parts, ids: Sequence[str]
) -> tuple[list[str], list[str], int]:
    """Fill `samples`, part by part: ids of those that could be read, why others not, rows."""
    _create(connection, "samples", SCHEMA.empty_table())
    sound, damaged, rows = [], [], 0
    connection.execute("BEGIN")
    for shard_id in ids:
        try:
            table = parts.rows(shard_id)  # tests the checksum of every page, as DuckDB does not
        except ShardwardenError as error:
            damaged.append(str(error))
            continue
        connection.register("arrow_table", table)
        connection.execute("INSERT INTO samples SELECT * FROM arrow_table")
        connection.unregister("arrow_table")
        sound.append(shard_id)
        rows += len(table)
    connection.execute("COMMIT")
    return sound, damaged, rows


def _map(parts: Parts, ids: Sequence[str], skipped: list[str]) -> dict[str, pa.Table]:
    """Tables `map` (row_id, x, y) and `mapped` (method, sample); no rows where there is no map."""
    try:
        places, made = mapping.read(parts, ids)
    except ShardwardenError as error:
        skipped.append(str(error))
        places, made = mapping.PLACES.empty_table(), None
    about: dict[str, Any] = {
        "method": pa.array([made.method] if made else [], pa.string()),
        "sample": pa.array([made.sample] if made else [], pa.int64()),
    }
    return {"map": places, "mapped": pa.table(about)}


def _insert_clusters(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `clusters`: row_id and cluster of every row that has near-duplicates.

    Pictures that look alike but in which other words were read are not the same: templates.
    """
    found = connection.execute(
        "SELECT row_id, try_cast('0x' || phash AS UBIGINT) AS hash FROM samples "
        "WHERE hash IS NOT NULL"
    ).fetchnumpy()
    rows, like, names = clusters.find(np.asarray(found["row_id"]), np.asarray(found["hash"]))
    found_alike = [pa.array(rows), pa.array(like), pa.array(names)]
    _create(connection, "alike", pa.table(found_alike, ["row_id", "leader", "cluster"]))
    connection.execute(
        "CREATE TABLE clusters AS SELECT row_id, cluster FROM alike "
        "JOIN samples USING (row_id) JOIN samples AS leader ON leader.row_id = alike.leader "
        "WHERE coalesce(samples.image_text, '') = coalesce(leader.image_text, '') "
        "QUALIFY count(*) OVER (PARTITION BY cluster) > 1 ORDER BY row_id"
    )
    connection.execute("DROP TABLE alike")


def _create(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    connection.register("arrow_table", table)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_table")
    connection.unregister("arrow_table")
