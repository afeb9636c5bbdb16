"""The job behind an evaluation that brings data: measure, decide, record; or say why it failed.

Each try starts from what was recorded when the evaluation came in, and only the last step writes,
all or nothing. So a killed worker loses nothing and decides nothing twice.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, update

from app.auth.principal import Grant, Principal, granted
from app.database import IMMEDIATE
from app.errors import Problem, problem_of
from app.evaluations.data_tables import OPEN, awaited_file, data_evaluation
from app.evaluations.entries import failed
from app.evaluations.inputs import blob, content_of, digest_of
from app.evaluations.intake import Intake
from app.evaluations.recording import recorded
from app.evaluations.schemas import RUNS, ComparedIn
from app.evaluations.service import Received, decided, understood
from app.integrations.evidently.asked import Asked
from app.integrations.evidently.measuring import DataMeasured, measured, stored
from app.integrations.mlflow import fetching
from app.integrations.mlflow.evidence import with_notes
from app.integrations.mlflow.registry import RegistryError
from app.jobs.kinds import Job
from app.ledger.tables import evidence_blob
from app.ledger.work import Conflict, Work
from app.runtime import Runtime
from gates.evidence import ImpossibleEvidence
from gates.formats import FormatError

_REGISTRY_PATIENCE: Final = timedelta(hours=24)
"""So long a registry that does not answer is asked again."""
MOST_TRIES: Final = 4
"""Tries that may end without an answer (a killed worker, too little memory) before it failed."""


def run(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """Bring one evaluation to its end. An exception means: again later."""
    row = _begun(runtime, job.key, now)
    if row is None:
        return None
    if row.tries > MOST_TRIES:
        detail = (
            f"Measuring the data ended {MOST_TRIES} times without an answer; most often the "
            "worker has too little memory for them. Send a sample, or give it more."
        )
        _fail(runtime, row, Problem("measuring-failed", detail))
        return None
    try:
        received, intake = _taken(runtime, row)
        assert intake.data is not None, "only such evaluations are queued"
        found = measured(
            row.reference,
            row.current,
            asked_for(intake.data),
            partial(_fetched, runtime, row),
            progress=lambda step: _note(runtime, row.id, step),
        )
        _note(runtime, row.id, "deciding")
        _decide(runtime, row, received, _completed(intake, found, runtime.clock()), found)
    except (Problem, ImpossibleEvidence, FormatError) as error:
        _fail(runtime, row, problem_of(error))
    except RegistryError as error:
        if now - row.received_at > _REGISTRY_PATIENCE:
            detail = f"MLflow did not give the data for {_REGISTRY_PATIENCE}: {error}"
            _fail(runtime, row, Problem("measuring-failed", detail))
            return None
        _put_back(runtime, row.id, f"waiting for MLflow: {error}")
        raise
    return None


def _fetched(runtime: Runtime, row: Row[Any], name: str, place: Path) -> str:
    """A data set that was sent, or a file of a registry's run."""
    if name.startswith(RUNS):
        return fetching.fetched(runtime.settings, row.model, row.submitted_by, name, place)
    return stored(runtime, name, place)


def _put_back(runtime: Runtime, name: str, step: str) -> None:
    """A try that never came to measuring does not count."""
    back = update(data_evaluation).where(
        data_evaluation.c.id == name, data_evaluation.c.status == "running"
    )
    values = {"status": "queued", "step": step[:500], "tries": data_evaluation.c.tries - 1}
    with runtime.engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        connection.execute(back.values(**values))


def asked_for(data: ComparedIn) -> Asked:
    """What a submission asks of Evidently."""
    return Asked(
        columns=tuple(data.columns or ()),
        target=data.target,
        prediction=data.prediction,
        task=data.task,
        positive=data.positive,
        text=tuple(data.text or ()),
        drift_method=data.drift_method,
    )


def _begun(runtime: Runtime, name: str, now: datetime) -> Row[Any] | None:
    """The row with one try more; None where it has ended."""
    begin = (
        update(data_evaluation)
        .where(data_evaluation.c.id == name, data_evaluation.c.status.in_(OPEN))
        .values(status="running", tries=data_evaluation.c.tries + 1, started_at=now)
    )
    query = select(data_evaluation).where(data_evaluation.c.id == name)
    with runtime.engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        if connection.execute(begin).rowcount == 0:
            return None
        return connection.execute(query).one()


def _note(runtime: Runtime, name: str, step: str) -> None:
    noted = update(data_evaluation).where(
        data_evaluation.c.id == name, data_evaluation.c.status == "running"
    )
    with runtime.engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        connection.execute(noted.values(step=step))


def _taken(runtime: Runtime, row: Row[Any]) -> tuple[Received, Intake]:
    """The submission as it came in, under the models that its key was for then."""
    with runtime.engine.connect() as connection:
        raw = content_of(connection, row.raw)
    received = Received(submitter_of(row), raw, None, runtime.settings.link_base)
    intake = understood(runtime, received, keeps=True)
    is_registrys = row.submitted_by == fetching.SUBMITTER
    return received, with_notes(intake) if is_registrys else intake


def submitter_of(row: Row[Any]) -> Principal:
    """Whose evaluation it is, under the models that their key was for then."""
    own = Grant(("submitter",), tuple(row.models))
    return granted(
        id=row.submitted_by, kind="service", name="", grants=(own,), via="key", actor=row.actor
    )


def _completed(intake: Intake, found: DataMeasured, now: datetime) -> Intake:
    evidence = intake.evidence
    kept = {digest_of(content): digest_of(content) for content in (found.snapshot, found.report)}
    return replace(
        intake,
        evidence=replace(
            evidence,
            measurements=(*evidence.measurements, *found.measurements),
            measured_at=evidence.measured_at or now,
        ),
        notes=(*intake.notes, *found.notes),
        files={**intake.files, **kept},
    )


def _decide(
    runtime: Runtime, row: Row[Any], received: Received, intake: Intake, found: DataMeasured
) -> None:
    """Decide and record at one go; a Conflict is left to the job, which then tries again."""
    snapshot, report = digest_of(found.snapshot), digest_of(found.report)
    case = decided(runtime, received, intake, is_retry=True)
    written = recorded(replace(case, evaluation=row.id, report=report), runtime.attestor)
    blobs = [blob(found.snapshot, snapshot), blob(found.report, report)]
    guard = written.work.guard
    values = {
        "status": "done",
        "step": None,
        "decision": written.id,
        "snapshot": snapshot,
        "report": report,
        "finished_at": case.at,
    }

    def still(connection: Connection) -> None:
        _require_open(connection, row.id)
        if guard is not None:
            guard(connection)

    def end(connection: Connection) -> None:
        _end(connection, row.id, values)

    work = replace(
        written.work,
        rows=[(evidence_blob, blobs), *written.work.rows],
        guard=still,
        apply=end,
        commutes=False,
    )
    runtime.ledger.commit_sync(work)


def _fail(runtime: Runtime, row: Row[Any], problem: Problem) -> None:
    """End it without a decision; the log says so."""
    now = runtime.clock()
    told = {"type": problem.slug, "detail": problem.detail, "errors": list(problem.errors)}
    values = {"status": "failed", "step": None, "problem": told, "finished_at": now}

    def end(connection: Connection) -> None:
        _end(connection, row.id, values)

    entry = failed(row._asdict(), problem.slug, now)
    runtime.ledger.commit_sync(
        Work(entries=[entry], guard=lambda c: _require_open(c, row.id), apply=end)
    )


def _end(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """What became of it; the files that it waited for may go, and the name of who set it off."""
    ended = update(data_evaluation).where(data_evaluation.c.id == name)
    connection.execute(ended.values({**values, "actor": None}))
    connection.execute(delete(awaited_file).where(awaited_file.c.evaluation == name))


def _require_open(connection: Connection, name: str) -> None:
    still = select(data_evaluation.c.id).where(
        data_evaluation.c.id == name, data_evaluation.c.status.in_(OPEN)
    )
    if connection.execute(still).first() is None:
        raise Conflict("conflict", "The evaluation has ended.")
