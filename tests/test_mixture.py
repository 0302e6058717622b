"""What goes into an export of stage 1 and stage 2."""

from __future__ import annotations

import argparse
import json
import random
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.building import index
from audit.errors import UsageError
from curation.balance import Bounds
from curation.commands.composition_options import add_options, options_of
from curation.gathering import gather
from curation.mixture import COLUMNS, Composition, CompositionOptions, compose
from curation.selection import select
from tests.catalogs import write_catalog
from tests.compositions import composed, row
from tests.selections import decision

RISKY = [
    row(n, **{kind: 0.9}, level=level, risk=0.9)
    for n, (kind, level) in enumerate(
        [("illegal", "high")] * 60 + [("illegal", "low")] * 20 + [("privacy", "medium")] * 30
    )
]
CLEAN = [row(1000 + n, caption=f"picture {n}") for n in range(300)]
ALL = [*RISKY, *CLEAN]


def uids(composition: Composition) -> set[str]:
    return {r.row.uid for r in composition.records}


def test_stage_1_is_all_that_is_risky_and_clean_in_the_papers_ratio() -> None:
    made = composed(ALL, stage=1)
    assert Counter(r.type for r in made.records) == {"illegal": 80, "privacy": 30, "safe": 30}
    assert made.report.clean == {"passed": 300, "wanted": 30, "taken": 30, "missing": 0}
    assert made.report.left_out == {"clean, not among those wanted": 270}
    assert made.report.shortfalls == ()


@pytest.mark.parametrize(("clean", "taken"), [(0, 0), (7, 7), ("largest", 80), (300, 300)])
def test_another_number_of_clean_ones_can_be_asked_for(clean: Any, taken: int) -> None:
    assert composed(ALL, clean=clean).report.clean["taken"] == taken


def test_too_few_clean_ones_are_reported_and_not_made_up() -> None:
    made = composed(ALL, clean=500)
    assert sum(r.type == "safe" for r in made.records) == 300
    assert made.report.shortfalls == (
        "clean: 500 wanted, 300 taken, 200 missing; no more passed the policy",
    )


def test_a_floor_that_cannot_be_met_is_said_with_numbers() -> None:
    bounds = Bounds({"illegal": 50}, {"illegal/low": 15, "privacy": 40, "fairness": 2})
    made = composed(ALL, bounds=bounds)
    counts = Counter((r.type, r.level) for r in made.records)
    assert counts["illegal", "low"] >= 15
    assert counts["illegal", "low"] + counts["illegal", "high"] == 50
    assert made.report.left_out["above a cap"] == 30
    assert made.report.shortfalls == (
        "fairness: 2 wanted, 0 taken, 2 missing; 0 passed the policy of 0 in the catalog",
        "privacy: 40 wanted, 30 taken, 10 missing; 30 passed the policy of 30 in the catalog",
    )
    strict = composed(ALL, policy="strict", bounds=Bounds({}, {"privacy/medium": 5}))
    assert "0 passed the policy of 30 in the catalog (30 " in strict.report.shortfalls[0]


def test_stage_2_is_everything_or_meets_a_target() -> None:
    whole = composed(ALL, stage=2, requests=0)
    assert len(whole.records) == 410
    some = composed(ALL, stage=2, requests=0, target=200)
    assert Counter(r.type == "safe" for r in some.records) == {False: 110, True: 90}
    assert uids(some) < uids(whole)
    few = composed(ALL, stage=2, requests=0, target=50)
    assert len(few.records) == 110
    assert few.report.shortfalls == ("target 50: the 110 risky rows alone are more",)
    many = composed(ALL, stage=2, requests=0, target=500)
    assert many.report.shortfalls[0].startswith("clean: 390 wanted, 300 taken, 90 missing")


def test_every_row_that_the_policy_keeps_is_taken_or_left_out_for_a_reason() -> None:
    odd = [
        row(1, illegal=0.9, level="high", image_member=None),
        row(2, illegal=0.9, level="high", sha256=None),
        row(3, illegal=0.9, level="high", size=0),
        row(4, illegal=0.9, risk_level=None, **{f"p_level_{n}": None for n in range(4)}),
        row(5),
        row(6, illegal=0.9, level="low"),
        row(7, risk=0.6),
        row(8, pair="unsafe_safe"),  # harmless by its looks, but not the words in it
        row(9, pair="unsafe_unsafe"),
    ]
    said = (decision(1, 7, "keep"), decision(2, 9, "relabel", type="safe", level="none"))
    made = composed(odd, *said, clean=0)
    assert made.report.left_out == {
        "no image whose bytes are known": 3,
        "of no certain type": 1,
        "of no known level": 1,
        "safe by the thresholds, but harmful words were read in the picture": 1,
        "clean, not among those wanted": 2,
    }
    assert made.report.included == made.report.taken + sum(made.report.left_out.values())
    assert uids(made) == {"uid-6"}


def test_what_is_to_be_made_unrecognisable_waits_until_it_is_asked_for() -> None:
    rows = [row(1, privacy=0.9, level="high"), row(2)]
    made = composed(rows, policy="permissive")
    assert made.report.left_out["to be made unrecognisable first (redact)"] == 1
    assert "uid-1" in uids(composed(rows, policy="permissive", redacted=True))


def test_a_harmless_type_of_level_none_is_clean_and_a_risky_type_of_level_none_is_not() -> None:
    rows = [row(1, misleading=0.9, level="low"), row(2, illegal=0.9, level="high")]
    said = (
        decision(1, 1, "relabel", type="misleading", level="none"),
        decision(2, 2, "relabel", type="safe", level="none", concepts=("fire",)),
    )
    made = {r.uid: r for r in composed(rows, *said, clean=5).records}
    first, second = made["uid-1"], made["uid-2"]
    assert (first.type, first.level, first.pair) == ("misleading", "none", "unsafe_safe")
    assert first.template is not None
    assert "+answers.misleading.none." in first.template
    assert (second.type, second.level, second.pair) == ("safe", "none", "safe_safe")
    assert (second.decided_by, second.concepts, second.decision_ids) == (
        "human", ("fire",), ("00000002",),
    )  # fmt: skip


def test_a_record_carries_what_the_catalog_knows() -> None:
    rows = [row(1, illegal=0.9, level="high", politics=None, risk=0.75,
                concepts=[("weapon", 0.8), ("fire", 0.3)], offset=None)]  # fmt: skip
    (record,) = composed(rows, clean=0).records
    assert record.concepts == ("weapon",)
    assert (record.p_types["politics"], record.risk) == (None, 0.75)
    assert record.p_types["illegal"] == pytest.approx(0.9)
    assert record.p_levels["high"] == pytest.approx(0.9)
    assert (record.action, record.reason) == ("keep-with-hint", "illegal>=0.5")
    assert (record.decided_by, record.decision_ids) == ("scorer", ())
    assert (record.row.url, record.row.offset) == ("/data/s0.tar", None)


def test_the_five_combinations_are_counted_and_each_that_is_missing_has_a_reason() -> None:
    words = {"caption": "words", "caption_risk": 0.9, "caption_type": "insults"}
    rows = [
        row(1, illegal=0.9, pair="unsafe_unsafe", **words),
        row(2, illegal=0.9, pair="unsafe_safe", caption="words"),
        row(3, pair="safe_unsafe", **words),
        row(4, pair="safe_safe_unsafe", caption="words"),
        row(5, pair="safe_safe", caption="words"),
        row(6, metadata=json.dumps({"conversations": [{"from": "human", "value": "a"},
                                                      {"from": "gpt", "value": "b"}]})),
    ]  # fmt: skip
    report = composed(rows, stage=2, requests=0).report
    assert set(report.combinations.values()) == {1}
    assert report.absent.keys() == {"not known"}
    assert report.sources == {"caption": 1, "source-conversation": 1, "template": 4}
    fewer = composed(rows[1:2], stage=2, requests=0).report
    assert fewer.absent == {
        "unsafe_unsafe": "0 in the catalog, 0 of them kept by the policy",
        "safe_unsafe": "0 in the catalog, 0 of them kept by the policy",
        "safe_safe_unsafe": "0 in the catalog, 0 of them kept by the policy",
        "safe_safe": "no such picture was taken",
    }
    strict = composed([*rows, *CLEAN], stage=2, requests=0, policy="strict").report
    assert strict.absent["safe_unsafe"] == "1 in the catalog, 0 of them kept by the policy"
    unscored = composed(ALL, stage=2, requests=0).report
    assert unscored.combinations["not known"] == 300
    assert unscored.absent == {
        "not known": "words of the source that no text scorer has read",
        "unsafe_unsafe": "the catalog has no scores of captions",
        "safe_unsafe": "the catalog has no scores of captions",
        "safe_safe_unsafe": "the catalog has no scores of captions",
        "safe_safe": "the catalog has no scores of captions",
    }
    assert "stage 1" in composed(rows, stage=1).report.absent["safe_unsafe"]


def test_a_second_conversation_has_a_uid_of_its_own_and_the_split_of_the_first() -> None:
    made = composed(ALL, stage=2, requests=0.3, val=0.3)
    second = [r for r in made.records if r.uid != r.row.uid]
    assert 80 <= len(second) <= 165
    by_uid = {r.uid: r for r in made.records}
    assert len(by_uid) == len(made.records) == 410 + len(second)
    for record in second:
        first = by_uid[record.uid[:-2]]
        assert (first.row, first.split) == (record.row, record.split)
        assert record.pair == ("safe_unsafe" if record.type == "safe" else "unsafe_unsafe")
    assert {r.uid for r in second} == {f"{r.row.uid}-2" for r in second}
    assert len(composed(ALL, stage=1, requests=1).records) == 140


def test_rows_of_one_uid_get_uids_of_their_own() -> None:
    rows = [row(n, illegal=0.9, uid="same") for n in range(3)] + [row(4, illegal=0.9, uid="same-2")]
    made = composed(rows, clean=0)
    assert sorted(r.uid for r in made.records) == ["same", "same-2", "same-3", "same-4"]
    assert {r.uid: r.row.row_id for r in made.records}["same-2"] == 4


def test_pictures_that_are_alike_are_on_one_side_of_the_split() -> None:
    alike = [{**r, "phash": f"{0xABCD ^ (n % 2):016x}"} for n, r in enumerate(CLEAN[:40])]
    named = [{**r, "metadata": '{"group": "x"}'} for r in CLEAN[40:80]]
    for seed in range(6):
        made = composed([*alike, *named, *CLEAN[80:200]], policy="permissive", stage=2, requests=0,
                        val=0.5, seed=seed)  # fmt: skip
        split = {r.row.uid: r.split for r in made.records}
        for some in (alike, named):
            assert len({split[r["uid"]] for r in some if r["uid"] in split}) == 1
        assert made.report.largest == 40
        assert sum(made.report.split.values()) == len(made.records)
        assert made.report.split == Counter(split.values())


def test_a_group_larger_than_val_is_meant_to_be_trains() -> None:
    rows = [row(n, metadata='{"group": "x"}' if n < 60 else None) for n in range(300)]
    for seed in range(6):
        made = composed(rows, stage=2, requests=0, val=0.1, seed=seed)
        assert {r.split for r in made.records if r.row.metadata} == {"train"}
        assert 0 < made.report.split["val"] < 60


def test_the_size_of_the_split_is_as_asked_for_and_said() -> None:
    rows = [row(n) for n in range(2000)]
    report = composed(rows, stage=2, requests=0, val=0.1).report
    assert 150 <= report.split["val"] <= 250
    assert report.groups == {"train": 2000 - report.split["val"], "val": report.split["val"]}
    assert composed(rows, stage=2, requests=0, val=0).report.split["val"] == 0
    few = composed(rows[:3], stage=2, requests=0, val=0.001).report
    assert few.shortfalls == ("val: 0.1% of the groups wanted, none of these few was drawn",)


@given(st.integers(0, 2**40), st.sampled_from([1, 2]), st.randoms(use_true_random=False))
@settings(max_examples=4, deadline=None)
def test_the_same_rows_in_another_order_give_the_same_records(
    seed: int, stage: int, mixed: random.Random
) -> None:
    options: dict[str, Any] = {"stage": stage, "seed": seed, "val": 0.2,
                               "bounds": Bounds({"illegal": 40, "cells": 25}, {})}  # fmt: skip
    first = composed(ALL, **options)
    again = composed(mixed.sample(ALL, len(ALL)), **options)
    assert first == again
    other = composed(ALL, **{**options, "seed": seed + 1})
    assert first.records != other.records


def test_more_shards_reshuffle_nothing() -> None:
    more = [row(5000 + n, shard="s1", caption="more") for n in range(300)]
    options: dict[str, Any] = {"clean": 100, "val": 0.2, "bounds": Bounds({"illegal": 40}, {})}
    before = {r.uid: r for r in composed(ALL, **options).records}
    found = composed([*ALL, *more], **options).records
    after = {r.uid: r for r in found}
    # Half of the clean ones gave their place to new ones; nothing else moved.
    assert 25 <= len(before.keys() - after.keys()) <= 75
    assert all(before[uid] == after[uid] for uid in before.keys() & after.keys())
    common = [r.uid for r in found if r.uid in before]
    order = [uid for uid in before if uid in after]
    assert common == order
    assert all(uid.startswith("uid-5") for uid in after.keys() - before.keys())


def test_the_report_is_json_and_says_what_it_is() -> None:
    report = composed(ALL, stage=2, bounds=Bounds({}, {"fairness": 3})).report
    content = json.loads(json.dumps(report.as_json()))
    assert content["shortfalls"][0].startswith("fairness: 3 wanted, 0 taken, 3 missing")
    text = "\n".join(report.lines())
    for said in ("stage 2: 410 of 410", "illegal/high: 60 of 60", "clean: 300 of 300",
                 "shortfall: fairness"):  # fmt: skip
        assert said in text


def test_nothing_to_take_makes_an_empty_composition() -> None:
    for stage in (1, 2):
        made = composed([], stage=stage)
        assert (made.records, made.report.taken) == ((), 0)


def test_captions_and_conversations_made_to_break_readers_make_records(shared: Path) -> None:
    text = (shared / "fixtures/broken/blns/blns.txt").read_text(encoding="utf-8")
    naughty = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    rows = []
    for n, line in enumerate(naughty):
        line = f"{line} <image> ASSISTANT: \ud800 \u2028"
        said = [{"from": "human", "value": line}, {"from": "gpt", "value": line}]
        rows.append(row(2 * n, caption=line.replace("\ud800", "\x00")))
        rows.append(row(2 * n + 1, metadata=json.dumps({"conversations": said})))
    made = composed(rows, stage=2, requests=0)
    assert len(made.records) == len(rows) > 500
    sources = made.report.sources
    assert sources["caption"] + sources["source-conversation"] > 0.95 * len(rows)
    for record in made.records:
        for turn in record.turns:
            assert "ASSISTANT:" not in turn.text
            line = json.dumps(turn.text, ensure_ascii=False)
            assert len(line.encode("utf-8").decode().splitlines()) == 1


def parsed(*words: str) -> CompositionOptions:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return options_of(parser.parse_args(words))


def test_the_options_of_a_command_become_those_of_a_composition() -> None:
    assert parsed("--stage", "1") == CompositionOptions(stage=1)
    found = parsed("--stage", "1", "--seed", "4", "--clean", "largest", "--cap", "types=9",
                   "--floor", "privacy/high=2", "--val", "0.2", "--requests", "0", "--redacted",
                   "--templates", "mine.yaml")  # fmt: skip
    assert found == CompositionOptions(
        stage=1, seed=4, clean="largest", bounds=Bounds({"types": 9}, {"privacy/high": 2}),
        val=0.2, requests=0, redacted=True, templates="mine.yaml",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--stage", "2", "--clean", "5"), "--clean is for --stage 1"),
        (("--stage", "1", "--target", "5"), "--target is for --stage 2"),
        (("--stage", "1", "--cap", "illegal"), "--cap illegal: give WHAT=N"),
        (("--stage", "1", "--cap", "illegal=-3"), "--cap illegal=-3: give WHAT=N"),
        (("--stage", "1", "--floor", "illegal=3", "--floor", "illegal=4"), "is given twice"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parsed(*words)


def test_a_catalog_on_disk_makes_both_stages(tmp_path: Path) -> None:
    catalog, _ = write_catalog(tmp_path, shards=2, samples=12)
    index(catalog)
    rules = tmp_path / "small.yaml"
    rules.write_text("based_on: psa-vlm\nsize: {min_side: 4, action: drop}\nuncertain: keep\n"
                     "thresholds: {types: {illegal: 0.3, privacy: 0.3}}\n")  # fmt: skip
    found = gather(catalog, rules, columns=COLUMNS)
    selection = select(found.rows, found.policy, found.outcomes, shards=found.shards)
    for stage in (1, 2):
        options = CompositionOptions(stage=stage, clean=3 if stage == 1 else None)  # type: ignore[arg-type]
        made = compose(found, selection, found.policy, options)
        assert made.report.taken > 2
        for record in made.records:
            with tarfile.open(record.row.url) as tar:
                member = tar.getmember(record.row.image_member)
                assert (member.offset_data, member.size) == (record.row.offset, record.row.size)
            if record.source == "caption":
                assert record.turns[1].text == record.row.caption
