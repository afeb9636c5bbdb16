"""What makes the worker look at a model without an event: the record's news, and a sweep.

A sign-off, a revocation, a broken glass: each is an entry, and each may move an alias. Events of
the registry that were lost are made good by the sweep.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from app.evaluations.tables import decision
from app.integrations.mlflow.config import MlflowFile, configured
from app.integrations.mlflow.ringing import rows_of, rung
from app.integrations.mlflow.state import read_up_to, state
from app.integrations.tables import registry_version
from app.jobs import outbox
from app.jobs.kinds import Job
from app.ledger.tables import audit_entry, audit_head
from app.ledger.work import Conflict, Work
from app.runtime import Runtime

_BATCH: Final = 500
_OF_ONE: Final = ("decision.", "review.", "break_glass.", "evaluation.failed")
_OF_ALL: Final = ("waiver.", "policy.")
_OFF: Final = timedelta(minutes=5)
SWEEP: Final = "mlflow.sweep"
_swept: Final[set[str]] = set()
"""Databases that this process has had swept since it started."""


def follow(runtime: Runtime, now: datetime) -> int:
    """Ring for the models that new entries concern; how many. Cheap where nothing is connected."""
    config = configured(runtime.settings)
    if config is None:
        return 0
    _sweep_at_start(runtime, now)
    before: int = state(runtime, now).next_index
    with runtime.engine.connect() as connection:
        size: int = connection.execute(select(audit_head.c.size)).scalar_one()
        if before >= size:
            return 0
        like = [audit_entry.c.type.startswith(noun) for noun in (*_OF_ONE, *_OF_ALL)]
        columns = (audit_entry.c.index, audit_entry.c.type, audit_entry.c.subject)
        rows = connection.execute(
            select(*columns, audit_entry.c.body)
            .where(audit_entry.c.index >= before, audit_entry.c.index < size, or_(*like))
            .order_by(audit_entry.c.index)
            .limit(_BATCH)
        ).all()
        end = int(rows[-1][0]) + 1 if len(rows) == _BATCH else size
        names = {name for row in rows if (name := _decision(row)) is not None}
        of = select(decision.c.model).where(decision.c.id.in_(names)).distinct()
        models = set(connection.execute(of).scalars()) if names else set()
        models |= {name for row in rows if (name := _undecided(row)) is not None}
        if any(row.type.startswith(_OF_ALL) for row in rows):
            models |= set(connection.execute(select(registry_version.c.model).distinct()).scalars())
    return _ring(runtime, config, sorted(models), now, before, end)


def _sweep_at_start(runtime: Runtime, now: datetime) -> None:
    """What happened while no worker ran raised events that nobody heard."""
    if (name := runtime.settings.database_url) in _swept:
        return
    _swept.add(name)

    def again(within: Connection) -> None:
        outbox.again(within, SWEEP, SWEEP, now)

    runtime.ledger.commit_sync(Work(entries=[], apply=again))


def _decision(row: Any) -> str | None:
    """The decision that an entry is about."""
    if row.subject.startswith("dec_"):
        return str(row.subject)
    found = json.loads(row.body)["refs"].get("decision")
    return found if isinstance(found, str) else None


def _undecided(row: Any) -> str | None:
    """The model of an evaluation whose data could not be measured."""
    if row.type != "evaluation.failed":
        return None
    return str(json.loads(row.body)["data"]["candidate"]["model"])


def _ring(
    runtime: Runtime,
    config: MlflowFile,
    models: Sequence[str],
    now: datetime,
    before: int,
    end: int,
) -> int:
    ours = [model for model in models if config.rules_for(model)]
    ring, advance = rung(ours, now), read_up_to(before, end)

    def apply(within: Any) -> None:
        advance(within)
        ring(within)

    try:
        runtime.ledger.commit_sync(Work(entries=[], rows=rows_of(ours, now), apply=apply))
    except Conflict:
        return 0
    return len(ours)


def sweep(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """Ring for every model that a rule names; again after the configured time."""
    del job
    config = configured(runtime.settings)
    if config is None:
        return now + _OFF
    # The package is loaded by those who have a registry only.
    from app.integrations.mlflow.registry import opened  # noqa: PLC0415 - see above

    state(runtime, now)
    with opened(config) as registry:
        models = [name for name in registry.names() if config.rules_for(name)]
    if models:
        work = Work(entries=[], rows=rows_of(models, now), apply=rung(models, now))
        runtime.ledger.commit_sync(work)
    return now + timedelta(seconds=config.sweep_seconds)
