"""EleutherAI lm-evaluation-harness `results_*.json`, versions 0.3 and 0.4.

A task read through a filter is the task `name/filter`. It refuses to turn rows of groups into
evidence of their own, and to take a limited run for a whole one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from gates.evidence import Measurement, Source
from gates.formats.cells import MISSING, instant
from gates.formats.objects import mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "lm-eval"
TITLE = "lm-evaluation-harness results"
RECOGNISED_BY = "a JSON object with `results` of objects, `versions` and `config`"
TOOL = "lm-evaluation-harness"

_LOWER_IS_BETTER = frozenset({"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"})
_LOWER_IN_0_3 = _LOWER_IS_BETTER | {"ppl"}
_BOOKKEEPING = frozenset({"name", "alias", "sample_len", "sample_count"})

Direction = Literal["higher", "lower"]


def mismatch(file: ResultFile) -> str | None:
    """Why this is not a results file of the harness; None where it is."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    absent = [k for k in ("results", "versions", "config") if not isinstance(found.get(k), dict)]
    if absent:
        return f"no object `{absent[0]}`"
    rows = mapping(found, "results").values()
    return None if all(isinstance(row, dict) for row in rows) else "`results` is not of objects"


def read(file: ResultFile) -> Reading:
    """Every metric of every task, with stderr, n and direction where the file has them."""
    run = _Run(file, file.json_object or {})
    notes: list[str] = []
    measurements = file.bounded(
        m for task in mapping(run.root, "results") for m in _of_task(run, task, notes)
    )
    if not measurements:
        raise file.nothing_measured("`results` holds no metric; the run did not finish")
    if not run.has_filters:
        notes.append("written by version 0.3, which does not say how many examples were scored")
    return Reading(
        measurements,
        tool_version=text(run.root.get("lm_eval_version")) or (None if run.has_filters else "0.3"),
        model=_model(run.root),
        measured_at=instant(run.root.get("date")),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Run:
    file: ResultFile
    root: Mapping[str, object]

    @cached_property
    def has_filters(self) -> bool:
        """Version 0.4, whose metrics are written `name,filter`."""
        rows = mapping(self.root, "results").values()
        return "configs" in self.root or any(
            "," in key for row in rows if isinstance(row, dict) for key in row
        )

    def is_aggregate(self, task: str) -> bool:
        subtasks = mapping(self.root, "group_subtasks").get(task)
        if isinstance(subtasks, list) and subtasks:
            results = mapping(self.root, "results")
            return any(isinstance(subtask, str) and subtask in results for subtask in subtasks)
        return task in mapping(self.root, "groups")

    @cached_property
    def partial_tasks(self) -> dict[str, str]:
        """Tasks of which not all examples were run, and why that is known."""
        partial = {}
        for task in mapping(self.root, "n-samples"):
            sizes = mapping(mapping(self.root, "n-samples"), task)
            effective, original = size(sizes.get("effective")), size(sizes.get("original"))
            if effective is not None and original is not None and effective < original:
                partial[task] = f"only {effective} of {original} examples of {task} were run"
        return partial

    def incomplete(self, task: str, *, aggregate: bool) -> str | None:
        limit = mapping(self.root, "config").get("limit")
        if limit is not None:
            return f"the run was limited (--limit {limit!s:.40}) and is not the whole test set"
        # Which tasks a group is made of may be nested: any partial task spoils every group.
        spoiled = next(iter(self.partial_tasks.values()), None)
        return spoiled if aggregate else self.partial_tasks.get(task)

    def n(self, task: str, key: str) -> int | None:
        row = mapping(mapping(self.root, "results"), task)
        for stated in (
            mapping(row, "sample_count").get(key),
            mapping(mapping(self.root, "n-samples"), task).get("effective"),
            row.get("sample_len"),
        ):
            if stated is not None:
                found = size(stated)
                if found is None:
                    raise self.file.malformed(f"{task}: the number of samples is not a number")
                return found
        return None

    def directions(self, task: str) -> dict[str, object]:
        """What the file says of `higher_is_better` for each metric of a task."""
        entries = mapping(mapping(self.root, "configs"), task).get("metric_list")
        stated: dict[str, object] = {}
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("metric"), str):
                stated[entry["metric"]] = entry.get("higher_is_better")
        given = mapping(mapping(self.root, "higher_is_better"), task)
        return stated | {metric: up for metric, up in given.items() if up is not None}

    def source(self, task: str) -> Source:
        config = mapping(mapping(self.root, "configs"), task)
        parts = [text(config.get("dataset_path")), text(config.get("dataset_name"))]
        version = mapping(self.root, "versions").get(task)
        return Source(
            tool=TOOL,
            tool_version=text(self.root.get("lm_eval_version")),
            suite=task if version is None else f"{task}@{version!s:.40}",
            dataset_name="/".join(part for part in parts if part) or None,
            prompt_set_digest=text(mapping(self.root, "task_hashes").get(task)),
        )


def _of_task(run: _Run, task: str, notes: list[str]) -> Iterator[Measurement]:
    row = mapping(mapping(run.root, "results"), task)
    aggregate = run.is_aggregate(task)
    incomplete = run.incomplete(task, aggregate=aggregate)
    directions, source = run.directions(task), run.source(task)
    for key, value in row.items():
        metric, filter_name = _split(key) if run.has_filters else (key, "none")
        if not metric or key in _BOOKKEEPING:
            if key not in _BOOKKEEPING and isinstance(value, int | float):
                notes.append(f"{task}: `{key}` has no filter after a comma and was not read")
            continue
        if metric == "bypass":
            notes.append(f"{task}: `bypass` stands for predictions that nothing scored; left out")
            continue
        base = metric.removesuffix("_stderr")
        if base != metric and _joined(run, base, filter_name) in row:
            continue
        found = quantity(value)
        yield Measurement(
            metric=metric,
            value=found,
            n=run.n(task, key),
            stderr=quantity(row.get(_joined(run, f"{metric}_stderr", filter_name))),
            task=task if filter_name == "none" else f"{task}/{filter_name}",
            direction=_direction(metric, directions.get(metric), _lower(run)),
            source=source,
            aggregate=aggregate,
            missing=MISSING if found is None else None,
            incomplete=incomplete,
        )


def _direction(metric: str, stated: object, lower: frozenset[str]) -> Direction | None:
    if isinstance(stated, bool):
        return "higher" if stated else "lower"
    return "lower" if metric in lower else None


def _lower(run: _Run) -> frozenset[str]:
    return _LOWER_IS_BETTER if run.has_filters else _LOWER_IN_0_3


def _split(key: str) -> tuple[str, str]:
    metric, _, filter_name = key.rpartition(",")
    return metric, filter_name


def _joined(run: _Run, metric: str, filter_name: str) -> str:
    return f"{metric},{filter_name}" if run.has_filters else metric


def _model(root: Mapping[str, object]) -> str | None:
    config = mapping(root, "config")
    arguments = config.get("model_args")
    pretrained = None
    if isinstance(arguments, dict):
        pretrained = arguments.get("pretrained")
    elif isinstance(arguments, str):
        pairs = (pair.partition("=") for pair in arguments.split(","))
        pretrained = next((value for key, _, value in pairs if key.strip() == "pretrained"), None)
    return text(root.get("model_name")) or text(pretrained) or text(config.get("model"))
