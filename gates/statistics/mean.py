"""Means of scores in a declared range, and statistics of which a standard error is known.

Bounded: Student's t on the scores plus one pseudo-score at the worst value (statistics.md section
4), so that data without spread still prove nothing by themselves. Without a range, errors leave
nothing to say.
"""

from dataclasses import dataclass
from math import ceil, inf, isnan

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.moments import Moments
from gates.statistics.special import t_quantile, t_tail


@dataclass(frozen=True, slots=True)
class BoundedMean:
    """The mean of scores in [low, high]; implements Estimate.

    Bounds are m - t(alpha; n) s / sqrt(N) over N = n + 1 + errors values: the scores, a
    pseudo-score and the errors, the latter at `low` for the lower bound and at `high` for the
    upper. df stays n, so that errors never buy confidence.
    """

    moments: Moments
    low: float
    high: float
    n_errored: int = 0
    method: str = "t_pseudo_score"
    approximate: bool = True
    count: int | None = None

    @property
    def value(self) -> float:
        """The mean of scored examples."""
        return self.moments.mean

    @property
    def n(self) -> int | None:
        """Scored examples."""
        return self.moments.n

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Lower bound, not below the range."""
        mean, stderr = self.moments.with_worst(self.low, self.n_errored if errors else 0)
        return self._inside(mean - _margin(alpha, self.moments.n, stderr), self.low)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Upper bound, not above the range."""
        mean, stderr = self.moments.with_worst(self.high, self.n_errored if errors else 0)
        return self._inside(mean + _margin(alpha, self.moments.n, stderr), self.high)

    def p_below(self, limit: float) -> float:
        """T test of H0 "mean >= limit", pseudo-score at the top of the range."""
        if limit > self.high:
            return 0.0
        mean, stderr = self.moments.with_worst(self.high, 0)
        return t_p_value(limit - mean, stderr, self.moments.n)

    def p_above(self, limit: float) -> float:
        """T test of H0 "mean <= limit", pseudo-score at the bottom of the range."""
        if limit < self.low:
            return 0.0
        mean, stderr = self.moments.with_worst(self.low, 0)
        return t_p_value(mean - limit, stderr, self.moments.n)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Examples in all for an 80% chance, errors coming at the rate seen."""
        below = side == "lower"
        if not (self.value > limit if below else self.value < limit):
            return None
        share = self.n_errored / self.moments.n
        worst = self.low if below else self.high

        def clears(n: int) -> bool:
            mean, stderr = self.moments.resized(n).with_worst(worst, ceil(share * n))
            margin = _margin(alpha, n, stderr) + power.Z_POWER * stderr
            return mean - margin >= limit if below else mean + margin <= limit

        n = power.first(clears)
        return None if n is None else n + ceil(share * n)

    def _inside(self, bound: float, unknown: float) -> float:
        return unknown if isnan(bound) else min(self.high, max(self.low, bound))


@dataclass(frozen=True, slots=True)
class StudentEstimate:
    """A statistic with its standard error: t with n - 1 df; implements Estimate.

    For unbounded means, and for ratios such as AUC. `low` and `high` are what any value lies in.
    What an error would have done is unknown, so with errors the bounds are those ends.
    """

    value: float
    stderr: float
    n: int
    n_errored: int = 0
    low: float = -inf
    high: float = inf
    method: str = "student_t"
    approximate: bool = True
    count: int | None = None

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Value - t stderr."""
        if errors and self.n_errored:
            return self.low
        return max(self.low, self.value - _margin(alpha, self.n - 1, self.stderr))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Value + t stderr."""
        if errors and self.n_errored:
            return self.high
        return min(self.high, self.value + _margin(alpha, self.n - 1, self.stderr))

    def p_below(self, limit: float) -> float:
        """T test of H0 "theta >= limit"."""
        return t_p_value(limit - self.value, self.stderr, self.n - 1)

    def p_above(self, limit: float) -> float:
        """T test of H0 "theta <= limit"."""
        return t_p_value(self.value - limit, self.stderr, self.n - 1)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula; None with errors, which more examples do not undo."""
        if self.n_errored:
            return None
        gap = self.value - limit if side == "lower" else limit - self.value
        return power.mean(gap, self.stderr * self.n**0.5, alpha)


def _margin(alpha: float, df: float, stderr: float) -> float:
    return 0.0 if stderr == 0.0 else t_quantile(alpha, df) * stderr


def t_p_value(gap: float, stderr: float, df: float) -> float:
    """P(T >= gap / stderr); without spread, whether the gap is on the right side at all."""
    if stderr == 0.0:
        return 0.0 if gap > 0.0 else 1.0
    return t_tail(gap / stderr, df)
