"""Where an evaluation stands: queued, running with its step, done with its decision, or failed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from app.auth.principal import Principal
from app.database import to_text
from app.errors import Problem
from app.evaluations.data_tables import data_evaluation
from app.evaluations.tables import decision, evaluation


class DataOut(BaseModel):
    """The data sets that are compared: digests, or files of a registry's runs."""

    reference: str
    current: str


class FailureOut(BaseModel):
    """Why nothing was decided."""

    type: str = Field(description="A stable slug", examples=["unreadable-data"])
    detail: str = Field(description="In words that a person can act on")
    errors: list[dict[str, Any]]


class EvaluationOut(BaseModel):
    """One submission, as it stands now."""

    id: str
    status: Literal["queued", "running", "done", "failed"] = Field(
        description="`failed`: nothing was decided, and so nothing is cleared"
    )
    step: str | None = Field(description="What a worker does at the moment")
    model: str
    version: str
    stage: str
    data: DataOut | None
    decision: str | None = Field(description="The first decision on it")
    problem: FailureOut | None
    received_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


def shown(row: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """A row of `data_evaluation`, or what would stand there, as people and pipelines see it."""
    here = f"{public_url}/v1/evaluations/{row['id']}"
    links = {"self": here}
    if row["decision"]:
        links["decision"] = f"{public_url}/v1/decisions/{row['decision']}"
        links["page"] = f"{public_url}/decisions/{row['decision']}"
    if row["report"]:
        links["data_report"] = f"{here}/report"
    return {
        "id": row["id"],
        "status": row["status"],
        "step": row["step"],
        "model": row["model"],
        "version": row["version"],
        "stage": row["stage"],
        "data": {name: row[name] for name in ("reference", "current")} if row["current"] else None,
        "decision": row["decision"],
        "problem": row["problem"],
        "received_at": to_text(row["received_at"]),
        "started_at": _text(row["started_at"]),
        "finished_at": _text(row["finished_at"]),
        "links": links,
    }


def found(
    connection: Connection, evaluation_id: str, who: Principal, public_url: str
) -> dict[str, Any]:
    """An evaluation, or 404: what a key may not see does not exist for it."""
    row = connection.execute(
        select(data_evaluation).where(data_evaluation.c.id == evaluation_id)
    ).first()
    if row is not None and who.sees(row.model):
        return shown(row._asdict(), public_url)
    known = connection.execute(select(evaluation).where(evaluation.c.id == evaluation_id)).first()
    if known is None or row is not None or not who.sees(known.model):
        raise not_found()
    first = (
        select(decision.c.id)
        .where(decision.c.evaluation == evaluation_id)
        .order_by(decision.c.decided_at)
        .limit(1)
    )
    at = known.received_at
    never = dict.fromkeys(("reference", "current", "step", "problem", "report"))
    done = {"status": "done", "decision": connection.scalar(first)}
    plain = {**known._asdict(), **never, **done, "started_at": at, "finished_at": at}
    return shown(plain, public_url)


def not_found() -> Problem:
    """The one answer for what is not there and for what may not be seen."""
    return Problem("evaluation-not-found", "No evaluation of this name is visible to you.")


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)
