"""Pictures that are alike stay on one side of the split."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.splitting import groups


def table(rows: list[dict[str, Any]]) -> pa.Table:
    names = ("uid", "sha256", "phash", "metadata")
    return pa.table({n: pa.array([r.get(n) for r in rows], pa.string()) for n in names})


def grouped(*rows: dict[str, Any], distance: int = 2) -> list[int]:
    named = [{"uid": f"u{n}", "sha256": f"s{n}", **row} for n, row in enumerate(rows)]
    return groups(table(named), distance=distance).tolist()


def test_the_same_bytes_uid_or_group_of_the_source_belong_together() -> None:
    assert grouped({"sha256": "a"}, {}, {"sha256": "a"}) == [0, 1, 0]
    assert grouped({"uid": "a"}, {}, {"uid": "a"}) == [0, 1, 0]
    g = [json.dumps({"group": name}) for name in ("cat", 7, "cat", "7", "", None, {"a": 1})]
    assert grouped(*({"metadata": text} for text in g)) == [0, 1, 0, 1, 4, 5, 6]
    assert grouped({"metadata": "{"}, {"metadata": '{"group"'}, {"metadata": '["group"]'}) == [
        0,
        1,
        2,
    ]


def test_likeness_goes_from_picture_to_picture() -> None:
    chain = [{"phash": f"{(1 << n) - 1:016x}"} for n in (0, 2, 4, 9)]
    assert grouped(*chain) == [0, 0, 0, 3]
    assert grouped(*chain, distance=1) == [0, 1, 2, 3]
    assert grouped({"phash": None}, {"phash": None}, {"phash": "not a hash"}) == [0, 1, 2]


def test_no_rows_have_no_groups() -> None:
    assert groups(table([]), distance=2).tolist() == []


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 63)), max_size=14),
    st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_no_two_pictures_of_different_groups_are_alike(
    pictures: list[tuple[str, int]], distance: int
) -> None:
    rows = [{"uid": f"u{n}", "sha256": sha, "phash": f"{bits:016x}"}
            for n, (sha, bits) in enumerate(pictures)]  # fmt: skip
    found = groups(table(rows), distance=distance)
    # A second road: what is alike, as a graph, closed by repeated squaring.
    alike = np.array(
        [[a[0] == b[0] or (a[1] ^ b[1]).bit_count() <= distance for b in pictures]
         for a in pictures], bool
    ).reshape(len(rows), len(rows))  # fmt: skip
    for _ in range(5):
        alike = alike @ alike
    assert (alike == (found[:, None] == found[None, :])).all()
