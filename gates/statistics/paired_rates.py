"""The difference of two rates on the same examples: Tango's score test.

Tango, Statistics in Medicine 17 (1998), 891-908. With no pair in favour its variance is too
small, so each bound is also that of Clopper and Pearson for the pairs against, less the pairs in
favour: by enumeration at 5% it then passes at most 5.9% (margins to .2, n >= 20), and loses no
power. It refuses counts that cannot be, and knows nothing of pairs that share a cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isnan, nan, sqrt
from operator import and_

from gates.statistics import binomial, power
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile, z_tail

_STEPS = 50


def null_variance(b: float, c: float, n: float, delta: float) -> float:
    """Variance of p1 - p0, times n, under p1 - p0 = delta, by maximum likelihood.

    b and c are the pairs in which only the first, only the second is right; -1 <= delta <= 1.
    """
    half = -b - c + (2.0 * n - b + c) * delta
    root = sqrt(max(0.0, half * half + 8.0 * n * c * delta * (1.0 - delta)))
    q = max(0.0, (root - half) / (4.0 * n))
    return max(0.0, 2.0 * q + delta * (1.0 - delta))


def score(b: float, c: float, n: float, delta: float) -> float:
    """(b - c - n delta) / sqrt(n V), V being `null_variance`; NaN where V vanishes."""
    variance = null_variance(b, c, n, delta)
    return (b - c - n * delta) / sqrt(n * variance) if variance > 0.0 else nan


@dataclass(frozen=True, slots=True)
class PairedRates:
    """Candidate - baseline, rates on the same n examples; implements Estimate.

    `for_it` counts the examples that only the candidate gets right, `against` those that only
    the baseline does, `right` all that the candidate gets right, which only `gain` needs. Errors
    are pairs whose difference is the worst there is; they move the rates and leave n alone.

    Raises:
        ValueError: for counts that cannot be.
    """

    for_it: int
    against: int
    right: int
    n: int
    n_errored: int = 0
    method: str = "tango"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        least = (self.for_it, self.against, self.right - self.for_it)
        if self.n < 1 or min(least) < 0 or self.right + self.against > self.n:
            raise ValueError("these are no counts of pairs")

    @property
    def value(self) -> float:
        """The observed difference."""
        return (self.for_it - self.against) / self.n

    @property
    def gain(self) -> float | None:
        """How many times as many separate examples would tell as much; None for equal answers."""
        one, two = self.right / self.n, (self.right - self.for_it + self.against) / self.n
        apart = one * (1.0 - one) + two * (1.0 - two)
        together = (self.for_it + self.against) / self.n - self.value * self.value
        return apart / together if together > 0.0 else None

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The lower of Tango's bound and the exact one for pairs against."""
        return self._lower(self.for_it, self.against, alpha, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Minus the lower bound of baseline - candidate."""
        return -self._lower(self.against, self.for_it, alpha, errors=errors)

    def p_below(self, limit: float) -> float:
        """Score test of H0 "difference >= limit"."""
        return _p_value(self.against, self.for_it, self.n, -limit)

    def p_above(self, limit: float) -> float:
        """Score test of H0 "difference <= limit"."""
        return _p_value(self.for_it, self.against, self.n, limit)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Pairs, errors included, by the score test's null variance and by the exact bound."""
        b, c = (self.for_it, self.against) if side == "lower" else (self.against, self.for_it)
        delta = limit if side == "lower" else -limit
        size = self.n + self.n_errored
        seen = (b - c - self.n_errored) / size
        gap = seen - delta
        if not gap > 0.0 or not alpha > 0.0:
            return None
        if delta <= -1.0:
            return 1
        worse = (c + self.n_errored) / size
        null = null_variance(b / size, worse, 1.0, delta)
        spread = max(0.0, b / size + worse - seen * seen)
        root = (z_quantile(alpha) * sqrt(null) + power.Z_POWER * sqrt(spread)) / gap
        exact = power.rate(1.0 - worse, 1.0 - (b / size - delta), "lower", alpha)
        if exact is None or not root * root <= power.CAP:
            return None
        return max(1, ceil(root * root), exact)

    def _lower(self, b: int, c: int, alpha: float, *, errors: bool) -> float:
        e = self.n_errored if errors else 0
        total = self.n + e
        keep = self.n / total
        exact = b / total - binomial.upper(c + e, total, alpha)
        return min(exact, refuted_below(b * keep, (c + e) * keep, self.n, z_quantile(alpha)))


def of_scores(one: Sequence[float], two: Sequence[float], n_errored: int = 0) -> PairedRates:
    """From the candidate's and the baseline's scores, each 0 or 1, on the same examples in order.

    Raises:
        ValueError: for other scores, none, or a different number of them.
    """
    if len(one) != len(two) or any(s.count(0.0) + s.count(1.0) != len(s) for s in (one, two)):
        raise ValueError("paired rates need as many scores of 0 and 1 on either side")
    both = sum(map(and_, map(bool, one), map(bool, two)))
    right = one.count(1.0)
    return PairedRates(right - both, two.count(1.0) - both, right, len(one), n_errored)


def _p_value(b: int, c: int, n: int, delta: float) -> float:
    if delta < -1.0:
        return 0.0
    if delta >= 1.0 or delta == -1.0:
        return 1.0 if c == n or delta >= 1.0 else 0.0
    exact = binomial.p_below(c, n, min(1.0, b / n - delta))
    return max(exact, z_tail(score(b, c, n, delta)))


def refuted_below(b: float, c: float, n: float, z: float) -> float:
    """The delta at which the score falls to z, from below."""
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        found = score(b, c, n, middle)
        low, high = (middle, high) if not isnan(found) and found >= z else (low, middle)
    return low
