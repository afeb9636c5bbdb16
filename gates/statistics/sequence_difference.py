"""The difference of two rates from separate samples, at every look: two e-processes multiplied.

Against "difference <= d" the evidence is the product of two independent e-processes, the
candidate's against "rate <= t + d" and the baseline's against "rate >= t", at the t that is worst:
whatever the baseline's true rate is, the product is valid there. It knows nothing of pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log, sqrt

from gates.statistics import power
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side
from gates.statistics.sequence import lower_root, p_value
from gates.statistics.sequence_rate import SequentialRate, log_e_above, log_e_below

_GOLDEN = (3.0 - sqrt(5.0)) / 2.0
_CLOSE = 1e-8
_EDGE = 1e-3
_STEPS = 100

Counts = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SequentialRateDifference:
    """Candidate - baseline, both rates of separate samples; implements Estimate.

    The lower bound takes the candidate's errors as failures and the baseline's as successes, the
    upper bound the reverse.
    """

    candidate: Rate
    baseline: Rate
    n_plan: float
    method: str = "beta_mixture_difference"
    approximate: bool = False
    count: int | None = None

    @property
    def value(self) -> float:
        """Difference of the observed rates."""
        return self.candidate.value - self.baseline.value

    @property
    def n(self) -> int | None:
        """The candidate's scored examples."""
        return self.candidate.n

    @property
    def cumulative(self) -> tuple[tuple[float, float], ...]:
        """The candidate's counts may not shrink."""
        return SequentialRate(self.candidate, self.n_plan).cumulative

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest difference up to which the evidence against it is 1 / alpha."""
        counts = _worst(self.candidate, self.baseline, errors=errors)
        return self._root(counts, alpha)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Minus the lower bound of baseline - candidate."""
        counts = _worst(self.baseline, self.candidate, errors=errors)
        return -self._root(counts, alpha)

    def p_below(self, limit: float) -> float:
        """1 / E of H0 "difference >= limit"."""
        counts = _worst(self.baseline, self.candidate, errors=False)
        return p_value(self._log_e(counts, -limit))

    def p_above(self, limit: float) -> float:
        """1 / E of H0 "difference <= limit"."""
        counts = _worst(self.candidate, self.baseline, errors=False)
        return p_value(self._log_e(counts, limit))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Candidate examples, errors included, the baseline growing in proportion."""
        one, two = self.candidate, self.baseline
        gap = self.value - limit if side == "lower" else limit - self.value
        if not gap > 0.0 or alpha <= 0.0 or not one.n or not two.n:
            return None
        ratio = two.n / one.n
        p1, p0 = one.value, two.value
        spread = sqrt(p1 * (1.0 - p1) + p0 * (1.0 - p0) / ratio)

        def clears(n: int) -> bool:
            away = min(gap, power.Z_POWER * spread / sqrt(n))
            x1 = n * (p1 - away if side == "lower" else p1 + away)
            first = (min(max(x1, 0.0), n), float(n), p0 * n * ratio, n * ratio)
            counts = first if side == "lower" else (*first[2:], *first[:2])
            delta = limit if side == "lower" else -limit
            return self._log_e(counts, delta) >= log(1.0 / alpha)

        n = power.first(clears)
        return None if n is None else n + round(n * one.n_errored / one.n)

    def _root(self, counts: Counts, alpha: float) -> float:
        x1, n1, x0, n0 = counts
        if not n1 or not n0:
            return -1.0
        seen = x1 / n1 - x0 / n0
        return lower_root(lambda d: self._log_e(counts, d), alpha, -1.0, seen)

    def _log_e(self, counts: Counts, d: float) -> float:
        """The least evidence over the baseline rate t in (max(0, -d), min(1, 1 - d))."""
        x1, n1, x0, n0 = counts
        if d < -1.0:
            return inf
        if d >= 1.0:
            return 0.0

        def at(t: float) -> float:
            one = log_e_above(x1, n1, t + d, self.n_plan)
            two = log_e_below(x0, n0, t, self.n_plan)
            return -inf if -inf in {one, two} else one + two

        if not n1 or not n0:
            return 0.0
        pooled = (x0 + max(0.0, x1 - n1 * d)) / (n1 + n0)
        ends = (at(max(0.0, -d)), at(min(1.0, 1.0 - d)))
        return min(*ends, _least(at, max(0.0, -d), min(1.0, 1.0 - d), pooled))


def _worst(one: Rate, two: Rate, *, errors: bool) -> Counts:
    """Counts and sizes that are worst for one - two."""
    e1, e0 = (one.n_errored, two.n_errored) if errors else (0, 0)
    return (one.count_low, one.n + e1, two.count_high + e0, two.n + e0)


def _least(at: Callable[[float], float], low: float, high: float, start: float) -> float:
    """The least value of a curve with one dip in [low, high], by Brent's method from `start`.

    Brent, Algorithms for Minimization without Derivatives (1973), chapter 5.
    """
    x = second = third = min(max(start, low + _EDGE * (high - low)), high - _EDGE * (high - low))
    fx = f_second = f_third = at(x)
    step = before = 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        near = _CLOSE * abs(x) + _CLOSE * _CLOSE
        if abs(x - middle) <= 2.0 * near - (high - low) / 2.0:
            break
        r = (x - second) * (fx - f_third)
        q = (x - third) * (fx - f_second)
        p = (x - third) * q - (x - second) * r
        q = 2.0 * (q - r)
        p, q = (-p, q) if q > 0.0 else (p, -q)
        if abs(p) < abs(q * before / 2.0) and q * (low - x) < p < q * (high - x):
            before, step = step, p / q
        else:
            before = high - x if x < middle else low - x
            step = _GOLDEN * before
        t = x + (step if abs(step) >= near else near if step > 0.0 else -near)
        ft = at(t)
        if ft <= fx:
            low, high = (x, high) if t >= x else (low, x)
            third, f_third, second, f_second, x, fx = second, f_second, x, fx, t, ft
            continue
        low, high = (t, high) if t < x else (low, t)
        if ft <= f_second or second == x:
            third, f_third, second, f_second = second, f_second, t, ft
        elif ft <= f_third or third in {x, second}:
            third, f_third = t, ft
    return fx
