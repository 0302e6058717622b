"""What becomes of a row, and why: rules, people and what goes before what."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from audit import duplicates
from audit.verdicts import Decision
from curation import arrays
from curation.alike import Alike
from curation.policy import load
from curation.rules import ACTIONS, Policy
from curation.selection import select
from curation.state import SCHEMA
from tests.selections import decision, failed, outcome_of, outcomes, row, table

TEXT = """
name: test
thresholds:
  types: {politics: 0.5, illegal: 0.62, insults: 0.5, fairness: 0.5, privacy: 0.5, misleading: 0.5}
  risk: 0.4
  concepts: {weapon: 0.5, id_card: 0.6}
  extras: {nsfw: 0.9}
  captions: {insults: 0.5, illegal: 0.5}
  image_text: 0.7
grid:
  politics: keep
  illegal: {low: keep-with-hint, medium: review, high: drop}
  insults: {low: review, medium: drop, high: quarantine}
  fairness: keep-with-hint
  privacy: redact
  misleading: keep-with-hint
uncertain: review
concepts: {weapon: drop, id_card: redact}
extras: {nsfw: quarantine}
captions: {insults: drop, illegal: review}
image_text: review
pairs: {safe_safe_unsafe: review, unsafe_unsafe: drop}
size: {min_side: 64, action: drop}
duplicates: {exact: drop, near: {distance: 2, action: drop}}
review: {confirmed: keep-with-hint}
required: [illegal, caption]
sources:
  - match: "coco*"
    thresholds: {types: {illegal: 0.9}}
    size: {min_side: 1, action: keep}
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    path = tmp_path_factory.mktemp("policy") / "p.yaml"
    path.write_text(TEXT)
    return load(path)


def become(policy: Policy, *rows: dict[str, Any], said: tuple[Decision, ...] = ()) -> Any:
    return outcome_of(select(table(policy, *rows), policy, outcomes(*said)))


@pytest.mark.parametrize(
    ("said", "action", "reason"),
    [
        ({}, "keep", "clean"),
        ({"illegal": 0.62, "level": "low"}, "keep-with-hint", "illegal>=0.62"),
        ({"illegal": 0.7, "level": "medium"}, "review", "illegal>=0.62"),
        ({"illegal": 0.7, "level": "high"}, "drop", "illegal>=0.62"),
        ({"illegal": 0.6199}, "review", "risk>=0.4"),
        ({"politics": 0.9, "level": "high"}, "keep", "politics>=0.5"),
        ({"risk": 0.4}, "review", "risk>=0.4"),
        ({"risk": 0.39}, "keep", "clean"),
        # The strictest of two types, then the likelier of them.
        ({"illegal": 0.7, "insults": 0.6, "level": "high"}, "quarantine", "insults>=0.5"),
        ({"fairness": 0.6, "misleading": 0.7}, "keep-with-hint", "misleading>=0.5"),
        ({"concept:weapon": 0.5}, "drop", "concept:weapon>=0.5"),
        ({"concept:weapon": 0.49}, "keep", "clean"),
        ({"concept:id_card": 0.7, "privacy": 0.8}, "redact", "privacy>=0.5"),
        ({"concept:weapon": 0.6, "illegal": 0.7, "level": "low"}, "drop", "concept:weapon>=0.5"),
        ({"extra:nsfw": 0.95}, "quarantine", "extra:nsfw>=0.9"),
        ({"caption_type": "insults", "caption_risk": 0.5}, "drop", "caption:insults>=0.5"),
        ({"caption_type": "insults", "caption_risk": 0.4}, "keep", "clean"),
        ({"caption_type": "politics", "caption_risk": 0.9}, "keep", "clean"),
        ({"image_text_risk": 0.8}, "review", "image_text>=0.7"),
        ({"pair": "safe_safe_unsafe"}, "review", "pair:safe_safe_unsafe"),
        ({"pair": "safe_safe"}, "keep", "clean"),
        ({"width": 63}, "drop", "size<64"),
        ({"height": 64}, "keep", "clean"),
        ({"width": 10, "shard": "coco-1"}, "keep", "clean"),
        ({"illegal": 0.8, "risk": 0.3, "shard": "coco-1"}, "keep", "clean"),
        # Nobody said which level: the strictest.
        ({"illegal": 0.7, "risk_level": None} | {f"p_level_{n}": None for n in range(4)},
         "drop", "illegal>=0.62"),
        ({"illegal": 0.7} | {f"p_level_{n}": None for n in range(4)},
         "keep-with-hint", "illegal>=0.62"),
        # What has not been scored is never kept.
        ({"illegal": None}, "quarantine", "unscored:illegal"),
        ({"fairness": None}, "keep", "clean"),
        ({"caption": "words"}, "quarantine", "unscored:caption"),
        ({"caption": "words", "caption_risk": 0.1}, "keep", "clean"),
        ({"caption": "  "}, "keep", "clean"),
    ],
)  # fmt: skip
def test_what_the_rules_make_of_a_row(
    policy: Policy, said: dict[str, Any], action: str, reason: str
) -> None:
    assert become(policy, row(1, **said)) == [(action, reason)]


@pytest.mark.parametrize(
    ("said", "people", "action", "reason"),
    [
        ({"illegal": 0.9, "level": "high"}, ["keep"], "keep", "human:keep"),
        ({}, ["drop"], "drop", "human:drop"),
        ({}, ["escalate"], "review", "human:escalate"),
        ({}, ["quarantine"], "quarantine", "human:quarantine"),
        ({}, ["keep", "drop"], "review", "disagreement"),
        ({}, ["keep", "quarantine"], "quarantine", "disagreement:quarantine"),
        ({"width": 9}, ["keep"], "keep", "human:keep"),
        # A label takes the place of the scores, and answers what would be asked.
        ({"illegal": 0.9, "level": "high"}, [("relabel", "safe", None)], "keep", "human:safe"),
        ({"concept:weapon": 0.9}, [("relabel", "safe", None)], "keep", "human:safe"),
        ({}, [("relabel", "illegal", "high")], "drop", "human:illegal/high"),
        ({}, [("relabel", "illegal", "medium")], "keep-with-hint", "human:illegal/medium"),
        ({}, [("relabel", "misleading", "none")], "keep", "human:misleading/none"),
        ({"illegal": 0.9, "level": "medium"}, ["agree"], "keep-with-hint", "human:illegal/medium"),
        ({"illegal": 0.9, "level": "high"}, ["agree"], "drop", "human:illegal/high"),
        ({"risk": 0.45}, ["agree"], "keep", "human:safe"),
        ({"concept:weapon": 0.9}, ["agree"], "drop", "concept:weapon>=0.5"),
        ({"width": 9}, ["agree"], "drop", "size<64"),
        ({"pair": "safe_safe_unsafe"}, ["agree"], "keep", "human:safe"),
        ({"pair": "unsafe_unsafe"}, ["agree"], "drop", "pair:unsafe_unsafe"),
        # Nobody brings back what has no scores, nor what was held back.
        ({"illegal": None}, ["keep"], "quarantine", "unscored:illegal"),
        ({"illegal": None}, [("relabel", "safe", None)], "quarantine", "unscored:illegal"),
    ],
)
def test_people_go_before_rules(
    policy: Policy, said: dict[str, Any], people: list[Any], action: str, reason: str
) -> None:
    decisions = []
    for number, verdict in enumerate(people):
        name, kind, level = verdict if isinstance(verdict, tuple) else (verdict, None, None)
        decisions.append(decision(number, 1, name, f"r{number}", type=kind, level=level))
    assert become(policy, row(1, **said), said=tuple(decisions)) == [(action, reason)]


def test_concepts_that_a_person_named_take_the_place_of_those_scored(policy: Policy) -> None:
    one = row(1, **{"concept:weapon": 0.9})
    said = decision(1, 1, "agree", concepts=("id_card",))
    assert become(policy, one, said=(said,)) == [("redact", "human:id_card")]
    none = decision(1, 1, "agree", concepts=())
    assert become(policy, one, said=(none,)) == [("keep", "human:safe")]


def test_what_is_held_back_stays_so_whatever_people_say(policy: Policy) -> None:
    keep = tuple(decision(n, n, "keep") for n in (1, 2, 3))
    rows = table(policy, failed(1), failed(2, "quarantined"), row(3), row(4))
    selected = select(
        rows, policy, outcomes(*keep), tombstoned=np.array([False, False, True, False])
    )
    assert outcome_of(selected) == [
        ("quarantine", "unscored"),
        ("quarantine", "quarantined:hash"),
        ("quarantine", "tombstone"),
        ("keep", "clean"),
    ]


def test_without_one_score_a_row_is_never_kept_by_any_preset() -> None:
    for name in ("strict", "balanced", "permissive", "psa-vlm"):
        preset = load(name)
        blank = row(1, **{f"p_{kind}": None for kind in ("politics", "safe")})
        blank |= {column: None for column in blank if column.startswith("p_")}
        selected = select(table(preset, blank, failed(2)), preset, outcomes(decision(1, 1, "keep")))
        assert outcome_of(selected) == [("quarantine", "unscored")] * 2


def test_a_copy_of_what_a_person_dropped_is_dropped_and_held_back_likewise(policy: Policy) -> None:
    rows = [row(n, sha256="a" * 64) for n in (1, 2, 3)] + [row(4), row(5, sha256="a" * 64)]
    said = (decision(1, 1, "drop"), decision(2, 3, "keep"))
    assert become(policy, *rows, said=said) == [
        ("drop", "human:drop"),
        ("drop", "human:drop of a copy"),
        ("keep", "human:keep"),
        ("keep", "clean"),
        ("drop", "human:drop of a copy"),
    ]
    held = (*said, decision(3, 5, "quarantine"))
    assert [action for action, _ in become(policy, *rows, said=held)] == [
        "quarantine", "quarantine", "quarantine", "keep", "quarantine",
    ]  # fmt: skip


def test_of_copies_the_best_stays_whatever_the_order(policy: Policy) -> None:
    rows = [
        row(1, sha256="a" * 64),
        row(2, sha256="a" * 64, width=600),
        row(3, sha256="a" * 64, illegal=0.7, level="low", width=900),
        row(4, sha256="a" * 64, illegal=0.7, level="high"),
        row(5),
    ]
    expected = {
        1: ("drop", "duplicate of s0/k2"),
        2: ("keep", "clean"),
        3: ("drop", "duplicate of s0/k2"),
        4: ("drop", "illegal>=0.62"),
        5: ("keep", "clean"),
    }
    for turn in range(len(rows)):
        turned = rows[turn:] + rows[:turn]
        found = become(policy, *turned)
        assert {r["row_id"]: f for r, f in zip(turned, found, strict=True)} == expected


def test_what_a_person_keeps_is_the_copy_that_stays(policy: Policy) -> None:
    rows = [row(n, sha256="a" * 64, width=500 + n) for n in (1, 2, 3)]
    said = (decision(1, 1, "keep"), decision(2, 2, "agree"))
    assert become(policy, *rows, said=said) == [
        ("keep", "human:keep"),
        ("drop", "duplicate of s0/k1"),
        ("drop", "duplicate of s0/k1"),
    ]


def test_pictures_that_look_alike_are_near_duplicates(policy: Policy) -> None:
    rows = [
        row(1, phash="00000000000000ff"),
        row(2, phash="00000000000000fc", width=600),
        row(3, phash="00000000000000f8"),  # 1 bit from k2, 3 from k1
        row(4, phash="ff00000000000000"),
        row(5, phash="no hash"),
        row(6, phash=None),
    ]
    selected = select(table(policy, *rows), policy)
    assert outcome_of(selected) == [
        ("drop", "near-duplicate of s0/k2"),
        ("keep", "clean"),
        ("drop", "near-duplicate of s0/k2"),
        ("keep", "clean"),
        ("keep", "clean"),
        ("keep", "clean"),
    ]
    assert selected["duplicate_of"].to_pylist() == [2, None, 2, None, None, None]


def test_types_and_levels_are_those_of_people_else_of_the_thresholds(policy: Policy) -> None:
    rows = [
        row(1, illegal=0.9, level="high"),
        row(2, risk=0.5),
        row(3, illegal=0.7, politics=0.8, level="medium"),
        row(4, illegal=0.9, level="high"),
        row(5),
        failed(6),
        row(7, illegal=0.9, level="medium"),
    ]
    said = (
        decision(1, 4, "relabel", type="privacy"),
        decision(2, 5, "relabel", type="insults", level="low"),
        decision(3, 7, "relabel", level="low"),
    )
    selected = select(table(policy, *rows), policy, outcomes(*said))
    assert selected.schema == SCHEMA
    labels = zip(*(selected[n].to_pylist() for n in ("type", "level", "by_person")), strict=True)
    assert list(labels) == [
        ("illegal", "high", False),
        (None, None, False),  # uncertain
        ("politics", "medium", False),
        ("privacy", "high", True),
        ("insults", "low", True),
        (None, None, False),
        ("illegal", "low", True),
    ]


def test_a_shard_may_be_named_by_its_file(policy: Policy) -> None:
    rows = table(policy, row(1, width=9), row(2, width=9, shard="other"))
    selected = select(rows, policy, shards={"s0": ("coco-7.tar",)})
    assert outcome_of(selected) == [("keep", "clean"), ("drop", "size<64")]


def test_every_row_has_an_action_and_a_reason_whatever_the_scores(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("strict", "balanced", "permissive", "psa-vlm"):
        preset = load(name)
        kinds = ("politics", "illegal", "insults", "fairness", "privacy", "misleading")
        rows = []
        for n in range(300):
            p = {k: (None if rng.random() < 0.1 else float(rng.random())) for k in kinds}
            concepts = {f"concept:{c}": float(rng.random() ** 4) for c in preset.concepts}
            level = ("low", "medium", "high")[rng.integers(3)]
            rows.append(row(n, level=level, width=int(rng.integers(1, 300)), **p, **concepts))
        selected = select(table(preset, *rows), preset)
        assert selected["action"].null_count == selected["reason"].null_count == 0
        assert set(selected["action"].to_pylist()) <= set(ACTIONS)


def test_a_table_without_rows_is_no_trouble(policy: Policy) -> None:
    assert select(table(policy), policy, outcomes(decision(1, 1, "keep"))).schema == SCHEMA


def test_a_stricter_threshold_never_loosens_an_action(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [row(n, illegal=float(p), level="medium") for n, p in enumerate(rng.random(200))]
    before: list[int] = []
    for threshold in (0.3, 0.5, 0.7, 0.9):
        path = tmp_path / f"{threshold}.yaml"
        path.write_text(TEXT.replace("illegal: 0.62", f"illegal: {threshold}").replace(
            "risk: 0.4", "risk: 0.99"))  # fmt: skip
        one = load(path)
        after = [ACTIONS.index(a) for a, _ in outcome_of(select(table(one, *rows), one))]
        assert all(a >= b for a, b in zip(before, after, strict=False))
        before = after


@pytest.mark.parametrize("distance", [0, 1, 2, 4, 7])
def test_near_duplicates_are_those_that_brute_force_finds(distance: int) -> None:
    rng = np.random.default_rng(distance)
    base = rng.integers(0, 2**64, 60, dtype=np.uint64)
    flips = rng.integers(0, 64, (400, 8))
    hashes = base[rng.integers(0, 60, 400)]
    for n in range(400):
        for bit in flips[n][: rng.integers(0, 9)]:
            hashes[n] ^= np.uint64(1) << np.uint64(bit)
    rank = rng.permutation(400)
    found = duplicates.near(hashes, rank, distance)
    # Brute force: by rank, each stays unless one that stays is near.
    stays: list[int] = []
    for at in np.argsort(rank).tolist():
        near = [s for s in stays if int(hashes[at] ^ hashes[s]).bit_count() <= distance]
        if near:
            assert found[at] == near[0]
        else:
            assert found[at] == -1
            stays.append(at)
    assert len(stays) < 400


def test_near_pairs_of_many_hashes_are_those_that_brute_force_finds() -> None:
    rng = np.random.default_rng(5)
    base = rng.integers(0, 2**64, 500, dtype=np.uint64)
    hashes = base[rng.integers(0, 500, 3_000)]
    for flips in rng.integers(0, 64, (3, 3_000)):
        hashes ^= np.uint64(1) << flips.astype(np.uint64)
    values = np.unique(hashes)
    apart = np.bitwise_count(values[:, None] ^ values[None, :])
    wanted = {(a, b) for a, b in np.argwhere(apart <= 7).tolist() if a < b}
    found = np.concatenate(list(duplicates.pairs_of(values, 7)))
    assert {(min(pair), max(pair)) for pair in found.tolist()} == wanted
    assert len(wanted) > 1_000


def test_exact_copies_leave_out_what_has_no_digest() -> None:
    codes = np.array([3, -1, 3, 0, -1, 3])
    found = duplicates.exact(codes, np.array([5, 0, 1, 2, 3, 4]))
    assert found.tolist() == [2, -1, -1, -1, -1, 2]
    assert duplicates.exact(codes[:0], codes[:0]).tolist() == []


def test_hashes_are_read_as_written() -> None:
    from curation.arrays import hashes

    column = pa.chunked_array([["00000000000000ff", None], ["8000000000000000", "xyz"]])
    values, known = hashes(column)
    assert values.tolist() == [255, 0, 2**63, 0]
    assert known.tolist() == [True, False, True, False]


@pytest.mark.parametrize("most", [None, 2])
def test_hashes_compared_before_give_the_same_copies_of_any_of_their_rows(most: int | None) -> None:
    rng = np.random.default_rng(9)
    hashes = rng.integers(0, 2**64, 50, dtype=np.uint64)[rng.integers(0, 50, 500)]
    hashes ^= np.uint64(1) << rng.integers(0, 64, 500).astype(np.uint64)
    values, value_of = np.unique(hashes, return_inverse=True)
    pairs = duplicates.pairs_among(values, 2, most)
    for share in (1.0, 0.5, 0.0):
        some = np.flatnonzero(rng.random(500) < share)
        rank = rng.permutation(500)[: len(some)]
        found = duplicates.near_among(value_of[some], pairs, rank)
        if most is None:
            assert found.tolist() == duplicates.near(hashes[some], rank, 2).tolist()
        assert (found >= 0).any() == bool(share)


@pytest.mark.parametrize("names", [("a", "b", "c", "d"), ("d", "c", "b", "a")])
def test_of_copies_the_largest_stays_then_the_first_by_name(names: tuple[str, ...]) -> None:
    rows = [
        row(n, illegal=0.1, sha256=f"{7:064x}", phash=f"{n:016x}", key=name, **more)
        for n, (name, more) in enumerate(
            zip(names, ({}, {}, {"size": 2**33}, {"size": 2**33}), strict=True)
        )
    ]
    policy = load("balanced")
    for given in (rows, [{**one, "size": 5} for one in rows]):
        made = table(policy, *given)
        order = Alike(made).order(policy.duplicates)
        wanted = sorted(range(4), key=lambda n: (-given[n]["size"], names[n]))
        assert np.argsort(order).tolist() == wanted


def test_texts_are_numbers_as_python_reads_them() -> None:
    texts = [None, "", "12", "0123456789abcdef", "0123456789ABCDEF", "fffffffffffffffg", "é" * 8]
    texts += ["ffffffffffffffff" * 4, "0" * 63 + "1", "ffffffffffffffff"]
    column = pa.chunked_array([pa.array(texts[:4]), pa.array([], pa.string()), pa.array(texts[4:])])
    hashes, known = arrays.hashes(column.slice(1))
    wanted = [int(text, 16) if text in (texts[3], texts[9]) else None for text in texts[1:]]
    assert hashes.tolist() == [number or 0 for number in wanted]
    assert known.tolist() == [number is not None for number in wanted]
    words, known = arrays.hexadecimal(column, 64)
    assert [n for n, yes in enumerate(known.tolist()) if yes] == [7, 8]
    assert words[8].tolist() == [0, 0, 0, 1]


def test_equal_texts_have_equal_codes_and_no_others() -> None:
    texts = ["", "b", None, "long enough", "long enough too", "b", "", None, "long enough"]
    codes = arrays.codes(pa.chunked_array([pa.array(texts[:3]), pa.array(texts[3:])])).tolist()
    assert [code < 0 for code in codes] == [text is None for text in texts]
    for one, other in itertools.combinations(range(len(texts)), 2):
        assert (codes[one] == codes[other]) == (texts[one] == texts[other])
    assert arrays.codes(pa.chunked_array([], pa.string())).tolist() == []


def test_copies_that_are_known_already_change_nothing() -> None:
    """Copies are worked out once for several policies; each for itself says the same."""
    rng = np.random.default_rng(3)
    policies = [load("balanced"), load("strict"), load("psa-vlm")]
    rows = [
        row(
            n,
            illegal=float(rng.random()),
            sha256=f"{rng.integers(150):064x}",
            phash=f"{1 << int(rng.integers(60)):016x}" if n % 9 else None,
        )
        for n in range(400)
    ]
    known = Alike(table(policies[1], *rows))
    for policy in policies:
        made = table(policy, *rows)
        alone = select(made, policy)
        assert select(made, policy, alike=known).equals(alone)
        assert any("duplicate of" in reason for _, reason in outcome_of(alone))
