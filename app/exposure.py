"""How many pictures somebody has looked at: counted where sharp bytes leave, told them alone.

`CATALOG/reviewers/<alias>.exposure.json` has the counts of the last days by type and level,
nothing about single pictures; a restart forgets nothing of it. Days are those of the server's
clock.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from app.people import People
from app.private import FOLDER, Drawer
from audit.errors import UsageError

UNKNOWN = "not scored"
LIGHT = ("none", "low")  # levels that do not bring the next pause nearer
IDLE = timedelta(minutes=5)  # without a sign of work: that was a pause
NOBODY = ""
DAYS_KEPT = 92  # what is older is nobody's business, and every picture would cost more


class Capped(Exception):
    """The person's own limit for today is reached; the message says so, in one line."""


@dataclass(slots=True)
class Day:
    """What one person was shown in one day.

    kinds   (type, level) -> pictures, each UNKNOWN where it has none; seconds: on screen
    """

    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def pictures(self) -> int:
        """All of them."""
        return self.kinds.total()


@dataclass(slots=True)
class _Stretch:
    """Work without a pause."""

    since: datetime
    last: datetime
    pictures: int = 0  # of level medium or high, or of unknown level


class Exposure:
    """Counts by reviewer; may be shared by threads and, for what is on disk, by processes."""

    def __init__(
        self, catalog_dir: Path, people: People, clock: Callable[[], datetime] | None = None
    ) -> None:
        """Nothing is read yet.

        clock   local time, aware of its zone; that of the machine unless a test has another
        """
        self._drawer = Drawer(catalog_dir, ".exposure.json")
        self._people = people
        self._clock = clock or _local
        self._unnamed: dict[date, Day] = {}  # those who only look have no file
        self._stretches: dict[str, _Stretch] = {}
        self._lock = threading.Lock()

    def shown(self, reviewer: str | None, kind: str | None, level: str | None) -> None:
        """A sharp picture is about to be handed out; it is counted before it leaves.

        raises   Capped when it must not be; UsageError when the person's files are damaged
        """
        cap = self._people.of(reviewer).daily_cap

        def count(day: Day) -> None:
            if cap and day.pictures >= cap:
                raise Capped(
                    f"your limit of {cap:,} pictures a day is reached; decide by text and "
                    "preview, or change the limit in Settings"
                )
            day.kinds[kind or UNKNOWN, level or UNKNOWN] += 1

        self._today(reviewer, count)
        with self._lock:
            self._stretch(reviewer).pictures += level not in LIGHT

    def looked(self, reviewer: str | None, seconds: float) -> None:
        """It was hidden again after so many seconds."""

        def add(day: Day) -> None:
            day.seconds = round(day.seconds + seconds, 1)

        self._today(reviewer, add)

    def working(self, reviewer: str | None) -> None:
        """A sign of work: what is not followed by another for IDLE is the beginning of a pause."""
        with self._lock:
            self._stretch(reviewer)

    def paused(self, reviewer: str | None) -> None:
        """The person has paused, or chosen to go on: counting towards the next pause begins."""
        with self._lock:
            self._stretches.pop(reviewer or NOBODY, None)

    def of(self, reviewer: str | None) -> dict[str, Any]:
        """What the person is told: today's counts and whether a pause is due.

        returns  {"pictures", "seconds": both of today, "cap": a day, 0 for none,
                 "pause": why one is due, as a sentence, else None}
        """
        personal = self._people.of(reviewer)
        date_now = self._clock().date()
        today = self._read(reviewer, date_now).get(date_now, Day())
        with self._lock:
            stretch = self._stretches.get(reviewer or NOBODY)
            pause = None
            if stretch is not None:
                minutes = int((stretch.last - stretch.since) / timedelta(minutes=1))
                if 0 < personal.break_reveals <= stretch.pictures:
                    pause = f"{stretch.pictures:,} pictures of level medium or high in one go."
                elif 0 < personal.break_minutes <= minutes:
                    pause = f"{minutes:,} minutes of work in one go."
        return {
            "pictures": today.pictures,
            "seconds": today.seconds,
            "cap": personal.daily_cap,
            "pause": pause,
        }

    def days(self, reviewer: str | None) -> dict[date, Day]:
        """Every day on which the person was shown something, the oldest first.

        raises   UsageError when the file is damaged
        """
        return self._read(reviewer)

    def _read(self, reviewer: str | None, only: date | None = None) -> dict[date, Day]:
        """All days, or one: the rest need not be taken apart for every picture."""
        if reviewer is None:
            with self._lock:
                return dict(self._unnamed)
        record = self._drawer.read(reviewer) or {}
        if only is not None:
            record = {day: seen for day, seen in record.items() if day == f"{only:%Y-%m-%d}"}
        try:
            return _parsed(record)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
            name = self._drawer.path(reviewer).name
            raise UsageError(f"{FOLDER}/{name}: no counts by day; mend it or remove it") from None

    def _today(self, reviewer: str | None, change: Callable[[Day], None]) -> None:
        """Change the day's counts; they are on disk when this returns."""
        today = self._clock().date()
        if reviewer is None:
            with self._lock:
                change(self._unnamed.setdefault(today, Day()))
            return
        with self._drawer.held(reviewer):
            days = self._read(reviewer, today)
            change(days.setdefault(today, Day()))
            kept = {**(self._drawer.read(reviewer) or {}), **_written(days)}
            self._drawer.write(reviewer, dict(sorted(kept.items())[-DAYS_KEPT:]))

    def _stretch(self, reviewer: str | None) -> _Stretch:
        """The stretch of work that goes on, or one that begins now; the caller has the lock."""
        moment = self._clock()
        found = self._stretches.get(reviewer or NOBODY)
        if found is None or moment - found.last > IDLE:
            found = self._stretches[reviewer or NOBODY] = _Stretch(moment, moment)
        found.last = moment
        return found


def _local() -> datetime:
    return datetime.now().astimezone()


def _written(days: dict[date, Day]) -> dict[str, Any]:
    return {
        f"{day:%Y-%m-%d}": {
            "seconds": seen.seconds,
            "kinds": [[kind, level, count] for (kind, level), count in sorted(seen.kinds.items())],
        }
        for day, seen in sorted(days.items())
    }


def _parsed(record: dict[str, Any]) -> dict[date, Day]:
    return {
        date.fromisoformat(day): Day(
            Counter({(str(kind), str(level)): int(count) for kind, level, count in seen["kinds"]}),
            float(seen["seconds"]),
        )
        for day, seen in sorted(record.items())
    }
