"""Exact bounds and tests for a rate: Clopper and Pearson, Biometrika 26 (1934).

The false-pass rate never exceeds alpha, whatever n and the true rate. It refuses counts that
cannot be and alphas that are no probability; it never approximates.
"""

from dataclasses import dataclass
from math import ceil, expm1, floor, isnan, log

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.special import betainc, betaincc, betainccinv, betaincinv

ROUNDING = 0.01
"""How far value x n may lie from a whole number and still mean that number."""
_MOST = 10**9


def lower(x: int, n: int, alpha: float) -> float:
    """Lower bound of the rate behind x successes of n, with error alpha.

    B^-1(alpha; x, n - x + 1); 0 at x = 0, alpha^(1/n) at x = n.

    Raises:
        ValueError: unless 0 <= x <= n and 0 <= alpha <= 1.
    """
    x, n = _counted(x, n, up=False)
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"{alpha} is not a probability")
    if x == 0 or alpha == 0.0:
        return 0.0
    if x == n:
        return float(alpha ** (1.0 / n))
    return betaincinv(x, n - x + 1, alpha)


def upper(x: int, n: int, alpha: float) -> float:
    """Upper bound of the rate behind x successes of n, with error alpha.

    B^-1(1 - alpha; x + 1, n - x); 1 at x = n, 1 - alpha^(1/n) at x = 0.

    Raises:
        ValueError: unless 0 <= x <= n and 0 <= alpha <= 1.
    """
    x, n = _counted(x, n, up=True)
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"{alpha} is not a probability")
    if x == n or alpha == 0.0:
        return 1.0
    if x == 0:
        return -expm1(log(alpha) / n)
    return betainccinv(x + 1, n - x, alpha)


def p_below(x: int, n: int, limit: float) -> float:
    """P(X <= x) at rate `limit`: the p-value of H0 "rate >= limit".

    Raises:
        ValueError: unless 0 <= x <= n and limit is a number.
    """
    x, n = _counted(x, n, up=True)
    if isnan(limit):
        raise ValueError("a limit is not a number")
    if limit > 1.0:
        return 0.0
    if x == n or limit <= 0.0:
        return 1.0
    return 0.0 if limit == 1.0 else betaincc(x + 1, n - x, limit)


def p_above(x: int, n: int, limit: float) -> float:
    """P(X >= x) at rate `limit`: the p-value of H0 "rate <= limit".

    Raises:
        ValueError: unless 0 <= x <= n and limit is a number.
    """
    x, n = _counted(x, n, up=False)
    if isnan(limit):
        raise ValueError("a limit is not a number")
    if limit < 0.0:
        return 0.0
    if x == 0 or limit >= 1.0:
        return 1.0
    return 0.0 if limit == 0.0 else betainc(x, n - x + 1, limit)


def _counted(x: int, n: int, *, up: bool) -> tuple[int, int]:
    """A possible count, and beyond a billion examples no more confidence than a billion give.

    scipy loses its digits there; the count is rounded towards the side that shows less.
    """
    if not 0 <= x <= n:
        raise ValueError(f"{x} of {n} is not a count of successes")
    if n <= _MOST:
        return x, n
    return (-(-x * _MOST // n) if up else x * _MOST // n), _MOST


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate known from a count of n; implements Estimate, on the scale of shares.

    `count_low` and `count_high` differ only where the count was recovered from a rounded value or
    bounded from order information; each side uses the one that is worse for it. An errored
    example is a failure for the lower bound and a success for the upper. `stated` is the value as
    it was sent. `scale` is "share_within_limit" where the rate is a quantile's share.
    """

    count_low: int
    count_high: int
    n: int
    n_errored: int = 0
    stated: float | None = None
    scale: str = "metric"

    @property
    def value(self) -> float:
        """The observed share, or the share as it was stated; 0.5 of nothing."""
        if self.stated is not None:
            return self.stated
        return (self.count_low + self.count_high) / (2 * self.n) if self.n else 0.5

    @property
    def count(self) -> int | None:
        """Successes of n, None where the count is only known to a range."""
        return self.count_low if self.count_low == self.count_high else None

    @property
    def method(self) -> str:
        """Always `clopper_pearson`."""
        return "clopper_pearson"

    @property
    def approximate(self) -> bool:
        """Exact."""
        return False

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Clopper-Pearson lower bound; errors are failures."""
        return lower(self.count_low, self.n + self.n_errored if errors else self.n, alpha)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Clopper-Pearson upper bound; errors are successes."""
        more = self.n_errored if errors else 0
        return upper(self.count_high + more, self.n + more, alpha)

    def p_below(self, limit: float) -> float:
        """P(X <= count) at the limit."""
        return p_below(self.count_high, self.n, limit)

    def p_above(self, limit: float) -> float:
        """P(X >= count) at the limit."""
        return p_above(self.count_low, self.n, limit)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Stable exact sample size; errors are assumed to keep coming at the rate seen."""
        total = self.n + self.n_errored
        if total == 0:
            return None
        counted = self.count_low if side == "lower" else self.count_high
        successes = counted if self.stated is None else self.stated * self.n
        worst = self.n_errored if side == "upper" else 0
        return power.rate((successes + worst) / total, limit, side, alpha)


def from_value(value: float, n: int, n_errored: int = 0) -> Rate:
    """The rate behind a stated share in [0, 1] of n.

    The count is floor(value n + 0.01) towards a lower bound and ceil(value n - 0.01) towards an
    upper one, so a rounded value never gains an example (statistics.md, correction 10).

    Raises:
        ValueError: for a share outside [0, 1] or NaN.
    """
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{value} is not a share")
    low = min(n, floor(value * n + ROUNDING))
    return Rate(low, max(low, min(n, ceil(value * n - ROUNDING))), n, n_errored, stated=value)
