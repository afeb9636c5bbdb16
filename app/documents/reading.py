"""Registered documents as the engine's values. It reads and vouches for nothing by itself."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from app.documents.tables import document
from gates.evidence import Document

_NEWEST = 100


def registered(connection: Connection, model: str, kinds: Collection[str]) -> tuple[Document, ...]:
    """The newest documents of these kinds that people registered for a model."""
    if not kinds:
        return ()
    rows = connection.execute(
        select(document)
        .where(document.c.model == model, document.c.kind.in_(sorted(kinds)))
        .order_by(document.c.registered_at.desc(), document.c.id.desc())
        .limit(_NEWEST)
    )
    return tuple(
        Document(
            kind=row.kind,
            uri=row.uri,
            sha256=row.sha256,
            subject=row.subject,
            issued_at=row.issued_at,
            signed_by=row.signed_by,
            grade=row.grade,
            expires_at=row.expires_at,
        )
        for row in rows
    )
