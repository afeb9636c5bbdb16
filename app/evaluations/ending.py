"""What the clock ends: a clearance whose validity is over gets its entry in the log, once.

Every reader has seen the end before (`standing.status_at`), with or without a worker; here it is
written down, so that the record and whoever subscribes hear of it. It changes no status.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from app.database import to_text
from app.evaluations.standing import is_replaced
from app.evaluations.tables import decision
from app.ids import new_id
from app.jobs.kinds import Job
from app.ledger.work import Conflict, NewEntry, Work
from app.reviews.tables import review, sign_off
from app.runtime import Runtime
from app.waivers.tables import decision_waiver, waiver

_EVERY: Final = timedelta(minutes=1)
_BATCH: Final = 200
_UNNOTED: Final = (decision.c.status == "passed", decision.c.end_noted_at.is_(None))


def sweep(runtime: Runtime, asked: Job, now: datetime) -> datetime | None:
    """Note every clearance that is over; again when the next one ends, and within a minute."""
    del asked
    while rows := _over(runtime, now):
        runtime.ledger.commit_sync(_work(rows, now))
    with runtime.engine.connect() as connection:
        first = select(func.min(decision.c.valid_until)).where(*_UNNOTED)
        ends_next: datetime | None = connection.execute(first).scalar_one()
    return min(now + _EVERY, ends_next or now + _EVERY)


def _over(runtime: Runtime, now: datetime) -> Sequence[tuple[Row[Any], dict[str, str]]]:
    """Passes that are over and were not noted yet, each with why; the oldest first."""
    query = (
        select(decision, is_replaced(now).label("is_replaced"))
        .where(*_UNNOTED, decision.c.valid_until <= now)
        .order_by(decision.c.valid_until, decision.c.id)
        .limit(_BATCH)
    )
    with runtime.engine.connect() as connection:
        return [(row, _why(connection, row)) for row in connection.execute(query).all()]


def _why(connection: Connection, row: Row[Any]) -> dict[str, str]:
    """What set the end: a waiver, a document, what an approval said, or the policy's days."""
    if row.valid_until == row.latest_until:
        applied = connection.execute(
            select(waiver.c.id)
            .join(decision_waiver, decision_waiver.c.waiver == waiver.c.id)
            .where(decision_waiver.c.decision == row.id, waiver.c.expires_at == row.valid_until)
            .order_by(waiver.c.id)
            .limit(1)
        ).scalar_one_or_none()
        # The engine ends a decision by the waivers it applied and the documents it relied on only.
        if applied is not None:
            return {"because": "waiver.expired", "waiver": applied}
        return {"because": "document.expired"}
    said = connection.execute(
        select(sign_off.c.id)
        .join(review, review.c.id == sign_off.c.review)
        .where(review.c.decision == row.id, sign_off.c.until == row.valid_until)
        .order_by(sign_off.c.id)
        .limit(1)
    ).scalar_one_or_none()
    if said is not None:
        return {"because": "approval.until", "sign_off": said}
    return {"because": "valid_days"}


def _work(rows: Sequence[tuple[Row[Any], dict[str, str]]], now: datetime) -> Work:
    """An entry for each clearance that ended; a pass that was replaced before ends nothing."""
    ended = [(row, why) for row, why in rows if not row.is_replaced]

    def note(within: Connection) -> None:
        names = [row.id for row, _ in rows]
        changed = within.execute(
            update(decision)
            .where(decision.c.id.in_(names), *_UNNOTED, decision.c.valid_until <= now)
            .values(end_noted_at=now)
        ).rowcount
        if changed != len(names):
            raise Conflict("conflict", "A decision changed while its end was noted.")

    return Work(entries=[_entry(row, why, now) for row, why in ended], apply=note)


def _entry(row: Row[Any], why: dict[str, str], now: datetime) -> NewEntry:
    refs = {name: value for name, value in why.items() if name != "because"}
    return NewEntry(
        id=new_id("ent"),
        type="decision.expired",
        at=now,
        actor="clearance",
        subject=row.id,
        refs={"digest": row.digest, **refs},
        data={"because": why["because"], "valid_until": to_text(row.valid_until)},
    )
