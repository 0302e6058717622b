"""The picture and the scorer that `audit explain` is asked about."""

from __future__ import annotations

from pathlib import Path

from audit import header
from audit.card import find_scorer, read_card
from audit.catalog import Catalog
from audit.errors import CatalogMismatch, ShardwardenError, UsageError
from audit.images import DEFAULT_LIMITS
from audit.parts import Parts
from audit.pictures import COLUMNS, read_pictures
from audit.registry import PREFIX
from audit.scorer import Scorer

MOST_TOLD = 5  # rows of one key named in the message


def catalog_picture(directory: Path, wanted: str) -> tuple[str, bytes]:
    """The image file of one row, read from its shard.

    wanted   key or uid, or SHARD/MEMBER with the shard's file name
    returns  (SHARD/MEMBER, bytes)
    raises   UsageError when there is no such row or several, ShardwardenError when its picture may
             not be shown (quarantined) or cannot be read
    """
    parts = Parts(directory)
    with Catalog(directory) as catalog:
        found = _rows(catalog, "key", wanted) or _rows(catalog, "uid", wanted)
        if not found and "/" in wanted:
            shard_name, member = wanted.split("/", 1)
            members = _rows(catalog, "image_member", member)
            found = [row for row in members if parts.books(row[0]).name == shard_name]
    if not found:
        raise UsageError(f"{directory}: no row has the key or uid {wanted!r}; see `audit top`")
    if len(found) > 1:
        named = ", ".join(f"{parts.books(s).name}/{m}" for s, m, _ in found[:MOST_TOLD])
        raise UsageError(f"{directory}: {len(found)} rows have the key {wanted!r}; say {named}")
    shard, member, row_id = found[0]
    rows = parts.rows(shard, ("row_id", *COLUMNS)).to_pylist()
    ordinal, row = next((n, r) for n, r in enumerate(rows) if r["row_id"] == row_id)
    books = parts.books(shard)
    _, data = next(read_pictures(books, {ordinal: row}))
    if isinstance(data, str):
        raise ShardwardenError(f"{books.name}/{member}: {data}")
    return f"{books.name}/{member}", data


def _rows(catalog: Catalog, column: str, value: str) -> list[tuple[str, str, int]]:
    """(shard id, member, row_id) of the rows that have a value."""
    quoted = value.replace("'", "''")
    table = catalog.sql(
        "SELECT shard, image_member, row_id FROM samples "
        f"WHERE {column} = '{quoted}' ORDER BY shard, row_id"
    )
    return [(r["shard"], r["image_member"], r["row_id"]) for r in table.to_pylist()]


def catalog_scorer(directory: Path, named: str | None, device: str) -> Scorer:
    """The scorer a catalog was made with, or the one named instead.

    raises  CatalogMismatch when the scorer of that name is another one by now
    """
    made = header.read(directory)
    if not made and named is None:
        raise UsageError(f"{directory}: no {header.NAME}, which names its scorer; say --scorer")
    name = made.get("scorer", {}).get("name", "")
    scorer = load(named or name, device)
    if named is None and scorer.fingerprint != made.get("scorer_sha256"):
        raise CatalogMismatch(
            f"{directory}: scored by {name} ({made.get('scorer_sha256', ''):.8}), not by the "
            f"{name} there is now ({scorer.fingerprint:.8}); give its folder with --scorer"
        )
    return scorer


def load(named: str, device: str) -> Scorer:
    """A scorer that can point at patches. raises UsageError for one that judges embeddings"""
    if named.startswith(PREFIX) or read_card(find_scorer(named)).kind != "safety":
        raise UsageError(
            f"scorer {named} judges the picture as a whole and cannot say where; give one with a "
            "safety module, such as --scorer compact"
        )
    return Scorer.load(named, device=device)


def image_file(path: Path) -> tuple[str, bytes]:
    """(name, bytes) of an image file. raises UsageError when it is no file or too large"""
    if not path.is_file():
        raise UsageError(f"{path}: no such image file; for a catalog give a KEY too")
    if path.suffix == ".tar":
        raise UsageError(f"{path}: is a shard; scan it, then give the catalog and a KEY")
    if path.stat().st_size > DEFAULT_LIMITS.max_bytes:
        raise UsageError(f"{path}: more than {DEFAULT_LIMITS.max_bytes:,} bytes")
    return path.name, path.read_bytes()
