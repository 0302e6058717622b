"""Arrays in .npy files that somebody else wrote: mapped from disk, nothing unpickled."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt


def mapped(path: Path) -> npt.NDArray[Any]:
    """The array, read from disk as it is used; a header's claims cost no memory.

    raises  OSError when it cannot be opened, ValueError on anything that is no array of numbers
    """
    if path.stat().st_size == 0:
        raise ValueError("is empty")
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (ArithmeticError, EOFError, MemoryError, RuntimeError, TokenError, TypeError) as error:
        # The header is text that NumPy parses and reckons with, whatever it says.
        raise ValueError(f"its header makes no sense ({error!s:.100})") from None
