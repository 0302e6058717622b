"""The order of the stages: shards -> samples -> pictures -> scores -> parts -> catalog.

Threads and queues live here and nowhere else:

    read (a thread) -> decode (a pool) -> pack (a thread) -> encode (the caller) -> write (a thread)

Everything is handed on in the order of the shards, so batches may span shards and every part is
whole when its last batch is in. Queues are bounded by number and by bytes. The first error in any
thread stops them all and is raised to the caller, with no thread left behind.

On a CPU decoding and encoding take turns, because each wants all cores: two pools of threads on
the same cores cost more than the waiting. On a GPU they overlap.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

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

CPU_BATCH, GPU_BATCH = 32, 256
MAX_WORKERS = 32
SLOW = 5.0  # seconds of the processor for decoding one image: it is named in the report
MAX_WAITING = 256 << 20  # bytes of images read and not yet packed

T = TypeVar("T")


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


class _Stopped(Exception):
    """The other end is gone: unwinds a thread, never reaches the caller."""


class _Channel(Generic[T]):
    """A bounded queue that can be closed or broken off, and says how long its ends waited."""

    def __init__(self, items: int, weight: int = 1 << 62) -> None:
        """At most so many items, of so much weight together (one item always fits)."""
        self._most, self._heaviest = items, weight
        self._items: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._closed = self._broken = False
        self.full = 0.0  # seconds that `put` waited
        self.empty = 0.0  # seconds that the reader waited

    def put(self, item: T, weight: int = 0) -> None:
        with self._changed:
            began = time.monotonic()
            self._changed.wait_for(lambda: self._broken or self._fits(weight))
            self.full += time.monotonic() - began
            if self._broken:
                raise _Stopped
            self._items.append((item, weight))
            self._weight += weight
            self._changed.notify_all()

    def _fits(self, weight: int) -> bool:
        free = len(self._items) < self._most and self._weight + weight <= self._heaviest
        return free or not self._items

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                began = time.monotonic()
                self._changed.wait_for(lambda: self._broken or self._closed or bool(self._items))
                self.empty += time.monotonic() - began
                if self._broken:
                    raise _Stopped
                if not self._items:
                    return
                item, weight = self._items.popleft()
                self._weight -= weight
                self._changed.notify_all()
            yield item

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def break_off(self) -> None:
        """Wake both ends; each raises _Stopped."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()


class _Crew:
    """Threads that begin and end together; leaving the block raises the first error of any."""

    def __init__(self, stop: Callable[[], None]) -> None:
        """`stop` wakes whoever waits; it is called once when something went wrong."""
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._error: BaseException | None = None

    def start(self, work: Callable[..., None], *args: object) -> None:
        # Daemons: a read that hangs on a dead network must not outlive a second Ctrl-C.
        thread = threading.Thread(target=self._run, args=(work, args), name=work.__name__,
                                  daemon=True)  # fmt: skip
        self._threads.append(thread)
        thread.start()

    def _run(self, work: Callable[..., None], args: tuple[object, ...]) -> None:
        try:
            work(*args)
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._stopped:
                return
            self._stopped, self._error = True, error
        self._stop()

    def __enter__(self) -> _Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._fail(error)
        for thread in self._threads:
            thread.join()
        if self._error is not None and self._error is not error:
            raise self._error from None


class _Turns:
    """Lets decoding and encoding take turns where both want the same cores.

    The encoder waits for the pictures under way, a second at most where words are read in them.
    """

    def __init__(self, needed: bool) -> None:
        self._needed = needed
        self._changed = threading.Condition()
        self._under_way = 0
        self._encodes = self._stopped = False

    @contextmanager
    def decoding(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._encodes)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    @contextmanager
    def encoding(self) -> Iterator[None]:
        if not self._needed:
            yield
            return
        with self._changed:
            self._encodes = True
            self._changed.wait_for(lambda: self._stopped or not self._under_way)
        try:
            yield
        finally:
            with self._changed:
                self._encodes = False
                self._changed.notify_all()

    def stop(self) -> None:
        """Wake whoever waits, for good."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


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
        self._turns = _Turns(on_cpu)
        self._size = options.batch_size or (CPU_BATCH if on_cpu else GPU_BATCH)
        self.workers = workers = options.workers or min(MAX_WORKERS, len(os.sched_getaffinity(0)))
        self._jobs: _Channel[_Job] = _Channel(2 * self._size + 2 * workers, MAX_WAITING)
        self._batches: _Channel[Batch] = _Channel(2)
        self._scored: _Channel[_Scored] = _Channel(2)
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
        with self._pool, _Crew(self._stop) as crew:
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
        packer = Packer(self._size)
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
