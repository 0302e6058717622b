"""Chance that does not depend on order: every draw is a hash of the seed, its purpose and a name.

A row so keeps its place whatever rows come beside it: more shards reshuffle nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item")

_WHOLE = 2.0**64


def draw(seed: int, purpose: str, name: str) -> int:
    """A number from 0 to 2**64 - 1, alike for the same three; any text is a name."""
    said = f"{seed}\0{purpose}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest())


def draws(seed: int, purpose: str, names: Sequence[str]) -> npt.NDArray[np.uint64]:
    """[N] a draw for each name."""
    begun = hashlib.blake2b(f"{seed}\0{purpose}\0".encode(), digest_size=8)
    found = []
    for name in names:
        said = begun.copy()
        said.update(name.encode("utf-8", "surrogatepass"))
        found.append(said.digest())
    return np.frombuffer(b"".join(found), ">u8").astype(np.uint64)


def below(number: int, share: float) -> bool:
    """Whether a draw falls into a share (0..1) of all draws."""
    return number < share * _WHOLE


def pick(seed: int, purpose: str, name: str, items: Sequence[Item]) -> Item:
    """One of the items."""
    return items[draw(seed, purpose, name) % len(items)]
