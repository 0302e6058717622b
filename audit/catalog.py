"""Questions to catalog.duckdb, which `audit.building` makes: every SELECT is here.

A reader attaches the file read-only from an instance of its own: it goes on seeing the file it has
opened, so readers and writers never wait for each other. Nobody opens the published file with
plain `open()`: closing it would drop DuckDB's lock in the same process.
"""

from __future__ import annotations

import glob
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import books
from audit.errors import CatalogMismatch, ShardwardenError, UsageError
from audit.parts import Parts, digest_of
from audit.text import visible

NAME = "catalog.duckdb"

# A SELECT must not fetch anything, neither an extension nor a Python variable.
CLOSED: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}

_CONTENTS = "SELECT shard, count(*), sum(hash(s)::HUGEINT) FROM {source} s GROUP BY shard"


def book_tables(parts: Parts, ids: Sequence[str]) -> dict[str, pa.Table]:
    """Tables `shards`, `faults` and `upstream` of these parts."""
    return books.tables(
        [parts.books(shard_id) for shard_id in ids],
        [digest_of(parts.paths(shard_id)[0]) for shard_id in ids],
    )


def _patterns(parts: Parts, ids: Sequence[str]) -> list[str]:
    """Paths for read_parquet, which takes patterns: brackets in a folder's name are no pattern."""
    return [glob.escape(str(parts.paths(shard_id)[0].resolve())) for shard_id in ids]


class Catalog(ExitStack):
    """A catalog opened for reading: the published file as it was at that moment.

    It never waits for a scan or an index, and they never wait for it; open it anew to see what
    has been published since. A context manager; `close` lets go of the file.
    """

    def __init__(
        self, directory: Path | str, *, memory: str | None = None, threads: int | None = None
    ) -> None:
        """Raise ShardwardenError when the catalog has not been built or cannot be read.

        memory   that all questions together may take, such as "2GB"; threads: likewise
        """
        super().__init__()
        self.directory = Path(directory)
        path = (self.directory / NAME).resolve()
        if not path.exists():
            # audit.header, which knows the name, imports this module.
            if not any((self.directory / name).exists() for name in ("audit.json", "parts")):
                raise ShardwardenError(f"{directory}: is no catalog; `audit scan` makes one")
            raise ShardwardenError(f"{path}: no such file; run `audit index {directory}`")
        limits = {"memory_limit": memory, "threads": threads}
        config = {**CLOSED, **{name: value for name, value in limits.items() if value is not None}}
        self._connection = self.enter_context(duckdb.connect(":memory:", config=config))
        try:
            quoted = str(path).replace("'", "''")
            self._connection.execute(f"ATTACH '{quoted}' AS catalog (READ_ONLY)")
            self._connection.execute("USE catalog")
            self._connection.execute("SET temp_directory = ''")
            self._connection.execute("SET enable_progress_bar = false")  # it would be on stdout
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
            built = self._rows("SELECT * FROM built")
        except duckdb.Error as error:
            self.close()
            raise ShardwardenError(
                f"{path}: {one_line(error)}; run `audit index {directory}`"
            ) from error
        if not built or built[0][0] != books.FORMAT:
            self.close()
            raise CatalogMismatch(
                f"{path}: not of format {books.FORMAT}; run `audit index {directory}`"
            )
        self.vectors: int = built[0][1]
        self.vectors_sha256: str = built[0][2]
        self.state: str = built[0][3]

    def sql(
        self, query: str, *, limit: int | None = None, timeout: float | None = None
    ) -> pa.Table:
        """Answer one SELECT over `samples`, `shards`, `faults`, `upstream`, `map`; writes nothing.

        limit    rows given back at most
        timeout  seconds it may take
        raises   UsageError, one line, for anything but one SELECT and for a SELECT that fails
        """
        if not query.isascii() and any("\ud800" <= c <= "\udfff" for c in query):
            raise UsageError("sql: the query is not Unicode text")
        try:
            statements = self._connection.extract_statements(query)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise UsageError("sql: give exactly one SELECT; the catalog is read-only")
            with self._stopped_after(timeout):
                return _take(self._connection.sql(statements[0]), limit)
        except (duckdb.Error, RuntimeError) as error:
            raise UsageError(f"sql: {one_line(error)}") from error

    def matching(self, condition: str, *, timeout: float) -> npt.NDArray[np.int64]:
        """[N] row_ids of the rows that fit a condition; no order. Not for several threads at once.

        condition  one expression over the columns of `samples`
        timeout    seconds it may take
        raises     UsageError, one line: not exactly one expression, or one that fails
        """
        if not condition.isascii() and any("\ud800" <= c <= "\udfff" for c in condition):
            raise UsageError("sql: the condition is not Unicode text")
        try:
            samples = self._connection.table("samples")
            # Parsed as one expression: nothing behind it can end the query around it.
            found = samples.filter(duckdb.SQLExpression(condition)).select("row_id")
        except (duckdb.Error, RuntimeError) as error:
            raise UsageError(f"sql: {one_line(error)}") from error
        try:
            with self._stopped_after(timeout, "ask for less"):
                return np.asarray(found.fetchnumpy()["row_id"], np.int64)
        except (duckdb.Error, RuntimeError) as error:
            # Its message may quote any row, also one that is not to be seen.
            raise UsageError(
                f"sql: fails at some row ({type(error).__name__}); try_cast instead of cast "
                "passes over what cannot be converted"
            ) from error

    @contextmanager
    def _stopped_after(
        self, seconds: float | None, do: str = "ask for less, or give a longer --timeout"
    ) -> Iterator[None]:
        if seconds is None:
            yield
            return
        over = threading.Event()

        def stop() -> None:
            over.set()
            self._connection.interrupt()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            yield
        except (duckdb.Error, RuntimeError, OSError) as error:
            if over.is_set():
                raise UsageError(f"sql: stopped after {seconds:g} s; {do}") from error
            raise
        finally:
            timer.cancel()

    def ask(self, query: str, values: Sequence[Any] = ()) -> pa.Table:
        """Answer one of our own SELECTs, on a cursor of its own: threads may ask side by side.

        query   names tables in full, as in catalog.samples
        """
        with self._connection.cursor() as cursor:
            return _take(cursor.sql(query, params=list(values)), None)

    def has(self, *tables: str) -> bool:
        """Whether it has these tables: one that an older version built may lack some."""
        found = self.ask(
            "SELECT count(*) AS n FROM duckdb_tables() WHERE database_name = 'catalog' "
            "AND table_name IN (SELECT unnest(?::VARCHAR[]))",
            [list(tables)],
        )
        return bool(found["n"][0].as_py() == len(tables))

    def columns(
        self, names: Sequence[str], *, concepts: Sequence[str] = (), extras: Sequence[str] = ()
    ) -> pa.Table:
        """Columns of every row, in the order of the parts.

        names     columns of `samples`
        concepts  each adds a float32 column `concept:<name>`, NULL where the row has no such
                  score; extras: likewise `extra:<name>`
        raises    UsageError for a column that there is not
        """
        wanted = [duckdb.ColumnExpression(name) for name in names]
        for column, title, keys in (("concepts", "concept", concepts), ("extras", "extra", extras)):
            for key in keys:
                value = duckdb.FunctionExpression(
                    "map_extract_value",
                    duckdb.ColumnExpression(column),
                    duckdb.ConstantExpression(key),
                )
                wanted.append(value.alias(f"{title}:{key}"))
        try:
            with self._connection.cursor() as cursor:
                return _take(cursor.table("catalog.main.samples").select(*wanted), None)
        except duckdb.Error as error:
            raise UsageError(f"columns: {one_line(error)}") from error

    def shards(self) -> pa.Table:
        """The books of every shard, by id."""
        with self._connection.cursor() as cursor:
            return _take(cursor.table("catalog.main.shards").order("shard"), None)

    def score_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(concepts, extra scorers' columns) that some row has a score of, sorted."""
        concepts, extras = (
            self._rows(
                f"SELECT DISTINCT unnest(map_keys({column})) AS name FROM samples "
                f"WHERE {column} IS NOT NULL ORDER BY name"
            )
            for column in ("concepts", "extras")
        )
        return tuple(name for (name,) in concepts), tuple(name for (name,) in extras)

    def differences(self, parts: Parts, ids: Sequence[str]) -> list[str]:
        """One line for each thing that the catalog and these parts do not have alike."""
        do = f"run `audit index {self.directory}`"
        try:
            return [f"{NAME}: {problem}; {do}" for problem in self._differences(parts, ids)]
        except duckdb.Error as error:
            return [f"{NAME}: cannot be compared with the parts ({one_line(error)}); {do}"]

    def _differences(self, parts: Parts, ids: Sequence[str]) -> Iterator[str]:
        mine = self._contents(self._connection, "samples", [])
        theirs: dict[str, tuple[int, int]] = {}
        if ids:
            with duckdb.connect(":memory:", config=CLOSED) as connection:
                theirs = self._contents(connection, "read_parquet(?)", [_patterns(parts, ids)])
        for shard in sorted(mine.keys() | theirs.keys()):
            (here, left), (there, right) = (rows.get(shard, (0, 0)) for rows in (mine, theirs))
            if here != there:
                yield f"{here:,} rows of {shard}, its part has {there:,}"
            elif left != right:
                yield f"rows of {shard} differ from its part"
        for name, table in book_tables(parts, ids).items():
            if not _take(self._connection.table(name), None).equals(table):
                yield f"table {name} differs from the books of the parts"
        double = "SELECT row_id FROM samples GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 5"
        if found := [str(row[0]) for row in self._rows(double)]:
            yield f"row_ids that several rows have: {', '.join(found)}"

    @staticmethod
    def _contents(
        connection: duckdb.DuckDBPyConnection, source: str, values: list[Any]
    ) -> dict[str, tuple[int, int]]:
        rows = connection.execute(_CONTENTS.format(source=source), values).fetchall()
        return {shard: (count, total) for shard, count, total in rows}

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute("USE catalog")
            return cursor.execute(query).fetchall()


def _take(relation: duckdb.DuckDBPyRelation, limit: int | None) -> pa.Table:
    """Fetch at most `limit` rows; what is behind them is not computed."""
    with relation.to_arrow_reader(65_536 if limit is None else max(1, limit)) as reader:
        batches: list[pa.RecordBatch] = []
        left = limit
        for batch in reader:
            if left is not None:
                batch = batch.slice(0, left)
                left -= len(batch)
            batches.append(batch)
            if left == 0:
                break
        return pa.Table.from_batches(batches, reader.schema)


def one_line(error: Exception) -> str:
    """DuckDB's message without the lines that draw an arrow; it may quote a caption."""
    return visible(" ".join(str(error).split("\n\nLINE", 1)[0].split())[:300])
