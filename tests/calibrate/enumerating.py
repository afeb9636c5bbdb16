"""Exact error rates of everything that rests on one count, by adding up binomial probabilities.

Beside our bounds stand the gates that others use: the point estimate, Wald's interval and the
percentile bootstrap (of infinitely many resamples, which is a binomial too).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gates.statistics.binomial import Rate
from gates.statistics.estimate import Estimate
from gates.statistics.f1 import F1
from gates.statistics.quantile import from_exceed
from tests.calibrate.model import ALPHA, Errors, fails, passes

SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000)
RATES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
_WHOLE = 200
"""Up to this size every count is asked; above, the first that passes is found by bisection."""

Verdicts = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True)
class Counted:
    """A quantity known from x of n whose truth is `limit(rate)` when the rate is `rate`."""

    name: str
    make: Callable[[int, int], Estimate]
    limit: Callable[[float], float]


COUNTED = (
    Counted("rate", lambda x, n: Rate(x, x, n), lambda p: p),
    Counted("F1 from its counts", lambda x, n: F1(Rate(x, x, n)), lambda p: 2 * p / (1 + p)),
    Counted("quantile from a count over the limit", lambda x, n: from_exceed(n - x, n, 0),
            lambda p: p),
)  # fmt: skip


def errors(case: Counted, n: int, rate: float, alpha: float = ALPHA) -> Errors:
    """False pass and false fail with the truth at the limit."""
    passed, failed = _verdicts(case, n, case.limit(rate), alpha)
    chance = stats.binom.pmf(np.arange(n + 1), n, rate)
    sample = case.make(n // 2, n)
    return Errors(
        float(chance[passed].sum()), float(chance[failed].sum()), 0, sample.method,
        sample.approximate,
    )  # fmt: skip


def _verdicts(case: Counted, n: int, limit: float, alpha: float) -> Verdicts:
    counts = np.arange(n + 1)
    if n <= _WHOLE:
        estimates = [case.make(x, n) for x in range(n + 1)]
        return (
            np.array([passes(e, limit, "lower", alpha) for e in estimates]),
            np.array([fails(e, limit, "lower", alpha) for e in estimates]),
        )
    first = _first(n, lambda x: passes(case.make(x, n), limit, "lower", alpha))
    last = _first(n, lambda x: not fails(case.make(x, n), limit, "lower", alpha))
    return counts >= first, counts < last


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """The least count from which on it holds; n + 1 if never. Bounds are monotone (test_laws)."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= n and not holds(middle):
            low = middle + 1
        else:
            high = middle
    return low


def point(n: int, limit: float) -> NDArray[np.bool_]:
    """Passed by comparing the share with the limit, for each count."""
    passed: NDArray[np.bool_] = np.arange(n + 1) / n >= limit
    return passed


def wald(n: int, limit: float, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Passed by share - z * standard error."""
    share = np.arange(n + 1) / n
    bound = share - stats.norm.isf(alpha) * np.sqrt(share * (1 - share) / n)
    passed: NDArray[np.bool_] = bound >= limit
    return passed


def percentile_bootstrap(n: int, limit: float, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Passed by the alpha quantile of resampled shares."""
    counts = np.arange(n + 1)
    bound: NDArray[np.float64] = np.asarray(stats.binom.ppf(alpha, n, counts / n)) / n
    return bound >= limit


RIVALS: dict[str, Callable[[int, float], NDArray[np.bool_]]] = {
    "point estimate": point,
    "Wald interval": wald,
    "percentile bootstrap": percentile_bootstrap,
}


def rival_false_pass(passed: NDArray[np.bool_], rate: float) -> float:
    """How often a rival passes with the truth at the limit."""
    n = len(passed) - 1
    return float(stats.binom.pmf(np.arange(n + 1), n, rate)[passed].sum())
