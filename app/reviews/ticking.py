"""What the clock does to an open review: opens it, reminds, asks the next role, ends it.

It never answers: a review that nobody closed in time is expired, and its decision is not passed.
What time did is seen by every reader before this runs; here it gets its entry in the log.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, exists, or_, select, update

from app.database import to_text
from app.evaluations.standing import IS_SUPERSEDED
from app.evaluations.tables import decision
from app.ids import new_id
from app.jobs.kinds import Job
from app.jobs.tables import job
from app.ledger.work import Conflict, NewEntry, Work
from app.reviews.clock import CLOCK, clock_of, next_at, rungs_left
from app.reviews.reading import REVIEWS, status_now
from app.reviews.tables import review
from app.runtime import Runtime

_OPEN: Final = ("awaiting_evidence", "open")
_SWEEP_EVERY: Final = timedelta(minutes=1)
_BATCH: Final = 200
_BY: Final = "clearance"


def tick(runtime: Runtime, asked: Job, now: datetime) -> datetime | None:
    """Bring one review to where the time says it is; the answer is when to look again."""
    with runtime.engine.connect() as connection:
        row = connection.execute(REVIEWS.where(review.c.id == asked.key)).first()
    if row is None or row.status not in _OPEN:
        return None
    status = status_now(row, now)
    values, entries = _ended(row, status, now) if status not in _OPEN else _moved(row, status, now)
    if values:
        work = Work(entries=entries, apply=lambda within: _advance(within, row, values))
        runtime.ledger.commit_sync(work)
    after = {**row._mapping, **values}  # noqa: SLF001 - SQLAlchemy's public name
    return next_at(after) if after["status"] in _OPEN else None


def _close_what_is_over(runtime: Runtime, now: datetime) -> None:
    over = or_(IS_SUPERSEDED, decision.c.status == "revoked")
    query = REVIEWS.where(review.c.status.in_(_OPEN), over).limit(_BATCH)
    with runtime.engine.connect() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        values, entries = _ended(row, status_now(row, now), now)
        try:
            runtime.ledger.commit_sync(
                Work(entries=entries, apply=partial(_advance, row=row, values=values))
            )
        except Conflict:
            # Somebody was faster; what is still open is seen in the next round.
            continue


def _ended(row: Row[Any], status: str, now: datetime) -> tuple[dict[str, Any], list[NewEntry]]:
    """expired, superseded or cancelled: over without an answer."""
    data = {"expires_at": to_text(row.expires_at), "needed": row.needed}
    entry = _entry(row, f"review.{status}", now, data)
    return {"status": status, "closed_at": now}, [entry]


def _moved(row: Row[Any], status: str, now: datetime) -> tuple[dict[str, Any], list[NewEntry]]:
    values: dict[str, Any] = {}
    entries: list[NewEntry] = []
    if status != row.status:
        values["status"] = status
        data = {
            "needed": row.needed,
            "status": status,
            "opens_at": to_text(row.opens_at),
            "expires_at": to_text(row.expires_at),
        }
        entries.append(_entry(row, "review.opened", now, data))
    if row.reminded_at is None and now >= row.due_at:
        values["reminded_at"] = now
        data = {"expires_at": to_text(row.expires_at), "needed": row.needed}
        entries.append(_entry(row, "review.reminded", now, data))
    left = rungs_left(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name
    due = [role for hours, role in left if now >= row.opens_at + timedelta(hours=hours)]
    if due:
        values["climbed"] = (row.climbed or 0) + len(due)
        data = {"roles": due, "expires_at": to_text(row.expires_at)}
        entries.append(_entry(row, "review.escalated", now, data))
    return values, entries


def _entry(row: Row[Any], kind: str, now: datetime, data: dict[str, Any]) -> NewEntry:
    return NewEntry(
        id=new_id("ent"),
        type=kind,
        at=now,
        actor=_BY,
        subject=row.id,
        refs={"decision": row.decision, "digest": row.decision_digest},
        data=data,
    )


def _advance(connection: Connection, row: Row[Any], values: dict[str, Any]) -> None:
    changed = connection.execute(
        update(review)
        .where(
            review.c.id == row.id,
            review.c.revision == row.revision,
            review.c.status == row.status,
        )
        .values(revision=row.revision + 1, **values)
    ).rowcount
    if changed != 1:
        raise Conflict("conflict", "The review changed at the same time.")


def sweep(runtime: Runtime, asked: Job, now: datetime) -> datetime | None:
    """Closes what newer evidence or a revocation ended, and gives a clock to what has none.

    Whoever submits again pays nothing for the older question; readers see at once that it is over.
    """
    del asked
    _close_what_is_over(runtime, now)
    clocked = exists().where(and_(job.c.kind == CLOCK, job.c.key == review.c.id))
    query = select(review).where(review.c.status.in_(_OPEN), ~clocked).limit(_BATCH)
    with runtime.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    if rows:
        runtime.ledger.commit_sync(Work(entries=[], rows=[clock_of(row) for row in rows]))
    return now + _SWEEP_EVERY
