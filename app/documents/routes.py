"""Routes under /v1/documents: a person vouches for a document, by digest, under their role."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import select

from app.auth.demands import MayManageKeys, MayRead, MayRegisterDocuments
from app.auth.tables import principal
from app.documents import reading, service, signing
from app.documents.schemas import (
    DocumentKeyIn,
    DocumentKeyOut,
    DocumentKeysOut,
    DocumentOut,
    DocumentPageOut,
    EndIn,
    RegisteredIn,
)
from app.documents.tables import document_key
from app.idempotency.changing import change
from app.lists import Cursor, Filter, Limit, page
from app.openapi import json_body, problems
from app.replies import as_json
from app.runtime import runtime_of

router = APIRouter(tags=["documents"])

KeyId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]


@router.post(
    "/v1/documents",
    status_code=201,
    summary="Register a document by digest",
    description="Grade `attested`: a person with the role says that this is the document. Grade "
    "`signed`: a key registered for the role has signed it.",
    responses={
        201: {"model": DocumentOut},
        200: {"model": DocumentOut, "description": "The first answer to this key."},
        **problems(400, 409, 413, 415),
    },
    openapi_extra=json_body(RegisteredIn, is_idempotent=True),
)
async def register(request: Request, who: MayRegisterDocuments) -> Response:
    """Vouch for a document."""
    return await change(
        request,
        who,
        RegisteredIn,
        lambda connection, given, now: service.registered(connection, given, who, now),
    )


@router.get(
    "/v1/documents",
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
    wanted = reading.Wanted(model, kind, cursor)
    with runtime_of(request).engine.connect() as connection:
        rows = reading.listed(connection, wanted, who, limit)
    return as_json(
        page(
            rows,
            limit,
            lambda row: service.shown(row._mapping),  # noqa: SLF001 - SQLAlchemy's public name
            lambda row: (row.registered_at, row.id),
        )
    )


@router.post(
    "/v1/document-keys",
    status_code=201,
    summary="Register a key that signs documents for a role",
    responses={
        201: {"model": DocumentKeyOut},
        200: {"model": DocumentKeyOut, "description": "The first answer to this key."},
        **problems(400, 409, 413, 415),
    },
    openapi_extra=json_body(DocumentKeyIn, is_idempotent=True),
)
async def register_key(request: Request, who: MayManageKeys) -> Response:
    """Trust a public key with documents of a role."""
    return await change(
        request,
        who,
        DocumentKeyIn,
        lambda connection, given, now: signing.registered(connection, given, who, now),
    )


@router.get(
    "/v1/document-keys",
    summary="Keys that sign documents, newest first",
    responses={200: {"model": DocumentKeysOut}, **problems()},
)
def list_keys(request: Request, _: MayRead) -> Response:
    """Every key, revoked ones included; there are few."""
    query = (
        select(document_key, principal.c.name.label("registrar"))
        .join(principal, principal.c.id == document_key.c.registered_by)
        .order_by(document_key.c.registered_at.desc(), document_key.c.id)
        .limit(500)
    )
    with runtime_of(request).engine.connect() as connection:
        rows = connection.execute(query).all()
    return as_json({"items": [signing.key_json(row._mapping) for row in rows]})  # noqa: SLF001 - SQLAlchemy's public name


@router.post(
    "/v1/document-keys/{key_id}/revoke",
    summary="Revoke a key that signs documents",
    description="Nothing new counts under it; documents that are registered stay.",
    responses={200: {"model": DocumentKeyOut}, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(EndIn, is_idempotent=True),
)
async def revoke_key(request: Request, who: MayManageKeys, key_id: KeyId) -> Response:
    """End a key."""
    return await change(
        request,
        who,
        EndIn,
        lambda connection, _, now: signing.revoked(connection, key_id, who, now),
        status=200,
    )
