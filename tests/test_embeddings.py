"""Folders of embeddings: every row once and with its own metadata, whatever a file is like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit import embeddings
from audit.embeddings import is_embedding_folder, pieces, survey
from audit.errors import UsageError

WIDTH = 8


def write(folder: Path, number: str, rows: int, **columns: list[object]) -> Path:
    """One file of a folder; row i has i in its first element and in its key."""
    for name in ("img_emb", "metadata"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    vectors = np.ones((rows, WIDTH), np.float16)
    vectors[:, 0] = np.arange(rows)
    np.save(folder / "img_emb" / f"img_emb_{number}.npy", vectors)
    table = {"image_path": [f"{number}/{i}.jpg" for i in range(rows)], **columns}
    path = folder / "metadata" / f"metadata_{number}.parquet"
    pq.write_table(pa.table(table), path, row_group_size=7)
    return path


def header(shape: str) -> bytes:
    """The head of a .npy file that says it has this shape."""
    text = f"{{'descr': '<f2', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "PIECE_ROWS", 10)


@pytest.mark.usefixtures("small")
def test_every_row_comes_once_in_order_with_its_own_metadata(tmp_path: Path) -> None:
    for number, rows in (("0", 23), ("2", 10), ("10", 4)):
        write(tmp_path, number, rows, caption=[f"{number} {i}" for i in range(rows)])
    folder = survey(tmp_path)
    assert (folder.rows, folder.width, folder.faults) == (37, WIDTH, ())
    found = list(pieces(folder))
    assert [piece.shard_id for piece in found] == [
        *(f"img_emb_0-0000{i}" for i in range(3)), "img_emb_2-00000", "img_emb_10-00000"
    ]  # fmt: skip
    assert [s for file in folder.files for s in file.shard_ids] == [p.shard_id for p in found]
    for piece in found:
        number = piece.file.stem.rpartition("_")[2]
        order = [piece.first + i for i in range(len(piece.embeddings))]
        assert piece.embeddings[:, 0].tolist() == order
        assert piece.rows["key"].to_pylist() == [f"{number}/{i}.jpg" for i in order]
        assert piece.rows["caption"].to_pylist() == [f"{number} {i}" for i in order]
        assert isinstance(piece.embeddings, np.memmap)
        assert piece.unusable == {}


@pytest.mark.usefixtures("small")
def test_what_is_done_is_skipped_and_the_rest_keeps_its_names(tmp_path: Path) -> None:
    write(tmp_path, "0", 23)
    folder = survey(tmp_path)
    first, second, third = pieces(folder)
    again = list(pieces(folder, skip={first.shard_id, third.shard_id}))
    assert [piece.shard_id for piece in again] == [second.shard_id]
    assert again[0].rows.equals(second.rows)
    assert list(pieces(folder, skip=folder.files[0].shard_ids)) == []


def test_rows_that_are_no_direction_are_named(tmp_path: Path) -> None:
    write(tmp_path, "0", 5)
    path = tmp_path / "img_emb" / "img_emb_0.npy"
    vectors = np.load(path)
    vectors[1], vectors[3, 2], vectors[4, 0] = 0, np.nan, np.inf
    np.save(path, vectors)
    (piece,) = pieces(survey(tmp_path))
    assert sorted(piece.unusable) == [1, 3, 4]
    assert "all zeros" in piece.unusable[1]
    assert "not a number" in piece.unusable[3]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda npy, meta: meta.unlink(), "no metadata/metadata_1.parquet"),
        (lambda npy, meta: np.save(npy, np.ones((3, WIDTH), np.float16)), "metadata_1.parquet has"),
        (lambda npy, meta: np.save(npy, np.ones(12, np.float16)), "expected floats"),
        (lambda npy, meta: np.save(npy, np.ones((12, WIDTH), np.int8)), "expected floats"),
        (lambda npy, meta: np.save(npy, np.ones((12, WIDTH + 1))), "9 wide"),
        (lambda npy, meta: npy.write_bytes(npy.read_bytes()[:-5]), "img_emb_1.npy"),
        (lambda npy, meta: npy.write_bytes(b""), "is empty"),
        (lambda npy, meta: meta.write_bytes(b"PAR1 no parquet"), "img_emb_1.npy"),
        (lambda npy, meta: np.save(npy, np.array([{}] * 12), allow_pickle=True), "img_emb_1.npy"),
        (lambda npy, meta: npy.write_bytes(header("(12000000000000, 8)")), "img_emb_1.npy: mmap"),
        (lambda npy, meta: npy.write_bytes(header(f"(1{'0' * 30}, 8)")), "makes no sense"),
        (lambda npy, meta: npy.write_bytes(header("(-12, 8)")), "makes no sense"),
        (lambda npy, meta: npy.write_bytes(header("(True, 8)") + bytes(99)), "makes no sense"),
        (lambda npy, meta: npy.write_bytes(header("(" * 9000)), "makes no sense"),
    ],
)
def test_a_file_that_does_not_fit_is_named_and_the_others_are_read(
    tmp_path: Path, damage, said: str
) -> None:
    write(tmp_path, "0", 4)
    damage(tmp_path / "img_emb" / "img_emb_1.npy", write(tmp_path, "1", 12))
    folder = survey(tmp_path)
    assert [file.name for file in folder.files] == ["img_emb_0"]
    assert sum(len(piece.embeddings) for piece in pieces(folder)) == folder.rows == 4
    ((name, what),) = folder.faults
    assert said in f"{name}: {what}"
    assert "\n" not in what


@pytest.mark.usefixtures("small")
def test_metadata_that_breaks_off_is_told_and_what_came_before_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "0", 40)
    write(tmp_path, "1", 4)
    data = bytearray(path.read_bytes())
    group = pq.read_metadata(path).row_group(4).column(0)
    start = group.dictionary_page_offset or group.data_page_offset
    data[start : start + group.total_compressed_size] = bytes(group.total_compressed_size)
    path.write_bytes(data)
    told: list[str] = []
    found = list(pieces(survey(tmp_path), fault=lambda name, what: told.append(name)))
    assert told == ["metadata_0.parquet"]
    assert [p.first for p in found if p.file.stem == "img_emb_0"] == [0, 10]
    assert found[-1].file.stem == "img_emb_1"


def test_numbers_beyond_float32_are_no_directions_either(tmp_path: Path) -> None:
    write(tmp_path, "0", 3)
    vectors = np.ones((3, WIDTH))
    vectors[1], vectors[2] = 1e300, 1e-300
    np.save(tmp_path / "img_emb" / "img_emb_0.npy", vectors)
    (piece,) = pieces(survey(tmp_path))
    assert sorted(piece.unusable) == [1, 2]


def test_digits_of_other_scripts_in_a_name_are_no_error(tmp_path: Path) -> None:
    for number in ("²", "٣", "10"):
        write(tmp_path, number, 2)
    assert survey(tmp_path).rows == 6


def test_of_two_columns_of_one_name_the_first_counts(tmp_path: Path) -> None:
    path = write(tmp_path, "0", 2)
    twice = pa.table([pa.array(["a", "b"]), pa.array(["c", "d"])], names=["key", "key"])
    pq.write_table(twice, path)
    (piece,) = pieces(survey(tmp_path))
    assert piece.rows["key"].to_pylist() == ["a", "b"]


def test_a_folder_without_embeddings_says_what_is_missing(tmp_path: Path) -> None:
    assert not is_embedding_folder(tmp_path)
    with pytest.raises(UsageError, match="no img_emb"):
        survey(tmp_path)
    write(tmp_path, "0", 4).unlink()
    assert is_embedding_folder(tmp_path)
    with pytest.raises(UsageError, match="img_emb_0.npy: no metadata"):
        survey(tmp_path)


def test_columns_of_other_tools_get_our_names_and_stay_whole_as_json(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "TEXT": ['say "hi" \\ there', "two\nlines\ttab", None, "bell\x07", "grüße 世界"],
        "url": ["http://a/1", None, "c", "d", "e"],
        "original_width": [640, None, -3, 2**40, 1],
        "original_height": [480.0, float("nan"), 7.0, 0.0, 2.0],
        "NSFW": ["UNLIKELY", None, "NSFW", "UNSURE", ""],
        "similarity": [0.25, float("nan"), float("inf"), 1e-20, -1.0],
        "ok": [True, None, False, True, True],
        "tags": [["a"], None, [], ["b", "c"], ["d"]],
        "none": [None] * 5,
    }
    write(tmp_path, "0", 5, **columns)
    (piece,) = pieces(survey(tmp_path))
    rows = piece.rows.to_pylist()
    assert [row["caption"] for row in rows] == columns["TEXT"]
    assert [row["width"] for row in rows] == [640, None, None, None, 1]
    assert [row["height"] for row in rows] == [480, None, 7, None, 2]
    assert [row["nsfw"] for row in rows] == columns["NSFW"]
    assert rows[0]["uid"] is None
    for i, row in enumerate(rows):
        kept = json.loads(row["metadata"])
        wanted = {name: values[i] for name, values in columns.items()}
        wanted["similarity"] = [0.25, None, None, 1e-20, -1.0][i]
        wanted["original_height"] = [480.0, None, 7.0, 0.0, 2.0][i]
        assert kept == {"image_path": f"0/{i}.jpg", **wanted}


def test_a_table_that_names_no_image_gets_keys(tmp_path: Path) -> None:
    path = write(tmp_path, "0", 3)
    pq.write_table(pa.table({"caption": pa.array(["a", "b", "a"]).dictionary_encode()}), path)
    (piece,) = pieces(survey(tmp_path))
    assert piece.rows["key"].to_pylist() == ["img_emb_0:0", "img_emb_0:1", "img_emb_0:2"]
    assert piece.rows["caption"].to_pylist() == ["a", "b", "a"]


def test_a_real_clip_retrieval_output_is_read(shared: Path) -> None:
    folder = survey(shared / "fixtures" / "clip-retrieval-output" / "embeddings")
    (piece,) = pieces(folder)
    assert (folder.rows, folder.width, folder.faults) == (9, 512, ())
    lengths = np.linalg.norm(piece.embeddings.astype(np.float32), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)
    assert all(key.endswith((".png", ".jpg")) for key in piece.rows["key"].to_pylist())
    assert None not in piece.rows["caption"].to_pylist()
