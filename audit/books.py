"""The books of parts: what each shard held and where it went, as records and as columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from audit.shards import Fault

FORMAT = 2  # of the parts and of the catalog built from them

_SHARDS: dict[str, pa.DataType] = {
    "shard": pa.string(),
    "url": pa.string(),
    "name": pa.string(),
    "compressed": pa.bool_(),
    "members": pa.int64(),
    "images": pa.int64(),
    "other": pa.int64(),
    "scored": pa.int64(),
    "failed": pa.int64(),
    "quarantined": pa.int64(),
    "upstream_failed": pa.int64(),
    "faults": pa.int64(),
    "seconds": pa.float64(),
    "scorer": pa.string(),
    "features": pa.bool_(),
    "kind": pa.string(),
    "part_sha256": pa.string(),
}
_FAULTS: dict[str, pa.DataType] = {
    **dict.fromkeys(("shard", "kind", "detail", "key"), pa.string()),
    "offset": pa.int64(),
}
_UPSTREAM: dict[str, pa.DataType] = {
    "shard": pa.string(),
    "error": pa.string(),
    "count": pa.int64(),
}


@dataclass(frozen=True, slots=True)
class PartBooks:
    """What a part says about its shard: members = scored + failed + quarantined + other.

    members, other    regular files in the tar; those that are not images
    upstream_failed   samples the downloader never delivered; they are not members
    scorer            fingerprint of the scorer, "" when not given
    extras            extra scorers' fingerprints by the name of their spec
    embeddings        sha256 hex of the .npy file
    features          sha256 hex of the .features.npy file, "" when features were not kept
    kind              "shard": a tar; "embeddings": embeddings computed elsewhere, no image
    """

    shard: str
    url: str
    name: str
    compressed: bool
    members: int
    other: int
    scored: int
    failed: int
    quarantined: int
    upstream_failed: int
    upstream_errors: dict[str, int]
    faults: tuple[Fault, ...]
    seconds: float
    scorer: str
    embeddings: str = ""
    features: str = ""
    extras: dict[str, str] = field(default_factory=dict)
    kind: str = "shard"

    @property
    def rows(self) -> int:
        """Images seen: every one has a row."""
        return self.scored + self.failed + self.quarantined

    @property
    def balanced(self) -> bool:
        """True when every member of the tar is accounted for."""
        return self.members == self.rows + self.other

    def to_json(self) -> bytes:
        """For the Parquet footer."""
        return json.dumps({"format": FORMAT, **asdict(self)}).encode()

    @classmethod
    def from_json(cls, content: bytes) -> PartBooks:
        """Raise ValueError, KeyError or TypeError when it is not what `to_json` wrote."""
        values = json.loads(content)
        if (found := values.pop("format")) != FORMAT:
            raise ValueError(f"of format {found!r}, this version reads format {FORMAT}")
        faults = tuple(Fault(**fault) for fault in values.pop("faults"))
        return cls(faults=faults, **values)


def tables(books: Sequence[PartBooks], digests: Sequence[str]) -> dict[str, pa.Table]:
    """Tables `shards`, `faults` and `upstream` of the catalog.

    digests   sha256 hex of each part's Parquet file
    """
    return {
        "shards": _table(_SHARDS, [_shard(*pair) for pair in zip(books, digests, strict=True)]),
        "faults": _table(
            _FAULTS,
            [(b.shard, f.kind, f.detail, f.key, f.offset) for b in books for f in b.faults],
        ),
        "upstream": _table(
            _UPSTREAM,
            [(b.shard, error, n) for b in books for error, n in b.upstream_errors.items()],
        ),
    }


def _shard(b: PartBooks, digest: str) -> tuple[Any, ...]:
    return (
        b.shard, b.url, b.name, b.compressed, b.members, b.rows, b.other, b.scored, b.failed,
        b.quarantined, b.upstream_failed, len(b.faults), b.seconds, b.scorer, bool(b.features),
        b.kind, digest,
    )  # fmt: skip


def _table(kinds: dict[str, pa.DataType], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    return pa.table(
        {
            name: pa.array([_utf8(value) for value in column], kind)
            for column, (name, kind) in zip(columns, kinds.items(), strict=True)
        }
    )


def _utf8(value: Any) -> Any:
    """Spell out the bytes of a file name that are no UTF-8; the rest as it is."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
