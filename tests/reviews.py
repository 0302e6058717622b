"""A small real catalog to review, a server of it, and a browser to look at it with."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from audit import images
from audit.building import index
from audit.errors import ImageError
from audit.parts import Parts
from audit.scan import scan
from audit.scorer import Scorer
from audit.shards import ShardReader, expand
from tests.catalogs import CONCEPTS, made_up_scores

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PLAIN = 110  # pictures that are what they should be
HOSTILE = (
    "![x](http://beacon.example/a.png) [click](http://beacon.example/b)",
    "<img src=http://beacon.example/c.png onerror=alert(1)><script>alert(2)</script>",
    "turned \u202earound\u202c and \x1b[31mred\x07",
    "$\\frac{a}{b}$ :material/bug_report: :red[red] `code`",
)
SECRET = "locked.jpg"  # of the sample that is quarantined


def drawn(n: int, format_name: str = "JPEG", mode: str = "RGB") -> bytes:
    """Another drawn picture for each number, 240 x 180; of some numbers three look the same.

    Near-duplicates are 6 7 8, 9 10 11 and 12 13 14, and those again in every hundred.
    """
    kind = n - (n % 100 - 6) % 3 if 6 <= n % 100 < 15 else n
    patches = np.random.default_rng(kind).integers(40, 200, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(patches).resize((240, 180), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    pen.ellipse((20 + kind % 90, 20, 120 + kind % 90, 120), (230, 220, 40))
    pen.text((90, 80), f"sample {kind}", (255, 255, 255))
    file = io.BytesIO()
    image.convert(mode).save(file, format_name, quality=80 + n - kind)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of side x side white pixels in a few hundred bytes a million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    pixels = zlib.compress(bytes(side * (side + 1)), 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def odd_pictures() -> dict[str, bytes]:
    """Pictures that are not what they should be, by member name."""
    animated = io.BytesIO()
    frames = [Image.new("P", (60, 60), n) for n in range(4)]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:])
    deep = io.BytesIO()
    grey = np.linspace(0, 65535, 60 * 60, dtype=np.uint16).reshape(60, 60)
    Image.fromarray(grey).save(deep, "PNG")
    return {
        "broken.jpg": drawn(1)[:900],
        "empty.png": b"",
        "none.jpg": b"this is no picture",
        "bomb.png": bomb(14_000),
        "animated.gif": animated.getvalue(),
        "cmyk.jpg": drawn(2, mode="CMYK"),
        "deep.png": deep.getvalue(),
    }


def write(folder: Path, plain: int = PLAIN) -> Path:
    """A catalog of one's own: plain pictures, odd ones, and one that is quarantined.

    Its tars are shared with other tests. Returns `folder/tars.audit`.
    """
    return _copied(_made(plain), folder)


def scanned(folder: Path, pictures: int = 30) -> Path:
    """The same of drawn pictures only, which the bundled scorer really scored."""
    return _copied(_scanned(pictures), folder)


def _copied(made: tempfile.TemporaryDirectory[str], folder: Path) -> Path:
    return Path(shutil.copytree(Path(made.name) / "tars.audit", folder / "tars.audit"))


@cache
def _made(plain: int) -> tempfile.TemporaryDirectory[str]:
    """What `write` copies, as long as the program runs."""
    made = tempfile.TemporaryDirectory(prefix="reviews-")
    folder = Path(made.name)
    pictures = {f"{n:05d}.jpg": drawn(n) for n in range(plain)}
    _write_tar(folder / "tars" / "00000.tar", pictures | odd_pictures() | {SECRET: drawn(999)})
    _add_part(folder / "tars.audit", folder / "tars")
    index(folder / "tars.audit")
    return made


@cache
def _scanned(pictures: int) -> tempfile.TemporaryDirectory[str]:
    """What `scanned` copies, as long as the program runs."""
    made = tempfile.TemporaryDirectory(prefix="reviews-")
    folder = Path(made.name)
    _write_tar(folder / "tars" / "00000.tar", {f"{n:05d}.jpg": drawn(n) for n in range(pictures)})
    scan([str(folder / "tars")], folder / "tars.audit", Scorer.load("compact", device="cpu"))
    return made


def _write_tar(path: Path, members: dict[str, bytes]) -> None:
    """Pictures with captions, of which the first are HOSTILE."""
    path.parent.mkdir()
    with tarfile.open(path, "w") as tar:
        for n, (name, data) in enumerate(members.items()):
            caption = HOSTILE[n] if n < len(HOSTILE) else f"caption of {name}"
            for member, content in ((name, data), (f"{Path(name).stem}.txt", caption.encode())):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def _add_part(catalog: Path, tars: Path) -> None:
    """Store the part of the one shard; scores are made up, and every one is flagged."""
    (shard,) = expand([str(tars)])
    reader = ShardReader(shard)
    with Parts(catalog).writing(shard, concept_names=CONCEPTS, scorer="made up") as part:
        for n, sample in enumerate(reader):
            if sample.image_member == SECRET:
                part.add_failed(sample, "known: on a list", quarantined=True)
                continue
            try:
                picture = images.load(sample.data or b"", size=64, crop_mode="pad")
            except ImageError as error:
                part.add_failed(sample, str(error))
                continue
            scores = made_up_scores(1, seed=n)
            scores.types[:, 6] /= 20  # not safe
            part.add_scored([sample], [picture], scores)
        part.finish(reader.books)


def log(catalog: Path, reviewer: str = "ann") -> list[dict[str, Any]]:
    """What the reviewer's file says, line by line."""
    path = catalog / "decisions" / f"{reviewer}.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(
    catalog: Path,
    port: int,
    output: Path,
    *,
    reviewer: str | None = "ann",
    options: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """`audit review`, the real command in a process of its own, until the block ends."""
    command = [
        sys.executable, "-c", "import sys; from audit.cli import main; sys.exit(main())",
        "review", str(catalog), "--port", str(port), *options,
    ]  # fmt: skip
    if reviewer:
        command += ["--reviewer", reviewer]
    with output.open("ab") as out:
        # -c puts the working directory first in the path: the checkout, whatever is installed.
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=dict(os.environ))
        try:
            wait_until_up(port, process, output)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def wait_until_up(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    """Return when the server answers; fail when it ends before."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, output.read_text(errors="replace")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not answer within a minute")
