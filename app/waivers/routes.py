"""Routes under /v1/waivers: ask, approve, revoke, look."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from app.auth.demands import MayApproveWaivers, MayRead, MayRequestWaivers, MayRevokeWaivers
from app.errors import Problem
from app.evaluations.reading import visible
from app.idempotency.changing import change
from app.lists import Cursor, Filter, Limit, page
from app.openapi import json_body, problems
from app.replies import as_json
from app.reviews.schemas import ReasonIn
from app.runtime import runtime_of
from app.waivers import reading, service
from app.waivers.schemas import ApprovalIn, WaiverIn, WaiverOut, WaiverPageOut
from app.waivers.tables import waiver

router = APIRouter(prefix="/v1/waivers", tags=["waivers"])

WaiverId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
Status = Literal["requested", "approved", "revoked", "expired"]
_REPEATED = {"model": WaiverOut, "description": "The first answer to this key."}


@router.post(
    "",
    status_code=201,
    summary="Ask for a waiver",
    description="Waives nothing until two other people approve. It covers findings of one rule "
    "that fail or are inconclusive; the rule still runs, and the finding is shown as waived.",
    responses={
        201: {"model": WaiverOut},
        200: _REPEATED,
        **problems(400, 409, 413, 415),
    },
    openapi_extra=json_body(WaiverIn, is_idempotent=True),
)
async def request_waiver(request: Request, who: MayRequestWaivers) -> Response:
    """Ask."""
    snapshot = runtime_of(request).policies.refreshed()
    return await change(
        request, who, WaiverIn, lambda _, given, now: service.requested(snapshot, given, who, now)
    )


@router.get(
    "",
    summary="List waivers, newest first",
    responses={200: {"model": WaiverPageOut}, **problems()},
)
def list_waivers(
    request: Request,
    who: MayRead,
    status: Status | None = None,
    rule: Filter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Every waiver whose model the key may see."""
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        seen = None if "*" in who.models else visible(connection, waiver.c.model, who)
        rows = reading.listed(
            connection, now, status=status, rule=rule, cursor=cursor, limit=limit, visible=seen
        )
        found = page(
            rows,
            limit,
            lambda row: reading.shown(connection, row, now),
            lambda row: (row.requested_at, row.id),
        )
    return as_json(found)


@router.get(
    "/{waiver_id}",
    summary="One waiver with its approvals",
    responses={200: {"model": WaiverOut}, **problems(404)},
)
def get_waiver(request: Request, who: MayRead, waiver_id: WaiverId) -> Response:
    """A waiver as it stands now."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        row = reading.by_id(connection, waiver_id)
        if row is None or not who.sees(row.model):
            raise Problem("waiver-not-found", "No waiver of this name is visible to you.")
        return as_json(reading.shown(connection, row, runtime.clock()))


@router.post(
    "/{waiver_id}/approve",
    summary="Approve a waiver",
    description="Two people with the role `waiver_approver` must, neither of them the one who "
    "asked.",
    responses={200: {"model": WaiverOut}, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(ApprovalIn, is_idempotent=True),
)
async def approve_waiver(request: Request, who: MayApproveWaivers, waiver_id: WaiverId) -> Response:
    """Approve."""
    answer = await change(
        request,
        who,
        ApprovalIn,
        lambda connection, _, now: service.approved(connection, waiver_id, who, now),
        status=200,
    )
    runtime_of(request).policies.forget()
    return answer


@router.post(
    "/{waiver_id}/revoke",
    summary="Revoke a waiver",
    description="Clearances and open reviews that rest on it end at once.",
    responses={200: {"model": WaiverOut}, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(ReasonIn, is_idempotent=True),
)
async def revoke_waiver(request: Request, who: MayRevokeWaivers, waiver_id: WaiverId) -> Response:
    """Revoke."""
    answer = await change(
        request,
        who,
        ReasonIn,
        lambda connection, given, now: service.revoked(
            connection, waiver_id, given.reason, who, now
        ),
        status=200,
    )
    runtime_of(request).policies.forget()
    return answer
