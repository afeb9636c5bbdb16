"""How the long work stands, for those who run the service. A stopped engine changes no verdict."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select

from app.jobs.running import OPEN
from app.jobs.tables import job, worker

SILENT: Final = timedelta(seconds=60)
"""After this long without a sign a worker is dead, and a due job is late."""


def standing(connection: Connection, now: datetime) -> Mapping[str, Any]:
    """Workers alive, jobs due and not done, failing or given up, and that in one word."""
    alive = connection.execute(
        select(func.count()).where(worker.c.beat_at >= now - SILENT, worker.c.stopped_at.is_(None))
    ).scalar_one()
    late = connection.execute(
        select(func.count()).where(job.c.status.in_(OPEN), job.c.due_at <= now - 2 * SILENT)
    ).scalar_one()
    failing = connection.execute(
        select(func.count()).where(job.c.status.in_(OPEN), job.c.error.is_not(None))
    ).scalar_one()
    dead = connection.execute(select(func.count()).where(job.c.status == "dead")).scalar_one()
    word = "late" if late else "running"
    return {
        "jobs": word if alive else "stopped",
        "jobs_late": late,
        "jobs_failing": failing,
        "jobs_dead": dead,
    }
