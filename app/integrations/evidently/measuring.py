"""Two data sets, by digest, as measurements: what the worker calls, for evaluations and registries.

What could not be measured comes back as missing measurements: no drift that nobody looked for.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from app.blobs.reading import opened
from app.errors import Problem
from app.integrations.evidently.asked import NOT_INSTALLED, Asked
from app.integrations.evidently.process import PATIENCE_SECONDS, Progress, measuring
from app.runtime import Runtime
from gates.evidence import Measurement, Source
from gates.formats import FormatError, read_json

log = logging.getLogger("clearance.jobs")

DRIFT: Final = "drift_share"
_QUALITY: Final = {
    "classification": ("accuracy", "precision", "recall", "f1"),
    "regression": ("mae", "rmse", "mape", "r2", "mean_error"),
}


@dataclass(frozen=True, slots=True)
class DataMeasured:
    """What two data sets gave: measurements, remarks, and the two files for the evidence."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]
    snapshot: bytes
    report: bytes


Fetch = Callable[[str, Path], str]
"""(name of a data set, where to put its bytes) -> their digest."""


def stored(runtime: Runtime, digest: str, place: Path) -> str:
    """A data set that was sent (`POST /v1/datasets`), put where it is measured; its digest."""
    with opened(runtime.engine, digest, runtime.clock) as source, place.open("wb") as target:
        shutil.copyfileobj(source, target, 2**20)
    return digest


def measured(
    reference: str,
    current: str,
    asked: Asked,
    fetch: Fetch,
    *,
    progress: Progress = lambda _: None,
    patience: float = PATIENCE_SECONDS,
) -> DataMeasured:
    """Measure two data sets, which `fetch` brings; the notes say the digests of what it brought.

    Raises Problem where the data cannot be read or Evidently is not installed, and ProcessEnded
    where the measuring process died or took longer than `patience` seconds: try again then.
    """
    with tempfile.TemporaryDirectory(prefix="clearance-data-") as name:
        folder = Path(name)
        progress("fetching the data")
        named = {"reference": reference, "current": current}
        digests = {which: fetch(name, folder / which) for which, name in named.items()}
        answer = measuring.ask(folder, asked.as_json, progress, patience)
        if "problem" in answer:
            raise _problem(answer)
        progress("reading the report")
        snapshot = (folder / "snapshot.json").read_bytes()
        report = (folder / "report.html").read_bytes()
    found = _understood(answer, snapshot, report, digests["current"], asked)
    brought = [
        f"the {which} data, {named[which]}, have the digest {digest}"
        for which, digest in digests.items()
        if digest != named[which]
    ]
    return replace(found, notes=(*brought, *found.notes))


def _problem(answer: dict[str, Any]) -> Problem:
    if answer["problem"] == NOT_INSTALLED:
        detail = (
            f"This worker cannot measure data ({answer['detail']}). Install the extra on it: "
            "pip install 'clearance[evidently]'. Then send the evaluation again."
        )
        return Problem("not-configured", detail)
    return Problem("unreadable-data", str(answer["detail"]))


def _understood(
    answer: dict[str, Any], snapshot: bytes, report: bytes, current: str, asked: Asked
) -> DataMeasured:
    gaps = answer["gaps"]
    found: tuple[Measurement, ...] = ()
    notes = [*answer["notes"], *(_words(gap) for gap in gaps)]
    try:
        understood = read_json("the snapshot of Evidently", json.loads(snapshot), "evidently")
    except FormatError as error:
        # A snapshot in which nothing is measured is no evidence; what was asked for is missing.
        notes.append(error.detail)
    else:
        found = understood.measurements
        notes += understood.notes
    missing = tuple(_missing(gaps, found, asked))
    absent = {(m.metric, m.slice) for m in missing}
    kept = (m for m in found if (m.metric, m.slice) not in absent)
    measurements = tuple(_from_data(m, current) for m in (*kept, *missing))
    return DataMeasured(measurements, tuple(notes), snapshot, report)


def _from_data(m: Measurement, current: str) -> Measurement:
    return replace(m, source=replace(m.source or Source(tool="evidently"), dataset_digest=current))


def _words(gap: dict[str, Any]) -> str:
    if gap["column"] is None:
        return f"the quality of the predictions was not measured: {gap['why']}"
    return f"column {gap['column']!r} was not measured: {gap['why']}"


def _missing(
    gaps: Iterable[dict[str, Any]], found: Iterable[Measurement], asked: Asked
) -> Iterator[Measurement]:
    """A column that could not be compared is missing under every drift metric of the others.

    The shares over all columns would leave it out, so they are missing too.
    """
    drift = sorted({m.metric for m in found if _is_drift(m)} | {"drift_p_value", "psi"})
    whole = False
    for gap in gaps:
        why = str(gap["why"])[:200]
        if gap["column"] is None:
            tasks = [asked.task] if asked.task else sorted(_QUALITY)
            for name in (name for task in tasks for name in _QUALITY[task]):
                yield _absent(name, why)
            continue
        if not whole:
            whole = True
            for name in (DRIFT, "missing_value_share"):
                yield _absent(name, f"not all columns were compared: {gap['column']}: {why}"[:200])
        for name in (*drift, "missing_value_share"):
            yield replace(_absent(name, why), slice=(("column", str(gap["column"])),))


def _is_drift(m: Measurement) -> bool:
    is_of_column = any(key == "column" for key, _ in m.slice)
    names = ("psi", "js_divergence", "wasserstein")
    return is_of_column and (m.metric in names or m.metric.startswith("drift"))


def _absent(metric: str, why: str) -> Measurement:
    return Measurement(metric, missing=why, source=Source(tool="evidently"))
