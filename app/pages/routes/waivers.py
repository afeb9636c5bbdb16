"""Waivers: what is accepted for a while, by whom it was asked and approved, and until when."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from app.auth.demands import MayApproveWaivers, MayRead, MayRequestWaivers, MayRevokeWaivers
from app.auth.principal import Principal
from app.auth.roles import Permission
from app.errors import Problem
from app.evaluations.reading import visible
from app.pages.routes.acting import checked, day_of, form, listed, recorded
from app.pages.routes.page_route import PageRoute, go, page
from app.reviews.schemas import ReasonIn
from app.runtime import runtime_of
from app.waivers import reading, service
from app.waivers.schemas import WaiverIn
from app.waivers.tables import waiver

router = APIRouter(route_class=PageRoute, include_in_schema=False)

WaiverId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_MOST: Final = 200


@router.get("/waivers")
def list_waivers(
    request: Request,
    who: MayRead,
    rule: Annotated[str, Query(max_length=300)] = "",
    model: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Every waiver the reader may see; `rule` and `model` fill the form in."""
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        seen = None if "*" in who.models else visible(connection, waiver.c.model, who)
        rows = reading.listed(
            connection, now, status=None, rule=None, cursor=None, limit=_MOST, visible=seen
        )
        found = [_line(reading.shown(connection, row, now), who) for row in rows[:_MOST]]
    may_ask = Permission.REQUEST_WAIVER in who.permissions and who.is_person
    return page(request, "waivers.html", who, items=found, may_ask=may_ask, rule=rule, model=model)


def _line(item: dict[str, Any], who: Principal) -> dict[str, Any]:
    approved = {given["person"] for given in item["approvals"]}
    may_approve = (
        item["status"] == "requested"
        and Permission.APPROVE_WAIVER in who.permissions
        and who.is_person
        and who.name not in {item["requested_by"], *approved}
    )
    may_revoke = (
        item["status"] in {"requested", "approved"} and Permission.REVOKE_WAIVER in who.permissions
    )
    return {**item, "may_approve": may_approve, "may_revoke": may_revoke}


@router.post("/waivers")
async def ask(request: Request, who: MayRequestWaivers) -> Response:
    """Ask for a waiver; it waives nothing until two others approve."""
    given = checked(WaiverIn, _asked(await form(request)))
    runtime = runtime_of(request)
    snapshot = runtime.policies.refreshed()
    await recorded(runtime, lambda _: service.requested(snapshot, given, who, runtime.clock()).work)
    return go("/waivers", "waiver-requested")


def _asked(sent: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: sent.get(name)
        for name in ("rule", "model", "stage", "reason", "compensating_control", "owner")
    }
    if "versions" in sent:
        values["versions"] = listed(sent["versions"])
    until = day_of(sent, "until")
    if until is None:
        raise Problem("invalid-request", "Say until when; nothing is waived for ever.")
    return {**values, "expires_at": until}


@router.post("/waivers/{waiver_id}/approve")
async def approve(request: Request, who: MayApproveWaivers, waiver_id: WaiverId) -> Response:
    """One person's approval; the second makes it count."""
    await form(request)
    runtime = runtime_of(request)
    await recorded(
        runtime,
        lambda connection: service.approved(connection, waiver_id, who, runtime.clock()).work,
    )
    runtime.policies.forget()
    return go("/waivers", "waiver-approved")


@router.post("/waivers/{waiver_id}/revoke")
async def revoke(request: Request, who: MayRevokeWaivers, waiver_id: WaiverId) -> Response:
    """The end of a waiver, and of every clearance that rests on it."""
    given = checked(ReasonIn, {"reason": (await form(request)).get("reason")})
    runtime = runtime_of(request)
    await recorded(
        runtime,
        lambda connection: (
            service.revoked(connection, waiver_id, given.reason, who, runtime.clock()).work
        ),
    )
    runtime.policies.forget()
    return go("/waivers", "waiver-revoked")
