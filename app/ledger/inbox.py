"""The bounded queue before the writer: takes one item at a time, gives away all that waits.

It refuses when full and when closed, so that nobody waits for an answer that will not come.
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from app.ledger.work import LedgerUnavailable

T = TypeVar("T")


class Inbox(Generic[T]):
    """Many threads put, one takes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[T] = deque()
        self._ready = threading.Condition()
        self._closed: str | None = "The record is not open for writing yet."

    def __len__(self) -> int:
        return len(self._items)

    def open(self) -> None:
        """Accept items from now on."""
        with self._ready:
            self._closed = None

    def close(self, why: str) -> None:
        """Refuse new items with this sentence; those inside can still be taken."""
        with self._ready:
            self._closed = why
            self._ready.notify_all()

    def put(self, items: Sequence[T]) -> None:
        """Never waits; takes all or none: LedgerUnavailable when full or closed."""
        with self._ready:
            if self._closed is not None:
                raise LedgerUnavailable(self._closed, retry_after=5)
            if len(self._items) + len(items) > self._limit:
                raise LedgerUnavailable(
                    f"{self._limit} writes are waiting already; try again shortly."
                )
            self._items.extend(items)
            self._ready.notify()

    def take(self, most: int) -> list[T]:
        """What waits, up to `most`, as soon as there is any; empty once closed and drained."""
        with self._ready:
            while not self._items and self._closed is None:
                self._ready.wait()
            return [self._items.popleft() for _ in range(min(most, len(self._items)))]
