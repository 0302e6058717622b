"""Items that somebody wants taken down: what they are, and every place where they are.

A list names them by url, sha256, phash or uid. Found are the images of the catalog that an item
names, every copy of their bytes, and the records of exports that were made from them: an export
keeps where its records come from. Nothing is ever changed in place; see `advice`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit.catalog import Catalog
from audit.errors import ShardwardenError, UsageError
from curation import arrays, filtering, tombstones
from curation.places import is_export
from curation.rules import INCLUDED
from curation.tombstones import KINDS, Item, item, same_url

DISTANCE = 4
"""Bits of 64 in which the phash of the same picture, scaled or compressed anew, may differ."""

_COLUMNS = (
    "row_id", "uid", "shard", "key", "image_member", "offset", "size", "sha256", "phash",
    "metadata",
)  # fmt: skip
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Wrong:
    """An entry of a list that names nothing: `entry` counts lines, or rows, from 1."""

    entry: int
    problem: str


@dataclass(frozen=True, slots=True)
class Source:
    """An image of the catalog.

    name    of its shard, as the scan found it; url: where that is
    offset  of its bytes in the tar; None in a compressed one
    copy    True: not named by the item itself, but has the same bytes as one that is
    """

    row_id: int
    uid: str
    shard: str
    name: str
    url: str
    key: str
    member: str
    offset: int | None
    size: int
    sha256: str | None
    copy: bool


@dataclass(frozen=True, slots=True)
class Use:
    """A place in something made from the catalog.

    made    the folder of an export, or of cleaned copies
    shard   path of the tar in it; image: of the extracted file; None where there is none
    lines   of its jsonl files: "jsonl/psa-vlm-train.jsonl:12", counted from 1
    """

    made: str
    uid: str
    shard: str | None
    key: str | None
    image: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Where one item is."""

    item: Item
    sources: tuple[Source, ...]
    uses: tuple[Use, ...]

    @property
    def found(self) -> bool:
        """Whether it is anywhere."""
        return bool(self.sources or self.uses)


def read_list(path: Path, *, distance: int = DISTANCE) -> tuple[list[Item], list[Wrong]]:
    """Items of a list, each once; and the entries that are none.

    path     .csv and .parquet have columns `kind` and `value`, or some of url, sha256, phash, uid;
             any other file has an item a line: what has :// is a url, 64 hex digits are a sha256,
             16 a phash, all else is a uid; `kind:value` says it; # begins a comment
    raises   UsageError when the file cannot be read or names nothing at all
    """
    try:
        entries = list(_entries(path))
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:160]
        raise UsageError(f"{path}: cannot be read ({why})") from error
    items: dict[Item, None] = {}
    wrong = []
    for number, kind, value in entries:
        try:
            items[item(kind, value, distance if kind == "phash" else 0)] = None
        except UsageError as error:
            wrong.append(Wrong(number, str(error)))
    if not items and not wrong:
        raise UsageError(f"{path}: names nothing; give an item a line")
    return list(items), wrong


def _entries(path: Path) -> Iterator[tuple[int, str, str]]:
    """(number, kind, value) of each entry."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        rows: Any = pq.read_table(path).to_pylist()
        yield from _named(path, enumerate(rows, 1))
    elif suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            yield from _named(path, ((reader.line_num, row) for row in reader))
    else:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
            text = line.strip()
            if text and not text.startswith("#"):
                yield number, *_told(text)


def _named(
    path: Path, rows: Iterator[tuple[int, Mapping[str, Any]]]
) -> Iterator[tuple[int, str, str]]:
    for number, row in rows:
        columns = [name for name in KINDS if name in row]
        if "kind" in row and "value" in row:
            yield number, str(row["kind"] or ""), str(row["value"] or "")
        elif columns:
            yield from ((number, name, str(row[name])) for name in columns if row[name])
        else:
            raise UsageError(f"{path}: has neither kind and value nor any of {', '.join(KINDS)}")


def _told(text: str) -> tuple[str, str]:
    kind, colon, rest = text.partition(":")
    if colon and kind in KINDS and not rest.startswith("//"):
        return kind, rest
    if _URL.match(text):
        return "url", text
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return "sha256", text
    if re.fullmatch("[0-9a-fA-F]{16}", text):
        return "phash", text
    return "uid", text


def trace(catalog_dir: Path, items: Sequence[Item], made: Sequence[Path] = ()) -> list[Trace]:
    """Where each item is, in the order given.

    made     folders of exports and of cleaned copies to look through
    raises   UsageError for a folder that is neither
    """
    folders = [_opened(folder) for folder in made]
    with Catalog(catalog_dir) as catalog:
        rows = catalog.columns(_COLUMNS)
        shards: list[Any] = catalog.shards().to_pylist()
    books = {book["shard"]: book for book in shards}
    named = tombstones.matches(items, rows)
    codes = arrays.codes(rows["sha256"])
    traces = []
    for one in items:
        at = named.get(one, np.empty(0, np.int64))
        known = codes[at]
        same = np.flatnonzero(np.isin(codes, known[known >= 0]))
        every = np.union1d(at, same)
        found: Any = rows.take(every).to_pylist()
        sources = tuple(
            _source(row, books, copy=position not in at)
            for position, row in zip(every.tolist(), found, strict=True)
        )
        uses = tuple(use for folder in folders for use in folder.uses(one, sources))
        traces.append(Trace(one, sources, uses))
    return traces


def _source(row: Mapping[str, Any], books: Mapping[str, Any], *, copy: bool) -> Source:
    book = books[row["shard"]]
    return Source(
        row["row_id"], row["uid"], row["shard"], book["name"], book["url"], row["key"],
        row["image_member"], row["offset"], row["size"], row["sha256"], copy,
    )  # fmt: skip


class _Made:
    """Records of something made from the catalog, found by what they come from."""

    def __init__(self) -> None:
        self._by: dict[tuple[str, object], list[Use]] = {}

    def add(self, use: Use, **names: object) -> None:
        for kind, value in names.items():
            if value is not None:
                self._by.setdefault((kind, value), []).append(use)

    def uses(self, one: Item, sources: Sequence[Source]) -> list[Use]:
        """Every use of an item, or of what it names in the catalog."""
        value = same_url(one.value) if one.kind == "url" else one.value
        asked: list[tuple[str, object]] = [(one.kind, value)]
        asked += [("sha256", source.sha256) for source in sources if source.sha256]
        asked += [("row", (source.shard, source.key, source.member)) for source in sources]
        found = dict.fromkeys(use for name in asked for use in self._by.get(name, ()))
        return list(found)


def _opened(folder: Path) -> _Made:
    try:
        if is_export(folder):
            return _export(folder)
        if filtering.is_filter(folder):
            return _copies(folder)
    except (OSError, KeyError, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:160]
        raise ShardwardenError(
            f"{folder}: its lineage cannot be read ({why}); run `curate check {folder}`"
        ) from error
    raise UsageError(f"{folder}: neither an export nor cleaned copies; give what `curate` wrote")


def _export(folder: Path) -> _Made:
    made = _Made()
    rows: Any = pq.read_table(folder / "lineage.parquet").to_pylist()
    urls = _urls(folder, {row["output_shard"] for row in rows} - {None})
    dialects = sorted((folder / "jsonl").glob("*.jsonl"))
    for row in rows:
        lines = tuple(
            f"jsonl/{path.name}:{row['line'] + 1}"
            for path in dialects
            if path.stem.endswith(f"-{row['split']}")
        )
        use = Use(
            str(folder), row["uid"], row["output_shard"], row["key"], row["output_image"], lines
        )
        place = (row["source_shard"], row["source_key"], row["source_member"])
        url = urls.get((row["output_shard"], row["key"]))
        made.add(use, uid=row["uid"], sha256=row["sha256"], row=place, url=url)
    return made


def _urls(folder: Path, shards: set[str]) -> dict[tuple[str, str], str]:
    """(shard, key) -> address, from the Parquet files beside the shards."""
    found: dict[tuple[str, str], str] = {}
    for shard in sorted(shards):
        side = folder / f"{shard.removesuffix('.tar')}.parquet"
        table: Any = pq.read_table(side, columns=["key", "url"]).to_pylist()
        found |= {(shard, row["key"]): same_url(row["url"]) for row in table if row["url"]}
    return found


def _copies(folder: Path) -> _Made:
    made = _Made()
    books = json.loads((folder / filtering.NAME).read_bytes())
    files = {entry["shard"]: entry for entry in books["shards"] if entry["file"]}
    rows: Any = pq.read_table(folder / filtering.ROWS).to_pylist()
    left_out = {(row["shard"], row["key"]) for row in rows if row["action"] not in INCLUDED}
    for row in rows:
        entry = files.get(row["shard"])
        place = row["shard"], row["key"]
        if entry is None or place in left_out or row["key"] in entry["missing"]:
            continue
        use = Use(str(folder), row["uid"], entry["file"], row["key"], None, ())
        made.add(use, uid=row["uid"], sha256=row["sha256"], row=(*place, row["member"]))
    return made


def advice(traces: Sequence[Trace]) -> list[str]:
    """What is left to do, a line each."""
    told = []
    for folder in dict.fromkeys(use.made for one in traces for use in one.uses):
        records = {use for one in traces for use in one.uses if use.made == folder}
        told.append(
            f"{folder}: {len(records):,} records are in it; nothing is taken out in place, write "
            "it anew with the same command and --overwrite"
        )
    shards = {source.name for one in traces for source in one.sources}
    if shards:
        told.append(
            f"{len(shards):,} source shards have them; `curate filter` writes copies without them"
        )
    return told
