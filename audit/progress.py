"""How a scan goes: measured by the scan, shown as a bar on a terminal and as lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from audit.shards import Shard
from audit.streams import is_remote

if TYPE_CHECKING:
    from audit.plan import ScanReport

FAULTS_SHOWN = 20
EVERY = 3.0  # seconds between two lines in a pipe


@dataclass(frozen=True, slots=True)
class Tick:
    """Where a scan stands.

    images, failed   of this run so far
    shards, total    shards read to their end, of those to be read
    share            0..1 of the work, by bytes where they are known, else by shards
    seconds          since reading began; rate: images a second
    limited_by       reading, decoding, encoding or writing
    """

    images: int
    failed: int
    shards: int
    total: int
    share: float
    seconds: float
    limited_by: str

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to go, None while too little is known."""
        if self.share <= 0 or self.seconds < 1:
            return None
        return self.seconds * (1 - self.share) / self.share


Report = Callable[[Tick], None]


class Meter:
    """Counts what has been scored and turns it into ticks."""

    def __init__(self, shards: Sequence[Shard], limit: int | None) -> None:
        """shards: those to be read; limit: images to score at most."""
        self._sizes = _sizes(shards)
        self._all = sum(self._sizes.values()) or 1
        self._limit = limit
        self._read = 0.0  # of shards read to their end
        self._inside = 0.0  # of the one after them
        self._began = time.monotonic()
        self.shards = 0
        self.images = 0
        self.failed = 0

    def add(self, shard: Shard, images: int, failed: int, offset: int | None, ended: bool) -> None:
        """Count a piece of a shard; offset: byte of its last image in the tar."""
        self.images += images
        self.failed += failed
        if ended:
            self.shards += 1
            self._read += self._sizes[shard.id]
            self._inside = 0.0
        elif offset is not None:
            self._inside = min(float(offset), self._sizes[shard.id])

    def tick(self, limited_by: str) -> Tick:
        """Where the scan stands now."""
        share = (self._read + self._inside) / self._all
        if self._limit:
            share = max(share, self.images / self._limit)
        return Tick(
            self.images, self.failed, self.shards, len(self._sizes), min(share, 1.0),
            time.monotonic() - self._began, limited_by,
        )  # fmt: skip


def _sizes(shards: Sequence[Shard]) -> Mapping[str, float]:
    """Bytes of each shard when all are local files, else 1 each."""
    try:
        if not any(is_remote(shard.url) for shard in shards):
            return {shard.id: float(Path(shard.url).stat().st_size) for shard in shards}
    except OSError:  # one is missing: the scan will say so
        pass
    return dict.fromkeys((shard.id for shard in shards), 1.0)


@contextmanager
def display(stream: TextIO) -> Iterator[Report]:
    """Give a function to show ticks with: a bar when the stream is a terminal, else lines."""
    if not stream.isatty():
        yield _lines(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    # rich heeds NO_COLOR by itself; nothing of the bar is left at the end.
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("scanning", total=1.0, text="")

        def show(tick: Tick) -> None:
            left = "" if tick.left is None else f" ETA {clock(tick.left)}"
            text = (
                f"{tick.images:,} images {tick.rate:,.0f}/s, {tick.failed:,} failed,{left} "
                f"({tick.limited_by})"
            )
            bar.update(task, completed=tick.share, text=text)

        yield show


def _lines(stream: TextIO) -> Report:
    """Write a plain line every few seconds."""
    due = time.monotonic() + EVERY

    def show(tick: Tick) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + EVERY
            stream.write(line(tick) + "\n")
            stream.flush()

    return show


def line(tick: Tick) -> str:
    """One tick as text."""
    left = "" if tick.left is None else f", about {clock(tick.left)} left"
    return (
        f"{tick.images:,} images, {tick.rate:,.0f}/s, {tick.failed:,} failed, "
        f"shard {tick.shards:,} of {tick.total:,}, limited by {tick.limited_by}{left}"
    )


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:34 or 3:01:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def summary(report: ScanReport) -> list[str]:
    """What came of a scan, a few lines that end with what to do next."""
    books = "the books balance" if report.balanced else "THE BOOKS DO NOT BALANCE"
    lines = [
        f"{report.catalog}: {report.shards_done:,} of {report.shards:,} shards done, "
        f"{report.shards_scanned:,} of them now",
        f"{report.members:,} members = {report.scored:,} scored + {report.failed:,} failed + "
        f"{report.quarantined:,} quarantined + {report.other:,} other: {books}",
    ]
    if report.others:
        noun = "shard" if report.others == 1 else "shards"
        lines.append(f"{report.catalog} also holds {report.others:,} {noun} of other sources")
    if report.upstream_failed:
        lines.append(
            f"{report.upstream_failed:,} rows failed upstream, before they were in a shard"
        )
    if report.images:
        lines.append(
            f"{report.images:,} images in {clock(report.seconds)}, "
            f"{report.images_per_second:,.0f}/s, limited by {report.limited_by}"
        )
    if report.pictures_read or report.text_share:
        lines.append(
            f"{report.pictures_read:,} pictures read, {report.ocr_share:.0%} of the workers' time; "
            f"scoring texts took {report.text_share:.0%} of the scan"
        )
    lines += [
        f"slow: {name}: {key}: {seconds:.1f} s of the processor to decode"
        for name, key, seconds in report.slow[:FAULTS_SHOWN]
    ]
    if len(report.slow) > FAULTS_SHOWN:
        lines.append(f"and {len(report.slow) - FAULTS_SHOWN:,} more slow images")
    lines += [f"failed: {code}: {count:,}" for code, count in report.failures.items()]
    lines += [f"{name}: {kind}: {detail}" for name, kind, detail in report.faults[:FAULTS_SHOWN]]
    if len(report.faults) > FAULTS_SHOWN:
        lines.append(f"and {len(report.faults) - FAULTS_SHOWN:,} more faults")
    if report.shards_done < report.shards:
        lines.append("not all: run the same command without --limit to go on")
    lines.append(f"next: audit status {report.catalog}")
    return lines
