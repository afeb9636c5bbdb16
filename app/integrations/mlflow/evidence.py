"""From a version to a submission: its metrics as MLflow reports them, and the files of its run.

It reads and arranges; it judges nothing. What is not there is left out, and the policy says what
that means.
"""

import base64
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from app.evaluations.intake import Intake
from app.evaluations.schemas import RUNS
from app.integrations.mlflow.config import Rule
from app.integrations.mlflow.registry import LoggedModel, Metric, Registry, Run, Version
from gates.canonical import digest as digest_of
from gates.formats import FormatError, read

_LOGGED: Final = re.compile(r"models:/(m-[0-9a-f]+)/?")
_COPY: Final = re.compile(r"models:/([^/]+)/([0-9]+)/?")
_RUNNING: Final = frozenset({"RUNNING", "SCHEDULED"})
_MOST_COPIES: Final = 5
_MOST_FILES: Final = 60
_MOST_FILE_BYTES: Final = 8 * 1024 * 1024
_MOST_BYTES: Final = 14 * 1024 * 1024
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A submission without its baseline, the digest of its evidence, and whether to wait."""

    body: Mapping[str, Any]
    digest: str
    is_going_on: bool
    run: Run | None


def pulled(registry: Registry, rule: Rule, version: Version, link: str) -> Pulled:
    """All that the registry says of a version, as a pipeline would have sent it."""
    origin = _origin(registry, version)
    logged = _logged(registry, origin)
    run = registry.run(origin.run_id) if origin.run_id else None
    notes: list[str] = []
    results = list(_metric_files(registry, rule, origin, logged, run, notes))
    data = None
    if run is not None and run.status not in _RUNNING:
        files = registry.artifacts(run.id)
        results += _artifacts(registry, rule, run, files, notes)
        data = _data(rule, run, files, notes)
    candidate = _candidate(rule, version, origin)
    context = {"registry": "mlflow", "source": origin.source[:500], "link": link[:500]}
    if run is not None:
        context["run_id"] = run.id
        if run.user:
            # Who trained it may not sign off for it.
            context["author"] = run.user[:200]
    if notes:
        context["notes"] = "; ".join(notes)[:1500]
    body: dict[str, Any] = {"candidate": candidate, "stage": rule.stage, "results": results}
    if rule.policy is not None:
        body["policy"] = rule.policy
    if data is not None:
        body["data"] = data
    is_going_on = run is not None and run.status in _RUNNING
    return Pulled({**body, "context": context}, digest_of(body), is_going_on, run)


def with_notes(intake: Intake) -> Intake:
    """A version's submission, with what was not read of its run as a note on the decision.

    Only for submissions of the registry's own: anybody may write a context.
    """
    found = intake.context.get("notes")
    return replace(intake, notes=(*intake.notes, f"MLflow: {found}")) if found else intake


def _origin(registry: Registry, version: Version) -> Version:
    """Where a copied version came from; an event's `run_id` may be null, the stored one counts."""
    found = version
    for _ in range(_MOST_COPIES):
        copied = _COPY.fullmatch(found.source)
        if copied is None or _LOGGED.fullmatch(found.source):
            return found
        before = registry.version(copied[1], copied[2])
        if before is None:
            return found
        found = before
    return found


def _logged(registry: Registry, version: Version) -> LoggedModel | None:
    match = _LOGGED.fullmatch(version.source)
    return registry.logged_model(match[1]) if match else None


def _candidate(rule: Rule, version: Version, origin: Version) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": version.model,
        "version": version.version,
        "uri": f"models:/{version.model}/{version.version}",
    }
    stated = version.tags.get(rule.digest_tag) if rule.digest_tag else None
    if stated is not None and _DIGEST.fullmatch(stated):
        found["digest"] = stated
    elif origin.source:
        # By reference: what MLflow calls this model. A copy of a version is the same model.
        found["components"] = [{"kind": "mlflow-model", "name": origin.source[:200]}]
    return found


def _metric_files(
    registry: Registry,
    rule: Rule,
    origin: Version,
    logged: LoggedModel | None,
    run: Run | None,
    notes: list[str],
) -> Iterator[dict[str, Any]]:
    """The metrics as answers to `runs/get`, which is a format: one per run and data set."""
    if rule.metrics == "run":
        if run is None:
            notes.append("the version names no run, so there are no metrics of a run")
        elif run.metrics:
            yield _as_file(f"run {run.id}", run.id, run, run.metrics, run.datasets)
        return
    if logged is None:
        notes.append(
            f"the version's source is {origin.source[:200]}, which is no logged model; "
            "`metrics: run` would take the metrics of its run"
        )
        return
    grouped: dict[tuple[str, tuple[str, str] | None], list[Metric]] = defaultdict(list)
    for metric in logged.metrics:
        name = metric.dataset[0] if metric.dataset else ""
        if any(fnmatchcase(name, pattern) for pattern in rule.datasets):
            grouped[metric.run_id or "", metric.dataset].append(metric)
    runs = {run.id: run} if run is not None else {}
    for (run_id, dataset), metrics in sorted(grouped.items(), key=lambda item: str(item[0])):
        if run_id and run_id not in runs and (found := registry.run(run_id)) is not None:
            runs[run_id] = found
        of = runs.get(run_id)
        datasets = _datasets(dataset, of)
        name = f"{logged.id} on {dataset[0] if dataset else 'no stated data'}"
        yield _as_file(name, run_id, of, metrics, datasets)


def _datasets(
    dataset: tuple[str, str] | None, run: Run | None
) -> Sequence[Mapping[str, str | None]]:
    if dataset is None:
        return ()
    known = [d for d in (run.datasets if run else ()) if (d["name"], d["digest"]) == dataset]
    return known[:1] or [{"name": dataset[0], "digest": dataset[1] or None, "profile": None}]


def _as_file(
    name: str,
    run_id: str,
    run: Run | None,
    metrics: Sequence[Metric],
    datasets: Sequence[Mapping[str, str | None]],
) -> dict[str, Any]:
    info: dict[str, Any] = {
        "run_id": run_id or "unknown",
        # A finished run's model may be measured by another run; a run that is gone was finished.
        "status": run.status if run is not None else "FINISHED",
        "end_time": run.ended_ms if run is not None else None,
    }
    values = sorted(({"key": m.key, "value": m.value} for m in metrics), key=str)
    content = {
        "run": {
            "info": info,
            "data": {"metrics": values},
            "inputs": {"dataset_inputs": [{"dataset": dict(item)} for item in datasets]},
        }
    }
    return {"name": name[:200], "format": "mlflow", "content": content}


def _data(
    rule: Rule, run: Run, files: Sequence[tuple[str, int]], notes: list[str]
) -> dict[str, Any] | None:
    """The two data sets that the rule names, for the worker to fetch; None where one is missing.

    Then what the policy asks of them is missing evidence, and never no drift.
    """
    if (wanted := rule.data) is None:
        return None
    found = wanted.model_dump(exclude_none=True)
    for place in ("reference", "current"):
        named: str = found[place]
        if named.startswith(RUNS):
            continue
        paths = [path for path, _ in files if fnmatchcase(path, named)]
        if len(paths) != 1:
            many = f"{len(paths)} files" if paths else "no file"
            notes.append(f"the run has {many} {named[:80]}, so its data were not compared")
            return None
        found[place] = f"{RUNS}{run.id}/{paths[0]}"
    return found


def _artifacts(
    registry: Registry,
    rule: Rule,
    run: Run,
    files: Sequence[tuple[str, int]],
    notes: list[str],
) -> Iterator[dict[str, Any]]:
    """The files of the run that the rule names and that some tool's format explains."""
    wanted = [item for item in files if rule.wants(item[0])]
    left = _MOST_BYTES
    for path, size in sorted(wanted)[:_MOST_FILES]:
        if size > min(left, _MOST_FILE_BYTES):
            notes.append(f"{path[:80]} is too large to be read from the registry; submit it")
            continue
        with tempfile.TemporaryDirectory(prefix="clearance-mlflow-") as folder:
            content = registry.artifact(run.id, path, Path(folder)).read_bytes()
        name = path.replace("/", "_")[-200:]
        try:
            read(name, content, "auto")
        except FormatError as error:
            notes.append(f"{path[:80]} was not read: {error.detail[:200]}")
            continue
        left -= len(content)
        yield {"name": name, "format": "auto", "base64": base64.b64encode(content).decode()}
