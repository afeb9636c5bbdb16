"""Routes for those who run the service: is it alive, is it ready, what has it done."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.database import SchemaState, schema_state
from app.jobs.standing import standing
from app.ledger.tables import audit_head
from app.openapi import public_problems
from app.replies import as_json
from app.runtime import Runtime, runtime_of

router = APIRouter(tags=["operations"])


class HealthOut(BaseModel):
    """The process answers."""

    status: str


class ReadyOut(BaseModel):
    """Whether requests can be decided and recorded now."""

    status: str
    database: str
    schema_state: str
    ledger: str
    waiting: int
    jobs: str = Field(
        description="`running`, `late` (jobs two minutes overdue), `stopped` (no worker alive) or "
        "`unknown`. Shown, never a reason for 503: deadlines hold without a worker."
    )
    jobs_late: int
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
    """Database, schema and writer; and how the long work stands."""
    runtime = runtime_of(request)
    database, schema = _database(runtime)
    ledger = "writing" if runtime.ledger.is_writing else runtime.ledger.alarm or "stopped"
    is_ready = (database, schema, ledger) == ("ok", SchemaState.CURRENT.value, "writing")
    body = {
        "status": "ready" if is_ready else "unready",
        "database": database,
        "schema_state": schema,
        "ledger": ledger,
        "waiting": runtime.ledger.waiting,
        **_jobs(runtime, is_current=schema == SchemaState.CURRENT.value),
    }
    return as_json(body, 200 if is_ready else 503)


def _database(runtime: Runtime) -> tuple[str, str]:
    try:
        return "ok", schema_state(runtime.engine).value
    except SQLAlchemyError:
        return "unreachable", "unknown"


def _jobs(runtime: Runtime, *, is_current: bool) -> Mapping[str, Any]:
    unknown = {"jobs": "unknown", "jobs_late": 0, "jobs_dead": 0}
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
    )
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
