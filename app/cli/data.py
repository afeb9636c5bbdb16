"""Data sets from the user's disk to the service, and the wait until they are measured.

Reads only what was named. An evaluation that failed is wrong input, never a verdict.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from app.cli.exits import PENDING, CliError
from app.cli.files import opened, pieces
from app.cli.output import progress
from app.cli.service import Service, segment

_TYPES: Final[Mapping[str, str]] = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/x-ndjson",
}
_OTHER: Final = "application/octet-stream"
_FIRST_POLL, _SLOWEST_POLL = 0.5, 5.0
_PATIENCE_SECONDS: Final = 3600.0


class Adder(Protocol):
    """What a data set is handed to."""

    def add(self, path: str, pieces: Iterator[bytes], size: int, media_type: str) -> Any:
        """Send the bytes as they come."""


def added(service: Adder, path: str) -> dict[str, Any]:
    """`{"digest", "size"}` of a data set that the service has now."""
    name = Path(path).name or "stdin"
    with opened(path) as file:
        size = file.seek(0, 2)
        if size == 0:
            raise CliError(f"{path} is empty.")
        file.seek(0)
        kind = _TYPES.get(Path(path).suffix.lower(), _OTHER)
        found: dict[str, Any] = service.add("/datasets", pieces(name, file, size), size, kind)
    return found


def data_of(service: Adder, named: Sequence[str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` of an evaluation: files, digests that were sent, or files of MLflow's runs."""
    given = dict(pair.partition("=")[::2] for pair in named)
    if given.keys() != {"reference", "current"} or not all(given.values()):
        raise CliError(
            f"--data {' '.join(named)} cannot be read.",
            "Write --data reference=train.parquet current=today.parquet; a digest of "
            "`clearance dataset add`, or runs:/<run>/<path>, may stand in place of a file.",
        )
    digests = {
        which: path if path.startswith(("sha256:", "runs:/")) else added(service, path)["digest"]
        for which, path in given.items()
    }
    return {**digests, **{name: value for name, value in asked.items() if value}}


def measured(
    service: Service,
    evaluation: Mapping[str, Any],
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Mapping[str, Any]:
    """The decision on an evaluation whose data a worker measures."""
    name, delay, end = str(evaluation["id"]), _FIRST_POLL, clock() + _PATIENCE_SECONDS
    while evaluation["status"] in {"queued", "running"}:
        step = evaluation.get("step") or "waiting for a worker"
        progress(f"{name}: {step}", is_step=True)
        if clock() > end:
            raise CliError(
                f"{name} is not measured yet.",
                f"Look again: GET /v1/evaluations/{name}. Is a `clearance worker` running?",
                code=PENDING,
            )
        pause(delay)
        delay = min(delay * 1.5, _SLOWEST_POLL)
        evaluation = service.get(f"/evaluations/{segment(name)}")
    if evaluation["status"] != "done":
        problem = evaluation.get("problem") or {}
        detail = str(problem.get("detail") or "its data could not be measured").rstrip(".")
        raise CliError(f"Nothing was decided on {name}: {detail}.")
    found: Mapping[str, Any] = service.get(f"/decisions/{segment(str(evaluation['decision']))}")
    return found
