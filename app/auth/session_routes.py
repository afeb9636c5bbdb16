"""Signing in and out, and who one is: the provider's round trip, a key in a form, the cookie.

Nothing here takes a session's id, an address to go to, or a role from what a browser sends.
"""

import asyncio
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.auth import csrf, sessions
from app.auth.demands import Identified, address_of, holder
from app.auth.identities import Known, Newcomer, known
from app.auth.paths import local_path
from app.auth.principal import Grant
from app.auth.sessions import Opening
from app.bodies import media_type, read
from app.database import to_text
from app.errors import Problem
from app.ledger.committing import committed
from app.openapi import problems
from app.replies import as_json
from app.runtime import Runtime, runtime_of

router = APIRouter(tags=["who"])
_PENDING = "clearance-login"


class GrantOut(BaseModel):
    """Roles over model patterns."""

    roles: list[str]
    models: list[str]


class MeOut(BaseModel):
    """Who the caller is here."""

    id: str
    name: str
    kind: str = Field(description="`person` or `service`")
    via: str = Field(description="`key`, `token` or `session`")
    grants: list[GrantOut]
    permissions: list[str]
    expires_at: str | None
    csrf_token: str | None = Field(
        description="For a browser's session: to send as `X-CSRF-Token` with every change"
    )


@router.get("/v1/me", summary="Who I am", responses={200: {"model": MeOut}, **problems()})
async def me(request: Request, who: Identified) -> Response:
    """The caller's principal, with what it may do."""
    cookie = request.cookies.get(runtime_of(request).access.sessions.cookie_name)
    grants = who.grants or (Grant(who.roles, who.models),)
    found = as_json(
        {
            "id": who.id,
            "name": who.name,
            "kind": who.kind,
            "via": who.via,
            "grants": [grant.as_json for grant in grants],
            "permissions": sorted(permission.value for permission in who.permissions),
            "expires_at": to_text(who.expires_at) if who.expires_at else None,
            "csrf_token": csrf.token_of(cookie) if cookie and who.via == "session" else None,
        }
    )
    found.headers["Cache-Control"] = "no-store"
    return found


@router.get("/login", include_in_schema=False)
async def begin(request: Request, next: str | None = None) -> Response:  # noqa: A002 - in the address
    """Send the browser to the organisation's provider."""
    runtime = runtime_of(request)
    login = _login(runtime)
    from app.auth.issuer_keys import KeysUnavailable  # noqa: PLC0415 - loaded with the provider

    try:
        url, pending = await asyncio.to_thread(login.begin, next, runtime.clock())
    except KeysUnavailable:
        raise _unreachable() from None
    answer = _sent_to(url)
    runtime.access.sessions.set_cookie(answer, _PENDING, pending.cookie, 600)
    return answer


@router.get("/login/callback", include_in_schema=False)
async def callback(request: Request) -> Response:
    """Take the provider's answer, if this browser asked for it, and open a session."""
    runtime = runtime_of(request)
    login, now = _login(runtime), runtime.clock()
    runtime.access.throttle.refuse_blocked(address_of(request))
    from app.auth import login as signing  # noqa: PLC0415 - loaded with the provider
    from app.auth.issuer_keys import KeysUnavailable  # noqa: PLC0415 - the same
    from app.auth.unverified import TokenRefused  # noqa: PLC0415 - the same
    from app.outbound import OutboundError  # noqa: PLC0415 - the same

    named = runtime.access.sessions.named(_PENDING)
    try:
        pending = signing.pending_of(request.cookies.get(named))
        tokens = await asyncio.to_thread(login.exchange, request.query_params, pending, now)
        signed = await login.signed_in(tokens, pending, now)
    except (signing.LoginRefused, TokenRefused) as refused:
        runtime.access.throttle.failed(address_of(request))
        raise Problem("sign-in-refused", str(refused)) from refused
    except (KeysUnavailable, OutboundError):
        raise _unreachable() from None
    who = await _introduced(runtime, signed.newcomer)
    people = login.people
    opening = Opening(
        who,
        signed.newcomer.grants,
        hours=people.session_hours,
        idle_minutes=people.idle_minutes,
    )
    answer = await _opened(request, opening, signed.next)
    runtime.access.sessions.drop_cookie(answer, _PENDING)
    return answer


@router.post("/login/key", include_in_schema=False)
async def with_key(request: Request) -> Response:
    """Sign in with a person's API key: for teams without a provider, and for the first admin."""
    runtime = runtime_of(request)
    csrf.refuse_other_sites(request, runtime.settings)
    if media_type(request) != "application/x-www-form-urlencoded":
        raise Problem("unsupported-media-type", "Send a form with the fields key and next.")
    form = parse_qs((await read(request)).decode("utf-8", "replace"), max_num_fields=10)
    who = holder(request, runtime, form.get("key", [""])[0].strip())
    if not who.is_person:
        raise Problem("forbidden", "This key belongs to a service; people sign in with their own.")
    opening = Opening(who.id, (Grant(who.roles, who.models),), key=who.key)
    return await _opened(request, opening, local_path(form.get("next", ["/"])[0]))


@router.post("/logout", include_in_schema=False)
async def sign_out(request: Request, _: Identified) -> Response:
    """End the browser's session."""
    runtime = runtime_of(request)
    held = runtime.access.sessions
    if (cookie := request.cookies.get(held.cookie_name)) is not None:
        await runtime.ledger.commit(sessions.ended(cookie))
    answer = _sent_to("/")
    held.drop_cookie(answer, "clearance")
    return answer


async def _introduced(runtime: Runtime, newcomer: Newcomer) -> str:
    """The person's principal; what is new about them is recorded first."""

    def look_up() -> Known:
        with runtime.engine.connect() as connection:
            return known(connection, newcomer, runtime.clock())

    found = await committed(runtime.ledger, look_up, lambda found: found.work)
    return found.principal


async def _opened(request: Request, opening: Opening, where: str) -> Response:
    runtime = runtime_of(request)
    held = runtime.access.sessions
    former = request.cookies.get(held.cookie_name)
    cookie, work = sessions.opened(opening, replaces=former, at=runtime.clock())
    await runtime.ledger.commit(work)
    answer = _sent_to(where)
    held.set_cookie(answer, "clearance", cookie, opening.hours * 3600)
    return answer


def _login(runtime: Runtime) -> Any:
    if runtime.access.login is None:
        detail = "No provider is configured here; sign in with a key. See docs/identity.md."
        raise Problem("not-found", detail)
    return runtime.access.login


def _sent_to(where: str) -> Response:
    headers = {"Location": where, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=303, headers=headers)


def _unreachable() -> Problem:
    detail = "The organisation's provider cannot be reached now. Try again, or sign in with a key."
    return Problem("identity-unavailable", detail, headers={"Retry-After": "30"})
