"""Waivers as they stand now: for the engine, for one's own eyes, for lists."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)

from app.auth.tables import principal
from app.database import to_text
from app.lists import position
from app.waivers.tables import decision_waiver, waiver, waiver_approval
from gates.waivers import Waiver

NEEDED: Final = 2
"""People who must approve, besides whoever asked."""

_UNDECIDED: Final = ("requested", "approved")
WAIVERS: Final = select(waiver, principal.c.name.label("requester")).join(
    principal, principal.c.id == waiver.c.requested_by
)


def status_now(row: Row[Any], now: datetime) -> str:
    """What was recorded, ended by the clock."""
    stored: str = row.status
    return "expired" if stored in _UNDECIDED and now >= row.expires_at else stored


def status_column(now: datetime) -> ColumnElement[str]:
    """The same in SQL, for lists."""
    over = and_(waiver.c.status.in_(_UNDECIDED), waiver.c.expires_at <= now)
    return case((over, literal("expired", String)), else_=waiver.c.status)


def approved(connection: Connection) -> tuple[Waiver, ...]:
    """All approved waivers as the engine's values; it looks at the time itself.

    The approvals are counted again: a status alone, which somebody could write, waives nothing.
    What people wrote stays out: the engine does not read it, and what a decision was made from is
    evidence, which outlives them.
    """
    people = select(func.count()).where(waiver_approval.c.waiver == waiver.c.id).scalar_subquery()
    stands = (waiver.c.status == "approved", people >= NEEDED)
    rows = connection.execute(select(waiver).where(*stands).order_by(waiver.c.id))
    return tuple(
        Waiver(
            id=row.id,
            rule=row.rule,
            model=row.model,
            reason="",
            expires_at=row.expires_at,
            approved_at=row.approved_at,
            versions=tuple(row.versions),
            digest=row.digest,
            stage=row.stage,
            slice=None if row.slice is None else tuple(sorted(row.slice.items())),
        )
        for row in rows
    )


def by_id(connection: Connection, waiver_id: str) -> Row[Any] | None:
    """One waiver."""
    return connection.execute(WAIVERS.where(waiver.c.id == waiver_id)).first()


def approvals(connection: Connection, waiver_id: str) -> Sequence[Row[Any]]:
    """Who approved it, oldest first."""
    return connection.execute(
        select(waiver_approval, principal.c.name)
        .join(principal, principal.c.id == waiver_approval.c.person)
        .where(waiver_approval.c.waiver == waiver_id)
        .order_by(waiver_approval.c.approved_at, waiver_approval.c.id)
    ).all()


def resting(connection: Connection, waiver_id: str, limit: int | None = None) -> Sequence[str]:
    """The decisions that applied it, newest first."""
    query = select(decision_waiver.c.decision).where(decision_waiver.c.waiver == waiver_id)
    query = query.order_by(decision_waiver.c.decision.desc()).limit(limit)
    return connection.execute(query).scalars().all()


def shown(connection: Connection, row: Row[Any], now: datetime) -> dict[str, Any]:
    """A waiver as an answer."""
    given = approvals(connection, row.id)
    return {
        **scope_json(row),
        "id": row.id,
        "status": status_now(row, now),
        "requested_by": row.requester,
        "requested_at": to_text(row.requested_at),
        "expires_at": to_text(row.expires_at),
        "approved_at": to_text(row.approved_at) if row.approved_at else None,
        "revoked_at": to_text(row.revoked_at) if row.revoked_at else None,
        "approvals": [
            {"person": item.name, "approved_at": to_text(item.approved_at)} for item in given
        ],
        "approvals_needed": NEEDED,
        "decisions": list(resting(connection, row.id, 50)),
    }


def scope_json(row: Any) -> dict[str, Any]:
    """What a waiver covers and why."""
    names = (
        *("rule", "model", "versions", "digest", "stage", "slice"),
        *("reason", "compensating_control", "owner"),
    )
    return {name: getattr(row, name) for name in names}


def listed(
    connection: Connection,
    now: datetime,
    *,
    status: str | None,
    rule: str | None,
    cursor: str | None,
    limit: int,
    visible: ColumnElement[bool] | None,
) -> list[Row[Any]]:
    """Up to `limit + 1` waivers, newest first."""
    query = WAIVERS.order_by(waiver.c.requested_at.desc(), waiver.c.id.desc())
    if status is not None:
        query = query.where(status_column(now) == status)
    if rule is not None:
        query = query.where(waiver.c.rule == rule)
    if visible is not None:
        query = query.where(visible)
    if cursor is not None:
        time, name = position(cursor)
        same = and_(waiver.c.requested_at == time, waiver.c.id < name)
        query = query.where(or_(waiver.c.requested_at < time, same))
    return list(connection.execute(query.limit(limit + 1)))
