"""Drawings as img2dataset shards: for training, and the demo folder with its deliberate faults."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from audit.demo.drawing import KINDS, Drawing, Templates, draw
from audit.errors import UsageError

DEMO_SEED = 2411
DEMO_IMAGES = 204
DEMO_SHARDS = 3
_EPOCH = 1_700_000_000  # in every tar header, so that a seed gives the same bytes
_RISKY = tuple(kind for kind, concept in KINDS.items() if concept != "neutral")
_HARMLESS = tuple(kind for kind, concept in KINDS.items() if concept == "neutral")
_TEXT = (
    "url",
    "caption",
    "key",
    "status",
    "error_message",
    "exif",
    "sha256",
    "concept",
    "group",
    "source",
)
_SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in _TEXT[:5]]
    + [
        pa.field(name, pa.int32())
        for name in ("width", "height", "original_width", "original_height")
    ]
    + [pa.field(name, pa.string()) for name in _TEXT[5:]]
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a shard: a picture on its way into the tar, or what is known of a failure."""

    caption: str
    data: bytes = b""
    suffix: str = "jpg"
    size: tuple[int, int] | None = None
    concept: str | None = None
    group: str | None = None
    source: str | None = None
    exif: str | None = None
    failure: tuple[str, str] | None = None  # (status, error message)


def write_shards(
    directory: Path,
    *,
    seed: int,
    count: int,
    templates: Templates = "train",
    kinds: Sequence[str] | None = None,
    risky_share: float = 0.5,
    per_shard: int = 1000,
) -> list[Path]:
    """Draw `count` pictures into shards `00000.tar`, ... and return the tars.

    kinds        which to draw, evenly; default all, `risky_share` of them risky
    per_shard    1..10,000 pictures a tar
    same seed    same bytes, on the same Pillow and pyarrow
    raises       UsageError when the folder holds tars already: they may be somebody's data
    """
    if not 1 <= per_shard <= 10_000:
        raise ValueError(f"per_shard is {per_shard}; use 1..10,000")
    _refuse_shards(directory)
    tars = []
    for shard, first in enumerate(range(0, count, per_shard)):
        numbers = range(first, min(count, first + per_shard))
        rows = (_drawn(seed, number, templates, kinds, risky_share) for number in numbers)
        tars.append(_write_shard(directory, shard, rows))
    return tars


def write_demo(directory: Path, *, seed: int = DEMO_SEED, count: int = DEMO_IMAGES) -> list[Path]:
    """Draw the demo shards: all templates, 40 % risky, and one of each fault a scan meets.

    Among them: a corrupt image, a png, a webp, a jpg turned by EXIF, the same bytes twice, rows
    that failed upstream, empty, hostile and non-English captions. `count` is at least 30. Raises
    UsageError when the folder holds tars already.
    """
    if count < 30:
        raise ValueError(f"count is {count}; the faults alone need 30")
    _refuse_shards(directory)
    rows = [_drawn(seed, number, "all", None, 0.4, (60, 85)) for number in range(count)]
    rows = _with_faults(rows, seed)
    size = -(-len(rows) // DEMO_SHARDS)
    return [
        _write_shard(directory, shard, iter(rows[shard * size : (shard + 1) * size]))
        for shard in range(DEMO_SHARDS)
    ]


def _refuse_shards(directory: Path) -> None:
    """Never write over tars: nothing tells drawn ones from a user's own."""
    found = sorted(directory.glob("*.tar"))
    if found:
        raise UsageError(f"{directory}: already holds {found[0].name}; name an empty folder")


def _drawn(
    seed: int,
    number: int,
    templates: Templates,
    kinds: Sequence[str] | None,
    risky_share: float,
    quality: tuple[int, int] = (60, 92),
) -> _Row:
    """The drawing with this number in the sequence of a seed."""
    rng = random.Random(f"shards/{seed}/{number}")
    kind = rng.choice(kinds or (_RISKY if rng.random() < risky_share else _HARMLESS))
    drawing = draw(kind, rng.getrandbits(40), templates)
    return _row(drawing, _encoded(drawing.image, "JPEG", rng.randint(*quality)))


def _row(drawing: Drawing, data: bytes, suffix: str = "jpg") -> _Row:
    return _Row(
        caption=drawing.caption,
        data=data,
        suffix=suffix,
        size=drawing.image.size,
        concept=drawing.concept,
        group=drawing.group,
        source=f"drawn:{drawing.kind}/{drawing.template}",
        exif="{}",
    )


def _encoded(image: Image.Image, form: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, quality=quality)
    return buffer.getvalue()


def _with_faults(rows: list[_Row], seed: int) -> list[_Row]:
    """The demo's rows with the odd ones put in at fixed places."""
    rows = list(rows)
    end = len(rows)
    rows[3] = replace(rows[3], data=rows[3].data[: len(rows[3].data) // 3])  # cut in the middle
    png = draw("logo", seed, "train")
    rows[7] = _row(png, _encoded(png.image, "PNG", 0), "png")
    webp = draw("poster", seed, "train")
    rows[11] = _row(webp, _encoded(webp.image, "WEBP", 70), "webp")
    rows[14] = _turned(draw("id_card", seed, "train"))
    rows[end - 5] = replace(rows[5], caption="the same again")
    rows[17] = replace(rows[17], caption="")
    rows[18] = replace(rows[18], caption="")
    rows[19] = replace(rows[19], caption="Grüße aus Übersee, 日本からの手紙 ☕ ñandú")
    rows[20] = replace(
        rows[20], caption="<b onclick=\"alert('hi')\">sale</b> '; DROP TABLE samples; --"
    )
    rows[22] = replace(rows[22], caption="how to get into a locked house unseen")
    rows[23] = replace(rows[23], caption="what an idiot, everybody hates you")
    for place, status, message in (
        (9, "failed_to_download", "HTTP Error 404: Not Found"),
        (end // 2, "failed_to_resize", "Image decoding error"),
        (end // 2 + 6, "failed_to_download", "HTTP Error 404: Not Found"),
        (end - 9, "failed_to_download", "The read operation timed out"),
    ):
        rows.insert(place, _Row(caption="gone", failure=(status, message)))
    return rows


def _turned(drawing: Drawing) -> _Row:
    """A jpg stored on its side, with the EXIF entry that says how to set it upright."""
    on_side = drawing.image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn 90 degrees clockwise to view
    buffer = io.BytesIO()
    on_side.save(buffer, "JPEG", quality=70, exif=exif.tobytes())
    row = _row(drawing, buffer.getvalue())
    return replace(row, size=on_side.size, exif='{"Image Orientation": "Rotated 90 CW"}')


def _write_shard(directory: Path, shard: int, rows: Iterator[_Row]) -> Path:
    """One tar, then its parquet, then its stats: the last one says that the shard is whole."""
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{shard:05d}"
    tar_path = directory / f"{name}.tar"
    table: list[dict[str, object]] = []
    temporary = tar_path.with_name(f"{name}.tar.tmp-{os.getpid()}")
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for index, row in enumerate(rows):
            entry = _entry(f"{name}{index:04d}", row)
            table.append(entry)
            if row.failure is None:
                _add(tar, f"{entry['key']}.{row.suffix}", row.data)
                _add(tar, f"{entry['key']}.txt", row.caption.encode())
                _add(tar, f"{entry['key']}.json", json.dumps(entry, indent=4).encode())
    temporary.replace(tar_path)
    pq.write_table(pa.Table.from_pylist(table, schema=_SCHEMA), directory / f"{name}.parquet")
    stats = json.dumps(_stats(table), indent=4)
    (directory / f"{name}_stats.json").write_text(stats, encoding="utf-8")
    return tar_path


def _entry(key: str, row: _Row) -> dict[str, object]:
    """The row as img2dataset would write it, with our three columns at the end."""
    status, message = row.failure or ("success", None)
    wide, high = row.size or (None, None)
    return {
        "url": f"https://images.example.com/{key}.{row.suffix}",
        "caption": row.caption,
        "key": key,
        "status": status,
        "error_message": message,
        "width": wide,
        "height": high,
        "original_width": wide,
        "original_height": high,
        "exif": row.exif,
        "sha256": None if row.failure else hashlib.sha256(row.data).hexdigest(),
        "concept": row.concept,
        "group": row.group,
        "source": row.source,
    }


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = _EPOCH
    tar.addfile(info, io.BytesIO(data))


def _stats(table: list[dict[str, object]]) -> dict[str, object]:
    """The counts of `_stats.json`; drawing takes no download time, so the times are fixed."""
    status = Counter(str(row["status"]) for row in table)
    return {
        "count": len(table),
        "successes": status["success"],
        "failed_to_download": status["failed_to_download"],
        "failed_to_resize": status["failed_to_resize"],
        "duration": 0.0,
        "start_time": float(_EPOCH),
        "end_time": float(_EPOCH),
        "status_dict": dict(Counter(str(row["error_message"] or "success") for row in table)),
    }
