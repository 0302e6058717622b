"""PSA-VLM and LLaVA-style records: one JSON object a line, or one JSON list (papers.md 4.4, O17).

    {"safe_type": 1, "safe_level": 3, "image": "a.jpg", "conversations": [{"from": "USER", ...}]}

`image` is relative to the file; two paths joined by `<split>` are a pair, seen side by side.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from audit.errors import ImageError, UsageError
from audit.images import DEFAULT_LIMITS, load
from audit.labels import Example, LabelFile, Unusable, read_label
from audit.taxonomy import Taxonomy

SUFFIXES = (".jsonl", ".ndjson", ".json")
SPLIT = "<split>"
PAIR_SIDE = 672
"""Longest side in pixels of each picture of a pair: twice what CLIP L/14-336 reads."""


def records(
    path: Path, names: Sequence[str], taxonomy: Taxonomy, labels: LabelFile | None
) -> Iterator[Example | Unusable]:
    """The records of a file as examples; a bad line is told and the next one is read.

    names   the K concepts to give targets for
    labels  takes the place of the records' own labels; `key` is a record's `id` or `image`
    raises  UsageError when the file cannot be read at all
    """
    for where, record in _lines(path):
        if not isinstance(record, dict):
            yield Unusable(where, f"no json object: {record!s:.80}")
            continue
        try:
            found = _example(path, where, record, names, taxonomy, labels)
        except (UsageError, ImageError) as error:
            yield Unusable(where, str(error))
            continue
        if found is not None:
            yield found


def _lines(path: Path) -> Iterator[tuple[str, object]]:
    """(where, record), or (where, what is wrong with the line)."""
    try:
        if path.suffix.lower() == ".json":
            whole = json.loads(path.read_text(encoding="utf-8-sig"))
            if not isinstance(whole, list):
                raise UsageError(f"{path}: a .json of records is one list; this is no list")
            for number, record in enumerate(whole, 1):
                yield f"{path.name}: record {number}", record
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line.decode("utf-8-sig"))
                except (ValueError, RecursionError) as error:
                    record = f"{error!s:.100}"
                yield f"{path.name}: line {number}", record
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read ({error!s:.160})") from None


def _example(
    path: Path,
    where: str,
    record: dict[str, Any],
    names: Sequence[str],
    taxonomy: Taxonomy,
    labels: LabelFile | None,
) -> Example | None:
    image = record.get("image")
    if not isinstance(image, str) or not image:
        raise UsageError(f"`image` is {image!r:.80}; it must be the path of a picture")
    said = record
    if labels is not None:
        uid = record["uid"] if isinstance(record.get("uid"), str) else None
        row = labels.find(uid, str(record.get("id", image)), path.name)
        if row is None:
            return None
        said = row
    label = read_label(said, names, taxonomy)
    paths = [part.strip() for part in image.split(SPLIT)]
    if len(paths) > 2 or "" in paths:
        raise UsageError(f"`image` is {image!r:.80}; one path, or two joined by {SPLIT}")
    pictures = [_bytes(path.parent / part) for part in paths]
    # One picture stands in several records, with another question each: they are one group.
    same = "+".join(hashlib.sha256(picture).hexdigest()[:16] for picture in pictures)
    beside = {**record, **said}
    return Example(
        pictures[0] if len(pictures) == 1 else side_by_side(*pictures),
        label,
        str(beside.get("source", path.name)),
        str(beside.get("group", same)),
        where,
        _question(record.get("conversations")),
        beside,
    )


def _bytes(path: Path) -> bytes:
    """The file's bytes; only a regular file within the limits of `audit.images` is read."""
    limit = DEFAULT_LIMITS.max_bytes
    try:
        if not path.is_file():
            raise UsageError(f"{path}: no such picture")
        if (size := path.stat().st_size) > limit:
            raise UsageError(f"{path}: {size:,} bytes, the limit is {limit:,}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path!s:.200}: cannot be read ({error!s:.100})") from None


def _question(conversations: object) -> str | None:
    """What the user says first, without the mark of the picture."""
    for turn in conversations if isinstance(conversations, list) else ():
        if isinstance(turn, dict) and str(turn.get("from")).lower() in ("user", "human"):
            text = str(turn.get("value", "")).replace("<image>", "").strip()
            return text or None
    return None


def side_by_side(left: bytes, right: bytes) -> bytes:
    """A pair as one picture of equal heights, as PNG; padding it later keeps all of both.

    The release pastes pairs onto black and then cuts their outer parts away (papers.md O15).
    raises  ImageError
    """
    whole = [_whole(data) for data in (left, right)]
    height = max(picture.shape[0] for picture in whole)
    scaled = [
        np.asarray(
            Image.fromarray(p).resize(
                (max(1, round(p.shape[1] * height / p.shape[0])), height),
                Image.Resampling.BICUBIC,
            )
        )
        for p in whole
    ]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(scaled, axis=1)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _whole(data: bytes) -> np.ndarray:
    """[h, w, 3] uint8, the longest side PAIR_SIDE."""
    picture = load(data, size=PAIR_SIDE, crop_mode="pad", preview=False)
    return unpadded(picture.pixels, picture.width / picture.height)


def unpadded(pixels: np.ndarray, aspect: float) -> np.ndarray:
    """The picture inside its grey square: [S, S, 3] -> [h, w, 3]; aspect is width / height."""
    side = pixels.shape[0]
    across = max(1, round(side * min(1.0, aspect)))
    down = max(1, round(side * min(1.0, 1 / aspect)))
    top, left = (side - down) // 2, (side - across) // 2
    return pixels[top : top + down, left : left + across]
