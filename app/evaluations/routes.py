"""POST /v1/evaluations and its preview: where pipelines hand in what they measured."""

import asyncio

from fastapi import APIRouter, Request, Response

from app.auth.demands import MaySubmit
from app.auth.keys import Principal
from app.bodies import read, require_json
from app.evaluations import service
from app.evaluations.answers import DecisionOut
from app.evaluations.data_queue import accepted
from app.evaluations.data_standing import EvaluationOut
from app.evaluations.presentation import offline_json
from app.evaluations.recording import Case
from app.evaluations.schemas import SubmissionIn
from app.evaluations.service import Received
from app.idempotency.once import once
from app.openapi import json_body, problems
from app.replies import json_bytes
from app.runtime import runtime_of

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])


@router.post(
    "",
    status_code=201,
    summary="Submit an evaluation and get the decision",
    description="Answers 201 with the Decision, whatever the verdict. The answer is in the "
    "record before it is sent, with its proof in `audit`. An evaluation that brings `data` is "
    "answered with 202 and where to look (`Location`): a worker measures the data and decides.",
    responses={
        201: {"model": DecisionOut, "description": "The decision, recorded."},
        202: {"model": EvaluationOut, "description": "Queued: its data are measured first."},
        200: {
            "model": DecisionOut | EvaluationOut,
            "description": "The first answer to this Idempotency-Key.",
        },
        **problems(400, 409, 413, 415),
    },
    openapi_extra=json_body(SubmissionIn, is_idempotent=True),
)
async def submit(request: Request, who: MaySubmit) -> Response:
    """Submit an evaluation."""
    received = await _received(request, who)
    return await service.submit(runtime_of(request), received, accepted)


@router.post(
    "/preview",
    summary="See the decision without recording it",
    description="The same body and answer; nothing is stored, spent or logged.",
    responses={200: {"model": DecisionOut}, **problems(400, 413, 415)},
    openapi_extra=json_body(SubmissionIn),
)
async def preview(request: Request, who: MaySubmit) -> Response:
    """Decide and forget."""
    received = await _received(request, who, is_kept=False)
    runtime = runtime_of(request)
    if service.belongs_in_thread(received.raw):
        case = await asyncio.to_thread(service.preview, runtime, received)
    else:
        case = service.preview(runtime, received)
    return Response(_previewed(case), media_type="application/json")


async def _received(request: Request, who: Principal, *, is_kept: bool = True) -> Received:
    require_json(request)
    raw = await read(request)
    kept = once(request, who, raw) if is_kept else None
    return Received(who, raw, kept, runtime_of(request).settings.link_base)


def _previewed(case: Case) -> bytes:
    body = offline_json(case.decided, notes=case.intake.notes)
    policy = {**body["policy"], "version": case.active.version}
    return json_bytes({**body, "policy": policy, "preview": True})
