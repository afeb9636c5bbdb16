"""Evidently snapshots: the JSON of 0.7 (`save_json`, `dump_dict`) and reports up to 0.6.

Whether a drift value is a p-value or a distance depends on its method, so each method is a metric
of its own direction. A failed test of Evidently is not a verdict here: policies set the limits.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING, instant
from gates.formats.objects import entries, mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "evidently"
TITLE = "Evidently snapshot"
RECOGNISED_BY = (
    "a JSON object whose `metrics` have `config.type` evidently:metric_v2 (0.7), `metric_results` "
    "(dump_dict), or `metrics` of `metric` and `result` (up to 0.6)"
)

_PREFIX = "evidently:metric_v2:"
_OTHER = re.compile(r"evidently:metric_v(?!2:)\d+:")
_RESULT = "evidently:metric_result_v2:"
_NAMES = {
    "DriftedColumnsCount": "drift_share",
    "F1Score": "f1",
    "TPR": "true_positive_rate",
    "TNR": "specificity",
    "FPR": "false_positive_rate",
    "FNR": "false_negative_rate",
    "RocAuc": "roc_auc",
    "LogLoss": "log_loss",
    "MissingValueCount": "missing_value_share",
    "DatasetMissingValueCount": "missing_values_per_row",
    "DuplicatedRowCount": "duplicate_share",
    "MeanError": "mean_error",
    "MAE": "mae",
    "RMSE": "rmse",
    "MAPE": "mape",
    "R2Score": "r2",
    "F1ByLabel": "f1",
    "PrecisionByLabel": "precision",
    "RecallByLabel": "recall",
    "RocAucByLabel": "roc_auc",
}
_DISTANCES = {
    "psi": "psi",
    "jensen-shannon": "js_divergence",
    "jensenshannon": "js_divergence",
    "wasserstein": "wasserstein",
}
_P_VALUES = (
    "p_value",
    "p-value",
    "anderson",
    "cramer",
    "epps",
    "fisher",
    "g_test",
    "mann",
    "t_test",
    "mmd",
)
"""What the names of tests contain whose value is a p-value; most of them do not say so."""
_SHORT_P_VALUES = frozenset({"ks", "z", "es", "chisquare"})
_OTHER_DISTANCES = ("hellinger", "kullback", "kl_div", "energy", "variation", "tvd", "text_content")
_SAME = (("Recall", "TPR"),)
"""Two names of one metric in one report; the first is read."""

_OF_ROWS = frozenset({"MissingValueCount"})
_OF_CELLS = "DatasetMissingValueCount"
_ROWS = frozenset({"Accuracy"})
"""Metrics that are a share of all rows."""

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no snapshot; None where it is one."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    if _dumped(found) or any(_type(entry) for entry in entries(found, "metrics")):
        return None
    if _legacy(found) or _other_version(found):
        return None
    return "no `metrics` of Evidently"


def read(file: ResultFile) -> Reading:
    """Drift by column and method, missing values, quality; n where `RowCount` was asked for."""
    root = file.json_object or {}
    if version := _other_version(root):
        raise file.unsupported(
            f"its metrics are of type {version}…, and evidently:metric_v2 is known; save it with "
            "Evidently 0.7, or update Clearance"
        )
    if not _dumped(root) and not any(_type(entry) for entry in entries(root, "metrics")):
        return _read_legacy(file, root)
    results = list(_dumped(root) or _listed(root))
    unique = {(r.kind, _identity(r.config)): r for r in results}
    for kind, same in _SAME:
        if any(r.kind == kind for r in results):
            unique = {key: r for key, r in unique.items() if r.kind != same}
    rows = next((quantity(r.value) for r in results if r.kind == "RowCount"), None)
    n = size(rows)
    cells = _cells(results, n)
    found = file.bounded(m for r in unique.values() for m in _of(r, n, cells))
    if not found:
        raise file.nothing_measured("no metric in it has a number")
    notes = ["Evidently's own tests are not read: a policy sets the limits"]
    if len(unique) < len(results):
        notes.append(f"metrics that stand twice, read once: {len(results) - len(unique)}")
    if n is None:
        notes.append("no number of rows: add RowCount() to the report")
    return Reading(
        found,
        model=text(mapping(root, "metadata").get("model")),
        measured_at=instant(root.get("timestamp")),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Result:
    kind: str
    config: Json
    value: object


def _type(entry: Json) -> str | None:
    kind = text(mapping(entry, "config").get("type"))
    return kind if kind is not None and kind.startswith(_PREFIX) else None


def _other_version(root: Json) -> str | None:
    """The type of metrics of a later Evidently, which may mean something else."""
    kinds = (text(mapping(entry, "config").get("type")) for entry in entries(root, "metrics"))
    found = (_OTHER.match(kind) for kind in kinds if kind)
    return next((match[0] for match in found if match), None)


def _listed(root: Json) -> Iterator[_Result]:
    for entry in entries(root, "metrics"):
        if (kind := _type(entry)) is not None:
            config = mapping(entry, "config")
            yield _Result(kind.removeprefix(_PREFIX), config, entry.get("value"))


def _dumped(root: Json) -> list[_Result]:
    """The results of `dump_dict`, whose values have a shape for each type."""
    found = []
    for result in mapping(root, "metric_results").values():
        if not isinstance(result, dict):
            continue
        shape = text(result.get("type")) or ""
        config = mapping(result, "metric_value_location", "metric", "params")
        kind = text(config.get("type")) or ""
        if shape.startswith(_RESULT) and kind.startswith(_PREFIX):
            found.append(_Result(kind.removeprefix(_PREFIX), config, _dumped_value(result)))
    return found


def _dumped_value(result: Json) -> object:
    inner = {key: _inner(result.get(key)) for key in ("count", "share") if key in result}
    if inner:
        return inner
    values = result.get("values")
    if isinstance(values, dict):
        return {label: _inner(value) for label, value in values.items()}
    return result.get("value")


def _inner(value: object) -> object:
    return value.get("value") if isinstance(value, dict) else value


def _identity(config: Json) -> str:
    """What tells two metrics apart: everything but the tests that hang on them."""
    return repr(sorted((k, repr(v)) for k, v in config.items() if k != "tests"))


def _cells(results: list[_Result], n: int | None) -> int | None:
    """Rows times columns, where the report counts both."""
    columns = (r.value for r in results if r.kind == "ColumnCount" and not _of_type(r.config))
    counted = size(next((quantity(value) for value in columns), None))
    return None if n is None or counted is None else n * counted


def _of_type(config: Json) -> bool:
    return config.get("column_type") is not None


def _of(result: _Result, n: int | None, cells: int | None) -> Iterator[Measurement]:
    if result.kind in ("RowCount", "ColumnCount"):
        return
    column = text(result.config.get("column"))
    key: SliceKey = (("column", column),) if column else ()
    name, direction = _named(result)
    match result.value:
        case {"share": share, **rest}:
            yield _counted(
                result.kind, name, key, size(rest.get("count")), quantity(share), n, cells
            )
        case {"shares": dict(), "counts": dict(counts)}:
            yield from _shares(counts, key, n)
        case {"mean": mean, "std": std}:
            yield _error(result.kind, name, quantity(mean), quantity(std), n)
        case dict() as labels:
            for label, value in labels.items():
                if (found := quantity(value)) is not None:
                    yield _measured(name, found, direction, _crossed(key, "class", label))
        case value if result.kind == "DuplicatedRowCount":
            yield from _shares({"": value}, key, n, name)
        case value:
            of_rows = n if result.kind in _ROWS else None
            yield _measured(name, quantity(value), direction, key, n=of_rows)


def _counted(
    kind: str,
    name: str,
    key: SliceKey,
    count: int | None,
    share: float | None,
    n: int | None,
    cells: int | None,
) -> Measurement:
    """A count with its share: of rows it has all of them as its sample, of columns none."""
    if kind == _OF_CELLS:
        # What Evidently calls the share is per row, and above 1 for two empty columns.
        name, of = ("missing_value_share", cells) if cells is not None else (name, None)
    else:
        of = n if kind in _OF_ROWS else None
    if of is not None and count is not None and count <= of:
        return _measured(name, None, None, key, count=count, n=of)
    return _measured(name, None if kind == _OF_CELLS and of is not None else share, None, key)


def _error(
    kind: str, name: str, mean: float | None, spread: float | None, n: int | None
) -> Measurement:
    """An error of regression: the mean, and the deviation of single errors."""
    if kind == "MAPE":
        # Evidently's mean is in percent and its deviation is not.
        return _measured(name, None if mean is None else mean / 100, None, ())
    stderr = None if n is None or spread is None else spread / math.sqrt(n)
    return _measured(name, mean, None, (), n=n, stderr=stderr)


def _shares(
    counts: Json, key: SliceKey, n: int | None, name: str = "value_share"
) -> Iterator[Measurement]:
    """Counts of rows as shares of all rows, where their number is known."""
    for label, value in counts.items():
        count = size(value)
        if n is not None and count is not None:
            slice_ = _crossed(key, "value", label) if label else key
            yield _measured(name, None, None, slice_, count=count, n=n)


def _crossed(key: SliceKey, dimension: str, value: str) -> SliceKey:
    return tuple(sorted([*key, (dimension, value)]))


def _named(result: _Result) -> tuple[str, str | None]:
    """The metric and its better end. Of drift the method decides both."""
    if result.kind == "ValueDrift":
        return _drift(text(result.config.get("method")) or "")
    quantile = quantity(result.config.get("quantile"))
    suffix = f"_p{100 * quantile:g}" if quantile is not None else ""
    return _NAMES.get(result.kind, _snake(result.kind)) + suffix, None


def _drift(method: str) -> tuple[str, str | None]:
    low = method.lower()
    if low in _SHORT_P_VALUES or any(word in low for word in _P_VALUES):
        # Low means drift: never the same metric as a distance.
        return "drift_p_value", "higher"
    for word, name in _DISTANCES.items():
        if word in low:
            return name, "lower"
    name = re.sub(r"\W+", "_", low).strip("_")
    is_distance = low == "ed" or any(word in name for word in _OTHER_DISTANCES)
    # Of a method that is not known nobody can say which end is drift; a policy has to.
    return f"drift_{name}" if name else "drift", "lower" if is_distance else None


def _measured(
    name: str,
    value: float | None,
    direction: str | None,
    key: SliceKey,
    *,
    count: int | None = None,
    n: int | None = None,
    stderr: float | None = None,
) -> Measurement:
    return Measurement(
        name,
        value,
        count=count,
        n=n,
        stderr=None if value is None else stderr,
        missing=MISSING if value is None and count is None else None,
        direction=direction,  # type: ignore[arg-type]  # one of the two words
        slice=key,
        source=Source(tool="evidently"),
    )


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _legacy(root: Json) -> bool:
    reports = entries(root, "metrics")
    if reports and all(
        text(r.get("metric")) and isinstance(r.get("result"), dict) for r in reports
    ):
        return True
    return bool(entries(root, "tests")) and "total_tests" in mapping(root, "summary")


def _read_legacy(file: ResultFile, root: Json) -> Reading:
    """Up to 0.6: the drift summary and the quality of the current data; tests as a pass rate."""
    found = list(_legacy_tests(root))
    for report in entries(root, "metrics"):
        result = mapping(report, "result")
        current = mapping(result, "current")
        if "share_of_drifted_columns" in result:
            share = quantity(result.get("share_of_drifted_columns"))
            found.append(_measured("drift_share", share, None, ()))
        for column in mapping(result, "drift_by_columns"):
            about = mapping(result, "drift_by_columns", column)
            name, direction = _drift(text(about.get("stattest_name")) or "")
            score = quantity(about.get("drift_score"))
            found.append(_measured(name, score, direction, (("column", column),)))
        if report.get("metric") in ("ClassificationQualityMetric", "RegressionQualityMetric"):
            found += [
                _measured(key, number, None, ())
                for key, value in current.items()
                if (number := quantity(value)) is not None and not isinstance(value, bool)
            ]
        if report.get("metric") == "DatasetMissingValuesMetric":
            share = quantity(current.get("share_of_missing_values"))
            found.append(_measured("missing_value_share", share, None, ()))
    if not found:
        raise file.nothing_measured(
            "none of its metrics is known in the form before 0.7; save it with Evidently 0.7"
        )
    return Reading(file.bounded(found), measured_at=instant(root.get("timestamp")))


def _legacy_tests(root: Json) -> Iterator[Measurement]:
    statuses = [text(test.get("status")) for test in entries(root, "tests")]
    if statuses:
        passed, failed = statuses.count("SUCCESS"), statuses.count("FAIL")
        yield Measurement(
            "pass_rate",
            count=passed,
            n=passed + failed,
            n_errored=statuses.count("ERROR"),
            errors_stated=True,
            source=Source(tool="evidently", suite="tests"),
        )
