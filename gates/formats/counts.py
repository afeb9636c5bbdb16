"""Counts recovered from a printed rate and the number of examples that it is a share of.

Only where exactly one whole number fits; it never invents a denominator.
"""

import math
from typing import Any

from gates.evidence import Measurement
from gates.formats.cells import MISSING

_SLACK = 1e-6


def recovered(rate: float, n: int, half_step: float = 0.0) -> int | None:
    """The one whole number that is `rate` of n; None where none or several would do.

    `half_step` is how far the printed rate may lie from the true one.
    """
    slack = _SLACK + half_step * n
    low, high = max(math.ceil(rate * n - slack), 0), min(math.floor(rate * n + slack), n)
    return low if low == high else None


def counted(metric: str, rate: float | None, n: int | None, **known: Any) -> Measurement:
    """A rate as a count of n where the two determine it, else as it stands."""
    if rate is None:
        return Measurement(metric, n=n, missing=MISSING, **known)
    # Ten digits are what tables are saved with; a rate of fewer may fit several counts.
    count = None if n is None or not 0 <= rate <= 1 else recovered(rate, n, 0.5e-10)
    if count is None:
        return Measurement(metric, rate, n=n, **known)
    return Measurement(metric, count=count, n=n, **known)
