"""Keys, for admins: who holds which, and ending one."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.auth import keys
from app.auth.demands import MayManageKeys
from app.pages.routes.acting import form
from app.pages.routes.page_route import PageRoute, go, page
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KeyId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]


@router.get("/keys")
def list_keys(request: Request, who: MayManageKeys) -> Response:
    """Every key, revoked ones last; never a secret."""
    with runtime_of(request).engine.connect() as connection:
        found = keys.listed(connection)
    return page(request, "keys.html", who, items=found)


@router.post("/keys/{key_id}/revoke")
async def revoke(request: Request, who: MayManageKeys, key_id: KeyId) -> Response:
    """End a key at once."""
    await form(request)
    runtime = runtime_of(request)
    await runtime.ledger.commit(keys.revoke(key_id, by=who.id, at=runtime.clock()))
    runtime.keys.forget()
    return go("/keys", "key-revoked")
