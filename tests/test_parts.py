"""Parts: whole or not at all, in the order of the shard, with books that balance."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from audit.errors import ShardwardenError
from audit.images import Picture
from audit.parts import Parts, PartWriter
from audit.rows import SCHEMA, decide, row_id
from audit.scorer import Scores
from audit.shards import Books, Fault, Sample, Shard
from tests.catalogs import CONCEPTS, made_up_scores, write_catalog

SHARD = Shard("s-00000000", "/nowhere/s.tar", "s.tar", False)


def sample(ordinal: int, **changes: object) -> Sample:
    made = Sample(
        key=f"k{ordinal}", ordinal=ordinal, image_member=f"k{ordinal}.png", offset=512 * ordinal,
        size=3, data=b"%03d" % ordinal, error=None, caption=None, metadata=None, uid=None,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def picture() -> Picture:
    return Picture(np.zeros((1, 1, 3), np.uint8), 4, 3, "png", "0" * 16, b"preview")


def writing(parts: Parts, fill: Callable[[PartWriter], object]) -> None:
    with parts.writing(SHARD, concept_names=CONCEPTS, scorer="f") as part:
        fill(part)


def simple(part: PartWriter, count: int = 4) -> None:
    part.add_scored([sample(n) for n in range(count)], [picture()] * count, made_up_scores(count))
    part.finish(Books(members=count, images=count))


def names(parts: Parts) -> list[str]:
    return sorted(path.name for path in parts.directory.iterdir())


def test_a_part_holds_every_image_of_a_real_shard(tmp_path: Path) -> None:
    catalog, shards = write_catalog(tmp_path, shards=1, samples=10)
    parts = Parts(catalog)
    books = parts.books(shards[0].id)
    assert parts.shard_ids() == [shards[0].id]
    assert parts.done(shards[0].id)
    assert (books.members, books.other, books.scored, books.failed) == (30, 20, 9, 1)
    assert books.balanced
    table = parts.rows(shards[0].id)
    assert table.schema.equals(SCHEMA)
    rows = table.to_pylist()
    assert [row["key"] for row in rows] == [f"{n:05d}" for n in range(10)]
    assert [row["status"] for row in rows] == ["scored"] * 3 + ["failed"] + ["scored"] * 6
    assert rows[3]["error"].startswith("not_an_image: ")
    assert rows[3]["preview"] is rows[3]["risk"] is rows[3]["concepts"] is None
    assert rows[1]["uid"] == "uid-00000-1"
    assert rows[2]["uid"] == rows[2]["sha256"]
    assert rows[0]["preview"][:4] == b"RIFF"


def test_batches_and_failures_come_back_in_the_order_of_the_shard(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    first, second = made_up_scores(2, seed=1), made_up_scores(2, seed=2)

    def fill(part: PartWriter) -> None:
        part.add_failed(sample(1), "corrupt: x")
        part.add_scored([sample(4), sample(5)], [picture()] * 2, second)
        part.add_failed(sample(3), "known_hash: list a", quarantined=True)
        part.add_scored([sample(0), sample(2)], [picture()] * 2, first)
        part.finish(Books(members=6, images=6))

    writing(parts, fill)
    rows = parts.rows(SHARD.id).to_pylist()
    assert [row["key"] for row in rows] == [f"k{n}" for n in range(6)]
    assert [row["row_id"] for row in rows] == [row_id(SHARD.id, n) for n in range(6)]
    assert [row["status"] for row in rows] == [
        "scored", "failed", "scored", "quarantined", "scored", "scored",
    ]  # fmt: skip
    assert [row["p_safe"] for row in rows if row["status"] == "scored"] == [
        *first.types[:, 6].tolist(), *second.types[:, 6].tolist(),
    ]  # fmt: skip
    expected = np.concatenate([first.embeddings, second.embeddings])
    assert np.array_equal(parts.embeddings(SHARD.id), expected)
    concepts = dict(rows[2]["concepts"])
    assert concepts == dict(zip(CONCEPTS, first.concepts[1].tolist(), strict=True))


def test_types_that_are_not_covered_are_null_never_zero(tmp_path: Path) -> None:
    scores = made_up_scores(4)
    scores.types[:, 0] = np.nan
    scores.types[1, 6] = np.nan
    parts = Parts(tmp_path)

    def fill(part: PartWriter) -> None:
        part.add_scored([sample(n) for n in range(4)], [picture()] * 4, scores)
        part.finish(Books(members=4, images=4))

    writing(parts, fill)
    table = parts.rows(SHARD.id)
    assert table.column("p_politics").null_count == 4
    assert "politics" not in table.column("risk_type").to_pylist()
    assert [value is None for value in table.column("risk").to_pylist()] == [
        False, True, False, False,
    ]  # fmt: skip
    assert table.column("risk").equals(table.column("punsafe"))


@pytest.mark.parametrize(
    ("types", "levels", "decided"),
    [
        ([0, 0, 0, 0, 0, 0, 1], [1, 0, 0, 0], (6, 0)),
        ([0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 1], (6, 0)),  # safe: whatever the levels say
        ([0, 1, 0, 0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], (1, 3)),
        ([0, 1, 0, 0, 0, 0, 0], [0.9, 0.02, 0.05, 0.03], (1, 2)),  # risky: never `none`
        ([np.nan, 0.3, 0, 0, 0, 0, 0.2], [0.9, 0.1, 0, 0], (1, 1)),
        ([0, 1, 0, 0, 0, 0, 0], [np.nan] * 4, (1, -1)),
        ([np.nan] * 7, [1, 0, 0, 0], (-1, -1)),
        ([0.5, 0, 0, 0, 0, 0, 0.5], [0, 1, 0, 0], (0, 1)),  # a tie is not safe
    ],
)
def test_the_level_is_none_exactly_when_the_type_is_safe(
    types: list[float], levels: list[float], decided: tuple[int, int]
) -> None:
    kind, level = decide(np.array([types], np.float32), np.array([levels], np.float32))
    assert (kind[0], level[0]) == decided


def test_a_shard_without_a_single_image_has_a_part(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    fault = Fault("truncated", "cut", None, 512)
    writing(parts, lambda part: part.finish(Books(members=2, other=2, faults=[fault])))
    assert parts.done(SHARD.id)
    assert len(parts.rows(SHARD.id)) == 0
    assert parts.books(SHARD.id).faults == (fault,)


@pytest.mark.parametrize(
    "books", [Books(members=5, images=5), Books(members=3, images=3), Books(members=9, images=4)]
)
def test_rows_that_do_not_match_the_books_are_not_published(tmp_path: Path, books: Books) -> None:
    parts = Parts(tmp_path)

    def fill(part: PartWriter) -> None:
        part.add_scored([sample(n) for n in range(4)], [picture()] * 4, made_up_scores(4))
        part.finish(books)

    with pytest.raises(ShardwardenError, match=r"s-00000000: 4 rows for"):
        writing(parts, fill)
    assert names(parts) == []


@pytest.mark.parametrize("ordinals", [(0, 0), (0, 2)])
def test_an_image_added_twice_or_left_out_is_an_error(
    tmp_path: Path, ordinals: tuple[int, int]
) -> None:
    parts = Parts(tmp_path)

    def fill(part: PartWriter) -> None:
        for ordinal in ordinals:
            part.add_failed(sample(ordinal), "corrupt: x")
        part.finish(Books(members=2, images=2))

    with pytest.raises(ShardwardenError, match="not numbered 0 to 1"):
        writing(parts, fill)
    assert names(parts) == []


def bad_width(scores: Scores) -> Scores:
    return dataclasses.replace(scores, concepts=scores.concepts[:, :1])


def bad_length(scores: Scores) -> Scores:
    return dataclasses.replace(scores, embeddings=scores.embeddings * np.float16(0.9))


def not_finite(scores: Scores) -> Scores:
    return dataclasses.replace(scores, embeddings=scores.embeddings * np.float16(np.nan))


@pytest.mark.parametrize("damage", [bad_width, bad_length, not_finite])
def test_scores_that_do_not_fit_stop_the_shard(
    tmp_path: Path, damage: Callable[[Scores], Scores]
) -> None:
    parts = Parts(tmp_path)
    with pytest.raises(ShardwardenError, match="s-00000000"):
        writing(
            parts,
            lambda part: part.add_scored(
                [sample(n) for n in range(4)], [picture()] * 4, damage(made_up_scores(4))
            ),
        )
    assert names(parts) == []


def test_leaving_without_finish_leaves_nothing(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    writing(parts, lambda part: part.add_failed(sample(0), "corrupt: x"))
    assert names(parts) == []


def test_a_full_disk_leaves_the_old_part_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Parts(tmp_path)
    writing(parts, simple)
    before = {name: (parts.directory / name).read_bytes() for name in names(parts)}

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space"):
        writing(parts, lambda part: simple(part, 2))
    assert {name: (parts.directory / name).read_bytes() for name in names(parts)} == before
    assert parts.done(SHARD.id)


def test_a_second_scan_of_a_shard_replaces_its_part(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    writing(parts, simple)
    writing(parts, lambda part: simple(part, 2))
    assert parts.done(SHARD.id)
    assert len(parts.rows(SHARD.id)) == len(parts.embeddings(SHARD.id)) == 2
    assert names(parts) == [f"{SHARD.id}.npy", f"{SHARD.id}.parquet"]


KILLED = """
import os, sys, pathlib
import audit.parts as parts
from tests.test_parts import SHARD, simple
from audit.parts import Parts

step, replaced = int(sys.argv[2]), []
real = pathlib.Path.replace
def replace(self, target):
    if len(replaced) == step:
        os._exit(9)  # as if the machine went away: nothing is cleaned up
    replaced.append(target)
    return real(self, target)
pathlib.Path.replace = replace
with Parts(sys.argv[1]).writing(SHARD, concept_names=("weapon", "fire", "captcha")) as part:
    simple(part)
"""


@pytest.mark.parametrize("step", [0, 1])
def test_a_writer_killed_at_any_rename_leaves_no_part(tmp_path: Path, step: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(step)],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 9
    parts = Parts(tmp_path)
    assert not parts.done(SHARD.id)
    assert parts.shard_ids() == []
    assert [name for name in names(parts) if ".tmp-" in name]
    parts.clean()
    assert names(parts) == []


def test_temporaries_of_a_living_writer_stay(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    writing(parts, simple)
    alive, dead = (parts.directory / f"x.parquet.tmp-{n}" for n in (os.getppid(), 2**22 + 1))
    mine = parts.directory / f"x.npy.tmp-{os.getpid()}"
    for path in (alive, dead, mine):
        path.write_bytes(b"")
    assert parts.clean() == sorted([dead, mine])
    assert alive.exists()
    assert parts.done(SHARD.id)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def rewrite(npy: Path, array: np.ndarray) -> None:
    with npy.open("wb") as file:
        np.save(file, array)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda parquet, npy: parquet.unlink(), "no such part"),
        (lambda parquet, npy: cut(parquet, 100), "cannot be read"),
        (lambda parquet, npy: cut(parquet, 0), "cannot be read"),
        (lambda parquet, npy: npy.unlink(), "no such file"),
        (lambda parquet, npy: cut(npy, 0), "cannot be read"),
        (lambda parquet, npy: cut(npy, 50), "cannot be read"),
        (lambda parquet, npy: cut(npy, 140), "cannot be read"),
        (lambda parquet, npy: rewrite(npy, np.zeros((3, 8), np.float16)), "3 rows for 4 scored"),
        (lambda parquet, npy: rewrite(npy, np.zeros((4, 8), np.float32)), "not float16"),
        (lambda parquet, npy: rewrite(npy, np.array([{}])), "cannot be read"),
        (
            lambda parquet, npy: pq.write_table(pq.read_table(parquet).slice(1), parquet),
            "3 rows, its books say 4",
        ),
        (
            lambda parquet, npy: pq.write_table(pq.read_table(parquet, columns=["key"]), parquet),
            "columns are not those",
        ),
        (
            lambda parquet, npy: pq.write_table(
                pq.read_table(parquet).replace_schema_metadata({}), parquet
            ),
            "cannot be read",
        ),
    ],
)
def test_a_part_that_is_not_whole_is_not_done_and_says_why(
    tmp_path: Path, damage: Callable[[Path, Path], object], reason: str
) -> None:
    parts = Parts(tmp_path)
    writing(parts, simple)
    damage(*parts.paths(SHARD.id))
    fault = parts.fault(SHARD.id)
    assert not parts.done(SHARD.id)
    assert fault is not None
    assert reason in fault
    assert fault.startswith("s-00000000.")
    assert fault.endswith("scan the shard again")
    assert "\n" not in fault


def test_a_damaged_page_is_noticed_when_rows_are_read(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    writing(parts, simple)
    path = parts.paths(SHARD.id)[0]
    data = bytearray(path.read_bytes())
    where = data.index(b"\x28\xb5\x2f\xfd")  # the first zstd frame
    data[where + 8] ^= 1
    path.write_bytes(data)
    with pytest.raises(ShardwardenError, match=r"s-00000000\.parquet: cannot be read"):
        parts.rows(SHARD.id)
