"""Measurements as sent, turned into values; one that says two things, or nothing, is refused."""

from collections.abc import Sequence
from typing import Any

from app.errors import Problem
from app.evaluations.schemas import ExceedIn, MeasurementIn, SourceIn
from gates.evidence import Exceed, Measurement, Source

_FORMS = ("value", "count", "scores", "exceed", "table")
_PER_EXAMPLE = ("ids", "clusters", "labels", "denominators")


def measurements_of(given: Sequence[MeasurementIn], place: str) -> list[Measurement]:
    """The values; Problem points at the first that has no single form."""
    found = []
    for position, item in enumerate(given):
        stated = {name: value for name, value in item.items() if value is not None}
        if (wrong := _contradiction(stated)) is not None:
            where = f"{place}/{position}"
            errors = [{"pointer": where, "detail": wrong}]
            raise Problem("invalid-request", f"{where}: {wrong}.", errors=errors)
        found.append(_value(stated))
    return found


def _contradiction(stated: dict[str, Any]) -> str | None:
    forms = [name for name in _FORMS if name in stated]
    if len(forms) != 1:
        return "give exactly one of value, count + n, scores, exceed + n, table"
    form = forms[0]
    if form == "count" and "exposure" in stated:
        return "exposure stands instead of n" if "n" in stated else None
    if form in {"count", "exceed"} and "n" not in stated:
        return f"{form} needs n, the number of scored examples"
    if form == "scores":
        return _unfit_scores(stated)
    if any(name in stated for name in _PER_EXAMPLE):
        return "ids, clusters, labels and denominators belong to scores"
    if "exposure" in stated:
        return "exposure belongs to count"
    if form == "table" and "n" in stated:
        return "a table has its own n; leave it out"
    if form != "value" and ("stderr" in stated or "ci" in stated):
        return "stderr and ci belong to value"
    if ("ci" in stated) != ("confidence" in stated):
        return "ci and confidence belong together"
    return None


def _unfit_scores(stated: dict[str, Any]) -> str | None:
    size = len(stated["scores"])
    if stated.get("n", size) != size:
        return "n differs from the number of scores; leave it out"
    for name in _PER_EXAMPLE:
        if len(stated.get(name, stated["scores"])) != size:
            return f"{name} and scores differ in length"
    if "stderr" in stated or "ci" in stated:
        return "stderr and ci belong to value"
    return None


def _value(stated: dict[str, Any]) -> Measurement:
    """Fields of the same name pass through; the rest is brought into the engine's form."""
    if "slice" in stated:
        stated["slice"] = tuple(sorted(stated["slice"].items()))
    if "ci" in stated:
        stated["ci"] = tuple(stated["ci"])
    if "scores" in stated:
        stated["scores"] = tuple(map(float, stated["scores"]))
        stated["n"] = len(stated["scores"])
        for name in _PER_EXAMPLE:
            if name in stated:
                stated[name] = tuple(stated[name])
    if "table" in stated:
        stated["table"] = tuple(map(tuple, stated["table"]))
    if "exceed" in stated:
        exceed: ExceedIn = stated["exceed"]
        stated["exceed"] = Exceed(exceed.limit, exceed.count)
    if "source" in stated:
        stated["source"] = _source(stated["source"])
    if "n_errored" in stated:
        stated["errors_stated"] = True
    return Measurement(**stated)


def _source(given: SourceIn) -> Source:
    return Source(
        tool=given.tool,
        tool_version=given.tool_version,
        suite=given.suite,
        run_id=given.run_id,
        dataset_name=given.dataset.name if given.dataset else None,
        dataset_digest=given.dataset.digest if given.dataset else None,
        prompt_set_digest=given.prompt_set_digest,
    )
