"""New scores for a catalog without reading an image: from stored features, or from embeddings.

Part by part, each replaced by rename, so a rescore that is stopped at any moment leaves every part
whole, of the old scorer or of the new one. Which parts are done is written in their books; running
the same command again does the rest. catalog.duckdb is built anew at the end, when all parts are
of one scorer; until then it says what it said before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import building, header
from audit.books import PartBooks
from audit.columns import SCHEMA, named_map, score_columns
from audit.embedding_scorer import EmbeddingScorer
from audit.errors import CatalogMismatch, ShardwardenError, UsageError
from audit.parts import Parts
from audit.registry import check_embeddings
from audit.scorer import Scorer, Scores
from audit.taxonomy import Taxonomy
from audit.texts import pairs_again

if TYPE_CHECKING:
    from audit.columns import Column

CHUNK = 16_384  # rows scored at once
Show = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What a rescore has to do, known before it begins.

    shards, done   parts of the catalog; those that are of these scorers already
    rows           scored rows of the others
    bytes          read and written: their rows, features and embeddings
    """

    shards: int
    done: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RescoreReport:
    """What a rescore did; rows and seconds of this run."""

    catalog: str
    scorer: str
    extras: tuple[str, ...]
    shards: int
    shards_rescored: int
    rows: int
    seconds: float
    rows_per_second: float


def rescore(
    catalog: Path | str,
    scorer: Scorer | EmbeddingScorer | None,
    extras: Sequence[EmbeddingScorer] = (),
    *,
    announce: Callable[[Work], None] = lambda work: None,
    progress: Show = lambda done, total, word: None,
) -> RescoreReport:
    """Score all rows of a catalog anew; decisions, captions and books stay as they are.

    scorer     judges features of its own body, or embeddings of its own encoder; None: the scores
               stay and `extras` are filled only
    extras     fill the column `extras`, beside what is there
    announce   called once with what is to be done, before anything is written
    raises     CatalogMismatch when features or embeddings are not what a scorer reads, with the
               remedy; CatalogBusy while a scan writes; ShardwardenError at a part that is not whole
    """
    if scorer is None and not extras:
        raise UsageError("rescore: name a scorer (--scorer), or an extra one (--extra)")
    directory = Path(catalog)
    if not (directory / header.NAME).exists():
        raise UsageError(f"{directory}: not a catalog (no {header.NAME}); run `audit scan`")
    with header.locked(directory):
        before = header.read(directory)
        parts = Parts(directory)
        parts.clean()
        books = _books(directory, parts, before)
        made = None if scorer is None else header.maker(scorer)
        _check(directory, before, scorer, extras, books)
        names = {name: extra for extra in extras for name in extra.extra_names}
        prints = {name: extra.fingerprint for name, extra in names.items()}
        todo = [b for b in books if not _is_done(b, made, prints)]
        announce(_work(parts, books, todo))
        if made is not None and made.fingerprint != before["scorer_sha256"] and todo:
            pending = {"scorer": made.card.name, "scorer_sha256": made.fingerprint}
            header.write(directory, {**before, "rescoring": pending}, before)
        threshold = (before.get("text") or {}).get("threshold")
        began, rows = time.monotonic(), 0
        total = sum(b.scored for b in todo)
        for part in todo:
            _part(parts, part, scorer, made, extras, prints, threshold)
            rows += part.scored
            progress(rows, total, f"rows, shard {part.name}")
        seconds = time.monotonic() - began
        if made is not None:
            _record(directory, made)
        building.refresh(directory)
    return RescoreReport(
        catalog=str(directory),
        scorer=before["scorer"]["name"] if made is None else made.card.name,
        extras=tuple(names),
        shards=len(books),
        shards_rescored=len(todo),
        rows=rows,
        seconds=round(seconds, 3),
        rows_per_second=round(rows / seconds, 1) if seconds > 0 else 0.0,
    )


def _books(directory: Path, parts: Parts, before: dict[str, Any]) -> list[PartBooks]:
    """Books of all parts; a part that is not whole would keep its old scores, so it stops us."""
    for shard_id in parts.shard_ids():
        if fault := parts.fault(shard_id):
            # A scan is refused while a rescore is unfinished, so that would be no way out.
            then = f"delete parts/{shard_id}.parquet, rescore and then scan"
            raise ShardwardenError(
                f"{directory}: {fault}"
                + (f": {then}" if "rescoring" in before else ", then rescore")
            )
    return [parts.books(shard_id) for shard_id in parts.shard_ids()]


def _check(
    directory: Path,
    before: dict[str, Any],
    scorer: Scorer | EmbeddingScorer | None,
    extras: Sequence[EmbeddingScorer],
    books: Sequence[PartBooks],
) -> None:
    header.check_taxonomy(directory, before, Taxonomy.load(), "scan again with --overwrite")
    for reader in (scorer, *extras):
        if isinstance(reader, EmbeddingScorer):
            check_embeddings(reader, before["encoder"], str(directory))
    if not isinstance(scorer, Scorer):
        return
    without = sum(not b.features for b in books if b.scored)
    if without:
        raise CatalogMismatch(
            f"{directory}: {without:,} of {len(books):,} shards have no stored features, which "
            f"scorer {scorer.card.name} reads; run the scan again with --store-features, or give "
            "a scorer that judges embeddings"
        )
    if scorer.body != before.get("body"):
        raise CatalogMismatch(
            f"{directory}: its features are of body {before.get('body') or 'unknown':.8}, scorer "
            f"{scorer.card.name} has body {scorer.body:.8}: they differ in more than heads and "
            "calibration; scan again with it (--overwrite, or another --out)"
        )


def _is_done(books: PartBooks, made: header.Maker | None, extras: dict[str, str]) -> bool:
    same = made is None or books.scorer == made.fingerprint
    return same and extras.items() <= books.extras.items()


def _work(parts: Parts, books: Sequence[PartBooks], todo: Sequence[PartBooks]) -> Work:
    paths = [path for b in todo for path in (*parts.paths(b.shard), parts.features_path(b.shard))]
    size = sum(path.stat().st_size for path in paths if path.exists())
    return Work(len(books), len(books) - len(todo), sum(b.scored for b in todo), size)


def _part(
    parts: Parts,
    books: PartBooks,
    scorer: Scorer | EmbeddingScorer | None,
    made: header.Maker | None,
    extras: Sequence[EmbeddingScorer],
    prints: dict[str, str],
    threshold: float | None,
) -> None:
    """Replace one part's scores.

    prints     extra column -> fingerprint of its scorer
    threshold  of the text scorer, None when captions were not scored
    """
    table = parts.rows(books.shard)
    embeddings = parts.embeddings(books.shard)
    scored = table.column("status").to_numpy() == "scored"
    slots = np.cumsum(scored) - 1
    take = pa.array(slots, pa.int64(), mask=~scored)  # NULL in, NULL out: rows without scores
    columns: dict[str, Column] = {}
    if scorer is not None and made is not None:
        inputs: list[npt.NDArray[Any]] = [embeddings]
        if isinstance(scorer, Scorer):
            inputs = [
                parts.features(books.shard) if books.features else np.zeros((0, 0)),
                embeddings,
            ]
        scores = _scored(scorer, inputs)
        if scores is not None:
            columns = score_columns(scores.types, scores.levels, scores.concepts, scorer.concepts)
            if threshold is not None:
                before = table.filter(pa.array(scored))
                pairs = pairs_again(before, threshold, scores, scorer.concepts)
                columns["pair"] = pa.array(pairs, pa.string())
        books = replace(books, scorer=made.fingerprint)
    if extras and len(embeddings):
        columns["extras"] = _merged(table, scored, extras, embeddings, books)
    books = replace(books, extras={**books.extras, **prints})
    for name, column in columns.items():
        position = SCHEMA.get_field_index(name)
        table = table.set_column(position, SCHEMA.field(name), column.take(take))
    parts.publish(books, table, {})


def _scored(scorer: Scorer | EmbeddingScorer, inputs: Sequence[npt.NDArray[Any]]) -> Scores | None:
    """Scores of all rows, in chunks; the first columns are what counts, None without a row."""
    found = []
    for start in range(0, len(inputs[-1]), CHUNK):
        given = [np.asarray(array[start : start + CHUNK]) for array in inputs]
        if isinstance(scorer, Scorer):
            found.append(scorer.from_features(*given))
        else:
            found.append(scorer.score_embeddings(*given))
    if not found:
        return None
    return Scores(*(np.concatenate([getattr(s, n) for s in found]) for n in Scores.__slots__))


def _merged(
    table: pa.Table,
    scored: npt.NDArray[np.bool_],
    extras: Sequence[EmbeddingScorer],
    embeddings: npt.NDArray[np.float16],
    books: PartBooks,
) -> pa.Array[Any]:
    """The column `extras` of the scored rows: what was there, and what these scorers say."""
    values: dict[str, npt.NDArray[np.float32]] = {}
    if books.extras:
        there: Any = table.column("extras").combine_chunks().filter(pa.array(scored))
        names = there.keys.to_pylist()[: len(books.extras)]  # every row has the same, in one order
        items = there.items.to_numpy(zero_copy_only=False).reshape(len(there), len(names))
        values = {name: items[:, n] for n, name in enumerate(names)}
    for extra in extras:
        chunks = [
            extra.extras(np.asarray(embeddings[start : start + CHUNK]))
            for start in range(0, len(embeddings), CHUNK)
        ]
        values |= {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]}
    return named_map(list(values), np.stack(list(values.values()), axis=1).astype(np.float32))


def _record(directory: Path, made: header.Maker) -> None:
    """Say in audit.json that every part is of the new scorer now."""
    before = header.read(directory)
    after = {k: v for k, v in before.items() if k != "rescoring"}
    if before["scorer_sha256"] != made.fingerprint:
        after |= made.to_json()
        after["history"] = [*before.get("history", []), header.event("rescore", made)]
    header.write(directory, after, before)
