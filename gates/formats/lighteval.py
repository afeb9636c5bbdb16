"""lighteval `results_*.json` (0.9 to 0.13): values and standard errors by task.

Averages over tasks are roll-ups; a run with `max_samples` was limited and is incomplete. Its
`start_time` and `end_time` come from a stopwatch and say not when it was measured.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, Source
from gates.formats.cells import MISSING
from gates.formats.objects import mapping, quantity, size, text, texts
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "lighteval"
TITLE = "lighteval results"
RECOGNISED_BY = "a JSON object with `config_general` and `results`"

_STDERR = "_stderr"
_SIZES = ("effective_num_docs", "num_docs")

_DETAILS = (
    "the scores of single examples are in the Parquet files of details/ and are not read; save "
    "them as CSV or JSON Lines with a row for each example and a column for each metric"
)

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why these are no results of lighteval; None where they are."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    absent = [k for k in ("config_general", "results") if not isinstance(found.get(k), dict)]
    return f"no object `{absent[0]}`" if absent else None


def read(file: ResultFile) -> Reading:
    """Every metric of every task, with its standard error and n where the file has one."""
    root = file.json_object or {}
    general = mapping(root, "config_general")
    limit = general.get("max_samples")
    incomplete = None
    if limit is not None:
        incomplete = f"the run was limited (max_samples {limit!s:.40}) and is not the whole set"
    found = [m for task in mapping(root, "results") for m in _of(root, task, incomplete)]
    if not any(not m.aggregate for m in found):
        raise file.nothing_measured("`results` holds no task")
    model = text(general.get("model_name")) or text(
        mapping(general, "model_config").get("model_name")
    )
    return Reading(
        file.bounded(found),
        tool_version=text(general.get("lighteval_sha")),
        model=model,
        notes=(_DETAILS,),
    )


def _of(root: Json, task: str, incomplete: str | None) -> Iterator[Measurement]:
    row = mapping(root, "results", task)
    name = task.removesuffix("|0") if task.count("|") > 2 else task
    is_group = task == "all" or ":_average|" in task
    config = mapping(root, "config_tasks", task) or mapping(root, "config_tasks", name)
    sizes = (mapping(root, "summary_tasks", task), config)
    n = next((docs for at in sizes for key in _SIZES if (docs := size(at.get(key)))), None)
    version = mapping(root, "versions").get(task)
    source = Source(
        tool="lighteval",
        suite=task if version is None else f"{task}@{version!s:.40}",
        dataset_name=texts(config.get("hf_repo"), config.get("hf_subset")),
    )
    for key, value in row.items():
        if key.endswith(_STDERR) and key.removesuffix(_STDERR) in row:
            continue
        found = quantity(value)
        yield Measurement(
            key,
            found,
            n=None if is_group else n,
            stderr=None if is_group else quantity(row.get(f"{key}{_STDERR}")),
            task=task,
            source=source,
            aggregate=is_group,
            missing=MISSING if found is None else None,
            incomplete=incomplete,
        )
