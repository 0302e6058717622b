"""Text for the terminal: complete, aligned, and safe whatever a caption holds."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pytest

from audit.render import render_status, render_table
from audit.status import ShardCounts, ShardFault, Status
from audit.text import visible

HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",  # clears the screen, sets the title
    "\x9b31m",  # the same begun with one C1 byte
    "a\rb\nc\td",
    "\u202egnp.exe",  # turns the reading order
    "\u2066x\u2069\u200b\ufeff",
    "\u2028new line\u2029",
    "\x00\x7f",
    "\ud800",
]


def table(**columns: object) -> pa.Table:
    return pa.table(columns)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_not_printable_is_spelled_out(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert shown.isascii()
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["", "plain", "naïve 東京 🙂", "back\\slash"])
def test_what_is_printable_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", HOSTILE[:-1])  # Arrow takes no lone surrogates
@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_no_format_lets_a_caption_or_a_name_through(text: str, format: str) -> None:
    made = pa.table([pa.array([text]), pa.array([[text]]), pa.array([{text: 1}])], [text, "b", "c"])
    shown = render_table(made, format, 80)
    lines = shown.replace("\r\n", "\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == {"table": 5, "csv": 3, "json": 2}[format]


def test_a_table_is_aligned_and_counts_wide_characters_twice() -> None:
    shown = render_table(table(name=["東京", "a"], count=[7, 1234]), "table", None)
    assert shown.split("\n") == [
        "name  count",
        "----  -----",
        "東京      7",
        "a      1234",
        "(2 rows)",
        "",
    ]


def test_a_table_fits_the_terminal_by_cutting_its_widest_columns() -> None:
    made = table(key=["00001"], caption=["word " * 40], other=["東" * 60])
    lines = render_table(made, "table", 60).split("\n")
    assert max(map(len, lines)) <= 60
    assert lines[2].startswith("00001  word word")
    assert lines[2].count("…") == 2
    assert "…" not in render_table(made, "table", None)


def test_nested_and_binary_values_are_one_cell() -> None:
    made = pa.table(
        {
            "m": pa.array([[("weapon", 0.5)]], pa.map_(pa.string(), pa.float32())),
            "b": [b"\x00" * 97],
            "n": pa.array([None], pa.int32()),
            "f": [0.123456789],
        }
    )
    assert render_table(made, "table").split("\n")[2].split("  ")[:2] == [
        '{"weapon": 0.5}', "<97 bytes>",
    ]  # fmt: skip
    assert json.loads(render_table(made, "json")) == [
        {"m": {"weapon": 0.5}, "b": "A" * 129 + "A==", "n": None, "f": 0.123456789}
    ]


def test_json_has_no_numbers_that_json_does_not_know() -> None:
    shown = render_table(table(x=[float("nan"), float("inf"), 1.5]), "json")
    assert json.loads(shown) == [{"x": None}, {"x": None}, {"x": 1.5}]


def test_an_empty_answer_is_an_answer() -> None:
    empty = table(x=pa.array([], pa.int32()))
    assert render_table(empty, "table") == "x\n-\n(0 rows)\n"
    assert render_table(empty, "csv") == "x\n"
    assert json.loads(render_table(empty, "json")) == []


def test_csv_comes_back_as_it_was_and_starts_no_formula() -> None:
    made = table(a=['say "hi", you', "=1+1", "-5", "@x"], b=[-5, 1, 2, 3])
    rows = list(csv.reader(io.StringIO(render_table(made, "csv"))))
    assert rows == [
        ["a", "b"],
        ['say "hi", you', "-5"],
        ["'=1+1", "1"],
        ["'-5", "2"],
        ["'@x", "3"],
    ]


def counts(name: str = "s", **changes: int) -> ShardCounts:
    numbers = {
        "members": 30, "images": 10, "other": 20, "scored": 9, "failed": 1, "quarantined": 0,
        "upstream_failed": 2, "faults": 0,
    }  # fmt: skip
    return ShardCounts(shard=name, **{**numbers, **changes}, seconds=1.0)


def status(**changes: object) -> Status:
    values: dict[str, object] = {
        "shards": (counts(),),
        "total": counts("total"),
        "risks": {("illegal", "high"): 2, ("safe", "none"): 7},
        "concepts": {"weapon": 2},
        "failures": {"truncated": 1},
        "upstream": {"HTTP Error 404": 2},
        "faults": (),
        "not_covered": ("fairness",),
        "conflicts": 3,
    }
    return Status(**{**values, **changes})


def test_a_status_shows_every_figure() -> None:
    shown = render_status(status())
    assert "30 members = 9 scored + 1 failed + 0 quarantined + 20 other: the books balance" in shown
    assert "on 3 of 9 scored (33.3%)" in shown
    assert ["illegal", "0", "0", "0", "2"] in [line.split() for line in shown.split("\n")]
    assert ["fairness", "-", "-", "-", "-"] in [line.split() for line in shown.split("\n")]
    assert "not trained for: fairness" in shown
    for name in ("weapon", "truncated", "HTTP Error 404"):
        assert name in shown


def test_the_names_of_pairs_are_explained_where_they_stand() -> None:
    shown = render_status(status(pairs={"safe_unsafe": 4, "safe_safe_unsafe": 1}))
    assert (
        "picture first, then caption; safe_safe_unsafe: each safe alone, unsafe together" in shown
    )
    assert "picture first" not in render_status(status())


def test_books_that_do_not_balance_are_shouted() -> None:
    shown = render_status(status(total=counts("total", scored=8)))
    assert "THE BOOKS DO NOT BALANCE" in shown


def test_a_status_of_thousands_of_shards_shows_those_with_trouble() -> None:
    shards = [counts(f"s{n:04d}", failed=0, scored=10) for n in range(3000)]
    shards[1234] = counts("s1234", failed=4, scored=6)
    shards[2345] = counts("s2345", scored=0)
    shown = render_status(status(shards=tuple(shards)))
    assert shown.index("s2345") < shown.index("s1234")
    assert "and 2,980 more shards" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a_status_escapes_names_and_faults(text: str) -> None:
    shown = render_status(
        status(
            shards=(counts(text),),
            failures={text: 1},
            upstream={text: 1},
            faults=(ShardFault(text, "split_key", text, text, 0),),
        )
    )
    assert all(line.isprintable() for line in shown.split("\n"))


def test_an_empty_catalog_has_a_status() -> None:
    nothing = counts("total", members=0, images=0, other=0, scored=0, failed=0, upstream_failed=0)
    empty = Status((), nothing, {}, {}, {}, {}, (), (), 0)
    assert empty.conflict_rate == 0
    assert "0 members" in render_status(empty)
