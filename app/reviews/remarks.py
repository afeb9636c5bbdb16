"""What people do to a review beside answering it: delegate, defer, comment."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from app.auth.keys import Principal, is_admin_elsewhere
from app.auth.tables import principal
from app.database import to_text
from app.errors import Problem
from app.idempotency.changing import Change
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work
from app.reviews.barring import involved, is_asked, is_open, not_barred
from app.reviews.reading import answers, by_id, delegations, shown, status_now
from app.reviews.schemas import CommentIn, DeferralIn, DelegationIn
from app.reviews.tables import delegation, review, review_comment


def found(connection: Connection, review_id: str, who: Principal) -> Row[Any]:
    """A review that the key may see, or 404."""
    row = by_id(connection, review_id, who)
    if row is None:
        raise Problem("review-not-found", "No review of this name is visible to you.")
    return row


def delegated(
    connection: Connection, review_id: str, given: DelegationIn, who: Principal, now: datetime
) -> Change:
    """Give one's answer for a role to another person until a date. It goes no further."""
    row = found(connection, review_id, who)
    not_barred(connection, row, who, now)
    if given.role not in who.stakes_at(row.model):
        raise Problem("forbidden", f"You do not have the role reviewer:{given.role} to give away.")
    is_asked(row, given.role)
    is_open(row, status_now(row, now))
    if not now < given.until <= row.expires_at:
        detail = f"`until` must lie ahead and before the deadline {to_text(row.expires_at)}."
        raise Problem("invalid-request", detail)
    if any(who.id in {item.person, item.on_behalf_of} for item in answers(connection, row.id)):
        raise Problem("already-answered", "You have answered this review already.")
    if any(d.delegator == who.id and d.role == given.role for d in delegations(connection, row.id)):
        raise Problem("delegated", "You gave this answer to somebody already.")
    to = _person(connection, row, given.to, who, now)
    values = {
        "id": new_id("dlg"),
        "review": row.id,
        "role": given.role,
        "delegator": who.id,
        "delegate": to.id,
        "until": given.until,
        "reason": given.reason,
        "created_at": now,
    }
    entry = NewEntry(
        id=new_id("ent"),
        type="review.delegated",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={"decision": row.decision, "delegation": values["id"]},
        data={"role": given.role, "to": to.id, "until": to_text(given.until)},
        private={"reason": given.reason},
    )
    body = shown(connection, row, now)
    body["delegations"].append(
        {
            **{name: values[name] for name in ("id", "role", "reason")},
            "from": who.name,
            "to": to.name,
            "until": to_text(given.until),
            "created_at": to_text(now),
        }
    )
    work = Work(entries=[entry], rows=[(delegation, [values])], apply=lambda c: _touch(c, row))
    return Change(work, body)


def _person(
    connection: Connection, row: Row[Any], name: str, who: Principal, now: datetime
) -> Row[Any]:
    to = connection.execute(
        select(principal).where(principal.c.name == name, principal.c.kind == "person")
    ).first()
    if to is None:
        raise Problem("invalid-request", f"No person is known here as {name!r}.")
    if to.id == who.id:
        raise Problem("invalid-request", "You cannot delegate to yourself.")
    if is_admin_elsewhere(connection, to.id, now):
        raise Problem("forbidden", "An admin does not sign off; choose somebody without that role.")
    if why := involved(connection, row, to.id):
        raise Problem("forbidden", why)
    return to


def deferred(
    connection: Connection, review_id: str, given: DeferralIn, who: Principal, now: datetime
) -> Change:
    """Not to be approved before a time. The deadline stays where it is."""
    row = found(connection, review_id, who)
    not_barred(connection, row, who, now)
    _holds_a_seat(row, who)
    is_open(row, status_now(row, now))
    if not now < given.until < row.expires_at:
        detail = f"`until` must lie ahead and before the deadline {to_text(row.expires_at)}."
        raise Problem("invalid-request", detail)
    entry = NewEntry(
        id=new_id("ent"),
        type="review.deferred",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={"decision": row.decision},
        data={"until": to_text(given.until)},
        private={"reason": given.reason},
    )
    body = {**shown(connection, row, now), "deferred_until": to_text(given.until)}
    work = Work(entries=[entry], apply=lambda c: _touch(c, row, deferred_until=given.until))
    return Change(work, body)


def _holds_a_seat(row: Row[Any], who: Principal) -> None:
    for stake in sorted(who.stakes_at(row.model)):
        try:
            is_asked(row, stake)
        except Problem:
            continue
        return
    raise Problem("forbidden", "The review asks for no role of yours.")


def commented(
    connection: Connection, review_id: str, given: CommentIn, who: Principal, now: datetime
) -> Change:
    """A remark beside the question, by anyone who may ask for it or answer it."""
    row = found(connection, review_id, who)
    values = {
        "id": new_id("cmt"),
        "review": row.id,
        "person": who.id,
        "text": given.text,
        "created_at": now,
    }
    entry = NewEntry(
        id=new_id("ent"),
        type="review.commented",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={"decision": row.decision, "comment": values["id"]},
        private={"comment": given.text},
    )
    body = {
        **{name: values[name] for name in ("id", "text")},
        "person": who.name,
        "created_at": to_text(now),
    }
    return Change(Work(entries=[entry], rows=[(review_comment, [values])]), body)


def _touch(connection: Connection, row: Row[Any], **values: Any) -> None:
    changed = connection.execute(
        update(review)
        .where(review.c.id == row.id, review.c.revision == row.revision)
        .values(revision=row.revision + 1, **values)
    ).rowcount
    if changed != 1:
        raise Conflict("conflict", "The review changed at the same time.")
