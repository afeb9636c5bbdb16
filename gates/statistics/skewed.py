"""The mean of unbounded scores, such as a cost: Hall's transformation of t for skewness.

Hall, J. R. Statist. Soc. B 54 (1992): t_H = t + g t^2 / (3 sqrt n) + g^2 t^3 / (27 n) +
g / (6 sqrt n), increasing in t. It refuses fewer than a hundred scores and data without spread,
and with errors it says nothing, because an error has no worst value.
"""

from dataclasses import dataclass
from math import cbrt, expm1, inf, log1p, sqrt

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.moments import Moments
from gates.statistics.special import t_quantile, t_tail

MIN_SCORES = 100


@dataclass(frozen=True, slots=True)
class SkewedMean:
    """An unbounded mean from at least a hundred scores that differ; implements Estimate.

    Raises:
        ValueError: for fewer scores, or scores that are all equal.
    """

    moments: Moments
    n_errored: int = 0
    method: str = "hall_t"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        if self.moments.n < MIN_SCORES or not 0.0 < self.moments.stderr < inf:
            raise ValueError(f"an unbounded mean needs {MIN_SCORES} scores that differ")

    @property
    def value(self) -> float:
        """The mean of scored examples."""
        return self.moments.mean

    @property
    def n(self) -> int | None:
        """Scored examples."""
        return self.moments.n

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The mean at which t_H equals t(alpha; n - 1)."""
        if errors and self.n_errored:
            return -inf
        return self.value - self._t(t_quantile(alpha, self.moments.n - 1)) * self.moments.stderr

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mean at which t_H equals -t(alpha; n - 1)."""
        if errors and self.n_errored:
            return inf
        return self.value - self._t(-t_quantile(alpha, self.moments.n - 1)) * self.moments.stderr

    def p_below(self, limit: float) -> float:
        """T test of H0 "mean >= limit" on t_H."""
        return t_tail(-self._hall(limit), self.moments.n - 1)

    def p_above(self, limit: float) -> float:
        """T test of H0 "mean <= limit" on t_H."""
        return t_tail(self._hall(limit), self.moments.n - 1)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula; None with errors, which more examples do not undo."""
        gap = self.value - limit if side == "lower" else limit - self.value
        n = power.mean(gap, sqrt(self.moments.variance), alpha)
        return None if n is None or self.n_errored else max(MIN_SCORES, n)

    @property
    def _bend(self) -> float:
        return self.moments.skewness / (3.0 * sqrt(self.moments.n))

    def _hall(self, limit: float) -> float:
        """t_H at the limit: ((1 + a t)^3 - 1) / (3a) + a / 2 with a = g / (3 sqrt n)."""
        t, a = (self.value - limit) / self.moments.stderr, self._bend
        return t + a * t * t + a * a * t * t * t / 3.0 + a / 2.0

    def _t(self, hall: float) -> float:
        """The t whose t_H is `hall`: (cbrt(1 + 3a (t_H - a / 2)) - 1) / a."""
        a = self._bend
        if abs(a) < 1e-12:
            return hall
        inner = 3.0 * a * (hall - a / 2.0)
        if abs(inner) < 0.5:
            return expm1(log1p(inner) / 3.0) / a
        return (cbrt(1.0 + inner) - 1.0) / a
