"""The mean of scores in a declared range, from value and n alone: Chernoff's bound.

Holds for every distribution on the range (Hoeffding, JASA 58, 1963, theorem 1), and is wide for
it. n must be the number of scores averaged: F1, AUC or precision over examples do not qualify.
"""

from dataclasses import dataclass
from math import exp, inf, log, log1p, sqrt

from gates.statistics import power
from gates.statistics.estimate import Side

_STEPS = 64


@dataclass(frozen=True, slots=True)
class ChernoffMean:
    """A mean of n scores in [low, high] of which nothing else is known; implements Estimate.

    Raises:
        ValueError: for a mean outside the range, or an empty sample or range.
    """

    value: float
    n: int
    low: float
    high: float
    n_errored: int = 0
    method: str = "kl_chernoff"
    approximate: bool = False
    count: int | None = None

    def __post_init__(self) -> None:
        if not (self.low <= self.value <= self.high and self.low < self.high and self.n > 0):
            raise ValueError(f"{self.value} is no mean of {self.n} scores in the range")

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The least q with n KL(v, q) <= log(1 / alpha); errors are scores at `low`."""
        n = self.n + (self.n_errored if errors else 0)
        share = self._share(self.value) * (self.n / n)
        return self.low + (self.high - self.low) * _edge(share, n, alpha)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mirror image; errors are scores at `high`."""
        n = self.n + (self.n_errored if errors else 0)
        share = (1.0 - self._share(self.value)) * (self.n / n)
        return self.high - (self.high - self.low) * _edge(share, n, alpha)

    def p_below(self, limit: float) -> float:
        """exp(-n KL(v, limit)) for a value below the limit, else 1."""
        share, at = self._share(self.value), self._share(limit)
        return 1.0 if share >= at else exp(-self.n * divergence(share, at))

    def p_above(self, limit: float) -> float:
        """exp(-n KL(v, limit)) for a value above the limit, else 1."""
        share, at = self._share(self.value), self._share(limit)
        return 1.0 if share <= at else exp(-self.n * divergence(share, at))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """For an 80% chance at the largest variance v (1 - v) that scores of this mean can have.

        Errors are assumed to keep coming at the rate seen.
        """
        total = self.n + self.n_errored
        share, at = self._share(self.value), self._share(limit)
        if side == "upper":
            share, at = 1.0 - share, 1.0 - at
        share *= self.n / total
        if not share > at or not alpha > 0.0:
            return None
        if at <= 0.0:
            return 1
        spread = power.Z_POWER * sqrt(share * (1.0 - share))

        def clears(n: int) -> bool:
            low = share - spread / sqrt(n)
            return low > at and n * divergence(low, at) >= -log(alpha)

        return power.first(clears)

    def _share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


def divergence(v: float, q: float) -> float:
    """KL(v, q) of two coins in nats; inf where q rules v out, also for q outside [0, 1]."""
    if q == v:
        return 0.0
    if q <= 0.0 or q >= 1.0:
        return inf
    first = v * log(v / q) if v > 0.0 else 0.0
    second = (1.0 - v) * (log1p(-v) - log1p(-q)) if v < 1.0 else 0.0
    return max(0.0, first + second)


def _edge(share: float, n: int, alpha: float) -> float:
    """The least q <= share that n scores of this mean do not refute at alpha, from below."""
    if alpha <= 0.0:
        return 0.0
    allowed = -log(alpha) / n
    low, high = 0.0, share
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if divergence(share, middle) <= allowed:
            high = middle
        else:
            low = middle
    return low
