"""Decide together, write together: on one event loop, the two kinds of work take turns.

Both need Python's lock. A writer that runs while requests are being decided waits for that lock
at every call into the database, a few milliseconds each time; measured at 64 clients, answers
then took a second. So what is decided in one go is handed over in one go, and requests that
arrive while it is written wait for it. Nothing is delayed that would otherwise have run.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from app.ledger.batch import Item
from app.ledger.work import LedgerUnavailable, Receipt, Work

QUIET_ROUNDS = 3
"""Rounds of the event loop without a new Work after which a batch is handed over: a request that
has arrived needs two to come this far."""

Question = TypeVar("Question")
Found = TypeVar("Found")
Read = Callable[[Connection, Sequence[Question]], Sequence[Found]]
"""Answers many questions in one go, in their order."""

KEPT_SECONDS = 0.05
"""How long a connection for reading is kept where a turn ends without a batch (a refusal)."""


class Writer(Protocol):
    """What turns need of the ledger."""

    def sealed(self, work: Work, answer: "asyncio.Future[Receipt]") -> Item:
        """The Work with its entries sealed."""

    def put(self, items: Sequence[Item]) -> None:
        """Hand items over; LedgerUnavailable where they are not taken."""


class Turns:
    """Belongs to one event loop."""

    def __init__(self, writer: Writer, reader: Engine, *, batch: int, limit: int) -> None:
        self._writer = writer
        self._reader = reader
        self._connection: Connection | None = None
        self._batch = batch
        self._limit = limit
        self._gathered: list[Item] = []
        self._unanswered = 0
        self._is_free = asyncio.Event()
        self._is_free.set()
        self._waiting = 0
        self._asked: dict[Any, list[tuple[Any, asyncio.Future[Any]]]] = {}

    async def mine(self) -> None:
        """Wait while a batch of this loop is being written; refuse when too many do."""
        if self._is_free.is_set():
            return
        if self._waiting >= self._limit:
            raise LedgerUnavailable(
                f"{self._limit} submissions are waiting already; try again shortly."
            )
        self._waiting += 1
        try:
            await self._is_free.wait()
        finally:
            self._waiting -= 1

    async def ask(self, read: Read[Question, Found], question: Question) -> Found:
        """What `read` finds, asked once for all who ask the same in this turn."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._read)
        self._asked.setdefault(read, []).append((question, answer))
        return await answer

    def _read(self) -> None:
        asked, self._asked = self._asked, {}
        for read, those in asked.items():
            try:
                with self.reading() as connection:
                    found = read(connection, [question for question, _ in those])
            except Exception as error:  # noqa: BLE001 - each of them raises it
                for _, answer in those:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), one in zip(those, found, strict=True):
                if not answer.done():
                    answer.set_result(one)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with, the same for all that is decided in this turn.

        Nothing of this loop is written meanwhile; what others write, the guards find.
        """
        if self._connection is None:
            self._connection = self._reader.connect()
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._close, self._connection)
        try:
            yield self._connection
        except BaseException:
            self._close(self._connection)
            raise

    def _close(self, connection: Connection | None) -> None:
        if connection is not None and connection is self._connection:
            self._connection = None
            connection.close()

    async def commit(self, work: Work) -> Receipt:
        """Write a Work with everything else that is being decided now; wait for its proof."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Receipt] = loop.create_future()
        self._gathered.append(self._writer.sealed(work, answer))
        if len(self._gathered) == 1:
            loop.call_soon(self._look, loop.call_soon, 1, QUIET_ROUNDS)
        return await answer

    def _look(self, again: Callable[..., object], seen: int, rounds: int) -> None:
        """Hand over when nothing new came for some rounds, or the batch is full."""
        count = len(self._gathered)
        rounds = QUIET_ROUNDS if count > seen else rounds - 1
        if rounds > 0 and count < self._batch:
            again(self._look, again, count, rounds)
            return
        self._close(self._connection)
        items, self._gathered = self._gathered, []
        self._unanswered += len(items)
        self._is_free.clear()
        for item in items:
            assert isinstance(item.answer, asyncio.Future)
            item.answer.add_done_callback(self._answered)
        try:
            self._writer.put(items)
        except LedgerUnavailable as error:
            for item in items:
                if not item.answer.done():
                    item.answer.set_exception(error)

    def _answered(self, _: "asyncio.Future[Receipt]") -> None:
        self._unanswered -= 1
        if self._unanswered == 0:
            self._is_free.set()
