"""Examples from shards, records and decisions: the right label, and a line for all else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audit.errors import UsageError
from audit.examples import Example, Unusable, read_examples
from audit.images import load
from audit.parts import Parts
from audit.taxonomy import LEVELS, SAFE, TYPES, Taxonomy
from audit.verdicts import Decision, as_line, digest
from tests.catalogs import png, write_catalog, write_tar
from tests.test_labels import png as plain
from tests.test_labels import write

TAXONOMY = Taxonomy.load()
NAMES = ("weapon", "fire")


def split(found: Sequence[Example | Unusable]) -> tuple[list[Example], list[Unusable]]:
    return (
        [e for e in found if isinstance(e, Example)],
        [e for e in found if isinstance(e, Unusable)],
    )


def read(*sources: Path | str, **given: Path) -> tuple[list[Example], list[Unusable]]:
    return split(list(read_examples(sources, NAMES, TAXONOMY, **given)))


def test_shards_give_examples_and_say_what_is_wrong_with_the_rest(tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.tar",
        [
            (plain(9, 9, (9, 0, 0)), {"concept": "fire", "source": "s", "group": "g"}),
            (plain(9, 9, (0, 9, 0)), {"safe_type": 6, "safe_level": 0, "caption": "a meadow"}),
            (plain(9, 9, (0, 0, 9)), {"caption": "no label"}),
        ],
    )
    cut = tmp_path / "b.tar"
    cut.write_bytes(Path(source).read_bytes()[:4000])
    examples, unusable = read(tmp_path)
    assert [(e.source, e.group) for e in examples[:2]] == [("s", "g"), ("a.tar", "a.tar/0001.png")]
    assert examples[1].caption == "a meadow"
    assert examples[1].label.type == SAFE
    said = [str(u) for u in unusable]
    assert any("0002.png" in line and "needs `concept`" in line for line in said)
    assert any(line.startswith("b.tar: no_end_mark") for line in said)


def test_a_json_that_does_not_parse_is_counted(tmp_path: Path) -> None:
    import io
    import tarfile

    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, data in (("1.png", png(1)), ("1.json", b'{"concept": "fire"')):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    examples, unusable = read(tmp_path / "a.tar")
    assert not examples
    assert [u.where for u in unusable] == ["a.tar/1.png"]
    assert "json cannot be parsed" in unusable[0].why


def test_a_file_of_labels_takes_the_place_of_the_shards_own(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", 4)
    mapping = tmp_path / "labels.jsonl"
    second = hashlib.sha256(png(2)).hexdigest()  # an even sample has no uid of its own
    mapping.write_text(
        '{"uid": "uid-a-1", "concept": "fire"}\n'
        f'{{"uid": "{second}", "concept": "neutral", "source": "mine"}}\n'
        '{"uid": "nobody", "concept": "fire"}\n'
    )
    examples, unusable = read(tar, mapping=mapping)
    assert [(e.label.name, e.source) for e in examples] == [("fire", "a.tar"), ("neutral", "mine")]
    assert [u.count for u in unusable] == [1]
    assert "'nobody'" in unusable[0].why


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_records_give_examples_with_their_question(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.png").write_bytes(plain(40, 20, (255, 0, 0)))
    (tmp_path / "b.png").write_bytes(plain(30, 60, (0, 0, 255)))
    talk = [
        {"from": "USER", "value": "<image>\nWhat is this?"},
        {"from": "ASSISTANT", "value": "I cannot help with that."},
    ]
    records = [
        {"safe_type": 1, "safe_level": 3, "image": "a.png", "conversations": talk},
        {"safe_type": 6, "safe_level": 0, "image": "a.png", "conversations": talk[1:]},
        {"safe_type": 5, "safe_level": 0, "image": "a.png<split>b.png"},
        {"safe_type": 1, "safe_level": 3, "image": "missing.png"},
        {"safe_type": 9, "safe_level": 3, "image": "a.png"},
        "no record",
    ]
    path = tmp_path / f"r.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in records) + "{broken\n")
    else:
        path.write_text(json.dumps(records))
    examples, unusable = read(path)
    assert [(e.label.type, e.label.level) for e in examples] == [(1, 3), (6, 0), (5, 0)]
    assert [e.caption for e in examples] == ["What is this?", None, None]
    assert examples[0].group == examples[1].group != examples[2].group
    said = [str(u) for u in unusable]
    assert len(said) == (4 if form == "jsonl" else 3)
    assert "r." in said[0]
    assert "no such picture" in said[0]
    assert "safe_type is 9" in said[1]
    # The pair: both whole and at one height, red (2:1) left of blue (1:2).
    pair = load(examples[2].data, size=250, crop_mode="pad")
    assert pair.width / pair.height == pytest.approx(2.5, rel=0.01)
    middle = pair.pixels[125].astype(int)
    assert np.abs(middle[20:180] - [255, 0, 0]).max() < 20
    assert np.abs(middle[210:240] - [0, 0, 255]).max() < 20


@pytest.mark.parametrize("image", ["a.png<split>", "<split>a.png", "<split>", "a<split>b<split>c"])
def test_a_pair_with_a_missing_half_says_so(tmp_path: Path, image: str) -> None:
    (tmp_path / "a.png").write_bytes(plain(4, 4, (255, 0, 0)))
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"safe_type": 1, "safe_level": 3, "image": image}))
    examples, (unusable,) = read(path)
    assert examples == []
    assert "two joined by <split>" in str(unusable)


def test_records_nested_without_end_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"r\.json: cannot be read"):
        read(path)


def decide(catalog: Path, decisions: Sequence[Decision]) -> None:
    (catalog / "decisions").mkdir(exist_ok=True)
    for reviewer in {d.reviewer for d in decisions}:
        prev, lines = "", []
        for decision in decisions:
            if decision.reviewer == reviewer:
                lines.append(as_line(decision, prev))
                prev = digest(lines[-1])
        (catalog / "decisions" / f"{reviewer}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def test_decisions_give_examples_with_the_picture_read_from_the_tar(tmp_path: Path) -> None:
    catalog, shards = write_catalog(tmp_path, shards=1)
    rows = Parts(catalog).rows(shards[0].id).to_pylist()
    scorer = Parts(catalog).books(shards[0].id).scorer
    made = iter(range(100))

    def says(row: int, verdict: str, who: str = "a", **label: object) -> Decision:
        number = next(made)
        return Decision(
            f"{number:08x}",
            rows[row]["row_id"],
            rows[row]["uid"],
            verdict,
            who,
            f"2026-01-01T00:00:{number:02}.000Z",
            **{"scorer": scorer, **label},  # type: ignore[arg-type]
        )

    with pytest.raises(UsageError, match="no decisions yet"):
        read(catalog)
    decide(
        catalog,
        [
            says(0, "relabel", type="privacy", level="high", concepts=("fire",)),
            says(1, "agree"),
            says(2, "relabel", type="safe"),
            says(4, "drop"),
            says(5, "relabel", type="privacy"),
            says(5, "relabel", "b", type="politics"),
            says(6, "agree", scorer="another"),
            says(7, "relabel", type="fairness"),
            replace(says(8, "relabel", type="safe"), uid="another picture's"),
        ],
    )
    examples, unusable = read(catalog)
    assert [e.where[-9:-4] for e in examples] == ["00000", "00001", "00002", "00007"]
    first, agreed, safe, partly = examples
    assert (TYPES[first.label.type], LEVELS[first.label.level]) == ("privacy", "high")
    assert first.label.concepts.tolist() == [0, 1]
    assert first.data == png(0)
    assert first.caption == "caption 0 of 00000"
    assert TYPES[agreed.label.type] == rows[1]["risk_type"]
    shown = {name for name, p in rows[1]["concepts"] if p >= 0.5}
    assert agreed.label.concepts.tolist() == [float(n in shown) for n in NAMES]
    assert (safe.label.type, safe.label.level) == (SAFE, 0)
    assert partly.label.level > 0, "a risky row has the scored level above none"
    assert np.isnan(partly.label.concepts).all()
    said = [str(u) for u in unusable]
    assert len(said) == 3
    assert "00005.png: its 2 reviewers disagree" in said[0]
    assert "scorer another" in said[1]
    assert "00008.png: decided about another picture" in said[2]


def test_a_picture_that_changed_since_the_scan_is_no_example(tmp_path: Path) -> None:
    catalog, shards = write_catalog(tmp_path, shards=1)
    row = Parts(catalog).rows(shards[0].id).to_pylist()[0]
    decide(
        catalog,
        [
            Decision(
                "0" * 8, row["row_id"], row["uid"], "relabel", "a", "2026-01-01T00:00:00.000Z",
                type="safe",
            )
        ],
    )  # fmt: skip
    write_tar(tmp_path / "tars" / "00000.tar", 10, seed=9)
    examples, unusable = read(catalog)
    assert not examples
    assert "scan 00000.tar again" in str(unusable[0])


def test_rows_of_a_catalog_can_be_named_in_a_file(tmp_path: Path) -> None:
    catalog, _ = write_catalog(tmp_path, shards=1)
    mapping = tmp_path / "picked.csv"
    mapping.write_text("uid,concept\nuid-00000-1,fire\n")
    examples, unusable = read(catalog, mapping=mapping)
    assert [e.label.name for e in examples] == ["fire"]
    assert not unusable
