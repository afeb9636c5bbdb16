"""Routes under /v1/keys: make, list and revoke API keys. A secret leaves the service once."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import and_, or_, select

from app.auth import keys
from app.auth.demands import MayManageKeys
from app.auth.issuing import KeyIn, issued
from app.auth.tables import api_key, principal
from app.database import to_text
from app.errors import Problem
from app.idempotency.changing import change
from app.lists import Cursor, Limit, page, position
from app.openapi import json_body, problems
from app.replies import as_json
from app.runtime import Runtime, runtime_of

router = APIRouter(prefix="/v1/keys", tags=["keys"])

KeyId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]


class KeyOut(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    kind: str
    hint: str = Field(description="The key's first characters")
    roles: list[str]
    models: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class CreatedKeyOut(BaseModel):
    """A new key. `key` is shown this once; a repeated Idempotency-Key gets null."""

    id: str
    key: str | None
    name: str
    roles: list[str]
    models: list[str]


class KeyPageOut(BaseModel):
    """Keys, newest first."""

    items: list[KeyOut]
    next: str | None


@router.post(
    "",
    status_code=201,
    summary="Make a key",
    responses={
        201: {"model": CreatedKeyOut},
        200: {"model": CreatedKeyOut, "description": "Made before; the secret is not shown again."},
        **problems(400, 409, 413, 415),
    },
    openapi_extra=json_body(KeyIn, is_idempotent=True),
)
async def create_key(request: Request, who: MayManageKeys) -> Response:
    """Make an API key; the secret is in the answer and nowhere else."""
    return await change(
        request, who, KeyIn, lambda connection, given, now: issued(connection, given, who, now)
    )


@router.get(
    "", summary="List keys, newest first", responses={200: {"model": KeyPageOut}, **problems()}
)
def list_keys(
    request: Request, _: MayManageKeys, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Every key, revoked ones included; never a secret."""
    query = _KEYS.order_by(api_key.c.created_at.desc(), api_key.c.id.desc())
    if cursor is not None:
        time, name = position(cursor)
        before = and_(api_key.c.created_at == time, api_key.c.id < name)
        query = query.where(or_(api_key.c.created_at < time, before))
    with runtime_of(request).engine.connect() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
    return as_json(page(rows, limit, _shown, lambda row: (row.created_at, row.id)))


@router.post(
    "/{key_id}/revoke",
    summary="Revoke a key",
    responses={200: {"model": KeyOut}, **problems(404, 409)},
)
async def revoke_key(request: Request, who: MayManageKeys, key_id: KeyId) -> Response:
    """End a key at once in this process, and within a second in others."""
    runtime = runtime_of(request)
    await asyncio.to_thread(_known, runtime, key_id)
    await runtime.ledger.commit(keys.revoke(key_id, by=who.id, at=runtime.clock()))
    runtime.keys.forget()
    return as_json(_shown(await asyncio.to_thread(_known, runtime, key_id)))


_KEYS = select(api_key, principal.c.name, principal.c.kind).join(principal)


def _known(runtime: Runtime, key_id: str) -> Any:
    with runtime.engine.connect() as connection:
        row = connection.execute(_KEYS.where(api_key.c.id == key_id)).first()
    if row is None:
        raise Problem("key-not-found", "There is no such key.")
    return row


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "hint": row.hint,
        "roles": row.roles,
        "models": row.models,
        "created_at": to_text(row.created_at),
        "expires_at": to_text(row.expires_at) if row.expires_at else None,
        "last_used_at": to_text(row.last_used_at) if row.last_used_at else None,
        "revoked_at": to_text(row.revoked_at) if row.revoked_at else None,
    }
