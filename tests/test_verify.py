"""Verify finds whatever is altered, wherever; a sound catalog has no problem."""

from __future__ import annotations

import json
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import faiss
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from audit import vectors
from audit.building import index
from audit.errors import ShardwardenError
from audit.images import Picture
from audit.parts import Parts
from audit.shards import Books, Fault, Shard, ShardReader
from audit.verify import verify
from tests.catalogs import CONCEPTS, made_up_scores, write_catalog, write_part, write_tar


class Place:
    """A catalog of two shards and the tars beside it."""

    def __init__(self, folder: Path) -> None:
        self.tars = folder / "tars"
        self.catalog = folder / "tars.audit"
        self.shards = sorted(path.stem for path in (self.catalog / "parts").glob("*.parquet"))
        self.tar = self.tars / "00000.tar"
        self.parquet, self.npy = Parts(self.catalog).paths(self.shards[0])

    def alter(self, change: Callable[[pa.Table], pa.Table]) -> None:
        """Rewrite the first part with another table, books and all as they were."""
        table = pq.read_table(self.parquet)
        pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), self.parquet)

    def tell(self, **books: object) -> None:
        """Rewrite the first part with other books."""
        table = pq.read_table(self.parquet)
        told = {**json.loads(table.schema.metadata[b"shardwarden"]), **books}
        content = {b"shardwarden": json.dumps(told).encode()}
        pq.write_table(table.replace_schema_metadata(content), self.parquet)

    def sql(self, statement: str) -> None:
        with duckdb.connect(str(self.catalog / "catalog.duckdb")) as connection:
            connection.execute(statement)

    def member(self, name: str) -> tarfile.TarInfo:
        with tarfile.open(self.tar) as tar:
            return tar.getmember(name)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    directory, _ = write_catalog(folder, shards=2, samples=8)
    index(directory)
    return folder


@pytest.fixture
def place(sound: Path) -> Path:
    """The sound catalog; its tars have to stay where they were, so it is put back afterwards."""
    kept = sound.with_name(sound.name + ".kept")
    shutil.copytree(sound, kept)
    try:
        yield Place(sound)
    finally:
        shutil.rmtree(sound)
        kept.rename(sound)


def flip(path: Path, position: int, bit: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ (1 << bit)]))


def test_a_sound_catalog_has_no_problem(place: Place) -> None:
    assert verify(place.catalog) == []
    assert verify(place.catalog, sources=[str(place.tars)]) == []


def column(name: str, change: Callable[[list], list]) -> Callable[[Place], None]:
    def alter(place: Place) -> None:
        def changed(table: pa.Table) -> pa.Table:
            where = table.schema.get_field_index(name)
            field = table.schema.field(name)
            values = pa.array(change(table.column(name).to_pylist()), field.type)
            return table.set_column(where, field, values)

        place.alter(changed)

    return alter


def first(value: object) -> Callable[[list], list]:
    return lambda values: [value, *values[1:]]


def swap(values: list) -> list:
    return [values[1], values[0], *values[2:]]


def npy(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Place], None]:
    def alter(place: Place) -> None:
        with_change = change(np.load(place.npy))
        with place.npy.open("wb") as file:
            np.save(file, with_change)

    return alter


def without_first(place: Place) -> None:
    """Take one image out of part and embeddings alike, so that only the tar knows of it."""
    place.alter(lambda table: table.slice(1))
    npy(lambda array: array[1:])(place)
    books = Parts(place.catalog).books(place.shards[0])
    place.tell(scored=books.scored - 1, members=books.members - 1)


def rename_member(place: Place) -> None:
    data = bytearray(place.tar.read_bytes())
    header = place.member("00002.png").offset
    data[header : header + 5] = b"00022"
    data[header + 148 : header + 156] = b" " * 8
    total = sum(data[header : header + 512])
    data[header + 148 : header + 156] = b"%06o\0 " % total
    place.tar.write_bytes(data)


def move_shard(place: Place) -> None:
    place.tar.rename(place.tar.with_name("moved.tar"))


def more_faiss(place: Place) -> None:
    built = vectors.open(place.catalog)
    built.add_with_ids(np.eye(1, built.d, dtype=np.float32), np.array([5], np.int64))
    faiss.write_index(built, str(place.catalog / vectors.NAME))


def other_ids(place: Place) -> None:
    built = vectors.open(place.catalog)
    ids = faiss.vector_to_array(built.id_map)
    faiss.copy_array_to_vector(ids[::-1].copy(), built.id_map)
    faiss.write_index(built, str(place.catalog / vectors.NAME))


def copy_part(place: Place) -> None:
    for path in (place.parquet, place.npy):
        shutil.copy(path, path.with_name("twin-00000000" + path.suffix))


def add_tar(place: Place) -> None:
    write_tar(place.tars / "00009.tar", 2)


DAMAGE: dict[str, tuple[Callable[[Place], object], str]] = {
    # the tar
    "a byte of an image": (
        lambda p: flip(p.tar, p.member("00002.png").offset_data + 300),
        "'00002': the image's bytes are not those that were scored",
    ),
    "a byte of a caption": (
        lambda p: flip(p.tar, p.member("00002.txt").offset_data + 1),
        "'00002': caption is another in the tar",
    ),
    "a byte of a json": (
        lambda p: flip(p.tar, p.member("00001.json").offset_data + 15),
        "'00001': metadata is another in the tar",
    ),
    "a member's name": (rename_member, "key is another in the tar"),
    "a header of the tar": (lambda p: flip(p.tar, p.member("00004.png").offset + 4), "in the part"),
    "the tar cut": (lambda p: p.tar.write_bytes(p.tar.read_bytes()[:9000]), "in the part only"),
    "the tar emptied": (lambda p: p.tar.write_bytes(b""), "not_a_tar"),
    "the tar deleted": (lambda p: p.tar.unlink(), "00000.tar: "),
    "the tar moved": (move_shard, "moved-"),
    "the tar longer": (lambda p: write_tar(p.tar, 9, broken=(3,)), "in the tar only"),
    "a new tar": (add_tar, "00009-"),
    # the parts
    "a part deleted": (lambda p: (p.parquet.unlink(), p.npy.unlink()), "no such part"),
    "a parquet deleted": (lambda p: p.parquet.unlink(), "no such part"),
    "a parquet cut": (lambda p: p.parquet.write_bytes(p.parquet.read_bytes()[:-50]), "parquet"),
    "a part twice": (copy_part, "twin-00000000"),
    "a row deleted": (lambda p: p.alter(lambda t: t.slice(1)), "7 rows, its books say 8"),
    "a row deleted everywhere": (without_first, "row_ids"),
    "a row twice": (
        lambda p: p.alter(lambda t: pa.concat_tables([t.slice(0, 1), t.slice(0, 7)])),
        "row_ids are not those of images 0 to 7",
    ),
    "rows swapped": (
        lambda p: p.alter(lambda t: t.take(pa.array([1, 0, 2, 3, 4, 5, 6, 7]))),
        "row_ids are not those of images 0 to 7",
    ),
    "a row_id": (column("row_id", first(7)), "row_ids are not those"),
    "the shard of a row": (column("shard", first("other")), "rows of another shard"),
    "a key": (column("key", first("x")), "key is another"),
    "a member name": (column("image_member", first("x")), "image_member is another"),
    "an offset": (column("offset", first(513)), "the image's bytes are not"),
    "offsets swapped": (column("offset", swap), "offset is another"),
    "a size": (column("size", first(3)), "size is another"),
    "a sha256": (column("sha256", first("0" * 64)), "the image's bytes are not"),
    "no sha256": (column("sha256", first(None)), "scored, but without a sha256"),
    "a uid": (column("uid", first("x")), "uid is another"),
    "a stored caption": (column("caption", first("x")), "caption is another"),
    "a stored json": (column("metadata", first("{} ")), "metadata is another"),
    "a status": (column("status", first("failed")), "statuses"),
    "a score": (column("p_illegal", first(0.5)), "rows of 00000-"),
    "a risk": (column("risk_type", swap), "catalog.duckdb: "),
    "a preview": (column("preview", swap), "differ from its part"),
    "the books: members": (lambda p: p.tell(members=25), "25 members, but 7 scored"),
    "the books: scored": (lambda p: p.tell(scored=8, failed=0), "7 rows for 8 scored"),
    "the books: other": (lambda p: p.tell(members=25, other=17), "17 other members in the part"),
    "the books: quarantined": (lambda p: p.tell(failed=0, quarantined=1), "statuses"),
    "the books: upstream": (lambda p: p.tell(upstream_failed=3), "samples failed upstream"),
    "the books: upstream errors": (lambda p: p.tell(upstream_errors={"x": 1}), "upstream errors"),
    "the books: faults": (
        lambda p: p.tell(faults=[{"kind": "x", "detail": "y", "key": None, "offset": None}]),
        "faults now (none) are not those in the part",
    ),
    "the books: seconds": (lambda p: p.tell(seconds=1e6), "table shards differs"),
    "the books: scorer": (lambda p: p.tell(scorer="z"), "2 different scorers"),
    # the embeddings
    "the npy deleted": (lambda p: p.npy.unlink(), "no such file"),
    "the npy cut": (lambda p: p.npy.write_bytes(p.npy.read_bytes()[:-2]), "cannot be read"),
    "the npy longer": (lambda p: p.npy.write_bytes(p.npy.read_bytes() + b"x"), "bytes are not"),
    "a row of the npy": (npy(lambda a: a[1:]), "6 rows for 7 scored"),
    "the lowest bit of an embedding": (lambda p: flip(p.npy, 128 + 6), "bytes are not those"),
    "embeddings swapped": (npy(lambda a: a[::-1]), "bytes are not those"),
    "an embedding too long": (npy(lambda a: a * np.float16(1.5)), "not of unit length"),
    "an embedding of NaN": (npy(lambda a: a * np.float16(np.nan)), "not of unit length"),
    # what is built from the parts
    "no catalog.duckdb": (lambda p: (p.catalog / "catalog.duckdb").unlink(), "no such file"),
    "catalog.duckdb cut": (
        lambda p: (p.catalog / "catalog.duckdb").write_bytes(b"DUCK" * 2000),
        "catalog.duckdb: ",
    ),
    "a sample of the catalog deleted": (
        lambda p: p.sql("DELETE FROM samples WHERE rowid = 3"), "7 rows of 00000-",
    ),
    "a sample of the catalog twice": (
        lambda p: p.sql("INSERT INTO samples SELECT * FROM samples LIMIT 1"), "several rows have",
    ),
    "a sample of the catalog altered": (
        lambda p: p.sql("UPDATE samples SET risk_level = 'low' WHERE rowid = 1"), "rows of 00000-",
    ),
    "a shard of the catalog": (
        lambda p: p.sql("UPDATE shards SET members = members + 1"), "table shards differs",
    ),
    "a fault of the catalog": (
        lambda p: p.sql("INSERT INTO faults VALUES ('a', 'b', 'c', 'd', 0)"),
        "table faults differs",
    ),
    "the catalog's own count": (
        lambda p: p.sql("UPDATE built SET vectors = 3"), "table built says 3 vectors",
    ),
    "no vectors.faiss": (lambda p: (p.catalog / vectors.NAME).unlink(), "no such file"),
    "vectors.faiss cut": (
        lambda p: (p.catalog / vectors.NAME).write_bytes(b"IxM2"), "not a whole FAISS index",
    ),
    "a vector more": (more_faiss, "15 vectors, 14 rows are scored"),
    "ids of the vectors": (other_ids, "ids or vectors are not those of the parts"),
    "a bit of a vector": (lambda p: flip(p.catalog / vectors.NAME, 100), "vectors.faiss: "),
    # the rest
    "no audit.json": (lambda p: (p.catalog / "audit.json").unlink(), "audit.json: "),
    "audit.json cut": (lambda p: (p.catalog / "audit.json").write_text('{"sou'), "audit.json: "),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_any_damage_is_found(place: Place, name: str) -> None:
    damage, expected = DAMAGE[name]
    damage(place)
    problems = verify(place.catalog)
    assert any(expected in line for line in problems), problems
    assert all("\n" not in line and ": " in line and "; " in line for line in problems), problems


@pytest.mark.parametrize("seed", range(12))
def test_any_flipped_bit_of_a_part_or_of_the_vectors_is_found(place: Place, seed: int) -> None:
    draw = random.Random(seed)
    path = draw.choice([place.parquet, place.npy, place.catalog / vectors.NAME])
    flip(path, draw.randrange(path.stat().st_size), draw.randrange(8))
    assert verify(place.catalog)


def test_every_byte_of_an_image_counts(place: Place) -> None:
    member = place.member("00005.png")
    for position in range(0, member.size, 60):
        flip(place.tar, member.offset_data + position)
        problems = verify(place.catalog)
        flip(place.tar, member.offset_data + position)
        assert [line for line in problems if "image 5: '00005': the image's bytes" in line]
    assert verify(place.catalog) == []


def test_a_shard_that_differs_everywhere_is_told_in_a_few_lines(place: Place) -> None:
    place.alter(lambda t: t.set_column(3, "key", [pc.binary_join_element_wise("x", t["key"], "")]))
    problems = [line for line in verify(place.catalog) if line.startswith("00000.tar: ")]
    assert len(problems) == 6
    assert problems[-1] == "00000.tar: 3 more images that differ; scan the shard again"


def test_tars_that_were_moved_can_be_named(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.tars, tmp_path / "tars")
    shutil.rmtree(place.tars)
    assert verify(place.catalog)
    assert verify(place.catalog, sources=[str(tmp_path / "tars")]) == []


def test_faults_and_upstream_failures_are_no_problem_when_they_are_in_the_books(
    tmp_path: Path,
) -> None:
    tar = write_tar(tmp_path / "tars" / "a.tar", 6)
    tar.write_bytes(tar.read_bytes()[:-20_000])
    status = pa.table({"status": ["success"] * 6 + ["failed_to_download"] * 2})
    pq.write_table(status, tmp_path / "tars" / "a.parquet")
    shard = Shard("a-00000000", str(tar), "a.tar", False)
    catalog = tmp_path / "c"
    books = write_part(catalog, shard)
    assert books.faults
    assert books.upstream_failed == 2
    header = {"sources": [], "options": {"max_bytes": 64 << 20}}
    (catalog / "audit.json").write_text(json.dumps(header))
    index(catalog)
    assert verify(catalog) == []


def test_a_trial_with_a_limit_is_told_but_its_rows_are_sound(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "tars" / "a.tar", 6)
    shard = Shard("a-00000000", str(tar), "a.tar", False)
    catalog = tmp_path / "c"
    samples = list(ShardReader(shard))[:2]
    picture = Picture(np.zeros((1, 1, 3), np.uint8), 4, 3, "png", "0" * 16, None)
    cut = Fault("partial", "stopped after 2 images by --limit; scan without it to go on")
    with Parts(catalog).writing(shard, concept_names=CONCEPTS) as part:
        part.add_scored(samples, [picture] * 2, made_up_scores(2))
        part.finish(Books(members=7, images=2, other=5, faults=[cut]))
    (catalog / "audit.json").write_text(json.dumps({"sources": [], "options": {}}))
    index(catalog)
    assert verify(catalog) == [f"a.tar: {cut.detail}"]


def test_a_folder_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShardwardenError, match="not a catalog"):
        verify(tmp_path)
