"""audit.json, which says what a catalog was made with, and the lock against a second scan."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from audit import __version__, vectors
from audit.card import Card
from audit.catalog import NAME as DATABASE
from audit.errors import CatalogBusy, CatalogMismatch, ShardwardenError, UsageError
from audit.identity import encoder_identity
from audit.parts import Parts, replacing
from audit.taxonomy import Taxonomy

if TYPE_CHECKING:  # torch takes seconds, and most who read audit.json have no use for it
    from audit.registry import AnyScorer

FORMAT = 1
NAME = "audit.json"
LOCK = ".lock"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Make the catalog's folder and hold its scan lock; the system lets go of it when we die.

    raises  UsageError when the folder holds something that is no catalog, CatalogBusy when
            another scan writes this catalog
    """
    _check_place(directory)
    directory.mkdir(parents=True, exist_ok=True)
    # Opened for appending: the number in it is the holder's until the lock is ours.
    with (directory / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CatalogBusy(
                f"{directory}: another scan (process {file.read(20).strip() or 'unknown'}) is "
                "writing this catalog; wait for it, or give another --out"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@dataclass(frozen=True, slots=True)
class Maker:
    """A scorer as audit.json names it.

    encoder   identity of the encoder whose embeddings the parts hold, see audit.identity
    body      of the features that it can store and read, see Scorer.body; None: it has none
    """

    card: Card
    fingerprint: str
    encoder: str
    body: str | None

    def to_json(self) -> dict[str, Any]:
        """What audit.json says about it."""
        return {"scorer": asdict(self.card), "scorer_sha256": self.fingerprint}


def maker(scorer: AnyScorer) -> Maker:
    """What audit.json says of a scorer; hashing its weights takes a moment."""
    from audit.scorer import Scorer

    card = scorer.card
    body = scorer.body if isinstance(scorer, Scorer) else None
    return Maker(card, scorer.fingerprint, encoder_identity(card.encoder, card.files), body)


def settle(
    directory: Path,
    sources: Sequence[str],
    made: Maker,
    taxonomy: Taxonomy,
    options: dict[str, Any],
    *,
    overwrite: bool = False,
    texts: dict[str, Any] | None = None,
) -> None:
    """Write audit.json, or check that the one there is of the same scorer and taxonomy.

    sources    as the user named them; local ones are made absolute, and added to those there
    overwrite  remove the results there first; what reviewers decided stays
    texts      TextStage.identity; None: no texts are scored
    raises     CatalogMismatch with the remedy
    Call it holding the lock.
    """
    for left in directory.glob(f"{NAME}.tmp-*"):
        left.unlink(missing_ok=True)
    if overwrite:
        _clear(directory)
    before = read(directory)
    if before:
        _check(directory, before, made, taxonomy)
        _check_texts(directory, before.get("text"), texts)
    known = [str(source) for source in before.get("sources", [])]
    write(
        directory,
        {
            "format": FORMAT,
            "shardwarden": __version__,
            "sources": list(dict.fromkeys([*known, *map(_lasting, sources)])),
            **made.to_json(),
            "encoder": made.encoder,
            "body": made.body or before.get("body"),
            "taxonomy": {"version": taxonomy.version, "hash": taxonomy.hash},
            "text": texts,
            "options": options,
            "history": before.get("history") or [event("scan", made)],
        },
        before,
    )


def event(what: str, made: Maker) -> dict[str, str]:
    """One entry of `history`: which scorer was used, when, for what."""
    return {
        "what": what,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "scorer": made.card.name,
        "scorer_sha256": made.fingerprint,
    }


def write(directory: Path, header: dict[str, Any], before: dict[str, Any]) -> None:
    """Publish audit.json when it says anything else than before."""
    text = json.dumps(header, indent=1, ensure_ascii=True) + "\n"
    if before != json.loads(text):
        with replacing(directory / NAME) as new:
            new.write_text(text, encoding="utf-8")


def _check_place(directory: Path) -> None:
    """Refuse a place that belongs to something else, before anything is written there."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise UsageError(f"{directory}: is a file; give another --out")
    if (directory / NAME).exists() or _has_our_parts(directory):
        return
    # A scan killed in its first moments leaves no more than these.
    others = [p.name for p in directory.iterdir() if p.name != LOCK and ".tmp-" not in p.name]
    if others:
        raise UsageError(
            f"{directory}: holds {len(others):,} files and is no catalog (no {NAME}); "
            "give another --out"
        )


def _has_our_parts(directory: Path) -> bool:
    """True for a catalog that lost its audit.json; a stranger's `parts` must not be cleaned."""
    parts = Parts(directory)
    try:
        return bool([parts.books(shard_id) for shard_id in parts.shard_ids()])
    except ShardwardenError:
        return False


def _clear(directory: Path) -> None:
    """Remove results; first what is built from the parts, last what says what they are."""
    for path in (directory / DATABASE, directory / vectors.NAME):
        path.unlink(missing_ok=True)
    for suffix in ("parquet", "npy"):
        for path in (directory / "parts").glob(f"*.{suffix}"):
            path.unlink()
    (directory / NAME).unlink(missing_ok=True)


_FIELDS = {"scorer": dict, "scorer_sha256": str, "taxonomy": dict, "sources": list}


def read(directory: Path) -> dict[str, Any]:
    """audit.json, {} when there is none; ShardwardenError when it cannot be read."""
    path = directory / NAME
    if not path.exists():
        return {}
    try:
        header = json.loads(path.read_bytes())
        if header["format"] != FORMAT:
            raise CatalogMismatch(
                f"{path}: format {header['format']!r}, this version writes format {FORMAT}; "
                "give another --out"
            )
        for name, kind in _FIELDS.items():
            if not isinstance(header[name], kind):
                raise ValueError(f"{name} is {header[name]!r:.40}")
        for name in ("text", "rescoring"):
            if not isinstance(header.get(name), dict | None):
                raise ValueError(f"{name} is {header[name]!r:.40}")
        header["taxonomy"]["hash"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ShardwardenError(
            f"{path}: cannot be read ({error!r:.100}); delete this file and scan again with the "
            "same scorer: finished parts are kept"
        ) from None
    return dict(header)


def _check(directory: Path, before: dict[str, Any], made: Maker, taxonomy: Taxonomy) -> None:
    remedy = "give another --out, or --overwrite to start again"
    if pending := before.get("rescoring"):
        raise CatalogMismatch(
            f"{directory}: rescoring with {pending['scorer']} was broken off; run that "
            "`audit rescore` again first"
        )
    if before["scorer_sha256"] != made.fingerprint:
        name = before["scorer"].get("name", "unknown")
        raise CatalogMismatch(
            f"{directory}: made with scorer {name} ({before['scorer_sha256']:.8}), not "
            f"{made.card.name} ({made.fingerprint:.8}), and their scores cannot be compared; "
            f"{remedy}"
        )
    check_taxonomy(directory, before, taxonomy, remedy)


def _check_texts(
    directory: Path, before: dict[str, Any] | None, texts: dict[str, Any] | None
) -> None:
    off = {"captions": "off", "ocr": "off"}
    if before != texts:
        was, now = before or off, texts or off
        raise CatalogMismatch(
            f"{directory}: made with --captions {was['captions']} --ocr {was['ocr']}, not "
            f"--captions {now['captions']} --ocr {now['ocr']}, or with another text scorer of that "
            "name; scan with what it was made with, give another --out, or --overwrite"
        )


def check_taxonomy(
    directory: Path, before: dict[str, Any], taxonomy: Taxonomy, remedy: str
) -> None:
    """Refuse a catalog made with another taxonomy: CatalogMismatch."""
    if before["taxonomy"]["hash"] != taxonomy.hash:
        raise CatalogMismatch(
            f"{directory}: made with taxonomy {before['taxonomy'].get('version')} "
            f"({before['taxonomy']['hash']:.8}), not {taxonomy.version} ({taxonomy.hash:.8}); "
            f"{remedy}"
        )


def held(directory: Path, sources: Sequence[str], shard_ids: Iterable[str]) -> tuple[str, int]:
    """What a catalog holds when sources are new to it: names of its own, and how many shards.

    ("", 0) when it is a new catalog, and when only the name of a source is new: a folder that
    moved, or one shard of a folder
    """
    known = [str(source) for source in read(directory).get("sources", [])]
    there, wanted = set(Parts(directory).shard_ids()), set(shard_ids)
    others = len(there - wanted)
    if not others or wanted <= there or {*map(_lasting, sources)} <= {*known}:
        return "", 0
    more = f" and {len(known) - 1:,} more" if len(known) > 1 else ""
    return f"{known[0]}{more}" if known else "sources unknown", others


def _lasting(source: str) -> str:
    """The source as it can be found from any folder."""
    if urlparse(source).scheme:
        return source
    mark = "@" if source.startswith("@") else ""
    path = Path(source.removeprefix(mark)).expanduser()
    # Not resolve(): ids are made from the names a user sees, links included.
    return mark + os.path.abspath(path)  # noqa: PTH100
