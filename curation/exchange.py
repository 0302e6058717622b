"""Decisions out to CSV or Parquet and back in, for other tools and for lists made by hand."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import UsageError
from audit.parts import replacing
from audit.taxonomy import LEVELS, TYPES
from audit.verdicts import RULINGS, VERDICTS, Decision, as_record, is_alias
from curation.decisions import checked, now

_KINDS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "row_id": pa.int64(),
    "uid": pa.string(),
    "verdict": pa.string(),
    "reviewer": pa.string(),
    "time": pa.string(),
    "type": pa.string(),
    "level": pa.string(),
    "concepts": pa.list_(pa.string()),
    "scorer": pa.string(),
    "policy": pa.string(),
    "revealed": pa.bool_(),
    "blind": pa.bool_(),
    "purpose": pa.string(),
    "seconds": pa.float64(),
    "batch": pa.string(),
    "cluster": pa.string(),
    "undoes": pa.string(),
    "ruling": pa.string(),
    "note": pa.string(),
}
SCHEMA = pa.schema(_KINDS)
_BESIDE = ("caption", "url")  # a form has them for whoever fills it in
_SAID = ("verdict", "type", "level", "concepts")  # what a person fills in
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Wrong:
    """An entry of a file that could not be taken in; `entry` counts from 1."""

    entry: int
    problem: str


def write(decisions: Sequence[Decision], path: Path) -> None:
    """Write decisions to a .csv, .parquet or .jsonl file, in their order.

    A .jsonl file has one JSON object a line. In a CSV file concepts are a JSON list, an empty cell
    is "not said", and a cell that a spreadsheet would take for a formula begins with an apostrophe.
    raises   UsageError for any other suffix
    """
    form = _form(path, (".csv", ".parquet", ".jsonl"))
    with replacing(path) as temporary:
        if form == ".jsonl":
            with temporary.open("w", encoding="ascii", newline="") as file:
                file.writelines(json.dumps(as_record(decision)) + "\n" for decision in decisions)
            return
        if form == ".parquet":
            rows = [as_record(decision) for decision in decisions]
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), temporary)
            return
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SCHEMA.names)
            for decision in decisions:
                writer.writerow(_cell(value) for value in as_record(decision).values())


def read(
    path: Path, rows: pa.Table, reviewer: str | None = None
) -> tuple[list[Decision], list[Wrong], int]:
    """Read decisions from a .csv or .parquet file.

    An entry needs a `verdict`, and a `row_id` or a `uid` that the catalog holds; one with a uid
    that several rows have is a decision about each of them. Types and levels may be numbers.
    An entry without an id gets one made of what it says, so that importing a file again adds
    nothing.
    rows       row_id and uid of the catalog's rows
    reviewer   who decided, where an entry does not say
    returns    (those that can be used, what is wrong, how many entries are not filled in yet)
    raises     UsageError when the file cannot be read, has columns nobody knows, or nothing says
               who decided
    """
    if reviewer is not None and not is_alias(reviewer):
        raise UsageError(f"--reviewer {reviewer!r}: an alias is a-z, 0-9, _ and -, 64 at most")
    entries = list(_entries(path))
    filled = {n: e for n, e in enumerate(entries, 1) if not _is_empty(e)}
    if filled and reviewer is None and not any(e.get("reviewer") for e in filled.values()):
        raise UsageError(f"{path}: does not say who decided; give --reviewer NAME")
    rows_of, uids = _named(entries, rows)
    decisions: list[Decision] = []
    wrong: list[Wrong] = []
    moment = now()
    for number, entry in filled.items():
        given = {"reviewer": reviewer} | {k: v for k, v in entry.items() if v is not None}
        try:
            found = _rows(given, rows_of, uids)
            _check_verdict(given)
            for row_id in found:
                about = {**given, "row_id": row_id, "uid": uids[row_id]}
                decisions.append(checked({"time": moment, "id": _identity(about), **about}))
        except UsageError as error:
            wrong.append(Wrong(number, str(error)))
    return decisions, wrong, len(entries) - len(filled)


def _is_empty(entry: Mapping[str, Any]) -> bool:
    """Whether nobody has filled this entry in yet."""
    return "" not in entry and all(entry.get(name) is None for name in _SAID)


def _check_verdict(given: Mapping[str, Any]) -> None:
    verdict = given.get("verdict")
    if verdict not in VERDICTS:
        found = "no verdict" if verdict is None else f"verdict {verdict!r:.40} is not known"
        raise UsageError(
            f"{found}; give {', '.join(RULINGS[:-1])} or {RULINGS[-1]}; a harmless picture is "
            "relabel with type safe"
        )


def _named(
    entries: Sequence[Mapping[str, Any]], rows: pa.Table
) -> tuple[dict[str, list[int]], dict[int, str]]:
    """Map uid -> row_ids and row_id -> uid, of those rows only that the entries name."""
    named = [[e.get(name) for e in entries] for name in ("row_id", "uid")]
    row_ids = pa.array([v for v in named[0] if type(v) is int and abs(v) < 2**63], pa.int64())
    texts = pa.array([v for v in named[1] if isinstance(v, str)], pa.string())
    found = pc.or_(pc.is_in(rows["row_id"], row_ids), pc.is_in(rows["uid"], texts))
    rows_of: dict[str, list[int]] = {}
    uids: dict[int, str] = {}
    for row in rows.select(["row_id", "uid"]).filter(found).to_pylist():
        rows_of.setdefault(row["uid"], []).append(row["row_id"])
        uids[row["row_id"]] = row["uid"]
    return rows_of, uids


def _rows(
    given: Mapping[str, Any], rows_of: Mapping[str, Sequence[int]], uids: Mapping[int, str]
) -> Sequence[int]:
    """The rows an entry is about."""
    row_id, uid = given.get("row_id"), given.get("uid")
    if "" in given:
        raise UsageError("has more cells than there are columns")
    if row_id is None and uid is None:
        raise UsageError("names neither row_id nor uid")
    if row_id is None:
        if uid not in rows_of:
            raise UsageError(f"uid {uid!r} is not in the catalog")
        return rows_of[str(uid)]
    if row_id not in uids:
        raise UsageError(f"row_id {row_id!r} is not in the catalog")
    if uid is not None and uids[row_id] != uid:
        raise UsageError(f"row_id {row_id} has uid {uids[row_id]!r} in the catalog, not {uid!r}")
    return (row_id,)


def _identity(given: Mapping[str, Any]) -> str:
    text = json.dumps({key: given[key] for key in sorted(given)})
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        if _form(path) == ".parquet":
            table = pq.read_table(path)
            _check_columns(path, table.column_names)
            for batch in table.to_batches():
                yield from map(_numbered, batch.to_pylist())
            return
        # utf-8-sig: spreadsheets put a mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="")
            _check_columns(path, reader.fieldnames or ())
            for row in reader:
                yield _numbered({name: _value(name, text) for name, text in row.items()})
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}; save it again") from error
    except (pa.ArrowException, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _check_columns(path: Path, names: Sequence[str]) -> None:
    known = f"required: verdict, and row_id or uid; known: {', '.join((*SCHEMA.names, *_BESIDE))}"
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        raise UsageError(f"{path}: cells are not separated by commas; save it with commas")
    for name in names:
        if name not in SCHEMA.names and name not in _BESIDE:
            raise UsageError(f"{path}: unknown column {name!r:.60}; {known}")
    if "verdict" not in names:
        raise UsageError(f"{path}: has no column 'verdict'; {known}")
    if "row_id" not in names and "uid" not in names:
        raise UsageError(f"{path}: has neither column 'row_id' nor 'uid'; {known}")


def _numbered(entry: dict[str, Any]) -> dict[str, Any]:
    """What is said of a picture, types and levels by their names where they are numbers."""
    for name in _BESIDE:
        entry.pop(name, None)
    for column, names in (("type", TYPES), ("level", LEVELS)):
        value = entry.get(column)
        if str(value).isdecimal() and int(str(value)) < len(names):
            entry[column] = names[int(str(value))]
    return entry


def _form(path: Path, known: Sequence[str] = (".csv", ".parquet")) -> str:
    if path.suffix.lower() not in known:
        raise UsageError(f"{path}: name it {', '.join(known[:-1])} or {known[-1]}")
    return path.suffix.lower()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return json.dumps(value)
    text = str(value)
    # Notes and uids are strangers' text: a spreadsheet would run what looks like a formula.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _value(name: str, text: Any) -> Any:
    """What a cell says; a text that fits no number, list or yes/no stays and is refused later."""
    if not isinstance(text, str) or text == "":  # a cell too many is a list: refused by its column
        return text or None
    kind = SCHEMA.field(name).type if name in SCHEMA.names else pa.string()
    try:
        if kind == pa.int64():
            return int(text)
        if kind == pa.float64():
            return float(text)
        if kind == pa.list_(pa.string()):
            return json.loads(text)
    except ValueError:
        return text
    if kind == pa.bool_():
        return _BOOLEANS.get(text.lower(), text)
    return text.removeprefix("'")
