"""Exact error rates of everything that rests on one count, by adding up its probabilities.

Bets rest on the order of the scores as well, so every order of small samples is asked; on pairs
that are looked at after each one, the counts are a Markov chain. For larger samples the promise of
bets is Ville's inequality: wealth that starts at 1, and is fair under the hypothesis, ever exceeds
1 / alpha with chance alpha at most (Ville, 1939; Waudby-Smith and Ramdas 2024, section 4).

Beside our bounds stand the gates that others use: the point estimate, Wald's interval and the
percentile bootstrap (of infinitely many resamples, which is a binomial too).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gates.statistics.betting import BettingMean
from gates.statistics.binomial import Rate
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.estimate import Estimate
from gates.statistics.exposure import EventRate
from gates.statistics.f1 import F1
from gates.statistics.quantile import from_exceed
from gates.statistics.sequence_pairs import SequentialPairs
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
    Counted("mean of zeros and ones, n alone", lambda x, n: ChernoffMean(x / n, n, 0.0, 1.0),
            lambda p: p),
)  # fmt: skip
MEANS = (0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0)
"""Expected events."""
SHORT = (5, 9, 12)
"""Sizes of which every order of zeros and ones is asked."""
PAIRED = 60
SHARES = ((0.0, 0.1), (0.05, 0.15), (0.2, 0.3), (0.02, 0.02), (0.3, 0.3), (0.1, 0.0))
"""Chances that only the candidate, and that only the baseline is right."""


def errors(case: Counted, n: int, rate: float, alpha: float = ALPHA) -> Errors:
    """False pass and false fail with the truth at the limit."""
    passed, failed = _verdicts(case, n, case.limit(rate), alpha)
    chance = np.asarray(stats.binom.pmf(np.arange(n + 1), n, rate))
    sample = case.make(n // 2, n)
    return Errors(
        float(chance[passed].sum()), float(chance[failed].sum()), 0, sample.method,
        sample.approximate,
    )  # fmt: skip


def events(mean: float, alpha: float = ALPHA) -> Errors:
    """The same of events per exposure, their rate exactly at the limit."""
    counts = range(int(mean + 12.0 * mean**0.5 + 30.0))
    chance = np.asarray(stats.poisson.pmf(counts, mean))
    known = [EventRate(k, 1.0) for k in counts]
    passed = np.array([passes(e, mean, "upper", alpha) for e in known])
    failed = np.array([fails(e, mean, "upper", alpha) for e in known])
    return Errors(float(chance[passed].sum()), float(chance[failed].sum()), 0, "garwood")


def bets(n: int, alpha: float = ALPHA) -> dict[float, Errors]:
    """The same of the betting test on n zeros and ones, by rate, over all their orders."""
    orders = [BettingMean(tuple(map(float, bits)), 0.0, 1.0) for bits in product((0, 1), repeat=n)]
    ones = np.array([sum(e.scores) for e in orders])
    found = {}
    for rate in RATES:
        chance = rate**ones * (1.0 - rate) ** (n - ones)
        passed = np.array([passes(e, rate, "lower", alpha) for e in orders])
        failed = np.array([fails(e, rate, "lower", alpha) for e in orders])
        found[rate] = Errors(
            float(chance[passed].sum()), float(chance[failed].sum()), 0, orders[0].method
        )
    return found


def paired_bets(n: int, won: float, lost: float, alpha: float = ALPHA) -> Errors:
    """Ever passed, and ever failed, by pairs looked at after each of n, at the true difference."""
    limit = won - lost
    shares = []
    for shown in ("p_above", "p_below"):
        left, total = np.zeros((n + 2, n + 2)), 0.0
        left[0, 0] = 1.0
        for size in range(1, n + 1):
            after = left * (1.0 - won - lost)
            after[1:] += won * left[:-1]
            after[:, 1:] += lost * left[:, :-1]
            left = after
            for wins, losses in np.argwhere(left > 0.0).tolist():
                known = SequentialPairs(wins, losses, size)
                if getattr(known, shown)(limit) <= alpha:
                    total += float(left[wins, losses])
                    left[wins, losses] = 0.0
        shares.append(total)
    return Errors(shares[0], shares[1], 0, "paired_bets")


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
