"""Asking for a look at a model: one job per model, put or rung again in the caller's transaction.

However many events arrive, in whatever order, the job reads the registry as it is then.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from app.jobs import outbox
from app.jobs.running import OPEN
from app.jobs.tables import job

LOOK: Final = "mlflow.look"


def key_of(model: str) -> str:
    """A job's key; names of models may be longer than keys."""
    return hashlib.sha256(model.encode()).hexdigest()


def rows_of(
    models: Sequence[str], now: datetime
) -> list[tuple[Table, Sequence[Mapping[str, Any]]]]:
    """Rows for `Work.rows`; what is there already stays."""
    return [outbox.put(LOOK, key_of(model), {"model": model}, now=now) for model in models]


def rung(models: Sequence[str], now: datetime) -> Callable[[Connection], None]:
    """For `Work.apply`: let the jobs run now, also those that ran before."""

    def ring(within: Connection) -> None:
        for model in models:
            outbox.again(within, LOOK, key_of(model), now)

    return ring


def is_held_up(connection: Connection, model: str) -> bool:
    """Whether the last look at a model failed, so that the registry may show what was before."""
    failing = select(job.c.id).where(
        job.c.kind == LOOK,
        job.c.key == key_of(model),
        job.c.status.in_(OPEN),
        job.c.error.is_not(None),
    )
    return connection.execute(failing).first() is not None
