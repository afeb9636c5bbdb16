"""Files of known tools that are not read: refused with what to send instead.

Without this a list of hits, a load test's history or an agent's trials could be taken for a plain
table, and their bookkeeping for metrics.
"""

from collections.abc import Callable, Mapping

from gates.formats import table
from gates.formats.result_file import ResultFile

_ADVICE = {
    "promptfoo": "only its JSON is read; write that as well (`-o results.json`)",
    "garak": "a list of hits says nothing of what did not hit, and a report needs its first line; "
    "send the whole *.report.jsonl",
    "MLflow": "it is neither a run nor an evaluation table; send the answer of runs/get",
    "MLflow 2": "rows and columns stand apart; send "
    "`pandas.read_json(file, orient='split').to_json(orient='records')`",
    "the Hugging Face hub": "its results are claims without a sample; send rows with the columns "
    "metric, value and n",
    "HELM": "it holds requests, not results; send per_instance_stats.json",
    "locust": "it holds failures or the history; send --json, or the *_stats.csv",
    "tau-bench": "its rows are trials and their numbers are no metrics; send rows with the columns "
    "id (the task_id, once for each trial) and task_completion (1 where the reward is 1)",
    "OpenAI evals": "its events are not read; send rows with the columns id (the sample_id) and "
    "accuracy (1 or 0)",
    "PyRIT": "count its outcomes: a row with metric attack_success_rate, count of successes, n of "
    "successes and failures, and n_errored of those undetermined or in error",
    "SWE-bench": "the leaderboard's file does not say how many instances there were; send the "
    "report of the harness (<model>.<run_id>.json)",
    "Giskard": "a scan's findings have no sample; send the JUnit XML of a suite (`to_junit()`)",
    "SageMaker Model Monitor": "its standard_deviation is none of the mean; send each metric as a "
    "row with metric, value and n (dataset.item_count)",
    "SageMaker Clarify": "its disparities have no sample; send the counts of each group as rows "
    "with metric, count, n and slice.<attribute>",
}
_COLUMNS = (
    ("garak", {"entry_type"}),
    ("garak", {"probe", "detector", "attempt_id"}),
    ("promptfoo", {"Status", "Score", "Named Scores"}),
    ("locust", {"Timestamp", "User Count"}),
    ("locust", {"Method", "Name", "Error", "Occurrences"}),
    ("tau-bench", {"task_id", "reward", "traj"}),
    ("OpenAI evals", {"spec"}),
)
_LEVELS = {"major", "medium", "minor"}
_OBJECTS: tuple[tuple[str, Callable[[Mapping[str, object]], bool]], ...] = (
    ("HELM", lambda o: "adapter_spec" in o),
    ("MLflow", lambda o: isinstance(o.get("metrics"), list) and len(o) == 1),
    ("MLflow", lambda o: isinstance(o.get("runs"), list)),
    ("MLflow 2", lambda o: _is_split(o.get("columns"), o.get("data"))),
    ("tau-bench", lambda o: {"tasks", "simulations"} <= o.keys()),
    ("PyRIT", lambda o: {"attack_results", "scenario_run_state"} <= o.keys()),
    ("SWE-bench", lambda o: isinstance(o.get("resolved"), list) and "no_generation" in o),
    ("SageMaker Clarify", lambda o: "post_training_bias_metrics" in o),
    ("SageMaker Model Monitor", lambda o: any(_is_sagemaker(k, v) for k, v in o.items())),
    (
        "Giskard",
        lambda o: (
            bool(o) and all(isinstance(v, dict) and v and v.keys() <= _LEVELS for v in o.values())
        ),
    ),
)


def advice(file: ResultFile) -> str | None:
    """What to send instead of this file; None where it is of no tool known here."""
    if file.syntax == "zip":
        return "this is a zip archive (or an Excel workbook); unpack it, or save the table as CSV"
    tool = _tool(file)
    return None if tool is None else f"this looks like a file of {tool}: {_ADVICE[tool]}"


def _tool(file: ResultFile) -> str | None:
    if file.syntax == "text" and file.head.startswith(b"evalId: "):
        return "promptfoo"  # -o results.yaml
    if file.syntax == "text" and file.head.lstrip().startswith(b"- dataset:"):
        return "the Hugging Face hub"  # .eval_results/*.yaml
    found, names = file.json_object or {}, set(table.header(file))
    signs = [tool for tool, fits in _OBJECTS if fits(found)]
    signs += [tool for tool, required in _COLUMNS if required <= names]
    return next(iter(signs), None)


def _is_split(columns: object, data: object) -> bool:
    """A table of pandas in the orientation `split`."""
    return (
        isinstance(columns, list)
        and isinstance(data, list)
        and all(isinstance(row, list) and len(row) == len(columns) for row in data)
    )


def _is_sagemaker(key: str, value: object) -> bool:
    return key.endswith(("_classification_metrics", "regression_metrics")) and any(
        isinstance(row, dict) and "standard_deviation" in row
        for row in (value.values() if isinstance(value, dict) else ())
    )
