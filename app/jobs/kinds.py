"""The kinds of jobs: which function runs them, on which queue, and what happens when it fails.

A new kind is one line here. Functions are named, not imported: a worker loads what it runs, and
nothing that puts a job loads anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from app.jobs.outbox import CPU, DEFAULT

if TYPE_CHECKING:
    from app.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its function sees it. `attempt` counts from 1 since it last went well."""

    id: str
    kind: str
    key: str
    payload: Mapping[str, Any]
    due_at: datetime
    attempt: int


Run = Callable[["Runtime", Job, datetime], datetime | None]
"""Do what is due at `now`; the answer is when to run again, or None when all is done.

It runs at least once, perhaps twice: it re-reads what the job is about and acts by compare-and-set
in one Work, so that a second run finds nothing left to do. An exception means: again later.
"""

RETRIES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
"""Pauses after failures; the last one is repeated."""

_SOON: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60))
"""For what is asked of a server of the operator's own, which comes back."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of job is run. `function` is `module:name`."""

    function: str
    queue: str = DEFAULT
    retries: Sequence[timedelta] = RETRIES
    gives_up_after: int | None = None
    """Failures after which the job is dead; None: never, for what must happen."""
    lasts: timedelta = timedelta(minutes=5)
    """How long one run may take before another worker may try."""
    recurring: bool = False
    """Workers put one job of this kind by themselves, under the kind's name as its key."""

    @property
    def run(self) -> Run:
        """The function, loaded now."""
        found: Run = named(self.function)
        return found

    def pause(self, failures: int) -> timedelta:
        """How long to wait after this many failures in a row."""
        return self.retries[min(failures, len(self.retries)) - 1]


KINDS: Final[dict[str, Kind]] = {
    "break_glass.clock": Kind("app.glass.service:tick"),
    "review.clock": Kind("app.reviews.ticking:tick"),
    "review.sweep": Kind("app.reviews.ticking:sweep", recurring=True),
    "clearance.sweep": Kind("app.evaluations.ending:sweep", recurring=True),
    "waiver.clock": Kind("app.waivers.service:tick"),
    "notice.deliver": Kind("app.notices.delivering:deliver"),
    "mlflow.look": Kind(
        "app.integrations.mlflow.looking:look", retries=_SOON, lasts=timedelta(minutes=15)
    ),
    "mlflow.sweep": Kind("app.integrations.mlflow.following:sweep", retries=_SOON, recurring=True),
    "evaluation.measure": Kind(
        "app.evaluations.data_deciding:run", queue=CPU, retries=_SOON, lasts=timedelta(hours=1)
    ),
    "jobs.clean": Kind("app.jobs.cleaning:clean", recurring=True),
}


ROUNDS: Final = ("app.notices.fanning:fan_out", "app.integrations.mlflow.following:follow")
"""Functions that each worker calls every second with the runtime and the time; cheap where there is
nothing to do, and safe when several workers call them at once."""


def named(function: str) -> Any:
    """The function that `module:name` says, loaded now."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)


def kind_of(name: str) -> Kind | None:
    """The kind of this name; None for one that this version does not know."""
    return KINDS.get(name)


def job_of(row: Any) -> Job:
    """A row of the outbox as a job."""
    return Job(row.id, row.kind, row.key, row.payload, row.due_at, row.failures + 1)
