"""Permissions as types: a route names in its signature what its caller must be allowed to do.

Without a standing key there is 401, without the permission 403; there is no anonymous mode.
"""

import asyncio
import logging
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPBearer

from app.auth.keys import PREFIX, Principal
from app.auth.roles import Permission
from app.errors import Problem
from app.ledger.work import Conflict, LedgerUnavailable, Work
from app.runtime import Runtime, runtime_of

log = logging.getLogger("clearance")

_MAX_KEY: Final = 200
_notes: set[asyncio.Task[None]] = set()


class Requires(HTTPBearer):
    """A dependency that answers who asks, once they are known to be allowed to."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(
            scheme_name="api_key",
            bearerFormat=f"{PREFIX}…",
            description="`Authorization: Bearer clr_…`. Keys are made by an admin, or on the "
            "server with `clearance key create`.",
            auto_error=False,
        )
        self.permission = permission

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # who, not the header
        """The principal of the request's key."""
        who = identified(request)
        if self.permission not in who.permissions:
            detail = f"This needs permission to {self.permission.value}; the key has the roles "
            raise Problem("forbidden", f"{detail}{', '.join(who.roles)}.")
        request.state.principal = who
        return who


def identified(request: Request) -> Principal:
    """Who a request's key belongs to, or 401."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise _unauthenticated("Send `Authorization: Bearer clr_…`.")
    if not secret.startswith(PREFIX) or len(secret) > _MAX_KEY or not secret.isascii():
        raise _unauthenticated("This is not an API key of this service.")
    runtime = runtime_of(request)
    now = runtime.clock()
    who = runtime.keys.find(secret, now)
    if who is None:
        raise _unauthenticated("This key is unknown, revoked or expired.")
    if (work := runtime.keys.note_use(who, now)) is not None:
        _note(runtime, work)
    return who


def _unauthenticated(detail: str) -> Problem:
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


MaySubmit = Annotated[Principal, Security(Requires(Permission.SUBMIT))]
MayReadDecisions = Annotated[Principal, Security(Requires(Permission.READ_DECISIONS))]
MayRead = Annotated[Principal, Security(Requires(Permission.READ))]
MayExport = Annotated[Principal, Security(Requires(Permission.EXPORT))]
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
MaySubscribe = Annotated[Principal, Security(Requires(Permission.SUBSCRIBE))]
MayManageKeys = Annotated[Principal, Security(Requires(Permission.MANAGE_KEYS))]
