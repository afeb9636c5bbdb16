"""Subscriptions and deliveries for lists."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Row, and_, or_, select

from app.database import to_text
from app.lists import position
from app.notices.tables import delivery, delivery_attempt, subscription


class ReplayedOut(BaseModel):
    """A delivery that is sent again."""

    id: str
    status: str


def subscriptions(connection: Connection, *, cursor: str | None, limit: int) -> Sequence[Row[Any]]:
    """Up to `limit + 1` that were not deleted, newest first."""
    query = select(subscription).where(subscription.c.status != "deleted")
    query = query.order_by(subscription.c.created_at.desc(), subscription.c.id.desc())
    if cursor is not None:
        time, name = position(cursor)
        same = and_(subscription.c.created_at == time, subscription.c.id < name)
        query = query.where(or_(subscription.c.created_at < time, same))
    return connection.execute(query.limit(limit + 1)).all()


def deliveries(
    connection: Connection, name: str, *, status: str | None, cursor: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit + 1` of a subscription, newest first."""
    query = select(delivery).where(delivery.c.subscription == name)
    query = query.order_by(delivery.c.created_at.desc(), delivery.c.id.desc())
    if status is not None:
        query = query.where(delivery.c.status == status)
    if cursor is not None:
        time, after = position(cursor)
        same = and_(delivery.c.created_at == time, delivery.c.id < after)
        query = query.where(or_(delivery.c.created_at < time, same))
    return connection.execute(query.limit(limit + 1)).all()


def delivery_json(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    """A delivery with every try."""
    tries = connection.execute(
        select(delivery_attempt)
        .where(delivery_attempt.c.delivery == row.id)
        .order_by(delivery_attempt.c.number)
    )
    return {
        "id": row.id,
        "type": row.type,
        "entry": row.entry,
        "status": row.status,
        "created_at": to_text(row.created_at),
        "next_at": to_text(row.next_at) if row.next_at else None,
        "delivered_at": to_text(row.delivered_at) if row.delivered_at else None,
        "attempts": [
            {
                "number": item.number,
                "at": to_text(item.at),
                "status": item.status,
                "detail": item.detail,
            }
            for item in tries
        ],
    }
