"""Examples of a new concept, from folders of pictures and from a catalog, as safety features.

A side, positive or negative, is any number of

    DIR         a folder of pictures, searched in depth
    FILE        text, one uid or key of a row of the catalog a line; `#` begins a comment
    decisions   the rows of the catalog that reviewers gave the concept, or a label without it

Rows whose features the catalog has stored are not decoded.

Letters in shapes: N examples, E width of the safety features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit import header
from audit.errors import ImageError, ShardwardenError, UsageError
from audit.images import DEFAULT_LIMITS, load
from audit.outcomes import Outcome, settle
from audit.parts import Parts
from audit.pictures import COLUMNS, read_pictures
from audit.scorer import Scorer
from audit.shards import IMAGE_EXTENSIONS
from audit.verdicts import read_log

DECISIONS = "decisions"
BATCH = 32
_ROW = ("row_id", "uid", "key", "phash", *COLUMNS)
Show = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What a concept is learned from.

    features   [N, E] float32
    shows      [N] bool, the positive ones
    groups     [N] str, perceptual hashes: equal for near-duplicates
    digests    [N] sha256 hex of the files
    unusable   one line for everything named that could not be used
    stored     how many features came from the catalog, without decoding
    """

    features: npt.NDArray[np.float32]
    shows: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.str_]
    digests: tuple[str, ...]
    unusable: tuple[str, ...]
    stored: int


@dataclass(slots=True)
class _Gathering:
    """Examples by the sha256 of their file, so that none counts twice."""

    scorer: Scorer
    show: Show | None
    found: dict[str, tuple[bool, str, npt.NDArray[np.float32]]] = field(default_factory=dict)
    sides: dict[str, bool] = field(default_factory=dict)
    both: dict[str, str] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)
    stored: int = 0
    waiting: list[tuple[str, str, npt.NDArray[np.uint8]]] = field(default_factory=list)

    def wants(self, digest: str, shows: bool, where: str) -> bool:
        """Whether a picture is new; one that is on both sides is left out."""
        if digest in self.sides:
            if self.sides[digest] != shows:
                self.both.setdefault(digest, where)
            return False
        self.sides[digest] = shows
        return True

    def picture(self, data: bytes, shows: bool, where: str) -> None:
        """Decode a file, and score when enough have come together."""
        digest = hashlib.sha256(data).hexdigest()
        if not self.wants(digest, shows, where):
            return
        try:
            picture = load(
                data, size=self.scorer.size, crop_mode=self.scorer.crop_mode, preview=False
            )
        except ImageError as error:
            self.unusable.append(f"{where}: {error}")
            return
        self.waiting.append((digest, picture.phash, picture.pixels))
        if len(self.waiting) == BATCH:
            self.score()

    def file(self, path: Path, shows: bool) -> None:
        """Read one file; only a regular one within the limits of `audit.images`."""
        try:
            if not path.is_file():
                self.unusable.append(f"{path}: no regular file")
            elif (size := path.stat().st_size) > DEFAULT_LIMITS.max_bytes:
                most = DEFAULT_LIMITS.max_bytes
                self.unusable.append(f"{path}: {size:,} bytes, the limit is {most:,}")
            else:
                self.picture(path.read_bytes(), shows, str(path))
        except OSError as error:
            self.unusable.append(f"{path}: cannot be read ({error.strerror})")

    def score(self) -> None:
        """The features of the pictures that wait."""
        if not self.waiting:
            return
        features = self.scorer.score(np.stack([pixels for _, _, pixels in self.waiting])).features
        for (digest, group, _), row in zip(self.waiting, features, strict=True):
            self.add(digest, group, row)
        self.waiting.clear()

    def add(self, digest: str, group: str, features: npt.NDArray[Any]) -> None:
        """One example whose features are known."""
        self.found[digest] = (self.sides[digest], group, features.astype(np.float32))
        if self.show:
            self.show(len(self.found), None, "examples read")


def gather(
    scorer: Scorer,
    concept: str,
    positive: Sequence[str],
    negative: Sequence[str],
    catalog: Path | None = None,
    *,
    show: Show | None = None,
) -> Examples:
    """Read both sides.

    positive, negative   DIR, FILE or 'decisions', as above
    raises               UsageError on a source that cannot be one
    """
    gathering = _Gathering(scorer, show)
    named: dict[str, bool] = {}
    rows: dict[int, tuple[bool, Outcome]] = {}
    for sources, shows in ((positive, True), (negative, False)):
        for source in sources:
            path = Path(source)
            if source == DECISIONS:
                decided = _decided(_needed(catalog, source), concept, shows)
                rows |= {row: (shows, outcome) for row, outcome in decided.items()}
            elif path.is_dir():
                for file in _files(path):
                    gathering.file(file, shows)
            elif path.is_file():
                _needed(catalog, source)
                for name in _lines(path):
                    if named.setdefault(name, shows) != shows:
                        raise UsageError(f"{source}: {name!r} is named as positive and negative")
            else:
                raise UsageError(
                    f"{source}: neither a folder of pictures, nor a file of keys, nor 'decisions'"
                )
    if catalog is not None and (named or rows):
        _from_catalog(gathering, catalog, named, rows)
    gathering.score()
    for digest, where in gathering.both.items():
        gathering.found.pop(digest, None)
        gathering.unusable.append(f"{where}: the same picture is positive and negative")
    kept = list(gathering.found.values())
    width = scorer.safety.dims.head.width
    return Examples(
        features=np.stack([f for _, _, f in kept]) if kept else np.zeros((0, width), np.float32),
        shows=np.array([shows for shows, _, _ in kept], bool),
        groups=np.array([group for _, group, _ in kept], str),
        digests=tuple(gathering.found),
        unusable=tuple(gathering.unusable),
        stored=gathering.stored,
    )


def _needed(catalog: Path | None, source: str) -> Path:
    if catalog is None:
        raise UsageError(f"{source}: names rows of a catalog; say which with --catalog DIR")
    return catalog


def _files(folder: Path) -> list[Path]:
    """What is named like a picture in a folder, in depth."""
    found = [p for p in sorted(folder.rglob("*")) if p.suffix[1:].lower() in IMAGE_EXTENSIONS]
    if not found:
        raise UsageError(f"{folder}: no picture in it ({', '.join(sorted(IMAGE_EXTENSIONS))})")
    return found


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a text file of uids or keys ({error!s:.80})") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _decided(catalog: Path, concept: str, shows: bool) -> dict[int, Outcome]:
    """By row id, what reviewers agree shows the concept, or agree is something else."""
    outcomes = settle(read_log(catalog).decisions)
    found = {
        row: outcome
        for row, outcome in outcomes.items()
        if (label := outcome.label) is not None
        and (
            concept in (label.concepts or ())
            if shows
            else label.type == "safe"
            or (label.concepts is not None and concept not in label.concepts)
        )
    }
    if not found:
        said = f"gave {concept!r}" if shows else f"gave a label without {concept!r}"
        raise UsageError(f"{catalog}: no row that reviewers {said}; name pictures or keys instead")
    return found


def _from_catalog(
    gathering: _Gathering,
    catalog: Path,
    named: dict[str, bool],
    rows: dict[int, tuple[bool, Outcome]],
) -> None:
    """The named and the decided rows, part by part."""
    parts = Parts(catalog)
    same_body = header.read(catalog).get("body") == gathering.scorer.body
    missing = set(named)
    for shard_id in parts.shard_ids():
        try:
            books = parts.books(shard_id)
            table = parts.rows(shard_id, _ROW)
        except ShardwardenError as error:
            gathering.unusable.append(str(error))
            continue
        wanted = pc.is_in(table["row_id"], value_set=pa.array(list(rows), pa.int64()))
        for column in ("uid", "key"):
            names = pa.array(list(named), pa.string())
            wanted = pc.or_(wanted, pc.is_in(table[column], value_set=names))
        scored = np.array(pc.equal(table["status"], pa.scalar("scored")))
        place = np.cumsum(scored) - 1  # of a scored row in the arrays
        ordinals = np.flatnonzero(np.array(wanted))
        to_read: dict[int, dict[str, Any]] = {}
        stored = parts.features(shard_id) if same_body and books.features else None
        for ordinal, row in zip(ordinals.tolist(), table.take(ordinals).to_pylist(), strict=True):
            missing -= {row["uid"], row["key"]}
            sides = {named[n] for n in (row["uid"], row["key"]) if n in named}
            where = f"{books.name}/{row['image_member']}"
            if row["row_id"] in rows:
                shows, outcome = rows[row["row_id"]]
                if wrong := outcome.stranger(row["uid"]):
                    gathering.unusable.append(f"{where}: {wrong}")
                    continue
                sides.add(shows)
            if len(sides) > 1:
                gathering.unusable.append(f"{where}: is positive and negative")
            elif row["status"] != "scored":
                gathering.unusable.append(f"{where}: {row['status']}, not scored")
            elif stored is None:
                to_read[ordinal] = row | {"shows": sides.pop()}
            elif gathering.wants(row["sha256"], sides.pop(), where):
                gathering.add(row["sha256"], row["phash"], stored[place[ordinal]])
                gathering.stored += 1
        for ordinal, data in read_pictures(books, to_read):
            row = to_read[ordinal]
            where = f"{books.name}/{row['image_member']}"
            if isinstance(data, str):
                gathering.unusable.append(f"{where}: {data}")
            else:
                gathering.picture(data, row["shows"], where)
    gathering.unusable.extend(
        f"{name}: no row of the catalog has this uid or key" for name in sorted(missing)
    )
