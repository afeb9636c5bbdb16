"""From the log to deliveries: each new entry, once, to everyone who asked to hear of it.

The log is the outbox: what is not recorded is not told, and nothing is written twice for it. The
request that appended an entry pays nothing for those who listen.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from app.ids import new_id
from app.jobs import outbox
from app.ledger.tables import audit_entry, audit_head
from app.ledger.work import Conflict, Work
from app.notices.cdevents import cdevent
from app.notices.events import event_of, matches, told
from app.notices.service import DELIVER
from app.notices.tables import delivery, notice_cursor, subscription
from app.replies import json_bytes
from app.runtime import Runtime

_BATCH: Final = 200


def fan_out(runtime: Runtime, now: datetime) -> int:
    """Prepare what is to be sent for the next entries; how many entries were read."""
    with runtime.engine.connect() as connection:
        active = connection.execute(
            select(subscription).where(subscription.c.status == "active")
        ).all()
        if not active:
            return 0
        stored = connection.execute(select(notice_cursor.c.next_index)).scalar_one_or_none()
        start: int = max(stored or 0, min(row.since for row in active))
        size: int = connection.execute(select(audit_head.c.size)).scalar_one()
        if start >= size:
            return 0
        entries, end = _next(connection, active, start, size)
        made = _deliveries(connection, active, entries, runtime.settings.link_base, now)
    rows: list[Any] = [(delivery, made)] if made else []
    rows += [outbox.put(DELIVER, item["id"], {}, now=now) for item in made]

    def advance(within: Connection) -> None:
        if stored is None:
            if within.execute(select(func.count()).select_from(notice_cursor)).scalar_one():
                raise Conflict("conflict", "Another worker reads the log too.")
            within.execute(insert(notice_cursor).values(id=1, next_index=end))
            return
        moved = update(notice_cursor).where(notice_cursor.c.next_index == stored)
        if within.execute(moved.values(next_index=end)).rowcount != 1:
            raise Conflict("conflict", "Another worker was faster.")

    try:
        runtime.ledger.commit_sync(Work(entries=[], rows=rows, apply=advance))
    except Conflict:
        return 0
    return end - start


def _next(
    connection: Connection, active: Sequence[Row[Any]], start: int, size: int
) -> tuple[Sequence[Row[Any]], int]:
    """Entries that somebody may want, and up to where the log has then been read."""
    wanted = [pattern for row in active for pattern in row.types]
    query = (
        select(
            audit_entry.c.index.label("place"),
            audit_entry.c.type,
            audit_entry.c.subject,
            audit_entry.c.body,
        )
        .where(audit_entry.c.index >= start, audit_entry.c.index < size, told(wanted))
        .order_by(audit_entry.c.index)
        .limit(_BATCH)
    )
    rows: list[Row[Any]] = list(connection.execute(query))
    return rows, rows[-1].place + 1 if len(rows) == _BATCH else size


def _deliveries(
    connection: Connection,
    active: Sequence[Row[Any]],
    entries: Sequence[Row[Any]],
    public_url: str,
    now: datetime,
) -> list[dict[str, Any]]:
    made = []
    for entry in entries:
        hearing = [
            row for row in active if entry.place >= row.since and matches(row.types, entry.type)
        ]
        if not hearing:
            continue
        event = event_of(connection, entry, public_url)
        model = event["data"].get("model")
        bodies = {form: _body(event, form, public_url) for form in {row.format for row in hearing}}
        made += [
            {
                "id": new_id("msg"),
                "subscription": row.id,
                "type": entry.type,
                "entry": entry.place,
                "body": bodies[row.format],
                "status": "pending",
                "attempts": 0,
                "created_at": now,
                "next_at": now,
                "delivered_at": None,
            }
            for row in hearing
            if _concerns(row.models, model)
        ]
    return made


def _body(event: Mapping[str, Any], form: str | None, public_url: str) -> str:
    return json_bytes(cdevent(event, public_url) if form == "cdevents" else event).decode()


def _concerns(patterns: Sequence[str], model: str | None) -> bool:
    """What concerns no one model is for those who hear of all."""
    if model is None:
        return "*" in patterns
    return any(fnmatchcase(model, pattern) for pattern in patterns)
