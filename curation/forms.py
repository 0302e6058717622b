"""Samples and estimates as files: forms to fill in, lists with addresses, tables, a picture."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.parts import replacing
from curation.arrays import pc
from curation.estimate import Estimate, percent
from curation.gathering import Gathered
from curation.judged import Figure
from curation.sampling import Sample

# What `curate decisions import` takes back; the last two say which picture it is.
_FORM = ("row_id", "uid", "verdict", "type", "level", "concepts", "note", "caption")
_ADDRESS = ("row_id", "uid", "shard", "key", "image_member", "offset", "size", "caption")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_LONGEST = 30  # rows of strata in the picture


def write(sample: Sample, gathered: Gathered, path: Path) -> None:
    """Write the images of a sample, in the order of review and without scores.

    A .csv file is a form: an entry whose verdict is filled in is a decision. A .jsonl or .parquet
    file says where the bytes of each image are.
    """
    rows = _rows(sample, gathered)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(_FORM)
                for row in rows.to_pylist():
                    where = f"{row['shard']}/{row['key']}"
                    cells = (row["row_id"], row["uid"], "", "", "", "", where, row["caption"] or "")
                    writer.writerow(_cell(value) for value in cells)
        elif path.suffix.lower() == ".parquet":
            pq.write_table(rows, temporary)
        else:
            lines = [json.dumps(row) + "\n" for row in rows.to_pylist()]
            temporary.write_text("".join(lines), encoding="ascii")


def write_estimate(found: Estimate, path: Path) -> None:
    """Write an estimate as .json, as a picture (.svg), or as a page with both (.html)."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        content = json.dumps(found.to_json(), indent=1) + "\n"
    elif suffix == ".svg":
        content = picture(found)
    else:
        content = _page(found)
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


def table(figures: Sequence[Figure]) -> pa.Table:
    """One row a figure, shares in percent."""
    return pa.table(
        {
            "what": [f.name for f in figures],
            "images": [f"{f.images:,}" for f in figures],
            "reviewed": [f"{f.reviewed:,}" for f in figures],
            "found": [f"{f.risky:,}" for f in figures],
            "unclear": [f"{f.unclear:,}" for f in figures],
            "share %": [percent(f.share) for f in figures],
            "from": [percent(f.low) for f in figures],
            "to": [percent(f.high) for f in figures],
        }
    )


def picture(found: Estimate) -> str:
    """Every share with its interval as a dot on a line: SVG."""
    from audit.evaluation.plots import dots

    shown = [("kept now", found.kept)]
    if found.as_safe is not None:
        shown.append(("kept as safe", found.as_safe))
    shown += [(f"type: {f.name}", f) for f in found.types]
    strata = sorted(found.strata, key=lambda f: -f.images)[:_LONGEST]
    shown += [(f"in {f.name}", f) for f in strata]
    rows = {name: (100 * f.share, 100 * f.low, 100 * f.high) for name, f in shown}
    # A stratum of few reviews reaches far: it must not press the rest together.
    most = max((100 * f.high for name, f in shown if not name.startswith("in ")), default=1)
    title = f"Risky share, by {found.sampled.reviewed:,} random reviews"
    unit = f"percent of the images, with {percent(found.confidence)} % intervals"
    return dots(title, unit, rows, span=(-0.015 * most, min(100, 1.5 * most)))


def _page(found: Estimate) -> str:
    tables = ""
    for figures in ((found.sampled, *found.types), found.strata):
        rows = table(figures)
        head = "".join(f"<th>{escape(name)}</th>" for name in rows.column_names)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row.values()) + "</tr>"
            for row in rows.to_pylist()
        )
        tables += f"<table><tr>{head}</tr>{body}</table>\n"
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>What risk is left</title>\n'
        "<style>body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td,th{padding:.15em .8em;text-align:right}td:first-child,th:first-child"
        "{text-align:left}</style>\n"
        f"<h1>What risk is left</h1>\n<p>{escape(found.sentence)}</p>\n{picture(found)}\n{tables}"
        f"<p>Policy {escape(found.policy)} ({found.policy_hash[:12]}), "
        f"samples {escape(', '.join(found.samples))}. {escape(found.method)}.</p>\n</html>\n"
    )


def _rows(sample: Sample, gathered: Gathered) -> pa.Table:
    """The sample's rows, in its order."""
    order = pa.array(sample.rows, pa.int64())
    position = pc.index_in(order, gathered.rows["row_id"].combine_chunks())
    rows = gathered.rows.select(list(_ADDRESS)).take(position)
    return rows.append_column("sample", pa.array([sample.id] * len(rows)))


def _cell(value: Any) -> str:
    text = str(value)
    # Uids and keys are strangers' text: a spreadsheet would run what looks like a formula.
    return f"'{text}" if text.startswith(_FORMULA) else text
