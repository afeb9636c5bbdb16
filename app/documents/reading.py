"""Registered documents as the engine's values. It reads and vouches for nothing by itself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from app.auth.principal import Principal
from app.documents.tables import document
from app.evaluations.reading import visible
from app.lists import position
from gates.evidence import Document

_NEWEST = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents a list is of."""

    model: str | None = None
    kind: str | None = None
    cursor: str | None = None


def listed(
    connection: Connection, wanted: Wanted, who: Principal, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit + 1` documents, newest first, of models that the key may see."""
    query = select(document).order_by(document.c.registered_at.desc(), document.c.id.desc())
    if wanted.model is not None:
        query = query.where(document.c.model == wanted.model)
    if wanted.kind is not None:
        query = query.where(document.c.kind == wanted.kind)
    if wanted.cursor is not None:
        time, name = position(wanted.cursor)
        before = and_(document.c.registered_at == time, document.c.id < name)
        query = query.where(or_(document.c.registered_at < time, before))
    if "*" not in who.models:
        query = query.where(visible(connection, document.c.model, who))
    return connection.execute(query.limit(limit + 1)).all()


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
