"""AI Verify Moonshot benchmark runs: the metrics of recipes, alone or inside cookbooks.

Values are percent. A run that took a part of the prompts, or did not complete, is incomplete; it
refuses a run over several endpoints, because nobody said which asks for release.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, Source
from gates.formats.cells import MISSING, instant
from gates.formats.counts import recovered
from gates.formats.objects import entries, mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "moonshot"
TITLE = "Moonshot benchmark run"
RECOGNISED_BY = "a JSON object with `metadata.endpoints` and `results` of `recipes` or `cookbooks`"

_ALL = 100

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no run of Moonshot; None where it is one."""
    found = file.json_object
    if found is None or not isinstance(mapping(found, "metadata").get("endpoints"), list):
        return "no `metadata.endpoints`"
    results = mapping(found, "results")
    return None if {"recipes", "cookbooks"} & results.keys() else "no `results.recipes`"


def read(file: ResultFile) -> Reading:
    """Every metric of every recipe, data set and prompt template."""
    root = file.json_object or {}
    about, results = mapping(root, "metadata"), mapping(root, "results")
    recipes = [
        *entries(results, "recipes"),
        *(r for book in entries(results, "cookbooks") for r in entries(book, "recipes")),
    ]
    models = {text(d.get("model_id")) for recipe in recipes for d in entries(recipe, "details")}
    if len(models) > 1:
        raise file.malformed(f"it compares {len(models)} endpoints; send a run of one")
    incomplete = _incomplete(about)
    found = [m for recipe in recipes for m in _of(recipe, text(about.get("id")), incomplete)]
    if not found:
        raise file.nothing_measured("no recipe has a metric")
    return Reading(
        file.bounded(found),
        model=next(iter(models)),
        measured_at=instant(about.get("end_time")),
    )


def _incomplete(about: Json) -> str | None:
    if (status := text(about.get("status"))) != "completed":
        return f"the run's status is {status or 'not stated'}"
    share = quantity(about.get("prompt_selection_percentage"))
    if share is not None and share != _ALL:
        # 1 stands for one percent here, not for all.
        return f"only {share:g}% of the prompts were run"
    return None


def _of(recipe: Json, run: str | None, incomplete: str | None) -> Iterator[Measurement]:
    name = text(recipe.get("id")) or "recipe"
    details = entries(recipe, "details")
    sets = {text(d.get("dataset_id")) for d in details}
    templates = {text(d.get("prompt_template_id")) for d in details}
    for detail in details:
        data = detail.get("data")
        n = len(data) if isinstance(data, list) and data else size(detail.get("num_of_prompts"))
        dataset, template = text(detail.get("dataset_id")), text(detail.get("prompt_template_id"))
        several = (("dataset", dataset, sets), ("template", template, templates))
        slice_ = tuple((key, value) for key, value, all_ in several if value and len(all_) > 1)
        source = Source(tool="moonshot", suite=name, run_id=run, dataset_name=dataset)
        for row in entries(detail, "metrics"):
            for metric, value in row.items():
                if metric == "grading_criteria" or isinstance(value, dict | list | bool):
                    continue
                percent = quantity(value)
                count = _count(percent, n)
                yield Measurement(
                    metric,
                    percent if count is None else None,
                    count=count,
                    n=n,
                    # Counts are plain; a value beside them would be scaled once more.
                    unit="percent" if count is None else None,
                    task=name,
                    slice=slice_,
                    source=source,
                    missing=MISSING if percent is None else None,
                    incomplete=incomplete,
                )


def _count(percent: float | None, n: int | None) -> int | None:
    if percent is None or n is None or not 0 <= percent <= _ALL:
        return None
    return recovered(percent / _ALL, n)
