"""Running one job: claim it, do it, settle it, each by compare-and-set on its row.

The clock is an argument. It knows no engine: tests call `run_due`, the reconciler calls it when an
alarm was lost, and the alarm clock calls `ring` for one job at a time.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, Row, or_, select, update

from app.database import IMMEDIATE
from app.jobs.kinds import Kind, job_of, kind_of
from app.jobs.tables import job
from app.ledger.work import Conflict
from app.runtime import Runtime

log = logging.getLogger("clearance.jobs")

OPEN: Final = ("new", "set")
_MOST_ERROR: Final = 500
_SOON: Final = timedelta(seconds=1)
_BATCH: Final = 100


def ring(runtime: Runtime, job_id: str, wake: int, who: str) -> float:
    """What an alarm does: run the job if it is still meant; seconds to wait if it came early."""
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        row = connection.execute(select(job).where(job.c.id == job_id)).first()
    if row is None or row.wake != wake or row.status not in OPEN:
        return 0.0
    if row.due_at > now:
        return _seconds(row.due_at - now)
    if (claimed := row.claimed_until) is not None and claimed > now and row.claimed_by != who:
        return _seconds(claimed - now)
    run_one(runtime, row, who, now)
    return 0.0


def _seconds(wait: timedelta) -> float:
    return wait.total_seconds()


def run_due(
    runtime: Runtime, now: datetime, who: str = "reconciler", *, late: timedelta = timedelta(0)
) -> int:
    """Run every job that is due, or late by this much; returns how many ran."""
    ran = 0
    for _ in range(_BATCH):
        rows = _due(runtime.engine, now, now - late)
        ran_now = sum(run_one(runtime, row, who, now) for row in rows)
        ran += ran_now
        if ran_now == 0:
            break
    return ran


def _due(engine: Engine, now: datetime, before: datetime) -> Sequence[Row[Any]]:
    free = or_(job.c.claimed_until.is_(None), job.c.claimed_until <= now)
    query = select(job).where(job.c.status.in_(OPEN), job.c.due_at <= before, free)
    with engine.connect() as connection:
        return connection.execute(query.order_by(job.c.due_at, job.c.id).limit(_BATCH)).all()


def run_one(runtime: Runtime, row: Row[Any], who: str, now: datetime) -> bool:
    """Claim a job and run it; False where somebody else has it or it is not meant any more."""
    kind = kind_of(row.kind)
    lasts = kind.lasts if kind is not None else _SOON
    if not _claimed(runtime.engine, row, who, now, now + lasts):
        return False
    if kind is None:
        # A newer version put it. This one leaves it for a worker that knows it.
        _settled(runtime.engine, row, who, due_at=now + timedelta(hours=1), wake=row.wake + 1)
        return True
    try:
        next_at = kind.run(runtime, job_of(row), now)
    except Conflict as moved:
        log.info("job %s %s met a change: %s", row.kind, row.key, moved)
        _settled(runtime.engine, row, who, due_at=now + _SOON, wake=row.wake + 1)
    except Exception as error:  # noqa: BLE001 - whatever it was, the job is tried again
        _failed(runtime.engine, row, kind, who, now, error)
    else:
        done = {"status": "done", "finished_at": now, "failures": 0, "error": None}
        later = {"due_at": next_at, "wake": row.wake + 1, "failures": 0, "error": None}
        _settled(runtime.engine, row, who, **(done if next_at is None else later))
    return True


def _claimed(engine: Engine, row: Row[Any], who: str, now: datetime, until: datetime) -> bool:
    free = or_(job.c.claimed_until.is_(None), job.c.claimed_until <= now, job.c.claimed_by == who)
    with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        claim = (
            update(job)
            .where(job.c.id == row.id, job.c.wake == row.wake, job.c.status.in_(OPEN), free)
            .values(claimed_by=who, claimed_until=until)
        )
        return connection.execute(claim).rowcount == 1


def _settled(engine: Engine, row: Row[Any], who: str, **values: Any) -> None:
    """What comes of a run, unless the job was moved or taken over while it ran."""
    values = {"status": "new", **values, "claimed_by": None, "claimed_until": None}
    mine = (job.c.id == row.id, job.c.claimed_by == who)
    with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        settle = update(job).where(*mine, job.c.wake == row.wake, job.c.status.in_(OPEN))
        if connection.execute(settle.values(**values)).rowcount == 0:
            connection.execute(update(job).where(*mine).values(claimed_by=None, claimed_until=None))


def _failed(
    engine: Engine, row: Row[Any], kind: Kind, who: str, now: datetime, error: Exception
) -> None:
    failures = row.failures + 1
    words = f"{type(error).__name__}: {error}"[:_MOST_ERROR]
    is_dead = kind.gives_up_after is not None and failures >= kind.gives_up_after
    level = logging.ERROR if is_dead else logging.WARNING
    log.log(level, "job %s %s failed (%d): %s", row.kind, row.key, failures, words, exc_info=error)
    values: dict[str, Any] = {"failures": failures, "error": words}
    if is_dead:
        values |= {"status": "dead", "finished_at": now}
    else:
        values |= {"due_at": now + kind.pause(failures), "wake": row.wake + 1}
    _settled(engine, row, who, **values)
