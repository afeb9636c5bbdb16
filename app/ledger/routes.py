"""Routes under /v1/audit: the record for reading. Nothing here writes.

The checkpoint and the public keys need no account: whoever holds an old answer can check it.
"""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.auth.demands import MayRead, MayReadLog
from app.database import to_text
from app.errors import Problem
from app.ledger import reading, signing_keys
from app.ledger.note import VerifierKey
from app.ledger.proof_file import MEDIA_TYPE, tlog_proof
from app.ledger.reading import Entry, Inclusion, NotInLog
from app.lists import Filter, Limit
from app.openapi import problems, public_problems
from app.replies import as_json
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/audit", tags=["audit"])

Index = Annotated[int, Path(ge=0, le=2**62)]


class EntryOut(BaseModel):
    """One entry of the log."""

    index: int
    id: str
    type: str
    subject: str
    recorded_at: datetime
    leaf: str = Field(description="SHA-256(0x00 ‖ body), hex")
    body: dict[str, Any]
    bytes: str = Field(description="The body as it was hashed")


class EntryPageOut(BaseModel):
    """Entries, oldest first; `next` goes into `after`."""

    items: list[EntryOut]
    next: int | None


class ProofOut(BaseModel):
    """An RFC 6962 inclusion proof under the newest signed checkpoint."""

    index: int
    leaf: str
    checkpoint: str
    proof: list[str]


class ConsistencyOut(BaseModel):
    """An RFC 6962 consistency proof between two sizes."""

    first: int
    second: int
    proof: list[str]
    checkpoint: str


class KeyOut(BaseModel):
    """A public key of the log."""

    name: str
    algorithm: str
    verifier_key: str = Field(description="C2SP vkey")
    valid_from: datetime
    valid_until: datetime | None = Field(description="When the next key took over")


class KeysOut(BaseModel):
    """The log's public keys."""

    items: list[KeyOut]


@router.get(
    "/entries",
    summary="Entries of the log, oldest first",
    responses={200: {"model": EntryPageOut}, **problems()},
)
def list_entries(
    request: Request,
    _: MayReadLog,
    after: Annotated[int, Query(ge=-1, le=2**62)] = -1,
    type: Filter = None,  # noqa: A002 - the parameter's name in the API
    subject: Filter = None,
    limit: Limit = 50,
) -> Response:
    """What happened, in order."""
    with runtime_of(request).engine.connect() as connection:
        found = reading.entries(connection, after=after, type=type, subject=subject, limit=limit)
    following = found[-1].index if len(found) == limit else None
    return as_json({"items": [_shown(entry) for entry in found], "next": following})


@router.get(
    "/entries/{index}.tlog-proof",
    summary="The same proof as a file",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(404),
    },
)
def get_proof_file(request: Request, _: MayRead, index: Index) -> Response:
    """A C2SP tlog-proof, under a checkpoint that a witness cosigned where there is one."""
    found = _inclusion(request, index, is_cosigned=True)
    headers = {"Content-Disposition": f'attachment; filename="{index}.tlog-proof"'}
    return Response(tlog_proof(found), headers=headers, media_type=MEDIA_TYPE)


@router.get(
    "/entries/{index}",
    summary="One entry",
    responses={200: {"model": EntryOut}, **problems(404)},
)
def get_entry(request: Request, _: MayReadLog, index: Index) -> Response:
    """The entry at an index."""
    with runtime_of(request).engine.connect() as connection:
        try:
            return as_json(_shown(reading.entry(connection, index)))
        except NotInLog as error:
            raise Problem("entry-not-found", str(error)) from error


@router.get(
    "/entries/{index}/proof",
    summary="That an entry is in the log",
    responses={200: {"model": ProofOut}, **problems(404)},
)
def get_proof(request: Request, _: MayRead, index: Index) -> Response:
    """An inclusion proof against the newest signed checkpoint."""
    found = _inclusion(request, index)
    return as_json(
        {
            "index": found.index,
            "leaf": found.leaf.hex(),
            "checkpoint": found.signed.note,
            "proof": [node.hex() for node in found.proof],
        }
    )


def _inclusion(request: Request, index: int, *, is_cosigned: bool = False) -> Inclusion:
    runtime = runtime_of(request)
    keys = [runtime.ledger.verifier_key]
    with runtime.engine.connect() as connection:
        try:
            under = reading.cosigned(connection, keys, above=index) if is_cosigned else None
            return reading.inclusion(connection, index, keys, under)
        except NotInLog as error:
            raise Problem("entry-not-found", str(error)) from error


@router.get(
    "/checkpoint",
    summary="The newest signed checkpoint",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **public_problems(404),
    },
)
def get_checkpoint(
    request: Request,
    *,
    cosigned: Annotated[
        bool, Query(description="The newest one that a witness cosigned, with its lines, if any.")
    ] = False,
) -> Response:
    """A C2SP signed note: origin, size, root, signature."""
    runtime = runtime_of(request)
    keys = [runtime.ledger.verifier_key]
    with runtime.engine.connect() as connection:
        try:
            found = (reading.cosigned if cosigned else reading.checkpoint)(connection, keys)
            note = found.note
        except NotInLog as error:
            raise Problem("entry-not-found", str(error)) from error
    headers = {"Cache-Control": "no-cache"}
    return Response(note, headers=headers, media_type="text/plain; charset=utf-8")


@router.get(
    "/consistency",
    summary="That one size of the log extends another",
    responses={200: {"model": ConsistencyOut}, **problems(404)},
)
def get_consistency(
    request: Request,
    _: MayRead,
    first: Annotated[int, Query(alias="from", ge=0, le=2**62)],
    second: Annotated[int, Query(alias="to", ge=0, le=2**62)],
) -> Response:
    """A consistency proof; both sizes are at most the newest checkpoint's."""
    runtime = runtime_of(request)
    keys = [runtime.ledger.verifier_key]
    with runtime.engine.connect() as connection:
        try:
            proof = reading.consistency(connection, first, second, keys)
            note = reading.checkpoint(connection, keys).note
        except NotInLog as error:
            raise Problem("entry-not-found", str(error)) from error
    nodes = [node.hex() for node in proof]
    return as_json({"first": first, "second": second, "proof": nodes, "checkpoint": note})


@router.get(
    "/keys",
    summary="Public keys of the log",
    responses={200: {"model": KeysOut}, **public_problems()},
)
def get_keys(request: Request) -> Response:
    """The keys that checkpoints verify under, the current one first."""
    runtime = runtime_of(request)
    origin = runtime.ledger.origin
    with runtime.engine.connect() as connection:
        rows = signing_keys.recorded(connection, signing_keys.LOG)
    items = [
        {
            "name": origin,
            "algorithm": signing_keys.ALGORITHMS[signing_keys.LOG],
            "verifier_key": str(VerifierKey(origin, signing_keys.raw_log_key(row.public_key))),
            "valid_from": to_text(row.valid_from),
            "valid_until": to_text(row.valid_until) if row.valid_until else None,
        }
        for row in rows
    ]
    return as_json({"items": items})


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "id": entry.id,
        "type": entry.type,
        "subject": entry.subject,
        "recorded_at": to_text(entry.recorded_at),
        "leaf": entry.leaf.hex(),
        "body": json.loads(entry.body),
        "bytes": entry.body.decode(),
    }
