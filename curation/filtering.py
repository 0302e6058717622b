"""Cleaned copies of source shards: what a policy leaves out is not in them, all else is as it was.

A sample goes as a whole: when one of its images is not kept, none of its members is copied, and
neither is what the scan saw no image of. A shard's copy is written whole, then its entry in the
books; the folder gets its name when all of them are there. Until then it is `<name>.partial`, and
the same command goes on behind the last whole shard. Nothing in it tells the time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit import __version__
from audit.catalog import Catalog
from audit.errors import ShardwardenError, UsageError
from audit.parts import digest_of, replacing, sync
from audit.steps import Show
from curation import lists, shard_copy, sidecar_copy, tombstones
from curation.arrays import Ints, Mask, pc
from curation.gathering import Gathered, gather
from curation.rules import INCLUDED
from curation.selection import select
from curation.shard_copy import Seen

FORMAT = "shardwarden filter"
NAME = "filter.json"
ROWS = "rows.parquet"
COLUMNS = ("image_member", "offset")

_DONE = ".done"


@dataclass(frozen=True, slots=True)
class Selected:
    """What a filter does with every row of a catalog.

    rows    uid, shard, key, member, offset, sha256, action, reason, in the catalog's order
    kept    [N]; copies: [N] left out as copies of a row that stays
    books   shard id -> what the catalog says of the shard
    gone    `same_url` of addresses that were taken down
    """

    gathered: Gathered
    rows: pa.Table
    kept: Mask
    copies: Mask
    books: Mapping[str, Mapping[str, Any]]
    gone: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShardDone:
    """What became of one shard, as the books tell it.

    wants      changes when anything does that the copy depends on
    file       path of the copy; None when nothing was left to copy
    members    copied; left_out: not copied; unseen: of those, files that belong to no image
    missing    keys that were to be copied and are not: changed since the scan, or not reached
    fault      why reading the source ended early
    files      path -> size and sha256, the copy and its sidecars
    """

    shard: str
    wants: str
    name: str
    file: str | None
    keys: int
    members: int
    left_out: int
    unseen: int
    missing: tuple[str, ...]
    fault: str | None
    problems: tuple[str, ...]
    files: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Filtered:
    """What was written; `again` counts shards that were there from a run before."""

    out: Path
    shards: tuple[ShardDone, ...]
    again: int
    content: Mapping[str, Any]

    @property
    def whole(self) -> bool:
        """Whether every key that is kept is in a copy, and every sidecar was adjusted."""
        return not any(done.missing or done.fault or done.problems for done in self.shards)


def choose(catalog_dir: Path, policy: str | Path) -> Selected:
    """Apply a policy to a catalog.

    raises   UsageError for a policy that is wrong, ShardwardenError for a catalog that is
    """
    gathered = gather(catalog_dir, policy, columns=COLUMNS)
    found = select(
        gathered.rows,
        gathered.policy,
        gathered.outcomes,
        shards=gathered.shards,
        tombstoned=gathered.tombstoned,
    )
    with Catalog(catalog_dir) as catalog:
        books: list[Any] = catalog.shards().to_pylist()
    action, reason = (found[name].cast(pa.string()) for name in ("action", "reason"))
    rows = gathered.rows.select(["uid", "shard", "key", "image_member", "offset", "sha256"])
    rows = rows.rename_columns(["uid", "shard", "key", "member", "offset", "sha256"])
    rows = rows.append_column("action", action).append_column("reason", reason)
    kept: Mask = pc.is_in(action, pa.array(INCLUDED)).to_numpy()
    copies: Mask = pc.is_valid(found["duplicate_of"]).to_numpy()
    gone = frozenset(
        tombstones.same_url(one.item.value)
        for one in tombstones.read(catalog_dir)
        if one.item.kind == "url"
    )
    return Selected(gathered, rows, kept, copies, {b["shard"]: b for b in books}, gone)


def write(chosen: Selected, out: Path, show: Show, *, overwrite: bool = False) -> Filtered:
    """Write cleaned copies of every shard.

    raises   UsageError for a place that is taken, or a catalog of embeddings without tars
    """
    check_place(out, overwrite=overwrite)
    if any(book["kind"] != "shard" for book in chosen.books.values()):
        raise UsageError("this catalog is of embeddings, there are no tars to copy; write lists")
    partial = out.with_name(f"{out.name}.partial")
    if partial.exists() and not (partial / _DONE).is_dir():
        raise UsageError(f"{partial}: is in the way and no broken-off filter; move it")
    (partial / _DONE).mkdir(parents=True, exist_ok=True)
    names = _names(chosen.books)
    positions = _by_shard(chosen.rows)
    done: list[ShardDone] = []
    again = 0
    for number, shard in enumerate(sorted(chosen.books)):
        show(number, len(chosen.books), f"shards copied, {again:,} of them before")
        at = positions.get(shard, np.empty(0, np.int64))
        wants = _wants(chosen, shard, at, names[shard])
        before = _before(partial, shard, wants)
        again += before is not None
        done.append(before or _shard(chosen, partial, shard, at, names[shard], wants))
    _sweep(partial, done)
    with replacing(partial / ROWS) as temporary:
        pq.write_table(chosen.rows, temporary, compression="zstd")
    content = _content(chosen, done, partial)
    with replacing(partial / NAME) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    _publish(partial, out)
    return Filtered(out, tuple(done), again, content)


def check_place(out: Path, *, overwrite: bool) -> None:
    """Raise UsageError when the copies must not take this place."""
    if not out.name or out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError(f"{out}: cleaned copies are a folder of their own; give another --out")
    if not out.exists() or not any(out.iterdir()):
        return
    if not is_filter(out):
        raise UsageError(f"{out}: holds something that `curate filter` did not write; give another")
    if not overwrite:
        raise UsageError(f"{out}: is there already; add --overwrite, or give another --out")


def is_filter(folder: Path) -> bool:
    """Whether a folder was written by `write`."""
    try:
        found = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


def _names(books: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Where each copy goes: the shard's own name, or its id where that is unsafe or taken."""
    safe = {}
    for shard, book in books.items():
        path = PurePosixPath(book["name"])
        suffix = ".tar.gz" if book["compressed"] else ".tar"
        fine = not path.is_absolute() and not {"..", _DONE} & set(path.parts)
        fine = fine and "\\" not in book["name"] and path.name.lower().endswith((".tar", "gz"))
        safe[shard] = str(path) if fine else f"{shard}{suffix}"
    taken = [name.lower() for name in safe.values()]
    return {
        shard: f"{shard}{'.tar.gz' if books[shard]['compressed'] else '.tar'}"
        if taken.count(name.lower()) > 1
        else name
        for shard, name in safe.items()
    }


def _by_shard(rows: pa.Table) -> dict[str, Ints]:
    """Shard -> positions of its rows, in the order of the tar."""
    encoded: Any = rows["shard"].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
    return {
        str(shard): order[edges[n] : edges[n + 1]].astype(np.int64)
        for n, shard in enumerate(encoded.dictionary.to_pylist())
    }


def _keys(chosen: Selected, at: Ints) -> tuple[list[Seen], frozenset[str]]:
    """Every image of a shard, and the keys of which all images are kept."""
    rows: Any = chosen.rows.select(["key", "member", "sha256"]).take(at).to_pylist()
    seen = [Seen(row["key"], row["member"], row["sha256"]) for row in rows]
    kept = {one.key for one, is_kept in zip(seen, chosen.kept[at], strict=True) if is_kept}
    out = {one.key for one, is_kept in zip(seen, chosen.kept[at], strict=True) if not is_kept}
    return seen, frozenset(kept - out)


def _wants(chosen: Selected, shard: str, at: Ints, name: str) -> str:
    told = hashlib.sha256(chosen.kept[at].tobytes())
    book = chosen.books[shard]
    told.update(json.dumps([book["part_sha256"], book["url"], name, sorted(chosen.gone)]).encode())
    return told.hexdigest()


def _before(partial: Path, shard: str, wants: str) -> ShardDone | None:
    """The entry of a shard that an earlier run has finished, when nothing has changed since."""
    try:
        found = json.loads((partial / _DONE / f"{shard}.json").read_bytes())
        done = ShardDone(**found)
        done = replace(done, missing=tuple(done.missing), problems=tuple(done.problems))
        sizes = {path: (partial / path).stat().st_size for path in done.files}
    except (OSError, ValueError, TypeError):
        return None
    same = all(sizes[path] == said["size"] for path, said in done.files.items())
    return done if done.wants == wants and same and not (done.missing or done.fault) else None


def _shard(
    chosen: Selected, partial: Path, shard: str, at: Ints, name: str, wants: str
) -> ShardDone:
    """Copy one shard with its sidecars."""
    url = chosen.books[shard]["url"]
    seen, kept = _keys(chosen, at)
    target = partial / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        copied = shard_copy.copy(url, temporary, seen, kept)
    written: list[str] = []
    problems: list[str] = []
    if copied.keys:
        written.append(target.name)
        found = sidecar_copy.sidecars(url)
        beside, problems = sidecar_copy.copy(found, target.parent, copied.keys, chosen.gone)
        written += beside
    else:
        target.unlink()
    files = {}
    for path in sorted(target.parent / file for file in written):
        sync(path)
        said = {"size": path.stat().st_size, "sha256": digest_of(path)}
        files[path.relative_to(partial).as_posix()] = said
    done = ShardDone(
        shard=shard,
        wants=wants,
        name=chosen.books[shard]["name"],
        file=name if copied.keys else None,
        keys=len(copied.keys),
        members=copied.members,
        left_out=copied.left_out,
        unseen=copied.unseen,
        missing=tuple(sorted(kept - set(copied.keys))),
        fault=copied.fault,
        problems=tuple(problems),
        files=files,
    )
    with replacing(partial / _DONE / f"{shard}.json") as temporary:
        temporary.write_text(json.dumps(asdict(done)))
    return done


def _sweep(partial: Path, done: Collection[ShardDone]) -> None:
    """Take out what an earlier run with other rules has left."""
    wanted = {path for one in done for path in one.files} | {NAME, ROWS}
    for path in sorted(partial.rglob("*"), reverse=True):
        inside = path.relative_to(partial).as_posix()
        if path.is_dir():
            if inside != _DONE and not any(path.iterdir()):
                path.rmdir()
        elif inside not in wanted and not inside.startswith(f"{_DONE}/"):
            path.unlink()


def _content(chosen: Selected, done: Collection[ShardDone], partial: Path) -> dict[str, Any]:
    policy = chosen.gathered.policy
    files = {path: dict(said) for one in done for path, said in one.files.items()}
    rows = partial / ROWS
    files[ROWS] = {"size": rows.stat().st_size, "sha256": digest_of(rows)}
    shards = []
    for one in done:
        entry = asdict(one)
        del entry["files"], entry["wants"]
        shards.append(entry)
    return {
        "format": FORMAT,
        "version": 1,
        "shardwarden": __version__,
        "scorer": chosen.gathered.scorer,
        "policy": {"name": policy.name, "hash": policy.hash},
        "decisions": dict(sorted(chosen.gathered.log.heads.items())),
        "images": {"kept": int(chosen.kept.sum()), "left_out": int((~chosen.kept).sum())},
        "by_action_and_reason": lists.count_by_reason(chosen.rows),
        "shards": shards,
        "files": files,
    }


def _publish(partial: Path, out: Path) -> None:
    old = out.with_name(f"{out.name}.old")
    if old.exists():
        raise ShardwardenError(f"{old}: is in the way; move it, then run the same command again")
    if out.exists():
        out.rename(old)
    partial.rename(out)
    sync(out.parent.resolve())
    shutil.rmtree(out / _DONE)
    if old.exists():
        shutil.rmtree(old)
