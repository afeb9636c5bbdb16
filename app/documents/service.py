"""Registering documents: a person vouches for one by digest, or a role's key has signed it.

For the API and for pages alike. The document itself stays where it is; only its digest is kept.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.auth.keys import Principal
from app.database import to_text
from app.documents.schemas import RegisteredIn
from app.documents.signing import verified
from app.documents.tables import document
from app.errors import Problem
from app.idempotency.changing import Change
from app.ids import new_id
from app.ledger.work import NewEntry, Work
from app.models.revision import touch


def digest_of(chunks: Iterable[bytes]) -> str:
    """SHA-256 in hex of an upload, piece by piece: what `sha256` of a registration says."""
    running = hashlib.sha256()
    for chunk in chunks:
        running.update(chunk)
    return running.hexdigest()


def registered(
    connection: Connection, given: RegisteredIn, who: Principal, now: datetime
) -> Change:
    """Grade `attested` by the person's word, `signed` where the envelope verifies."""
    who.need(given.model)
    if not who.is_person or given.role not in who.stakes_at(given.model):
        raise Problem("forbidden", f"This needs a person with the role reviewer:{given.role}.")
    if given.expires_at is not None and given.expires_at <= now:
        raise Problem("invalid-request", "expires_at lies in the past.")
    key, grade = None, "attested"
    if given.envelope is not None:
        key = verified(connection, given.role, given.sha256, given.envelope)
        grade = "signed"
    name = new_id("doc")
    values = {
        "id": name,
        "model": given.model,
        "kind": given.kind,
        "uri": given.uri,
        "sha256": given.sha256,
        "subject": given.subject,
        "issued_at": given.issued_at,
        "expires_at": given.expires_at,
        "signed_by": given.role,
        "grade": grade,
        "registered_by": who.id,
        "registered_at": now,
        "key": key,
    }
    entry = NewEntry(
        id=new_id("ent"),
        type="document.registered",
        at=now,
        actor=who.id,
        subject=name,
        refs={"sha256": given.sha256, "candidate": given.subject, **({"key": key} if key else {})},
        data={
            "model": given.model,
            "kind": given.kind,
            "role": given.role,
            "grade": grade,
            "expires_at": to_text(given.expires_at) if given.expires_at else None,
        },
    )
    work = Work(
        entries=[entry],
        rows=[(document, [values])],
        apply=lambda within: touch(within, given.model, now),
    )
    return Change(work, shown(values))


def shown(values: Any) -> dict[str, Any]:
    """A document as an answer."""
    times = ("issued_at", "expires_at", "registered_at")
    return {
        name: to_text(value) if name in times and value is not None else value
        for name, value in values.items()
        if name != "registered_by"
    }
