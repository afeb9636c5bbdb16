"""Measurements as sent, turned into values; one that says two things, or nothing, is refused."""

from collections.abc import Sequence
from typing import Any

from app.errors import Problem
from app.evaluations.schemas import ExceedIn, MeasurementIn, SourceIn
from gates.evidence import Exceed, Measurement, Source

_FORMS = frozenset({"value", "count", "scores", "exceed", "table"})
_PER_EXAMPLE = ("ids", "clusters", "labels", "denominators")


def measurements_of(given: Sequence[MeasurementIn], place: str) -> list[Measurement]:
    """The values; Problem points at the first that has no single form."""
    found = []
    sources = _Sources()
    for position, item in enumerate(given):
        stated: dict[str, Any] = {k: v for k, v in item.items() if v is not None}
        if (wrong := _contradiction(stated)) is not None:
            where = f"{place}/{position}"
            errors = [{"pointer": where, "detail": wrong}]
            raise Problem("invalid-request", f"{where}: {wrong}.", errors=errors)
        if "source" in stated:
            stated["source"] = sources.of(stated["source"])
        for name in _CONVERTED.intersection(stated):
            _convert(stated, name)
        found.append(Measurement.stated(stated))
    return found


class _Sources:
    """A tool's measurements come in a row, and all of them name the same source."""

    def __init__(self) -> None:
        self._given: SourceIn | None = None
        self._source = Source()

    def of(self, given: SourceIn) -> Source:
        """The source as a value."""
        if given != self._given:
            self._given, self._source = given, _source(given)
        return self._source


def _contradiction(stated: dict[str, Any]) -> str | None:
    forms = _FORMS.intersection(stated)
    if len(forms) != 1:
        return "give exactly one of value, count + n, scores, exceed + n, table"
    (form,) = forms
    exposed = form == "count" and "exposure" in stated
    if exposed and "n" in stated:
        return "exposure stands instead of n"
    if form in {"count", "exceed"} and "n" not in stated and not exposed:
        return f"{form} needs n, the number of scored examples"
    if form == "scores":
        return _unfit_scores(stated)
    if not stated.keys().isdisjoint(_PER_EXAMPLE):
        return "ids, clusters, labels and denominators belong to scores"
    if "exposure" in stated and not exposed:
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


_CONVERTED = frozenset({"slice", "ci", "scores", "exceed", "table", "n_errored"})


def _convert(stated: dict[str, Any], name: str) -> None:
    """Bring a field into the engine's form; those not in `_CONVERTED` pass as they are."""
    match name:
        case "slice":
            stated["slice"] = tuple(sorted(stated["slice"].items()))
        case "ci":
            stated["ci"] = tuple(stated["ci"])
        case "exceed":
            exceed: ExceedIn = stated["exceed"]
            stated["exceed"] = Exceed(exceed["limit"], exceed["count"])
        case "table":
            stated["table"] = tuple(map(tuple, stated["table"]))
        case "n_errored":
            stated["errors_stated"] = True
        case _:
            stated["scores"] = tuple(map(float, stated["scores"]))
            stated["n"] = len(stated["scores"])
            for beside in _PER_EXAMPLE:
                if beside in stated:
                    stated[beside] = tuple(stated[beside])


def _source(given: SourceIn) -> Source:
    dataset = given.get("dataset") or {}
    return Source(
        tool=given.get("tool"),
        tool_version=given.get("tool_version"),
        suite=given.get("suite"),
        run_id=given.get("run_id"),
        dataset_name=dataset.get("name"),
        dataset_digest=dataset.get("digest"),
        prompt_set_digest=given.get("prompt_set_digest"),
    )
