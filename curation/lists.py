"""Lists of what is kept or left out, as other tools take them: .npy, .txt or .parquet.

.npy is DataComp's: dtype u8,u8, each uid (32 hex digits) as its two halves, sorted, none twice: its
resharder looks every sample's uid up in it, and would write a sample that stands there twice twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import UsageError
from audit.parts import replacing
from curation.arrays import Mask, pc

SUFFIXES = (".npy", ".txt", ".parquet")
DATACOMP = np.dtype("u8,u8")

_UID = re.compile("[0-9a-fA-F]{32}")


def uids(rows: pa.Table, kept: Mask, copies: Mask) -> tuple[list[str], list[str], int]:
    """Uids to keep and to leave out; none is in both lists.

    rows     column uid
    kept     [N]; copies: [N] left out only because they are copies of a row that stays
    returns  (keep, drop, uids of kept rows that other rows with the same uid took along: whoever
             applies a list of uids cannot tell them apart)
    """
    columns = [rows["uid"].filter(pa.array(mask)) for mask in (kept, ~kept & ~copies, ~kept)]
    keep, forbidden, out = ({uid for uid in column.to_pylist() if uid} for column in columns)
    lost = keep & forbidden
    keep -= lost
    return sorted(keep), sorted(out - keep), len(lost)


def write(path: Path, listed: Sequence[str], rows: pa.Table) -> int:
    """Write a list; its kind is by the file's suffix.

    listed   uids, sorted
    rows     what a .parquet gets instead
    returns  how many uids could not be written: not 32 hex digits, which .npy wants
    raises   UsageError for another suffix, or when not one uid can be written
    """
    kind = checked(path).suffix.lower()
    left_out = 0
    if kind == ".npy":
        array, left_out = datacomp(listed)
        if left_out and not len(array):
            raise UsageError(
                f"{path}: not one of {left_out:,} uids is 32 hex digits, as a .npy for DataComp's "
                "resharder wants them (its shards have such a `uid` in the json of each sample); "
                "name the list .txt or .parquet"
            )
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)
    elif kind == ".txt":
        with replacing(path) as temporary:
            temporary.write_text("".join(f"{_line(uid)}\n" for uid in listed), encoding="utf-8")
    else:
        with replacing(path) as temporary:
            pq.write_table(rows, temporary, compression="zstd")
    return left_out


def checked(path: Path) -> Path:
    """The path; UsageError when no list can have this name."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: name a list {', '.join(SUFFIXES)}")
    return path


def datacomp(listed: Iterable[str]) -> tuple[npt.NDArray[Any], int]:
    """([n] of DATACOMP, sorted, none twice; how many uids are not 32 hex digits)."""
    every = list(listed)
    good = [uid for uid in every if _UID.fullmatch(uid)]
    halves = [(int(uid[:16], 16), int(uid[16:], 16)) for uid in good]
    return np.unique(np.array(halves, DATACOMP)), len(every) - len(good)


def _line(uid: str) -> str:
    """A uid is one line, whatever strangers put into it."""
    return " ".join(uid.split("\n"))


def count_by_reason(rows: pa.Table) -> dict[str, dict[str, int]]:
    """Action -> reason -> rows; of duplicates, all are one reason."""
    short = pc.replace_substring_regex(rows["reason"], "^(duplicate|near-duplicate) of .*", r"\1")
    table = pa.table([rows["action"], short], names=["action", "reason"])
    counted: Any = table.group_by(["action", "reason"]).aggregate([([], "count_all")]).to_pylist()
    found: dict[str, dict[str, int]] = {}
    for row in sorted(counted, key=lambda row: (row["action"], row["reason"])):
        found.setdefault(row["action"], {})[row["reason"]] = row["count_all"]
    return found
