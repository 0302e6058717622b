"""How many pictures somebody has looked at: counted where sharp bytes leave, told them alone."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Seen:
    """What one reviewer has been shown since the server started."""

    pictures: int = 0
    seconds: float = 0.0
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)


class Exposure:
    """Counts by reviewer; may be shared by threads."""

    def __init__(self) -> None:
        """Nobody has seen anything."""
        self._seen: dict[str, Seen] = {}
        self._lock = threading.Lock()

    def shown(self, reviewer: str | None, kind: str | None, level: str | None) -> None:
        """A sharp picture has been handed out."""
        with self._lock:
            seen = self._seen.setdefault(reviewer or "", Seen())
            seen.pictures += 1
            seen.kinds[kind or "not scored", level or "not scored"] += 1

    def looked(self, reviewer: str | None, seconds: float) -> None:
        """It was hidden again after so many seconds."""
        with self._lock:
            self._seen.setdefault(reviewer or "", Seen()).seconds += seconds

    def of(self, reviewer: str | None) -> dict[str, float]:
        """{"pictures": count, "seconds": sum} of one reviewer."""
        with self._lock:
            seen = self._seen.get(reviewer or "", Seen())
            return {"pictures": seen.pictures, "seconds": round(seen.seconds, 1)}
