"""Trying again: polls, further examples and re-runs of one candidate that is exactly at its limit.

All figures are exact: the count of successes is a Markov chain, and those that passed leave it.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import stats

from gates.rules.looks import planned_alpha
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Estimate
from gates.statistics.sequence_rate import SequentialRate
from tests.calibrate.model import ALPHA

Threshold = Callable[[int, int], int]
"""(look number from 1, examples so far) -> the least count that passes; n + 1 where none does."""


def ever_passed(rate: float, step: int, looks: int, least: Threshold) -> float:
    """P(passed at one of `looks` looks, `step` further examples each), counts cumulative."""
    left = np.array([1.0])
    chance = stats.binom.pmf(np.arange(step + 1), step, rate)
    total = 0.0
    for number in range(1, looks + 1):
        left = np.convolve(left, chance)
        from_here = least(number, number * step)
        total += float(left[from_here:].sum())
        left[from_here:] = 0.0
    return total


def rerun_passed(rate: float, n: int, runs: int, least: Threshold) -> float:
    """P(passed at one of `runs` runs on n fresh examples each)."""
    missed = 1.0
    for number in range(1, runs + 1):
        missed *= float(stats.binom.cdf(least(number, n) - 1, n, rate))
    return 1.0 - missed


def point(limit: float) -> Threshold:
    """Share at or above the limit."""
    return lambda _, n: int(np.ceil(limit * n - 1e-9))


def exact(limit: float) -> Threshold:
    """Clopper-Pearson at the full level at every look, as if it were the only one."""
    return lambda _, n: _least(n, limit, ALPHA)


def planned(limit: float, looks: int) -> Threshold:
    """Ours: the level that `planned(looks)` gives each look, and no pass after the last."""

    def least(number: int, n: int) -> int:
        alpha = planned_alpha(ALPHA, looks, number)
        return n + 1 if alpha is None else _least(n, limit, alpha)

    return least


def anytime(limit: float, n_plan: int) -> Threshold:
    """Ours with `looks: anytime`: an e-process over everything so far, one level for all looks."""

    def least(_: int, n: int) -> int:
        return _first(n, lambda x: SequentialRate(Rate(x, x, n), n_plan), limit)

    return least


@cache
def _least(n: int, limit: float, alpha: float) -> int:
    return _first(n, lambda x: Rate(x, x, n), limit, alpha)


def _first(n: int, make: Callable[[int], Estimate], limit: float, alpha: float = ALPHA) -> int:
    """The least count whose lower bound clears the limit; n + 1 if none does."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= n and make(middle).lower(alpha, errors=True) < limit:
            low = middle + 1
        else:
            high = middle
    return low
