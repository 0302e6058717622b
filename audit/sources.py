"""Sources as a user names them -> shards; and the one place where a shard is opened.

A source is a folder (searched with its subfolders), a file, a glob, a brace pattern, `@list.txt`
(one source a line, # for comments) or a remote url. Patterns expand by webdataset's own rules,
and webdataset's own openers open what they name. `pipe:` urls run a command and are refused.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import fsspec

from audit.errors import NoShards, UsageError
from audit.streams import is_remote, pipe_refused

SUFFIXES = (".tar", ".tar.gz", ".tgz")
# Taken up all the same, so that the scan names each as a fault and none is passed by in silence.
UNSUPPORTED = (".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.lz4")
_ENDS = "shards end in .tar, .tar.gz or .tgz"


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar to audit.

    id          safe as a file name and stable: "<stem>-<8 hex>" of the source folder's name and
                the path in it, so the same folder keeps its ids wherever it is moved
    url         absolute path, or remote url
    name        path relative to the source folder, for messages
    compressed  by its name; the reader goes by the first bytes
    """

    id: str
    url: str
    name: str
    compressed: bool


def expand(sources: Sequence[str]) -> list[Shard]:
    """Shards of all sources, sorted by url, none twice.

    raises  NoShards when any source gives no shard; UsageError for `pipe:`, `-`, unbalanced
            braces, an unreadable list, or two shards that would share an id
    """
    if not sources:
        raise NoShards("no source given; name a folder, a .tar, a pattern or @list.txt")
    found: dict[str, Shard] = {}
    by_id: dict[str, Shard] = {}
    for source in sources:
        for url, name, label in _expand_one(source, sources):
            same = url if is_remote(url) else str(Path(url).resolve())
            if same in found:
                continue
            shard = _shard(url, name, label)
            found[same] = shard
            other = by_id.setdefault(shard.id, shard)
            if other is not shard:
                raise UsageError(
                    f"{other.url} and {url} would share the id {shard.id}; scan the folder above "
                    "both, or scan them into two catalogs"
                )
    return sorted(found.values(), key=lambda shard: shard.url)


def stem(name: str) -> str:
    """Give the file name of a shard without its .tar, .tar.gz or .tgz."""
    base = name.rsplit("/", 1)[-1]
    for suffix in sorted(SUFFIXES + UNSUPPORTED, key=len, reverse=True):
        if base.lower().endswith(suffix):
            return base[: -len(suffix)]
    return base


# -- one source: (url, name, label); the label is what the id is made from

Found = tuple[str, str, str]


def _expand_one(source: str, sources: Sequence[str]) -> list[Found]:
    if source.startswith("@"):
        return list(_from_list(source, Path(source[1:]).expanduser()))
    if source in ("", "-"):
        raise UsageError(
            f"source {source!r}: a stream cannot be read again for review; save it as a .tar first"
        )
    literal = Path(source).expanduser()
    if _exists(literal):  # a name with brackets or braces in it stays a name
        return _from_path(source, literal)
    from webdataset.shardlists import expand_urls  # see audit.streams.open_url

    try:
        names = list(dict.fromkeys(expand_urls(source)))
    except (ValueError, AssertionError, KeyError) as error:
        raise UsageError(f"{source}: cannot expand this pattern ({error})") from None
    found: list[Found] = []
    missing: list[str] = []
    seen = 0  # what a pattern matched that is no shard
    for name in names:
        scheme = urlparse(name).scheme
        if scheme == "pipe":
            raise pipe_refused(source)
        if scheme == "file":
            name = url2pathname(urlparse(name).path)
        elif scheme:
            found.append(_remote(source, name, scheme))
            continue
        path = Path(name).expanduser()
        if not _exists(path) and glob.has_magic(name):
            matched, other = _from_glob(path)
            found += matched
            seen += other
        elif not _exists(path):
            missing.append(name)
        elif path.is_dir():
            found += _walk(_absolute(path), _absolute(path))
        elif _is_shard(path.name):
            found.append(_local(_absolute(path), _absolute(path).parent))
        else:
            seen += 1
    if found:
        # A pattern that names shards which are not there: the scan says so, one fault each.
        return found + [
            _local(_absolute(Path(name).expanduser()), _absolute(Path(name).expanduser()).parent)
            for name in missing
        ]
    raise NoShards(_nothing(source, names, missing, seen, sources))


def _nothing(
    source: str, names: list[str], missing: list[str], seen: int, sources: Sequence[str]
) -> str:
    if seen:
        return f"{source}: matches {seen:,} files but no shard; {_ENDS}"
    if glob.has_magic(source):
        return f"{source}: matches nothing; check the folder (here: {Path.cwd()})"
    if len(names) > 1:
        return f"{source}: names {len(names):,} files, none exists (first: {missing[0]})"
    shape = re.sub(r"\d+", "#", source)
    if sum(re.sub(r"\d+", "#", other) == shape for other in sources) > 1:
        return (
            f"{source}: no such file; if the shell expanded {{a..b}}, quote the pattern, and "
            "absent shards become faults of the scan"
        )
    return f"{source}: no such file or folder (here: {Path.cwd()})"


def _from_list(source: str, path: Path) -> Iterator[Found]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source}: cannot read the list ({error})") from None
    wanted = [line.strip() for line in lines]
    wanted = [line for line in wanted if line and not line.startswith("#")]
    if not wanted:
        raise NoShards(f"{source}: the list names no source")
    for line in wanted:
        if line.startswith("@"):
            raise UsageError(f"{source}: {line} is a list inside a list; put its lines here")
        try:
            yield from _expand_one(line, ())
        except NoShards as error:
            beside = path.parent / line  # else beside the list, for a list that travels
            if urlparse(line).scheme or Path(line).is_absolute():
                raise NoShards(f"{source}: {error}") from None
            try:
                yield from _expand_one(str(beside), ())
            except NoShards:
                raise NoShards(f"{source}: {error}") from None


def _from_path(source: str, path: Path) -> list[Found]:
    path = _absolute(path)
    if path.is_dir():
        found = list(_walk(path, path))
        if not found:
            ends = Counter(
                item.suffix.lower() or "no suffix" for item in path.rglob("*") if item.is_file()
            )
            kinds = ", ".join(f"{count:,} {end}" for end, count in ends.most_common(4))
            raise NoShards(
                f"{source}: {ends.total():,} files{f' ({kinds})' if kinds else ''} but "
                f"no shard in this folder; {_ENDS}"
            )
        return found
    if not _is_shard(path.name):
        hint = f"; did you mean @{source}?" if path.suffix in (".txt", ".lst") else ""
        raise NoShards(f"{source}: not a shard by its name; {_ENDS}{hint}")
    return [_local(path, path.parent)]


def _from_glob(pattern: Path) -> tuple[list[Found], int]:
    parts = pattern.parts
    magic = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    base = _absolute(Path(*parts[:magic]))
    # Not Path.glob: that one takes up hidden files.
    matches = sorted(glob.glob("/".join(parts[magic:]), root_dir=base, recursive=True))  # noqa: PTH207
    found: list[Found] = []
    other = 0
    for match in matches:
        path = base / match
        if path.is_dir():
            found += _walk(path, base)
        elif path.is_file() and _is_shard(path.name):
            found.append(_local(path, base))
        else:
            other += 1
    return found, other


def _walk(folder: Path, base: Path) -> Iterator[Found]:
    """Shards below a folder; hidden names are passed over, links followed once."""
    visited: set[str] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        real = str(Path(here).resolve())
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(here, name)
            if not name.startswith(".") and _is_shard(name) and path.is_file():
                yield _local(path, base)


def _local(path: Path, base: Path) -> Found:
    name = path.relative_to(base).as_posix()
    return str(path), name, f"{base.name}/{name}"


def _remote(source: str, url: str, scheme: str) -> Found:
    from webdataset.gopen import gopen_schemes

    if scheme not in gopen_schemes and scheme not in fsspec.available_protocols():
        raise UsageError(f"{source}: unknown scheme {scheme!r}; fetch the shards first")
    if glob.has_magic(urlparse(url).path):
        raise UsageError(
            f"{source}: a remote folder cannot be searched; spell the shards out "
            "with braces: {00000..00099}.tar"
        )
    folder, _, name = unquote(urlparse(url).path).rstrip("/").rpartition("/")
    return url, name, f"{folder.rpartition('/')[2] or urlparse(url).netloc}/{name}"


def _shard(url: str, name: str, label: str) -> Shard:
    digest = hashlib.sha256(label.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", stem(name)).strip("._")[:80] or "shard"
    return Shard(f"{safe}-{digest}", url, name, name.lower().endswith((".gz", ".tgz")))


def _is_shard(name: str) -> bool:
    return name.lower().endswith(SUFFIXES + UNSUPPORTED)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name: a pattern, then
        return False


def _absolute(path: Path) -> Path:
    # Not resolve(): that follows links, and hub caches link the shard's name to a blob's.
    return Path(os.path.abspath(path))  # noqa: PTH100
