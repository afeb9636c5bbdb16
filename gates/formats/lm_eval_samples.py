"""lm-evaluation-harness `samples_<task>_*.jsonl`: the scores of single examples, with ids.

The rows do not say which task they are of: it is taken from the file's name. It refuses rows that
repeat an example, which would count it twice.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from gates.evidence import Measurement, Source
from gates.formats.cells import NotANumber, number
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "lm-eval-samples"
TITLE = "lm-evaluation-harness samples"
RECOGNISED_BY = "JSON Lines with `doc_id`, `resps` and `filtered_resps`"

MAX_METRICS = 1_000

_REQUIRED = ("doc_id", "resps", "filtered_resps")
_HASHES = ("doc_hash", "prompt_hash", "target_hash")
_NOT_METRICS = frozenset(
    (*_REQUIRED, *_HASHES, "doc", "target", "arguments", "filter", "metrics", "bypass")
)
_FILE_NAME = re.compile(r"(?:samples_)?(?P<task>.+?)(?:_\d{4}-\d{2}-\d{2}T[\d.:+-]+)?\.jsonl?")

Row = dict[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why these are not samples of the harness; None where they are."""
    first = file.json_object or file.first_row
    if first is None:
        return "not JSON Lines"
    absent = [key for key in _REQUIRED if key not in first]
    return f"its first row has no `{absent[0]}`" if absent else None


def read(file: ResultFile) -> Reading:
    """One measurement per filter and metric, with per-example scores, ids in the file's order."""
    task = _task(file)
    by_filter: dict[str, list[Row]] = {}
    for row in _rows(file):
        if "doc_id" not in row:
            raise file.malformed("a row has no `doc_id`; the lines are not all samples")
        by_filter.setdefault(str(row.get("filter") or "none"), []).append(row)
    notes = [
        f"the task's name, {task}, was taken from the file's name",
        "a samples file does not say whether the run was limited (--limit)",
    ]
    measurements = file.bounded(
        m for name, rows in by_filter.items() for m in _of_filter(file, task, name, rows, notes)
    )
    if not measurements:
        raise file.nothing_measured("no row has a metric that is a number for one example")
    return Reading(measurements, notes=tuple(notes))


def _of_filter(
    file: ResultFile, task: str, name: str, rows: Sequence[Row], notes: list[str]
) -> Iterator[Measurement]:
    ids = [str(row["doc_id"]) for row in rows]
    (most_frequent, times), *_ = Counter(ids).most_common(1)
    if times > 1:
        raise file.malformed(
            f"doc_id {most_frequent:.40} stands {times} times for the filter {name[:40]}; give one "
            "file per task"
        )
    source = Source(
        tool="lm-evaluation-harness", suite=task, prompt_set_digest=_prompt_set_digest(rows)
    )
    metrics = _metrics(rows)
    if len(metrics) > MAX_METRICS:
        raise file.too_large(f"the samples have more than {MAX_METRICS:,} metrics")
    for metric in metrics:
        scores = _scores([row.get(metric) for row in rows])
        if scores is None:
            notes.append(f"{metric} is not one number per example and was left out")
            continue
        scored = [(i, score) for i, score in zip(ids, scores, strict=True) if score is not None]
        yield Measurement(
            metric=metric,
            scores=tuple(score for _, score in scored),
            ids=tuple(i for i, _ in scored),
            n_errored=len(rows) - len(scored),
            errors_stated=len(scored) < len(rows),
            task=task if name == "none" else f"{task}/{name}",
            source=source,
        )


def _metrics(rows: Sequence[Row]) -> list[str]:
    """The names that the rows give, or, in files before 0.4.3, all keys that are not known."""
    found: dict[str, None] = {}
    for row in rows:
        named = row.get("metrics")
        found.update(dict.fromkeys(map(str, named) if isinstance(named, list) else row))
    return [name for name in found if name not in _NOT_METRICS]


def _scores(cells: Sequence[object]) -> list[float | None] | None:
    try:
        return [number(cell) for cell in cells]
    except NotANumber:
        return None


def _prompt_set_digest(rows: Sequence[Row]) -> str | None:
    """The harness's own `task_hashes` value, so that samples and results are comparable."""
    hashes = [row.get(key) for row in rows for key in _HASHES]
    if not all(isinstance(text, str) for text in hashes):
        return None
    return hashlib.sha256("".join(map(str, hashes)).encode()).hexdigest()


def _task(file: ResultFile) -> str:
    name = file.label.replace("\\", "/").rpartition("/")[2]
    found = _FILE_NAME.fullmatch(name)
    return found["task"] if found else name


def _rows(file: ResultFile) -> Sequence[Row]:
    if file.json_object is not None:
        return [file.json_object]
    return file.rows or []
