"""Columns of a table as NumPy arrays and back. Letters in shapes: N rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int8]

pc: Any = pyarrow.compute  # its types know no plain numbers and texts

_BEGIN = 8  # letters
_AT_ONCE = 65_536  # texts, which then stay in the processor's cache
_NIBBLES = np.full(256, 16, np.uint8)  # of each letter
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def floats(table: pa.Table, column: str) -> Floats:
    """A column of numbers [N] in which NULL is NaN."""
    values = table[column].cast(pa.float32()).to_numpy(zero_copy_only=False)
    return values.astype(np.float32, copy=False)


def integers(table: pa.Table, column: str) -> Ints:
    """A column of whole numbers [N] in which NULL is 0."""
    found: Ints = pc.fill_null(table[column], 0).to_numpy().astype(np.int64)
    return found


def equal(table: pa.Table, column: str, value: str) -> Mask:
    """[N] where a column of texts has this value."""
    found: Mask = pc.fill_null(pc.equal(table[column], value), False).to_numpy()
    return found


def has_text(table: pa.Table, column: str) -> Mask:
    """[N] where a column of texts has more than blanks."""
    length = pc.utf8_length(pc.utf8_trim_whitespace(table[column]))
    found: Mask = pc.fill_null(pc.greater(length, 0), False).to_numpy()
    return found


def indices(column: Any, names: Sequence[str]) -> Ints:
    """[N] position of each text in `names`, -1 for another or none; they may be a dictionary's."""
    if pa.types.is_dictionary(column.type):
        texts, code = coded(column)
        return np.append(indices(pa.array(texts, pa.string()), names), -1)[code]
    found: Ints = (
        pc.fill_null(pc.index_in(column, pa.array(names, pa.string())), -1)
        .to_numpy()
        .astype(np.int64)
    )
    return found


def codes(column: Any) -> Ints:
    """[N] equal for equal texts, below 2 N, -1 for NULL.

    Only texts that begin as another one does are compared: of ten million checksums hardly any.
    """
    found: Ints = np.arange(len(column), 2 * len(column))
    begins = np.zeros(len(column), np.uint64)  # shorter ones begin alike
    for start, texts in _blocks(column):
        long = pc.fill_null(pc.greater_equal(pc.binary_length(texts), _BEGIN), False)
        at = start + np.flatnonzero(long.to_numpy(zero_copy_only=False))
        kept = pc.binary_slice(texts.filter(long).cast(pa.binary()), 0, _BEGIN)
        begins[at] = _letters(kept).view(np.uint64)
    alike = repeated(begins)
    some = column if alike.all() else column.filter(pa.array(alike))
    _, found[alike] = coded(some.dictionary_encode())
    if column.null_count:
        found[pc.is_null(column).to_numpy()] = -1
    return found


def repeated(values: npt.NDArray[np.uint64]) -> Mask:
    """[N] where a value stands elsewhere too."""
    ordered = np.sort(values)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(twice, values), len(twice) - 1)
    found: Mask = twice[at] == values
    return found


def hashes(column: Any) -> tuple[npt.NDArray[np.uint64], Mask]:
    """([N] of 16 hex digits each, 0 where there are none such; [N] where there are)."""
    words, known = hexadecimal(column, 16)
    return words[:, 0].copy(), known


def hexadecimal(column: Any, digits: int) -> tuple[npt.NDArray[np.uint64], Mask]:
    """Texts [N] of so many hex digits, 0-9 and a-f, as words of 64 bits.

    digits   a multiple of 16
    returns  ([N, digits / 16], 0 where a text is none such; [N] where it is one)
    """
    words = np.zeros((len(column), digits // 16), np.uint64)
    known = np.zeros(len(column), bool)
    for start, texts in _blocks(column):
        long = pc.fill_null(pc.equal(pc.binary_length(texts), digits), False)
        at = start + np.flatnonzero(long.to_numpy(zero_copy_only=False))
        nibbles = _NIBBLES[_letters(texts.filter(long)).reshape(-1, digits)]
        known[at] = nibbles.max(axis=1, initial=0) < 16
        words[at] = ((nibbles[:, ::2] << 4) | (nibbles[:, 1::2] & 15)).view(">u8")
    words[~known] = 0
    return words, known


def _blocks(column: Any) -> Iterator[tuple[int, Any]]:
    """(position of the first, some texts) of a column, in order."""
    start = 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        for begin in range(0, len(chunk), _AT_ONCE):
            texts = chunk.slice(begin, _AT_ONCE)
            yield start, texts
            start += len(texts)


def _letters(texts: Any) -> npt.NDArray[np.uint8]:
    """The bytes of all texts, one behind the other; none of them NULL."""
    texts = texts.cast(pa.large_binary())
    _, ends, letters = texts.buffers()
    if letters is None:
        return np.empty(0, np.uint8)
    edges = np.frombuffer(ends, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(letters, np.uint8)[edges[0] : edges[-1]]


def named(index: npt.NDArray[np.signedinteger[Any]], names: Any) -> Any:
    """An index [N] as a dictionary of names; below 0 is NULL."""
    array: Any = pa.array(index.astype(np.int32), mask=index < 0)
    return pa.DictionaryArray.from_arrays(array, pa.array(names, pa.string()))


def coded(column: Any) -> tuple[list[str], Ints]:
    """(names, [N] which of them, -1 for NULL) of a dictionary column."""
    chunks = column.unify_dictionaries().chunks
    if not chunks:
        return [], np.empty(0, np.int64)
    indices = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in chunks]
    return chunks[0].dictionary.to_pylist(), np.concatenate(indices).astype(np.int64)


def pairs(first: Any, second: Any) -> dict[tuple[str, str], int]:
    """How often each two texts stand in the same row of two columns [N]."""
    columns = [column.cast(pa.string()) for column in (first, second)]
    table = pa.table(columns, names=["first", "second"]).group_by(["first", "second"])
    counted: Any = table.aggregate([([], "count_all")]).to_pylist()
    return {(row["first"], row["second"]): row["count_all"] for row in counted}
