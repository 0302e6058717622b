"""What the doctor finds in shards that were damaged on purpose."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from audit.doctor import ADVICE, diagnose, examine
from audit.errors import NoShards
from audit.shards import Shard

JPEG = b"\xff\xd8\xff\xe0" + bytes(1000)


def tar(path: Path, members: dict[str, bytes], *, end: bool = True) -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
        size = out.offset
    path.write_bytes(buffer.getvalue() if end else buffer.getvalue()[:size])
    return path


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return tar(tmp_path / "sound.tar", {f"{i}.jpg": JPEG for i in range(5)})


def test_a_sound_shard_has_no_findings(sound: Path) -> None:
    (diagnosis,) = diagnose([str(sound)])
    assert diagnosis.sound
    assert (diagnosis.shard.name, diagnosis.books.images) == ("sound.tar", 5)


def test_every_shard_of_a_folder_is_examined_in_order(sound: Path) -> None:
    (sound.parent / "cut.tar").write_bytes(sound.read_bytes()[:2000])
    (sound.parent / "page.tar").write_text("<html>404</html>")
    found = diagnose([str(sound.parent)])
    assert [(d.shard.name, [f.kind for f in d.findings]) for d in found] == [
        ("cut.tar", ["truncated"]),
        ("page.tar", ["not_a_tar"]),
        ("sound.tar", []),
    ]
    assert [f.key for f in found[0].findings] == [None]
    assert "web page" in str(found[1].findings[0])


def test_a_finding_says_kind_place_values_and_advice(tmp_path: Path) -> None:
    tar(tmp_path / "s.tar", {"a.jpg": JPEG}, end=False)
    (finding,) = diagnose([str(tmp_path)])[0].findings
    assert str(finding).startswith("no_end_mark at byte 1,536: no end mark after 1 members, ")
    assert "\n" not in str(finding)


def test_what_lies_behind_a_damaged_header_is_found(sound: Path) -> None:
    raw = bytearray(sound.read_bytes())
    raw[1536 : 1536 + 512] = b"\x55" * 512
    sound.write_bytes(raw)
    (finding,) = diagnose([str(sound)])[0].findings
    assert (finding.kind, finding.offset) == ("bad_header", 1536)
    assert "sound headers go on at byte 3,072; 3 members follow there" in finding.what


def test_lost_bytes_are_told_from_changed_ones(sound: Path) -> None:
    raw = sound.read_bytes()
    sound.write_bytes(raw[:800] + raw[807:])
    (finding,) = diagnose([str(sound)])[0].findings
    assert finding.kind == "bad_header"
    assert "505 bytes off the 512-byte grid" in finding.what


def test_two_tars_joined_are_named_and_counted(sound: Path) -> None:
    sound.write_bytes(sound.read_bytes() * 2)
    (finding,) = diagnose([str(sound)])[0].findings
    assert finding.kind == "trailing_data"
    assert "5 members follow there" in finding.what


def test_members_that_are_not_what_they_are_called(tmp_path: Path) -> None:
    tar(
        tmp_path / "s.tar",
        {
            "a.jpg": JPEG,
            "b.jpg": b"<html>",
            "c.jpg": b"<html>",
            "d.jpg": b"",
            "../e.jpg": JPEG,
            "f.jpg": bytes(5000),
        },
    )
    (diagnosis,) = diagnose([str(tmp_path)], max_bytes=4000)
    assert [(f.kind, f.key) for f in diagnosis.findings] == [
        ("not_an_image", "b"),
        ("empty_image", "d"),
        ("unsafe_name", "../e"),
        ("too_many_bytes", "f"),
    ]
    assert diagnosis.findings[0].what == (
        "2 of 6 images (first: 'b.jpg', which begins with b'<html>')"
    )


def test_a_shard_without_images_is_said(tmp_path: Path) -> None:
    (tmp_path / "s.tgz").write_bytes(
        gzip.compress(tar(tmp_path / "t.tar", {"a.cls": b"1"}).read_bytes())
    )
    found = diagnose([str(tmp_path)])
    assert [[f.kind for f in d.findings] for d in found] == [["no_images"], ["no_images"]]


def test_a_shard_that_is_gone_is_a_finding_and_no_shard_an_error(tmp_path: Path) -> None:
    gone = examine(Shard("x-0", str(tmp_path / "x.tar"), "x.tar", False))
    assert [f.kind for f in gone.findings] == ["unreadable"]
    with pytest.raises(NoShards):
        diagnose([str(tmp_path)])


def test_every_fault_in_the_books_has_advice(shared: Path) -> None:
    for diagnosis in diagnose([str(shared / "fixtures" / "broken" / "tar-malformed")]):
        for finding in diagnosis.findings:
            assert finding.kind in ADVICE
            assert finding.advice


def test_real_shards_are_sound(shared: Path) -> None:
    assert all(d.sound for d in diagnose([str(shared / "datasets" / "laion-like")]))
