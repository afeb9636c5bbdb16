"""Quantiles: from per-example values, from counts over a limit, from order information.

"The q-quantile is at most T" means "a share of at least q lies within T", so everything is exact
binomial (David and Nagaraja, Order Statistics, 2003, section 7.1). A quantile's value alone
proves nothing about itself, and quantiles read off a histogram prove nothing at all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

from gates.statistics import binomial
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side

WITHIN = "share_within_limit"
_SLACK = 1e-9
"""0.57 * 100 is 56.99...: quantiles are decimals, floats only nearly."""


@dataclass(frozen=True, slots=True)
class OrderStatistic:
    """The q-quantile of sorted values, 0 < q < 1; bounds are order statistics, on their scale.

    An error lies above all values for the upper bound and below all for the lower. Implements
    Estimate; `upper < limit` rather than `<=` is dual to p_below, because values may tie.
    """

    values: tuple[float, ...]
    quantile: float
    n_errored: int = 0
    method: str = "order_statistic"
    approximate: bool = False
    count: int | None = None

    @property
    def value(self) -> float:
        """The least value with at least a share q of values at or below it."""
        return self.values[max(0, ceil(self.quantile * len(self.values) - _SLACK) - 1)]

    @property
    def n(self) -> int | None:
        """Scored examples."""
        return len(self.values)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """x_(k) for the largest k with P(Bin(n, q) <= k - 1) <= alpha; -inf without one."""
        more = self.n_errored if errors else 0
        n, q = len(self.values) + more, self.quantile
        at_or_over = bisect_right(range(n), alpha, key=lambda k: binomial.p_below(k, n, q))
        return self.values[at_or_over - more - 1] if at_or_over > more else -inf

    def upper(self, alpha: float, *, errors: bool) -> float:
        """x_(k) for the least k with P(Bin(n, q) >= k) <= alpha; inf without one."""
        n, q = len(self.values) + (self.n_errored if errors else 0), self.quantile
        ranks = range(1, n + 1)
        below = bisect_left(ranks, -alpha, key=lambda k: -binomial.p_above(k, n, q))
        return self.values[below] if below < len(self.values) else inf

    def p_below(self, limit: float) -> float:
        """P(Bin(n, q) >= values below the limit)."""
        below = bisect_left(self.values, limit)
        return binomial.p_above(below, len(self.values), self.quantile)

    def p_above(self, limit: float) -> float:
        """P(Bin(n, q) <= values at or below the limit)."""
        within = bisect_right(self.values, limit)
        return binomial.p_below(within, len(self.values), self.quantile)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """As for the share of values within the limit."""
        n = len(self.values)
        if side == "upper":
            within = bisect_right(self.values, limit)
            share = Rate(within, within, n, self.n_errored)
            return share.samples_to_settle(self.quantile, "lower", alpha)
        below = bisect_left(self.values, limit)
        share = Rate(below, below, n, self.n_errored)
        return share.samples_to_settle(self.quantile, "upper", alpha)


def from_exceed(over: int, n: int, n_errored: int) -> Rate:
    """The share within a limit, from the count over it; to be compared with q.

    An errored example counts as over the limit for a lower bound and as within for an upper.
    """
    return Rate(n - over, n - over, n, n_errored, scale=WITHIN)


def from_order(
    quantiles: Sequence[tuple[float, float]],
    q: float,
    limit: float,
    side: Side,
    n: int,
    n_errored: int,
) -> Rate | None:
    """The share within a limit, from several quantiles of one series; None where they say nothing.

    A quantile q' within the limit means that at least floor(q' n) values are, whichever of the
    usual definitions computed it; one over the limit means that at most floor(q' n) + 1 are (one
    less than n for the maximum, q' = 1). Only a quantile other than q can settle q.

    Args:
        quantiles: (q', value) pairs, 0 < q' <= 1.
        q: The quantile that the limit is about.
        limit: The rule's limit.
        side: "upper" where values must not exceed it (values equal to it are within), "lower"
            where they must reach it (values equal to it are not within).
        n: Values in the series.
        n_errored: Errored examples beside them.

    Raises:
        ValueError: for quantiles that contradict each other.
    """
    low, high, informative = 0, n, False
    for share, value in quantiles:
        reached = floor(share * n + _SLACK)
        if value <= limit if side == "upper" else value < limit:
            low = max(low, reached)
            informative |= share > q
        else:
            high = min(high, n - 1 if share >= 1.0 else min(n, reached + 1))
            informative |= share < q
    if low > high:
        raise ValueError("a higher quantile lies below a lower one")
    return Rate(low, high, n, n_errored, scale=WITHIN) if informative else None
