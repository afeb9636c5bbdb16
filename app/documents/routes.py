"""Routes under /v1/documents: a person vouches for a document, by digest, under their role."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import and_, or_, select

from app.auth.demands import MayRead, MayRegisterDocuments
from app.auth.keys import Principal
from app.bodies import Strict, json_value, read, require_json, validated
from app.database import to_text
from app.documents.tables import document
from app.errors import Problem
from app.evaluations.reading import visible
from app.evaluations.schemas import Digest, Name, Text, Time
from app.idempotency.once import Once, once, replayed
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work
from app.lists import Cursor, Filter, Limit, page, position
from app.models.revision import touch
from app.openapi import json_body, problems
from app.replies import as_json, json_bytes
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/documents", tags=["documents"])


class RegisteredIn(Strict):
    """A document that the caller vouches for."""

    model: Name
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$", examples=["dpia"])]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    role: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="The stake you sign under")
    ]
    uri: Text | None = None
    subject: Annotated[
        Digest | None, Field(description="The candidate digest that the document is about")
    ] = None
    issued_at: Time | None = None
    expires_at: Time | None = None


class DocumentOut(BaseModel):
    """A registered document."""

    id: str
    model: str
    kind: str
    uri: str | None
    sha256: str
    subject: str | None
    issued_at: datetime | None
    expires_at: datetime | None
    signed_by: str
    grade: str
    registered_at: datetime


class DocumentPageOut(BaseModel):
    """Documents, newest first."""

    items: list[DocumentOut]
    next: str | None


@router.post(
    "",
    status_code=201,
    summary="Register a document by digest",
    description="Grade `attested`: a person with the role says that this is the document.",
    responses={
        201: {"model": DocumentOut},
        200: {"model": DocumentOut, "description": "The first answer to this key."},
        **problems(400, 409, 413, 415),
    },
    openapi_extra=json_body(RegisteredIn, is_idempotent=True),
)
async def register(request: Request, who: MayRegisterDocuments) -> Response:
    """Vouch for a document."""
    require_json(request)
    raw = await read(request)
    kept = once(request, who, raw)
    runtime = runtime_of(request)

    def earlier() -> Response | None:
        if kept is None:
            return None
        with runtime.engine.connect() as connection:
            first = kept.found(connection)
            return replayed(first) if first is not None else None

    if (first := await asyncio.to_thread(earlier)) is not None:
        return first
    given = validated(RegisteredIn, json_value(raw))
    body, work = _registration(given, who, runtime.clock(), kept)
    try:
        await runtime.ledger.commit(work)
    except Conflict:
        if (first := await asyncio.to_thread(earlier)) is not None:
            return first
        raise
    return as_json(body, 201)


def _registration(
    given: RegisteredIn, who: Principal, now: datetime, kept: Once | None
) -> tuple[dict[str, Any], Work]:
    who.need(given.model)
    if not who.is_person or given.role not in who.stakes_at(given.model):
        raise Problem("forbidden", f"This needs a person with the role reviewer:{given.role}.")
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
        "grade": "attested",
        "registered_by": who.id,
        "registered_at": now,
    }
    body = _shown(values)
    entry = NewEntry(
        id=new_id("ent"),
        type="document.registered",
        at=now,
        actor=who.id,
        subject=name,
        refs={"sha256": given.sha256, "candidate": given.subject},
        data={"model": given.model, "kind": given.kind, "role": given.role, "grade": "attested"},
    )
    rows: list[Any] = [(document, [values])]
    if kept is not None:
        rows.append(kept.row(now, 201, body=json_bytes(body)))
    return body, Work(
        entries=[entry], rows=rows, apply=lambda connection: touch(connection, given.model, now)
    )


@router.get(
    "",
    summary="List documents, newest first",
    responses={200: {"model": DocumentPageOut}, **problems()},
)
def list_documents(
    request: Request,
    who: MayRead,
    model: Filter = None,
    kind: Filter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """What people vouched for."""
    query = select(document).order_by(document.c.registered_at.desc(), document.c.id.desc())
    if model is not None:
        query = query.where(document.c.model == model)
    if kind is not None:
        query = query.where(document.c.kind == kind)
    if cursor is not None:
        time, name = position(cursor)
        before = and_(document.c.registered_at == time, document.c.id < name)
        query = query.where(or_(document.c.registered_at < time, before))
    with runtime_of(request).engine.connect() as connection:
        if "*" not in who.models:
            query = query.where(visible(connection, document.c.model, who))
        rows = connection.execute(query.limit(limit + 1)).all()
    return as_json(
        page(
            rows,
            limit,
            lambda row: _shown(dict(row._mapping)),  # noqa: SLF001 - SQLAlchemy's public name
            lambda row: (row.registered_at, row.id),
        )
    )


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    times = ("issued_at", "expires_at", "registered_at")
    shown = {
        name: to_text(value) if name in times and value is not None else value
        for name, value in values.items()
    }
    shown.pop("registered_by")
    return shown
