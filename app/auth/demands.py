"""Permissions as types: a route names in its signature what its caller must be allowed to do.

A caller shows an API key, a CI system's token, or the cookie of a signed-in browser together with
its CSRF token. Without one of them there is 401, without the permission 403; there is no
anonymous mode.
"""

import asyncio
import logging
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from app.auth import csrf
from app.auth.keys import PREFIX, Principal
from app.auth.roles import Permission
from app.errors import Problem
from app.ledger.work import Conflict, LedgerUnavailable, Work
from app.runtime import Runtime, runtime_of

log = logging.getLogger("clearance")

SIGN_IN: Final = "/sign-in"
"""The page where people sign in; every page sends there who is not."""

_MAX_KEY: Final = 200
_notes: set[asyncio.Task[None]] = set()


class Requires(HTTPBearer):
    """A dependency that answers who asks, once they are known to be allowed to."""

    def __init__(self, permission: Permission | None, *, everywhere: bool = False) -> None:
        super().__init__(
            scheme_name="api_key",
            bearerFormat=f"{PREFIX}…",
            description="`Authorization: Bearer clr_…`, or the OIDC token of a CI system that the "
            "identity file lists. Keys are made by an admin, or on the server with `clearance key "
            "create`. Pages use a cookie instead, and send `X-CSRF-Token` with every change.",
            auto_error=False,
        )
        self.permission = permission
        self.everywhere = everywhere

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # who, not the header
        """The principal of the request, narrowed to what the permission comes from."""
        who = await identified(request)
        request.state.principal = who
        if self.permission is not None:
            if self.permission not in who.permissions:
                detail = f"This needs permission to {self.permission.value}; you have the roles "
                raise Problem("forbidden", f"{detail}{', '.join(who.roles)}.")
            who = who.narrowed(self.permission)
        if self.everywhere and "*" not in who.models:
            detail = "This shows or changes things of every model, and you may see only some."
            raise Problem("forbidden", detail)
        request.state.principal = who
        return who


async def identified(request: Request) -> Principal:
    """Who a request comes from, or 401; 429 for who asks too much or guesses."""
    runtime = runtime_of(request)
    header = request.headers.get("authorization")
    if header is None:
        who = await _signed_in(request, runtime)
    else:
        scheme, _, secret = header.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret:
            raise unauthenticated("Send `Authorization: Bearer clr_…`.")
        if secret.startswith(PREFIX):
            who = holder(request, runtime, secret)
        else:
            who = await _bearer(request, runtime, secret)
    runtime.access.throttle.count(who)
    return who


def holder(request: Request, runtime: Runtime, secret: str) -> Principal:
    """Whose API key this is, or 401."""
    throttle, address = runtime.access.throttle, address_of(request)
    if throttle.is_blocking and not runtime.keys.has_seen(secret):
        throttle.refuse_blocked(address)
    now = runtime.clock()
    well_formed = len(secret) <= _MAX_KEY and secret.isascii()
    who = runtime.keys.find(secret, now) if well_formed else None
    if who is None:
        throttle.failed(address)
        raise unauthenticated("This key is unknown, revoked or expired.")
    if (work := runtime.keys.note_use(who, now)) is not None:
        _note(runtime, work)
    return who


async def _bearer(request: Request, runtime: Runtime, token: str) -> Principal:
    throttle, address = runtime.access.throttle, address_of(request)
    if runtime.access.workloads is None:
        throttle.refuse_blocked(address)
        throttle.failed(address)
        raise unauthenticated("This is not an API key of this service.")
    from app.auth.issuer_keys import KeysUnavailable  # noqa: PLC0415 - loaded with the issuers
    from app.auth.unverified import TokenRefused  # noqa: PLC0415 - loaded with the issuers

    try:
        return await runtime.access.workloads.principal(token, request, runtime.clock())
    except TokenRefused as refused:
        # Nobody guesses a signature, so a good token passes whatever else its address sends.
        throttle.refuse_blocked(address)
        throttle.failed(address)
        raise unauthenticated(str(refused)) from None
    except KeysUnavailable as issuer:
        detail = f"The keys of issuer {issuer} cannot be fetched now, so its tokens cannot be read."
        raise Problem("identity-unavailable", detail, headers={"Retry-After": "30"}) from None


async def _signed_in(request: Request, runtime: Runtime) -> Principal:
    sessions = runtime.access.sessions
    cookie = request.cookies.get(sessions.cookie_name)
    if cookie is None:
        raise unauthenticated("Send `Authorization: Bearer clr_…`.")
    signed = await asyncio.to_thread(sessions.find, cookie, runtime.clock())
    if signed is None:
        raise unauthenticated("The session is over. Sign in again.")
    await csrf.check(request, cookie, runtime.settings)
    if signed.work is not None:
        _note(runtime, signed.work)
    return signed.who


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy, what the proxy says where it is trusted."""
    return request.client.host if request.client is not None else "unknown"


def unauthenticated(detail: str) -> Problem:
    """401, with the scheme that RFC 9110 wants named."""
    headers = {"WWW-Authenticate": 'Bearer realm="clearance"'}
    return Problem("unauthenticated", detail, headers=headers)


def _note(runtime: Runtime, work: Work) -> None:
    async def write() -> None:
        try:
            await runtime.ledger.commit(work)
        except (LedgerUnavailable, Conflict) as error:
            # A missed note costs nothing; failing the request for it would.
            log.warning("last use of a key was not noted: %s", error)

    task = asyncio.get_running_loop().create_task(write())
    _notes.add(task)
    task.add_done_callback(_notes.discard)


Identified = Annotated[Principal, Security(Requires(None))]
MaySubmit = Annotated[Principal, Security(Requires(Permission.SUBMIT))]
MayReadDecisions = Annotated[Principal, Security(Requires(Permission.READ_DECISIONS))]
MayRead = Annotated[Principal, Security(Requires(Permission.READ))]
MayReadLog = Annotated[Principal, Security(Requires(Permission.READ, everywhere=True))]
"""Entries name models, whoever they are about; proofs and checkpoints do not."""
MayExport = Annotated[Principal, Security(Requires(Permission.EXPORT, everywhere=True))]
MayOpenReview = Annotated[Principal, Security(Requires(Permission.OPEN_REVIEW))]
MaySignOff = Annotated[Principal, Security(Requires(Permission.SIGN_OFF))]
MayRegisterDocuments = Annotated[Principal, Security(Requires(Permission.REGISTER_DOCUMENTS))]
MayRevoke = Annotated[Principal, Security(Requires(Permission.REVOKE))]
MayPublishPolicy = Annotated[Principal, Security(Requires(Permission.PUBLISH_POLICY))]
MayRegisterModel = Annotated[Principal, Security(Requires(Permission.REGISTER_MODEL))]
MayRequestWaivers = Annotated[Principal, Security(Requires(Permission.REQUEST_WAIVER))]
MayApproveWaivers = Annotated[Principal, Security(Requires(Permission.APPROVE_WAIVER))]
MayRevokeWaivers = Annotated[Principal, Security(Requires(Permission.REVOKE_WAIVER))]
MayBreakGlass = Annotated[Principal, Security(Requires(Permission.BREAK_GLASS))]
MaySubscribe = Annotated[Principal, Security(Requires(Permission.SUBSCRIBE, everywhere=True))]
MayManageKeys = Annotated[Principal, Security(Requires(Permission.MANAGE_KEYS, everywhere=True))]
"""Who may see some models only could otherwise make a key for all."""
