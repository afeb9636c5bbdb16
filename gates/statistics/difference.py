"""The difference of two rates from separate samples: the score test of Miettinen and Nurminen.

Statistics in Medicine 4 (1985); coefficients as corrected in statistics.md section 4 (statsmodels
has one of them wrong). Where the arms differ in size or the rates lie near 0 or 1 the score is
skewed, and that test alone passes up to 14% at 5%. So it counts only as far as the score corrected
for skewness does (Gart and Nam, Biometrics 46, 1990; Laud, Pharmaceutical Statistics 16, 2017), and
no bound is sharper than the exact one of either arm if the other were known to be what was seen. By
enumeration over arms of 5 to 200 that is at most 7.5%. A vanishing variance shows nothing. It
knows nothing of pairs.
"""

from dataclasses import dataclass
from math import acos, ceil, cos, inf, nan, pi, sqrt

from gates.statistics import binomial, power
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile, z_tail

_STEPS = 50
_NEAR = 1e-13


def null_rates(x1: float, n1: float, x0: float, n0: float, delta: float) -> tuple[float, float]:
    """(p1, p0) of the largest likelihood under p1 - p0 = delta, -1 <= delta <= 1.

    Counts may be fractions of examples, for planning.
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
    return min(1.0, max(0.0, p0 + delta)), p0


def null_variance(x1: float, n1: float, x0: float, n0: float, delta: float) -> float:
    """Variance of p1 - p0 at the null rates, times N / (N - 1)."""
    return _variance(*null_rates(x1, n1, x0, n0, delta), n1, n0)


def score(x1: float, n1: float, x0: float, n0: float, delta: float) -> float:
    """(p1 - p0 - delta) / sqrt(V), V being `null_variance`; NaN where V vanishes."""
    variance = null_variance(x1, n1, x0, n0, delta)
    return (x1 / n1 - x0 / n0 - delta) / sqrt(variance) if variance > 0.0 else nan


def third_moment(rates: tuple[float, float], sizes: tuple[float, float], ratio: float) -> float:
    """The third central moment of p1 - ratio * p0."""
    (p1, p0), (n1, n0) = rates, sizes
    first = p1 * (1.0 - p1) * (1.0 - 2.0 * p1) / (n1 * n1)
    # In this order a ratio beyond 1e103, over a rate as small, does not overflow.
    cubed = p0 * ratio * ratio * ratio
    return first - cubed * (1.0 - p0) * (1.0 - 2.0 * p0) / (n0 * n0)


def bent(z: float, third: float, variance: float) -> float:
    """What a score must reach for z where its third moment is `third`: z + t (z^2 - 1).

    t = third / (6 variance^1.5), by Cornish and Fisher. Skewness may only ask for more, and asks
    nothing where z is below 1.
    """
    t = third / variance / sqrt(variance) / 6.0
    return z + t * (z * z - 1.0) if t > 0.0 and z > 1.0 else z


def straight(found: float, third: float, variance: float) -> float:
    """The z for which a score of `found` is what `bent` asks."""
    t = third / variance / sqrt(variance) / 6.0
    if not t > 0.0 or found <= 1.0:
        return found
    return 2.0 * (found + t) / (1.0 + sqrt(1.0 + 4.0 * t * (found + t)))


@dataclass(frozen=True, slots=True)
class RateDifference:
    """Candidate - baseline, both rates of separate samples; implements Estimate.

    The lower bound takes the candidate's errors as failures and the baseline's as successes, the
    upper bound the reverse; the score's sizes stay those of scored examples. Always approximate: by
    enumeration over all baseline rates a bound at 5% errs up to 7.5% (tests/calibrate/pairs.py).
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
        """The largest difference that is refuted from above."""
        return _lower(self.candidate, self.baseline, alpha, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Minus the lower bound of baseline - candidate."""
        return -_lower(self.baseline, self.candidate, alpha, errors=errors)

    def p_below(self, limit: float) -> float:
        """Score test of H0 "difference >= limit"."""
        return _p_value(self.baseline, self.candidate, -limit)

    def p_above(self, limit: float) -> float:
        """Score test of H0 "difference <= limit"."""
        return _p_value(self.candidate, self.baseline, limit)

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
        z = z_quantile(alpha)
        seen = p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0
        size = self.candidate.n

        def clears(n: int) -> bool:
            k = n / size
            null = null_variance(k * x1, k * n1, k * x0, k * n0, delta)
            return gap >= z * sqrt(null) + power.Z_POWER * sqrt(seen / k)

        n = power.first(clears)
        return None if n is None else ceil(n * (size + self.candidate.n_errored) / size)


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


def one_arm(one: Rate, two: Rate, alpha: float, *, errors: bool) -> tuple[float, float, float]:
    """(exact lower bound of one, what was seen of two, exact upper bound of two), errors at worst.

    Together with what was seen of one they bound a difference or a ratio as if the other arm were
    known.
    """
    e0 = two.n_errored if errors else 0
    return (
        one.lower(alpha, errors=errors),
        (two.count_high + e0) / (two.n + e0),
        two.upper(alpha, errors=errors),
    )


def _lower(one: Rate, two: Rate, alpha: float, *, errors: bool) -> float:
    low, seen, high = one_arm(one, two, alpha, errors=errors)
    x1, n1, x0, n0 = worst_counts(one, two, errors=errors)
    exact = min(low - seen, x1 / n1 - high)
    return max(-1.0, min(exact, _largest_refuted(x1, n1, x0, n0, z_quantile(alpha))))


def _p_value(one: Rate, two: Rate, delta: float) -> float:
    x1, n1, x0, n0 = worst_counts(one, two, errors=False)
    if delta < -1.0 or (delta == -1.0 and (x1 > 0 or x0 < n0)):
        return 0.0  # one success here, or one failure there, rules a difference of -1 out
    if delta >= 1.0:
        return 1.0
    p1, p0 = null_rates(x1, n1, x0, n0, delta)
    variance = _variance(p1, p0, n1, n0)
    if not variance > 0.0:
        return 1.0
    found = (x1 / n1 - x0 / n0 - delta) / sqrt(variance)
    third = third_moment((p1, p0), (n1, n0), 1.0)
    return max(
        z_tail(straight(found, third, variance)),
        binomial.p_above(one.count_low, n1, delta + x0 / n0),
        binomial.p_below(two.count_high, n0, x1 / n1 - delta),
    )


def _variance(p1: float, p0: float, n1: float, n0: float) -> float:
    n = n1 + n0
    return (p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0) * (n / (n - 1.0))


def _largest_refuted(x1: float, n1: int, x0: float, n0: int, z: float) -> float:
    """The delta at which the score falls to z: by fixed point where it settles, else bisection."""
    seen = guess = x1 / n1 - x0 / n0

    def reached(delta: float) -> float:
        """The difference that would just be refuted, if delta's null rates were those there."""
        p1, p0 = null_rates(x1, n1, x0, n0, delta)
        variance = _variance(p1, p0, n1, n0)
        if not variance > 0.0:
            return -inf
        third = third_moment((p1, p0), (n1, n0), 1.0)
        return seen - bent(z, third, variance) * sqrt(variance)

    for _ in range(_STEPS // 4):
        if not -1.0 < guess < 1.0:
            break
        better = reached(guess)
        if abs(better - guess) < _NEAR:
            low, high = better - _NEAR, better + _NEAR
            if reached(low) >= low and reached(high) < high:
                return low
            break
        guess = better
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if reached(middle) >= middle else (low, middle)
    return low
