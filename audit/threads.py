"""What the threads of a scan need: queues with bounds, an end together, and turns."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The other end is gone: unwinds a thread, never reaches the caller."""


class Channel(Generic[T]):
    """A bounded queue that can be closed or broken off, and says how long its ends waited."""

    def __init__(self, items: int, weight: int = 1 << 62) -> None:
        """At most so many items, of so much weight together (one item always fits)."""
        self._most, self._heaviest = items, weight
        self._items: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._closed = self._broken = False
        self.full = 0.0  # seconds that `put` waited
        self.empty = 0.0  # seconds that the reader waited

    def put(self, item: T, weight: int = 0) -> None:
        """Wait for a place; raises Stopped when the channel is broken off."""
        with self._changed:
            began = time.monotonic()
            self._changed.wait_for(lambda: self._broken or self._fits(weight))
            self.full += time.monotonic() - began
            if self._broken:
                raise Stopped
            self._items.append((item, weight))
            self._weight += weight
            self._changed.notify_all()

    def _fits(self, weight: int) -> bool:
        free = len(self._items) < self._most and self._weight + weight <= self._heaviest
        return free or not self._items

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                began = time.monotonic()
                self._changed.wait_for(lambda: self._broken or self._closed or bool(self._items))
                self.empty += time.monotonic() - began
                if self._broken:
                    raise Stopped
                if not self._items:
                    return
                item, weight = self._items.popleft()
                self._weight -= weight
                self._changed.notify_all()
            yield item

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def break_off(self) -> None:
        """Wake both ends; each raises Stopped."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()


class Crew:
    """Threads that begin and end together; leaving the block raises the first error of any."""

    def __init__(self, stop: Callable[[], None]) -> None:
        """`stop` wakes whoever waits; it is called once when something went wrong."""
        self._stop = stop
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._error: BaseException | None = None

    def start(self, work: Callable[..., None], *args: object) -> None:
        """Begin a thread."""
        # Daemons: a read that hangs on a dead network must not outlive a second Ctrl-C.
        thread = threading.Thread(target=self._run, args=(work, args), name=work.__name__,
                                  daemon=True)  # fmt: skip
        self._threads.append(thread)
        thread.start()

    def _run(self, work: Callable[..., None], args: tuple[object, ...]) -> None:
        try:
            work(*args)
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._stopped:
                return
            self._stopped, self._error = True, error
        self._stop()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Wait for all of them at the end."""
        try:
            yield
        except BaseException as error:
            self._fail(error)
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            raise self._error


class Turns:
    """Lets decoding and encoding take turns where both want the same cores.

    The encoder waits for the pictures under way, a second at most where words are read in them.
    """

    def __init__(self, needed: bool) -> None:
        self._needed = needed
        self._changed = threading.Condition()
        self._under_way = 0
        self._encodes = self._stopped = False

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Wait while the encoder has its turn; many may decode at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._encodes)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Wait until nobody decodes."""
        if not self._needed:
            yield
            return
        with self._changed:
            self._encodes = True
            self._changed.wait_for(lambda: self._stopped or not self._under_way)
        try:
            yield
        finally:
            with self._changed:
                self._encodes = False
                self._changed.notify_all()

    def stop(self) -> None:
        """Wake whoever waits, for good."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
