"""Files of tools that are recognised but cannot be read yet: refused with what to send instead.

Without this a table of such a tool could be taken for a plain table and its bookkeeping for
metrics. An entry goes when its format module comes.
"""

from collections.abc import Mapping

from gates.formats import table
from gates.formats.result_file import ResultFile

_ADVICE = {
    "promptfoo": "promptfoo results are read from its JUnit output (`-o results.junit.xml`)",
    "Inspect": "Inspect logs are not read yet; send its metrics as rows with metric, value, n",
    "garak": "garak reports are not read yet; send one row per probe with metric, count, n",
    "DeepEval": "DeepEval runs are not read yet; run its tests under pytest with --junitxml, or "
    "send one row per test case with a column per metric",
    "MLflow": "MLflow runs are not read from files yet; send the flat metrics.json",
    "Evidently": "Evidently snapshots are not read yet; send its values as {metric: number}",
    "HELM": "HELM statistics are not read yet; send one row per instance with a column per metric",
    "Aequitas": "group tables are not read yet; send rows with metric, count, n, slice.<attribute>",
    "locust": "locust statistics are not read yet; send rows with metric, value, n, unit",
    "CodeCarbon": "CodeCarbon's runs are not read yet; send the run's {metric: number}",
}
_COLUMNS = (
    ("garak", {"entry_type"}),
    ("garak", {"probe", "detector", "attempt_id"}),
    ("promptfoo", {"promptIdx", "testIdx"}),
    ("promptfoo", {"Status", "Score", "Named Scores"}),
    ("HELM", {"name", "count", "sum_squared"}),
    ("HELM", {"instance_id", "stats"}),
    ("Aequitas", {"attribute_name", "attribute_value"}),
    ("locust", {"Request Count", "Failure Count"}),
    ("locust", {"num_requests", "num_failures"}),
    ("locust", {"Timestamp", "User Count"}),
    ("CodeCarbon", {"emissions", "energy_consumed", "codecarbon_version"}),
)
_OBJECTS = (
    ("promptfoo", {"evalId", "results"}),
    ("Inspect", {"eval", "status", "version"}),
    ("DeepEval", {"testCases", "metricsScores"}),
    ("DeepEval", {"testRunData"}),
    ("DeepEval", {"test_results"}),
    ("Evidently", {"metric_results"}),
    ("Evidently", {"metrics", "tests"}),
)


def advice(file: ResultFile) -> str | None:
    """What to send instead of this file; None where it is of no tool known here."""
    if file.syntax == "zip":
        return "This is a zip archive (or an Excel workbook); unpack it, or save the table as CSV"
    tool = None
    if file.json_object is not None:
        tool = _tool_of_object(file.json_object)
    tool = tool or _first(_COLUMNS, set(table.header(file)))
    return None if tool is None else f"This looks like a file of {tool}: {_ADVICE[tool]}"


def _tool_of_object(found: Mapping[str, object]) -> str | None:
    if isinstance(found.get("run"), dict) or isinstance(found.get("runs"), list):
        return "MLflow"
    return _first(_OBJECTS, set(found))


def _first(signs: tuple[tuple[str, set[str]], ...], names: set[str]) -> str | None:
    return next((tool for tool, required in signs if required <= names), None)
