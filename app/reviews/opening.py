"""Asking people now instead of waiting for more evidence; nothing about the decision changes."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, update

from app.auth.keys import Principal
from app.auth.roles import Permission
from app.database import to_text
from app.errors import Problem
from app.evaluations.tables import decision
from app.ids import new_id
from app.jobs import outbox
from app.ledger.work import Conflict, NewEntry, Work
from app.reviews.clock import CLOCK
from app.reviews.reading import review_of, status_now
from app.reviews.tables import review


def opened(
    connection: Connection, asked: Row[Any], who: Principal, now: datetime
) -> tuple[Row[Any], Work | None]:
    """The review to open and the Work that opens it; no Work where it is open already."""
    if Permission.READ not in who.permissions and asked.submitted_by != who.id:
        raise Problem("forbidden", "A submitter opens reviews of its own decisions only.")
    row = review_of(connection, asked.id)
    if row is None:
        detail = "This decision did not escalate, so nobody is asked."
        raise Problem("no-review", detail)
    status = status_now(row, now)
    if status == "open":
        return row, None
    if status != "awaiting_evidence":
        raise Problem("review-closed", f"The review is {status}.")
    due = now + timedelta(hours=row.due_hours)
    expires = now + timedelta(hours=row.expires_hours)

    def advance(within: Connection) -> None:
        changed = within.execute(
            update(review)
            .where(
                review.c.id == row.id,
                review.c.revision == row.revision,
                review.c.status == "awaiting_evidence",
            )
            .values(
                status="open",
                opens_at=now,
                due_at=due,
                expires_at=expires,
                revision=row.revision + 1,
            )
        ).rowcount
        if changed != 1:
            raise Conflict("conflict", "The review changed at the same time.")
        outbox.move(within, CLOCK, row.id, now)
        within.execute(
            update(decision).where(decision.c.id == row.decision).values(deadline=expires)
        )

    entry = NewEntry(
        id=new_id("ent"),
        type="review.opened",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={"decision": row.decision, "digest": row.decision_digest},
        data={"needed": row.needed, "status": "open", "expires_at": to_text(expires)},
    )
    return row, Work(entries=[entry], apply=advance)
