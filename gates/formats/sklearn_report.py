"""scikit-learn `classification_report(output_dict=True)`, saved as JSON.

Counts behind recall, precision and F1 are given where the numbers determine them and nothing else
would fit; it never invents a denominator.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.cells import MISSING, NotANumber, number
from gates.formats.counts import recovered
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "sklearn-report"
TITLE = "scikit-learn classification report"
RECOGNISED_BY = "a JSON object with `macro avg` and `weighted avg`"

_FIELDS = ("precision", "recall", "f1-score", "support")
_AVERAGES = {
    "micro avg": "micro",
    "macro avg": "macro",
    "weighted avg": "weighted",
    "samples avg": "samples",
}
_FULL_PRECISION_DIGITS = 8
_SOURCE = Source(tool="scikit-learn")


def mismatch(file: ResultFile) -> str | None:
    """Why this is not a classification report; None where it is."""
    found = file.json_object
    if found is None:
        return "not a JSON object"
    for name in ("macro avg", "weighted avg"):
        row = found.get(name)
        if not isinstance(row, dict) or any(field not in row for field in _FIELDS):
            return f"no row `{name}` with {', '.join(_FIELDS)}"
    return None


def read(file: ResultFile) -> Reading:
    """Recall, precision and F1 of each class as slices {class}, accuracy, and the averages."""
    report = file.json_object or {}
    rows = {name: _row(file, name, row) for name, row in report.items() if name != "accuracy"}
    if isinstance(report.get("accuracy"), dict):  # a class of that name, where there is no total
        rows["accuracy"] = _row(file, "accuracy", report["accuracy"])
    classes = {name: row for name, row in rows.items() if name not in _AVERAGES}
    numbers = [x for row in rows.values() for x in (row.precision, row.recall, row.f1)]
    overall = None if "accuracy" in rows else _number(file, "accuracy", report.get("accuracy"))
    precision = _Precision.of([*numbers, overall])
    measurements = list(
        file.bounded(m for name, row in classes.items() for m in _of_class(name, row, precision))
    )
    notes = ["the report does not name the model, the data set or the time"]
    total = rows["weighted avg"].support
    if "accuracy" in report and "accuracy" not in rows:
        if "micro avg" in report:
            notes.append("`accuracy` beside `micro avg` is a class of that name, cut to one number")
        else:
            measurements.append(_share("accuracy", overall, total, precision))
    measurements.extend(
        m for name, row in rows.items() if name in _AVERAGES for m in _of_average(name, row)
    )
    supports = [row.support for row in classes.values()]
    if total is not None and None not in supports and _sum(supports) != total:
        notes.append(
            "the supports of the classes do not add up to the total: a class whose name is also "
            "that of a summary row was overwritten by it"
        )
    return Reading(tuple(measurements), notes=tuple(notes))


@dataclass(frozen=True)
class _Row:
    precision: float | None
    recall: float | None
    f1: float | None
    support: float | None


@dataclass(frozen=True)
class _Precision:
    """How far a printed number may lie from the true one: 0 unless the report was rounded."""

    half_step: float

    @classmethod
    def of(cls, numbers: list[float | None]) -> "_Precision":
        digits = max((_decimals(x) for x in numbers if x is not None), default=0)
        # Nobody rounds a report to fewer than two digits: 1.0 in a rounded one stands for 1.00.
        return cls(0.0 if digits >= _FULL_PRECISION_DIGITS else 0.5 * 10.0 ** -max(digits, 2))

    def count(self, share: float | None, n: float | None) -> int | None:
        """The one whole number that is `share` of `n`; None where none or several would do."""
        whole = _whole_number(n)
        return None if share is None or whole is None else recovered(share, whole, self.half_step)

    def whole(self, count: int, share: float | None) -> int | None:
        """The one n of which `count` is `share`; None where none or several would do."""
        if share is None or count == 0 or share - self.half_step <= 0:
            return None
        slack = 1e-6
        low = math.ceil(count / (share + self.half_step) - slack)
        high = math.floor(count / (share - self.half_step) + slack)
        low = max(low, count)
        return low if low == high else None

    def agrees(self, computed: float, printed: float | None) -> bool:
        return printed is not None and abs(computed - printed) <= self.half_step + 1e-9


def _of_class(name: str, row: _Row, precision: _Precision) -> Iterator[Measurement]:
    key: SliceKey = (("class", name),)
    hits = precision.count(row.recall, row.support)
    support = _whole_number(row.support)
    predicted = None if hits is None else precision.whole(hits, row.precision)
    yield _share("recall", row.recall, row.support, precision, key)
    if hits is not None and predicted is not None:
        yield _measured("precision", count=hits, n=predicted, slice=key)
    else:
        yield _measured("precision", row.precision, slice=key)
    if hits is not None and predicted is not None and support is not None:
        union = predicted + support - hits
        if precision.agrees(2 * hits / (predicted + support), row.f1):
            yield _measured("f1", count=hits, n=union, slice=key)
            return
    yield _measured("f1", row.f1, slice=key)


def _of_average(name: str, row: _Row) -> Iterator[Measurement]:
    suffix = _AVERAGES[name]
    for metric, value in (("precision", row.precision), ("recall", row.recall), ("f1", row.f1)):
        yield _measured(f"{metric}_{suffix}", value, aggregate=True)


def _share(
    metric: str,
    value: float | None,
    n: float | None,
    precision: _Precision,
    key: SliceKey = (),
) -> Measurement:
    """A rate whose denominator the report has: exact where determined, else value with n."""
    size = _whole_number(n)
    count = precision.count(value, n)
    if size is not None and count is not None:
        return _measured(metric, count=count, n=size, slice=key)
    return _measured(metric, value, n=size, slice=key)


def _measured(metric: str, value: float | None = None, **known: Any) -> Measurement:
    missing = MISSING if value is None and known.get("count") is None else None
    return Measurement(metric, value, missing=missing, direction="higher", source=_SOURCE, **known)


def _row(file: ResultFile, name: str, row: object) -> _Row:
    if not isinstance(row, Mapping) or any(field not in row for field in _FIELDS):
        raise file.malformed(f"the row {name[:60]!r} does not have {', '.join(_FIELDS)}")
    return _Row(*(_number(file, name, row[field]) for field in _FIELDS))


def _number(file: ResultFile, name: str, value: object) -> float | None:
    try:
        return number(value)
    except NotANumber as error:
        raise file.malformed(f"the row {name[:60]!r}: {error}") from None


def _whole_number(value: float | None) -> int | None:
    """Fractional supports come from sample weights; they are not numbers of examples."""
    return int(value) if value is not None and value == int(value) else None


def _decimals(value: float) -> int:
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _sum(numbers: list[float | None]) -> float:
    return math.fsum(x for x in numbers if x is not None)
