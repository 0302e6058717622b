"""Words in pictures: which pictures are read, and what is read in them."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit.demo import draw
from audit.images import load, view
from audit.looks import text_likeness
from audit.ocr import READ_SIDES, Reader, looks_like_text
from audit.shards import ShardReader, expand


@pytest.fixture(scope="module")
def reader() -> Reader:
    """With no network there: the models come with the package."""
    with pytest.MonkeyPatch.context() as patch:

        def refused(*_: object) -> None:
            raise AssertionError("something was to be downloaded")

        patch.setattr(socket.socket, "connect", refused)
        return Reader()


def stored(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def drawn(kind: str, seed: int) -> bytes:
    return stored(draw(kind, seed, "heldout").image)


def prepared(data: bytes) -> np.ndarray:
    return load(data, size=160, crop_mode="pad", preview=False).pixels


def test_the_words_of_a_drawn_page_are_read(reader: Reader) -> None:
    text = reader.read(view(drawn("typographic", 3), side=READ_SIDES[1]))
    assert "Steps to clean a window" in text


def test_a_picture_without_words_says_nothing(reader: Reader) -> None:
    assert reader.read(np.full((200, 300, 3), 120, np.uint8)) == ""
    assert reader.read(np.zeros((2, 300, 3), np.uint8)) == ""


def test_most_drawn_pages_look_like_text_and_plain_pictures_do_not() -> None:
    pages = ("typographic", "recipe", "worksheet", "book_page", "table")
    found = [looks_like_text(prepared(drawn(kind, s))) for kind in pages for s in range(6)]
    assert sum(found) >= 26
    ramp = np.tile(np.linspace(0, 255, 160, dtype=np.uint8)[:, None, None], (1, 160, 3))
    assert not looks_like_text(np.ascontiguousarray(ramp))
    assert not looks_like_text(np.full((160, 160, 3), 128, np.uint8))


def test_the_looks_hardly_depend_on_the_size_a_scorer_wants() -> None:
    data = drawn("recipe", 1)
    sizes = [load(data, size=s, crop_mode="pad", preview=False).pixels for s in (160, 224, 336)]
    assert all(text_likeness(picture) > 0 for picture in sizes)


def test_few_photos_are_read_in_vain(shared: Path) -> None:
    found: dict[bool, list[bool]] = {True: [], False: []}
    for shard in expand([str(shared / "datasets/risk-photos/val-*.tar")]):
        for sample in ShardReader(shard):
            page = '"typographic"' in (sample.metadata or "")
            if sample.data is not None and len(found[page]) < (40 if page else 300):
                found[page].append(looks_like_text(prepared(sample.data)))
    assert np.mean(found[True]) == 1
    assert np.mean(found[False]) <= 0.07
