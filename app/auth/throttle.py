"""Limits of requests: per principal, and per address for keys and tokens that are wrong.

Requests are counted in this process's memory; what is wrong is counted together with the other
processes of a PostgreSQL, where they share the count. Submitters are not limited unless the
operator says so: a gate that answers 429 to a release is a gate that gets removed.
"""

import math
import time
from typing import TYPE_CHECKING, Final

from app.auth.principal import Principal
from app.auth.roles import Permission
from app.auth.shared_failures import SharedFailures
from app.errors import Problem
from app.settings import Settings

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import SlidingWindowCounterRateLimiter

_MAX_BLOCKED: Final = 10_000


class Throttle:
    """Counts, and refuses with 429 and Retry-After; loads nothing until there is a limit."""

    def __init__(self, settings: Settings, shared: SharedFailures | None = None) -> None:
        self._settings = settings
        self._shared = shared
        self._limiter: SlidingWindowCounterRateLimiter | None = None
        self._items: dict[str, RateLimitItem] = {}
        self._blocked: dict[str, float] = {}

    @property
    def is_blocking(self) -> bool:
        """Whether any address is refused now; spares everybody else the look-up."""
        return bool(self._blocked)

    def refuse_blocked(self, address: str) -> None:
        """429 for an address from which too much was wrong, until its window has passed."""
        until = self._blocked.get(address)
        if until is None:
            return
        if until <= time.time():
            self._blocked.pop(address, None)
            return
        raise _refused(until - time.time(), "Too many wrong keys or tokens from this address.")

    def failed(self, address: str) -> None:
        """Count one wrong key or token."""
        rate = self._settings.failure_limit
        if rate is None:
            return
        wait = self._over(rate, "failed", address)
        if self._shared is not None:
            wait = wait or self._shared.over(self._item(rate), address)
        if wait is not None:
            if len(self._blocked) >= _MAX_BLOCKED:
                self._blocked.clear()
            self._blocked[address] = time.time() + wait

    def count(self, who: Principal) -> None:
        """Count one request of a principal; 429 where it is one too many."""
        submits = Permission.SUBMIT in who.permissions
        rate = self._settings.submitter_rate_limit if submits else self._settings.rate_limit
        if rate is not None and (wait := self._over(rate, "asked", who.id)) is not None:
            raise _refused(wait, f"More than {rate.replace('/', ' requests a ')}.")

    def _over(self, rate: str, *names: str) -> float | None:
        """Count; the seconds to wait where the window is full."""
        limiter, item = self._limiter or self._loaded(), self._item(rate)
        if limiter.hit(item, *names):
            return None
        return max(1.0, limiter.get_window_stats(item, *names).reset_time - time.time())

    def _item(self, rate: str) -> "RateLimitItem":
        item = self._items.get(rate)
        if item is None:
            from limits import parse  # noqa: PLC0415 - most processes never count

            item = self._items[rate] = parse(rate)
        return item

    def _loaded(self) -> "SlidingWindowCounterRateLimiter":
        from limits.storage import MemoryStorage  # noqa: PLC0415 - most processes never count
        from limits.strategies import (  # noqa: PLC0415 - the same
            SlidingWindowCounterRateLimiter,
        )

        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        return self._limiter


def _refused(seconds: float, detail: str) -> Problem:
    wait = str(math.ceil(seconds))
    return Problem(
        "too-many-requests", f"{detail} Try again in {wait} s.", headers={"Retry-After": wait}
    )
