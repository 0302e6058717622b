"""Bytes to pixels: every mode, every orientation, and whatever somebody put in the file."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from audit import images, pixels
from audit.errors import ImageError
from audit.images import Limits, load


def photo(width: int = 300, height: int = 200) -> Image.Image:
    """Soft blobs of every colour with one hard edge; no two corners alike."""
    blobs = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    image = Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)
    image.paste((250, 30, 10), (0, 0, width // 4, height // 3))
    return image


def encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def padded(data: bytes, size: int = 64) -> npt.NDArray[np.int16]:
    return load(data, size=size, crop_mode="pad").pixels.astype(np.int16)


def apart(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def reason(data: bytes, limits: Limits = images.DEFAULT_LIMITS) -> str:
    with pytest.raises(ImageError) as caught:
        load(data, size=64, crop_mode="pad", limits=limits)
    assert str(caught.value).startswith(caught.value.reason)
    assert "\n" not in str(caught.value)
    return caught.value.reason


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks)


# Modes


MODES = {
    "RGB jpeg": ("RGB", "JPEG", {"quality": 95}, "RGB"),
    "RGB progressive jpeg": ("RGB", "JPEG", {"quality": 95, "progressive": True}, "RGB"),
    "CMYK jpeg": ("CMYK", "JPEG", {"quality": 95}, "RGB"),
    "CMYK tiff": ("CMYK", "TIFF", {}, "RGB"),
    "YCbCr tiff": ("YCbCr", "TIFF", {}, "RGB"),
    "L jpeg": ("L", "JPEG", {"quality": 95}, "L"),
    "L png": ("L", "PNG", {}, "L"),
    "RGBA png": ("RGBA", "PNG", {}, "RGB"),
    "LA png": ("LA", "PNG", {}, "L"),
    "P png": ("P", "PNG", {}, "P"),
    "P gif": ("P", "GIF", {}, "P"),
    "P bmp": ("P", "BMP", {}, "P"),
    "1 png": ("1", "PNG", {}, "1"),
    "1 tiff group 4": ("1", "TIFF", {"compression": "group4"}, "1"),
    "RGB bmp": ("RGB", "BMP", {}, "RGB"),
    "RGB lossy webp": ("RGB", "WEBP", {"quality": 95}, "RGB"),
    "RGBA lossless webp": ("RGBA", "WEBP", {"lossless": True}, "RGB"),
    "RGB avif": ("RGB", "AVIF", {"quality": 95}, "RGB"),
    "RGB tiff lzw": ("RGB", "TIFF", {"compression": "tiff_lzw"}, "RGB"),
    "RGB tiff jpeg": ("RGB", "TIFF", {"compression": "jpeg", "quality": 95}, "RGB"),
}


@pytest.mark.parametrize("case", MODES)
def test_every_mode_gives_the_picture(case: str) -> None:
    mode, format_name, options, seen_as = MODES[case]
    source = photo(64, 64)
    picture = load(encoded(source.convert(mode), format_name, **options), size=64, crop_mode="pad")
    expected = np.asarray(source.convert(seen_as).convert("RGB"))
    assert apart(picture.pixels, expected) < 4
    assert picture.format == format_name.lower()
    assert (picture.width, picture.height) == (64, 64)
    assert picture.pixels.shape == (64, 64, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.writeable


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    expected = np.repeat(np.round(ramp / 257)[..., None], 3, axis=2)
    for format_name in ("PNG", "TIFF"):
        got = padded(encoded(Image.fromarray(ramp), format_name))
        assert np.abs(got - expected).max() <= 1
    big_endian = Image.frombytes("I;16B", (64, 64), ramp.astype(">u2").tobytes())
    assert np.abs(padded(encoded(big_endian, "TIFF")) - expected).max() <= 1


def test_sixteen_bit_colour_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64 * 3).astype(">u2").reshape(64, 64, 3)
    rows = b"".join(b"\0" + row.tobytes() for row in ramp)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND")
    assert np.abs(padded(data) - ramp.astype(float) / 257).max() <= 1


def test_float_and_integer_grey_is_stretched_and_not_a_number_is_black() -> None:
    ramp = np.linspace(-3, 7, 64 * 64, dtype=np.float32).reshape(64, 64)
    expected = np.round((ramp + 3) * 25.5)
    ramp[0, 0], ramp[0, 1] = np.nan, np.inf
    got = padded(encoded(Image.fromarray(ramp), "TIFF"))[..., 0]
    assert np.abs(got - expected)[1:].max() <= 1
    assert (got[0, 0], got[0, 1]) == (0, 255)

    whole = np.arange(64 * 64, dtype=np.int32).reshape(64, 64) * 100_000
    got = padded(encoded(Image.fromarray(whole), "TIFF"))[..., 0]
    assert np.abs(got - whole / whole.max() * 255).max() <= 1

    flat = encoded(Image.new("F", (9, 9), 0.5), "TIFF")
    assert padded(flat, size=9).max() == 0


def test_what_is_transparent_is_seen_on_white() -> None:
    half = photo(64, 64).convert("RGBA")
    half.putalpha(Image.fromarray(np.repeat([[0] * 32 + [255] * 32], 64, 0).astype(np.uint8)))
    grey = half.convert("LA")
    palette = Image.new("P", (64, 64), 1)
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.paste(0, (0, 0, 32, 64))
    colour_key = Image.new("RGB", (64, 64), (200, 0, 0))
    colour_key.paste((1, 2, 3), (0, 0, 32, 64))
    files = [
        encoded(half, "PNG"),
        encoded(half, "WEBP", lossless=True),
        encoded(half, "TIFF"),
        encoded(half, "AVIF", quality=95),
        encoded(grey, "PNG"),
        encoded(palette, "PNG", transparency=0),
        encoded(palette, "PNG", transparency=b"\0\xff"),
        encoded(palette, "GIF", transparency=0),
        encoded(colour_key, "PNG", transparency=(1, 2, 3)),
        encoded(half.convert("L").point([0] * 32 + [200] * 224), "PNG", transparency=0),
    ]
    for number, data in enumerate(files[:-1]):
        got = padded(data)
        assert got[:, :31].min() >= 250, number
        assert got[:, 33:].mean() < 240, number
    assert set(np.unique(padded(files[-1]))) <= set(range(200, 256))
    sixteen = np.full((64, 64), 1000, np.uint16)
    sixteen[:, 32:] = 30000
    got = padded(encoded(Image.fromarray(sixteen), "PNG", transparency=1000))
    assert (got[0, 0, 0], got[0, 63, 0]) == (255, 117)


def test_lab_is_refused_in_words() -> None:
    assert reason(encoded(Image.new("LAB", (8, 8)), "TIFF")) == "unsupported_format"


# Upright, first frame


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("crop_mode", ["pad", "center"])
def test_all_eight_orientations_come_out_upright(
    format_name: str, crop_mode: images.CropMode
) -> None:
    upright = photo(120, 80)
    undo = {5: 5, 6: 8, 7: 7, 8: 6}
    quality = {} if format_name in ("PNG", "TIFF") else {"quality": 95}
    expected = load(encoded(upright, "PNG"), size=48, crop_mode=crop_mode)
    for orientation in range(1, 9):
        carrier = upright.copy()
        carrier.getexif()[0x0112] = undo.get(orientation, orientation)
        stored = ImageOps.exif_transpose(carrier)  # so that the orientation turns it back
        exif = Image.Exif()
        exif[0x0112] = orientation
        got = load(encoded(stored, format_name, exif=exif, **quality), size=48, crop_mode=crop_mode)
        assert (got.width, got.height) == (120, 80), orientation
        assert apart(got.pixels, expected.pixels) < 3, orientation
        assert distance(got.phash, expected.phash) <= 4, orientation


def test_the_first_frame_is_the_picture() -> None:
    first, second = photo(64, 64), Image.new("RGB", (64, 64), (0, 255, 0))
    for format_name in ("GIF", "WEBP", "PNG", "TIFF", "AVIF", "MPO"):
        data = encoded(first, format_name, save_all=True, append_images=[second, second])
        assert apart(padded(data), np.asarray(first)) < 12, format_name


# Geometry


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (50, 20), (64, 64), (640, 10), (3, 900)])
def test_pad_keeps_the_whole_picture_in_the_middle_of_grey(size: tuple[int, int]) -> None:
    source = photo(*size)
    got = padded(encoded(source, "PNG"))
    scale = 64 / max(size)
    width, height = (max(1, round(side * scale)) for side in size)
    expected = np.full((64, 64, 3), 128)
    left, top = (64 - width) // 2, (64 - height) // 2
    small = source.resize((width, height), Image.Resampling.BICUBIC)
    expected[top : top + height, left : left + width] = np.asarray(small)
    assert apart(got, expected) < 1.5
    outside = np.ones((64, 64), bool)
    outside[top : top + height, left : left + width] = False
    assert (got[outside] == 128).all()


@pytest.mark.parametrize("size", [(300, 200), (201, 300), (50, 21), (64, 64), (640, 10), (3, 900)])
def test_center_is_what_the_clip_processor_does(size: tuple[int, int]) -> None:
    source = photo(*size)
    got = load(encoded(source, "PNG"), size=64, crop_mode="center").pixels
    short, long = sorted(size)
    new_long = int(64 * long / short)
    scaled = (64, new_long) if size[0] <= size[1] else (new_long, 64)
    resized = np.asarray(source.resize(scaled, Image.Resampling.BICUBIC))
    top, left = (resized.shape[0] - 64) // 2, (resized.shape[1] - 64) // 2
    assert np.abs(got.astype(int) - resized[top : top + 64, left : left + 64]).max() <= 1


@pytest.mark.parametrize("crop_mode", ["pad", "center"])
def test_a_jpeg_decoded_small_looks_like_one_decoded_whole(crop_mode: images.CropMode) -> None:
    source = photo(1999, 1501)
    small = load(encoded(source, "JPEG", quality=95), size=64, crop_mode=crop_mode)
    whole = load(encoded(source, "PNG"), size=64, crop_mode=crop_mode)
    assert apart(small.pixels, whole.pixels) < 1.5
    assert (small.width, small.height) == (1999, 1501)


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000)])
def test_a_line_does_not_grow_into_gigapixels(size: tuple[int, int]) -> None:
    data = encoded(Image.new("RGB", size, (9, 99, 199)), "PNG")
    for crop_mode in ("pad", "center"):
        assert load(data, size=224, crop_mode=crop_mode).pixels.shape == (224, 224, 3)


def test_wrong_arguments_are_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="crop_mode"):
        load(encoded(photo(), "PNG"), size=64, crop_mode="stretch")
    with pytest.raises(ValueError, match="limits"):
        Limits(max_pixels=0)


# Hash and preview


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_the_hash_is_the_median_of_a_plain_cosine_transform() -> None:
    grey = photo(32, 32).convert("L")
    block = np.asarray(grey, dtype=float)
    low = np.zeros((8, 8))
    for u in range(8):
        for v in range(8):
            for y in range(32):
                for x in range(32):
                    wave = np.cos(np.pi * u * (2 * y + 1) / 64) * np.cos(
                        np.pi * v * (2 * x + 1) / 64
                    )
                    low[u, v] += block[y, x] * wave
    bits = "".join("1" if value > np.median(low) else "0" for value in low.flat)
    assert pixels.phash(grey) == f"{int(bits, 2):016x}"


def test_the_hash_survives_encoding_and_scaling_but_not_another_picture() -> None:
    source = photo(600, 400)
    first = load(encoded(source, "PNG"), size=224, crop_mode="pad").phash
    assert len(first) == 16
    for crop_mode in ("pad", "center"):
        for data in (
            encoded(source, "JPEG", quality=40),
            encoded(source.resize((301, 199)), "WEBP", quality=50),
            encoded(source.resize((1800, 1200)), "JPEG"),
        ):
            assert distance(load(data, size=224, crop_mode=crop_mode).phash, first) <= 6
    noise = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    other = load(encoded(Image.fromarray(noise), "PNG"), size=224, crop_mode="pad").phash
    assert distance(other, first) > 16


def test_the_preview_is_a_tiny_grey_webp_of_the_whole_picture() -> None:
    data = encoded(photo(600, 400), "JPEG")
    for crop_mode in ("pad", "center"):
        preview = load(data, size=224, crop_mode=crop_mode).preview
        assert preview is not None
        assert len(preview) < 300
        tiny = Image.open(io.BytesIO(preview))
        assert (tiny.format, tiny.size) == ("WEBP", (24, 16))
        expected = photo(600, 400).convert("L").resize((24, 16), Image.Resampling.BOX)
        assert apart(np.asarray(tiny.convert("L")), np.asarray(expected)) < 8
    assert load(data, size=224, crop_mode="pad", preview=False).preview is None


# Limits


def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken() -> None:
    tracemalloc.start()
    started = time.perf_counter()
    assert reason(png(50_000, 50_000, chunk(b"IDAT"), chunk(b"IEND"))) == "too_many_pixels"
    # Below Pillow's own limit, above ours.
    assert reason(png(13_300, 13_400, chunk(b"IDAT"), chunk(b"IEND"))) == "too_many_pixels"
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + (16_382).to_bytes(3, "little") * 2
    webp = b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x
    assert reason(webp) in ("too_many_pixels", "corrupt")
    # A frame larger than its canvas.
    frame = b"!\xf9\x04\x08\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\1\0\0;"
    assert reason(b"GIF89a\x10\0\x10\0\x80\0\0" + bytes(6) + frame) == "too_many_pixels"
    assert time.perf_counter() - started < 5
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_both_limits_are_options(format_name: str) -> None:
    data = encoded(photo(300, 200), format_name)
    assert reason(data, Limits(max_pixels=59_999)) == "too_many_pixels"
    assert reason(data, Limits(max_bytes=len(data) - 1)) == "too_many_bytes"
    load(data, size=8, crop_mode="pad", limits=Limits(max_pixels=60_000, max_bytes=len(data)))


def test_a_raised_limit_is_not_held_back_by_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = encoded(photo(300, 200), "PNG")
    picture = load(data, size=8, crop_mode="pad", limits=Limits(max_pixels=60_000))
    assert picture.width == 300


def tiff(tags: dict[int, tuple[int, ...]], data: bytes = b"") -> bytes:
    """A little-endian TIFF whose tags are all LONG; what they point to begins at 2,000,000."""
    entries, extra = b"", b""
    for tag, values in sorted(tags.items()):
        raw = struct.pack(f"<{len(values)}I", *values)
        where = raw if len(raw) == 4 else struct.pack("<I", 1000 + len(extra))
        extra += b"" if len(raw) == 4 else raw
        entries += struct.pack("<HHI", tag, 4, len(values)) + where
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return (head.ljust(1000, b"\0") + extra).ljust(2_000_000, b"\0") + data


GREY_TIFF = {256: (300,), 257: (300,), 258: (8,), 259: (1,), 262: (1,), 277: (1,)}


def gif_comments(count: int) -> bytes:
    return b"GIF89a\x10\0\x10\0\x80\0\0" + bytes(6) + b"!\xfe" + b"\2ab" * count + b"\0;"


def many_scans(count: int) -> bytes:
    data = encoded(Image.new("L", (64, 64), 77), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + data[-2:]


def run_length_bmp(width: int, height: int, body: bytes) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    palette = b"".join(bytes([level, 255 - level, level, 0]) for level in range(256))
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + header + palette + body


def with_idat(*chunks: bytes) -> bytes:
    return png(64, 64, *chunks, chunk(b"IDAT", zlib.compress(bytes(64 * 193))), chunk(b"IEND"))


def with_segments(segment: bytes) -> bytes:
    data = encoded(photo(64, 64), "JPEG")
    return data[:2] + segment + data[2:]


FLOODS = {
    "png chunks": lambda: with_idat(chunk(b"abCd") * 500_000),
    "png empty idats": lambda: with_idat(chunk(b"IDAT") * 500_000),
    "png text bomb": lambda: with_idat(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**24)))),
    "jpeg segments": lambda: with_segments(b"\xff\xe5\0\2" * 500_000),
    "jpeg exif segments": lambda: with_segments((b"\xff\xe1\x7f\xffExif\0\0").ljust(0x8001) * 500),
    "jpeg scans": lambda: many_scans(50_000),
    "gif comments": lambda: gif_comments(500_000),
    "bmp steps": lambda: run_length_bmp(2000, 2000, b"\0\2\0\0" * 1_000_000),
    "bmp line": lambda: run_length_bmp(100_000_000, 1, b"\1\1\0\0"),
    "tiff tile": lambda: tiff(
        {**GREY_TIFF, 259: (8,), 322: (40_000,), 323: (40_000,), 324: (8,), 325: (99,)}
    ),
    "tiff strips": lambda: tiff({**GREY_TIFF, 273: (8,) * 400_000, 278: (1,), 279: (300,)}),
    "tiff layers": lambda: tiff({**GREY_TIFF, 273: tuple(range(8, 608)), 278: (299,), 279: (9,)}),
}


@pytest.mark.parametrize("case", FLOODS)
def test_a_flood_of_small_pieces_ends_soon(case: str) -> None:
    data = FLOODS[case]()
    started = time.perf_counter()
    assert reason(data) in ("too_complex", "too_many_pixels", "corrupt")
    assert time.perf_counter() - started < 15


def test_many_scans_are_counted_in_the_first_picture_only() -> None:
    data = encoded(photo(64, 64), "JPEG", progressive=True)
    film = b"\xff\xda" * 400_000  # such bytes also occur in what is appended to a picture
    load(data + film, size=64, crop_mode="pad")


# Damage


FORMAT_OPTIONS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("AVIF", {}),
]


@pytest.mark.parametrize(("format_name", "options"), FORMAT_OPTIONS)
def test_a_file_that_was_cut_is_a_failure_not_a_grey_half(
    format_name: str, options: dict[str, object]
) -> None:
    data = encoded(photo(), format_name, **options)
    load(data, size=64, crop_mode="pad")
    for part in (0.05, 0.3, 0.6, 0.95):
        assert reason(data[: int(len(data) * part)]) == "truncated"


def test_what_is_no_image_is_called_so() -> None:
    assert reason(b"") == "zero_size"
    assert reason(b"<html><body>404 Not Found</body></html>") == "not_an_image"
    assert reason("größer als ein Bild".encode()) == "not_an_image"
    assert reason(bytes(1000)) == "not_an_image"
    assert reason(b"\x89PNG\r\n\x1a\n") == "truncated"
    assert reason(b"\xff\xd8\xff") == "truncated"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no picture", "not_an_image: 10 bytes, first 'no picture'"),
        (b"\x00\x01\x02", "not_an_image: 3 bytes, first 00 01 02"),
        (b"....ftypheic....", "unsupported_format: 'heic' is not AVIF"),
    ],
)
def test_how_it_begins_is_said_for_people_to_read(data: bytes, said: str) -> None:
    with pytest.raises(ImageError) as error:
        images.load(data, size=64, crop_mode="pad")
    assert str(error.value) == said


@pytest.mark.parametrize("format_name", ["EPS", "ICO", "DDS", "SGI", "JPEG2000", "QOI"])
def test_formats_that_no_dataset_uses_are_refused(format_name: str) -> None:
    assert reason(encoded(photo(64, 64), format_name)) == "unsupported_format"


def test_a_wrong_checksum_is_corrupt() -> None:
    data = bytearray(encoded(photo(), "PNG"))
    data[data.index(b"IDAT") + 20] ^= 0xFF
    assert reason(bytes(data)) == "corrupt"


def test_broken_exif_does_not_hide_the_picture() -> None:
    data = encoded(photo(64, 64), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xee" * 40)
    assert apart(padded(data), np.asarray(photo(64, 64))) < 6


def test_random_damage_gives_pixels_or_a_reason() -> None:
    rng = np.random.default_rng(3)
    whole = [encoded(photo(48, 40), name, **options) for name, options in FORMAT_OPTIONS]
    for number in range(600):
        data = bytearray(whole[number % len(whole)])
        for at in rng.integers(0, len(data), 4):
            data[at] = rng.integers(0, 256)
        try:
            load(bytes(data), size=32, crop_mode="center", limits=Limits(max_pixels=1_000_000))
        except ImageError as error:
            assert "\n" not in str(error)


def test_every_broken_fixture_gives_pixels_or_one_line(
    shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = sorted(path for path in (shared / "fixtures" / "broken").rglob("*") if path.is_file())
    outcomes: dict[str, str] = {}
    for path in files:
        started = time.perf_counter()
        try:
            picture = load(path.read_bytes(), size=64, crop_mode="pad")
            outcomes[path.name] = picture.format
        except ImageError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 400
            outcomes[path.name] = error.reason
        assert time.perf_counter() - started < 10, path
    assert capfd.readouterr() == ("", "")
    assert len(outcomes) > 200
    assert outcomes["truncated_jpeg.jpg"] == "truncated"
    assert outcomes["decompression_bomb.ico"] == "unsupported_format"
    assert outcomes["zero_bb.eps"] == "unsupported_format"
    assert outcomes["badwidth.bmp"] == "too_many_pixels"
    assert outcomes["index.csv"] == "not_an_image"
    assert outcomes["hopper_orientation_7.jpg"] == "jpeg"


def test_the_rotated_photos_of_the_fixtures_all_look_alike(shared: Path) -> None:
    folder = shared / "fixtures" / "broken" / "exif-orientation"
    for kind in ("Landscape", "Portrait"):
        found = [
            load(path.read_bytes(), size=64, crop_mode="pad").pixels
            for path in sorted(folder.glob(f"{kind}_*.jpg"))
        ]
        assert len(found) > 3
        for other in found[1:]:
            assert apart(found[0], other) < 12
