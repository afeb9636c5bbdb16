"""Ending a decision that stands. A revoked decision stays in the record and clears nothing."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, update

from app.attestations.attestor import Attestor
from app.attestations.settling import settlement
from app.auth.keys import Principal
from app.errors import Problem
from app.evaluations.standing import status_at
from app.evaluations.tables import decision
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work
from app.models.revision import touch

_REVOCABLE = ("passed", "pending")


def revoked(
    connection: Connection,
    row: Row[Any],
    reason: str,
    who: Principal,
    now: datetime,
    attestor: Attestor,
) -> Work:
    """The Work that revokes a decision; refuses one that clears nothing and never could."""
    status = status_at(row, now)
    if status == "revoked":
        raise Problem("already-revoked", "This decision is revoked already.")
    if status not in _REVOCABLE:
        raise Problem("not-revocable", f"This decision is {status}; there is nothing to end.")

    def end(connection: Connection) -> None:
        changed = connection.execute(
            update(decision)
            .where(decision.c.id == row.id, decision.c.status == row.status)
            .values(status="revoked", settled_at=now)
        ).rowcount
        if changed != 1:
            raise Conflict("conflict", "The decision changed at the same time.")
        touch(connection, row.model, now)

    entry_id = new_id("ent")
    attested = attestor.attest(
        settlement(connection, row.id, entry=entry_id, status="revoked", at=now)
    )
    entry = NewEntry(
        id=entry_id,
        type="decision.revoked",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={"digest": row.digest, **attested.as_refs},
        data={"was": status},
        private={"reason": reason},
    )
    return Work(entries=[entry, *attested.entries], rows=attested.rows, apply=end)
