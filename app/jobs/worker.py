"""The worker: hands jobs from the outbox to the alarm clock, and mends what got lost.

One loop, a second per round. It holds no state that a killed worker could lose.
"""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from app.database import IMMEDIATE
from app.jobs.alarm import AlarmClock
from app.jobs.kinds import KINDS, ROUNDS, named
from app.jobs.outbox import put
from app.jobs.running import OPEN, ring, run_due
from app.jobs.standing import SILENT
from app.jobs.tables import job, worker
from app.ledger.work import Conflict, LedgerUnavailable, Work
from app.runtime import Runtime
from app.settings import Settings

log = logging.getLogger("clearance.jobs")

_POLL_SECONDS: Final = 1.0
_BEAT: Final = timedelta(seconds=10)
_MEND: Final = timedelta(seconds=60)
_FORGET: Final = timedelta(hours=1)
_KEPT: Final = timedelta(days=7)
_BATCH: Final = 200
_PATIENCE_SECONDS: Final = 5
_SWEEP_LOCK: Final = 0x636C6A62
"""PostgreSQL advisory lock: two sweepers at a time would take from each other."""


def name_of(settings: Settings, queues: Sequence[str]) -> str:
    """Who this worker is. On SQLite a restarted worker is the same one and resumes its own."""
    if settings.is_sqlite:
        return f"local-{'-'.join(sorted(queues))}"
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


class Worker:
    """Runs until it is told to stop."""

    def __init__(self, runtime: Runtime, queues: Sequence[str]) -> None:
        self._runtime = runtime
        self._queues = tuple(queues)
        self.name = name_of(runtime.settings, self._queues)
        self._clock = AlarmClock(runtime.settings, self.name, self._queues, self._ring)
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the round that is under way. Safe to call from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped. What fails once is tried again in the next round."""
        self._introduce(self._runtime.clock())
        self._clock.start()
        try:
            self._rounds()
        finally:
            self._clock.stop(_PATIENCE_SECONDS)
            with self._writing() as connection:
                gone = update(worker).where(worker.c.id == self.name)
                connection.execute(gone.values(stopped_at=self._runtime.clock()))
                # What outlasted our patience ends with this process; others may have it now.
                _free_claims(connection, [self.name])

    def _rounds(self) -> None:
        long_ago = self._runtime.clock() - timedelta(days=1)
        beaten, mended, forgotten = long_ago, long_ago, long_ago
        while not self._stop.is_set():
            now = self._runtime.clock()
            try:
                if now - beaten >= _BEAT:
                    self._beat(now)
                    beaten = now
                for function in ROUNDS:
                    named(function)(self._runtime, now)
                handed = self._hand_over(now)
                if now - mended >= _MEND:
                    self._mend(now)
                    mended = now
                if now - forgotten >= _FORGET:
                    self._clock.forget(now - _KEPT)
                    forgotten = now
            except Exception:
                log.exception("a round of the worker failed; it goes on")
                handed = 0
            if handed < _BATCH:
                self._stop.wait(_POLL_SECONDS)

    def _ring(self, job_id: str, wake: int) -> float:
        return ring(self._runtime, job_id, wake, self.name)

    def _introduce(self, now: datetime) -> None:
        """Say who is here, take up claims of an earlier life, put the recurring jobs."""
        values = {"queues": list(self._queues), "started_at": now, "beat_at": now}
        with self._writing() as connection:
            mine = update(worker).where(worker.c.id == self.name)
            if connection.execute(mine.values(**values, stopped_at=None)).rowcount == 0:
                connection.execute(insert(worker).values(id=self.name, stopped_at=None, **values))
            _free_claims(connection, [self.name])
        recurring = [
            put(name, name, {}, now=now, queue=kind.queue)
            for name, kind in KINDS.items()
            if kind.recurring
        ]
        try:
            self._runtime.ledger.commit_sync(Work(entries=[], rows=recurring))
        except (Conflict, LedgerUnavailable) as error:
            log.warning("the recurring jobs were not put: %s", error)

    def _beat(self, now: datetime) -> None:
        with self._writing() as connection:
            mine = update(worker).where(worker.c.id == self.name)
            connection.execute(mine.values(beat_at=now))

    def _hand_over(self, now: datetime) -> int:
        """Set an alarm for every new job, and note it; an alarm set twice rings once."""
        query = select(job).where(job.c.status == "new").order_by(job.c.due_at, job.c.id)
        with self._runtime.engine.connect() as connection:
            rows = connection.execute(query.limit(_BATCH)).all()
        for row in rows:
            self._clock.set(row.id, row.wake, row.queue, (row.due_at - now).total_seconds())
        if rows:
            with self._writing() as connection:
                for row in rows:
                    same = (job.c.id == row.id, job.c.wake == row.wake, job.c.status == "new")
                    connection.execute(update(job).where(*same).values(status="set"))
        return len(rows)

    def _mend(self, now: datetime) -> None:
        """What a lost alarm left lying is run now; what dead workers held is taken over."""
        with self._alone() as may:
            if may:
                dead = self._buried(now)
                if taken := self._clock.take_over(dead):
                    log.warning("took over %d alarms of dead workers", taken)
        if ran := run_due(self._runtime, now, f"{self.name}-reconciler", late=SILENT):
            log.warning("ran %d jobs whose alarm never rang", ran)

    def _buried(self, now: datetime) -> Sequence[str]:
        silent = (worker.c.beat_at < now - SILENT, worker.c.stopped_at.is_(None))
        with self._writing() as connection:
            dead = connection.execute(select(worker.c.id).where(*silent)).scalars().all()
            _free_claims(connection, dead)
            connection.execute(update(worker).where(worker.c.id.in_(dead)).values(stopped_at=now))
        return dead

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other worker sweeps at this moment; on SQLite workers take turns anyway."""
        if self._runtime.settings.is_sqlite:
            yield True
            return
        with self._runtime.engine.begin() as connection:
            lock = select(func.pg_try_advisory_xact_lock(_SWEEP_LOCK))
            yield bool(connection.execute(lock).scalar_one())

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._runtime.engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
            yield connection


def _free_claims(connection: Connection, owners: Sequence[str]) -> None:
    connection.execute(
        update(job)
        .where(job.c.claimed_by.in_(owners), job.c.status.in_(OPEN))
        .values(claimed_by=None, claimed_until=None)
    )
