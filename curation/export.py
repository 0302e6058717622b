"""Records -> a folder that a trainer loads: shards, jsonl, images, manifest, lineage and cards.

The folder appears whole, by a rename; until then it is `<name>.partial`, which an interrupted
export leaves behind and the next one clears away. Bytes of images are copied, never re-encoded.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.errors import ShardwardenError
from audit.steps import Show
from audit.taxonomy import LEVELS, TYPES
from curation import cards, croissant
from curation.dialects import DIALECTS, sample, turns_of
from curation.guard import Forbidden
from curation.hints import hint_of
from curation.images import Images
from curation.manifest import (
    NAME,
    Lost,
    Origin,
    Place,
    Tally,
    lineage_row,
    lineage_table,
    manifest,
    with_files,
)
from curation.places import check_place, partial, publish
from curation.records import SPLITS, Record, SourceRow
from curation.shards_out import Files, HashedFile, ShardWriter, extension, shard, write_parquet

FORMATS = ("wds", *DIALECTS)
RUN_BYTES = 64 << 20  # of images held at a time
LINEAGE_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Options:
    """How to write.

    formats     of FORMATS; shard_size: records a shard
    hints       put the hints into what the user says, too
    overwrite   replace an earlier export
    """

    formats: tuple[str, ...] = ("wds", "psa-vlm")
    shard_size: int = 1000
    hints: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written; `content` is the manifest without its files, `files` how many there are."""

    out: Path
    content: dict[str, Any]
    lost: tuple[Lost, ...]
    files: int
    size: int
    seconds: float


def export(
    records: Sequence[Record],
    out: Path,
    origin: Origin,
    forbidden: Forbidden,
    options: Options,
    show: Show,
) -> Exported:
    """Write an export.

    records     as composed; each split keeps their order
    forbidden   what the catalog holds back: no record may be of it
    raises      UsageError for a place that is taken, ShardwardenError for a record of a row that
                is held back, or when no image at all could be had
    """
    began = time.monotonic()
    check_place(out, overwrite=options.overwrite)
    forbidden.refuse(records)
    if not records:
        raise ShardwardenError("nothing to export: the policy and the options leave no record")
    if len({record.uid for record in records}) != len(records):
        (uid, _), *_ = Counter(record.uid for record in records).most_common(1)
        raise ShardwardenError(f"uid {uid!r:.80} twice among the records; each needs its own")
    with partial(out) as folder:
        _room_for(records, folder, options)
        writing = _Writing(folder, records, origin, options)
        with Images([r.row for r in records], folder / ".spool", show) as images:
            _write(writing, images, records, show)
        if not writing.tally.records:
            first = writing.lost[0]
            shutil.rmtree(folder)
            raise ShardwardenError(
                f"not one of {len(records):,} images could be read; the first, {first.member} of "
                f"{first.shard}: {first.why}"
            )
        content = _finish(writing, origin, options)
        publish(folder, out)
    files = writing.files.written
    return Exported(
        out,
        content,
        tuple(writing.lost),
        len(files) + 1,
        sum(one.size for one in files.values()),
        time.monotonic() - began,
    )


class _Writing:
    """The files of one export while it is written."""

    def __init__(
        self, folder: Path, records: Sequence[Record], origin: Origin, options: Options
    ) -> None:
        self.files = Files(folder)
        self.tally = Tally()
        self.lost: list[Lost] = []
        self.redact: list[str] = []
        self._origin, self.options = origin, options
        formats = Counter(extension(record.row.format) for record in records)
        # One name for the image of every sample, or no reader could take them as one column; the
        # bytes say what they are to whoever decodes them, and `format` in the json says it too.
        self.suffix = min(formats, key=lambda name: (-formats[name], name))
        self.captions = any(record.row.caption for record in records)
        self._rows: list[dict[str, Any]] = []
        self.lineage: list[Any] = []

    def one(
        self,
        record: Record,
        data: bytes,
        line: int,
        tar: tuple[str, ShardWriter] | None,
        lines: dict[str, HashedFile],
    ) -> None:
        """Write one record everywhere."""
        hint = hint_of(record)
        turns = turns_of(record, hint if self.options.hints else None)
        key = f"{record.split}-{line:09d}"
        image = self._image(record.row, data) if lines else None
        if tar is not None:
            self._sample(tar[1], record, data, key, turns, hint)
        for dialect, file in lines.items():
            file.write(_json(DIALECTS[dialect](record, f"../{image}", turns)) + b"\n")
        if record.action == "redact":
            self.redact.append(f"{key} {image}" if image else key)
        shard_path = f"{tar[0]}.tar" if tar else None
        place = Place(line, key if tar else None, shard_path, image)
        self._rows.append(lineage_row(record, place, hinted=hint is not None))
        if len(self._rows) == LINEAGE_ROWS:
            self.settle()
        self.tally.add(record)

    def settle(self) -> None:
        """Turn the rows of the lineage so far into columns, which take less room."""
        if self._rows:
            self.lineage.append(lineage_table(self._rows))
        self._rows = []

    def _image(self, row: SourceRow, data: bytes) -> str:
        """Set an image down once; named by its bytes, so that no stranger's name is a path."""
        path = f"images/{row.sha256[:2]}/{row.sha256}.{extension(row.format)}"
        if path not in self.files.written:
            self.files.write(path, data)
        return path

    def _sample(
        self,
        writer: ShardWriter,
        record: Record,
        data: bytes,
        key: str,
        turns: list[tuple[str, str]],
        hint: str | None,
    ) -> None:
        row, url = record.row, _url(record.row)
        scorer, policy = self._origin.scorer["fingerprint"], self._origin.policy["hash"]
        said = sample(record, key, url, turns, hint=hint, scorer=scorer, policy=policy)
        members = [(self.suffix, data), ("json", _json(said))]
        if self.captions:
            members.append(("txt", (row.caption or "").encode("utf-8")))
        side = {
            "url": url or None,
            "caption": row.caption,
            "key": key,
            "status": "success",
            "width": row.width,
            "height": row.height,
            "original_width": row.width,
            "original_height": row.height,
            "sha256": row.sha256,
            "uid": record.uid,
            "safe_type": TYPES.index(record.type),
            "safe_level": LEVELS.index(record.level),
            "risk": record.risk,
        }
        writer.add(key, members, side)


def _write(writing: _Writing, images: Images, records: Sequence[Record], show: Show) -> None:
    """Every record whose image can be had, split by split."""
    options, files = writing.options, writing.files
    began, done = time.monotonic(), 0
    for split in SPLITS:
        mine = [record for record in records if record.split == split]
        lines: dict[str, HashedFile] = {}
        with ExitStack() as open_files, ExitStack() as open_shard:
            if mine:
                for dialect in (name for name in options.formats if name in DIALECTS):
                    path = f"jsonl/{dialect}-{split}.jsonl"
                    lines[dialect] = open_files.enter_context(files.writing(path))
            tar: tuple[str, ShardWriter] | None = None
            for line, (record, data) in enumerate(_had(mine, images, writing.lost)):
                if "wds" in options.formats and line % options.shard_size == 0:
                    open_shard.close()
                    name = f"shards/{split}-{line // options.shard_size:06d}"
                    tar = name, open_shard.enter_context(shard(files, name))
                writing.one(record, data, line, tar, lines)
                done += 1
                speed = done / max(time.monotonic() - began, 1e-9)
                show(done, len(records), f"records, {speed:,.0f}/s, {len(writing.lost):,} lost")


def _had(
    records: Sequence[Record], images: Images, lost: list[Lost]
) -> Iterator[tuple[Record, bytes]]:
    """Records with the bytes of their image, in order; the others are added to `lost`."""
    for run in _runs(records):
        for record, found in zip(run, images.read([r.row for r in run]), strict=True):
            if isinstance(found, bytes):
                yield record, found
            else:
                lost.append(Lost(record.uid, record.row.shard, record.row.image_member, found))


def _runs(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in order, as many at a time as memory may hold."""
    run: list[Record] = []
    held = 0
    for record in records:
        if run and held + record.row.size > RUN_BYTES:
            yield run
            run, held = [], 0
        run.append(record)
        held += record.row.size
    if run:
        yield run


def _finish(writing: _Writing, origin: Origin, options: Options) -> dict[str, Any]:
    """Lineage, cards and manifest."""
    files = writing.files
    writing.settle()
    write_parquet(files, "lineage.parquet", writing.lineage)
    if writing.redact:
        files.write("redact.txt", "".join(f"{line}\n" for line in writing.redact).encode())
    said = asdict(options)
    del said["overwrite"]
    content = manifest(
        origin, writing.tally, writing.lost, {**said, "image_suffix": writing.suffix}
    )
    files.write("README.md", cards.readme(content).encode("utf-8"))
    files.write_json("croissant.json", croissant.croissant(content, files.written))
    files.write_json(NAME, with_files(content, files))
    return content


def _room_for(records: Sequence[Record], folder: Path, options: Options) -> None:
    copies = ("wds" in options.formats) + any(name in DIALECTS for name in options.formats)
    needed = copies * sum(record.row.size for record in records)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ShardwardenError(
            f"{folder}: {needed / 1e9:,.1f} GB of images to write, {free / 1e9:,.1f} GB free; "
            "make room, or give fewer formats"
        )


def _url(row: SourceRow) -> str:
    """Where the image was fetched from, as the sample's json says."""
    try:
        found = json.loads(row.metadata or "{}")
    except (ValueError, RecursionError):
        return ""
    url = found.get("url") if isinstance(found, dict) else None
    return url.encode("utf-8", "replace").decode() if isinstance(url, str) else ""


def _json(value: object) -> bytes:
    """One line; in ASCII, so that no reader takes some character for the end of it."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")
