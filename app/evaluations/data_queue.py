"""Taking in an evaluation that brings data: 202 at once, measured and decided by a worker later.

What can be refused now is refused now; what was taken in is in the record before it is answered.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from fastapi import Response
from sqlalchemy import Table, update

from app.blobs.tables import evidence_file
from app.database import IMMEDIATE
from app.errors import Problem
from app.evaluations.data_standing import shown
from app.evaluations.data_tables import awaited_file, data_evaluation
from app.evaluations.entries import queued
from app.evaluations.inputs import blob, digest_of
from app.evaluations.intake import Intake
from app.evaluations.schemas import RUNS, DataIn
from app.evaluations.service import Received, chosen
from app.ids import new_id
from app.integrations.mlflow.fetching import require_registry
from app.jobs.outbox import CPU, put
from app.ledger.tables import evidence_blob
from app.ledger.work import Work
from app.replies import json_bytes
from app.runtime import Runtime

MEASURE: Final = "evaluation.measure"
"""The kind of job that measures the data and decides."""


async def accepted(runtime: Runtime, received: Received, intake: Intake, data: DataIn) -> Response:
    """Queue the evaluation and say where its progress can be seen."""
    row, work = await asyncio.to_thread(queued_work, runtime, received, intake, data)
    body = json_bytes(shown(row, received.public_url))
    if received.once is not None:
        kept = received.once.row(row["received_at"], 202, body=body)
        work = replace(work, rows=[*work.rows, kept])
    await runtime.ledger.commit(work)
    location = {"Location": f"/v1/evaluations/{row['id']}"}
    return Response(body, 202, headers=location, media_type="application/json")


def queued_work(
    runtime: Runtime, received: Received, intake: Intake, data: DataIn
) -> tuple[Mapping[str, Any], Work]:
    """The row of an evaluation that is to be measured, and the Work that puts it into the queue."""
    _require_data(runtime, received, intake, data)
    chosen(runtime.policies.current(), intake)
    now = runtime.clock()
    raw = digest_of(received.raw)
    row: dict[str, Any] = {
        "id": new_id("ev"),
        "model": intake.candidate.model,
        "version": intake.candidate.version,
        "candidate_digest": intake.candidate.digest,
        "stage": intake.stage,
        "raw": raw,
        "reference": data.reference,
        "current": data.current,
        "submitted_by": received.who.id,
        "actor": received.who.actor,
        "models": list(received.who.models),
        "status": "queued",
        "step": None,
        "tries": 0,
        "problem": None,
        "decision": None,
        "snapshot": None,
        "report": None,
        "received_at": now,
        "started_at": None,
        "finished_at": None,
    }
    sent = {*intake.files, *(d for d in (data.reference, data.current) if not d.startswith(RUNS))}
    awaited = [{"evaluation": row["id"], "digest": digest} for digest in sorted(sent)]
    rows: list[tuple[Table, Sequence[Mapping[str, Any]]]] = [
        (evidence_blob, [blob(received.raw, raw)]),
        (data_evaluation, [row]),
        put(MEASURE, row["id"], {}, now=now, queue=CPU),
    ]
    if awaited:
        rows.append((awaited_file, awaited))
    return row, Work(entries=[queued(row)], rows=rows)


def _require_data(runtime: Runtime, received: Received, intake: Intake, data: DataIn) -> None:
    """Both data sets are here or may be fetched; naming them keeps them for a while longer."""
    named = {"reference": data.reference, "current": data.current}
    of_runs = [f"/data/{place}" for place, name in named.items() if name.startswith(RUNS)]
    if of_runs:
        require_registry(runtime.settings, intake.candidate.model, received.who.id, of_runs[0])
    named = {place: name for place, name in named.items() if not name.startswith(RUNS)}
    with runtime.engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        for place, digest in named.items():
            used = update(evidence_file).where(evidence_file.c.digest == digest)
            if connection.execute(used.values(used_at=runtime.clock())).rowcount == 0:
                detail = (
                    f"No data set {digest} is here. Send it first: POST /v1/datasets. Data sets "
                    "are removed a while after they were last used."
                )
                errors = [{"pointer": f"/data/{place}", "detail": "not here"}]
                raise Problem("blob-not-found", detail, errors=errors)
