"""Sources, tars (sound, hostile, cut) and the books; held against tarfile and webdataset."""

from __future__ import annotations

import functools
import gzip
import http.server
import io
import json
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset.tariterators as wds

from audit import streams
from audit.errors import NoShards, ShardwardenError, UsageError
from audit.shards import Fault, Sample, Shard, ShardReader, expand, key_of, read_range

END = bytes(1024)


def header(
    name: bytes, size: int = 0, kind: bytes = b"0", size_field: bytes | None = None
) -> bytes:
    """One ustar header, made by hand so that no library can refuse what we want to write."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = size_field or b"%011o\0" % size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def entry(name: str | bytes, data: bytes = b"", kind: bytes = b"0") -> bytes:
    raw = name.encode() if isinstance(name, str) else name
    return header(raw, len(data), kind) + data + bytes(-len(data) % 512)


def pax(kind: bytes = b"x", **records: str) -> bytes:
    data = b""
    for key, value in records.items():
        body = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length += 1
        data += str(length).encode() + body
    return entry("PaxHeader", data, kind)


def write(path: Path, *parts: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def read(path: Path, **options: int) -> tuple[list[Sample], ShardReader]:
    reader = ShardReader(expand([str(path)])[0], **options)
    samples = list(reader)
    books = reader.books
    assert books.members == books.images + books.other
    assert books.images == len(samples)
    assert [sample.ordinal for sample in samples] == list(range(len(samples)))
    assert all((sample.data is None) == (sample.error is not None) for sample in samples)
    return samples, reader


def kinds(reader: ShardReader) -> list[str]:
    return [fault.kind for fault in reader.books.faults]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "laion"
    for name in ("00000.tar", "00001.tar", "sub/00000.tar.gz", "sub/x.TGZ", ".hidden.tar"):
        write(base / name, END)
    write(base / "00000.parquet.tmp", b"")
    return base


# -- sources


def test_a_folder_a_glob_braces_a_list_and_files_name_the_same_shards(folder: Path) -> None:
    listed = folder.parent / "list.txt"
    listed.write_text(f"# two shards\n{folder}/00000.tar\n\nlaion/00001.tar\n")
    flat = [expand([f"{folder}/{pattern}"]) for pattern in ("*.tar", "{00000..00001}.tar")]
    flat += [expand([f"@{listed}"]), expand([f"{folder}/00001.tar", f"{folder}/00000.tar"])]
    assert [shard.name for shard in flat[0]] == ["00000.tar", "00001.tar"]
    assert all(shards == flat[0] for shards in flat)
    whole = expand([str(folder), f"{folder}/00000.tar"])
    assert [shard.name for shard in whole] == [
        "00000.tar",
        "00001.tar",
        "sub/00000.tar.gz",
        "sub/x.TGZ",
    ]
    assert set(flat[0]) < set(whole)
    assert [shard.compressed for shard in whole] == [False, False, True, True]
    assert expand([f"{folder}/**/*.tar"]) == flat[0]


def test_ids_stay_when_the_folder_moves_and_differ_inside_it(folder: Path, tmp_path: Path) -> None:
    before = [shard.id for shard in expand([str(folder)])]
    assert len(set(before)) == 4
    (tmp_path / "elsewhere").mkdir()
    moved = folder.rename(tmp_path / "elsewhere" / "laion")
    assert [shard.id for shard in expand([str(moved)])] == before


def test_two_shards_that_would_share_an_id_are_refused(tmp_path: Path) -> None:
    for place in ("a/laion/0.tar", "b/laion/0.tar"):
        write(tmp_path / place, END)
    with pytest.raises(UsageError, match="share the id"):
        expand([f"{tmp_path}/a/laion", f"{tmp_path}/b/laion"])
    assert len(expand([str(tmp_path)])) == 2


def test_a_name_with_braces_and_brackets_in_it_is_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "odd[1]{a,b}.tar", END)
    assert [shard.url for shard in expand([str(path)])] == [str(path)]


def test_a_loop_of_links_is_walked_once(folder: Path) -> None:
    (folder / "sub" / "again").symlink_to(folder)
    (folder / "copy.tar").symlink_to(folder / "00000.tar")
    assert len(expand([str(folder)])) == 4


def test_a_missing_shard_of_a_pattern_becomes_a_fault_of_the_scan(folder: Path) -> None:
    shards = expand([f"{folder}/{{00000..00002}}.tar"])
    assert [shard.name for shard in shards] == ["00000.tar", "00001.tar", "00002.tar"]
    reader = ShardReader(shards[2])
    assert list(reader) == []
    assert kinds(reader) == ["unreadable"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("nowhere/", "nowhere/: no such file or folder"),
        ("empty", "0 files but no shard"),
        ("pictures", r"2 files \(2 .jpg\) but no shard"),
        ("pictures/*", "matches 2 files but no shard"),
        ("*.tra", r"\*.tra: matches nothing"),
        ("x{000..099}.tar", r"x\{000..099\}.tar: names 100 files, none exists \(first: x000.tar\)"),
        ("list.txt", "did you mean @list.txt"),
        ("@list.txt", "@list.txt: the list names no source"),
        ("pictures/0.jpg", "not a shard by its name"),
    ],
)
def test_no_shard_is_an_error_that_shows_the_pattern(
    source: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.txt").write_text("# nothing\n")
    write(tmp_path / "pictures" / "0.jpg", b"")
    write(tmp_path / "pictures" / "1.jpg", b"")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoShards, match=says):
        expand([source])


def test_braces_eaten_by_the_shell_get_a_hint(folder: Path) -> None:
    with pytest.raises(NoShards, match="quote the pattern"):
        expand([f"{folder}/0000{i}.tar" for i in range(4)])


@pytest.mark.parametrize(
    "source",
    ["pipe:echo x", "a.tar::pipe:echo x", "{pipe:echo,a}.tar", " pipe:echo x", "@list.txt"],
)
def test_a_pipe_is_refused_and_never_run(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("pipe:touch ran\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="run a command"):
        expand([source])
    reader = ShardReader(Shard("x-00000000", "pipe:touch ran", "x", False))
    assert list(reader) == []
    assert kinds(reader) == ["unreadable"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "source",
    [
        "-",
        "",
        "a{b.tar",
        "${NO_SUCH_VARIABLE}.tar",
        "foo://x/0.tar",
        "https://host/x/*.tar",
        "@absent.txt",
    ],
)
def test_sources_that_cannot_work_are_usage_errors(source: str) -> None:
    with pytest.raises(UsageError):
        expand([source])


def test_a_remote_shard_is_named_by_its_last_folder() -> None:
    one, two = expand(["https://host/some/laion/{00000..00001}.tar?download=true"])
    assert (one.name, two.name) == ("00000.tar", "00001.tar")
    assert one.id == expand(["https://other/laion/00000.tar"])[0].id


# -- samples


def test_every_image_of_a_key_is_a_sample_with_the_keys_caption_and_json(tmp_path: Path) -> None:
    metadata = '{"caption": "from json",  "uid": "u-1", "n": 1e400}'
    path = write(
        tmp_path / "s.tar",
        entry("d.1/a.JPG", b"one"),
        entry("d.1/a.seg.png", b"two"),
        entry("d.1/a.cls", b"7"),
        entry("d.1/a.json", metadata.encode()),
        entry("d.1/a.txt", "späßchen".encode()),
        entry("d.1/b.webp", b""),
        END,
    )
    samples, reader = read(path)
    assert [(s.key, s.image_member, s.data) for s in samples] == [
        ("d.1/a", "d.1/a.JPG", b"one"),
        ("d.1/a", "d.1/a.seg.png", b"two"),
        ("d.1/b", "d.1/b.webp", b""),
    ]
    assert {(s.caption, s.metadata, s.uid) for s in samples[:2]} == {("späßchen", metadata, "u-1")}
    assert (samples[2].caption, samples[2].metadata, samples[2].uid) == (None, None, None)
    assert reader.books.faults == []
    assert (reader.books.images, reader.books.other) == (3, 3)


@pytest.mark.parametrize(
    "extension", ["jpg", "JPEG", "png", "webp", "gif", "bmp", "tif", "TIFF", "avif", "v2.Jpg"]
)
def test_image_extensions_in_any_case(extension: str, tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "s.tar", entry(f"a.{extension}", b"x"), END))[0]) == 1


@pytest.mark.parametrize(
    ("beside", "caption"),
    [
        ({"txt": "t", "caption": "c", "json": '{"caption": "j"}'}, "t"),
        ({"txt": " \n", "caption": "c"}, "c"),
        ({"json": '{"alt": "a", "TEXT": "T"}'}, "T"),
        ({"json": '{"caption": null, "text": "x"}'}, "x"),
        ({"json": '{"caption": "\\ud800!"}'}, "?!"),
        ({"json": '["caption"]'}, None),
        ({"txt": ""}, None),
    ],
)
def test_the_caption_is_the_first_that_says_something(
    beside: dict[str, str], caption: str | None, tmp_path: Path
) -> None:
    members = [entry(f"a.{ext}", text.encode()) for ext, text in beside.items()]
    samples, reader = read(write(tmp_path / "s.tar", *members, entry("a.png", b"x"), END))
    assert samples[0].caption == caption
    assert reader.books.faults == []


@pytest.mark.parametrize(
    ("raw", "kept"), [(b"\xff{}", False), (b"[" * 100_000, True), (b"{", True), (b"1" * 5000, True)]
)
def test_a_bad_json_is_a_fault_and_the_image_is_not_lost(
    raw: bytes, kept: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / "s.tar", entry("a.jpg", b"x"), entry("a.json", raw), END)
    samples, reader = read(path)
    assert samples[0].metadata == (raw.decode() if kept else None)
    assert kinds(reader) == ["bad_metadata"]


def test_names_webdataset_passes_over_are_counted_as_other(tmp_path: Path) -> None:
    names = ["__meta__/a.jpg", "__x__", "noextension", ".jpg", "d/._a.jpg", "a.jpg"]
    path = write(tmp_path / "s.tar", entry("d/", kind=b"5"), *(entry(n, b"x") for n in names), END)
    samples, reader = read(path)
    assert [s.image_member for s in samples] == ["a.jpg"]
    assert (reader.books.members, reader.books.other, reader.books.faults) == (6, 5, [])


def test_keys_apart_are_a_named_fault_and_every_part_is_still_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.tar",
        entry("a.jpg", b"1"),
        entry("b.jpg", b"2"),
        entry("a.txt", b"late"),
        entry("a.png", b"3"),
        END,
    )
    samples, reader = read(path)
    assert [(s.key, s.caption) for s in samples] == [("a", None), ("b", None), ("a", "late")]
    assert [(f.kind, f.key, f.offset) for f in reader.books.faults] == [("split_key", "a", 2048)]


def test_a_name_that_comes_twice_is_a_fault_and_both_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", entry("a.jpg", b"1"), entry("a.JPG", b"2"), END)
    samples, reader = read(path)
    assert [s.data for s in samples] == [b"1", b"2"]
    assert kinds(reader) == ["duplicate_name"]


def test_many_faults_of_a_kind_are_counted_not_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", *(entry("a.jpg", b"1") for _ in range(60)), END)
    _, reader = read(path)
    assert len(reader.books.faults) == 21
    assert reader.books.faults[-1] == Fault("duplicate_name", "39 more like this")


def test_one_key_with_more_than_memory_should_hold_is_given_in_parts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.tar",
        entry("a.txt", b"c"),
        *(entry(f"a.{i}.jpg", bytes(600)) for i in range(9)),
        END,
    )
    samples, reader = read(path, max_bytes=1000)
    assert len(samples) == 9
    assert {s.caption for s in samples} == {"c"}
    assert "big_group" in kinds(reader)


# -- tars: offsets, sizes, hostile headers


def test_offsets_point_at_the_images_in_every_format(tmp_path: Path) -> None:
    long = "x" * 180 + "/" + "y" * 90
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path = tmp_path / f"{form}.tar"
        with tarfile.open(path, "w", format=form) as tar:
            for name in ("a", "grüße", long if form != tarfile.USTAR_FORMAT else long[100:]):
                for extension in ("jpg", "cls", "png"):
                    info = tarfile.TarInfo(f"{name}.{extension}")
                    data = f"{name}.{extension}".encode() * 7
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        with tarfile.open(path) as tar:
            oracle = [(m.name, m.offset_data, m.size) for m in tar if not m.name.endswith("cls")]
        samples, reader = read(path)
        assert [(s.image_member, s.offset, s.size) for s in samples] == oracle
        assert reader.books.faults == []
        for sample in samples:
            assert sample.offset is not None
            assert read_range(str(path), sample.offset, sample.size) == sample.data


def test_a_pax_size_overrides_the_headers_as_in_tarfile(tmp_path: Path) -> None:
    hidden = entry("inner.jpg", b"no")  # a member for a reader that believes the header's 0
    path = write(
        tmp_path / "s.tar", pax(size="1024"), header(b"a.jpg", 0), hidden, entry("b.jpg", b"b"), END
    )
    samples, reader = read(path)
    assert [(s.image_member, s.size) for s in samples] == [("a.jpg", 1024), ("b.jpg", 1)]
    assert reader.books.faults == []
    with tarfile.open(path, "r|") as tar:
        assert [(m.name, m.size) for m in tar] == [("a.jpg", 1024), ("b.jpg", 1)]


def test_headers_that_readers_understand_differently_are_faults(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", pax(path="one.jpg"), pax(path="two.txt"), entry("c"), END)
    samples, reader = read(path)
    assert [s.image_member for s in samples] == ["one.jpg"]
    assert kinds(reader) == ["ambiguous_header"]
    with tarfile.open(path, "r|") as tar:
        assert tar.getnames() == ["one.jpg"]
    path = write(tmp_path / "g.tar", entry("a.jpg", b"a"), pax(b"g", size="3"), entry("b.jpg"), END)
    samples, reader = read(path)
    assert len(samples) == 1
    assert kinds(reader) == ["ambiguous_header"]


def test_a_harmless_global_header_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", pax(b"g", comment="0" * 40), entry("a.jpg", b"a"), END)
    samples, reader = read(path)
    assert (len(samples), reader.books.faults) == (1, [])


def test_links_and_devices_are_one_fault_and_no_members(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.tar",
        entry("a.jpg", b"a"),
        header(b"b.jpg", 4096, b"1"),
        header(b"c.jpg", 0, b"2"),
        header(b"d.jpg", 0, b"3"),
        entry("e.jpg", b"e"),
        END,
    )
    samples, reader = read(path)
    assert [s.key for s in samples] == ["a", "e"]
    assert reader.books.members == 2
    assert kinds(reader) == ["special_member"]
    assert "3 links" in reader.books.faults[0].detail


def test_a_sparse_image_is_a_row_with_a_reason(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.tar",
        pax(GNU__sparse__major="1", GNU__sparse__name="a.jpg", GNU__sparse__realsize="99999999999"),
        entry("GNUSparseFile.0/a.jpg", bytes(700)),
        entry("b.jpg", b"b"),
        END,
    )
    samples, reader = read(path)
    assert [s.image_member for s in samples] == ["a.jpg", "b.jpg"]
    assert (samples[0].offset, samples[1].data) == (None, b"b")
    assert (samples[0].error or "").startswith("sparse_member: ")
    assert reader.books.faults == []


def test_names_that_are_not_utf8_or_climb_stay_harmless_text(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.tar",
        entry(b"caf\xe9.jpg", b"a"),
        entry("../../etc/x.jpg", b"b"),
        pax(path="n\0l.jpg"),
        entry("z", b"c"),
        END,
    )
    samples, _ = read(path)
    assert [s.image_member for s in samples] == ["caf\\xe9.jpg", "../../etc/x.jpg", "n\\x00l.jpg"]
    for sample in samples:
        sample.key.encode("utf-8")


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (b"\x80" + bytes(3) + b"\x7f" * 8, "truncated"),  # 9 EiB
        (b"\xff" * 12, "bad_header"),  # negative
        (b"77777777777\0", "truncated"),
        (b"-0000000001\0", "bad_header"),
        (b"0000000_001\0", "bad_header"),
    ],
)
def test_absurd_sizes_end_the_shard_with_a_fault(field: bytes, kind: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.tar",
        entry("a.jpg", b"a"),
        header(b"b.jpg", size_field=field),
        b"some bytes",
        END,
    )
    samples, reader = read(path)
    assert samples[0].data == b"a"
    assert kinds(reader) == [kind]
    assert reader.books.faults[0].offset == 1024


def test_an_endless_long_name_is_not_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", header(b"L", 1 << 33, b"L"), END)
    _, reader = read(path)
    assert kinds(reader) == ["bad_header"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_member_over_the_limit_is_skipped_and_reported(packed: bool, tmp_path: Path) -> None:
    raw = entry("a.jpg", bytes(3_000_000)) + entry("b.jpg", b"b") + END
    path = write(tmp_path / ("s.tgz" if packed else "s.tar"), gzip.compress(raw) if packed else raw)
    samples, reader = read(path, max_bytes=1_000_000)
    assert samples[0].error == "too_many_bytes: 3,000,000 bytes, the limit is 1,000,000"
    assert (samples[0].size, samples[1].data) == (3_000_000, b"b")
    assert reader.books.faults == []


# -- ends


def test_any_cut_is_noticed_and_what_came_before_is_kept(tmp_path: Path) -> None:
    whole = (
        b"".join(
            entry(f"{i}.{ext}", bytes([65 + i]) * 700) for i in range(3) for ext in ("jpg", "cls")
        )
        + END
    )
    step = 1536  # header and two blocks
    for cut in [*range(0, len(whole), 97), *range(512, len(whole), 512)]:
        samples, reader = read(write(tmp_path / "s.tar", whole[:cut]))
        told = kinds(reader)
        if cut < 512:
            assert told == ["not_a_tar"]
        elif cut >= len(whole) - 1024 or cut % step == 0 or cut % step >= 512 + 700:
            assert told == ["no_end_mark"], cut
        else:
            assert told == ["truncated"], cut
        intact = sum(cut >= 2 * i * step + 512 + 700 for i in range(3))
        assert [s.data is not None for s in samples[:intact]] == [True] * intact
        assert all((s.error or "").startswith("truncated: ") for s in samples[intact:])


@pytest.mark.parametrize(
    ("head", "kind", "says"),
    [
        (b"", "not_a_tar", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not_a_tar", "git lfs pull"),
        (b"<!DOCTYPE html>" + b" " * 600, "not_a_tar", "web page"),
        (b"PK\x03\x04" + bytes(600), "not_a_tar", "zip"),
        (b"\x93NUMPY" + bytes(600), "not_a_tar", "934e554d5059"),
        (b"BZh91AY", "unsupported_compression", "bzip2"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "unsupported_compression", "zstd"),
    ],
)
def test_what_is_not_a_tar_is_named(head: bytes, kind: str, says: str, tmp_path: Path) -> None:
    samples, reader = read(write(tmp_path / "s.tar", head))
    assert (samples, kinds(reader)) == ([], [kind])
    assert says in reader.books.faults[0].detail


def test_a_damaged_header_between_members_is_not_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", entry("a.jpg", b"a"), b"\x55" * 512, entry("b.jpg", b"b"), END)
    samples, reader = read(path)
    assert len(samples) == 1
    assert [(f.kind, f.offset) for f in reader.books.faults] == [("bad_header", 1024)]


@pytest.mark.parametrize("mark", [512, 1024, 10240])
def test_data_behind_the_end_mark_is_a_fault(mark: int, tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", entry("a.jpg", b"a"), bytes(mark), entry("b.jpg", b"b"), END)
    samples, reader = read(path)
    assert len(samples) == 1
    assert [(f.kind, f.offset) for f in reader.books.faults] == [("trailing_data", 1024 + mark)]


def test_an_empty_tar_is_sound(tmp_path: Path) -> None:
    samples, reader = read(write(tmp_path / "s.tar", bytes(10240)))
    assert (samples, reader.books.faults, reader.books.members) == ([], [], 0)


# -- gzip


def test_gzip_is_known_by_its_bytes_and_has_no_offsets(tmp_path: Path) -> None:
    raw = b"".join(entry(f"{i}.jpg", bytes([i]) * 70_000) for i in range(20)) + END
    half = len(raw) // 2
    two = gzip.compress(raw[:half]) + gzip.compress(raw[half:]) + bytes(9)
    for name, packed in (("a.tar.gz", gzip.compress(raw)), ("b.tar", two), ("c.tgz", two)):
        samples, reader = read(write(tmp_path / name, packed))
        assert reader.books.faults == []
        assert [s.data for s in samples] == [bytes([i]) * 70_000 for i in range(20)]
        assert {s.offset for s in samples} == {None}


def test_a_cut_or_damaged_gzip_is_a_fault(tmp_path: Path) -> None:
    raw = b"".join(entry(f"{i}.jpg", bytes([i]) * 700) for i in range(50)) + END
    packed = gzip.compress(raw)
    for cut in (20, len(packed) // 2, len(packed) - 1):
        samples, reader = read(write(tmp_path / "s.tgz", packed[:cut]))
        assert kinds(reader) == ["truncated"], cut
    assert len(samples) == 50  # only the trailer was missing
    broken = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    _, reader = read(write(tmp_path / "s.tgz", broken))
    assert kinds(reader) == ["bad_gzip"]


def test_a_gzip_bomb_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BOMB_BYTES", 1 << 22)
    raw = entry("a.jpg", b"a") + header(b"b.bin", 1 << 34) + bytes(1 << 23)
    samples, reader = read(write(tmp_path / "s.tgz", gzip.compress(raw)))
    assert len(samples) == 1
    assert kinds(reader) == ["gzip_bomb"]


# -- sidecars


def rows(good: int) -> pa.Table:
    status = ["success"] * good + ["failed_to_download"] * 3 + ["failed_to_resize"]
    error = [None] * good + ["404", "404", None, "success"]
    return pa.table({"status": status, "error_message": error})


def test_rows_that_failed_before_us_are_counted_apart(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", entry("a.jpg", b"a"), END)
    pq.write_table(rows(1), tmp_path / "0.parquet")
    (tmp_path / "0_stats.json").write_text('{"count": 9, "successes": 9}')
    books = read(tmp_path / "0.tar")[1].books
    assert (books.images, books.upstream_failed, books.faults) == (1, 4, [])
    assert books.upstream_errors == {"404": 2, "failed_to_download": 1, "failed": 1}


def test_stats_stand_in_for_a_parquet_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", entry("a.jpg", b"a"), END)
    (tmp_path / "0.parquet").write_bytes(b"PAR1 cut")
    stats = {"count": 5, "successes": 1, "status_dict": {"success": 1, "404": 3, "timeout": 1}}
    (tmp_path / "0_stats.json").write_text(json.dumps(stats))
    reader = read(tmp_path / "0.tar")[1]
    assert kinds(reader) == ["bad_sidecar"]
    assert reader.books.upstream_errors == {"404": 3, "timeout": 1}
    (tmp_path / "0_stats.json").write_text('{"count": []}')
    assert kinds(read(tmp_path / "0.tar")[1]) == ["bad_sidecar", "bad_sidecar"]


def test_a_sidecar_that_counts_more_images_than_the_tar_is_a_fault(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", entry("a.jpg", b"a"), END)
    pq.write_table(rows(2), tmp_path / "0.parquet")
    assert kinds(read(tmp_path / "0.tar")[1]) == ["count_mismatch"]
    pq.write_table(pa.table({"url": ["x"]}), tmp_path / "0.parquet")  # some other parquet
    assert kinds(read(tmp_path / "0.tar")[1]) == []


# -- ranges and remote shards


def test_a_range_the_shard_does_not_have_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "s.tar", END)
    with pytest.raises(ShardwardenError, match="changed since the scan"):
        read_range(str(path), 1000, 100)
    with pytest.raises(ShardwardenError, match="FileNotFoundError"):
        read_range(str(tmp_path / "absent.tar"), 0, 1)


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder over http on this machine."""
    servers = []

    def start(folder: Path) -> str:
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

        handler = functools.partial(Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_shard_over_http_reads_like_the_file(
    tmp_path: Path, serve: Callable[[Path], str]
) -> None:
    big = entry("a.jpg", b"a" * 70_000)
    path = write(tmp_path / "laion" / "0.tar", big, entry("b.png", b"b"), END)
    here, _ = read(path)
    reader = ShardReader(expand([f"{serve(tmp_path)}/laion/0.tar"])[0])
    there = list(reader)
    assert there == here
    assert reader.books.faults == []
    assert there[1].offset is not None
    assert read_range(reader.shard.url, there[1].offset, 1) == b"b"
    absent = ShardReader(Shard("x-0", reader.shard.url.replace("0.tar", "1.tar"), "1.tar", False))
    assert list(absent) == []
    assert "unreadable" in kinds(absent)


def test_schemes_webdataset_does_not_know_go_through_fsspec(tmp_path: Path) -> None:
    path = write(tmp_path / "0.tar", entry("a.jpg", b"a"), END)
    reader = ShardReader(expand([f"local://{path}"])[0])
    assert [s.data for s in reader] == [b"a"]
    assert read_range(reader.shard.url, 512, 1) == b"a"


# -- against other readers and real shards


def test_webdataset_itself_sees_the_same_samples(shared: Path) -> None:
    for folder in ("fixtures/shards", "datasets/laion-like"):
        for shard in expand([str(shared / folder)]):
            ours = [
                (s.key, s.image_member.partition(s.key)[2][1:].lower(), s.data)
                for s in ShardReader(shard)
            ]
            with Path(shard.url).open("rb") as stream:
                files = wds.tar_file_expander([{"url": shard.url, "stream": stream}])
                theirs = [
                    (s["__key__"], ext, s[ext])
                    for s in wds.group_by_keys(files)
                    for ext in s
                    if ext in ("jpg", "png")
                ]
            assert ours == theirs


def test_the_books_of_real_img2dataset_shards(shared: Path) -> None:
    for shard in expand([str(shared / "datasets" / "laion-like")]):
        reader = ShardReader(shard)
        for sample in reader:
            assert sample.offset is not None
            assert sample.caption
            if sample.ordinal % 50 == 0:
                assert read_range(shard.url, sample.offset, sample.size) == sample.data
        assert reader.books.faults == []
        assert sum(reader.books.upstream_errors.values()) == reader.books.upstream_failed
        # The reader took the parquet; img2dataset's own totals are the second road.
        stats = json.loads(Path(shard.url.replace(".tar", "_stats.json")).read_text())
        assert reader.books.images == stats["successes"]
        assert reader.books.upstream_failed == stats["count"] - stats["successes"] > 0
        del stats["status_dict"]["success"]
        assert reader.books.upstream_errors == stats["status_dict"]


def test_malformed_tars_of_the_wild_agree_with_tarfile_and_never_raise(shared: Path) -> None:
    for shard in expand([str(shared / "fixtures" / "broken" / "tar-malformed")]):
        reader = ShardReader(shard)
        list(reader)
        if kinds(reader) in (["unsupported_compression"], ["truncated"]):
            continue
        try:
            with tarfile.open(shard.url) as tar:
                members = sum(member.isreg() for member in tar)
        except tarfile.ReadError:
            assert reader.books.faults
            continue
        assert reader.books.members == members, shard.name


def test_a_shard_mangled_anywhere_never_raises_and_the_books_balance(tmp_path: Path) -> None:
    whole = (
        b"".join(
            entry(f"{i}.{ext}", struct.pack("I", i) * 50)
            for i in range(4)
            for ext in ("jpg", "json")
        )
        + END
    )
    for at in range(0, len(whole), 37):
        for value in (0, 0x35, 0xFF):
            read(write(tmp_path / "s.tar", whole[:at] + bytes([value]) + whole[at + 1 :]))


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "a.tar.GZ", "b/a.b.jpg", "b.c/a.jpg", "b.c/d.e/a.x", "a", "b/a", "b.c/a", "a.",
     "a./b", "./a.jpg", "../a.jpg", "a\nb.jpg", "a.b\nc", "ü.jpg", ""],
)  # fmt: skip
def test_keys_follow_the_rule_of_webdataset(name: str) -> None:
    key, extension = wds.base_plus_ext(name)
    assert key_of(name) == (key, (extension or "").lower())
