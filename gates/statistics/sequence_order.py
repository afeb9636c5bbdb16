"""Quantiles from per-example values at every look: order statistics by a rate's e-process.

"The q-quantile is at most T" means "a share of at least q lies within T", so the e-process of the
share decides; its bound on the values' scale is the order statistic at which it turns.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import inf

from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side
from gates.statistics.quantile import OrderStatistic
from gates.statistics.sequence import p_value
from gates.statistics.sequence_rate import SequentialRate, log_e_above, log_e_below


@dataclass(frozen=True, slots=True)
class SequentialOrder:
    """The q-quantile of sorted values whose bounds hold at every look; implements Estimate."""

    order: OrderStatistic
    n_plan: float
    method: str = "order_statistic_mixture"
    approximate: bool = False
    count: int | None = None

    @property
    def value(self) -> float:
        """That of the order statistic."""
        return self.order.value

    @property
    def n(self) -> int | None:
        """Scored examples so far."""
        return len(self.order.values)

    @property
    def cumulative(self) -> tuple[tuple[float, float], ...]:
        """Values may not vanish."""
        n = len(self.order.values)
        return ((n, n + self.order.n_errored),)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """x_(k) for the largest k that is shown to lie below the quantile; -inf without one."""
        values, q = self.order.values, self.order.quantile
        more = self.order.n_errored if errors else 0
        n = len(values) + more
        shown = bisect_right(
            range(n), alpha, key=lambda k: p_value(log_e_below(k, n, q, self.n_plan))
        )
        return values[shown - more - 1] if shown > more else -inf

    def upper(self, alpha: float, *, errors: bool) -> float:
        """x_(k) for the least k that is shown to reach the quantile; inf without one."""
        values, q = self.order.values, self.order.quantile
        n = len(values) + (self.order.n_errored if errors else 0)
        below = bisect_left(
            range(1, n + 1), -alpha, key=lambda k: -p_value(log_e_above(k, n, q, self.n_plan))
        )
        return values[below] if below < len(values) else inf

    def p_below(self, limit: float) -> float:
        """1 / E of H0 "a share of at most q lies below the limit"."""
        return self._share(bisect_left(self.order.values, limit)).p_above(self.order.quantile)

    def p_above(self, limit: float) -> float:
        """1 / E of H0 "a share of at least q lies within the limit"."""
        return self._share(bisect_right(self.order.values, limit)).p_below(self.order.quantile)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """As for the share of values within the limit."""
        q = self.order.quantile
        if side == "upper":
            within = self._share(bisect_right(self.order.values, limit))
            return within.samples_to_settle(q, "lower", alpha)
        below = self._share(bisect_left(self.order.values, limit))
        return below.samples_to_settle(q, "upper", alpha)

    def _share(self, within: int) -> SequentialRate:
        rate = Rate(within, within, len(self.order.values), self.order.n_errored)
        return SequentialRate(rate, self.n_plan)
