"""Putting work into the outbox, in the transaction that makes it necessary; moving, cancelling it.

Nothing here runs a job or knows the engine. A Work that fails takes its jobs with it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, update

from app.ids import new_id
from app.jobs.tables import job

DEFAULT = "default"
CPU = "cpu"
"""The queue for what keeps a processor busy; a worker of its own can listen to it."""

_OPEN = ("new", "set")


def put(
    kind: str,
    key: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    due_at: datetime | None = None,
    queue: str = DEFAULT,
) -> tuple[Table, Sequence[Mapping[str, Any]]]:
    """A row for `Work.rows`: run this kind of job at `due_at`, or as soon as possible."""
    values = {
        "id": new_id("job"),
        "kind": kind,
        "key": key,
        "payload": dict(payload),
        "queue": queue,
        "status": "new",
        "due_at": due_at or now,
        "wake": 1,
        "failures": 0,
        "error": None,
        "claimed_by": None,
        "claimed_until": None,
        "created_at": now,
        "finished_at": None,
    }
    return job, [values]


def move(connection: Connection, kind: str, key: str, due_at: datetime) -> bool:
    """Let an open job run at another time; False where there is none. For `Work.apply`."""
    changed = connection.execute(
        update(job)
        .where(job.c.kind == kind, job.c.key == key, job.c.status.in_(_OPEN))
        .values(due_at=due_at, wake=job.c.wake + 1, status="new")
    )
    return changed.rowcount == 1


def again(connection: Connection, kind: str, key: str, now: datetime) -> bool:
    """Run a job once more, finished or not; False where none has this name. For `Work.apply`."""
    changed = connection.execute(
        update(job)
        .where(job.c.kind == kind, job.c.key == key)
        .values(due_at=now, wake=job.c.wake + 1, status="new", failures=0, finished_at=None)
    )
    return changed.rowcount == 1


def cancel(connection: Connection, kind: str, key: str, now: datetime) -> bool:
    """Take back an open job; False where there is none. For `Work.apply`."""
    changed = connection.execute(
        update(job)
        .where(job.c.kind == kind, job.c.key == key, job.c.status.in_(_OPEN))
        .values(status="cancelled", finished_at=now)
    )
    return changed.rowcount == 1
