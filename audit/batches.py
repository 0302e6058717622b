"""Samples -> decoded images -> batches that may span shards -> rows of parts. No threads here.

Letters in shapes: B images of a batch, S input side of the encoder in pixels.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from audit import images
from audit.errors import ImageError, ShardwardenError
from audit.images import Picture
from audit.ocr import READ_SIDES
from audit.parts import PartWriter
from audit.plan import ScanOptions, real
from audit.scorer import Scores
from audit.shards import Books, Sample, Shard
from audit.texts import TextStage


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image after decoding, the bytes of its file let go.

    picture  None when it failed; then `sample.error` says why
    digest   sha256 hex of the file; None when its bytes were never read
    text     what was read in it, None when it does not look like text
    seconds  of the processor that decoding took, reading its words left out
    """

    sample: Sample
    digest: str | None
    picture: Picture | None
    text: str | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Piece:
    """What a batch holds of one shard.

    first   row of the batch where its good ones begin
    good    decoded, in the order of their rows; bad: failed
    books   of the shard, when this is its last piece
    """

    shard: Shard
    first: int
    good: list[Decoded] = field(default_factory=list)
    bad: list[Decoded] = field(default_factory=list)
    books: Books | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """pixels [B, S, S, 3] uint8, None when all that came was failures and ends of shards."""

    pixels: npt.NDArray[np.uint8] | None
    pieces: list[Piece]


def decode(
    sample: Sample,
    *,
    size: int,
    crop_mode: images.CropMode,
    options: ScanOptions,
    texts: TextStage | None = None,
) -> Decoded:
    """Decode one sample; what is wrong with it becomes its error, nothing is raised for it.

    texts  reads the words of a picture that looks like text, when it was told to
    """
    if sample.data is None:
        return Decoded(sample, None, None)
    began = time.thread_time()
    digest = hashlib.sha256(sample.data).hexdigest()
    try:
        picture = images.load(
            sample.data,
            size=size,
            crop_mode=crop_mode,
            limits=options.limits,
            preview=options.previews,
        )
    except ImageError as error:
        return Decoded(replace(sample, data=None, error=str(error)), digest, None)
    seconds = time.thread_time() - began
    text = None
    if texts is not None and texts.wants(picture.pixels):
        text = texts.read(images.view(sample.data, side=READ_SIDES[1], limits=options.limits))
    return Decoded(replace(sample, data=None), digest, picture, text, seconds)


class Packer:
    """Collects images in the order of the shards and gives a batch whenever one is full."""

    def __init__(self, size: int, *, pinned: bool = False) -> None:
        """size: B at most; pinned: put pixels where a GPU fetches them by itself."""
        self._size = size
        self._pinned = pinned
        self._begin()

    def _begin(self) -> None:
        self._pixels: list[npt.NDArray[np.uint8]] = []
        self._pieces: list[Piece] = []
        self._count = 0

    def add(self, shard: Shard, decoded: Decoded) -> Batch | None:
        """Add an image; returns the batch that it fills."""
        piece = self._piece(shard)
        if decoded.picture is None:
            piece.bad.append(decoded)
        else:
            piece.good.append(decoded)
            self._pixels.append(decoded.picture.pixels)
        return self._full()

    def end(self, shard: Shard, books: Books) -> Batch | None:
        """Note that a shard is over; returns a batch when enough has come together."""
        self._piece(shard).books = books
        return self._full()

    def rest(self) -> Batch | None:
        """What is left, None when nothing is."""
        if not self._pieces:
            return None
        batch = Batch(self._stacked() if self._pixels else None, self._pieces)
        self._begin()
        return batch

    def _stacked(self) -> npt.NDArray[np.uint8]:
        out: npt.NDArray[np.uint8] | None = None
        if self._pinned:
            shape = (len(self._pixels), *self._pixels[0].shape)
            out = torch.empty(shape, dtype=torch.uint8, pin_memory=True).numpy()
        return np.stack(self._pixels, out=out)

    def _piece(self, shard: Shard) -> Piece:
        if not self._pieces or self._pieces[-1].shard is not shard:
            self._pieces.append(Piece(shard, len(self._pixels)))
        self._count += 1
        return self._pieces[-1]

    def _full(self) -> Batch | None:
        # A long run of failures, or of shards without images, must not wait for ever.
        full = len(self._pixels) == self._size or self._count >= 4 * self._size
        return self.rest() if full else None


def store(
    part: PartWriter, piece: Piece, scores: Scores | None, words: pa.Table | None, *, strict: bool
) -> None:
    """Add a piece's rows to its part.

    scores   of the whole batch; None when it had no pixels; words: its columns.WORDS, or None
    strict   raise ShardwardenError at a failed image, or at a fault of the shard
    """
    name, stop = piece.shard.name, "--strict stops at the first failure"
    for failed in piece.bad:
        error = failed.sample.error or "unknown"
        if strict:
            raise ShardwardenError(f"{name}: {failed.sample.image_member}: {error}; {stop}")
        part.add_failed(failed.sample, error, digest=failed.digest)
    if strict and piece.books and (faults := real(piece.books.faults)):
        raise ShardwardenError(f"{name}: {faults[0].kind}: {faults[0].detail}; {stop}")
    if piece.good and scores is not None:
        rows = slice(piece.first, piece.first + len(piece.good))
        part.add_scored(
            [image.sample for image in piece.good],
            [image.picture for image in piece.good if image.picture is not None],
            Scores(**{column: getattr(scores, column)[rows] for column in Scores.__slots__}),
            digests=[image.digest or "" for image in piece.good],
            words=None if words is None else words.slice(piece.first, len(piece.good)),
        )
