"""Data of MLflow's runs for an evaluation: `runs:/<run id>/<path>`, as MLflow itself names files.

The gate's own credentials read them, so a submission may name only what the operator's file allows:
runs of the experiments in `data_from`. What the registry's own versions bring is allowed by `data`.
Where `mlflow.log_input` says that data came from is never followed: it can be any address.
"""

import hashlib
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from app.errors import Problem
from app.evaluations.schemas import RUNS
from app.integrations.mlflow.config import MlflowFile, connected
from app.integrations.mlflow.registry import opened
from app.settings import Settings

SUBMITTER: Final = "clearance-mlflow"
"""Who submits for the registry; ids of keys begin with another word."""
_NOT_CONNECTED: Final = (
    "No MLflow registry is connected here (CLEARANCE_MLFLOW_FILE). Send the data."
)


def require_registry(settings: Settings, model: str, who: str, pointer: str) -> None:
    """What can be refused before a worker asks the registry. Raises Problem."""
    config = connected(settings, _NOT_CONNECTED)
    if who == SUBMITTER or _experiments(config, model):
        return
    detail = (
        f"Data of MLflow's runs may not be named for {model!r}: no rule of the MLflow file names "
        "the model with experiments in `data_from`. Send the data: POST /v1/datasets."
    )
    raise Problem("invalid-request", detail, errors=[{"pointer": pointer, "detail": "not allowed"}])


def fetched(settings: Settings, model: str, who: str, uri: str, place: Path) -> str:
    """Put a run's file at `place`; its digest.

    Raises Problem where it is not there, not allowed or too large, RegistryError where MLflow does
    not answer: try again then.
    """
    config = connected(settings, _NOT_CONNECTED)
    run_id, _, path = uri.removeprefix(RUNS).partition("/")
    with opened(config) as registry, tempfile.TemporaryDirectory(dir=place.parent) as folder:
        experiment = registry.experiment_of(run_id)
        allowed = _experiments(config, model)
        is_ours = who == SUBMITTER
        if experiment is None or not (is_ours or any(fnmatchcase(experiment, a) for a in allowed)):
            detail = (
                f"MLflow has no run {run_id} in an experiment that the MLflow file's `data_from` "
                f"names for {model!r}."
            )
            raise Problem("unreadable-data", detail)
        size = registry.size_of(run_id, path)
        if size is None:
            raise Problem("unreadable-data", f"The run {run_id} has no file {path!r} in MLflow.")
        most = settings.max_blob_bytes
        if size > most:
            detail = f"{uri} has {size:,} bytes; at most {most:,} (CLEARANCE_MAX_BLOB_BYTES)."
            raise Problem("unreadable-data", detail)
        registry.artifact(run_id, path, Path(folder)).replace(place)
    with place.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _experiments(config: MlflowFile, model: str) -> tuple[str, ...]:
    return tuple(name for rule in config.models if rule.concerns(model) for name in rule.data_from)
