"""The ratio of two rates from separate samples: Koopman's score test.

Koopman, Biometrics 40 (1984), 513-517: the rates are estimated by maximum likelihood under
p1 = r p0. The four-fifths rule asks for r = 0.8. As for differences (gates.statistics.difference),
the score counts only as far as it does corrected for skewness (Gart and Nam, Biometrics 44, 1988),
and no bound is sharper than the exact one of either arm if the other were known: at 5%, by
enumeration over arms of 5 to 200, that is at most 7.5%, and without it 12%. It refuses empty
samples; two rates of zero, whose ratio means nothing, show nothing.
"""

from dataclasses import dataclass
from math import exp, inf, nan, sqrt

from gates.statistics import binomial, power
from gates.statistics.binomial import Rate
from gates.statistics.difference import bent, one_arm, straight, third_moment, worst_counts
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile, z_tail

_STEPS = 60
_FAR = 40.0


def null_rates(x1: float, n1: float, x0: float, n0: float, ratio: float) -> tuple[float, float]:
    """(p1, p0) of the largest likelihood under p1 = ratio p0."""
    a = ratio * (n1 + n0)
    b = -(ratio * (n1 + x0) + x1 + n0)
    c = x1 + x0
    root = sqrt(max(0.0, b * b - 4.0 * a * c))
    p0 = min(1.0, 1.0 / ratio, 2.0 * c / (root - b)) if c > 0.0 else 0.0
    return min(1.0, ratio * p0), p0


def score(x1: float, n1: float, x0: float, n0: float, ratio: float) -> float:
    """(p1 - r p0) over its standard deviation under p1 = r p0; NaN where that vanishes."""
    variance = _variance(null_rates(x1, n1, x0, n0, ratio), (n1, n0), ratio)
    return (x1 / n1 - ratio * x0 / n0) / sqrt(variance) if variance > 0.0 else nan


def _variance(rates: tuple[float, float], sizes: tuple[float, float], ratio: float) -> float:
    (p1, p0), (n1, n0) = rates, sizes
    return p1 * (1.0 - p1) / n1 + ratio * ratio * p0 * (1.0 - p0) / n0


@dataclass(frozen=True, slots=True)
class RateRatio:
    """rate / reference, both of separate samples; implements Estimate, on the scale of ratios.

    The lower bound takes the first's errors as failures and the reference's as successes, the
    upper bound the reverse; sizes stay those of scored examples.
    """

    rate: Rate
    reference: Rate
    method: str = "koopman"
    count: int | None = None

    @property
    def value(self) -> float:
        """The observed ratio; inf over nothing, 1 where both are nothing."""
        over = self.reference.value
        return self.rate.value / over if over > 0.0 else inf if self.rate.value > 0.0 else 1.0

    @property
    def n(self) -> int | None:
        """The first sample's scored examples."""
        return self.rate.n

    @property
    def approximate(self) -> bool:
        """Always: a score test is asymptotic."""
        return True

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest ratio that is refuted from above."""
        return self._lower(alpha, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """One over the lower bound of the inverse ratio."""
        low = RateRatio(self.reference, self.rate)._lower(alpha, errors=errors)  # noqa: SLF001 - its own class
        return 1.0 / low if low > 0.0 else inf

    def p_below(self, limit: float) -> float:
        """Score test of H0 "ratio >= limit"."""
        if limit <= 0.0:
            return 1.0
        return RateRatio(self.reference, self.rate).p_above(1.0 / limit)

    def p_above(self, limit: float) -> float:
        """Score test of H0 "ratio <= limit"."""
        if limit < 0.0:
            return 0.0
        x1, n1, x0, n0 = worst_counts(self.rate, self.reference, errors=False)
        if limit == 0.0:
            return 0.0 if x1 > 0.0 else 1.0
        rates = null_rates(x1, n1, x0, n0, limit)
        variance = _variance(rates, (n1, n0), limit)
        if not variance > 0.0:
            return 1.0
        found = (x1 / n1 - limit * x0 / n0) / sqrt(variance)
        third = third_moment(rates, (n1, n0), limit)
        return max(
            z_tail(straight(found, third, variance)),
            binomial.p_above(self.rate.count_low, n1, limit * x0 / n0),
            binomial.p_below(self.reference.count_high, n0, x1 / n1 / limit),
        )

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Examples of the first sample, the reference growing in proportion."""
        arms = (self.rate, self.reference)
        one, two = arms if side == "lower" else arms[::-1]
        ratio = limit if side == "lower" else (1.0 / limit if limit > 0.0 else inf)
        x1, n1, x0, n0 = worst_counts(one, two, errors=True)
        if not (0.0 < ratio < inf and alpha > 0.0 and x1 / n1 > ratio * x0 / n0):
            return None
        gap = x1 / n1 - ratio * x0 / n0
        found = score(x1, n1, x0, n0, ratio)
        p1, p0 = x1 / n1, x0 / n0
        seen = sqrt(p1 * (1.0 - p1) / n1 + ratio * ratio * p0 * (1.0 - p0) / n0)
        null = gap / found if found > 0.0 else 0.0
        times = ((z_quantile(alpha) * null + power.Z_POWER * seen) / gap) ** 2
        n = self.rate.n + self.rate.n_errored
        return max(1, -int(-n * times // 1)) if n * times <= power.CAP else None

    def _lower(self, alpha: float, *, errors: bool) -> float:
        x1, n1, x0, n0 = worst_counts(self.rate, self.reference, errors=errors)
        if x1 <= 0.0:
            return 0.0
        below, seen, above = one_arm(self.rate, self.reference, alpha, errors=errors)
        exact = min(below / seen if seen > 0.0 else inf, x1 / n1 / above if above > 0.0 else inf)
        z = z_quantile(alpha)
        low, high = -_FAR, _FAR
        for _ in range(_STEPS):
            middle = (low + high) / 2.0
            is_refuted = _is_refuted(x1, n1, x0, n0, exp(middle), z)
            low, high = (middle, high) if is_refuted else (low, middle)
        return min(exact, exp(low)) if low > -_FAR else 0.0


def _is_refuted(x1: float, n1: float, x0: float, n0: float, ratio: float, z: float) -> bool:
    """Whether the score of "p1 <= ratio p0" reaches what z asks."""
    rates = null_rates(x1, n1, x0, n0, ratio)
    variance = _variance(rates, (n1, n0), ratio)
    if not variance > 0.0:
        return False
    wanted = bent(z, third_moment(rates, (n1, n0), ratio), variance)
    return (x1 / n1 - ratio * x0 / n0) / sqrt(variance) >= wanted
