"""Reviews as they stand now. Time opens and expires them; a decision's end ends its review."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    Text,
    and_,
    case,
    literal,
    or_,
    select,
    type_coerce,
)

from app.auth.keys import Principal
from app.auth.tables import principal
from app.database import to_text
from app.evaluations.standing import IS_SUPERSEDED, status_of
from app.evaluations.tables import decision
from app.lists import position
from app.reviews.tables import delegation, review, review_comment, sign_off

STATUSES: Final = (
    "awaiting_evidence",
    "open",
    "approved",
    "rejected",
    "expired",
    "cancelled",
    "superseded",
)
IN_DECISION: Final = ("id", "status", "opens_at", "due_at", "expires_at", "needed")
"""What a Decision shows of its review."""

_MOST_COMMENTS: Final = 500
_delegate: Final = principal.alias("delegate")
_UNDECIDED: Final = frozenset({"awaiting_evidence", "open"})
REVIEWS: Final = select(
    review,
    decision.c.digest.label("decision_digest"),
    decision.c.stage,
    decision.c.version,
    decision.c.submitted_by,
    decision.c.evaluation,
    decision.c.document,
    decision.c.status.label("decision_status"),
    decision.c.valid_until,
    decision.c.deadline,
    decision.c.valid_days,
    decision.c.latest_until,
    decision.c.glass_until,
    IS_SUPERSEDED.label("is_superseded"),
).join(decision, decision.c.id == review.c.decision)


def status_now(row: Row[Any], now: datetime) -> str:
    """The status of a row of REVIEWS at a moment."""
    stored: str = row.status
    if stored not in _UNDECIDED:
        return stored
    if row.decision_status == "revoked":
        return "cancelled"
    if row.is_superseded:
        return "superseded"
    if now >= row.expires_at:
        return "expired"
    return "open" if now >= row.opens_at else stored


def status_column(now: datetime) -> ColumnElement[str]:
    """The same in SQL, for lists."""
    undecided = review.c.status.in_(_UNDECIDED)
    return case(
        (~undecided, review.c.status),
        (decision.c.status == "revoked", literal("cancelled", String)),
        (IS_SUPERSEDED, literal("superseded", String)),
        (review.c.expires_at <= now, literal("expired", String)),
        (review.c.opens_at <= now, literal("open", String)),
        else_=review.c.status,
    )


def review_of(connection: Connection, decision_id: str) -> Row[Any] | None:
    """The review that a decision asks for."""
    return connection.execute(REVIEWS.where(review.c.decision == decision_id)).first()


def by_id(connection: Connection, review_id: str, who: Principal) -> Row[Any] | None:
    """A review that the key may see."""
    row = connection.execute(REVIEWS.where(review.c.id == review_id)).first()
    return row if row is not None and who.sees(row.model) else None


def answers(connection: Connection, review_id: str) -> Sequence[Row[Any]]:
    """Everyone's recorded answer, oldest first, with their names."""
    statement = (
        select(sign_off, principal.c.name, _delegate.c.name.label("behalf_name"))
        .join(principal, principal.c.id == sign_off.c.person)
        .join(_delegate, _delegate.c.id == sign_off.c.on_behalf_of, isouter=True)
        .where(sign_off.c.review == review_id)
        .order_by(sign_off.c.signed_at, sign_off.c.id)
    )
    return connection.execute(statement).all()


def needed(row: Row[Any], given: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Each role with how many people it asks for and has. Anyone counts for `*`, each once.

    An approval by a role that the ladder added fills the first seat that is still empty.
    """
    approvals = Counter(item.role for item in given if item.answer == "approve")
    found = [
        {
            "role": role,
            "min": least,
            "have": approvals.total() if role == "*" else approvals[role],
        }
        for role, least in row.needed
    ]
    asked = {role for role, _ in row.needed}
    spare = sum(approvals[role] for role in set(stand_ins(row)) - asked)
    for seat in found if "*" not in asked else ():
        filled = min(spare, max(0, seat["min"] - seat["have"]))
        seat["have"] += filled
        spare -= filled
    return found


def stand_ins(row: Row[Any]) -> list[str]:
    """The roles that the ladder has added so far."""
    return [role for _, role in (row.ladder or [])[: row.climbed or 0]]


def is_met(wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every role has as many approvals as it asks for."""
    return all(item["have"] >= item["min"] for item in wanted)


def shown_in_decision(connection: Connection, row: Row[Any], now: datetime) -> dict[str, Any]:
    """The review as part of its decision."""
    return {
        "id": row.id,
        "status": status_now(row, now),
        "opens_at": to_text(row.opens_at),
        "due_at": to_text(row.due_at),
        "expires_at": to_text(row.expires_at),
        "needed": needed(row, answers(connection, row.id)),
    }


def shown(connection: Connection, row: Row[Any], now: datetime) -> dict[str, Any]:
    """A review by itself, with what was answered."""
    given = answers(connection, row.id)
    return {
        **shown_in_decision(connection, row, now),
        "decision": row.decision,
        "decision_digest": row.decision_digest,
        "decision_status": status_of(
            row.decision_status, row.is_superseded, row.deadline, row.valid_until, now
        ),
        "model": row.model,
        "version": row.version,
        "stage": row.stage,
        "created_at": to_text(row.created_at),
        "closed_at": to_text(row.closed_at) if row.closed_at else None,
        "sign_offs": [answer_json(item) for item in given],
        "comments": [_comment_json(item) for item in comments(connection, row.id)],
        "grants": json.loads(row.document)["grants"],
        "asked_too": stand_ins(row),
        "deferred_until": to_text(row.deferred_until) if row.deferred_until else None,
        "delegations": [_delegation_json(item) for item in delegations(connection, row.id)],
    }


def comments(connection: Connection, review_id: str) -> Sequence[Row[Any]]:
    """What people wrote, oldest first."""
    return connection.execute(
        select(review_comment, principal.c.name)
        .join(principal, principal.c.id == review_comment.c.person)
        .where(review_comment.c.review == review_id)
        .order_by(review_comment.c.created_at, review_comment.c.id)
        .limit(_MOST_COMMENTS)
    ).all()


def delegations(connection: Connection, review_id: str) -> Sequence[Row[Any]]:
    """Who gave their answer to whom."""
    return connection.execute(
        select(
            delegation,
            principal.c.name.label("delegator_name"),
            _delegate.c.name.label("delegate_name"),
        )
        .join(principal, principal.c.id == delegation.c.delegator)
        .join(_delegate, _delegate.c.id == delegation.c.delegate)
        .where(delegation.c.review == review_id)
        .order_by(delegation.c.created_at, delegation.c.id)
    ).all()


def _comment_json(item: Row[Any]) -> dict[str, Any]:
    return {
        "id": item.id,
        "person": item.name,
        "text": item.text,
        "created_at": to_text(item.created_at),
    }


def _delegation_json(item: Row[Any]) -> dict[str, Any]:
    return {
        "id": item.id,
        "role": item.role,
        "from": item.delegator_name,
        "to": item.delegate_name,
        "until": to_text(item.until),
        "reason": item.reason,
        "created_at": to_text(item.created_at),
    }


def answer_json(item: Row[Any]) -> dict[str, Any]:
    """One person's answer."""
    return {
        "id": item.id,
        "person": item.name,
        "role": item.role,
        "on_behalf_of": item.behalf_name,
        "answer": item.answer,
        "comment": item.comment,
        "decision_digest": item.decision_digest,
        "until": to_text(item.until) if item.until else None,
        "signed_at": to_text(item.signed_at),
    }


def listed(
    connection: Connection,
    now: datetime,
    *,
    status: str | None,
    role: str | None,
    cursor: str | None,
    limit: int,
    visible: ColumnElement[bool] | None,
) -> list[Row[Any]]:
    """Up to `limit + 1` reviews, newest first; `role` picks those that ask for it or for anyone."""
    query = REVIEWS.order_by(review.c.created_at.desc(), review.c.id.desc())
    if status is not None:
        query = query.where(status_column(now) == status)
    if visible is not None:
        query = query.where(visible)
    if cursor is not None:
        time, name = position(cursor)
        query = query.where(
            or_(
                review.c.created_at < time,
                and_(review.c.created_at == time, review.c.id < name),
            )
        )
    if role is not None:
        written = type_coerce(review.c.needed, Text)
        asks = [written.contains(f'["{name}",', autoescape=True) for name in (role, "*")]
        query = query.where(or_(*asks))
    return list(connection.execute(query.limit(limit + 1)))
