"""Routes of broken glass: breaking it on a decision, and looking at it afterwards."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from app.auth.demands import MayBreakGlass, MayRead, MaySignOff
from app.evaluations import reading
from app.evaluations.reading import visible
from app.glass import service
from app.glass.schemas import AfterwardsIn, BreakGlassIn, BreakGlassOut, BreakGlassPageOut
from app.glass.tables import break_glass
from app.idempotency.changing import change
from app.lists import Cursor, Limit, page
from app.openapi import json_body, problems
from app.replies import as_json
from app.runtime import runtime_of

router = APIRouter(tags=["break-glass"])

Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
_REPEATED = {"model": BreakGlassOut, "description": "The first answer to this key."}


@router.post(
    "/v1/decisions/{decision_id}/break-glass",
    status_code=201,
    summary="Let a refused version through for at most a day",
    description="Needs the role `break_glass`. Everyone subscribed is told, and another person "
    "has to judge it afterwards. The verdict stays as it is.",
    responses={201: {"model": BreakGlassOut}, 200: _REPEATED, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(BreakGlassIn, is_idempotent=True),
)
async def break_the_glass(request: Request, who: MayBreakGlass, decision_id: Id) -> Response:
    """Break the glass."""
    return await change(
        request,
        who,
        BreakGlassIn,
        lambda connection, given, now: service.broken(
            connection, reading.found(connection, decision_id, who), given, who, now
        ),
    )


@router.get(
    "/v1/break-glass",
    summary="List uses of the glass, newest first",
    responses={200: {"model": BreakGlassPageOut}, **problems()},
)
def list_uses(
    request: Request,
    who: MayRead,
    review: Literal["open", "closed"] | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Who let what through; `review=open` for those that wait to be judged."""
    runtime = runtime_of(request)
    now = runtime.clock()
    with runtime.engine.connect() as connection:
        seen = None if "*" in who.models else visible(connection, break_glass.c.model, who)
        rows = service.listed(
            connection,
            is_open=None if review is None else review == "open",
            decision_id=None,
            cursor=cursor,
            limit=limit,
            visible=seen,
        )
    found = page(
        rows, limit, lambda row: service.shown(row, now), lambda row: (row.used_at, row.id)
    )
    return as_json(found)


@router.get(
    "/v1/break-glass/{name}",
    summary="One use of the glass",
    responses={200: {"model": BreakGlassOut}, **problems(404)},
)
def get_use(request: Request, who: MayRead, name: Id) -> Response:
    """One use, with what was made of it."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        return as_json(service.shown(service.found(connection, name, who), runtime.clock()))


@router.post(
    "/v1/break-glass/{name}/review",
    summary="Judge a use of the glass",
    description="By a reviewer who did not break it. `unjustified` ends it at once.",
    responses={200: {"model": BreakGlassOut}, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(AfterwardsIn, is_idempotent=True),
)
async def judge_use(request: Request, who: MaySignOff, name: Id) -> Response:
    """Say whether it was right."""
    return await change(
        request,
        who,
        AfterwardsIn,
        lambda connection, given, now: service.judged(connection, name, given, who, now),
        status=200,
    )
