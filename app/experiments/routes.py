"""Routes under /v1/experiments: what an online experiment shows. Nothing is stored or spent."""

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.auth.demands import MayReadDecisions
from app.bodies import json_value, read, require_json, validated
from app.experiments.schemas import AnalysisOut, NeededOut
from app.openapi import json_body, problems
from app.replies import as_json
from gates.experiments import Experiment, Plan, analyze, needed

router = APIRouter(prefix="/v1/experiments", tags=["experiments"])


class AnswerOut(BaseModel):
    """`analysis` of an experiment that ran, or `needed` for one that is planned."""

    analysis: AnalysisOut | None = Field(None)
    needed: NeededOut | None = Field(None)


def _body() -> dict[str, Any]:
    """Both forms of the body; the second is registered for its reference."""
    extra = json_body(Experiment)
    schema = extra["requestBody"]["content"]["application/json"]["schema"]
    other = json_body(Plan)["requestBody"]["content"]["application/json"]["schema"]
    extra["requestBody"]["content"]["application/json"]["schema"] = {"anyOf": [schema, other]}
    return extra


@router.post(
    "/analyze",
    summary="What an experiment shows, or how large it must be",
    description="Two or more arms by conversions, means, ratios or per-unit values, with the same "
    "estimators as the rules of a policy. With `plan` instead of `arms`: the units it needs.",
    responses={200: {"model": AnswerOut}, **problems(400, 413, 415)},
    openapi_extra=_body(),
)
async def analyze_experiment(request: Request, _: MayReadDecisions) -> Response:
    """Answer an experiment."""
    require_json(request)
    raw = await read(request)
    return as_json(await asyncio.to_thread(answered, raw))


def answered(raw: bytes) -> dict[str, Any]:
    """The answer to a body, as plain values."""
    value = json_value(raw)
    if isinstance(value, dict) and "plan" in value:
        return {"analysis": None, "needed": asdict(needed(validated(Plan, value)))}
    return {"analysis": asdict(analyze(validated(Experiment, value))), "needed": None}
