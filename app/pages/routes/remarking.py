"""The other forms of a decision's page: not mine, not now, a remark, and ending what stands."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from app.auth.demands import MayBreakGlass, MayOpenReview, MayRevoke, MaySignOff
from app.auth.principal import Principal
from app.errors import Problem
from app.evaluations import reading, revoking
from app.glass import service as glass
from app.glass.schemas import AfterwardsIn, BreakGlassIn
from app.idempotency.changing import Change
from app.pages.routes.acting import checked, day_of, form, recorded
from app.pages.routes.page_route import PageRoute, go
from app.reviews import remarks
from app.reviews.reading import review_of
from app.reviews.schemas import CommentIn, DeferralIn, DelegationIn, ReasonIn
from app.runtime import runtime_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DecisionId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
Remark = Callable[..., Change]
_FIELDS: Final = ("role", "to", "reason", "text")


async def _remark(
    request: Request, who: Principal, decision_id: str, shape: type[BaseModel], act: Remark
) -> None:
    """Do something to the review of a decision."""
    given = checked(shape, _values(await form(request), shape))
    runtime = runtime_of(request)

    def prepared(connection: Any) -> Any:
        row = reading.found(connection, decision_id, who)
        asked = review_of(connection, row.id)
        if asked is None:
            raise Problem("no-review", "This decision asks nothing of people.")
        return act(connection, asked.id, given, who, runtime.clock()).work

    await recorded(runtime, prepared)


def _values(sent: Mapping[str, str], shape: type[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {name: sent[name] for name in _FIELDS if name in sent}
    if "until" in shape.model_fields and "until" in sent:
        values["until"] = day_of(sent, "until")
    return values


@router.post("/decisions/{decision_id}/delegate")
async def delegate(request: Request, who: MaySignOff, decision_id: DecisionId) -> Response:
    """Give one's answer to a colleague for a while."""
    await _remark(request, who, decision_id, DelegationIn, remarks.delegated)
    return go(f"/decisions/{decision_id}", "delegated")


@router.post("/decisions/{decision_id}/defer")
async def defer(request: Request, who: MaySignOff, decision_id: DecisionId) -> Response:
    """Not before a day."""
    await _remark(request, who, decision_id, DeferralIn, remarks.deferred)
    return go(f"/decisions/{decision_id}", "deferred")


@router.post("/decisions/{decision_id}/comment")
async def comment(request: Request, who: MayOpenReview, decision_id: DecisionId) -> Response:
    """A remark; it decides nothing."""
    await _remark(request, who, decision_id, CommentIn, remarks.commented)
    return go(f"/decisions/{decision_id}", "commented")


@router.post("/decisions/{decision_id}/revoke")
async def revoke(request: Request, who: MayRevoke, decision_id: DecisionId) -> Response:
    """End a decision that stands."""
    given = checked(ReasonIn, {"reason": (await form(request)).get("reason")})
    runtime = runtime_of(request)

    def prepared(connection: Any) -> Any:
        row = reading.found(connection, decision_id, who)
        return revoking.revoked(
            connection, row, given.reason, who, runtime.clock(), runtime.attestor
        )

    await recorded(runtime, prepared)
    return go(f"/decisions/{decision_id}", "revoked")


@router.post("/decisions/{decision_id}/break-glass")
async def break_glass(request: Request, who: MayBreakGlass, decision_id: DecisionId) -> Response:
    """Let it pass for at most a day; loud, and judged afterwards."""
    given = checked(BreakGlassIn, {"reason": (await form(request)).get("reason")})
    runtime = runtime_of(request)

    def prepared(connection: Any) -> Any:
        row = reading.found(connection, decision_id, who)
        return glass.broken(connection, row, given, who, runtime.clock()).work

    await recorded(runtime, prepared)
    return go(f"/decisions/{decision_id}", "glass-broken")


@router.post("/break-glass/{name}/judge")
async def judge(request: Request, who: MaySignOff, name: DecisionId) -> Response:
    """Another person's word on a use of the glass."""
    sent = await form(request)
    values = {field: sent.get(field) for field in ("outcome", "comment")}
    given = checked(AfterwardsIn, values)
    runtime = runtime_of(request)
    await recorded(
        runtime,
        lambda connection: glass.judged(connection, name, given, who, runtime.clock()).work,
    )
    return go("/", "judged")
