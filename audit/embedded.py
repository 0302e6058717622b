"""A catalog from embeddings that somebody computed already: no image is read, none is decoded.

A piece of a folder as `audit.embeddings` reads it becomes a part, as a shard does. Its rows have
no bytes to show or export: image_member, offset and size are NULL.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import building, header, plan
from audit.books import PartBooks
from audit.columns import SCHEMA, score_columns
from audit.embedding_scorer import EmbeddingScorer
from audit.embeddings import EmbeddingFolder, EmbeddingPiece, pieces, survey
from audit.errors import ShardwardenError, UsageError
from audit.parts import Parts
from audit.plan import ScanOptions, ScanReport
from audit.registry import check_embeddings
from audit.rows import row_id
from audit.shards import Fault, Shard
from audit.taxonomy import Taxonomy
from audit.texts import TextStage

if TYPE_CHECKING:
    from audit.columns import Column

KIND = "embeddings"  # of the parts
BAD = "bad_embeddings"  # fault: a file that cannot be read, or not to its end
Show = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of embeddings, and the names that its pieces have as parts.

    shards   all pieces; of a file that is left out one, which holds its fault
    sound    ids of the pieces that can be read; broken: id -> fault
    """

    found: EmbeddingFolder
    suffix: str
    shards: tuple[Shard, ...]
    sound: frozenset[str]
    broken: dict[str, Fault]

    @classmethod
    def read(cls, path: Path | str) -> Folder:
        """Headers only. raises UsageError when no file is sound"""
        path = Path(path)
        found = survey(path)
        # Two folders may share a catalog, and their files have the same names.
        suffix = "-" + hashlib.sha256(path.resolve().name.encode()).hexdigest()[:8]
        shards = [
            Shard(f"{name}{suffix}", str(file.vectors), f"{path.name}/{name}", False)
            for file in found.files
            for name in file.shard_ids
        ]
        sound = frozenset(shard.id for shard in shards)
        broken = {}
        for name, why in found.faults:
            vectors = path / "img_emb" / name
            shard_id = f"{vectors.stem}-00000{suffix}"
            shards.append(Shard(shard_id, str(vectors), f"{path.name}/{vectors.stem}", False))
            broken[shard_id] = Fault(BAD, f"{name}: {why}")
        return cls(found, suffix, tuple(shards), sound, broken)


def scan_embeddings(
    sources: Sequence[str],
    out: Path | str,
    scorer: EmbeddingScorer,
    encoder: str,
    options: ScanOptions | None = None,
    *,
    texts: TextStage | None = None,
    progress: Show = lambda done, total, word: None,
) -> ScanReport:
    """Score every embedding of these folders into a catalog; parts that are done are kept.

    encoder   identity of the encoder that made them, see `audit.identity`
    options   overwrite, retry_failed and strict count, the rest is about images
    texts     scores captions; None leaves those columns NULL
    raises    CatalogMismatch when the scorer reads embeddings of another encoder, and as
              `audit.scan.scan`
    """
    options = options or ScanOptions()
    if options.limit is not None or options.features:
        raise UsageError(f"{sources[0]}: --limit and --store-features are for images; leave it out")
    folders = [Folder.read(source) for source in sources]
    for source in sources:
        check_embeddings(scorer, encoder, source)
    shards = [shard for folder in folders for shard in folder.shards]
    directory = Path(out)
    written: dict[str, PartBooks] = {}
    failures: Counter[str] = Counter()
    with header.locked(directory):
        made = header.maker(scorer)
        header.settle(
            directory, sources, made, Taxonomy.load(), asdict(options.limits),
            overwrite=options.overwrite, texts=None if texts is None else texts.identity,
        )  # fmt: skip
        parts = Parts(directory)
        parts.directory.mkdir(exist_ok=True)
        parts.clean()
        before = plan.kept(parts, shards, made.fingerprint, options)
        for folder in folders:  # a file that has been put right since
            for shard_id in folder.sound & before.keys():
                if before[shard_id].faults:
                    del before[shard_id]
        began, total = time.monotonic(), sum(folder.found.rows for folder in folders)
        done = sum(books.rows for books in before.values())
        for folder in folders:
            for books, errors in _folder(
                parts, folder, scorer, made.fingerprint, texts, set(before)
            ):
                if options.strict and (books.faults or errors):
                    why = books.faults[0].detail if books.faults else errors[0]
                    raise ShardwardenError(
                        f"{books.name}: {why}; --strict stops at the first failure"
                    )
                written[books.shard] = books
                failures.update(error.partition(":")[0] for error in errors)
                done += books.rows
                progress(done, total, f"rows, {books.name}")
        seconds = time.monotonic() - began
        building.refresh(directory)
    return plan.report(
        directory, shards, before, written, scorer=scorer.card.name, failures=failures,
        images=sum(books.rows for books in written.values()), seconds=seconds,
        limited_by="encoding",
    )  # fmt: skip


def _folder(
    parts: Parts,
    folder: Folder,
    scorer: EmbeddingScorer,
    fingerprint: str,
    texts: TextStage | None,
    skip: set[str],
) -> Iterator[tuple[PartBooks, list[str]]]:
    """Write the parts of a folder; yields their books and the errors of their rows."""
    by_id = {shard.id: shard for shard in folder.shards}
    left = [shard.id for shard in folder.shards if shard.id not in skip]
    names = {shard_id.removesuffix(folder.suffix) for shard_id in skip}
    cut: list[tuple[str, str]] = []
    for piece in pieces(folder.found, skip=names, fault=lambda *told: cut.append(told)):
        shard = by_id[f"{piece.shard_id}{folder.suffix}"]
        yield _write(parts, shard, piece, scorer, fingerprint, texts), list(piece.unusable.values())
        left.remove(shard.id)
    stems = {file.metadata.name: file.name for file in folder.found.files}
    broken = dict(folder.broken)
    for name, why in cut:  # the first piece of it that could not be read tells why
        first = next(i for i in left if i.startswith(f"{stems[name]}-"))
        broken[first] = Fault(BAD, f"{name}: {why}")
    for shard_id in left:
        if shard_id in broken:
            books = _books(by_id[shard_id], fingerprint, 0, 0, (broken[shard_id],), 0.0)
            empty = np.zeros((0, 0), np.float16)
            yield parts.publish(books, SCHEMA.empty_table(), {"embeddings": empty}), []


def _write(
    parts: Parts,
    shard: Shard,
    piece: EmbeddingPiece,
    scorer: EmbeddingScorer,
    fingerprint: str,
    texts: TextStage | None,
) -> PartBooks:
    began = time.monotonic()
    count = len(piece.rows)
    good = np.ones(count, np.bool_)
    good[list(piece.unusable)] = False
    scores = scorer.score_embeddings(piece.embeddings[good])
    table = plain_rows(shard, piece)
    slots = pa.array(np.cumsum(good) - 1, pa.int64(), mask=~good)
    columns = score_columns(scores.types, scores.levels, scores.concepts, scorer.concepts)
    if texts is not None:
        captions = piece.rows.column("caption").filter(pa.array(good)).to_pylist()
        words = texts.words(captions, [None] * len(captions), scores, scorer.concepts)
        columns |= {name: words.column(name) for name in words.column_names}
    for name, column in columns.items():
        position = SCHEMA.get_field_index(name)
        if piece.unusable:
            column = column.take(slots)
        table = table.set_column(position, SCHEMA.field(name), column)
    failed = len(piece.unusable)
    books = _books(shard, fingerprint, count - failed, failed, (), time.monotonic() - began)
    return parts.publish(books, table, {"embeddings": scores.embeddings})


def plain_rows(shard: Shard, piece: EmbeddingPiece) -> pa.Table:
    """The rows of a piece without scores, as SCHEMA has them; what `audit verify` compares."""
    count = len(piece.rows)
    ids = [row_id(shard.id, n) for n in range(count)]
    uids = piece.rows.column("uid").combine_chunks()
    status: list[str] = ["scored"] * count
    errors: list[str | None] = [None] * count
    for row, error in piece.unusable.items():
        status[row], errors[row] = "failed", error
    columns: dict[str, Column] = {
        name: piece.rows.column(name)
        for name in ("key", "width", "height", "sha256", "caption", "metadata")
    } | {
        "row_id": pa.array(ids, pa.int64()),
        "uid": uids if not uids.null_count else _or_else(uids, [f"{n:016x}" for n in ids]),
        "shard": pa.repeat(shard.id, count),
        "status": pa.array(status, pa.string()),
        "error": pa.array(errors, pa.string()),
    }
    return pa.table([columns.get(f.name, pa.nulls(count, f.type)) for f in SCHEMA], schema=SCHEMA)


def _or_else(column: Any, values: Sequence[str]) -> pa.Array[Any]:
    return pa.array([a or b for a, b in zip(column.to_pylist(), values, strict=True)], pa.string())


def _books(
    shard: Shard, fingerprint: str, scored: int, failed: int, faults: tuple[Fault, ...],
    seconds: float,
) -> PartBooks:  # fmt: skip
    return PartBooks(
        shard=shard.id, url=shard.url, name=shard.name, compressed=False,
        members=scored + failed, other=0, scored=scored, failed=failed, quarantined=0,
        upstream_failed=0, upstream_errors={}, faults=faults, seconds=round(seconds, 3),
        scorer=fingerprint, kind=KIND,
    )  # fmt: skip


def differences(parts: Parts, path: Path | str) -> Iterator[str]:
    """One line for each thing that the parts and a folder of embeddings do not have alike."""
    folder = Folder.read(path)
    by_id = {shard.id: shard for shard in folder.shards}
    again = "scan it again"
    cut: list[tuple[str, str]] = []
    for piece in pieces(folder.found, fault=lambda *told: cut.append(told)):
        shard = by_id[f"{piece.shard_id}{folder.suffix}"]
        if not parts.done(shard.id):
            if not parts.paths(shard.id)[0].exists():  # the others are told already
                yield f"{shard.name}: has no part; {again}"
            continue
        stored, read = parts.rows(shard.id), plain_rows(shard, piece)
        if len(stored) != len(read):
            yield f"{shard.name}: {len(stored):,} rows in the part, {len(read):,} there; {again}"
            continue
        columns = ("row_id", "uid", "key", "caption", "metadata", "status", "error")
        for name in columns:
            if not stored.column(name).equals(read.column(name)):
                yield f"{shard.name}: {name} is another in the folder; {again}"
        good = stored.column("status").to_numpy() == "scored"
        if not _same(parts.embeddings(shard.id), piece.embeddings[good]):
            yield f"{shard.name}: embeddings are others in the folder; {again}"
    known = {fault.detail for i in by_id if parts.done(i) for fault in parts.books(i).faults}
    for detail in [f"{name}: {why}" for name, why in (*cut, *folder.found.faults)]:
        if detail not in known:
            yield f"{path}: {detail}"


def _same(stored: npt.NDArray[np.float16], read: npt.NDArray[Any]) -> bool:
    if stored.shape != read.shape:
        return False
    for start in range(0, len(stored), 1024):
        unit = np.asarray(read[start : start + 1024], np.float32)
        unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
        if not np.allclose(stored[start : start + 1024], unit, atol=2e-3):
            return False
    return True
