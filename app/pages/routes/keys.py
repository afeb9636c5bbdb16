"""Keys, for admins: who holds which, making one, and ending one."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from app.auth import keys
from app.auth.demands import MayManageKeys
from app.auth.issuing import KeyIn, issued
from app.auth.principal import Principal
from app.auth.roles import PLAIN_ROLES
from app.pages.routes.acting import changed, checked, day_of, form, listed
from app.pages.routes.page_route import PageRoute, go, page
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KeyId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_STAKES: Final = (
    "security",
    "legal",
    "compliance",
    "data_governance",
    "product_owner",
    "risk_owner",
)
_ROLES: Final = (*PLAIN_ROLES, *(f"reviewer:{stake}" for stake in _STAKES))


@router.get("/keys")
def list_keys(request: Request, who: MayManageKeys) -> Response:
    """Every key, revoked ones last; never a secret."""
    return _listed(request, who)


def _listed(request: Request, who: Principal, made: Mapping[str, Any] | None = None) -> Response:
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        found = keys.listed(connection)
    return page(
        request,
        "keys.html",
        who,
        here="/keys",
        items=[{**key, "is_over": _is_over(key, now)} for key in found],
        roles=_ROLES,
        made=made,
    )


def _is_over(key: Mapping[str, Any], now: Any) -> bool:
    return key["expires_at"] is not None and key["expires_at"] <= now


@router.post("/keys")
async def make(request: Request, who: MayManageKeys) -> Response:
    """Make a key; its secret stands in this answer and nowhere else."""
    given = checked(KeyIn, _wanted(await form(request)))
    runtime = runtime_of(request)
    made = await changed(
        runtime, lambda connection: issued(connection, given, who, runtime.clock())
    )
    return _listed(request, who, {"name": made.body["name"], "secret": made.body["key"]})


def _wanted(sent: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": sent.get("name"), "person": sent.get("kind") == "person"}
    for name in ("roles", "models"):
        if name in sent:
            values[name] = listed(sent[name])
    ends = day_of(sent, "expires")
    return values if ends is None else {**values, "expires_at": ends}


@router.post("/keys/{key_id}/revoke")
async def revoke(request: Request, who: MayManageKeys, key_id: KeyId) -> Response:
    """End a key at once."""
    await form(request)
    runtime = runtime_of(request)
    await runtime.ledger.commit(keys.revoke(key_id, by=who.id, at=runtime.clock()))
    runtime.keys.forget()
    return go("/keys", "key-revoked")
