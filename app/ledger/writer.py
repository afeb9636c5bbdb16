"""The ledger: one thread per process through which everything that appends to the log goes.

It answers after the commit and never before; when it cannot write it says so. It stops for good,
with an alarm, as soon as the stored log contradicts what was signed.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.database import IMMEDIATE
from app.ledger.batch import Answer, Item, Outcome, run, settle
from app.ledger.entries import SealedEntry, seal
from app.ledger.faults import for_caller, is_hopeless, is_lost
from app.ledger.head import Log, Signed, append, find_ids, lock_head, open_log
from app.ledger.inbox import Inbox
from app.ledger.keys import Signer
from app.ledger.merkle import Growth
from app.ledger.note import VerifierKey
from app.ledger.signing_keys import PublicKey, log_key, register_log_key
from app.ledger.tiles import LogInconsistent
from app.ledger.work import EntryReceipt, LedgerUnavailable, Receipt, Work
from app.settings import Settings

log = logging.getLogger("clearance.ledger")

LOOK_UP_PAUSES = (0.0, 0.5, 2.0)
"""Seconds before each attempt to look up what became of a lost commit."""

FATE_UNKNOWN = (
    "The connection was lost while the record was being committed, and whether it was recorded "
    "is not known yet. Repeat the request with the same Idempotency-Key."
)


class _FateUnknown(Exception):  # noqa: N818 - named for what it says
    """COMMIT failed: perhaps before the database did it, perhaps after."""

    def __init__(
        self,
        outcomes: Mapping[Item, Outcome],
        entries: Sequence[SealedEntry],
        cause: Exception,
    ) -> None:
        super().__init__()
        self.outcomes = outcomes
        self.entries = entries
        self.cause = cause


class Ledger:
    """Start it once per process, hand it Works, stop it at the end."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        signer: Signer,
        *,
        successor: Signer | None = None,
        current: tuple[PublicKey, ...] = (),
    ) -> None:
        """`current`: other public keys of this process; once one is retired it stops writing."""
        self._engine = engine.execution_options(**{IMMEDIATE: True})
        self._settings = settings
        self._signer = signer
        self._successor = successor
        self._current = current
        self._inbox: Inbox[Item] = Inbox(settings.queue_size)
        self._thread: threading.Thread | None = None
        self._log: Log | None = None
        self._signed: Signed | None = None
        self._alarm: str | None = None

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._opened().origin

    @property
    def verifier_key(self) -> VerifierKey:
        """The public key that checkpoints are signed with."""
        return self._opened().key

    @property
    def alarm(self) -> str | None:
        """Why the ledger stopped writing for good; None as long as all is well."""
        return self._alarm

    @property
    def is_writing(self) -> bool:
        """Whether a Work handed over now would be taken."""
        return self._thread is not None and self._thread.is_alive() and self._alarm is None

    @property
    def waiting(self) -> int:
        """How many Works are queued."""
        return len(self._inbox)

    def start(self) -> None:
        """Check the stored log against its signature, then open for writing.

        Raises LogInconsistent or LedgerUnavailable, and nothing runs then.
        """
        try:
            with self._engine.begin() as connection:
                settings = self._settings
                origin = open_log(connection, settings.log_origin, settings.default_origin)
                key = log_key(self._signer.public_key)
                self._log = Log(origin, self._signer, self._successor, (key, *self._current))
                self._signed = lock_head(connection, self._log, self._signed)
                register_log_key(connection, key)
        except Exception as error:
            raise for_caller(error) from error
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("this ledger has been started already")
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._inbox.open()
        self._thread.start()

    def stop(self) -> None:
        """Refuse new Works, write those that wait, and end; late ones get LedgerUnavailable."""
        self._inbox.close("The service is shutting down.")
        if self._thread is not None:
            self._thread.join(self._settings.stop_timeout_seconds)
        self._refuse_waiting("The service shut down before this was written.")

    async def commit(self, work: Work) -> Receipt:
        """Write a Work and wait for its proof, from an event loop."""
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._hand_over(work, answer)
        return await answer

    def commit_sync(self, work: Work) -> Receipt:
        """Write a Work and wait for its proof, from a thread."""
        answer: concurrent.futures.Future[Receipt] = concurrent.futures.Future()
        self._hand_over(work, answer)
        return answer.result()

    def sealed(self, work: Work, answer: Answer) -> Item:
        """A Work ready for the writer.

        Entries are sealed by the caller's thread: the writer's time is the scarce one.
        """
        if self._alarm is not None:
            raise LedgerUnavailable(self._alarm, retry_after=60)
        origin = self._opened().origin
        return Item(work, tuple(seal(entry, origin) for entry in work.entries), answer)

    def put(self, items: Sequence[Item]) -> None:
        """Hand items to the writer; all of them, or none with LedgerUnavailable."""
        self._inbox.put(items)

    def close_for_good(self, why: str) -> None:
        """Stop writing, with an alarm: an outside copy contradicts the stored log."""
        self._raise_alarm(why)

    def _hand_over(self, work: Work, answer: Answer) -> None:
        self.put([self.sealed(work, answer)])

    def _opened(self) -> Log:
        if self._log is None:
            raise LedgerUnavailable("The record is not open for writing yet.", retry_after=5)
        return self._log

    def _work(self) -> None:
        try:
            while batch := self._inbox.take(self._settings.batch_size):
                settle(self._write(batch))
                del batch  # while it waits for the next, what it wrote need not stay
        except BaseException:
            self._raise_alarm("The writer of the record stopped unexpectedly.")
            log.exception("the ledger's writer thread ended")
            raise
        finally:
            self._refuse_waiting("The record cannot be written.")

    def _write(self, items: Sequence[Item], attempts: int = 2) -> Mapping[Item, Outcome]:
        """One transaction for all; failing that, one for each."""
        if self._alarm is not None:
            return dict.fromkeys(items, LedgerUnavailable(self._alarm, retry_after=60))
        try:
            return self._transaction(items)
        except LogInconsistent as error:
            self._raise_alarm(str(error))
            return self._write(items)
        except _FateUnknown as unknown:
            return self._find_out(items, unknown, attempts)
        except Exception as error:
            if is_lost(error) and attempts > 1:
                return self._write(items, attempts - 1)
            if len(items) == 1 or is_hopeless(error):
                log.warning("a batch of %d could not be written", len(items), exc_info=error)
                return dict.fromkeys(items, for_caller(error))
        outcomes: dict[Item, Outcome] = {}
        for item in items:
            outcomes.update(self._write([item], attempts))
        return outcomes

    def _transaction(self, items: Sequence[Item]) -> Mapping[Item, Outcome]:
        with self._engine.connect() as connection:
            transaction = connection.begin()
            head = lock_head(connection, self._opened(), self._signed)
            held, outcomes = run(connection, items)
            if not held:
                transaction.rollback()
                return outcomes
            entries = [entry for item in held for entry in item.entries]
            growth, signed = None, head
            if entries:
                try:
                    growth, signed = append(connection, self._opened(), head, entries)
                except IntegrityError as error:
                    transaction.rollback()
                    self._require_known_id(connection, entries, error)
                    raise
            outcomes.update(_receipts(held, growth, signed))
            try:
                transaction.commit()
            except Exception as error:
                # SQLAlchemy would give the connection back with its transaction still open.
                connection.invalidate()
                raise _FateUnknown(outcomes, entries, error) from error
        self._signed = signed
        return outcomes

    def _require_known_id(
        self, connection: Connection, entries: Sequence[SealedEntry], error: IntegrityError
    ) -> None:
        """Only an id that is taken may stop an append; anything else is a log beside the head."""
        ids = [entry.id for entry in entries]
        if len(set(ids)) == len(ids) and not find_ids(connection, ids):
            raise LogInconsistent(
                "The log holds entries, tiles or checkpoints beyond its head."
            ) from error

    def _find_out(
        self, items: Sequence[Item], unknown: _FateUnknown, attempts: int
    ) -> Mapping[Item, Outcome]:
        """Look the entries up under the head's lock: the lost transaction has ended by then."""
        ids = [entry.id for entry in unknown.entries[:1]]
        for pause in LOOK_UP_PAUSES if ids else ():
            time.sleep(pause)
            try:
                with self._engine.begin() as connection:
                    head = lock_head(connection, self._opened(), self._signed)
                    is_recorded = bool(find_ids(connection, ids))
            except SQLAlchemyError as error:
                log.warning("the database does not answer after a lost commit", exc_info=error)
                continue
            self._signed = head
            if is_recorded:
                return unknown.outcomes
            if attempts > 1:
                return self._write(items, attempts - 1)
            return dict.fromkeys(items, for_caller(unknown.cause))
        return dict.fromkeys(items, LedgerUnavailable(FATE_UNKNOWN, retry_after=5))

    def _raise_alarm(self, why: str) -> None:
        self._alarm = f"The record is closed for writing: {why}"
        log.critical("ALARM: %s", self._alarm)
        self._inbox.close(self._alarm)

    def _refuse_waiting(self, why: str) -> None:
        while items := self._inbox.take(self._settings.batch_size):
            settle(dict.fromkeys(items, LedgerUnavailable(why, retry_after=5)))


def _receipts(
    held: Sequence[Item], growth: Growth | None, signed: Signed
) -> Mapping[Item, Receipt]:
    receipts = {}
    index = growth.before.size if growth is not None else 0
    for item in held:
        placed = []
        for entry in item.entries:
            proof = growth.inclusion(index) if growth is not None else ()
            placed.append(EntryReceipt(entry.id, index, entry.leaf, proof))
            index += 1
        receipts[item] = Receipt(tuple(placed), signed.note, signed.edge.size)
    return receipts
