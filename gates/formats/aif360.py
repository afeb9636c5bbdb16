"""AIF360 explanations (`MetricJSONExplainer`), as a list of JSON objects or of JSON texts.

What the tool prints as one number of two groups is given as the counts of both, from which a rule
computes the disparity with its error. Metrics without counts stay single numbers without a sample.
"""

import re
from collections.abc import Iterator, Mapping

import jiter

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING
from gates.formats.objects import quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "aif360"
TITLE = "AIF360 explanations"
RECOGNISED_BY = "a list of objects with `metric`, `message`, `description` and `ideal`"

_NEEDED = frozenset({"metric", "message", "ideal"})
_VALUE = re.compile(r":\s*(-?[\d.]+(?:e[+-]?\d+)?|nan|inf|-inf)\s*$", re.IGNORECASE)
_PAIRS = (
    ("selection_rate", "numPositivePredictions", "num"),
    ("selection_rate", "numPositives", "numInstances"),
    ("recall", "numTruePositives", "numPositives"),
    ("false_positive_rate", "numFalsePositives", "numNegatives"),
)
"""Metric, and the names of its count and n, each followed by Unprivileged or Privileged."""

_GROUPS = ("Unprivileged", "Privileged")
_SOURCE = Source(tool="aif360")
_NOTE = (
    "a printed disparity has no error: write a rule `disparity: selection_rate` over the dimension "
    "`group` instead"
)

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why these are no explanations; None where they are."""
    if file.syntax not in ("json", "jsonl"):
        return "not JSON"
    first: Json | None = file.json_object or file.first_row
    if first is None and file.syntax == "json" and isinstance(file.json_value, list):
        first = next(iter(_explanations(file)), None)
    if first is None or not first.keys() >= _NEEDED:
        return "no objects with `metric`, `message` and `ideal`"
    return None


def read(file: ResultFile) -> Reading:
    """Selection rate and recall of both groups as counts, and every metric as it was printed."""
    explanations = _explanations(file)
    found: dict[tuple[str, str], Measurement] = {}
    for item in explanations:
        for m in _of_groups(item):
            found.setdefault((m.metric, m.slice[0][1]), m)
    printed = [_printed(item) for item in explanations]
    return Reading(
        file.bounded([*found.values(), *printed]),
        notes=(_NOTE,),
    )


def _explanations(file: ResultFile) -> list[Json]:
    if file.json_object is not None:
        return [file.json_object]
    values = file.rows if file.rows is not None else file.json_value
    found: list[Json] = []
    for value in values if isinstance(values, list) else ():
        item = value
        if isinstance(value, str) and len(value) < 100_000:
            try:
                item = jiter.from_json(value.encode())
            except ValueError:
                continue
        if isinstance(item, dict):
            found.append(item)
    return found


def _of_groups(item: Json) -> Iterator[Measurement]:
    for metric, above, below in _PAIRS:
        for group in _GROUPS:
            count, n = size(item.get(f"{above}{group}")), size(item.get(f"{below}{group}"))
            if count is not None and n is not None:
                slice_: SliceKey = (("group", group.lower()),)
                yield Measurement(metric, count=count, n=n, slice=slice_, source=_SOURCE)


def _printed(item: Json) -> Measurement:
    """The value stands only at the end of the sentence."""
    found = _VALUE.search(text(item.get("message")) or "")
    value = quantity(found[1]) if found else None
    name = (text(item.get("metric")) or "metric").lower().replace(" ", "_")
    return Measurement(name, value, missing=MISSING if value is None else None, source=_SOURCE)
