"""Bytes of an image file -> RGB pixels for an encoder, or the reason why not.

Every limit on hostile input lives here, and nothing else in the package lets Pillow see bytes
of a dataset. What a file may cost is bounded before its pixels are decoded:

    bytes       Limits.max_bytes
    pixels      Limits.max_pixels, read from the header; a TIFF tile counts like a picture
    formats     FORMATS only: no plug-in that starts programs, and none written for rare formats
    header      MAX_HEADER_READS reads, MAX_HEADER_BYTES bytes, so no flood of chunks or tags
    passes      MAX_PASSES pixels over all scans of a JPEG or all strips of a TIFF
    frames      the first one

Decided, and the same for every scorer: an embedded ICC profile is ignored (a conversion costs
more than the rest of this file, and profiles are attack surface), transparency is seen on
white, an EXIF or XMP orientation is applied, 16-bit grey is divided by 257, and 32-bit integer
or float grey is stretched from its minimum to its maximum, because such files do not say what
white is. LAB is refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import AvifImagePlugin, Image, ImageFile, UnidentifiedImageError, _imaging

from audit import pixels
from audit.errors import ImageError

CropMode = Literal["pad", "center"]

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # JPEG opens MPO too
MAX_HEADER_READS: Final = 10_000
MAX_HEADER_BYTES: Final = 8 * 2**20  # Pillow reads the tags of a TIFF twice: 4 MiB of tags
MAX_READS: Final = 1_000_000
MAX_PASSES: Final = 3_000_000_000
MAX_RLE_PIXELS: Final = 4_000_000  # Pillow unpacks run-length BMP in Python

_OTHER_FORMATS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"%PDF", "PDF"),
    (b"8BPS", "PSD"),
    (b"DDS ", "DDS"),
    (b"BLP", "BLP"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x01\xda", "SGI"),
    (b"SIMPLE", "FITS"),
    (b"icns", "ICNS"),
    (b"qoif", "QOI"),
    (b"<svg", "SVG"),
)
_OUR_MAGIC: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*",
                     b"II+\0", b"MM\0+")  # fmt: skip
_MARKER: Final = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPS_SIDES: Final = frozenset(_UPRIGHT[value] for value in (5, 6, 7, 8))
_PIL_WARNINGS: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)

# A warning about a damaged file goes to its row, not to the terminal.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# The scan decodes in several threads already; one AVIF must not start one thread a core.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
# libtiff prints by itself unless it is told not to; where it is linked in, it cannot be told.
with contextlib.suppress(OSError, AttributeError):
    _pillow = ctypes.CDLL(_imaging.__file__)
    _pillow.TIFFSetErrorHandler(None)
    _pillow.TIFFSetWarningHandler(None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one image may cost.

    max_pixels   width x height of the stored picture, > 0; decoding takes about 4 bytes a pixel,
                 8 with a palette's transparency or a progressive JPEG, 14 for WebP
    max_bytes    size of the file, > 0
    """

    max_pixels: int = 178_000_000
    max_bytes: int = 64 * 2**20

    def __post_init__(self) -> None:
        """Refuse limits that would refuse everything."""
        if self.max_pixels <= 0 or self.max_bytes <= 0:
            raise ValueError(f"limits must be > 0, not {self.max_pixels} and {self.max_bytes}")


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image.

    pixels          [S, S, 3] uint8 RGB, writable, C-contiguous
    width, height   of the upright original, pixels
    format          what the bytes are, lower case: "jpeg", "png", ... whatever the name said
    phash           16 hex digits, see `audit.pixels.phash`
    preview         grey WebP, longest side 24 pixels, 100 to 250 bytes; None when not asked for
    """

    pixels: npt.NDArray[np.uint8]
    width: int
    height: int
    format: str
    phash: str
    preview: bytes | None


def load(
    data: bytes,
    *,
    size: int,
    crop_mode: CropMode,
    limits: Limits = DEFAULT_LIMITS,
    preview: bool = True,
) -> Picture:
    """Decode one image once: pixels for the encoder, hash and preview from the same pixels.

    data        a whole image file
    size        S, side of the encoder's input in pixels, > 0
    crop_mode   "pad": the whole picture, its longest side S, centred on grey 128;
                "center": shortest side S (bicubic), then the middle S x S, as the CLIP
                processor does
    raises      ImageError, whatever the bytes are; its reason is one of zero_size,
                too_many_bytes, too_many_pixels, too_complex, truncated, corrupt,
                unsupported_format, not_an_image, out_of_memory
    """
    if size <= 0 or crop_mode not in ("pad", "center"):
        raise ValueError(f"size must be > 0 and crop_mode pad or center: {size}, {crop_mode!r}")
    # JPEG decodes at 1/2, 1/4 or 1/8 for less: here the smallest that leaves half again as many
    # pixels as needed (with less its coarse scaling shows), twice as many near the reference.
    spare, target = (1.5, pixels.fit) if crop_mode == "pad" else (2.0, pixels.cover)

    def enough(width: int, height: int) -> tuple[int, int]:
        wide, high = target(width, height, size)
        return int(spare * wide), int(spare * high)

    upright, width, height, format_name = _decoded(data, enough, limits)
    if crop_mode == "pad":
        small = pixels.shrunk(upright, width, height, size)
        grey, prepared = small.convert("L"), pixels.on_grey(small, size)
    else:
        prepared = pixels.centre(upright, width, height, size)
        thumb = upright.resize(pixels.fit(width, height, 64), Image.Resampling.BOX)
        grey = pixels.on_white(thumb).convert("L")
    return Picture(
        pixels=prepared,
        width=width,
        height=height,
        format=format_name,
        phash=pixels.phash(grey),
        preview=pixels.preview(grey) if preview else None,
    )


def view(data: bytes, *, side: int, limits: Limits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """Decode one image again, larger than `load` did: for the few whose words are to be read.

    side     longest side in pixels at most, > 0; smaller pictures stay as they are
    returns  [h, w, 3] uint8 RGB, upright, on white
    raises   ImageError as `load`
    """

    def enough(width: int, height: int) -> tuple[int, int]:
        wide, high = pixels.fit(width, height, side)
        return int(1.5 * wide), int(1.5 * high)

    upright, width, height, _ = _decoded(data, enough, limits)
    small = pixels.shrunk(upright, width, height, min(side, max(width, height)))
    return np.asarray(pixels.on_white(small), dtype=np.uint8)


def _decoded(
    data: bytes, enough: Callable[[int, int], tuple[int, int]], limits: Limits
) -> tuple[Image.Image, int, int, str]:
    """The upright picture, sides of the original turned upright, and the format.

    enough  width and height of the picture -> those that decoding must leave at least
    """
    if not data:
        raise ImageError("zero_size", "the member has no bytes")
    if len(data) > limits.max_bytes:
        raise ImageError("too_many_bytes", f"{len(data):,} bytes, limit {limits.max_bytes:,}")
    _settle_pillow(limits)
    stream = _Metered(data)
    with _explained(data, stream):
        image = Image.open(stream, formats=FORMATS)
    _check_header(image, data, limits)
    stream.header_read()
    width, height = image.size
    with _explained(data, stream):
        image.draft(image.mode, enough(width, height))
        image.load()
        upright = pixels.plain(image)
        turn = _UPRIGHT.get(_orientation(image))
        if turn is not None:
            upright = upright.transpose(turn)
    if turn in _SWAPS_SIDES:
        width, height = height, width
    return upright, width, height, str(image.format).lower()


class _Metered(io.BytesIO):
    """A file that ends the reading of headers made of endless little pieces."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.short = False  # something was to be read behind the end
        self._reads = MAX_HEADER_READS
        self._bytes = MAX_HEADER_BYTES

    def header_read(self) -> None:
        """From here on pixels are read: as many bytes as there are."""
        self._reads = MAX_READS
        self._bytes = 2**63

    def read(self, count: int | None = -1, /) -> bytes:
        """Read like BytesIO, but count.

        A read of everything is free: it happens once.
        """
        found = super().read(count)
        if count is not None and count >= 0:
            self.short |= len(found) < count and self._bytes <= MAX_HEADER_BYTES
            self._reads -= 1
            self._bytes -= len(found)
            if self._reads < 0 or self._bytes < 0:
                raise ImageError("too_complex", "more chunks, tags or metadata than a picture has")
        return found


def _settle_pillow(limits: Limits) -> None:
    """Keep Pillow's warnings off the terminal and its own pixel limit above ours.

    Looked at on every call, because test runners and other libraries reset the filters;
    `warnings.catch_warnings` would do it for one call, but is not safe in threads.
    """
    if _PIL_WARNINGS not in warnings.filters:
        warnings.filterwarnings("ignore", module=r"PIL\.")
    theirs = Image.MAX_IMAGE_PIXELS  # Pillow raises above twice this
    if theirs is not None and 2 * theirs < limits.max_pixels:
        Image.MAX_IMAGE_PIXELS = limits.max_pixels // 2 + 1


def _check_header(image: ImageFile.ImageFile, data: bytes, limits: Limits) -> None:
    """Refuse, from the header alone, what would cost too much to decode."""
    area = image.width * image.height
    if area > limits.max_pixels:
        raise ImageError(
            "too_many_pixels", f"{image.width} x {image.height}, limit {limits.max_pixels:,} pixels"
        )
    tags: Any = getattr(image, "tag_v2", {})
    tile_side = tags.get(322, 0), tags.get(323, 0)  # TileWidth, TileLength
    if not all(isinstance(side, int) for side in tile_side):
        raise ImageError("corrupt", "the sides of its tiles are not numbers")
    if tile_side[0] * tile_side[1] > limits.max_pixels:
        raise ImageError(
            "too_many_pixels", f"tiles of {tile_side}, limit {limits.max_pixels:,} pixels"
        )
    allowed = max(MAX_PASSES, 16 * limits.max_pixels)
    if image.format in ("JPEG", "MPO"):
        a_pass = max(area, 2**20)
        most = allowed // a_pass
        # Cheap first: the two bytes also occur in thumbnails and appended films.
        if data.count(b"\xff\xda") > most and _scans(data, most) > most:
            raise ImageError("too_complex", f"more than {most} scans of {area:,} pixels")
    covered: int = sum((t[1][2] - t[1][0]) * (t[1][3] - t[1][1]) for t in image.tile if t[1])
    if covered > max(4 * area, 2**20):  # one layer for each of four bands
        raise ImageError("too_complex", f"its strips cover the picture {covered // area} times")
    if image.tile and image.tile[0][0] == "bmp_rle" and area > MAX_RLE_PIXELS:
        raise ImageError(
            "too_complex", f"run-length BMP of {area:,} pixels, limit {MAX_RLE_PIXELS:,}"
        )


def _scans(data: bytes, most: int) -> int:
    """Scans of the first picture in a JPEG file; stops counting once above `most`."""
    at, scans = 2, 0
    for _ in range(4 * most + MAX_HEADER_READS):
        marker = _MARKER.search(data, at)
        if marker is None or marker[1] == b"\xd9" or scans > most:
            return scans
        scans += marker[1] == b"\xda"
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return most + 1  # more segments than that many scans need


def _orientation(image: ImageFile.ImageFile) -> int:
    """EXIF or XMP orientation, 1 when absent or unreadable; TIFF has applied its own by now."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF, of which Pillow may raise anything, does not hide a picture
        return 1


@contextlib.contextmanager
def _explained(data: bytes, stream: _Metered) -> Iterator[None]:
    """Turn whatever Pillow raises into an ImageError; only Pillow's work belongs inside."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:  # on damaged files Pillow raises nearly every built-in type
        raise _reason(error, data, stream) from error


def _reason(error: Exception, data: bytes, stream: _Metered) -> ImageError:
    """What Pillow's error means for the user."""
    if isinstance(error, MemoryError):
        return ImageError("out_of_memory", f"{len(data):,} bytes need more memory than there is")
    text = " ".join(str(error).split())[:200] or type(error).__name__
    if isinstance(error, Image.DecompressionBombError):
        return ImageError("too_many_pixels", text)
    if isinstance(error, UnidentifiedImageError):
        is_avif = data[4:8] == b"ftyp" and (b"avif" in data[8:64] or b"avis" in data[8:64])
        is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
        if not (data.startswith(_OUR_MAGIC) or is_avif or is_webp):
            for magic, name in _OTHER_FORMATS:
                if data.startswith(magic):
                    return ImageError("unsupported_format", f"{name}; known: {', '.join(FORMATS)}")
            if data[4:8] == b"ftyp":
                return ImageError("unsupported_format", f"{_opening(data[8:12])} is not AVIF")
            return ImageError("not_an_image", f"{len(data):,} bytes, first {_opening(data)}")
        text = "its header is damaged or of a kind that cannot be read"
    if stream.short or "truncated" in text.lower() or _is_cut(data):
        return ImageError("truncated", f"{len(data):,} bytes: {text}")
    if "unsupported" in text.lower() or "not supported" in text.lower():
        return ImageError("unsupported_format", text)
    return ImageError("corrupt", text)


def _opening(data: bytes) -> str:
    """The first bytes: in quotes where they are text, in hex where they are not."""
    first = data[:12].decode("latin-1")
    return f"'{first}'" if first.isascii() and first.isprintable() else data[:12].hex(" ")


def _is_cut(data: bytes) -> bool:
    """Whether a WebP or AVIF file ends before its own boxes do; their decoders do not say."""
    if data[:4] == b"RIFF":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    at = 0
    if data[4:8] == b"ftyp":
        for _ in range(100):
            box = int.from_bytes(data[at : at + 4], "big")
            if box < 8 or at > len(data):  # 0 goes on to the end, 1 has a 64-bit size
                break
            at += box
    return at > len(data)
