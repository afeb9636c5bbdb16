"""The shift between a candidate's series and a baseline's, beyond a tolerance; a canary's question.

"Not more than 25% above" compares the candidate with the baseline whose values were all raised by
25%, so that no uncertain baseline level is divided by. Unlike automated canary analysis that takes
what it cannot show for a pass, an interval that reaches over the tolerance shows nothing here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, sqrt

from gates.statistics import power, ranks
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile

FENCE = 3.0
"""Values more than three interquartile ranges beyond the quartiles are outliers (Tukey, 1977)."""

Arms = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class RankShift:
    """Candidate - tolerated baseline by Mann-Whitney; implements Estimate.

    `share` is signed: +0.25 tolerates values 25% higher, -0.25 values 25% lower. Values are
    sorted. An errored value is the worst there can be: beyond all others, on the side that hurts;
    with `errors_are` "left_out" it is left out, with "zero" it counts as 0 where that hurts.
    `without_outliers` asks both with and without outliers, and believes the worse answer.
    `is_small` says that the effect lies within what the policy allows: then nothing is refuted.
    """

    candidate: tuple[float, ...]
    baseline: tuple[float, ...]
    share: float
    candidate_errors: int = 0
    baseline_errors: int = 0
    errors_are: str = "worst"
    without_outliers: bool = False
    is_small: bool = False
    method: str = "mann_whitney"
    approximate: bool = True
    count: int | None = None

    @property
    def value(self) -> float:
        """Hodges and Lehmann's shift against the tolerated baseline."""
        return ranks.hodges_lehmann(self.candidate, self._tolerated(self.baseline))

    @property
    def n(self) -> int | None:
        """The candidate's values."""
        return len(self.candidate)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest shift that the candidate is shown to lie above; -inf without one."""
        arms = self._arms("lower", errors=errors)
        return min(-_upper(_mirrored(x), _mirrored(y), alpha) for x, y in arms)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The least shift that the candidate is shown to lie below; inf without one."""
        return max(_upper(x, y, alpha) for x, y in self._arms("upper", errors=errors))

    def p_below(self, limit: float) -> float:
        """Mann-Whitney of H0 "the shift is at least the limit"."""
        if self.is_small:
            return 1.0
        return max(ranks.p_above(y, x, -limit) for x, y in self._arms("upper", errors=False))

    def p_above(self, limit: float) -> float:
        """Mann-Whitney of H0 "the shift is at most the limit"."""
        if self.is_small:
            return 1.0
        return max(ranks.p_above(x, y, limit) for x, y in self._arms("lower", errors=False))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """By the normal formula, from how far the bound lies from the shift now."""
        bound = (
            self.lower(alpha, errors=True) if side == "lower" else self.upper(alpha, errors=True)
        )
        gap = self.value - limit if side == "lower" else limit - self.value
        reach = abs(self.value - bound)
        if not 0.0 < reach < inf:
            return None
        deviation = reach / z_quantile(alpha) * sqrt(len(self.candidate))
        return power.mean(gap, deviation, alpha)

    def _tolerated(self, values: Sequence[float]) -> tuple[float, ...]:
        return tuple(sorted(value + self.share * abs(value) for value in values))

    def _arms(self, side: Side, *, errors: bool) -> list[Arms]:
        """The pairs of samples that must all agree."""
        bad = -inf if side == "lower" else inf
        e1, e0 = (self.candidate_errors, self.baseline_errors) if errors else (0, 0)
        pairs = [(self.candidate, self.baseline)]
        if self.without_outliers:
            pairs.append((_fenced(self.candidate), _fenced(self.baseline)))
        found = []
        for x, y in pairs:
            arms = (x, self._tolerated(y))
            found.append(arms)
            if self.errors_are == "zero" and (e1 or e0):
                found.append((_joined(x, 0.0, e1), self._tolerated(_joined(y, 0.0, e0))))
            elif self.errors_are == "worst" and (e1 or e0):
                found.append((_joined(x, bad, e1), _joined(arms[1], -bad, e0)))
        return found


def cles(x: Sequence[float], y: Sequence[float]) -> float:
    """The common-language effect size P(X > Y) + P(X = Y) / 2 (McGraw and Wong, 1992)."""
    return ranks.wins(x, sorted(y)) / (len(x) * len(y))


def _upper(x: Sequence[float], y: Sequence[float], alpha: float) -> float:
    return ranks.turning(x, y, lambda shift: ranks.p_above(y, x, -shift) <= alpha)


def _mirrored(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(-value for value in reversed(values))


def _joined(values: Sequence[float], extra: float, times: int) -> tuple[float, ...]:
    return tuple(sorted((*values, *([extra] * times))))


def _fenced(values: tuple[float, ...]) -> tuple[float, ...]:
    """Sorted values within Tukey's outer fences; all of them where there are too few to say."""
    n = len(values)
    if n < 4:
        return values
    low, high = values[ceil(n / 4) - 1], values[floor(3 * n / 4)]
    reach = FENCE * (high - low)
    return tuple(value for value in values if low - reach <= value <= high + reach)
