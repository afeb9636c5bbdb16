"""Since when versions are judged, and how far the log was read. One row, made at the first look."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.integrations.tables import registry_state
from app.ledger.tables import audit_head
from app.ledger.work import Conflict, Work
from app.runtime import Runtime

_ONE = 1


def state(runtime: Runtime, now: datetime) -> Row[Any]:
    """The row; versions that were registered before it was made are none of our business."""
    query = select(registry_state).where(registry_state.c.id == _ONE)
    with runtime.engine.connect() as connection:
        row = connection.execute(query).first()
        if row is not None:
            return row
        size: int = connection.execute(select(audit_head.c.size)).scalar_one()

    def begin(within: Connection) -> None:
        if within.execute(query).first() is None:
            within.execute(insert(registry_state).values(id=_ONE, since=now, next_index=size))

    runtime.ledger.commit_sync(Work(entries=[], apply=begin))
    with runtime.engine.connect() as connection:
        return connection.execute(query).one()


def connected_since(runtime: Runtime, now: datetime) -> datetime:
    """Older versions were there before the gate; they can be a baseline, and are not judged."""
    since: datetime = state(runtime, now).since
    return since


def read_up_to(before: int, end: int) -> Any:
    """For `Work.apply`: the log is read up to `end`, unless somebody else read it meanwhile."""

    def advance(within: Connection) -> None:
        moved = update(registry_state).where(
            registry_state.c.id == _ONE, registry_state.c.next_index == before
        )
        if within.execute(moved.values(next_index=end)).rowcount != 1:
            raise Conflict("conflict", "Another worker was faster.")

    return advance
