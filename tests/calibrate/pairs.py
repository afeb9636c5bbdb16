"""Two rates from separate samples, enumerated over both counts and the unknown baseline rate."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from tests.calibrate.model import ALPHA, Errors, fails, passes

SIZES = (20, 50, 100)
MARGINS = (0.0, 0.01, 0.05)
CEILING = 0.07
"""The score test is asymptotic: the most it errs, over all baseline rates, in small samples."""


def worst(n: int, margin: float, alpha: float = ALPHA) -> Errors:
    """The largest errors over baseline rates 0.01 to 0.99, with the truth at the margin."""
    passed = _grid(n, lambda e: passes(e, -margin, "lower", alpha))
    failed = _grid(n, lambda e: fails(e, -margin, "lower", alpha))
    counts = np.arange(n + 1)
    most_passed = most_failed = 0.0
    for base in np.arange(1, 100) / 100:
        if base - margin < 0.0:
            continue
        chance = np.outer(
            stats.binom.pmf(counts, n, base - margin), stats.binom.pmf(counts, n, base)
        )
        most_passed = max(most_passed, float((chance * passed).sum()))
        most_failed = max(most_failed, float((chance * failed).sum()))
    return Errors(most_passed, most_failed, 0, "miettinen_nurminen", approximate=True)


def _grid(n: int, holds: Callable[[RateDifference], bool]) -> NDArray[np.bool_]:
    return np.array(
        [
            [holds(RateDifference(Rate(x, x, n), Rate(y, y, n))) for y in range(n + 1)]
            for x in range(n + 1)
        ]
    )
