"""A catalog of any number of made-up rows for bench.review: real parts, indexed by `audit index`.

One row in ten is flagged. All rows share the pictures of one tar, so that a picture can be revealed
and a page of 48 previews has 48 different ones.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image, ImageDraw

from app.people import People, Personal
from audit import images
from audit.books import PartBooks
from audit.building import index
from audit.catalog import NAME
from audit.columns import SCHEMA, score_columns
from audit.parts import Parts
from audit.taxonomy import SAFE, TYPES
from audit.text import visible

REVIEWER = "ann"
ROWS_A_PART = 100_000
PICTURES = 96
WIDTH = 16  # of an embedding; how wide they are does not matter to the screen
FLAGGED = 0.1
CONCEPTS = (
    "weapon", "knife", "fire", "smoke", "smoking", "alcohol", "blood", "crowd", "document", "face"
)  # fmt: skip
WORDS = (
    "red", "blue", "old", "small", "wooden", "busy", "quiet", "broken", "bright", "grey", "house",
    "street", "market", "river", "table", "garden", "bridge", "boat", "window", "chair", "bottle",
    "lamp", "sign", "crowd", "road", "field", "station", "kitchen", "poster", "letter", "screen",
    "photograph", "drawing", "portrait", "view", "corner", "morning", "night", "rain", "snow",
)  # fmt: skip


Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The pictures that all rows share: PICTURES values of each of what is known of them."""

    tar: Path
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    digests: pa.Array[Any]
    previews: pa.Array[Any]
    members: pa.Array[Any]


def catalog_of(folder: Path, rows: int) -> Path:
    """The catalog of so many rows in a folder: the one that is there, else made now (minutes).

    Decisions that earlier runs left are removed, and the reviewer is asked nothing in between.
    """
    catalog = folder / f"{rows}.audit"
    if not (catalog / NAME).exists():
        began = time.perf_counter()
        write(catalog, draw(folder), rows)
        print(f"made {visible(str(catalog))} in {time.perf_counter() - began:,.0f} s", flush=True)
    for pattern in ("decisions/*", "reviewers/*"):
        for path in catalog.glob(pattern):
            path.unlink()
    People(catalog).save(REVIEWER, Personal(break_reveals=0, break_minutes=0, notice=False))
    return catalog


def write(catalog: Path, drawn: Drawn, rows: int) -> None:
    """Write the parts and index them; what was broken off is written anew."""
    parts = Parts(catalog)
    parts.directory.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows, ROWS_A_PART)):
        count = min(ROWS_A_PART, rows - start)
        shard = f"{number:05d}-bench"
        rng = np.random.default_rng(number)
        embeddings = rng.standard_normal((count, WIDTH), np.float32)
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        books = PartBooks(
            shard=shard, url=str(drawn.tar), name=f"{number:05d}.tar", compressed=False,
            members=count, other=0, scored=count, failed=0, quarantined=0, upstream_failed=0,
            upstream_errors={}, faults=(), seconds=1.0, scorer="made up",
        )  # fmt: skip
        halves = {"embeddings": embeddings.astype(np.float16)}
        parts.publish(books, table(shard, start, count, drawn, rng), halves)
    index(catalog)


def table(shard: str, start: int, count: int, drawn: Drawn, rng: np.random.Generator) -> pa.Table:
    """Rows start .. start + count - 1 of the catalog, columns of SCHEMA; all are scored."""
    numbers = np.arange(start, start + count)
    chosen = numbers % PICTURES
    picture = pa.array(chosen, pa.int64())
    uids = pa.array([f"{n:012d}" for n in numbers.tolist()])
    # In every ten rows three have the same picture: near-duplicates, as crawled sets have them.
    kinds = np.where(numbers % 10 < 3, numbers // 10, numbers + (1 << 40))
    columns: dict[str, Any] = {
        "row_id": pa.array((scattered(numbers) >> np.uint64(1)).astype(np.int64)),
        "uid": uids,
        "shard": pa.repeat(shard, count),
        "key": uids,
        "image_member": drawn.members.take(picture),
        "offset": drawn.offsets[chosen],
        "size": drawn.sizes[chosen],
        "width": pa.repeat(pa.scalar(512, pa.int32()), count),
        "height": pa.repeat(pa.scalar(384, pa.int32()), count),
        "format": pa.repeat("JPEG", count),
        "sha256": drawn.digests.take(picture),
        "phash": [f"{kind:016x}" for kind in scattered(kinds).tolist()],
        "caption": captions(count, rng),
        "preview": drawn.previews.take(picture),
        "status": pa.repeat("scored", count),
        **score_columns(*scores(count, rng), CONCEPTS),
    }
    arrays = {
        field.name: pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in SCHEMA
    }
    return pa.table(arrays, schema=SCHEMA)


def scores(count: int, rng: np.random.Generator) -> tuple[Values, Values, Values]:
    """What `score_columns` takes of so many rows, of which FLAGGED are risky."""
    types = rng.standard_exponential((count, len(TYPES)), np.float32) ** 2
    # Made safe or not: without this the likeliest of seven would hardly ever be.
    risky = rng.random(count) < FLAGGED
    types[:, SAFE] = np.where(risky, 0.5 * types.min(axis=1), 2 * types.max(axis=1))
    types /= types.sum(axis=1, keepdims=True)
    levels = rng.standard_exponential((count, 4), np.float32)
    levels /= levels.sum(axis=1, keepdims=True)
    return types, levels, rng.random((count, len(CONCEPTS)), np.float32) ** 4


def captions(count: int, rng: np.random.Generator) -> pa.Array[Any]:
    """Eight words each."""
    drawn = rng.integers(0, len(WORDS), (count, 8)).tolist()
    return pa.array([" ".join([WORDS[n] for n in row]) for row in drawn])


def scattered(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Another 64-bit number for each, far apart (splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: npt.NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


def draw(folder: Path) -> Drawn:
    """Draw the pictures, 512 x 384, into a tar of this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / "pictures.tar").resolve()
    members, files = [f"{n:05d}.jpg" for n in range(PICTURES)], list[bytes]()
    with tarfile.open(path, "w") as tar:
        for n, member in enumerate(members):
            files.append(picture(n))
            info = tarfile.TarInfo(member)
            info.size = len(files[-1])
            tar.addfile(info, io.BytesIO(files[-1]))
    with tarfile.open(path) as tar:
        offsets = [tar.getmember(member).offset_data for member in members]
    return Drawn(
        path,
        np.array(offsets),
        np.array([len(data) for data in files]),
        pa.array([hashlib.sha256(data).hexdigest() for data in files]),
        pa.array([images.load(data, size=64, crop_mode="pad").preview for data in files]),
        pa.array(members),
    )


def picture(seed: int) -> bytes:
    """A JPEG of circles and bars, another one for each seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (512, 384), tuple(rng.integers(40, 200, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for x, y, size, *colour in rng.integers((0, 0, 20, 0, 0, 0), (480, 360, 160, 255, 255, 255),
                                            (24, 6)).tolist():  # fmt: skip
        shape = pen.ellipse if colour[0] % 2 else pen.rectangle
        shape((x, y, x + size, y + size), fill=tuple(colour))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
