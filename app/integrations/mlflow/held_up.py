"""What holds the loop with the registry up: jobs whose last try failed, versions not judged.

It reads our own tables and asks MLflow nothing, so it answers also while MLflow does not. An error
is what the worker stored; here it is said who has to do what about it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, or_, select

from app.integrations.mlflow.config import MlflowFile
from app.integrations.mlflow.registry import NO_EXTRA, without_secrets
from app.integrations.tables import registry_version
from app.jobs.running import OPEN
from app.jobs.tables import job

MOST: Final = 200
"""Jobs and versions that are listed; who has more of them has one cause for all."""

_MEASURE: Final = "evaluation.measure"
"""It asks MLflow where a submission names data of a run."""
_ENDPOINT: Final = re.compile(r"/mlflow(?:-artifacts)?/([a-z-]+)(?:/([a-z-]+))?")
_OF_MODELS: Final = frozenset({"registered-models", "model-versions"})
_READS: Final = frozenset({"get", "search", "get-latest-versions", "get-download-uri"})


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that asks MLflow: `error` and `advice` are None where it only waits for its time."""

    kind: str
    about: str
    model: str | None
    failures: int
    next_at: datetime | None
    """None: it was given up."""
    error: str | None
    advice: str | None

    @property
    def is_failing(self) -> bool:
        """Whether its last try failed."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """A version that could not be judged, and why."""

    model: str
    version: str
    stage: str
    problem: str
    checked_at: datetime


def jobs(connection: Connection, config: MlflowFile) -> Sequence[HeldJob]:
    """Open and given up jobs that ask this registry; those that fail come first."""
    asks = or_(
        job.c.kind.startswith("mlflow."),
        and_(job.c.kind == _MEASURE, job.c.error.startswith("RegistryError")),
    )
    is_open = or_(job.c.status.in_(OPEN), job.c.status == "dead")
    rows = connection.execute(
        select(job)
        .where(asks, is_open)
        .order_by(job.c.error.is_(None), job.c.due_at, job.c.id)
        .limit(MOST)
    )
    found = []
    for row in rows:
        model = row.payload.get("model")
        if model is not None and not config.rules_for(model):
            continue
        said = None if row.error is None else without_secrets(row.error)
        found.append(
            HeldJob(
                kind=row.kind,
                about=_about(row.kind, model, row.key),
                model=model,
                failures=row.failures,
                next_at=None if row.status == "dead" else row.due_at,
                error=said,
                advice=None if said is None else advice(said, config, model),
            )
        )
    return found


def _about(kind: str, model: str | None, key: str) -> str:
    if model is not None:
        return model
    return "the sweep over all models" if kind == "mlflow.sweep" else f"the data of {key}"


def versions(connection: Connection, config: MlflowFile) -> Sequence[HeldVersion]:
    """Versions with a problem, of models that a rule names; the newest first."""
    columns = (registry_version.c.model, registry_version.c.version, registry_version.c.stage)
    rows = connection.execute(
        select(*columns, registry_version.c.problem, registry_version.c.checked_at)
        .where(registry_version.c.problem.is_not(None))
        .order_by(registry_version.c.checked_at.desc(), *columns)
        .limit(MOST)
    )
    return [HeldVersion(*row) for row in rows if config.rules_for(row.model)]


_FILE: Final = "in the MLflow file that CLEARANCE_MLFLOW_FILE names for the worker"
_CAUSES: Final[Mapping[str, str]] = {
    r"^\w*(settings|file)error\b": "Correct what it says " + _FILE + ".",
    r"needs the package mlflow": NO_EXTRA,
    r"invalid host header|dns rebinding": "MLflow refuses the name in {address}. Start it with "
    "--allowed-hosts, or put a name that it allows into `tracking_uri` " + _FILE + ".",
    r"certificate|sslerror|ssl:": "The certificate of {address} is not trusted here. Name its "
    "authority in `ca_file` " + _FILE + ".",
    r"workspace '[^']*' not found": "Correct `workspace` " + _FILE + ".",
    r"permission.denied|not authorized|forbidden|\b403\b": "MLflow knows {who} and refuses. An "
    "administrator of MLflow has to grant {right}.",
    r"unauthenticated|unauthorized|not authenticated|invalid.credential|\b401\b": "MLflow does "
    "not let {who} in. Correct {proof} " + _FILE + ".",
    r"connection|max retries|timed out|timeout|name or service|resolve|\b50[234]\b": "Nobody "
    "answers at {address}. Check from the worker's machine that MLflow runs there, and "
    "`tracking_uri` " + _FILE + ".",
}
"""In this order: a name that is refused is a 403 as well, a bad certificate fails a connection."""


def advice(said: str, config: MlflowFile, model: str | None) -> str:
    """Who has to do what about an error of the worker."""
    for pattern, words in _CAUSES.items():
        if re.search(pattern, said, re.IGNORECASE):
            who, proof = _caller(config)
            address = without_secrets(config.tracking_uri)
            right = _right(said, config, model)
            return words.format(address=address, who=who, proof=proof, right=right)
    return "MLflow's own log of that time says more; the worker tries again by itself."


def _caller(config: MlflowFile) -> tuple[str, str]:
    """Who asks, and what it is known by."""
    if config.username is not None:
        return f"the user {config.username!r}", "`username` and the content of `password_file`"
    if config.token_file is not None:
        return "the owner of the token", "the content of `token_file`"
    return "a caller without a name", "this: set `username` and `password_file`, or `token_file`,"


def _right(said: str, config: MlflowFile, model: str | None) -> str:
    """The permission that is missing, by the call that was refused."""
    where = f" in the workspace {config.workspace!r}" if config.workspace is not None else ""
    named = f"the registered model {model!r}" if model is not None else "the registered models"
    edit = f"EDIT on {named}{where}"
    read = f"READ on the experiments of its runs{where}"
    found = _ENDPOINT.search(said)
    if found is None:
        return f"{edit}, and {read}"
    if found[1] not in _OF_MODELS:
        return read
    what = "reading" if found[2] in _READS else "writing"
    return f"{edit} ({what} was refused)"
