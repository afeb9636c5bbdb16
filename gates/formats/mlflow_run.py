"""MLflow runs as the REST API answers them: `runs/get`, and `runs/search` with one run in it.

The metrics keep the run's names; a run that did not finish is kept in sight and trusted for
nothing. It refuses a search over several runs, because nobody said which of them asks for release.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import sqrt

from gates.evidence import Measurement, Source
from gates.formats.cells import MISSING, instant
from gates.formats.objects import entries, mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "mlflow"
TITLE = "MLflow run"
RECOGNISED_BY = (
    "a JSON object with `run.info.run_id` and `run.data`, or `runs` of them (runs/get, runs/search)"
)

_N = "example_count"
_SHARES = frozenset({"accuracy_score", "accuracy", "exact_match/v1", "toxicity/v1/ratio"})
_DUPLICATE = "score"

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no run; None where it is one."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    runs = _runs(found)
    if not runs or not all(text(mapping(run, "info").get("run_id")) for run in runs):
        return "no `run.info.run_id`"
    return None


def read(file: ResultFile) -> Reading:
    """The latest value of every metric; n where the run logged its number of examples."""
    runs = _runs(file.json_object or {})
    if len(runs) > 1:
        raise file.malformed(_choice(runs))
    run = runs[0]
    info, values = mapping(run, "info"), _values(run)
    if not values:
        raise file.nothing_measured("the run has logged no metric")
    status = text(info.get("status"))
    incomplete = None if status == "FINISHED" else f"the run's status is {status or 'not stated'}"
    notes: list[str] = []
    found = list(_measurements(run, values, incomplete, notes))
    return Reading(
        file.bounded(found),
        model=_model(run),
        measured_at=_time(info.get("end_time")),
        notes=tuple(notes),
    )


def _choice(runs: list[Json]) -> str:
    """Which runs there are, and how to send one of them."""
    infos = [mapping(run, "info") for run in runs]
    named = [f"{info.get('run_id')} ({info.get('run_name') or 'no name'})" for info in infos[:5]]
    more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
    return (
        f"it holds {len(runs)} runs, and nothing says which of them asks for release: "
        f"{', '.join(named)}{more}. Send one of them: the answer to runs/get?run_id=…, or to this "
        "search with the filter attributes.run_id = '…'"
    )


def _runs(root: Json) -> list[Json]:
    return [mapping(root, "run")] if isinstance(root.get("run"), dict) else entries(root, "runs")


def _values(run: Json) -> dict[str, object]:
    return {
        key: entry.get("value")
        for entry in entries(run, "data", "metrics")
        if (key := text(entry.get("key")))
    }


def _measurements(
    run: Json, values: Mapping[str, object], incomplete: str | None, notes: list[str]
) -> Iterator[Measurement]:
    source = _source(run)
    n = size(values.get(_N))
    rows = size(_profile_rows(run))
    for key, value in values.items():
        base, _, part = key.rpartition("/")
        if key == _N or (part == "variance" and f"{base}/mean" in values):
            continue
        if key == _DUPLICATE and "accuracy_score" in values:
            notes.append("`score` repeats the model's accuracy and was not read")
            continue
        found = quantity(value)
        variance = quantity(values.get(f"{base}/variance")) if part == "mean" else None
        known = n or (rows if part == "mean" else None)
        yield Measurement(
            base if part == "mean" and not base.endswith("/v1") else key,
            found,
            # A rate's n is the number of examples; other metrics have denominators of their own.
            n=known if key in _SHARES or variance is not None else None,
            stderr=sqrt(variance / known) if variance is not None and known else None,
            missing=MISSING if found is None else None,
            source=source,
            incomplete=incomplete,
        )
    if any(key.endswith("/mean") and f"{key[:-5]}/variance" not in values for key in values):
        notes.append(
            "means of scorers came without a spread: log `variance` as an aggregation, or send "
            "the evaluation table with its rows"
        )


def _source(run: Json) -> Source:
    sets = [mapping(entry, "dataset") for entry in entries(run, "inputs", "dataset_inputs")]
    only = sets[0] if len(sets) == 1 else {}
    return Source(
        tool="mlflow",
        run_id=text(mapping(run, "info").get("run_id")),
        dataset_name=text(only.get("name")),
        dataset_digest=text(only.get("digest")),
    )


def _profile_rows(run: Json) -> object:
    """Rows of the one data set, which MLflow keeps as JSON inside a text."""
    sets = [mapping(entry, "dataset") for entry in entries(run, "inputs", "dataset_inputs")]
    profile = text(sets[0].get("profile")) if len(sets) == 1 else None
    if profile is None or len(profile) > 10_000:
        return None
    _, _, after = profile.partition('"num_rows":')
    digits = after.strip().partition(",")[0].rstrip("} ")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _model(run: Json) -> str | None:
    for key in ("outputs", "inputs"):
        name = "model_outputs" if key == "outputs" else "model_inputs"
        for entry in entries(run, key, name):
            if found := text(entry.get("model_id")):
                return found
    return None


def _time(milliseconds: object) -> datetime | None:
    found = quantity(milliseconds)
    return instant(found / 1000) if found else None
