"""Explains malformed shards: what is wrong, at which byte and key, and what to do about it.

Reads each shard once with the scan's own reader, so that what it says here is what a scan would
say; then looks closer: what lies behind the place where reading stopped, whether images begin
like images, whether names are fit to be unpacked. Changes nothing, unpacks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse
from urllib.request import url2pathname

from audit.shards import MAX_BYTES, Books, Fault, Sample, Shard, ShardReader, expand
from audit.streams import TarFault, is_remote
from audit.tar import BLOCK, Tar, header_at

SEARCH = 64 << 20  # bytes searched for the next header behind a damaged place
STEP = 1 << 20

# What each kind of fault means and how it is put right, beyond the line in the books.
ADVICE = {
    "not_a_tar": "look at the file's first bytes; fetch it again, or leave it out of the source",
    "unsupported_compression": "unpack it, or repack: zstd -d x.tar.zst && gzip x.tar",
    "unreadable": "check path, rights and network, then run again",
    "truncated": "the download or the writer was cut off: fetch or write the shard again; samples "
    "before this byte are sound",
    "no_end_mark": "the writer was killed or the file cut between two members: compare the number "
    "of samples with the source; to accept what is there: "
    "tar --append -f SHARD -T /dev/null",
    "bad_header": "bytes were changed or lost: compare the checksum with the source and fetch "
    "again; samples before this byte are sound",
    "ambiguous_header": "readers may see different members: unpack it and write it anew as a "
    "plain ustar",
    "trailing_data": "joined tars: split them, or unpack with `tar --ignore-zeros` and write one",
    "bad_gzip": "fetch again, then check with `gzip -t`",
    "gzip_bomb": "leave it out, or unpack it under a disk quota and look",
    "split_key": "webdataset makes two half samples of it: write the shard anew, members sorted "
    "by name (tar --sort=name)",
    "duplicate_name": "webdataset stops with an error there: give every member its own name",
    "big_group": "names with many dots or a lost key: give every sample its own base name",
    "special_member": "training does not see links: store the files (tar --dereference)",
    "bad_metadata": "the image is audited, the field is not: write the json anew as UTF-8 JSON",
    "bad_sidecar": "fetch the sidecar again; the samples are not concerned",
    "count_mismatch": "tar and sidecar are of different runs, or samples were lost: fetch both",
    "too_many_bytes": "raise the limit if such images are meant to be there",
    "sparse_member": "write the shard anew with `tar --format=ustar`, without --sparse",
    "empty_image": "the writer stored nothing: fetch these samples again",
    "not_an_image": "the download gave something else (a web page?): leave these samples out",
    "unsafe_name": "we never write by name; unpack such a shard only with a tar that refuses it",
    "no_images": "check that this is the right source",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a shard.

    kind    stable snake_case name: a Fault's, or of the doctor's own
    what    one line: what is wrong, with which values
    advice  one line: what it means and what to do
    key     the first sample concerned; offset: byte in the unpacked tar; None where there is none
    """

    kind: str
    what: str
    advice: str
    key: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        """One line to print behind the shard's name."""
        where = f" at byte {self.offset:,}" if self.offset is not None else ""
        return f"{self.kind}{where}: {self.what}. Advice: {self.advice}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor has to say on one shard; a sound one has no findings."""

    shard: Shard
    books: Books
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """True when nothing was found."""
        return not self.findings


def diagnose(sources: Sequence[str], *, max_bytes: int = MAX_BYTES) -> list[Diagnosis]:
    """Examine every shard of the sources, in the order of a scan.

    returns  one Diagnosis a shard, sound ones included
    raises   NoShards, UsageError as `expand`
    """
    return [examine(shard, max_bytes=max_bytes) for shard in expand(sources)]


def examine(shard: Shard, *, max_bytes: int = MAX_BYTES) -> Diagnosis:
    """Examine one shard; never raises for a broken one."""
    reader = ShardReader(shard, max_bytes=max_bytes)
    counts: Counter[str] = Counter()
    first: dict[str, Sample] = {}
    for sample in reader:
        for kind in _suspicions(sample):
            counts[kind] += 1
            first.setdefault(kind, sample)
    books = reader.books
    findings = [_from_fault(shard, fault) for fault in books.faults]
    findings += [_from_samples(kind, counts[kind], first[kind], books.images) for kind in counts]
    if not books.images and not books.faults:
        findings.append(
            Finding(
                "no_images",
                f"{books.members:,} members, none an image by its extension",
                ADVICE["no_images"],
            )
        )
    return Diagnosis(shard, books, tuple(findings))


def _suspicions(sample: Sample) -> Iterator[str]:
    if sample.error is not None:
        kind = sample.error.partition(":")[0]
        if kind in ("too_many_bytes", "sparse_member"):  # the others are faults of the shard
            yield kind
    elif not sample.data:
        yield "empty_image"
    elif not _begins_like_an_image(sample.data):
        yield "not_an_image"
    path = PurePosixPath(sample.image_member)
    if path.is_absolute() or ".." in path.parts or "\\" in sample.image_member:
        yield "unsafe_name"


def _begins_like_an_image(data: bytes) -> bool:
    return (
        data.startswith(
            (
                b"\xff\xd8\xff",
                b"\x89PNG\r\n\x1a\n",
                b"GIF8",
                b"BM",
                b"II*\0",
                b"MM\0*",
                b"II+\0",
                b"MM\0+",
            )
        )
        or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
        or data[4:8] == b"ftyp"
    )


def _from_samples(kind: str, count: int, first: Sample, images: int) -> Finding:
    what = f"{count:,} of {images:,} images (first: {first.image_member!r:.200}"
    if kind == "not_an_image" and first.data:
        what += f", which begins with {first.data[:12]!r}"
    return Finding(kind, f"{what})", ADVICE[kind], first.key, first.offset)


def _from_fault(shard: Shard, fault: Fault) -> Finding:
    what = fault.detail
    if fault.kind in ("bad_header", "trailing_data") and fault.offset is not None:
        what += _behind(shard, fault.offset)
    return Finding(
        fault.kind, what, ADVICE.get(fault.kind, "fetch the shard again"), fault.key, fault.offset
    )


def _behind(shard: Shard, offset: int) -> str:
    """Say what a plain local tar still holds behind the place where reading stopped."""
    if is_remote(shard.url):
        return ""
    path = Path(
        url2pathname(urlparse(shard.url).path) if shard.url.startswith("file:") else shard.url
    )
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return ""
        size = file.seek(0, 2)
        found = _next_header(path, offset)
        if found is None:
            return f" (no sound header in the {min(size - offset, SEARCH):,} bytes behind it)"
        file.seek(found)
        members = 0
        with suppress(TarFault):  # what can be read is what we report
            for member in Tar(file):
                members += member.kind in ("file", "sparse")
    shift = (found - offset) % BLOCK
    moved = f", {shift} bytes off the 512-byte grid: bytes were lost or added" if shift else ""
    return f" (sound headers go on at byte {found:,}{moved}; {members:,} members follow there)"


def _next_header(path: Path, offset: int) -> int | None:
    with path.open("rb") as file:
        file.seek(offset)
        start = offset
        window = b""
        while start - offset < SEARCH and (more := file.read(STEP)):
            window += more
            at = window.find(b"ustar", 257)
            while at >= 0 and at - 257 + BLOCK <= len(window):
                if header_at(window, at - 257):
                    return start + at - 257
                at = window.find(b"ustar", at + 1)
            keep = max(0, len(window) - BLOCK)
            start += keep
            window = window[keep:]
    return None
