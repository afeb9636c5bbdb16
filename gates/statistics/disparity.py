"""The worst of several comparisons between groups, as one quantity that a rule can bound.

A group holds if it holds against every other group, so a pass needs every pair at the whole alpha
(intersection-union, Berger, Technometrics 24, 1982) and a fail divides alpha over the pairs. A gap
of either sign is two one-sided tests (Schuirmann, J. Pharmacokin. Biopharm. 15, 1987). It chooses
no reference: whoever compares with the highest group hands in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from gates.statistics.estimate import Estimate, Side


@dataclass(frozen=True, slots=True)
class Least:
    """The smallest of several quantities, such as the ratios to every other group; an Estimate."""

    parts: tuple[Estimate, ...]
    count: int | None = None

    @property
    def value(self) -> float:
        """The smallest point estimate."""
        return min(part.value for part in self.parts)

    @property
    def n(self) -> int | None:
        """The group's scored examples."""
        return self.parts[0].n

    @property
    def method(self) -> str:
        """That of the comparisons."""
        return self.parts[0].method

    @property
    def approximate(self) -> bool:
        """As exact as the least exact comparison."""
        return any(part.approximate for part in self.parts)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The smallest lower bound."""
        return min(part.lower(alpha, errors=errors) for part in self.parts)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The smallest upper bound at alpha over the number of comparisons."""
        return min(part.upper(alpha / len(self.parts), errors=errors) for part in self.parts)

    def p_below(self, limit: float) -> float:
        """The smallest p-value times the number of comparisons (Bonferroni)."""
        return min(1.0, len(self.parts) * min(part.p_below(limit) for part in self.parts))

    def p_above(self, limit: float) -> float:
        """The largest p-value."""
        return max(part.p_above(limit) for part in self.parts)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """What the hungriest comparison asks of this group, the others growing in proportion."""
        if side == "upper":
            alpha /= len(self.parts)
        wanted = [part.samples_to_settle(limit, side, alpha) for part in self.parts]
        sizes = [n for n in wanted if n is not None]
        if side == "upper":
            return min(sizes, default=None)
        return max(sizes) if len(sizes) == len(wanted) else None


@dataclass(frozen=True, slots=True)
class Negated:
    """Minus a quantity; implements Estimate."""

    inner: Estimate

    @property
    def value(self) -> float:
        """Minus the point estimate."""
        return -self.inner.value

    @property
    def n(self) -> int | None:
        """The inner one's."""
        return self.inner.n

    @property
    def count(self) -> int | None:
        """A difference counts nothing."""
        return None

    @property
    def method(self) -> str:
        """The inner one's."""
        return self.inner.method

    @property
    def approximate(self) -> bool:
        """The inner one's."""
        return self.inner.approximate

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Minus the upper bound."""
        return -self.inner.upper(alpha, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Minus the lower bound."""
        return -self.inner.lower(alpha, errors=errors)

    def p_below(self, limit: float) -> float:
        """That of the inner one above minus the limit."""
        return self.inner.p_above(-limit)

    def p_above(self, limit: float) -> float:
        """That of the inner one below minus the limit."""
        return self.inner.p_below(-limit)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """That of the inner one on the other side."""
        other: Side = "upper" if side == "lower" else "lower"
        return self.inner.samples_to_settle(-limit, other, alpha)


def largest(parts: Sequence[Estimate]) -> Estimate:
    """The largest of several quantities, such as how far every other group lies above."""
    return Negated(Least(tuple(Negated(part) for part in parts)))


@dataclass(frozen=True, slots=True)
class Size:
    """The size |d| of a difference between two groups; implements Estimate."""

    inner: Estimate
    count: int | None = None

    @property
    def value(self) -> float:
        """The size of the point estimate."""
        return abs(self.inner.value)

    @property
    def n(self) -> int | None:
        """The group's scored examples."""
        return self.inner.n

    @property
    def method(self) -> str:
        """The inner one's."""
        return self.inner.method

    @property
    def approximate(self) -> bool:
        """The inner one's."""
        return self.inner.approximate

    def lower(self, alpha: float, *, errors: bool) -> float:
        """How far the difference is shown to lie from 0, each side at half of alpha."""
        half = alpha / 2.0
        low = self.inner.lower(half, errors=errors)
        return max(0.0, low, -self.inner.upper(half, errors=errors))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The farther of both bounds: two one-sided tests, each at alpha."""
        low = self.inner.lower(alpha, errors=errors)
        return max(self.inner.upper(alpha, errors=errors), -low)

    def p_below(self, limit: float) -> float:
        """The larger of two one-sided p-values."""
        if limit <= 0.0:
            return 1.0
        return max(self.inner.p_below(limit), self.inner.p_above(-limit))

    def p_above(self, limit: float) -> float:
        """Twice the smaller of two one-sided p-values."""
        if limit < 0.0:
            return 0.0
        return min(1.0, 2.0 * min(self.inner.p_above(limit), self.inner.p_below(-limit)))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Within the limit: what the farther side asks; beyond it: what the nearer one does."""
        if side == "upper":
            wanted = [
                self.inner.samples_to_settle(limit, "upper", alpha),
                self.inner.samples_to_settle(-limit, "lower", alpha),
            ]
            sizes = [n for n in wanted if n is not None]
            return max(sizes) if len(sizes) == len(wanted) else None
        sign: Side = "lower" if self.inner.value > 0.0 else "upper"
        at = limit if sign == "lower" else -limit
        return self.inner.samples_to_settle(at, sign, alpha / 2.0) if limit < inf else None
