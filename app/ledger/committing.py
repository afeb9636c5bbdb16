"""Preparing a change, committing it, and preparing it anew where somebody was faster.

The one place where a `Conflict` is retried for requests; it reads and decides nothing itself.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from app.ledger.work import Conflict, Work
from app.ledger.writer import Ledger

PreparedT = TypeVar("PreparedT")
_TRIES: Final = 5


async def committed(
    ledger: Ledger,
    prepare: Callable[[], PreparedT],
    work: Callable[[PreparedT], Work | None],
) -> PreparedT:
    """What `prepare` made once its Work is recorded; no Work means that nothing is left to do.

    `prepare` runs in a thread, with what stands now, and again after each Conflict. Raises
    Conflict where others were faster every time, and whatever `prepare` raises.
    """
    last: Conflict | None = None
    for _ in range(_TRIES):
        ready = await asyncio.to_thread(prepare)
        todo = work(ready)
        if todo is None:
            return ready
        try:
            await ledger.commit(todo)
        except Conflict as conflict:
            last = conflict
            continue
        return ready
    assert last is not None, "only a conflict leads here"
    raise Conflict("conflict", f"{last.detail} Send it again.") from last
