"""A JSON object of metrics: {metric: number}, {metric: {value, n}}, or {"measurements": [...]}.

Also what Hugging Face `evaluate.save()` and the transformers Trainer write, and MLflow's
`metrics.json`. It refuses nested results, whose meaning only their tool's own format knows.
"""

import re
from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, Source
from gates.formats.cells import MISSING, NotANumber, instant, number, shown, whole
from gates.formats.measurement_object import FIELDS, FORMS, measurement
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

_SIZES = ("eval_samples", "example_count", "n")
"""Keys that state the number of examples: of the Trainer, of MLflow, and the plain word."""

_OWN_DENOMINATOR = re.compile(r"precision|recall|f1|f_?beta|auc|mcc|matthews|kappa|tpr|fpr|loss")
"""Metrics whose denominator is not the number of examples, or that are no shares at all."""

_OF_TRAINING = re.compile(
    r"epoch|total_flos|train_.*|(eval_)?(runtime|samples_per_second|steps_per_second)"
    r"|eval_(jit_compilation_time|model_preparation_time)"
)
"""What the Trainer writes beside the metrics: how long it took, and the training's own numbers."""

_WRAPPER = frozenset(("measurements", "measured_at", "model"))


def mismatch(found: Mapping[str, object]) -> str | None:
    """Why the object is not flat; None where it is."""
    if "measurements" in found:
        return None if isinstance(found["measurements"], list) else "`measurements` is not a list"
    for key, value in found.items():
        if isinstance(value, dict) and any(form in value for form in FORMS):
            unknown = sorted(value.keys() - FIELDS)
            if unknown:
                return f"`{key[:40]}` has {unknown[0][:40]!r}, not a field of a measurement"
        elif isinstance(value, dict | list):
            return f"`{key[:40]}` is {shown(value)}, so this is not a flat object of metrics"
    if not any(isinstance(v, dict) or _is_metric(k, v) for k, v in found.items()):
        return "no number in it"
    return None


def read(file: ResultFile, found: Mapping[str, object]) -> Reading:
    """The object's metrics, in its own order."""
    if "measurements" in found:
        return _listed(file, found)
    trainer = any(key in found for key in ("eval_loss", "eval_samples", "eval_runtime"))
    version = found.get("_evaluate_version")
    source = None
    if version is not None:
        source = Source(tool="evaluate", tool_version=version if isinstance(version, str) else None)
    elif trainer:
        source = Source(tool="transformers")
    n = _size(file, found)
    notes: list[str] = []
    measurements = []
    for key, value in found.items():
        if key in _SIZES or key.startswith("_") or (trainer and _OF_TRAINING.fullmatch(key)):
            continue
        if key == "score" and "example_count" in found and "accuracy_score" in found:
            continue  # MLflow's name for the accuracy, once more
        name = _name(key, found) if trainer else key
        if isinstance(value, dict):
            measurements.append(measurement(file, f"`{key[:40]}`", {"metric": name} | value))
        elif _is_metric(key, value):
            measurements.append(_plain(name, value, n, source))
        else:
            notes.append(f"`{key[:40]}` is {shown(value)}, not a number, and was not read")
    return Reading(
        tuple(measurements),
        tool_version=source.tool_version if source else None,
        measured_at=instant(found.get("_timestamp")),
        notes=tuple(notes),
    )


def _listed(file: ResultFile, found: Mapping[str, object]) -> Reading:
    unknown = sorted(found.keys() - _WRAPPER)
    if unknown:
        raise file.malformed(f"beside `measurements`, {unknown[0][:40]!r} is not known")
    model, given = found.get("model"), found.get("measured_at")
    measured_at = instant(given) if isinstance(given, str) else None
    if given is not None and measured_at is None:
        raise file.malformed("`measured_at` is not a time with a zone, as 2026-11-20T10:00:00Z")
    if model is not None and not isinstance(model, str):
        raise file.malformed("`model` is not a text")
    return Reading(tuple(_each(file, found)), model=model, measured_at=measured_at)


def _each(file: ResultFile, found: Mapping[str, object]) -> Iterator[Measurement]:
    entries = found["measurements"]
    if not isinstance(entries, list) or not entries:
        raise file.nothing_measured("`measurements` is empty")
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise file.malformed(f"/measurements/{position} is {shown(entry)}, not an object")
        yield measurement(file, f"/measurements/{position}", entry)


def _plain(name: str, value: object, n: int | None, source: Source | None) -> Measurement:
    found = number(value)
    is_share = found is not None and 0 <= found <= 1 and not _OWN_DENOMINATOR.search(name.lower())
    return Measurement(
        metric=name,
        value=found,
        n=n if is_share else None,
        missing=MISSING if found is None else None,
        source=source,
    )


def _name(key: str, found: Mapping[str, object]) -> str:
    """The Trainer's `eval_accuracy` is accuracy, unless another key has that name already."""
    bare = key.removeprefix("eval_")
    return key if not bare or bare in found else bare


def _size(file: ResultFile, found: Mapping[str, object]) -> int | None:
    sizes = set()
    for key in _SIZES:
        try:
            size = whole(found.get(key))
        except NotANumber as error:
            raise file.malformed(f"`{key}`: {error}") from None
        if size is not None:
            sizes.add(size)
    if len(sizes) > 1:
        raise file.malformed(f"the sample sizes {' and '.join(_SIZES)} contradict each other")
    return sizes.pop() if sizes else None


def _is_metric(key: str, value: object) -> bool:
    """A number, or a known way to say that there is none; a boolean is no measurement."""
    if key in _SIZES or key.startswith("_") or isinstance(value, bool | dict | list):
        return False
    try:
        number(value)
    except NotANumber:
        return False
    return True
