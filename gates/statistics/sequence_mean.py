"""Means at every look: an asymptotic confidence sequence, from n, value and standard error alone.

Half-width stderr * M with M^2 = 2 (n r + 1) / (n r) * ln(1 + sqrt(n r + 1) / (2 alpha)) and
r = 6.33 / n_plan (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, Ann. Statist. 52, 2024). It is
never for rates near 0 or 1, and refuses fewer than a hundred scores.
"""

from dataclasses import dataclass
from math import exp, inf, isfinite, log1p, sqrt
from typing import Protocol

from gates.statistics import power
from gates.statistics.estimate import Estimate, Side
from gates.statistics.sequence_rate import TUNED

MIN_SCORES = 100


class Spread(Protocol):
    """(value, standard error) that speak against a bound on this side, errors counted or not."""

    def __call__(self, side: Side, *, errors: bool) -> tuple[float, float]:
        """Of all examples so far."""


def multiplier(n: float, alpha: float, n_plan: float) -> float:
    """How many standard errors the bound lies away, n >= 1, 0 < alpha < 1; inf at alpha 0."""
    if alpha <= 0.0:
        return inf
    r = TUNED / n_plan
    grown = n * r + 1.0
    return sqrt(2.0 * grown / (n * r) * log1p(sqrt(grown) / (2.0 * alpha)))


def p_at(distance: float, n: float, n_plan: float) -> float:
    """The alpha whose multiplier is `distance`; 1 where the bound says less than nothing."""
    if not distance > 0.0:
        return 1.0
    r = TUNED / n_plan
    grown = n * r + 1.0
    power_of_e = distance * distance * (n * r) / (2.0 * grown)
    if power_of_e > 700.0:
        return 0.0
    above = exp(power_of_e) - 1.0
    return min(1.0, sqrt(grown) / (2.0 * above)) if above > 0.0 else 1.0


@dataclass(frozen=True, slots=True)
class SequentialMean:
    """A mean, or a difference of means, whose bounds hold at every look; implements Estimate.

    `known` is the estimate for a single look, `spread` what it rests on, `size` its smallest
    sample, `ends` the range in which any value lies.
    """

    known: Estimate
    spread: Spread
    size: int
    n_plan: float
    ends: tuple[float, float] = (-inf, inf)
    approximate: bool = True
    count: int | None = None

    @property
    def value(self) -> float:
        """That of the estimate."""
        return self.known.value

    @property
    def n(self) -> int | None:
        """Scored examples so far."""
        return self.known.n

    @property
    def method(self) -> str:
        """Named after the estimate whose spread it takes."""
        return f"asymptotic_sequence_{self.known.method}"

    @property
    def cumulative(self) -> tuple[tuple[float, float], ...]:
        """Examples may not shrink."""
        n = float(self.n or 0)
        return ((n, n),)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Value - M stderr."""
        return self._bound("lower", alpha, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Value + M stderr."""
        return self._bound("upper", alpha, errors=errors)

    def p_below(self, limit: float) -> float:
        """The alpha at which the upper bound reaches the limit."""
        if limit > self.ends[1]:
            return 0.0
        value, stderr = self.spread("upper", errors=False)
        return self._p(limit - value, stderr)

    def p_above(self, limit: float) -> float:
        """The alpha at which the lower bound reaches the limit."""
        if limit < self.ends[0]:
            return 0.0
        value, stderr = self.spread("lower", errors=False)
        return self._p(value - limit, stderr)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The n at which M + z standard errors fit into the gap."""
        value, stderr = self.spread(side, errors=True)
        gap = value - limit if side == "lower" else limit - value
        if not gap > 0.0 or not isfinite(stderr) or alpha <= 0.0:
            return None
        deviation = stderr * sqrt(self.size)

        def clears(n: int) -> bool:
            away = multiplier(n, alpha, self.n_plan) + power.Z_POWER
            return n >= MIN_SCORES and gap >= away * deviation / sqrt(n)

        return power.first(clears)

    def _bound(self, side: Side, alpha: float, *, errors: bool) -> float:
        unknown = self.ends[0] if side == "lower" else self.ends[1]
        if self.size < MIN_SCORES:
            return unknown
        value, stderr = self.spread(side, errors=errors)
        if not (isfinite(value) and isfinite(stderr)):
            return unknown
        reach = multiplier(self.size, alpha, self.n_plan) * stderr if stderr else 0.0
        return max(unknown, value - reach) if side == "lower" else min(unknown, value + reach)

    def _p(self, gap: float, stderr: float) -> float:
        if self.size < MIN_SCORES or not isfinite(stderr):
            return 1.0
        if stderr == 0.0:
            return 0.0 if gap > 0.0 else 1.0
        return p_at(gap / stderr, self.size, self.n_plan)
