"""What was made and may be asked for again: so much of it is kept, the latest used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Latest(Generic[Key, Value]):
    """Values by key; beyond a number the one used longest ago goes. May be shared by threads."""

    def __init__(self, most: int) -> None:
        """Nothing is kept yet; `most` values will be."""
        self._most = most
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """What is kept under a key, and used now; None where nothing is."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, in place of one that had its key."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def pop(self, key: Key) -> Value | None:
        """What was kept under a key, and is no more; None where nothing was."""
        with self._lock:
            return self._kept.pop(key, None)

    def items(self) -> list[tuple[Key, Value]]:
        """All that is kept, the one used longest ago first; none of it counts as used."""
        with self._lock:
            return list(self._kept.items())
