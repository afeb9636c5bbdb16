"""Percentiles of one series, kept together so that each says something about the others.

It refuses nothing: a percentile that the tool did not write is simply not there.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gates.evidence import Measurement
from gates.formats.cells import MISSING
from gates.formats.objects import quantity

_PERCENT = re.compile(r"(\d{1,2}(?:\.\d+)?|100)")
_WORDS = {"med": 0.5, "median": 0.5, "max": 1.0, "maximum": 1.0}


def quantile(word: str) -> float | None:
    """`p(95)`, `p95`, `95%`, `median` and `max` as a quantile in (0, 1]; None for other words."""
    low = word.strip().lower()
    if low in _WORDS:
        return _WORDS[low]
    found = _PERCENT.fullmatch(low.removeprefix("p").strip("()%"))
    return round(float(found[1]) / 100, 12) or None if found and found[0] != low else None


def percentiles(
    metric: str, row: Mapping[str, object], n: int | None, **common: Any
) -> Iterator[Measurement]:
    """A measurement per key of the row that is a percentile, all of the same n."""
    for key, value in row.items():
        at = quantile(key)
        if at is None:
            continue
        found = quantity(value)
        yield Measurement(
            metric,
            found,
            n=n,
            quantile=at,
            missing=MISSING if found is None else None,
            **common,
        )
