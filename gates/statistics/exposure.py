"""Events per exposure, such as incidents per thousand hours: Garwood's exact Poisson interval.

Garwood, Biometrika 28 (1936), 437-442. The false-pass rate never exceeds alpha. It refuses
negative counts and exposures that are no amount; with errors an upper bound says nothing, because
a lost stretch may hide any number of events.
"""

from dataclasses import dataclass
from math import ceil, inf, isfinite, isinf, isnan

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.special import gammainc, gammaincc, gammainccinv, gammaincinv


@dataclass(frozen=True, slots=True)
class EventRate:
    """Events per unit of exposure; implements Estimate.

    Raises:
        ValueError: unless events >= 0, and the exposure and their ratio are positive and finite.
    """

    events: int
    exposure: float
    n_errored: int = 0
    method: str = "garwood"
    approximate: bool = False

    def __post_init__(self) -> None:
        if self.events < 0 or not 0.0 < self.exposure < inf or isinf(self.events / self.exposure):
            raise ValueError("events per exposure need a count and a positive exposure")

    @property
    def value(self) -> float:
        """Events per unit."""
        return self.events / self.exposure

    @property
    def n(self) -> int | None:
        """None: an exposure is not a number of examples."""
        return None

    @property
    def count(self) -> int | None:
        """Events."""
        return self.events

    def lower(self, alpha: float, *, errors: bool) -> float:
        """G^-1(alpha; k) / exposure; 0 without events."""
        del errors  # what was lost can only add events
        return gammaincinv(self.events, alpha) / self.exposure if self.events else 0.0

    def upper(self, alpha: float, *, errors: bool) -> float:
        """G^-1(1 - alpha; k + 1) / exposure."""
        if errors and self.n_errored:
            return inf
        return gammainccinv(self.events + 1, alpha) / self.exposure

    def p_below(self, limit: float) -> float:
        """P(X <= k) at the limit."""
        return gammaincc(self.events + 1, self._expected(limit)) if limit > 0.0 else 1.0

    def p_above(self, limit: float) -> float:
        """P(X >= k) at the limit."""
        if limit < 0.0:
            return 0.0
        return gammainc(self.events, self._expected(limit)) if self.events else 1.0

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Units of exposure in all for an 80% chance, rounded up; None with errors."""
        gap = self.value - limit if side == "lower" else limit - self.value
        if not gap > 0.0 or not alpha > 0.0 or self.n_errored:
            return None

        def clears(units: int) -> bool:
            mean = self.value * units
            # The count that 80% of samples stay at or below (or reach), by bisection on its tail.
            events = _power_count(mean, side)
            known = EventRate(events, float(units))
            bound = known.upper if side == "upper" else known.lower
            found = bound(alpha, errors=False)
            return found <= limit if side == "upper" else found >= limit

        return power.first(clears)

    def _expected(self, limit: float) -> float:
        found = limit * self.exposure
        return found if isfinite(found) and not isnan(found) else inf


def _power_count(mean: float, side: Side) -> int:
    """The least k with P(X <= k) >= 80%, or the largest with P(X >= k) >= 80%."""
    low, high = -1, ceil(mean + 10.0 * mean**0.5 + 10.0)
    while high - low > 1:
        middle = (low + high) // 2
        if side == "upper":
            enough = gammaincc(middle + 1, mean) >= power.POWER
        else:
            enough = middle > 0 and gammainc(middle, mean) < power.POWER
        low, high = (low, middle) if enough else (middle, high)
    return high if side == "upper" else max(0, low)
