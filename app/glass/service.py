"""Breaking the glass and judging it afterwards. The verdict stays what the engine said.

It gives at most 24 hours, is never a baseline or a passed stage for what comes after, and cannot
end without another person having looked at it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, update

from app.auth.keys import Principal, is_admin_elsewhere
from app.database import to_text
from app.errors import Problem
from app.evaluations.standing import status_at
from app.evaluations.tables import decision
from app.glass.reading import GLASS, review_status
from app.glass.schemas import AfterwardsIn, BreakGlassIn
from app.glass.tables import break_glass
from app.idempotency.changing import Change
from app.ids import new_id
from app.jobs import outbox
from app.jobs.kinds import Job
from app.ledger.work import Conflict, NewEntry, Work
from app.lists import position
from app.models.revision import touch
from app.runtime import Runtime

CLOCK: Final = "break_glass.clock"
REVIEW_WITHIN: Final = timedelta(hours=72)
_BREAKABLE: Final = ("failed", "pending", "expired")


def broken(
    connection: Connection, row: Row[Any], given: BreakGlassIn, who: Principal, now: datetime
) -> Change:
    """Let a decision's candidate through for a while; opens a review after the fact."""
    if not who.is_person or is_admin_elsewhere(connection, who.id, now):
        raise Problem("forbidden", "Only a person who is no admin breaks the glass.")
    status = status_at(row, now)
    if status not in _BREAKABLE:
        raise Problem("not-breakable", f"This decision is {status}; there is no glass to break.")
    values = {
        "id": new_id("bgl"),
        "decision": row.id,
        "model": row.model,
        "person": who.id,
        "reason": given.reason,
        "used_at": now,
        "until": now + timedelta(hours=given.hours),
        "review_due_at": now + REVIEW_WITHIN,
        "outcome": None,
        "reviewed_by": None,
        "reviewed_at": None,
        "comment": None,
        "overdue_at": None,
    }

    def let_through(within: Connection) -> None:
        changed = within.execute(
            update(decision)
            .where(decision.c.id == row.id, decision.c.status == row.status)
            .values(glass_until=values["until"])
        ).rowcount
        if changed != 1:
            raise Conflict("conflict", "The decision changed at the same time.")
        touch(within, row.model, now)

    entry = NewEntry(
        id=new_id("ent"),
        type="break_glass.used",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={"break_glass": values["id"], "digest": row.digest},
        data={
            "was": status,
            "verdict": row.verdict,
            "glass_until": _text(values["until"]),
            "review_due_at": _text(values["review_due_at"]),
        },
        private={"reason": given.reason},
    )
    clock = outbox.put(CLOCK, str(values["id"]), {}, now=now, due_at=now + REVIEW_WITHIN)
    body = _shown({**values, "name": who.name, "reviewer_name": None}, now)
    work = Work(entries=[entry], rows=[(break_glass, [values]), clock], apply=let_through)
    return Change(work, body)


def judged(
    connection: Connection, name: str, given: AfterwardsIn, who: Principal, now: datetime
) -> Change:
    """Another person's word on it; `unjustified` ends what is left of it at once."""
    row = found(connection, name, who)
    if not who.is_person or is_admin_elsewhere(connection, who.id, now):
        raise Problem("forbidden", "Only a person who is no admin reviews this.")
    if who.id == row.person:
        raise Problem("forbidden", "Who broke the glass does not judge it.")
    if row.outcome is not None:
        raise Problem("review-closed", f"This was judged already: {row.outcome}.")
    ends = given.outcome == "unjustified" and row.until > now
    until = now if ends else row.until

    def settle(within: Connection) -> None:
        changed = within.execute(
            update(break_glass)
            .where(break_glass.c.id == row.id, break_glass.c.outcome.is_(None))
            .values(
                outcome=given.outcome,
                reviewed_by=who.id,
                reviewed_at=now,
                comment=given.comment,
                until=until,
            )
        ).rowcount
        if changed != 1:
            raise Conflict("review-closed", "Somebody judged it at the same time.")
        if ends:
            within.execute(
                update(decision)
                .where(decision.c.id == row.decision, decision.c.glass_until == row.until)
                .values(glass_until=now)
            )
            touch(within, row.model, now)
        outbox.cancel(within, CLOCK, row.id, now)

    entry = NewEntry(
        id=new_id("ent"),
        type="break_glass.reviewed",
        at=now,
        actor=who.id,
        subject=row.decision,
        refs={"break_glass": row.id},
        data={"outcome": given.outcome, "glass_until": to_text(until)},
        private={"comment": given.comment},
    )
    after = {
        **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name
        "outcome": given.outcome,
        "reviewed_at": now,
        "reviewer_name": who.name,
        "comment": given.comment,
        "until": until,
    }
    return Change(Work(entries=[entry], apply=settle), _shown(after, now))


def tick(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """The clock of one use: says loudly that nobody looked at it in time."""
    with runtime.engine.connect() as connection:
        row = connection.execute(GLASS.where(break_glass.c.id == job.key)).first()
    if row is None or row.outcome is not None or row.overdue_at is not None:
        return None
    due: datetime = row.review_due_at
    if now < due:
        return due

    def note(within: Connection) -> None:
        changed = within.execute(
            update(break_glass)
            .where(
                break_glass.c.id == row.id,
                break_glass.c.outcome.is_(None),
                break_glass.c.overdue_at.is_(None),
            )
            .values(overdue_at=now)
        ).rowcount
        if changed != 1:
            raise Conflict("conflict", "It was judged at the same time.")

    entry = NewEntry(
        id=new_id("ent"),
        type="break_glass.overdue",
        at=now,
        actor="clearance",
        subject=row.decision,
        refs={"break_glass": row.id},
        data={"review_due_at": to_text(due)},
    )
    runtime.ledger.commit_sync(Work(entries=[entry], apply=note))
    return None


def found(connection: Connection, name: str, who: Principal) -> Row[Any]:
    """One use of the glass that the key may see."""
    row = connection.execute(GLASS.where(break_glass.c.id == name)).first()
    if row is None or not who.sees(row.model):
        raise Problem("break-glass-not-found", "No such use is visible to you.")
    return row


def listed(
    connection: Connection,
    *,
    is_open: bool | None,
    decision_id: str | None,
    cursor: str | None,
    limit: int,
    visible: ColumnElement[bool] | None,
) -> list[Row[Any]]:
    """Up to `limit + 1` uses, newest first."""
    query = GLASS.order_by(break_glass.c.used_at.desc(), break_glass.c.id.desc())
    if is_open is not None:
        empty = break_glass.c.outcome.is_(None)
        query = query.where(empty if is_open else ~empty)
    if decision_id is not None:
        query = query.where(break_glass.c.decision == decision_id)
    if visible is not None:
        query = query.where(visible)
    if cursor is not None:
        time, name = position(cursor)
        same = and_(break_glass.c.used_at == time, break_glass.c.id < name)
        query = query.where(or_(break_glass.c.used_at < time, same))
    return list(connection.execute(query.limit(limit + 1)))


def shown(row: Row[Any], now: datetime) -> dict[str, Any]:
    """A use as an answer."""
    return _shown(dict(row._mapping), now)  # noqa: SLF001 - SQLAlchemy's public name


def _shown(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    due = values["review_due_at"]
    return {
        **{name: values[name] for name in ("id", "decision", "model", "reason", "outcome")},
        "person": values["name"],
        "used_at": _text(values["used_at"]),
        "until": _text(values["until"]),
        "review_status": review_status(values["outcome"], due, now),
        "review_due_at": _text(due),
        "reviewed_by": values["reviewer_name"],
        "reviewed_at": _text(values["reviewed_at"]) if values["reviewed_at"] else None,
        "comment": values["comment"],
    }


def _text(time: Any) -> str:
    assert isinstance(time, datetime)
    return to_text(time)
