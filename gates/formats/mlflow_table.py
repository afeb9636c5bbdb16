"""MLflow evaluation tables: the rows behind a GenAI run, one trace each (`result_df`).

Latency, tokens and cost are those of the trace, not of the scorers that judged it.

Yes and no, true and false count as 1 and 0. The example is named by what was asked, because a
trace's id is another in every run.
"""

from collections.abc import Sequence

import jiter

from gates.evidence import Source
from gates.formats import table
from gates.formats.cells import NotANumber, is_blank, numbers
from gates.formats.objects import mapping, mark, marks_of, quantities, quantity
from gates.formats.result_file import ResultFile
from gates.formats.scored import Scored
from gates.formats.table import Table
from gates.formats.understood import Reading

NAME = "mlflow-table"
TITLE = "MLflow evaluation table"
RECOGNISED_BY = "rows with `trace_id` and columns `<scorer>/value`"

_VALUE = "/value"
_UNITS = {"latency": {"unit": "ms"}, "cost_per_inference": {"unit": "USD"}}
_DONE = ("OK", None)
_TRACED = (
    ("tokens_per_request", "mlflow.trace.tokenUsage", "total_tokens"),
    ("cost_per_inference", "mlflow.trace.cost", "total_cost"),
)
"""Metric, the trace's metadata, which is JSON in a text, and the number in it."""
_WORDS = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
_EXPECTED = frozenset({"expected_response", "expected_facts", "guidelines", "expectations"})


def mismatch(file: ResultFile) -> str | None:
    """Why this is no evaluation table; None where it is one."""
    names = table.header(file) if file.json_object is None else list[str]()
    if "trace_id" not in names or not any(name.endswith(_VALUE) for name in names):
        return "no rows with `trace_id` and columns `<scorer>/value`"
    return None


def read(file: ResultFile) -> Reading:
    """The scores of every scorer, and how long each answer took."""
    found = table.of(file)
    if found is None or found.row_count == 0:
        raise file.nothing_measured("it has no rows")
    states = found.columns.get("state")
    if states is not None and all(map(_DONE.__contains__, states)):
        states = None
    requests = found.columns.get("request") or found.columns.get("inputs")
    keys = requests or found.columns["trace_id"]
    examples = marks_of(keys)
    scored, left_out = Scored(), []
    for name, cells in found.columns.items():
        metric = name.removesuffix(_VALUE)
        if metric == name or metric in _EXPECTED:
            continue
        scores = _scores(cells)
        if scores is None:
            left_out.append(metric[:40])
            continue
        if states is not None:
            scores = [
                score if state in _DONE else None
                for score, state in zip(scores, states, strict=True)
            ]
        scored.add_column(metric, scores, examples)
    if not scored:
        raise file.nothing_measured("no scorer's values are numbers, yes or no")
    _use(scored, found, examples, states)
    notes = [f"scorers whose values are texts were not read: {', '.join(left_out)}"]
    source = Source(tool="mlflow", prompt_set_digest=mark(sorted(examples)) if requests else None)
    return Reading(
        file.bounded(scored.measurements(_UNITS, source=source)),
        notes=tuple(notes if left_out else ()),
    )


def _use(scored: Scored, rows: Table, examples: list[str], states: list[object] | None) -> None:
    """What an answer took; a trace that failed answered nothing."""
    durations = rows.columns.get("execution_duration")
    traced = rows.columns.get("trace_metadata", [])
    answered: Sequence[int] = range(rows.row_count)
    if states is not None:
        answered = [row for row, state in enumerate(states) if state in _DONE]
    took = quantities(durations) if durations is not None else []
    timed = [row for row in answered if took[row] is not None] if took else []
    if len(timed) == rows.row_count:
        scored.add_column("latency", took, examples)
    elif timed:
        scored.add_column("latency", [took[row] for row in timed], [examples[row] for row in timed])
    for row in answered if traced else ():
        metadata = mapping({"": traced[row]}, "")
        for metric, key, part in _TRACED:
            if key in metadata and (number := _inner(metadata[key], part)) is not None:
                scored.add(metric, number, examples[row])


def _inner(cell: object, key: str) -> float | None:
    try:
        found = jiter.from_json(cell.encode()) if isinstance(cell, str) else cell
    except ValueError:
        return None
    return quantity(found.get(key)) if isinstance(found, dict) else None


def _scores(cells: list[object]) -> list[float | None] | None:
    try:
        scores = numbers(_worded(cells))
    except NotANumber:
        return None
    return None if all(is_blank(cell) for cell in cells) else scores


def _worded(cells: list[object]) -> list[object]:
    """Yes and no as the numbers they stand for; whatever else as it is."""
    kinds = set(map(type, cells))
    if str not in kinds:
        return cells
    if kinds == {str}:  # few different ones, mostly
        said = {cell: _WORDS.get(str(cell).strip().lower(), cell) for cell in set(cells)}
        return list(map(said.__getitem__, cells))
    return [
        _WORDS.get(cell.strip().lower(), cell) if isinstance(cell, str) else cell for cell in cells
    ]
