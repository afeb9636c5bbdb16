"""Documents that people vouch for: which there are, and registering one by its digest.

An upload is hashed and forgotten: the document stays where it is.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from app.auth.demands import MayRead, MayRegisterDocuments
from app.auth.roles import Permission
from app.documents import reading, service
from app.documents.schemas import RegisteredIn
from app.errors import Problem
from app.pages.routes.acting import checked, day_of, form, recorded
from app.pages.routes.page_route import PageRoute, go, page
from app.replies import as_json
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST: Final = 200
MAX_UPLOAD: Final = 512 * 1024 * 1024


@router.get("/documents")
def list_documents(request: Request, who: MayRead) -> Response:
    """Newest first."""
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        rows = reading.listed(connection, reading.Wanted(), who, _MOST)[:_MOST]
    may_register = Permission.REGISTER_DOCUMENTS in who.permissions and who.is_person
    return page(
        request,
        "documents.html",
        who,
        items=[{**row._mapping, "is_over": _is_over(row, now)} for row in rows],  # noqa: SLF001 - SQLAlchemy's public name
        may_register=may_register,
        stakes=sorted(who.stakes),
        kinds=_KINDS,
    )


_KINDS: Final = ("dpia", "model_card", "redteam_report", "price_sheet", "data_sheet")


def _is_over(row: Any, now: Any) -> bool:
    return row.expires_at is not None and row.expires_at <= now


@router.post("/documents/digest")
async def digest(request: Request, who: MayRegisterDocuments) -> Response:
    """The digest of a file that the page sends as it is; nothing of it is kept."""
    del who
    running, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_UPLOAD:
            raise Problem("payload-too-large", f"At most {MAX_UPLOAD >> 20} MiB are hashed here.")
        running.update(chunk)
    return as_json({"sha256": running.hexdigest(), "size": size})


@router.post("/documents")
async def register(request: Request, who: MayRegisterDocuments) -> Response:
    """Vouch for a document under one of the reader's roles."""
    given = checked(RegisteredIn, _registered(await form(request)))
    runtime = runtime_of(request)
    await recorded(
        runtime,
        lambda connection: service.registered(connection, given, who, runtime.clock()).work,
    )
    return go("/documents", "registered")


def _registered(sent: Mapping[str, str]) -> dict[str, Any]:
    names = ("model", "kind", "sha256", "role", "uri", "subject")
    values: dict[str, Any] = {name: sent[name] for name in names if name in sent}
    days = {
        "issued_at": day_of(sent, "issued", at_end=False),
        "expires_at": day_of(sent, "expires"),
    }
    return values | {name: day for name, day in days.items() if day is not None}
