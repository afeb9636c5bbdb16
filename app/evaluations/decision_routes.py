"""Routes under /v1/decisions: reading, barrier, report, replay, revoking, asking people now."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from app.auth.demands import MayOpenReview, MayReadDecisions, MayRevoke
from app.auth.keys import Principal
from app.bodies import parsed
from app.errors import Problem
from app.evaluations import reading, revoking
from app.evaluations.answers import BarrierOut, DecisionOut, DecisionPageOut, ReplayOut
from app.evaluations.replaying import replay
from app.evaluations.schemas import Stage, Time
from app.evaluations.standing import is_through_glass, status_at
from app.ledger.committing import committed
from app.ledger.work import Work
from app.lists import Cursor, Filter, Limit, page
from app.openapi import by_verdict, json_body, problems
from app.replies import as_json
from app.reviews.answers import ReviewOut
from app.reviews.opening import opened
from app.reviews.reading import by_id, shown
from app.reviews.schemas import ReasonIn
from app.runtime import Runtime, runtime_of

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])

DecisionId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
Since = Annotated[Time | None, Query(description="Only decisions made at or after this time.")]
Verdict = Literal["pass", "fail", "escalate"]
Status = Literal["passed", "failed", "pending", "expired", "revoked", "observed", "superseded"]
PendingCode = Literal["202", "204", "404", "409", "423", "425", "429"]
FailCode = Literal["403", "409", "412", "422", "451"]


@router.get(
    "",
    summary="List decisions, newest first",
    responses={200: {"model": DecisionPageOut}, **problems()},
)
def list_decisions(  # noqa: PLR0913, PLR0917 - each is a documented filter
    request: Request,
    who: MayReadDecisions,
    model: Filter = None,
    version: Filter = None,
    stage: Stage | None = None,
    verdict: Verdict | None = None,
    status: Status | None = None,
    policy: Filter = None,
    since: Since = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Decisions about the models that the key is for."""
    runtime = runtime_of(request)
    now = runtime.clock()
    wanted = reading.Wanted(model, version, stage, verdict, status, policy, since, cursor)
    with runtime.engine.connect() as connection:
        rows = reading.listed(connection, wanted, who, limit, now)
    return as_json(
        page(
            rows,
            limit,
            lambda row: reading.summary_of(row, now),
            lambda row: (row.decided_at, row.id),
        )
    )


@router.get(
    "/{decision_id}",
    summary="The decision as it stands now",
    responses={200: {"model": DecisionOut}, **problems(404)},
)
def get_decision(request: Request, who: MayReadDecisions, decision_id: DecisionId) -> Response:
    """One decision, with its proof against the newest checkpoint."""
    return as_json(_shown(runtime_of(request), decision_id, who))


def _shown(runtime: Runtime, decision_id: str, who: Principal) -> dict[str, Any]:
    with runtime.engine.connect() as connection:
        row = reading.found(connection, decision_id, who)
        return reading.shown(connection, row, runtime.clock(), [runtime.ledger.verifier_key])


@router.get(
    "/{decision_id}/barrier",
    summary="The verdict as a status code",
    description="200 passed; else the code given for `pending` or for `fail`. An unknown id "
    "answers the fail code.",
    responses={
        200: {"model": BarrierOut, "description": "Passed."},
        204: {"description": "Pending, as asked for."},
        **by_verdict(BarrierOut, 202, 403, 404, 409, 412, 422, 423, 425, 429, 451),
    },
)
def barrier(
    request: Request,
    who: MayReadDecisions,
    decision_id: DecisionId,
    pending: PendingCode = "202",
    fail: FailCode = "403",
) -> Response:
    """For pipelines that understand status codes and nothing else."""
    if pending == fail:
        raise Problem("invalid-request", "`pending` and `fail` must be different codes.")
    runtime = runtime_of(request)
    now = runtime.clock()
    try:
        with runtime.engine.connect() as connection:
            row = reading.found(connection, decision_id, who)
            body = reading.standing_of(connection, row, now)
    except Problem:
        unknown = {"status": "unknown", "reason": "no such decision", "grants": {}}
        return as_json({**unknown, "decision": None}, int(fail))
    status = status_at(row, now)
    code = {"passed": 200, "pending": int(pending)}.get(status, int(fail))
    if code == 204:
        return Response(status_code=204)
    grants = body["grants"] if status == "passed" else {}
    answer = {
        "status": status,
        "reason": _why(row, body, now),
        "grants": grants,
        "decision": row.id,
    }
    return as_json(answer, code)


def _why(row: Row[Any], body: dict[str, Any], now: datetime) -> str:
    said: str = body["summary"]
    if is_through_glass(row, now):
        return f"The glass was broken until {body['break_glass']['until']}. {said}"
    return said


@router.post(
    "/{decision_id}/replay",
    summary="Decide again from the recorded inputs",
    responses={200: {"model": ReplayOut}, **problems(404, 410)},
)
def replay_decision(request: Request, who: MayReadDecisions, decision_id: DecisionId) -> Response:
    """Whether today's engine gives the recorded answer."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        row = reading.found(connection, decision_id, who)
        return as_json(replay(connection, runtime.policies, row))


@router.post(
    "/{decision_id}/revoke",
    summary="End a decision that stands",
    responses={200: {"model": DecisionOut}, **problems(400, 404, 409, 413, 415)},
    openapi_extra=json_body(ReasonIn),
)
async def revoke(request: Request, who: MayRevoke, decision_id: DecisionId) -> Response:
    """Revoke a decision; its clearance ends at once."""
    given = await parsed(request, ReasonIn)
    runtime = runtime_of(request)

    def prepared() -> Work:
        with runtime.engine.connect() as connection:
            row = reading.found(connection, decision_id, who)
            return revoking.revoked(
                connection, row, given.reason, who, runtime.clock(), runtime.attestor
            )

    await committed(runtime.ledger, prepared, lambda work: work)
    return as_json(await asyncio.to_thread(_shown, runtime, decision_id, who))


@router.post(
    "/{decision_id}/review",
    summary="Ask people now",
    description="Opens the review without waiting for more evidence.",
    responses={200: {"model": ReviewOut}, **problems(404, 409)},
)
async def open_review(request: Request, who: MayOpenReview, decision_id: DecisionId) -> Response:
    """Open the decision's review."""
    runtime = runtime_of(request)
    now = runtime.clock()

    def prepared() -> tuple[Row[Any], Work | None]:
        with runtime.engine.connect() as connection:
            return opened(connection, reading.found(connection, decision_id, who), who, now)

    row, _ = await committed(runtime.ledger, prepared, lambda made: made[1])

    def current() -> dict[str, Any]:
        with runtime.engine.connect() as connection:
            asked = by_id(connection, row.id, who)
            if asked is None:
                raise Problem("review-not-found", "The review is gone.")
            return shown(connection, asked, now)

    return as_json(await asyncio.to_thread(current))
