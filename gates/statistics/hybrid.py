"""The difference of two separate quantities from the bounds of each, without halving the error.

MOVER: Zou and Donner, Statistics in Medicine 27 (2008), 1693-1702; with Wilson's bounds it is
Newcombe's hybrid score method. L = (t1 - t0) - sqrt((t1 - l1)^2 + (u0 - t0)^2), every bound at the
whole alpha. It holds for independent samples and is wide for positively correlated ones. It is
approximate, and refuses to be read as more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, hypot, inf, isnan

from gates.statistics import power
from gates.statistics.estimate import Estimate, Side

_STEPS = 60
_FAR = 1e150
_POWER_TAIL = 1.0 - power.POWER


@dataclass(frozen=True, slots=True)
class HybridDifference:
    """candidate - factor * baseline; implements Estimate. Units: the metric's.

    `factor` is positive: 1 for a plain difference, 0.95 for a margin of 5% below a positive
    baseline. Errors of either arm widen its own bound.
    """

    candidate: Estimate
    baseline: Estimate
    factor: float = 1.0
    method: str = "mover"
    approximate: bool = True
    count: int | None = None

    @property
    def value(self) -> float:
        """The difference of the point estimates."""
        return self.candidate.value - self.factor * self.baseline.value

    @property
    def n(self) -> int | None:
        """The candidate's scored examples."""
        return self.candidate.n

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The difference less the root of both squared margins."""
        down = self.candidate.value - self.candidate.lower(alpha, errors=errors)
        up = self.baseline.upper(alpha, errors=errors) - self.baseline.value
        return self.value - _root(down, self.factor * up)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mirror image."""
        up = self.candidate.upper(alpha, errors=errors) - self.candidate.value
        down = self.baseline.value - self.baseline.lower(alpha, errors=errors)
        return self.value + _root(up, self.factor * down)

    def p_below(self, limit: float) -> float:
        """The smallest alpha at which the upper bound reaches the limit, by bisection."""
        return smallest_alpha(lambda alpha: self.upper(alpha, errors=False) <= limit)

    def p_above(self, limit: float) -> float:
        """The smallest alpha at which the lower bound reaches the limit, by bisection."""
        return smallest_alpha(lambda alpha: self.lower(alpha, errors=False) >= limit)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Candidate examples, the baseline growing in proportion; margins shrink as 1 / sqrt n."""
        n = self.candidate.n
        bound = self.lower if side == "lower" else self.upper
        gap = self.value - limit if side == "lower" else limit - self.value
        if n is None or not gap > 0.0 or not alpha > 0.0:
            return None
        reach = [abs(self.value - bound(a, errors=True)) for a in (alpha, _POWER_TAIL)]
        ratio = sum(reach) / gap
        times = ratio**2 if ratio < _FAR else inf
        return max(1, ceil(n * times)) if n * times <= power.CAP else None


def smallest_alpha(shown: Callable[[float], bool]) -> float:
    """The smallest alpha for which `shown` holds, to 1e-40; it must hold for all larger ones."""
    if not shown(1.0 - 1e-9):
        return 1.0
    low, high = -40.0, 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if shown(min(10.0**middle, 1.0 - 1e-9)):
            high = middle
        else:
            low = middle
    return min(1.0, float(10.0**high))


def _root(one: float, two: float) -> float:
    """The root of the squares of two margins, which cannot be negative; inf without numbers."""
    found = hypot(max(0.0, one), max(0.0, two))
    return inf if isnan(found) else found
