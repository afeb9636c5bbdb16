"""An asymptotically normal statistic with a centre and standard error of its own for each side.

The side that a bound supports gets the centre and spread that are worst for it, so that data
without spread never prove more than their size does. It computes no statistic itself.
"""

from dataclasses import dataclass
from math import isnan

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.mean import t_p_value
from gates.statistics.special import t_quantile

Centred = tuple[float, float]
"""(centre, standard error)"""


@dataclass(frozen=True, slots=True)
class Pivot:
    """A statistic in [low, high]; implements Estimate.

    Bounds are centre -+ t stderr with n - 1 degrees of freedom. What an error would have done is
    unknown, so with errors the bounds are the ends.

    Raises:
        ValueError: for fewer than two examples.
    """

    value: float
    n: int
    for_lower: Centred
    for_upper: Centred
    low: float
    high: float
    method: str
    n_errored: int = 0
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        if self.n < 2:
            raise ValueError("two examples are the least")

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Centre - t stderr."""
        centre, stderr = self.for_lower
        bound = centre - t_quantile(alpha, self.n - 1) * stderr if stderr else centre
        if isnan(bound) or (errors and self.n_errored):
            return self.low
        return min(self.high, max(self.low, bound))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Centre + t stderr."""
        centre, stderr = self.for_upper
        bound = centre + t_quantile(alpha, self.n - 1) * stderr if stderr else centre
        if isnan(bound) or (errors and self.n_errored):
            return self.high
        return min(self.high, max(self.low, bound))

    def p_below(self, limit: float) -> float:
        """T test of H0 "theta >= limit"."""
        if limit > self.high:
            return 0.0
        centre, stderr = self.for_upper
        return t_p_value(limit - centre, stderr, self.n - 1)

    def p_above(self, limit: float) -> float:
        """T test of H0 "theta <= limit"."""
        if limit < self.low:
            return 0.0
        centre, stderr = self.for_lower
        return t_p_value(centre - limit, stderr, self.n - 1)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula; None with errors, which more examples do not undo."""
        gap = self.value - limit if side == "lower" else limit - self.value
        _, stderr = self.for_lower if side == "lower" else self.for_upper
        return None if self.n_errored else power.mean(gap, stderr * self.n**0.5, alpha)
