"""The difference of two rates from separate samples: the score test of Miettinen and Nurminen.

Statistics in Medicine 4 (1985); coefficients as corrected in statistics.md section 4 (statsmodels
has one of them wrong). A vanishing variance shows nothing. It knows nothing of pairs.
"""

from dataclasses import dataclass
from math import acos, ceil, cos, isnan, nan, pi, sqrt

from gates.statistics import power
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile, z_tail

UNEVEN = 4
"""Arms that differ this often in size get half of alpha (correction 8)."""
_STEPS = 50
_NEAR = 1e-13


def null_variance(x1: float, n1: float, x0: float, n0: float, delta: float) -> float:
    """Variance of p1 - p0 under p1 - p0 = delta, rates by maximum likelihood, times N / (N - 1).

    Counts may be fractions of examples, for planning; -1 <= delta <= 1.
    """
    n = n1 + n0
    l2 = ((n1 + 2.0 * n0) * delta - n - (x1 + x0)) / n
    l1 = ((n0 * delta - n - 2.0 * x0) * delta + x1 + x0) / n
    l0 = x0 * delta * (1.0 - delta) / n
    q = l2 * l2 * l2 / 27.0 - l1 * l2 / 6.0 + l0 / 2.0
    root = sqrt(max(0.0, l2 * l2 / 9.0 - l1 / 3.0))
    p = root if q >= 0.0 else -root
    cube = p * p * p
    angle = acos(min(1.0, max(-1.0, q / cube))) if cube else pi / 2.0
    p0 = 2.0 * p * cos((pi + angle) / 3.0) - l2 / 3.0
    p0 = min(1.0, 1.0 - delta, max(0.0, -delta, p0))
    p1 = min(1.0, max(0.0, p0 + delta))
    return (p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0) * (n / (n - 1.0))


def score(x1: float, n1: float, x0: float, n0: float, delta: float) -> float:
    """(p1 - p0 - delta) / sqrt(V), V being `null_variance`; NaN where V vanishes."""
    variance = null_variance(x1, n1, x0, n0, delta)
    return (x1 / n1 - x0 / n0 - delta) / sqrt(variance) if variance > 0.0 else nan


@dataclass(frozen=True, slots=True)
class RateDifference:
    """Candidate - baseline, both rates of separate samples; implements Estimate.

    The lower bound takes the candidate's errors as failures and the baseline's as successes, the
    upper bound the reverse; sizes stay those of scored examples. Arms differing fourfold or more
    get half of alpha. Always approximate: by enumeration over all baseline rates a bound at 5% errs
    up to 6.9% (tests/calibrate/pairs.py).
    """

    candidate: Rate
    baseline: Rate
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
    def method(self) -> str:
        """Always `miettinen_nurminen`."""
        return "miettinen_nurminen"

    @property
    def approximate(self) -> bool:
        """Always: a score test is asymptotic."""
        return True

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest difference that is refuted from above, by bisection from below."""
        x1, n1, x0, n0 = worst_counts(self.candidate, self.baseline, errors=errors)
        return _largest_refuted(x1, n1, x0, n0, z_quantile(alpha * self._share))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Minus the lower bound of baseline - candidate."""
        x0, n0, x1, n1 = worst_counts(self.baseline, self.candidate, errors=errors)
        return -_largest_refuted(x0, n0, x1, n1, z_quantile(alpha * self._share))

    def p_below(self, limit: float) -> float:
        """Score test of H0 "difference >= limit"."""
        x0, n0, x1, n1 = worst_counts(self.baseline, self.candidate, errors=False)
        return min(1.0, _p_value(x0, n0, x1, n1, -limit) / self._share)

    def p_above(self, limit: float) -> float:
        """Score test of H0 "difference <= limit"."""
        x1, n1, x0, n0 = worst_counts(self.candidate, self.baseline, errors=False)
        return min(1.0, _p_value(x1, n1, x0, n0, limit) / self._share)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Candidate examples, errors included, the baseline growing in proportion.

        The difference must exceed z_alpha null deviations and z_power deviations as seen.
        """
        arms = (self.candidate, self.baseline)
        one, two = arms if side == "lower" else arms[::-1]
        x1, n1, x0, n0 = worst_counts(one, two, errors=True)
        delta = limit if side == "lower" else -limit
        p1, p0 = x1 / n1, x0 / n0
        gap = p1 - p0 - delta
        if not gap > 0.0 or not alpha > 0.0:
            return None
        if delta <= -1.0:
            return 1
        z = z_quantile(alpha * self._share)
        seen = p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0
        size = self.candidate.n

        def clears(n: int) -> bool:
            k = n / size
            null = null_variance(k * x1, k * n1, k * x0, k * n0, delta)
            return gap >= z * sqrt(null) + power.Z_POWER * sqrt(seen / k)

        n = power.first(clears)
        return None if n is None else ceil(n * (size + self.candidate.n_errored) / size)

    @property
    def _share(self) -> float:
        small, large = sorted((self.candidate.n, self.baseline.n))
        return 0.5 if large >= UNEVEN * small else 1.0


def worst_counts(one: Rate, two: Rate, *, errors: bool) -> tuple[float, int, float, int]:
    """Counts and sizes that are worst for one - two.

    Errors move the rates but not the sizes: a sample in which every answer is wrong would gain
    confidence from one more error, and that could make a pass.
    """
    x1, x0 = float(one.count_low), float(two.count_high)
    if errors:
        x1 *= one.n / (one.n + one.n_errored)
        x0 = (x0 + two.n_errored) * (two.n / (two.n + two.n_errored))
    return x1, one.n, x0, two.n


def _p_value(x1: float, n1: int, x0: float, n0: int, delta: float) -> float:
    if delta < -1.0 or (delta == -1.0 and (x1 > 0 or x0 < n0)):
        return 0.0  # one success here, or one failure there, rules a difference of -1 out
    if delta >= 1.0:
        return 1.0
    return z_tail(score(x1, n1, x0, n0, delta))


def _largest_refuted(x1: float, n1: int, x0: float, n0: int, z: float) -> float:
    """The delta at which the score falls to z: by fixed point where it settles, else bisection."""

    def is_refuted(delta: float) -> bool:
        found = score(x1, n1, x0, n0, delta)
        return not isnan(found) and found >= z

    seen = guess = x1 / n1 - x0 / n0
    for _ in range(_STEPS // 4):
        if not -1.0 < guess < 1.0:
            break
        better = seen - z * sqrt(null_variance(x1, n1, x0, n0, guess))
        if abs(better - guess) < _NEAR:
            if is_refuted(better - _NEAR) and not is_refuted(better + _NEAR):
                return better - _NEAR
            break
        guess = better
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if is_refuted(middle) else (low, middle)
    return low
