"""HELM `per_instance_stats.json` and `stats.json` of one run.

In `stats.json` the counts are train trials and the spread is that of trials: only the row
`num_instances` says how many examples there were. Perturbed rows are slices, never pooled.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING
from gates.formats.objects import mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.scored import Scored
from gates.formats.understood import Reading

NAME = "helm"
TITLE = "HELM statistics"
RECOGNISED_BY = "rows with `name.name`, `count`, `sum_squared`; or with `instance_id` and `stats`"

_BOOKKEEPING = frozenset(
    {"num_references", "num_train_trials", "num_train_instances", "num_instances", "batch_size"}
    | {"num_perplexity_tokens", "num_bytes", "num_output_tokens", "prompt_truncated", "logprob"}
    | {"finish_reason_length", "finish_reason_stop", "finish_reason_endoftext"}
    | {"finish_reason_unknown", "max_prob", "training_co2_cost", "training_energy_cost"}
)
_TOKENS = ("num_prompt_tokens", "num_completion_tokens")
_UNITS = {"inference_runtime": "s"}
_NAMES = {"inference_runtime": "latency"}
_JUDGED = ("test", "")
"""Splits that speak of the model; `valid` was used to choose it."""

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no statistics file of HELM; None where it is one."""
    first = file.first_row if file.json_object is None else None
    if first is None:
        return "no list of objects"
    if {"instance_id", "stats"} <= first.keys():
        return None
    if {"name", "count", "sum_squared"} <= first.keys() and text(
        mapping(first, "name").get("name")
    ):
        return None
    return "no `name.name` beside `count` and `sum_squared`, and no `instance_id` beside `stats`"


def read(file: ResultFile) -> Reading:
    """Scores by instance, or means with the number of instances."""
    rows: list[Json] = list(file.rows or ())
    notes = ["the model is named in run_spec.json, which is not read"]
    source = Source(tool="helm")
    if rows and "instance_id" in rows[0]:
        scored = _instances(rows)
        per_metric = {_NAMES[name]: {"unit": unit} for name, unit in _UNITS.items()}
        found = list(scored.measurements(per_metric, source=source))
        notes += scored.dropped
    else:
        found = list(_stats(rows, source))
        notes.append("means have no spread here; send per_instance_stats.json of the same run")
    if not found:
        raise file.nothing_measured("it holds no metric of the test split")
    return Reading(file.bounded(found), notes=tuple(notes))


def _instances(rows: list[Json]) -> Scored:
    found = Scored()
    for row in rows:
        stats, tokens = row.get("stats"), list[float]()
        for stat in stats if isinstance(stats, list) else ():
            name = _judged(stat) if isinstance(stat, dict) else None
            if name is None:
                continue
            # A trial is a repeat of the instance; without a count nothing was computed.
            score = quantity(stat.get("mean")) if size(stat.get("count")) else None
            perturbed = _perturbation(row) or _perturbation(mapping(stat, "name"))
            metric = _NAMES.get(name, name)
            if name in _TOKENS and perturbed is None and score is not None:
                tokens.append(score)
            if perturbed is None:
                found.add(metric, score, str(row.get("instance_id")))
            else:
                found.add_only(metric, score, str(row.get("instance_id")), perturbed)
        if len(tokens) == len(_TOKENS):
            found.add("tokens_per_request", sum(tokens), str(row.get("instance_id")))
    return found


def _stats(rows: list[Json], source: Source) -> Iterator[Measurement]:
    n = next(
        (
            size(row.get("mean"))
            for row in rows
            if mapping(row, "name").get("name") == "num_instances"
            and mapping(row, "name").get("split") == "test"
            and not _perturbation(mapping(row, "name"))
        ),
        None,
    )
    for row in rows:
        name = _judged(row)
        if name is None:
            continue
        value = quantity(row.get("mean")) if size(row.get("count")) else None
        perturbed = _perturbation(mapping(row, "name"))
        yield Measurement(
            _NAMES.get(name, name),
            value,
            n=None if perturbed else n,
            missing=MISSING if value is None else None,
            slice=perturbed or (),
            # A mean of response times is no quantile of them.
            unit=_UNITS.get(name),
            source=source,
        )


def _judged(row: Json) -> str | None:
    """The metric's name, where it is one and of a split that counts."""
    about = mapping(row, "name")
    name = text(about.get("name"))
    if name is None or name in _BOOKKEEPING or (about.get("split") or "") not in _JUDGED:
        return None
    return None if about.get("sub_split") else name


def _perturbation(about: Json) -> SliceKey | None:
    found = mapping(about, "perturbation")
    name = text(found.get("name"))
    if name is None:
        return None
    computed = text(found.get("computed_on"))
    return (("perturbation", f"{name} ({computed})" if computed else name),)
