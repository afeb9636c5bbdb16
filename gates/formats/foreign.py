"""Files that tools write beside their results: refused with what to send instead.

Without this a list of hits or a load test's history could be taken for a plain table, and its
bookkeeping for metrics.
"""

from collections.abc import Mapping

from gates.formats import table
from gates.formats.result_file import ResultFile

_ADVICE = {
    "promptfoo": "its table is not read; write JSON as well (`-o results.json`)",
    "garak": "a list of hits says nothing of what did not hit, and a report needs its first line; "
    "send the whole *.report.jsonl",
    "MLflow": "it is neither a run nor an evaluation table; send the answer of runs/get",
    "HELM": "it holds requests, not results; send per_instance_stats.json",
    "locust": "it holds failures or the history; send --json, or the *_stats.csv",
}
_COLUMNS = (
    ("garak", {"entry_type"}),
    ("garak", {"probe", "detector", "attempt_id"}),
    ("promptfoo", {"Status", "Score", "Named Scores"}),
    ("locust", {"Timestamp", "User Count"}),
    ("locust", {"Method", "Name", "Error", "Occurrences"}),
)


def advice(file: ResultFile) -> str | None:
    """What to send instead of this file; None where it is of no tool known here."""
    if file.syntax == "zip":
        return "This is a zip archive (or an Excel workbook); unpack it, or save the table as CSV"
    tool = _tool_of_object(file.json_object or {}) or _first(_COLUMNS, set(table.header(file)))
    return None if tool is None else f"This looks like a file of {tool}: {_ADVICE[tool]}"


def _tool_of_object(found: Mapping[str, object]) -> str | None:
    if "adapter_spec" in found:
        return "HELM"
    is_history = isinstance(found.get("metrics"), list) and len(found) == 1
    return "MLflow" if is_history or isinstance(found.get("runs"), list) else None


def _first(signs: tuple[tuple[str, set[str]], ...], names: set[str]) -> str | None:
    return next((tool for tool, required in signs if required <= names), None)
