"""The order of the stages: shards -> samples -> pictures -> scores -> parts -> catalog.

Threads and queues live here and in audit.threads, and nowhere else:

    read (a thread) -> decode (a pool) -> pack (a thread) -> encode (the caller) -> write (a thread)

Everything is handed on in the order of the shards, so batches may span shards and every part is
whole when its last batch is in. Queues are bounded by number and by bytes. The first error in any
thread stops them all and is raised to the caller, with no thread left behind.

On a CPU decoding and encoding take turns, because each wants all cores: two pools of threads on
the same cores cost more than the waiting. On a GPU they overlap.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from audit import building, header, plan
from audit.batches import Batch, Decoded, Packer, decode, store
from audit.books import PartBooks
from audit.errors import UsageError
from audit.parts import Parts
from audit.plan import ScanOptions, ScanReport
from audit.progress import Meter, Report
from audit.registry import AnyScorer
from audit.scorer import Scores
from audit.shards import Books, Sample, Shard, ShardReader, expand
from audit.taxonomy import Taxonomy
from audit.texts import TextStage
from audit.threads import Channel, Crew, Turns

CPU_BATCH, GPU_BATCH = 32, 256
MAX_WORKERS = 32
SLOW = 5.0  # seconds of the processor for decoding one image: it is named in the report
MAX_WAITING = 256 << 20  # bytes of images read and not yet packed


def scan(
    sources: Sequence[str],
    out: Path | str,
    scorer: AnyScorer,
    options: ScanOptions | None = None,
    *,
    texts: TextStage | None = None,
    progress: Report = lambda tick: None,
) -> ScanReport:
    """Score every image of the sources into a catalog; shards that are done already are kept.

    texts      scores captions and reads pictures; None leaves those columns NULL
    sources    as `audit.shards.expand` takes them
    out        folder of the catalog, made when it is not there
    progress   called after every batch, in the caller's thread
    raises     NoShards, CatalogBusy, CatalogMismatch; with `options.strict` ShardwardenError at
               the first failure. Shards finished before an error or Ctrl-C stay finished.
    """
    options = options or ScanOptions()
    shards = expand(sources)
    directory = Path(out)
    with header.locked(directory):
        decided = {**asdict(options.limits), "previews": options.previews}
        made = header.maker(scorer)
        if options.features and made.body is None:
            raise UsageError(
                f"--store-features: scorer {scorer.card.name} has no features; leave it out, a "
                "catalog of its kind can be rescored from the embeddings"
            )
        header.settle(
            directory, sources, made, Taxonomy.load(), decided, overwrite=options.overwrite,
            texts=None if texts is None else texts.identity,
        )  # fmt: skip
        parts = Parts(directory)
        parts.clean()
        before = plan.kept(parts, shards, made.fingerprint, options)
        flow = _Flow(parts, scorer, made.fingerprint, options, texts)
        whole = {shard_id for shard_id, books in before.items() if not plan.is_partial(books)}
        meter = Meter([shard for shard in shards if shard.id not in whole], options.limit)
        flow.run(shards, before, meter, progress)
        seconds = meter.tick("").seconds
        building.refresh(directory)
    return plan.report(
        directory, shards, before, flow.written, scorer=scorer.card.name, failures=flow.failures,
        images=meter.images, seconds=seconds, limited_by=flow.limited_by, slow=flow.slow,
        pictures_read=texts.pictures_read if texts else 0,
        ocr_share=_share(texts.ocr_seconds, seconds * flow.workers) if texts else 0.0,
        text_share=_share(texts.score_seconds, seconds) if texts else 0.0,
    )  # fmt: skip


def _share(part: float, whole: float) -> float:
    return round(min(1.0, part / whole), 4) if whole > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Scored:
    """A batch with its scores and its columns of texts; None without pixels, or without texts."""

    batch: Batch
    scores: Scores | None
    words: pa.Table | None


@dataclass(frozen=True, slots=True)
class _Job:
    """One image under way, or, with books, the end of its shard."""

    shard: Shard
    decoded: Future[Decoded] | None
    books: Books | None = None


class _Flow:
    """One run of the stages, and what they measured."""

    def __init__(
        self,
        parts: Parts,
        scorer: AnyScorer,
        fingerprint: str,
        options: ScanOptions,
        texts: TextStage | None,
    ) -> None:
        on_cpu = next(scorer.encoder.parameters()).device.type == "cpu"
        self._parts, self._scorer, self._fingerprint = parts, scorer, fingerprint
        self._options, self._texts = options, texts
        self._on_gpu = not on_cpu
        self._turns = Turns(on_cpu)
        self._size = options.batch_size or (CPU_BATCH if on_cpu else GPU_BATCH)
        self.workers = workers = options.workers or min(MAX_WORKERS, len(os.sched_getaffinity(0)))
        self._jobs: Channel[_Job] = Channel(2 * self._size + 2 * workers, MAX_WAITING)
        self._batches: Channel[Batch] = Channel(2)
        self._scored: Channel[_Scored] = Channel(2)
        self._decode = partial(
            decode, size=scorer.size, crop_mode=scorer.crop_mode, options=options, texts=texts
        )
        self._pool = ThreadPoolExecutor(workers, "decode")
        self._decoding = self._encoding = 0.0  # seconds
        self.written: dict[str, PartBooks] = {}
        self.failures: Counter[str] = Counter()
        self.slow: list[tuple[str, str, float]] = []  # shard, key, seconds

    def run(
        self, shards: Sequence[Shard], before: Mapping[str, PartBooks], meter: Meter,
        progress: Report,
    ) -> None:  # fmt: skip
        """Read, decode, pack, encode and write all shards that are not done."""
        with self._pool, (crew := Crew(self._stop)).at_work():
            crew.start(self._read, shards, before)
            crew.start(self._pack)
            crew.start(self._write)
            self._encode(meter, progress)

    def _stop(self) -> None:
        for channel in (self._jobs, self._batches, self._scored):
            channel.break_off()
        self._turns.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read(self, shards: Sequence[Shard], before: Mapping[str, PartBooks]) -> None:
        left = self._options.limit
        for shard in shards:
            part = before.get(shard.id)
            if part and (not plan.is_partial(part) or (left is not None and part.rows >= left)):
                left = None if left is None else max(0, left - part.rows)
                continue
            if left == 0:
                break
            taken = self._read_shard(shard, left)
            left = None if left is None else left - taken
        self._jobs.close()

    def _read_shard(self, shard: Shard, limit: int | None) -> int:
        """Hand on a shard's images, `limit` at most, then its books; returns how many."""
        reader = ShardReader(shard, max_bytes=self._options.limits.max_bytes)
        taken, books = 0, None
        for sample in reader:
            if taken == limit:
                books = plan.cut_books(reader.books, taken)
                break
            job = _Job(shard, self._pool.submit(self._decode_in_turn, sample))
            self._jobs.put(job, sample.size if sample.data is not None else 0)
            taken += 1
        self._jobs.put(_Job(shard, None, books or reader.books))
        return taken

    def _decode_in_turn(self, sample: Sample) -> Decoded:
        with self._turns.decoding():
            return self._decode(sample)

    def _pack(self) -> None:
        packer = Packer(self._size, pinned=self._on_gpu)
        for job in self._jobs:
            if job.decoded is None:
                batch = packer.end(job.shard, job.books or Books())
            else:
                began = time.monotonic()
                decoded = job.decoded.result()
                self._decoding += time.monotonic() - began
                batch = packer.add(job.shard, decoded)
            if batch is not None:
                self._batches.put(batch)
        if (batch := packer.rest()) is not None:
            self._batches.put(batch)
        self._batches.close()

    def _encode(self, meter: Meter, progress: Report) -> None:
        for batch in self._batches:
            scores, words = None, None
            if batch.pixels is not None:
                with self._turns.encoding():
                    began = time.monotonic()
                    scores = self._scorer.score(batch.pixels)
                    if self._texts is not None:
                        good = [image for piece in batch.pieces for image in piece.good]
                        words = self._texts.words(
                            [image.sample.caption for image in good],
                            [image.text for image in good], scores, self._scorer.concepts,
                        )  # fmt: skip
                    self._encoding += time.monotonic() - began
            self._scored.put(_Scored(batch, scores, words))
            for piece in batch.pieces:
                last = piece.good[-1].sample.offset if piece.good else None
                meter.add(piece.shard, len(piece.good) + len(piece.bad), len(piece.bad), last,
                          piece.books is not None)  # fmt: skip
            progress(meter.tick(self.limited_by))
        self._scored.close()

    @property
    def limited_by(self) -> str:
        """What kept the encoder waiting; encoding itself when it waited less than it worked."""
        if self._scored.full > max(self._encoding, self._batches.empty):
            return "writing"
        if self._encoding >= self._batches.empty:
            return "encoding"
        return "reading" if self._jobs.empty > self._decoding else "decoding"

    def _write(self) -> None:
        pieces = ((piece, done) for done in self._scored for piece in done.batch.pieces)
        for shard, group in groupby(pieces, key=lambda pair: pair[0].shard):
            with self._parts.writing(
                shard, concept_names=self._scorer.concepts, scorer=self._fingerprint,
                features=self._options.features,
            ) as part:  # fmt: skip
                for piece, done in group:
                    store(part, piece, done.scores, done.words, strict=self._options.strict)
                    self.slow += [
                        (shard.name, image.sample.key, round(image.seconds, 1))
                        for image in (*piece.good, *piece.bad)
                        if image.seconds > SLOW
                    ]
                    self.failures.update(_code(image) for image in piece.bad)
                    if piece.books is not None:
                        self.written[shard.id] = part.finish(piece.books)


def _code(image: Decoded) -> str:
    return (image.sample.error or "unknown").partition(":")[0]
