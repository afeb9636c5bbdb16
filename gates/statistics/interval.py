"""A confidence interval that a tool computed, and the widest of several estimates.

The interval is taken as far as it reaches: where more confidence is asked than it has, it says
nothing, unless it only widens an exact bound. It refuses intervals without width: they claim a
certainty that no sample has.
"""

from dataclasses import dataclass
from math import inf, sqrt

from gates.statistics import power
from gates.statistics.estimate import Estimate, Side
from gates.statistics.special import z_quantile, z_tail


def tail_of(confidence: float) -> float:
    """What one side of a two-sided interval errs; rounded, so that 95% gives .025 and not more."""
    return round((1.0 - confidence) / 2.0, 12)


def is_confidence(number: float) -> bool:
    """Whether a two-sided interval can have it: within 1e-12 of 0 or 1 it says nothing, or all."""
    return 0.0 < tail_of(number) < 0.5


@dataclass(frozen=True, slots=True)
class SuppliedInterval:
    """A two-sided interval with its confidence in (0, 1), of n examples; implements Estimate.

    Each side errs with `tail` = (1 - confidence) / 2. A bound at alpha is the interval's end
    where tail <= alpha, else nothing; with `stretched` it is moved out in proportion to the
    normal quantile. With a range in which means are linear, e errors pull a bound b to
    (n b + e worst) / (n + e); without one they leave nothing to say.

    Raises:
        ValueError: for an interval without width, or one that misses its own value.
    """

    value: float
    ends: tuple[float, float]
    confidence: float
    n: int
    n_errored: int = 0
    value_range: tuple[float, float] | None = None
    stretched: bool = False
    method: str = "supplied_interval"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        low, high = self.ends
        if not (low <= self.value <= high and low < high and is_confidence(self.confidence)):
            raise ValueError("an interval needs width, its own value inside, and a confidence")

    @property
    def tail(self) -> float:
        """What one side errs."""
        return tail_of(self.confidence)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The lower end, as far as it reaches."""
        bound = self.value - self._reach(alpha, self.value - self.ends[0])
        worst = self.value_range[0] if self.value_range else -inf
        return max(worst, self._pulled(bound, worst, errors=errors))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The upper end, as far as it reaches."""
        bound = self.value + self._reach(alpha, self.ends[1] - self.value)
        worst = self.value_range[1] if self.value_range else inf
        return min(worst, self._pulled(bound, worst, errors=errors))

    def p_below(self, limit: float) -> float:
        """`tail` where the interval lies at or below the limit; less only where stretched."""
        if self.value_range and limit > self.value_range[1]:
            return 0.0
        return self._p(limit - self.value, self.ends[1] - self.value)

    def p_above(self, limit: float) -> float:
        """`tail` where the interval lies at or above the limit; less only where stretched."""
        if self.value_range and limit < self.value_range[0]:
            return 0.0
        return self._p(self.value - limit, self.value - self.ends[0])

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula; None where not more examples but a wider interval is needed."""
        if self.tail > alpha and not self.stretched:
            return None
        if self.n_errored and self.value_range is None:
            return None
        gap = self.value - limit if side == "lower" else limit - self.value
        reach = self.value - self.ends[0] if side == "lower" else self.ends[1] - self.value
        return power.mean(gap, reach / z_quantile(self.tail) * sqrt(self.n), alpha)

    def _reach(self, alpha: float, side: float) -> float:
        """How far the bound lies from the value; inf where the interval does not reach."""
        if self.tail <= alpha:
            return side
        if not self.stretched:
            return inf
        return side * z_quantile(alpha) / z_quantile(self.tail) if side > 0.0 else 0.0

    def _p(self, gap: float, side: float) -> float:
        if gap < side or gap <= 0.0:
            return 1.0
        if not self.stretched or side == 0.0:
            return self.tail
        return min(self.tail, z_tail(z_quantile(self.tail) * (gap / side)))

    def _pulled(self, bound: float, worst: float, *, errors: bool) -> float:
        if not errors or not self.n_errored:
            return bound
        return (self.n * bound + self.n_errored * worst) / (self.n + self.n_errored)


@dataclass(frozen=True, slots=True)
class Widest:
    """Several estimates of one quantity, of which every bound must clear; implements Estimate.

    The first is the one shown. Its guarantee survives the others, because they only widen.
    """

    first: Estimate
    others: tuple[Estimate, ...]

    @property
    def value(self) -> float:
        """The first estimate's."""
        return self.first.value

    @property
    def n(self) -> int | None:
        """The first estimate's."""
        return self.first.n

    @property
    def count(self) -> int | None:
        """The first estimate's."""
        return self.first.count

    @property
    def method(self) -> str:
        """All names, joined."""
        return "+".join(part.method for part in self._parts)

    @property
    def approximate(self) -> bool:
        """As exact as the most exact part."""
        return all(part.approximate for part in self._parts)

    @property
    def _parts(self) -> tuple[Estimate, ...]:
        return (self.first, *self.others)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The lowest."""
        return min(part.lower(alpha, errors=errors) for part in self._parts)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The highest."""
        return max(part.upper(alpha, errors=errors) for part in self._parts)

    def p_below(self, limit: float) -> float:
        """The largest."""
        return max(part.p_below(limit) for part in self._parts)

    def p_above(self, limit: float) -> float:
        """The largest."""
        return max(part.p_above(limit) for part in self._parts)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """What the hungriest asks; None where one is never settled."""
        wanted = [part.samples_to_settle(limit, side, alpha) for part in self._parts]
        sizes = [n for n in wanted if n is not None]
        return max(sizes) if len(sizes) == len(wanted) else None
