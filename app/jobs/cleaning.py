"""Clean-up: answers past their promise; old jobs, workers and deliveries nobody will ask about."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select

from app.auth.sessions import forget_expired
from app.idempotency.once import forget_before
from app.integrations.tables import registry_delivery
from app.jobs.kinds import Job
from app.jobs.tables import job, worker
from app.ledger.work import Work
from app.notices.tables import delivery, delivery_attempt
from app.runtime import Runtime

KEPT: Final = timedelta(days=30)
DELIVERIES_KEPT: Final = timedelta(days=90)
_EVERY: Final = timedelta(hours=1)


def clean(runtime: Runtime, _: Job, now: datetime) -> datetime | None:
    """Remove what is old enough; again in an hour."""
    runtime.ledger.commit_sync(forget_before(now))
    runtime.ledger.commit_sync(forget_expired(now))

    def drop(connection: Connection) -> None:
        over = job.c.status.in_(("done", "cancelled"))
        connection.execute(delete(job).where(over, job.c.finished_at < now - KEPT))
        connection.execute(delete(worker).where(worker.c.beat_at < now - KEPT))
        connection.execute(
            delete(registry_delivery).where(registry_delivery.c.received_at < now - KEPT)
        )
        old = select(delivery.c.id).where(
            delivery.c.status != "pending", delivery.c.created_at < now - DELIVERIES_KEPT
        )
        connection.execute(delete(delivery_attempt).where(delivery_attempt.c.delivery.in_(old)))
        connection.execute(delete(delivery).where(delivery.c.id.in_(old)))

    runtime.ledger.commit_sync(Work(entries=[], apply=drop))
    return now + _EVERY
