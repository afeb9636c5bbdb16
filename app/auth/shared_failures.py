"""Wrong keys and tokens per address, counted by all processes of one PostgreSQL together.

Otherwise who guesses would get the limit once for every replica. Only a failure asks or writes; a
good key costs nothing here. A database that does not answer leaves the count to each process.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app.auth.tables import failed_attempt

if TYPE_CHECKING:
    from limits import RateLimitItem

log = logging.getLogger("clearance")

_PATIENCE: Final = "500ms"


class SharedFailures:
    """Counts in windows of the limit's length; `clock` gives seconds since 1970."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def over(self, item: "RateLimitItem", address: str) -> float | None:
        """Count one failure; the seconds to wait where all processes saw too many together."""
        length, now = item.get_expiry(), self._clock()
        window = int(now // length)
        try:
            before, here = self._counted(_name(address), window)
        except SQLAlchemyError as error:
            log.warning("wrong keys are counted in this process alone: %s", type(error).__name__)
            return None
        passed = now / length - window
        # As much of the window before as still lies within one length from now.
        if before * (1 - passed) + here <= item.amount:
            return None
        return max(1.0, (window + 1) * length - now)

    def _counted(self, name: str, window: int) -> tuple[int, int]:
        at = datetime.fromtimestamp(self._clock(), UTC)
        row = {"address": name, "slot": window, "count": 1, "at": at}
        one_more = insert(failed_attempt).values(row)
        one_more = one_more.on_conflict_do_update(
            index_elements=["address", "slot"], set_={"count": failed_attempt.c.count + 1, "at": at}
        )
        query = select(failed_attempt.c.count).where(
            failed_attempt.c.address == name, failed_attempt.c.slot == window - 1
        )
        with self._engine.begin() as connection:
            connection.execute(select(func.set_config("statement_timeout", _PATIENCE, True)))
            here = connection.execute(one_more.returning(failed_attempt.c.count)).scalar_one()
            before = connection.execute(query).scalar_one_or_none() or 0
        return before, here


def _name(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
