"""Ragas results saved as rows: `to_pandas().to_json(orient="records")`, `.to_csv()`, experiments.

A row that a judge failed on has NaN and is an errored example; the means that Ragas prints leave it
out. It refuses nothing that has the columns of a question and an answer beside a metric.
"""

from collections.abc import Mapping

from gates.evidence import SliceKey, Source
from gates.formats import table
from gates.formats.cells import NotANumber, is_blank, numbers
from gates.formats.objects import mark, marks
from gates.formats.result_file import ResultFile
from gates.formats.scored import Scored
from gates.formats.table import Table
from gates.formats.understood import Reading

NAME = "ragas"
TITLE = "Ragas rows"
RECOGNISED_BY = (
    "rows (CSV, JSON or JSON Lines) with `user_input` and `response`, or `question`, `answer` and "
    "`contexts`, beside columns of numbers"
)

_NEW = frozenset({"user_input", "response"})
_OLD = frozenset({"question", "answer", "contexts"})
_INPUTS = frozenset(
    {"user_input", "question", "response", "answer", "reference", "ground_truth", "ground_truths"}
    | {"contexts", "retrieved_contexts", "reference_contexts", "rubrics", "multi_responses"}
    | {"id", "index", "reference_tool_calls", "reference_topics", "synthesizer_name"}
)
_LOWER = "noise_sensitivity"


def mismatch(file: ResultFile) -> str | None:
    """Why these are no rows of Ragas; None where they are."""
    if file.json_object is not None:
        return "one JSON object and not rows"
    names = set(table.header(file))
    if not (names >= _NEW or names >= _OLD):
        return "no columns `user_input` and `response`"
    if names & {"promptIdx", "entry_type"}:
        return "rows of another tool"
    return None


def read(file: ResultFile) -> Reading:
    """Every column of numbers as a metric, with the question as the example."""
    found = table.of(file)
    if found is None or found.row_count == 0:
        raise file.nothing_measured("it has a header and no rows")
    columns: dict[str, list[float | None]] = {}
    left_out = []
    for name, cells in found.columns.items():
        if name.strip().lower() in _INPUTS or name.lower().startswith("unnamed: "):
            continue
        scores = _scores(cells)
        if scores is None:
            left_out.append(name[:40])
        else:
            columns[name] = scores
    if not columns:
        raise file.nothing_measured("no column of numbers stands beside the questions")
    scored = Scored()
    examples = _examples(found)
    groups = _groups(found)
    for name, scores in columns.items():
        scored.add_column(name, scores, examples, groups)
    # The question set, so that only answers to the same questions are compared.
    source = Source(tool="ragas", prompt_set_digest=mark(sorted(set(examples))))
    directions: Mapping[str, Mapping[str, str]] = {
        name: {"direction": "lower" if name.startswith(_LOWER) else "higher"} for name in columns
    }
    notes = ["the rows do not name the model, the version or the time"]
    if left_out:
        notes.append(f"columns not read as metrics: {', '.join(left_out[:20])}")
    return Reading(
        file.bounded(scored.measurements(directions, source=source)),
        notes=(*notes, *scored.dropped),
    )


def _scores(cells: list[object]) -> list[float | None] | None:
    """The column as numbers; one of nothing but gaps was a metric of which all failed."""
    try:
        scores = numbers(cells)
    except NotANumber:
        return None
    return None if all(is_blank(cell) for cell in cells) and not scores else scores


def _examples(rows: Table) -> list[str]:
    nothing: list[object] = [None] * rows.row_count
    asked = rows.columns.get("user_input") or rows.columns.get("question") or nothing
    wanted = rows.columns.get("reference") or nothing
    return marks(asked, wanted)


def _groups(rows: Table) -> list[list[SliceKey]] | None:
    """Which way of writing the question was used, where the test set was synthesised."""
    cells = rows.columns.get("synthesizer_name")
    if cells is None:
        return None
    return [[(("synthesizer", cell),)] if isinstance(cell, str) and cell else [] for cell in cells]
