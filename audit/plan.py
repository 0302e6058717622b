"""What a scan is asked for, what of it is done already, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from audit.books import PartBooks
from audit.errors import CatalogMismatch, ShardwardenError
from audit.images import DEFAULT_LIMITS, Limits
from audit.parts import Parts
from audit.shards import Books, Fault, Shard
from audit.sidecars import read_sidecar
from audit.streams import is_remote

PARTIAL = "partial"
"""Kind of the fault that marks a part cut short by --limit: it never counts as a whole shard."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What `audit scan` can be told.

    batch_size    pictures scored at once; None: 32 on a CPU, 256 on a GPU
    workers       threads that decode; None: one a core
    overwrite     remove the catalog's results first
    retry_failed  do shards again that have failed rows or faults
    limit         score the first so many images over all shards, in their order; None: all
    strict        stop at the first failed image or fault
    previews      keep the 24-pixel previews
    features      keep the safety features, so that `audit rescore` needs no image
    limits        what one image may cost
    """

    batch_size: int | None = None
    workers: int | None = None
    overwrite: bool = False
    retry_failed: bool = False
    limit: int | None = None
    strict: bool = False
    previews: bool = True
    features: bool = False
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The books over all shards of the sources: members = scored + failed + quarantined + other.

    shards, shards_done     named by the sources; those that have a whole part now
    shards_scanned          read by this run, whole or not
    upstream_failed         samples the downloader never delivered; they are not members
    failures                code -> images failed in this run
    faults                  (shard name, kind, detail), PARTIAL left out
    images, seconds         of this run, loading and indexing left out; limited_by: what kept it
                            waiting most: reading, decoding, encoding or writing
    slow                    (shard name, key, seconds) of images that took long to decode
    pictures_read, ocr_share, text_share
                            pictures whose words were read; what that took of all workers' time,
                            and what scoring texts took of the scan's, 0..1
    others                  shards of other sources in the catalog, when these were new to it
    """

    catalog: str
    scorer: str
    shards: int
    shards_done: int
    shards_scanned: int
    members: int
    scored: int
    failed: int
    quarantined: int
    other: int
    upstream_failed: int
    failures: Mapping[str, int]
    faults: tuple[tuple[str, str, str], ...]
    images: int
    seconds: float
    images_per_second: float
    limited_by: str
    slow: tuple[tuple[str, str, float], ...] = ()
    pictures_read: int = 0
    ocr_share: float = 0.0
    text_share: float = 0.0
    others: int = 0

    @property
    def balanced(self) -> bool:
        """True when every member seen is accounted for."""
        return self.members == self.scored + self.failed + self.quarantined + self.other

    @property
    def exit_code(self) -> int:
        """3 when an image failed or a shard has a fault; what failed before us does not count."""
        return 3 if self.failed or self.faults else 0


def default_out(sources: Sequence[str], shards: Sequence[Shard]) -> Path:
    """Give `<name of the source folder>.audit`, here; of several sources the first counts."""
    first = Path(sources[0].removeprefix("@")).expanduser()
    if first.is_dir():
        name = first.resolve().name
    elif sources[0].startswith("@"):
        name = first.stem
    else:
        name = Path(urlparse(shards[0].url).path).parent.name
    return Path(f"{name or 'shards'}.audit")


def features_cost(width: int, shards: Sequence[Shard]) -> str:
    """What `--store-features` takes on disk, as far as it can be told before the scan.

    width  E, numbers of two bytes an image
    """
    size = 2 * width
    written = [read_sidecar(shard).written for shard in shards]
    images = sum(count or 0 for count in written)
    said = f"--store-features: {size:,} bytes an image"
    if None in written:  # a tar without a sidecar does not say how many images it has
        return f"{said}, {size * 1e6 / 1e9:,.2f} GB for a million"
    return f"{said}, {size * images / 1e6:,.1f} MB for the {images:,} of these shards"


def is_partial(books: PartBooks) -> bool:
    """True for a part cut short by --limit."""
    return any(fault.kind == PARTIAL for fault in books.faults)


def real(faults: Iterable[Fault]) -> list[Fault]:
    """The faults of the shard itself."""
    return [fault for fault in faults if fault.kind != PARTIAL]


def cut_books(books: Books, taken: int) -> Books:
    """Books of a part that `limit` ends after `taken` images; its members are those seen."""
    fault = Fault(PARTIAL, f"stopped after {taken:,} images by --limit; scan without it to go on")
    return Books(
        members=taken + books.other, images=taken, other=books.other, faults=[*books.faults, fault]
    )


def kept(
    parts: Parts, shards: Iterable[Shard], fingerprint: str, options: ScanOptions
) -> dict[str, PartBooks]:
    """Parts that need no new scan, by shard id; partial ones only under a limit.

    raises  CatalogMismatch when a part is of another shard with the same id; with `strict`,
            ShardwardenError when a part has failures
    """
    found = {}
    for shard in shards:
        if not parts.done(shard.id):
            continue
        books = parts.books(shard.id)
        _check_same(parts, books, shard)
        bad = bool(books.failed or real(books.faults))
        if books.scorer != fingerprint or (is_partial(books) and options.limit is None):
            continue
        if options.features and not books.features:
            continue
        if bad and options.retry_failed:
            continue
        if bad and options.strict:
            raise ShardwardenError(
                f"{shard.name}: has {books.failed:,} failed images and "
                f"{len(real(books.faults)):,} faults from an earlier scan; --strict stops here, "
                "--retry-failed does the shard again"
            )
        found[shard.id] = books
    return found


def _check_same(parts: Parts, books: PartBooks, shard: Shard) -> None:
    """A folder that moved keeps its ids; two folders of one name must not be taken for one."""
    if books.url == shard.url or is_remote(books.url) or is_remote(shard.url):
        return
    old = Path(books.url)
    if old.exists() and not old.samefile(shard.url):
        raise CatalogMismatch(
            f"{parts.directory.parent}: {shard.id} was made from {books.url}, which is still there "
            f"and is not {shard.url}; scan the two into two catalogs (--out)"
        )


def report(
    directory: Path,
    shards: Sequence[Shard],
    before: Mapping[str, PartBooks],
    now: Mapping[str, PartBooks],
    *,
    scorer: str,
    failures: Mapping[str, int],
    images: int,
    seconds: float,
    limited_by: str,
    slow: Sequence[tuple[str, str, float]] = (),
    pictures_read: int = 0,
    ocr_share: float = 0.0,
    text_share: float = 0.0,
) -> ScanReport:
    """Add up the parts of these shards: those kept from before and those written now, by id."""
    known = {**before, **now}
    named = [(shard, known[shard.id]) for shard in shards if shard.id in known]
    books = [part for _, part in named]
    return ScanReport(
        catalog=str(directory),
        scorer=scorer,
        shards=len(shards),
        shards_done=sum(not is_partial(b) for b in books),
        shards_scanned=len(now),
        members=sum(b.members for b in books),
        scored=sum(b.scored for b in books),
        failed=sum(b.failed for b in books),
        quarantined=sum(b.quarantined for b in books),
        other=sum(b.other for b in books),
        upstream_failed=sum(b.upstream_failed for b in books),
        failures=dict(sorted(failures.items(), key=lambda pair: (-pair[1], pair[0]))),
        faults=tuple((s.name, f.kind, f.detail) for s, b in named for f in real(b.faults)),
        images=images,
        seconds=round(seconds, 3),
        images_per_second=round(images / seconds, 2) if seconds > 0 else 0.0,
        limited_by=limited_by,
        slow=tuple(slow),
        pictures_read=pictures_read,
        ocr_share=ocr_share,
        text_share=text_share,
    )
