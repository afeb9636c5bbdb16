"""POST /v1/hooks/mlflow: the registry's events. Signed, stored, answered; judged in the worker."""

import asyncio
import hashlib
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from app.auth.demands import address_of
from app.bodies import json_value, read
from app.errors import Problem
from app.integrations.mlflow.config import MlflowFile, connected
from app.integrations.mlflow.events import Event, event_of
from app.integrations.mlflow.ringing import rows_of, rung
from app.integrations.mlflow.signing import SignatureRefused, verified
from app.integrations.tables import registry_alias, registry_delivery
from app.ledger.work import Work
from app.openapi import problems
from app.replies import json_bytes
from app.runtime import Runtime, runtime_of
from app.settings import SettingsError

router = APIRouter(prefix="/v1/hooks", tags=["integrations"])

_SENT: Final = "Signed by MLflow with the webhook's secret; see docs/mlflow.md."
_NOT_CONNECTED: Final = "No MLflow registry is connected here: set CLEARANCE_MLFLOW_FILE."
_PROBLEMS: Final = {code: words for code, words in problems(400, 413).items() if code != 403}


class HookOut(BaseModel):
    """What becomes of a delivery."""

    delivery: str = Field(description="The delivery's id, as MLflow sent it")
    event: str = Field(description="The event", examples=["model_version.created"])
    repeated: bool = Field(description="Whether this delivery had arrived before")
    model: str | None = Field(description="The model that is looked at because of it, if any")
    why_not: str | None = Field(description="Why nothing is looked at")


@router.post(
    "/mlflow",
    status_code=202,
    summary="Receive an event of MLflow's model registry",
    description="All 15 events of MLflow 3. No bearer key: the signature over the raw bytes is "
    "what lets in. Answered as soon as it is stored; the worker then looks at the model.",
    responses={
        202: {"model": HookOut, "description": "Stored; the worker looks at the model."},
        200: {"model": HookOut, "description": "Nothing to look at, or known already."},
        **_PROBLEMS,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": _SENT,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    },
)
async def receive(request: Request) -> Response:
    """Take an event in."""
    runtime = runtime_of(request)
    config = connected(runtime.settings, _NOT_CONNECTED)
    body = await read(request)
    now = runtime.clock()
    try:
        delivery = verified(request.headers, body, _secrets(config), now)
    except SignatureRefused as refused:
        # Nobody guesses a signature, so a good one passes whatever else its address sends.
        address = address_of(request)
        runtime.access.throttle.refuse_blocked(address)
        runtime.access.throttle.failed(address)
        raise Problem("hook-refused", str(refused)) from None
    event = event_of(json_value(body), config.workspace)
    why_not, is_repeated = await asyncio.to_thread(_why_not, runtime, config, event, delivery)
    model = None if why_not else event.model
    if model is not None and not is_repeated:
        row = {
            "id": delivery,
            "event": event.name,
            "model": model,
            "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
            "received_at": now,
        }
        rows = [(registry_delivery, [row]), *rows_of([model], now)]
        await runtime.ledger.commit(Work(entries=[], rows=rows, apply=rung([model], now)))
    out = HookOut(
        delivery=delivery, event=event.name, repeated=is_repeated, model=model, why_not=why_not
    )
    status = 202 if model is not None and not is_repeated else 200
    return Response(json_bytes(out.model_dump()), status, media_type="application/json")


def _why_not(
    runtime: Runtime, config: MlflowFile, event: Event, delivery: str
) -> tuple[str | None, bool]:
    """Why the event needs no look, and whether the delivery is known."""
    if event.model is None:
        return event.why, False
    if not config.rules_for(event.model):
        return "no rule of the MLflow file names this model", False
    with runtime.reader.connect() as connection:
        known = select(registry_delivery.c.id).where(registry_delivery.c.id == delivery)
        is_known = connection.execute(known).first() is not None
        if event.alias is not None and event.version is not None:
            ours = select(registry_alias.c.given).where(
                registry_alias.c.model == event.model, registry_alias.c.alias == event.alias
            )
            if connection.execute(ours).scalar() == event.version:
                return "this service wrote it itself", is_known
    return None, is_known


def _secrets(config: MlflowFile) -> tuple[str, ...]:
    try:
        return config.secrets()
    except SettingsError as error:
        raise Problem("not-configured", str(error)) from None
