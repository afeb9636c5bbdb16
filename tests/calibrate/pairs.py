"""Two rates from separate samples, enumerated over both counts and the unknown baseline rate.

Their difference and their ratio, in arms of the same and of very different size.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate
from gates.statistics.ratio_of_rates import RateRatio
from tests.calibrate.model import ALPHA, Errors, fails, passes

SIZES = ((20, 20), (50, 50), (100, 100), (5, 100), (20, 50), (50, 100), (200, 20))
"""Of the candidate and of the baseline."""
MARGINS = (0.0, 0.01, 0.05)
RATIO = 0.8
CEILING = 0.07
"""Score tests are asymptotic: the most they err, over all baseline rates, in small samples."""
_BASES = np.arange(1, 200) / 200


def worst(sizes: tuple[int, int], margin: float, alpha: float = ALPHA) -> Errors:
    """The largest errors over baseline rates from .005 to .995, with the truth at the margin."""
    return _worst(sizes, RateDifference, -margin, lambda base: base - margin, alpha)


def worst_ratio(sizes: tuple[int, int], alpha: float = ALPHA) -> Errors:
    """The same of the four-fifths rule."""
    return _worst(sizes, RateRatio, RATIO, lambda base: base * RATIO, alpha)


def _worst(
    sizes: tuple[int, int],
    make: Callable[[Rate, Rate], Estimate],
    limit: float,
    of: Callable[[float], float],
    alpha: float,
) -> Errors:
    n1, n0 = sizes
    known = [[make(Rate(x, x, n1), Rate(y, y, n0)) for y in range(n0 + 1)] for x in range(n1 + 1)]
    passed = np.array([[passes(e, limit, "lower", alpha) for e in row] for row in known])
    failed = np.array([[fails(e, limit, "lower", alpha) for e in row] for row in known])
    most = [0.0, 0.0]
    for base in _BASES:
        if not 0.0 <= of(base) <= 1.0:
            continue
        one = stats.binom.pmf(np.arange(n1 + 1), n1, of(base))
        two = stats.binom.pmf(np.arange(n0 + 1), n0, base)
        most = [max(most[0], float(one @ passed @ two)), max(most[1], float(one @ failed @ two))]
    return Errors(most[0], most[1], 0, known[0][0].method, approximate=True)
