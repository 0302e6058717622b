"""The held-out part: relatives stay on one side, and the report counts what would have crossed."""

from __future__ import annotations

import numpy as np
import pytest

from audit.training.splits import NEAR, near_duplicates, split


def hashes(count: int, seed: int = 0) -> list[int]:
    return [int(h) for h in np.random.default_rng(seed).integers(0, 2**63, count)]


def test_near_duplicates_are_those_that_brute_force_finds() -> None:
    rng = np.random.default_rng(1)
    own = hashes(60)
    for _ in range(120):  # some of them a few bits away from others
        bits = rng.choice(64, int(rng.integers(0, 8)), replace=False)
        own.append(own[int(rng.integers(0, len(own)))] ^ sum(1 << int(b) for b in bits))
    found = near_duplicates([f"{h:016x}" for h in own])
    expected = list(range(len(own)))
    for i in range(len(own)):
        for j in range(i):
            if (own[i] ^ own[j]).bit_count() <= NEAR and expected[i] != expected[j]:
                old, new = expected[i], expected[j]
                expected = [new if e == old else e for e in expected]
    for i in range(len(own)):
        for j in range(i):
            assert (found[i] == found[j]) == (expected[i] == expected[j])


def table(copies: int = 3, count: int = 300) -> dict:
    """`count` pictures in families of `copies`: half of them tied by hash, half by group."""
    base = hashes(count // copies)
    index = np.arange(count) // copies
    by_hash = index % 2 == 0
    phashes = [
        f"{base[i] ^ (1 << (n % 3)) if tied else hashes(1, 1000 + n)[0]:016x}"
        for n, (i, tied) in enumerate(zip(index, by_hash, strict=True))
    ]
    return {
        "names": np.array([f"label{i % 2}" for i in index // 2]),
        "groups": np.array([f"own{n}" if by_hash[n] else f"group{index[n]}" for n in range(count)]),
        "sources": np.array([f"source{i % 10}" for i in index]),
        "phashes": phashes,
    }


def test_relatives_stay_on_one_side_and_a_random_split_would_part_them() -> None:
    given = table()
    found = split("group", 0.2, 7, **given)
    family = np.arange(300) // 3
    assert not set(family[found.held_out]) & set(family[~found.held_out])
    for label in ("label0", "label1"):
        rows = given["names"] == label
        assert found.held_out[rows].mean() == pytest.approx(0.2, abs=0.03)
    report = found.report
    assert report["across"] == {
        "pictures": 0, "near_duplicates": 0, "families": 0, "largest": []
    }  # fmt: skip
    assert report["families"] == 100
    assert report["across_if_random"]["pictures"] > 40
    assert report["across_if_random"]["families"] > 20
    largest = report["across_if_random"]["largest"]
    assert largest[0][1] >= largest[-1][1]
    assert any(name.startswith("group") for name, _ in largest)
    assert report["training"] + report["held_out"] == 300


def test_a_random_split_says_what_crossed() -> None:
    found = split("random", 0.2, 7, **table())
    assert found.report["across"] == found.report["across_if_random"]
    assert found.report["across"]["near_duplicates"] > 0
    assert found.held_out.sum() == 60


def test_a_split_by_source_keeps_sources_whole() -> None:
    given = table()
    found = split("source", 0.2, 7, **given)
    assert found.report["sources_on_both_sides"] == []
    assert not set(given["sources"][found.held_out]) & set(given["sources"][~found.held_out])


def test_a_label_in_one_family_is_not_held_out_and_the_report_says_so() -> None:
    given = table()
    given["groups"] = np.where(given["names"] == "label1", "one", given["groups"])
    found = split("group", 0.2, 7, **given)
    assert found.report["labels_without_held_out"] == ["label1"]


def test_the_same_seed_gives_the_same_split() -> None:
    one, two, other = (split("group", 0.2, s, **table()).held_out for s in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_nothing_is_held_out_when_the_share_is_zero() -> None:
    assert not split("group", 0.0, 1, **table()).held_out.any()
