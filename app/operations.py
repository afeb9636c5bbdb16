"""Routes for those who run the service: is it alive, is it ready, what has it done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.database import SchemaState, schema_state, to_text
from app.jobs.standing import standing
from app.ledger.tables import audit_head
from app.openapi import public_problems
from app.replies import as_json
from app.runtime import Runtime, runtime_of

router = APIRouter(tags=["operations"])


class HealthOut(BaseModel):
    """The process answers."""

    status: str


class AnchorOut(BaseModel):
    """Where the newest checkpoint is held outside the database."""

    name: str
    size: int | None = Field(description="Entries in the checkpoint that it holds")
    anchored_at: datetime | None
    age_seconds: float | None = Field(description="Since it was given that checkpoint")
    behind_seconds: float = Field(description="How long newer entries wait to be anchored")
    problem: str | None


class ReadyOut(BaseModel):
    """Whether requests can be decided and recorded now."""

    status: str
    database: str
    schema_state: str
    ledger: str
    waiting: int
    anchors: list[AnchorOut]
    jobs: str = Field(
        description="`running`, `late` (jobs two minutes overdue), `stopped` (no worker alive) or "
        "`unknown`. Shown, never a reason for 503: deadlines hold without a worker."
    )
    jobs_late: int
    jobs_failing: int = Field(
        description="Whose last try failed and that are tried again. `clearance mlflow status` "
        "says what holds up those that ask MLflow; the worker's log says it of all"
    )
    jobs_dead: int = Field(description="Given up after their last try")


@router.get("/healthz", summary="Is the process alive?", responses={200: {"model": HealthOut}})
async def healthz() -> Response:
    """Says nothing about the database."""
    return as_json({"status": "ok"})


@router.get(
    "/readyz",
    summary="Can requests be decided and recorded?",
    responses={200: {"model": ReadyOut}, 503: {"model": ReadyOut, "description": "Not now."}},
)
def readyz(request: Request) -> Response:
    """Database, schema and writer; anchors only past CLEARANCE_ANCHOR_MAX_AGE_SECONDS."""
    runtime = runtime_of(request)
    database, schema = _database(runtime)
    ledger = "writing" if runtime.ledger.is_writing else runtime.ledger.alarm or "stopped"
    anchors = _anchors(runtime) if database == "ok" else []
    longest = runtime.settings.anchor_max_age_seconds
    is_anchored = not longest or all(held["behind_seconds"] <= longest for held in anchors)
    is_writing = (database, schema, ledger) == ("ok", SchemaState.CURRENT.value, "writing")
    is_ready = is_writing and is_anchored
    body = {
        "status": "ready" if is_ready else "unready",
        "database": database,
        "schema_state": schema,
        "ledger": ledger,
        "waiting": runtime.ledger.waiting,
        "anchors": anchors,
        **_jobs(runtime, is_current=schema == SchemaState.CURRENT.value),
    }
    return as_json(body, 200 if is_ready else 503)


def _anchors(runtime: Runtime) -> list[dict[str, Any]]:
    now = runtime.clock()
    found = []
    for held in runtime.anchoring.standings():
        since = runtime.anchoring.waiting_since(held)
        found.append(
            {
                "name": held.name,
                "size": held.size,
                "anchored_at": to_text(held.at) if held.at else None,
                "age_seconds": _seconds(held.at, now),
                "behind_seconds": _seconds(since, now) or 0.0,
                "problem": held.problem,
            }
        )
    return found


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, round((now - since).total_seconds(), 3))


def _database(runtime: Runtime) -> tuple[str, str]:
    try:
        return "ok", schema_state(runtime.engine).value
    except SQLAlchemyError:
        return "unreachable", "unknown"


def _jobs(runtime: Runtime, *, is_current: bool) -> Mapping[str, Any]:
    unknown = {"jobs": "unknown", "jobs_late": 0, "jobs_failing": 0, "jobs_dead": 0}
    if not is_current:
        return unknown
    try:
        with runtime.engine.connect() as connection:
            return standing(connection, runtime.clock())
    except SQLAlchemyError:
        return unknown


@router.get(
    "/metrics",
    summary="Counters in the Prometheus text format",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **public_problems(),
    },
)
def metrics(request: Request) -> Response:
    """Counters of this process, and the size of the log."""
    runtime = runtime_of(request)
    with runtime.engine.connect() as connection:
        size = connection.execute(select(audit_head.c.size)).scalar_one()
    text = runtime.telemetry.exposition() + (
        "# HELP clearance_ledger_waiting Writes that wait for the writer.\n"
        "# TYPE clearance_ledger_waiting gauge\n"
        f"clearance_ledger_waiting {runtime.ledger.waiting}\n"
        "# HELP clearance_log_size Entries in the log.\n"
        "# TYPE clearance_log_size gauge\n"
        f"clearance_log_size {size}\n"
        "# HELP clearance_anchored_size Entries in the checkpoint that an anchor holds.\n"
        "# TYPE clearance_anchored_size gauge\n"
    )
    for held in runtime.anchoring.standings():
        text += f'clearance_anchored_size{{anchor="{held.name}"}} {held.size or 0}\n'
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
