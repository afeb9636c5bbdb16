"""A difference bounded from two separate estimates, each at half the error (Bonferroni).

Serves where a bound is only known at some levels, such as a tool's interval; elsewhere
gates.statistics.hybrid is sharper. With L1 <= theta1 and U0 >= theta0, each failing with
probability alpha / 2, L1 - U0 <= theta1 - theta0 fails with probability alpha at most, whatever
the dependence.
"""

from dataclasses import dataclass
from math import inf, isnan

from gates.statistics.estimate import Estimate, Side
from gates.statistics.hybrid import smallest_alpha

ZERO_ALPHA = 0.05
"""At which a baseline is told from zero."""


@dataclass(frozen=True, slots=True)
class ScaledDifference:
    """candidate - baseline, or with `relative` candidate - baseline - share * |baseline|.

    `share` is a signed fraction (-0.05: five percent of |baseline| below it). The relative form
    is compared with 0. Units: the metric's.
    """

    candidate: Estimate
    baseline: Estimate
    share: float
    relative: bool

    @property
    def value(self) -> float:
        """Point estimate of the difference, candidate - baseline, less the relative margin."""
        return self.candidate.value - self._scaled(self.baseline.value)

    @property
    def n(self) -> int | None:
        """The candidate's scored examples."""
        return self.candidate.n

    @property
    def count(self) -> int | None:
        """A difference counts nothing."""
        return None

    @property
    def method(self) -> str:
        """Named after what is done."""
        return "separate_bounds"

    @property
    def approximate(self) -> bool:
        """As good as the worse of the two."""
        return self.candidate.approximate or self.baseline.approximate

    def _scaled(self, baseline: float) -> float:
        """Baseline + share * |baseline|; increasing in baseline for |share| < 1."""
        if not self.relative:
            return baseline
        return baseline + self.share * abs(baseline)

    def is_relative_to_zero(self) -> bool:
        """Whether a share of the baseline means nothing because the baseline may be zero."""
        if not self.relative:
            return False
        low = self.baseline.lower(ZERO_ALPHA / 2, errors=False)
        high = self.baseline.upper(ZERO_ALPHA / 2, errors=False)
        return low <= 0 <= high or abs(self.share) >= 1

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Lower bound; errors count against the candidate and in the baseline's favour."""
        return _minus(
            self.candidate.lower(alpha / 2, errors=errors),
            self._scaled(self.baseline.upper(alpha / 2, errors=errors)),
            -inf,
        )

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Upper bound; errors count against the candidate and in the baseline's favour."""
        return _minus(
            self.candidate.upper(alpha / 2, errors=errors),
            self._scaled(self.baseline.lower(alpha / 2, errors=errors)),
            inf,
        )

    def p_below(self, limit: float) -> float:
        """The smallest alpha at which the upper bound reaches the limit, by bisection."""
        return smallest_alpha(lambda alpha: self.upper(alpha, errors=False) <= limit)

    def p_above(self, limit: float) -> float:
        """The smallest alpha at which the lower bound reaches the limit, by bisection."""
        return smallest_alpha(lambda alpha: self.lower(alpha, errors=False) >= limit)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Two samples would have to grow; no single number answers, so none is given."""
        del limit, side, alpha
        return None


def _minus(a: float, b: float, unknown: float) -> float:
    """The difference a - b, where two infinities say nothing."""
    difference = a - b
    return unknown if isnan(difference) else difference
