"""Taking in an evaluation that brings data: 202 at once, measured and decided by a worker later.

What can be refused now is refused now; what was taken in is in the record before it is answered.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Response
from sqlalchemy import Table, update

from app.blobs.tables import evidence_file
from app.database import IMMEDIATE
from app.errors import Problem
from app.evaluations.data_standing import shown
from app.evaluations.data_tables import data_evaluation
from app.evaluations.entries import queued
from app.evaluations.inputs import blob, digest_of
from app.evaluations.intake import Intake
from app.evaluations.schemas import DataIn
from app.evaluations.service import Received, chosen
from app.ids import new_id
from app.jobs.outbox import CPU, put
from app.ledger.tables import evidence_blob
from app.ledger.work import Work
from app.replies import json_bytes
from app.runtime import Runtime

MEASURE: Final = "evaluation.measure"
"""The kind of job that measures the data and decides."""


async def accepted(runtime: Runtime, received: Received, intake: Intake, data: DataIn) -> Response:
    """Queue the evaluation and say where its progress can be seen."""
    await asyncio.to_thread(_require_data, runtime, data)
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
    body = json_bytes(shown(row, received.public_url))
    rows: list[tuple[Table, Sequence[Mapping[str, Any]]]] = [
        (evidence_blob, [blob(received.raw, raw)]),
        (data_evaluation, [row]),
        put(MEASURE, row["id"], {}, now=now, queue=CPU),
    ]
    if received.once is not None:
        rows.append(received.once.row(now, 202, body=body))
    await runtime.ledger.commit(Work(entries=[queued(row)], rows=rows))
    location = {"Location": f"/v1/evaluations/{row['id']}"}
    return Response(body, 202, headers=location, media_type="application/json")


def _require_data(runtime: Runtime, data: DataIn) -> None:
    """Both data sets are here; naming them keeps them for a while longer."""
    named = {"reference": data.reference, "current": data.current}
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
