"""Reads the tensors of a torch state dict (.pth, .pt) without running anything of it.

Such a file is a zip of numbers and of a small program in pickle's language that puts the tensors
together. That program is not run: its instructions are read one by one, by the standard library's
`pickletools`, and the few that a state dict consists of are acted out on plain lists and tuples.
Every name it wants to call is compared with the two that occur there; anything else is refused.
"""

from __future__ import annotations

import pickletools
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import ScorerError

MOST_PROGRAM = 1 << 20  # bytes; a head's is 1 kB
MOST_NUMBERS = 1 << 28  # bytes; a head's are under 1 MB

DTYPES = {
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch DoubleStorage": "<f8",
    "torch LongStorage": "<i8",
}
DICT, TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"

_MARK = object()


class _Name(str):
    """A function or class the program names: a word, never the thing."""

    __slots__ = ()


class _Storage(tuple[str, str]):
    """Element type and member name of a tensor's numbers."""

    __slots__ = ()


def read_state_dict(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a state dict by name, in native byte order, each in memory of its own.

    raises  ScorerError on a file that is no zip of torch, that wants anything called but what a
            state dict consists of, or whose tensors do not fit their numbers
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except zipfile.BadZipFile:
        raise ScorerError(
            f"{path}: no zip archive as torch writes since 1.6; save the head again as .safetensors"
        ) from None
    except OSError as error:
        raise ScorerError(f"{path}: cannot be read ({error.strerror})") from None
    except (
        ArithmeticError, AttributeError, EOFError, IndexError, KeyError, MemoryError,
        NotImplementedError, RuntimeError, TypeError, ValueError, zlib.error,
    ) as error:  # fmt: skip
        # Hostile bytes reach every line below; what they break there is a damaged file.
        raise ScorerError(f"{path}: damaged ({error!r:.100}); fetch it again") from None


def _read(path: Path, archive: zipfile.ZipFile) -> dict[str, npt.NDArray[Any]]:
    programs = [i for i in archive.infolist() if i.filename.endswith("/data.pkl")]
    if len(programs) != 1 or programs[0].file_size > MOST_PROGRAM:
        raise ScorerError(f"{path}: not a state dict: no small data.pkl inside")
    if sum(i.file_size for i in archive.infolist()) > MOST_NUMBERS:
        raise ScorerError(f"{path}: more than {MOST_NUMBERS:,} bytes unpacked; that is no head")
    folder = programs[0].filename.removesuffix("data.pkl")
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise ScorerError(f"{path}: written on a big-endian machine; save it as .safetensors")

    left = MOST_NUMBERS

    def numbers(storage: _Storage) -> npt.NDArray[Any]:
        nonlocal left
        dtype, key = storage
        data = archive.read(f"{folder}data/{key}")
        left -= len(data)  # a small program may ask for the same numbers again and again
        if left < 0:
            raise ValueError(f"more than {MOST_NUMBERS:,} bytes of tensors")
        return np.frombuffer(data, dtype)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pickletools' own, on instructions refused a moment later
        found = _act_out(path, archive.read(programs[0]), numbers)
    if not isinstance(found, dict) or not found:
        raise ScorerError(f"{path}: holds no state dict but {type(found).__name__}")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise ScorerError(f"{path}: {name!r:.60} is no tensor; save the state dict alone")
    return found


def _act_out(path: Path, program: bytes, numbers: Callable[[_Storage], npt.NDArray[Any]]) -> Any:
    """What the program leaves: built of dicts, tuples, numbers, words and arrays only."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        at = len(stack) - 1
        while stack[at] is not _MARK:
            at -= 1
        items = stack[at + 1 :]
        del stack[at:]
        return items

    for code, argument, _ in pickletools.genops(program):
        match code.name:
            case "PROTO":
                pass
            case "GLOBAL":
                if argument not in (DICT, TENSOR, *DTYPES):
                    raise _refused(path, f"it wants {argument!r:.80}")
                stack.append(_Name(argument))
            case "MARK":
                stack.append(_MARK)
            case "BINPUT" | "LONG_BINPUT":
                memo[_number(argument)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[_number(argument)])
            case "BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1":
                stack.append(argument)
            case "NEWTRUE" | "NEWFALSE" | "NONE":
                stack.append({"NEWTRUE": True, "NEWFALSE": False, "NONE": None}[code.name])
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                size = int(code.name[-1])
                stack[-size:] = [tuple(stack[-size:])]
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                _plain_dict(stack[-1])[key] = value
            case "SETITEMS":
                items = since_mark()
                _plain_dict(stack[-1]).update(zip(items[::2], items[1::2], strict=True))
            case "BINPERSID":
                stack.append(_storage(stack.pop()))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_called(path, function, arguments, numbers))
            case "BUILD":
                stack.pop()  # attributes of the dict: versions of the layers, of no use here
            case "STOP":
                return stack.pop()
            case _:
                raise _refused(path, f"it has the instruction {code.name}")
    raise ValueError("the program does not end")


def _refused(path: Path, what: str) -> ScorerError:
    return ScorerError(
        f"{path}: refused, {what}, which no plain state dict needs; nothing was run. Save the "
        "tensors alone, as .safetensors"
    )


def _called(
    path: Path, function: Any, arguments: Any, numbers: Callable[[_Storage], npt.NDArray[Any]]
) -> Any:
    if isinstance(function, _Name) and function == DICT and arguments == ():
        return {}
    if isinstance(function, _Name) and function == TENSOR:
        storage, offset, shape, strides = arguments[:4]
        if not isinstance(storage, _Storage):
            raise TypeError("a tensor without numbers")
        return _tensor(numbers(storage), offset, shape, strides)
    raise _refused(path, f"it calls {function!r:.80}")


def _number(argument: Any) -> int:
    return int(argument)


def _plain_dict(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise TypeError("items for what is no dict")
    return value


def _storage(value: Any) -> _Storage:
    kind, dtype, key, _, _ = value
    if kind != "storage" or not isinstance(dtype, _Name) or not isinstance(key, str):
        raise TypeError(f"no storage: {value!r:.60}")
    return _Storage((DTYPES[dtype], key))


def _tensor(
    flat: npt.NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> npt.NDArray[Any]:
    """A copy of the elements a tensor looks at; all of them lie inside its numbers."""
    if len(shape) != len(strides) or min((offset, *shape, *strides)) < 0:
        raise ValueError(f"tensor of shape {shape}, strides {strides}")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if (0 not in shape and last >= len(flat)) or np.prod(shape, dtype=float) > len(flat):
        raise ValueError(f"tensor of shape {shape} over {len(flat)} numbers")
    view = np.lib.stride_tricks.as_strided(
        flat[offset:], shape, [step * flat.itemsize for step in strides], writeable=False
    )
    native = flat.dtype.newbyteorder("=" if sys.byteorder == "little" else "<")
    return view.astype(native, copy=True)
