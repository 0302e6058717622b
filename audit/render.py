"""Answers of a catalog as plain text for a terminal or a pipe; nothing here trusts a caption."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from audit.status import ShardCounts, Status
from audit.taxonomy import LEVELS, TYPES
from audit.text import visible

Format = Literal["table", "csv", "json"]

NARROW = 12  # columns of the terminal; no column of a table is made narrower to fit
GAP = "  "
SHARDS_SHOWN = 20
LINES_SHOWN = 20  # of faults, reasons and concepts
PAIRS = "  picture first, then caption; safe_safe_unsafe: each safe alone, unsafe together"
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render_status(status: Status) -> str:
    """Give the whole status as text: books, risks, concepts, failures, faults, shards."""
    total = status.total
    books = "the books balance" if total.balanced else "THE BOOKS DO NOT BALANCE"
    blocks = [
        [
            f"{len(status.shards):,} shards, {total.members:,} members = {total.scored:,} scored + "
            f"{total.failed:,} failed + {total.quarantined:,} quarantined + {total.other:,} other: "
            f"{books}",
            f"type and level contradict each other on {status.conflicts:,} of {total.scored:,} "
            f"scored ({status.conflict_rate:.1%}); the level shown is the joint decision",
        ],
        _grid(
            ["", *LEVELS],
            [[kind, *(_risk(status, kind, level) for level in LEVELS)] for kind in TYPES],
        )
        + [f"- the scorer was not trained for: {', '.join(status.not_covered)}"]
        * bool(status.not_covered),
        _counts("concepts above 0.5", status.concepts),
        _pairs(status.pairs),
        [f"words were looked for in {status.pictures_read:,} pictures"]
        * bool(status.pictures_read),
        _counts("failed or quarantined", status.failures),
        _counts(f"never delivered upstream: {total.upstream_failed:,}", status.upstream),
    ]
    if status.faults:
        lines = [
            visible(f"  {fault.shard}: {fault.kind}: {fault.detail}")
            for fault in status.faults[:LINES_SHOWN]
        ]
        blocks.append([f"faults: {len(status.faults):,}", *lines, *_more(status.faults)])
    blocks.append(_shards(status.shards))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _risk(status: Status, kind: str, level: str) -> str:
    """A count, or a dash for a type that the scorer cannot see: unknown is not none."""
    return "-" if kind in status.not_covered else f"{status.risks.get((kind, level), 0):,}"


def render_table(table: pa.Table, format: Format, width: int | None = None) -> str:
    """Give a table as text, everything unprintable in it spelled out.

    format   "table": columns of a terminal; "csv": RFC 4180 with lines ended by LF, a cell
             that a spreadsheet would take for a formula gets a quote before it; "json": one array
             of objects, bytes as base64
    width    of the terminal in columns, for "table": long cells are cut; None cuts nothing
    """
    if format == "json":
        return _json(table)
    if format == "csv":
        return _csv(table)
    return "\n".join(_table(table, width)) + "\n"


def _table(table: pa.Table, width: int | None) -> list[str]:
    numeric = [pa.types.is_integer(f.type) or pa.types.is_floating(f.type) for f in table.schema]
    header = [visible(name) for name in table.schema.names]
    rows = [[_cell(value) for value in row] for row in _rows(table)]
    widths = [max(map(_columns, column)) for column in zip(header, *rows, strict=True)]
    if width is not None:
        widths = _fit(widths, width)
    lines = [_line(header, widths, numeric), _line(["-" * w for w in widths], widths, numeric)]
    lines += [_line(row, widths, numeric) for row in rows]
    return [*lines, f"({len(rows):,} {'row' if len(rows) == 1 else 'rows'})"]


def _csv(table: pa.Table) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_guarded(name) for name in table.schema.names])
    for row in _rows(table):
        writer.writerow([_guarded(v) if isinstance(v, str) else _cell(v, full=True) for v in row])
    return file.getvalue()


def _guarded(text: str) -> str:
    return ("'" if text.startswith(_FORMULA) else "") + visible(text)


def _json(table: pa.Table) -> str:
    names = table.schema.names
    rows = [
        json.dumps(dict(zip(names, map(_plain, row), strict=True)), allow_nan=False)
        for row in _rows(table)
    ]
    # DEL is the one control character that json.dumps leaves as it is.
    return ("[" + ",\n ".join(rows) + "]\n").replace("\x7f", "\\u007f")


def _rows(table: pa.Table) -> Iterable[tuple[Any, ...]]:
    for batch in table.to_batches(max_chunksize=4096):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows; a number that is not finite becomes null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return {str(key): _plain(item) for key, item in value}  # how Arrow gives a map
        return [_plain(item) for item in value]
    return str(value)


def _cell(value: Any, *, full: bool = False) -> str:
    """One line of printable text for any value; `full` leaves nothing out (csv)."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value) if full else f"{value:.4g}"
    if isinstance(value, bytes) and not full:
        return f"<{len(value):,} bytes>"
    if isinstance(value, list | tuple | Mapping | bytes):
        plain = _plain(value)
        return visible(plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False))
    return visible(str(value))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, width, numeric in zip(cells, widths, right, strict=True):
        cut = _cut(cell, width)
        space = " " * (width - _columns(cut))
        parts.append(space + cut if numeric else cut + space)
    return GAP.join(parts).rstrip()


def _fit(widths: Sequence[int], width: int) -> list[int]:
    """Make the widest columns narrower until the line fits, none narrower than NARROW."""
    fitted = list(widths)
    spare = sum(fitted) + len(GAP) * (len(fitted) - 1) - width
    while spare > 0 and max(fitted) > NARROW:
        widest = max(range(len(fitted)), key=fitted.__getitem__)
        fitted[widest] -= 1
        spare -= 1
    return fitted


def _columns(text: str) -> int:
    """Terminal columns a text takes: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_character_columns, text))


def _character_columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _character_columns(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out a small table of ours: first column to the left, the others to the right."""
    widths = [max(map(_columns, column)) for column in zip(header, *rows, strict=True)]
    right = [False] + [True] * (len(header) - 1)
    return [_line(row, widths, right) for row in (header, *rows)]


def _counts(title: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    shown = list(counts.items())[:LINES_SHOWN]
    rows = _grid(["", ""], [[f"  {visible(name)}", f"{count:,}"] for name, count in shown])[1:]
    return [title, *rows, *_more(counts)]


def _pairs(counts: Mapping[str, int]) -> list[str]:
    lines = _counts("picture and caption", counts)
    return [*lines, PAIRS] if lines else []


def _more(things: Sequence[Any] | Mapping[str, Any]) -> list[str]:
    left = len(things) - LINES_SHOWN
    return [f"  and {left:,} more"] if left > 0 else []


def _shards(shards: Sequence[ShardCounts]) -> list[str]:
    """Books a shard: those with trouble first, the rest as far as it fits on a screen."""
    shown = sorted(shards, key=lambda s: (s.balanced, -s.faults, -s.failed - s.quarantined))
    del shown[SHARDS_SHOWN:]
    names = ("shard", "members", "scored", "failed", "quarantined", "other", "upstream_failed",
             "faults")  # fmt: skip
    rows = [
        [visible(shard.shard), *(f"{getattr(shard, name):,}" for name in names[1:])]
        for shard in shown
    ]
    header = [name.replace("_", " ") for name in names]
    left = len(shards) - len(shown)
    return _grid(header, rows) + ([f"and {left:,} more shards"] if left else [])
