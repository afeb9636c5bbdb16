"""Files of tools that are recognised but cannot be read yet: refused with what to send instead.

Without this a table of such a tool could be taken for a plain table and its bookkeeping for
metrics. An entry goes when its format module comes.
"""

from collections.abc import Mapping

from gates.formats import table
from gates.formats.result_file import ResultFile

_ADVICE = {
    "promptfoo": "its table is not read; write JSON as well (`-o results.json`)",
    "garak": "a list of hits says nothing of what did not hit, and a report needs its first line; "
    "send the whole *.report.jsonl",
    "MLflow": "it is neither a run nor an evaluation table; send the answer of runs/get",
    "HELM": "HELM statistics are not read yet; send one row per instance with a column per metric",
    "Aequitas": "group tables are not read yet; send rows with metric, count, n, slice.<attribute>",
    "locust": "locust statistics are not read yet; send rows with metric, value, n, unit",
    "CodeCarbon": "CodeCarbon's runs are not read yet; send the run's {metric: number}",
}
_COLUMNS = (
    ("garak", {"entry_type"}),
    ("garak", {"probe", "detector", "attempt_id"}),
    ("promptfoo", {"Status", "Score", "Named Scores"}),
    ("HELM", {"name", "count", "sum_squared"}),
    ("HELM", {"instance_id", "stats"}),
    ("Aequitas", {"attribute_name", "attribute_value"}),
    ("locust", {"Request Count", "Failure Count"}),
    ("locust", {"num_requests", "num_failures"}),
    ("locust", {"Timestamp", "User Count"}),
    ("CodeCarbon", {"emissions", "energy_consumed", "codecarbon_version"}),
)


def advice(file: ResultFile) -> str | None:
    """What to send instead of this file; None where it is of no tool known here."""
    if file.syntax == "zip":
        return "This is a zip archive (or an Excel workbook); unpack it, or save the table as CSV"
    tool = _tool_of_object(file.json_object or {}) or _first(_COLUMNS, set(table.header(file)))
    return None if tool is None else f"This looks like a file of {tool}: {_ADVICE[tool]}"


def _tool_of_object(found: Mapping[str, object]) -> str | None:
    is_history = isinstance(found.get("metrics"), list) and len(found) == 1
    return "MLflow" if is_history or isinstance(found.get("runs"), list) else None


def _first(signs: tuple[tuple[str, set[str]], ...], names: set[str]) -> str | None:
    return next((tool for tool, required in signs if required <= names), None)
